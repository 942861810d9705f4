/* Bundles of entries: the first byte is the width; what is split is put together again the same. */
#include "log/tile.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GByteArray) again = g_byte_array_new();
    g_autoptr(GBytes) bundle = NULL;
    g_autoptr(GPtrArray) entries = NULL;

    if (!size)
        return 0;
    bundle = g_bytes_new(data + 1, size - 1);
    entries = bundle_split(bundle, data[0] + 1u, NULL);
    if (!entries)
        return 0;
    g_assert_cmpuint(entries->len, ==, data[0] + 1u);
    for (guint i = 0; i < entries->len; i++)
        bundle_append(again, g_bytes_get_data(entries->pdata[i], NULL),
                      g_bytes_get_size(entries->pdata[i]));
    g_assert_cmpmem(again->data, again->len, data + 1, size - 1);
    return 0;
}
