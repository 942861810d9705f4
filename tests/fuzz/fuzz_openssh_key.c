/* OpenSSH keys: the base64 armour is put around the input, so that the inside is reached. */
#include "statement/key_openssh.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *base64 = g_base64_encode(data, size);
    g_autofree char *armoured = g_strconcat("-----BEGIN OPENSSH PRIVATE KEY-----\n", base64,
                                            "\n-----END OPENSSH PRIVATE KEY-----\n", NULL);
    g_autofree char *line = g_strconcat("ssh-ed25519 ", base64, " comment", NULL);
    g_autofree char *raw = g_strndup((const char *)data, size);
    g_autoptr(signing_key_t) key = key_openssh_private(armoured, "fuzz", NULL);
    g_autoptr(signing_key_t) from_raw = key_openssh_private(raw, "fuzz", NULL);
    g_autoptr(public_key_t) public = key_openssh_public(line, "fuzz", NULL);

    if (key)
        g_assert_cmpmem(key->secret->bytes + KEY_SEED_SIZE, KEY_PUBLIC_SIZE, key->public->bytes,
                        KEY_PUBLIC_SIZE);
    if (public)
        g_assert_cmpstr(public->name, ==, "fuzz");
    return 0;
}
