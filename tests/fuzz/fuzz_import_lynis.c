/* Foreign findings (lynis): any bytes give an import that survives its own format, or an error. */
#include "import.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import_any(import_lynis, data, size);
    return 0;
}
