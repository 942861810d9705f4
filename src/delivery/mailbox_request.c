#include "delivery/mailbox_request.h"

#include "base/error.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define HEADER_LIMIT 1024
#define PARTS 3
#define NONCE_LIMIT 32 /* digits */
#define NONCE_DIGITS 16
#define BYTE_BITS 8
#define HTTP_PORT 80
#define HTTPS_PORT 443
#define FILLING 25 /* percent of a quota from which a message costs more */
#define FILLING_STEP 8

void mailbox_signature_clear(struct mailbox_signature *signature)
{
    g_clear_pointer(&signature->hint, g_free);
}

gboolean mailbox_signature_parse(const char *text, struct mailbox_signature *signature,
                                 GError **error)
{
    g_auto(GStrv) parts = strlen(text) <= HEADER_LIMIT ? g_strsplit(text, " ", PARTS + 1) : NULL;
    guint64 time_s;

    *signature = (struct mailbox_signature){ 0 };
    if (!parts || g_strv_length(parts) != PARTS || !*parts[0] ||
        !g_utf8_validate(parts[0], -1, NULL) ||
        !g_ascii_string_to_unsigned(parts[1], 10, 0, G_MAXINT32 * G_GUINT64_CONSTANT(1000), &time_s,
                                    NULL) ||
        !base64_decode_into(parts[2], -1, signature->bytes, sizeof signature->bytes))
        return input_error(error, MAILBOX_SIGNATURE_HEADER " is \"NAME+HEX8 SECONDS BASE64\"");
    signature->hint = g_strdup(parts[0]);
    signature->time_s = (gint64)time_s;
    return TRUE;
}

char *mailbox_authority(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    const char *host = uri ? g_uri_get_host(uri) : NULL;
    g_autofree char *lower = host && *host ? g_ascii_strdown(host, -1) : NULL;
    g_autofree char *name = NULL;
    gint port, implied;

    if (!lower)
        return NULL;
    name = strchr(lower, ':') ? g_strdup_printf("[%s]", lower) : g_strdup(lower); /* IPv6 */
    port = g_uri_get_port(uri);
    implied = g_str_equal(g_uri_get_scheme(uri), "https") ? HTTPS_PORT : HTTP_PORT;
    return port < 0 || port == implied ? g_steal_pointer(&name)
                                       : g_strdup_printf("%s:%d", name, port);
}

char *mailbox_sha256(GBytes *bytes)
{
    return bytes ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes)
                 : g_compute_checksum_for_string(G_CHECKSUM_SHA256, "", 0);
}

static char *signed_text(const struct mailbox_request *request, gint64 time_s)
{
    return g_strdup_printf("entente/mailbox/2\n%s\n%s\n%s\n%" G_GINT64_FORMAT "\n%s\n",
                           request->method, request->authority, request->target, time_s,
                           request->sha256);
}

gboolean mailbox_signature_verify(const struct mailbox_signature *signature,
                                  const struct public_key *key,
                                  const struct mailbox_request *request, gint64 now_us,
                                  GError **error)
{
    const gint64 now_s = now_us / G_USEC_PER_SEC;
    g_autofree char *text = signed_text(request, signature->time_s);

    if (ABS(now_s - signature->time_s) > MAILBOX_SKEW_S)
        return policy_error(error, "the request was signed more than %d s away from now",
                            MAILBOX_SKEW_S);
    return public_key_verify(key, text, strlen(text), signature->bytes) ||
           policy_error(error, "the request's signature does not verify");
}

char *mailbox_sign(const struct signing_key *key, const struct mailbox_request *request,
                   gint64 now_us)
{
    const gint64 now_s = now_us / G_USEC_PER_SEC;
    g_autofree char *text = signed_text(request, now_s);
    g_autofree char *hint = public_key_hint(key->public);
    g_autofree char *base64 = NULL;
    guint8 signature[KEY_SIGNATURE_SIZE];

    signing_key_sign(key, text, strlen(text), signature);
    base64 = g_base64_encode(signature, sizeof signature);
    return g_strdup_printf("%s %" G_GINT64_FORMAT " %s", hint, now_s, base64);
}

/* --- work --- */

/* The state after the mailbox and the body's hash; nonces are tried from there. */
static void begin_work(crypto_hash_sha256_state *state, const char *mailbox, GBytes *body)
{
    guint8 digest[crypto_hash_sha256_BYTES];
    gsize size;
    const void *bytes = g_bytes_get_data(body, &size);

    crypto_hash_sha256(digest, bytes, size);
    crypto_hash_sha256_init(state);
    crypto_hash_sha256_update(state, (const guint8 *)mailbox, strlen(mailbox));
    crypto_hash_sha256_update(state, digest, sizeof digest);
}

static gboolean is_worth(const crypto_hash_sha256_state *state, const char *nonce, guint bits)
{
    crypto_hash_sha256_state own = *state;
    guint8 digest[crypto_hash_sha256_BYTES];
    guint i = 0;

    crypto_hash_sha256_update(&own, (const guint8 *)nonce, strlen(nonce));
    crypto_hash_sha256_final(&own, digest);
    for (; bits >= BYTE_BITS; bits -= BYTE_BITS)
        if (digest[i++])
            return FALSE;
    return digest[i] >> (BYTE_BITS - bits) == 0;
}

guint mailbox_work_bits(guint base, guint share)
{
    const guint more = share < FILLING ? 0 : 1 + (share - FILLING) / FILLING_STEP;

    return MIN(base + more, MAILBOX_WORK_BITS_MAX);
}

gboolean mailbox_work_verify(const char *mailbox, GBytes *body, const char *nonce, guint bits)
{
    const gsize length = strlen(nonce);
    crypto_hash_sha256_state state;

    if (!length || length > NONCE_LIMIT || strspn(nonce, "0123456789abcdefABCDEF") != length ||
        bits > MAILBOX_WORK_BITS_MAX)
        return FALSE;
    begin_work(&state, mailbox, body);
    return is_worth(&state, nonce, bits);
}

char *mailbox_work(const char *mailbox, GBytes *body, guint bits)
{
    crypto_hash_sha256_state state;
    char nonce[NONCE_DIGITS + 1];

    if (bits > MAILBOX_WORK_BITS_MAX)
        return NULL;
    begin_work(&state, mailbox, body);
    for (guint64 i = 0;; i++) {
        g_snprintf(nonce, sizeof nonce, "%" G_GINT64_MODIFIER "x", i);
        if (is_worth(&state, nonce, bits))
            return g_strdup(nonce);
    }
}
