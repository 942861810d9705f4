/* Key files of every form, private and public; a vkey that is read is written the same. */
#include "statement/key_import.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct passphrase_source nothing = { NULL, FALSE };
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(signing_key_t) private = key_import_private(bytes, "fuzz", "fuzz", &nothing, NULL);
    g_autoptr(public_key_t) public = key_import_public(bytes, "fuzz", "fuzz", NULL);

    if (public) {
        g_autofree char *vkey = public_key_text(public);
        g_autoptr(public_key_t) again = public_key_parse(vkey, NULL);

        g_assert_nonnull(again);
        g_assert_cmpmem(again->bytes, KEY_PUBLIC_SIZE, public->bytes, KEY_PUBLIC_SIZE);
        g_assert_cmpstr(again->name, ==, public->name);
    }
    if (private)
        g_assert_cmpuint(private->secret->length, ==, KEY_SEED_SIZE + KEY_PUBLIC_SIZE);
    return 0;
}
