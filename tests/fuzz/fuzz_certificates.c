#include "p7_hygiene/host/certificates.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GPtrArray *uses = certificates_new();

    certificates_read(uses, "/c", (const char *)data, size);
    g_ptr_array_unref(uses);
    return 0;
}
