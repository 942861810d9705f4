/* The content of sealed messages; what is read is packed again with the same data. */
#include "seal/content.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) content = g_bytes_new(data, size), rest = NULL, again = NULL, same = NULL;
    g_autoptr(json_t) json = NULL, read = NULL;

    if (!seal_content_unpack(content, &json, &rest, NULL))
        return 0;
    again = seal_content_pack(json, rest, NULL); /* some numbers have no canonical form */
    if (again) {
        g_assert_true(seal_content_unpack(again, &read, &same, NULL));
        g_assert_true(g_bytes_equal(rest, same));
    }
    return 0;
}
