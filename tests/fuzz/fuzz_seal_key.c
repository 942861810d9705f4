/* Seal keys: text of public ones, and key files; what is read is written the same. */
#include "seal/seal_key_store.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct passphrase_source nothing = { NULL, FALSE };
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(seal_secret_t) secret = seal_key_read(text, "fuzz", &nothing, NULL);
    struct seal_public public;

    if (secret) {
        g_autoptr(secret_t) file = seal_key_format(secret, NULL);

        g_assert_cmpuint(file->length, ==, strlen(text));
    }
    if (seal_public_parse(text, &public, NULL)) {
        g_autofree char *again = seal_public_text(&public);

        g_assert_cmpstr(again, ==, text);
    }
    return 0;
}
