#include "p7_hygiene/host/openpgp.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GArray *keys = openpgp_read(data, size, NULL);

    g_clear_pointer(&keys, g_array_unref);
    return 0;
}
