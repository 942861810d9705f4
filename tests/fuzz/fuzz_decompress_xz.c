#include "decompress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decompress_any(COMPRESSION_XZ, data, size);
    return 0;
}
