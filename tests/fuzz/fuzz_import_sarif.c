/* Foreign findings (sarif): any bytes give an import that survives its own format, or an error. */
#include "import.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import_any(import_sarif, data, size);
    return 0;
}
