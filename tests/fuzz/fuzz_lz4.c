#include "p7_hygiene/host/lz4.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_up(const guint8 *bytes, gsize length, gpointer data)
{
    guint *sum = data;

    for (gsize i = 0; i < length; i++)
        *sum += bytes[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    guint sum = 0;

    lz4_each_piece(data, size, 1u << 20, add_up, &sum, NULL);
    return 0;
}
