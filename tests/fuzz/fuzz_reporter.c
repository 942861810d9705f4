/* Receipts as people type them; what is read is written in its one form, and read the same. */
#include "seal/reporter.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(secret_t) bits = reporter_parse(text, NULL);

    if (bits) {
        g_autoptr(secret_t) written = reporter_words(bits);
        g_autoptr(secret_t) again = reporter_parse((const char *)written->bytes, NULL);

        g_assert_nonnull(again);
        g_assert_cmpmem(again->bytes, again->length, bits->bytes, bits->length);
    }
    return 0;
}
