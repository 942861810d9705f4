/* Foreign findings (sarif): any bytes give an import that survives its own format, or an error. */
#include "assess/import.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(imported_t) imported = import_sarif((const char *)data, size, "input", &error);
    g_autoptr(imported_t) again = NULL;
    g_autofree char *text = NULL;

    if (!imported == !error)
        abort();
    if (!imported)
        return 0;
    text = imported_format(imported);
    again = imported_read(text, strlen(text), NULL);
    if (!again || again->findings->len != imported->findings->len)
        abort();
    return 0;
}
