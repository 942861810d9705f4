/* The JSON reading face: what is read has a canonical form that reads back as itself. */
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(json_t) value = json_parse(data, size, 1 << 20, "input", NULL);
    g_autoptr(GBytes) once = value ? json_canonical(value, NULL) : NULL;
    g_autoptr(json_t) again = NULL;
    g_autoptr(GBytes) twice = NULL;

    if (!once)
        return 0;
    again =
        json_parse(g_bytes_get_data(once, NULL), g_bytes_get_size(once), 1 << 24, "again", NULL);
    /* RFC 8785 writes 1e20 as digits, which is beyond the integers that are read. */
    twice = again ? json_canonical(again, NULL) : NULL;
    if (!twice)
        return 0;
    if (!g_bytes_equal(once, twice))
        abort();
    return 0;
}
