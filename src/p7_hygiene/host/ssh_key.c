#include "p7_hygiene/host/ssh_key.h"

#include <string.h>

#define MAGIC "openssh-key-v1" /* followed by a NUL byte */

static const char *const types[] = {
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-256",
    "rsa-sha2-512",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-ed25519-cert-v01@openssh.com",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-dss-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    NULL,
};

void ssh_public_key_clear(struct ssh_public_key *key)
{
    g_clear_pointer(&key->options, g_free);
    g_clear_pointer(&key->type, g_free);
    g_clear_pointer(&key->comment, g_free);
}

/* End of a word whose blanks may stand between double quotes. */
static const char *end_of_word(const char *at)
{
    gboolean quoted = FALSE;

    for (; *at && (quoted || (*at != ' ' && *at != '\t')); at++) {
        if (*at == '\\' && at[1] == '"')
            at++;
        else if (*at == '"')
            quoted = !quoted;
    }
    return at;
}

static gboolean is_type(const char *word)
{
    return g_strv_contains(types, word);
}

/* A string of RFC 4251 section 5: length in four bytes, then the bytes. */
static gboolean take_string(const guint8 **at, gsize *left, const guint8 **bytes, gsize *length)
{
    guint32 size;

    if (*left < sizeof size)
        return FALSE;
    memcpy(&size, *at, sizeof size);
    size = GUINT32_FROM_BE(size);
    if (size > *left - sizeof size)
        return FALSE;
    *bytes = *at + sizeof size;
    *length = size;
    *at += sizeof size + size;
    *left -= sizeof size + size;
    return TRUE;
}

/* Bits of n in the blob "ssh-rsa", e, n; a certificate has a nonce before e. */
static guint rsa_bits(const char *base64, gboolean certificate)
{
    g_autofree guint8 *blob = NULL;
    const guint8 *at, *bytes = NULL;
    gsize left, length = 0;
    guint bits;

    at = blob = g_base64_decode(base64, &left);
    for (int i = 0; i < (certificate ? 4 : 3); i++)
        if (!take_string(&at, &left, &bytes, &length))
            return 0;
    while (length && *bytes == 0) {
        bytes++;
        length--;
    }
    bits = length * 8;
    for (guint8 mask = 0x80; length && mask && !(*bytes & mask); mask >>= 1)
        bits--;
    return bits;
}

gboolean ssh_public_key_parse(const char *line, struct ssh_public_key *key)
{
    const char *at = line + strspn(line, " \t"), *end = end_of_word(at);
    g_autofree char *word = g_strndup(at, end - at), *base64 = NULL;
    g_autofree char *comment = NULL;

    *key = (struct ssh_public_key){ 0 };
    if (!*at || *at == '#')
        return FALSE;
    if (!is_type(word)) {
        key->options = g_steal_pointer(&word);
        at = end + strspn(end, " \t");
        end = end_of_word(at);
        word = g_strndup(at, end - at);
    }
    if (!is_type(word)) {
        ssh_public_key_clear(key);
        return FALSE;
    }
    key->type = g_steal_pointer(&word);
    at = end + strspn(end, " \t");
    end = end_of_word(at);
    base64 = g_strndup(at, end - at);
    if (g_str_has_prefix(key->type, "ssh-rsa") || g_str_has_prefix(key->type, "rsa-"))
        key->bits = rsa_bits(base64, strstr(key->type, "-cert-") != NULL);
    comment = g_strstrip(g_strdup(end));
    if (*comment)
        key->comment = g_steal_pointer(&comment);
    return TRUE;
}

char *ssh_public_key_option(const struct ssh_public_key *key, const char *name)
{
    const char *at = key->options;
    gsize length = strlen(name);

    while (at && *at) {
        const char *end = at;
        gboolean quoted = FALSE;

        for (; *end && (quoted || *end != ','); end++) {
            if (*end == '\\' && end[1] == '"')
                end++;
            else if (*end == '"')
                quoted = !quoted;
        }
        if (g_ascii_strncasecmp(at, name, length) == 0 && at + length <= end) {
            if (at + length == end)
                return g_strdup("");
            if (at[length] == '=') {
                char *value = g_strndup(at + length + 1, end - at - length - 1);
                gsize size = strlen(value);

                if (size >= 2 && value[0] == '"' && value[size - 1] == '"') {
                    value[size - 1] = 0;
                    memmove(value, value + 1, size - 1);
                }
                return value;
            }
        }
        at = *end ? end + 1 : end;
    }
    return NULL;
}

/* "openssh-key-v1", NUL, string cipher: "none" is no protection. */
static enum ssh_private openssh_kind(const char *body, const char *end)
{
    g_autofree char *text = g_strndup(body, end - body);
    g_autofree guint8 *blob = NULL;
    const guint8 *at, *cipher;
    gsize left, length;

    blob = g_base64_decode(text, &left);
    if (left < sizeof MAGIC || memcmp(blob, MAGIC, sizeof MAGIC) != 0)
        return SSH_PRIVATE_PLAIN;
    at = blob + sizeof MAGIC;
    left -= sizeof MAGIC;
    if (!take_string(&at, &left, &cipher, &length))
        return SSH_PRIVATE_PLAIN;
    return length == 4 && memcmp(cipher, "none", 4) == 0 ? SSH_PRIVATE_PLAIN
                                                         : SSH_PRIVATE_ENCRYPTED;
}

enum ssh_private ssh_private_key_kind(const char *text, gsize length)
{
    const char *begin = g_strstr_len(text, length, "-----BEGIN "), *end;
    g_autofree char *armour = NULL;

    if (!begin)
        return SSH_NOT_PRIVATE;
    armour = g_strndup(begin, MIN((gsize)(text + length - begin), 16384));
    if (g_str_has_prefix(armour, "-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        return SSH_PRIVATE_ENCRYPTED;
    end = strchr(armour, '\n');
    if (!end || !g_strstr_len(armour, end - armour, "PRIVATE KEY-----"))
        return SSH_NOT_PRIVATE;
    if (g_str_has_prefix(armour, "-----BEGIN OPENSSH PRIVATE KEY-----")) {
        const char *stop = strstr(end, "-----END");

        return openssh_kind(end, stop ? stop : end + strlen(end));
    }
    return strstr(end, "Proc-Type: 4,ENCRYPTED") ? SSH_PRIVATE_ENCRYPTED : SSH_PRIVATE_PLAIN;
}
