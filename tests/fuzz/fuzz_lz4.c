#include "p7_hygiene/host/lz4.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GByteArray *out = lz4_read(data, size, 1u << 20, NULL);

    g_clear_pointer(&out, g_byte_array_unref);
    return 0;
}
