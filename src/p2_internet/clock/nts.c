#include "p2_internet/clock/nts.h"

#include "base/error.h"
#include "p2_internet/clock/ntp.h"

#include <sodium.h>
#include <string.h>

#define CRITICAL 0x8000u
#define RECORD_HEAD 4u
#define PROTOCOL_NTP 0u
#define AEAD_SIV_256 15u
#define NONCE 16u
#define PAD 4u
#define SERVER_MAX 253u

enum record {
    RECORD_END,
    RECORD_PROTOCOL,
    RECORD_ERROR,
    RECORD_WARNING,
    RECORD_AEAD,
    RECORD_COOKIE,
    RECORD_SERVER,
    RECORD_PORT,
};

const guint8 nts_ke_request[16] = {
    0x80, RECORD_PROTOCOL, 0, 2, 0, PROTOCOL_NTP, /* next protocol: NTPv4 */
    0x80, RECORD_AEAD,     0, 2, 0, AEAD_SIV_256, /* algorithm */
    0x80, RECORD_END,      0, 0,
};

void nts_exporter_context(enum nts_direction direction, guint8 context[NTS_CONTEXT])
{
    const guint8 bytes[NTS_CONTEXT] = { 0, PROTOCOL_NTP, 0, AEAD_SIV_256,
                                        direction == NTS_TO_CLIENT };

    memcpy(context, bytes, sizeof bytes);
}

void nts_answer_clear(struct nts_answer *answer)
{
    g_clear_pointer(&answer->cookies, g_ptr_array_unref);
    g_clear_pointer(&answer->server, g_free);
}

/* ---- records ---- */

struct reading {
    struct nts_answer *answer;
    gsize at; /* of the record, for messages */
    gboolean protocol, aead;
};

static guint16 read16(const guint8 *at)
{
    return (guint16)(at[0] << 8 | at[1]);
}

gboolean nts_ke_is_whole(const void *records, gsize size)
{
    const guint8 *bytes = records;
    gsize at = 0;

    while (size - at >= RECORD_HEAD) {
        const gsize length = RECORD_HEAD + read16(bytes + at + 2);

        if ((read16(bytes + at) & ~CRITICAL) == RECORD_END)
            return TRUE;
        if (length > size - at)
            return FALSE;
        at += length;
    }
    return FALSE;
}

/* Exactly one value that we offered; "none of them" is an empty list (sections 4.1.2, 4.1.5). */
static gboolean take_choice(const struct reading *reading, const guint8 *body, gsize length,
                            guint16 wanted, const char *what, gboolean *seen, GError **error)
{
    if (*seen)
        return input_error(error, "byte %" G_GSIZE_FORMAT ": a second choice of %s", reading->at,
                           what);
    *seen = TRUE;
    if (length == 0)
        return input_error(error, "the server supports no %s that we offer", what);
    if (length != 2 || read16(body) != wanted)
        return input_error(error,
                           "byte %" G_GSIZE_FORMAT ": the server chose a %s that we did not "
                           "offer (RFC 8915 section 4.1)",
                           reading->at, what);
    return TRUE;
}

static gboolean take_error(const struct reading *reading, const guint8 *body, gsize length,
                           const char *kind, GError **error)
{
    static const char *const texts[] = { "it does not know a critical record of ours",
                                         "it finds our request bad", "an error of its own" };
    const guint code = length == 2 ? read16(body) : G_MAXUINT16;

    if (code == G_MAXUINT16)
        return input_error(error, "byte %" G_GSIZE_FORMAT ": %s without a code", reading->at, kind);
    return input_error(error, "the server answers with %s %u: %s (RFC 8915 section 4.1.3)", kind,
                       code, code < G_N_ELEMENTS(texts) ? texts[code] : "unknown");
}

/* Bodies of fields are padded with zeros that a cookie does not survive: multiples of 4 only. */
static gboolean take_cookie(struct reading *reading, const guint8 *body, gsize length,
                            GError **error)
{
    if (length < NTP_FIELD_MIN - NTP_FIELD_HEAD || length > NTS_COOKIE_MAX || length % PAD)
        return input_error(error,
                           "byte %" G_GSIZE_FORMAT ": a cookie of %" G_GSIZE_FORMAT
                           " bytes (12 to %u, a multiple of 4)",
                           reading->at, length, NTS_COOKIE_MAX);
    if (reading->answer->cookies->len < NTS_COOKIES_MAX)
        g_ptr_array_add(reading->answer->cookies, g_bytes_new(body, length));
    return TRUE;
}

static gboolean take_server(struct reading *reading, const guint8 *body, gsize length,
                            GError **error)
{
    if (reading->answer->server)
        return input_error(error, "byte %" G_GSIZE_FORMAT ": a second server", reading->at);
    if (length == 0 || length > SERVER_MAX)
        return input_error(error,
                           "byte %" G_GSIZE_FORMAT ": the name of a server of %" G_GSIZE_FORMAT
                           " bytes (RFC 8915 section 4.1.7)",
                           reading->at, length);
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isalnum(body[i]) && !strchr(".-:_", body[i]))
            return input_error(error,
                               "byte %" G_GSIZE_FORMAT ": no name or address of a server (RFC 8915 "
                               "section 4.1.7)",
                               reading->at);
    reading->answer->server = g_strndup((const char *)body, length);
    return TRUE;
}

static gboolean take_port(struct reading *reading, const guint8 *body, gsize length, GError **error)
{
    if (reading->answer->port || length != 2 || read16(body) == 0)
        return input_error(error, "byte %" G_GSIZE_FORMAT ": no port (RFC 8915 section 4.1.8)",
                           reading->at);
    reading->answer->port = read16(body);
    return TRUE;
}

static gboolean take_record(struct reading *reading, guint16 head, const guint8 *body, gsize length,
                            GError **error)
{
    switch (head & ~CRITICAL) {
    case RECORD_PROTOCOL:
        return take_choice(reading, body, length, PROTOCOL_NTP, "protocol", &reading->protocol,
                           error);
    case RECORD_AEAD:
        return take_choice(reading, body, length, AEAD_SIV_256, "algorithm", &reading->aead, error);
    case RECORD_ERROR:
        return take_error(reading, body, length, "error", error);
    case RECORD_WARNING: /* none is defined: each is to be treated as an error (section 4.1.4) */
        return take_error(reading, body, length, "warning", error);
    case RECORD_COOKIE:
        return take_cookie(reading, body, length, error);
    case RECORD_SERVER:
        return take_server(reading, body, length, error);
    case RECORD_PORT:
        return take_port(reading, body, length, error);
    default:
        return !(head & CRITICAL) ||
               input_error(error,
                           "byte %" G_GSIZE_FORMAT ": a critical record of the unknown type %u "
                           "(RFC 8915 section 4)",
                           reading->at, (guint)(head & ~CRITICAL));
    }
}

static gboolean is_complete(const struct reading *reading, GError **error)
{
    if (!reading->protocol || !reading->aead)
        return input_error(error, "the server chose no %s (RFC 8915 section 4)",
                           reading->protocol ? "algorithm" : "protocol");
    return reading->answer->cookies->len > 0 ||
           input_error(error, "the server gave no cookie (RFC 8915 section 4.1.6)");
}

gboolean nts_ke_parse(const void *records, gsize size, struct nts_answer *answer, GError **error)
{
    const guint8 *bytes = records;
    struct reading reading = { .answer = answer };

    *answer = (struct nts_answer){
        .cookies = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
    };
    for (gsize at = 0; size - at >= RECORD_HEAD;) {
        const guint16 head = read16(bytes + at);
        const gsize length = read16(bytes + at + 2);

        reading.at = at;
        at += RECORD_HEAD;
        if (length > size - at)
            return input_error(error,
                               "byte %" G_GSIZE_FORMAT ": a record of %" G_GSIZE_FORMAT
                               " bytes, where %" G_GSIZE_FORMAT " are left",
                               reading.at, length, size - at);
        if ((head & ~CRITICAL) == RECORD_END)
            return length == 0 && at == size
                       ? is_complete(&reading, error)
                       : input_error(error,
                                     "byte %" G_GSIZE_FORMAT ": the end of the message is not its "
                                     "end (RFC 8915 section 4.1.1)",
                                     reading.at);
        if (!take_record(&reading, head, bytes + at, length, error))
            return FALSE;
        at += length;
    }
    return input_error(error,
                       "the answer of %" G_GSIZE_FORMAT
                       " bytes has no end of message (RFC 8915 section 4.1.1)",
                       size);
}

/* ---- packets ---- */

static void append16(GByteArray *bytes, gsize number)
{
    const guint8 two[] = { (guint8)(number >> 8), (guint8)number };

    g_byte_array_append(bytes, two, sizeof two);
}

void nts_protect(struct siv *siv, const struct nts_keys *keys, const guint8 unique[NTS_UNIQUE],
                 GBytes *cookie, GByteArray *packet)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autofree guint8 *sealed = NULL;
    guint8 nonce[NONCE];

    ntp_field_append(packet, NTS_FIELD_UNIQUE, unique, NTS_UNIQUE);
    ntp_field_append(packet, NTS_FIELD_COOKIE, g_bytes_get_data(cookie, NULL),
                     g_bytes_get_size(cookie));
    randombytes_buf(nonce, sizeof nonce);
    sealed = siv_seal(
        siv, keys->to_server,
        (const struct siv_part[]){ { packet->data, packet->len }, { nonce, sizeof nonce } }, 2, "",
        0);
    append16(body, sizeof nonce);
    append16(body, SIV_TAG);
    g_byte_array_append(body, nonce, sizeof nonce);
    g_byte_array_append(body, sealed, SIV_TAG);
    ntp_field_append(packet, NTS_FIELD_AUTHENTICATOR, body->data, body->len);
}

/* The fields that were sealed: new cookies; others are passed over (section 5.7). */
static gboolean take_sealed(const guint8 *fields, gsize size, GPtrArray *cookies, GError **error)
{
    struct ntp_field field;
    GError *problem = NULL;
    gsize at = 0;

    while (ntp_field_next(fields, size, &at, &field, &problem))
        if (field.type == NTS_FIELD_COOKIE && field.length <= NTS_COOKIE_MAX &&
            cookies->len < NTS_COOKIES_MAX)
            g_ptr_array_add(cookies, g_bytes_new(field.body, field.length));
    if (problem)
        g_propagate_prefixed_error(error, problem, "in what was sealed: ");
    return !problem;
}

static enum nts_verdict open_field(struct siv *siv, const struct nts_keys *keys,
                                   const struct ntp_field *field, const guint8 *packet,
                                   GPtrArray *cookies, GError **error)
{
    const gsize nonce = read16(field->body), sealed = read16(field->body + 2);
    const gsize nonce_room = (nonce + PAD - 1) / PAD * PAD;
    const guint8 *from = field->body + RECORD_HEAD;
    g_autofree guint8 *fields = NULL;

    if (nonce == 0 || sealed < SIV_TAG || nonce_room + sealed > field->length - RECORD_HEAD) {
        input_error(error,
                    "byte %" G_GSIZE_FORMAT ": an authenticator whose parts do not fit into it "
                    "(RFC 8915 section 5.6)",
                    field->offset);
        return NTS_MALFORMED;
    }
    fields = siv_open(siv, keys->to_client,
                      (const struct siv_part[]){ { packet, field->offset }, { from, nonce } }, 2,
                      from + nonce_room, sealed);
    if (!fields)
        return NTS_FORGED;
    return take_sealed(fields, sealed - SIV_TAG, cookies, error) ? NTS_GOOD : NTS_MALFORMED;
}

enum nts_verdict nts_verify(struct siv *siv, const struct nts_keys *keys,
                            const guint8 unique[NTS_UNIQUE], const void *packet, gsize size,
                            GPtrArray *cookies, GError **error)
{
    struct ntp_field field;
    GError *problem = NULL;
    gboolean ours = FALSE;
    gsize at = NTP_HEADER;

    while (ntp_field_next(packet, size, &at, &field, &problem)) {
        if (field.type == NTS_FIELD_UNIQUE) {
            if (field.length != NTS_UNIQUE || memcmp(field.body, unique, NTS_UNIQUE) != 0)
                return NTS_NOT_OURS;
            ours = TRUE;
        }
        if (field.type == NTS_FIELD_AUTHENTICATOR)
            return ours ? open_field(siv, keys, &field, packet, cookies, error) : NTS_NOT_OURS;
    }
    if (problem) {
        g_propagate_error(error, problem);
        return NTS_MALFORMED;
    }
    return ours ? NTS_UNPROTECTED : NTS_NOT_OURS;
}
