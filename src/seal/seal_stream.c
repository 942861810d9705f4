#include "seal/seal_stream.h"

#include "base/error.h"
#include "seal/hpke.h"
#include "seal/padme.h"
#include "seal/seal_private.h"

#include <sodium.h>
#include <string.h>

#define INFO "entente/seal/1"
#define CONTENT_KEY_SIZE AEAD_KEY_SIZE
#define WRAPPED_SIZE (CONTENT_KEY_SIZE + AEAD_TAG_SIZE)
#define SEALED_CHUNK_SIZE (SEAL_CHUNK_SIZE + AEAD_TAG_SIZE)
#define AHEAD 1 /* byte behind a chunk, which tells that it is not the last */

G_STATIC_ASSERT(SEAL_RECIPIENT_SIZE == SEAL_KEY_ID_SIZE + HPKE_ENC_SIZE + WRAPPED_SIZE);

/* The whole head: SEAL_HEAD_SIZE bytes and the recipients. */
struct head {
    guint8 *bytes;
    gsize length;
};

static const guint8 head_start[] = { 'E', 'N', 'T',  'S', 'E',  'A', 'L',
                                     '1', 0,   0x20, 0,   0x01, 0,   0x02 };
G_STATIC_ASSERT(sizeof head_start + 1 == SEAL_HEAD_SIZE);

/* One chunk's key, nonce and aad; the nonce is set for each. */
struct body {
    struct aead aead;
    guint8 head_hash[crypto_hash_sha256_BYTES];
    guint64 chunk;
    guint8 *buffer; /* SEALED_CHUNK_SIZE + AHEAD bytes, wiped at the end */
};

static void body_begin(struct body *body, const struct head *head)
{
    crypto_hash_sha256(body->head_hash, head->bytes, head->length);
    body->aead.aad = body->head_hash;
    body->aead.aad_length = sizeof body->head_hash;
    body->chunk = 0;
    body->buffer = g_malloc(SEALED_CHUNK_SIZE + AHEAD);
}

static void body_end(struct body *body)
{
    if (body->buffer)
        sodium_memzero(body->buffer, SEALED_CHUNK_SIZE + AHEAD);
    g_free(body->buffer);
    sodium_memzero(body, sizeof *body);
}

/* be88(chunk) || u8 last. */
static const struct aead *body_next(struct body *body, gboolean last)
{
    guint8 *nonce = body->aead.nonce;
    guint64 chunk = body->chunk++;

    memset(nonce, 0, AEAD_NONCE_SIZE);
    nonce[AEAD_NONCE_SIZE - 1] = last ? 1 : 0;
    for (guint i = AEAD_NONCE_SIZE - 1; chunk; chunk >>= 8)
        nonce[--i] = (guint8)chunk;
    return &body->aead;
}

gboolean seal_head_is_ours(const guint8 *bytes, gsize length)
{
    return length >= SEAL_HEAD_SIZE && memcmp(bytes, head_start, sizeof head_start) == 0 &&
           bytes[sizeof head_start] > 0;
}

/* Wraps the content key for one recipient behind the head. */
static gboolean wrap(struct head *head, const struct seal_public *key,
                     const guint8 content_key[CONTENT_KEY_SIZE], GError **error)
{
    g_auto(hpke_t) hpke = { 0 };
    guint8 *at = head->bytes + head->length;

    seal_public_id(key, at);
    if (!hpke_setup_sender(key->bytes, INFO, at + SEAL_KEY_ID_SIZE, &hpke, error) ||
        !hpke_seal(&hpke, head->bytes, SEAL_HEAD_SIZE, content_key, CONTENT_KEY_SIZE,
                   at + SEAL_KEY_ID_SIZE + HPKE_ENC_SIZE, error))
        return FALSE;
    head->length += SEAL_RECIPIENT_SIZE;
    return TRUE;
}

static gboolean recipients_are_good(const GPtrArray *recipients, GError **error)
{
    if (!recipients->len || recipients->len > SEAL_RECIPIENTS_MAX)
        return input_error(error, "%u recipients: a message is sealed to 1 to %u keys",
                           recipients->len, SEAL_RECIPIENTS_MAX);
    for (guint i = 0; i < recipients->len; i++)
        for (guint j = 0; j < i; j++)
            if (memcmp(recipients->pdata[i], recipients->pdata[j], sizeof(struct seal_public)) == 0)
                return input_error(error, "the same key is a recipient twice");
    return TRUE;
}

static gboolean make_head(struct head *head, const GPtrArray *recipients, guint8 *content_key,
                          GError **error)
{
    head->bytes = g_malloc(SEAL_HEAD_SIZE + (gsize)recipients->len * SEAL_RECIPIENT_SIZE);
    memcpy(head->bytes, head_start, sizeof head_start);
    head->bytes[sizeof head_start] = (guint8)recipients->len;
    head->length = SEAL_HEAD_SIZE;
    for (guint i = 0; i < recipients->len; i++)
        if (!wrap(head, recipients->pdata[i], content_key, error))
            return FALSE;
    return TRUE;
}

static gboolean read_content(const struct seal_stream *stream, guint8 *buffer, gsize length,
                             GError **error)
{
    gssize got = stream->read(stream->from, buffer, length, error);

    if (got < 0)
        return FALSE;
    return (gsize)got == length ||
           system_error(error, "%s: became shorter while it was read", stream->name);
}

static gboolean has_ended(const struct seal_stream *stream, GError **error)
{
    guint8 more;
    gssize got = stream->read(stream->from, &more, sizeof more, error);

    if (got > 0)
        return system_error(error, "%s: became longer while it was read", stream->name);
    return got == 0;
}

/* u64 length || content || zeros, chunk by chunk. */
static gboolean seal_body(const struct seal_stream *stream, guint64 size, struct body *body,
                          GError **error)
{
    guint64 left = size, rest = padme(SEAL_LENGTH_SIZE + size), length = GUINT64_TO_BE(size);
    gsize filled = SEAL_LENGTH_SIZE;

    memcpy(body->buffer, &length, SEAL_LENGTH_SIZE);
    while (rest) {
        gsize text = MIN(rest, SEAL_CHUNK_SIZE), part = MIN(left, text - filled);

        if (!read_content(stream, body->buffer + filled, part, error) ||
            (part == left && left && !has_ended(stream, error)))
            return FALSE;
        memset(body->buffer + filled + part, 0, text - filled - part);
        left -= part;
        rest -= text;
        filled = 0;
        if (!aead_seal(body_next(body, !rest), body->buffer, text, body->buffer, error) ||
            !stream->write(stream->to, body->buffer, text + AEAD_TAG_SIZE, error))
            return FALSE;
    }
    return size || has_ended(stream, error);
}

gboolean seal_stream_seal(const struct seal_stream *stream, guint64 size,
                          const GPtrArray *recipients, GError **error)
{
    struct head head = { 0 };
    struct body body = { 0 };
    gboolean done;

    if (!recipients_are_good(recipients, error))
        return FALSE;
    if (size > SEAL_CONTENT_MAX)
        return input_error(error, "%s: larger than can be sealed", stream->name);
    if (sodium_init() < 0)
        return system_error(error, "libsodium finds no source of randomness");
    randombytes_buf(body.aead.key, CONTENT_KEY_SIZE);
    done = make_head(&head, recipients, body.aead.key, error);
    if (done) {
        body_begin(&body, &head);
        done = stream->write(stream->to, head.bytes, head.length, error) &&
               seal_body(stream, size, &body, error);
    }
    body_end(&body);
    g_free(head.bytes);
    return done;
}

/* Reads the head; FALSE with an error when it is not one. */
static gboolean read_head(const struct seal_stream *stream, struct head *head, GError **error)
{
    guint8 start[SEAL_HEAD_SIZE];
    gssize got = stream->read(stream->from, start, sizeof start, error);
    gsize more;

    if (got < 0)
        return FALSE;
    if (!seal_head_is_ours(start, (gsize)got))
        return input_error(error, "%s: not a sealed message (" SEAL_MAGIC ") of a kind known here",
                           stream->name);
    more = (gsize)start[sizeof head_start] * SEAL_RECIPIENT_SIZE;
    head->length = sizeof start + more;
    head->bytes = g_malloc(head->length);
    memcpy(head->bytes, start, sizeof start);
    got = stream->read(stream->from, head->bytes + sizeof start, more, error);
    if (got < 0)
        return FALSE;
    return (gsize)got == more ||
           input_error(error, "%s: cut short within its recipients", stream->name);
}

static gboolean unwrap(const struct head *head, const guint8 *recipient,
                       const struct seal_secret *secret, guint8 *content_key, GError **error)
{
    g_auto(hpke_t) hpke = { 0 };
    const guint8 *enc = recipient + SEAL_KEY_ID_SIZE;

    return hpke_setup_receiver(enc, secret->private->bytes, INFO, &hpke, error) &&
           hpke_open(&hpke, head->bytes, SEAL_HEAD_SIZE, enc + HPKE_ENC_SIZE, WRAPPED_SIZE,
                     content_key, error);
}

/* Two keys may have one id: each that fits is tried. */
static gboolean find_content_key(const struct seal_stream *stream, const struct head *head,
                                 const GPtrArray *secrets, guint8 *content_key, GError **error)
{
    gboolean named = FALSE;

    for (guint i = 0; i < secrets->len; i++) {
        const struct seal_secret *secret = secrets->pdata[i];
        guint8 id[SEAL_KEY_ID_SIZE];

        seal_public_id(&secret->public, id);
        for (gsize at = SEAL_HEAD_SIZE; at < head->length; at += SEAL_RECIPIENT_SIZE) {
            if (memcmp(head->bytes + at, id, sizeof id) != 0)
                continue;
            named = TRUE;
            if (unwrap(head, head->bytes + at, secret, content_key, NULL))
                return TRUE;
        }
    }
    return named ? found_error(error, "%s: was altered: its content key does not authenticate",
                               stream->name)
                 : policy_error(error, "%s: is sealed to none of the keys here", stream->name);
}

/* What of the body's text was met so far. */
struct text {
    guint64 length;   /* of the content, as its first bytes say */
    guint64 expected; /* bytes of text altogether */
    guint64 seen;
};

static gboolean take_text(const struct seal_stream *stream, struct text *text, const guint8 *bytes,
                          gsize length, GError **error)
{
    guint64 from = text->seen, end;
    gsize skip = 0, part;

    if (!from) {
        if (length < SEAL_LENGTH_SIZE)
            return input_error(error, "%s: too short", stream->name);
        memcpy(&text->length, bytes, SEAL_LENGTH_SIZE);
        text->length = GUINT64_FROM_BE(text->length);
        if (text->length > SEAL_CONTENT_MAX)
            return input_error(error, "%s: says a length that cannot be", stream->name);
        text->expected = padme(SEAL_LENGTH_SIZE + text->length);
        skip = SEAL_LENGTH_SIZE;
    }
    text->seen += length;
    if (text->seen > text->expected)
        return input_error(error, "%s: is not padded as it should be", stream->name);
    end = SEAL_LENGTH_SIZE + text->length;
    part = from + skip < end ? MIN(length - skip, end - from - skip) : 0;
    if (!sodium_is_zero(bytes + skip + part, length - skip - part))
        return input_error(error, "%s: has bytes where its padding should be", stream->name);
    return !part || stream->write(stream->to, bytes + skip, part, error);
}

static gboolean open_body(const struct seal_stream *stream, struct body *body, GError **error)
{
    struct text text = { 0 };
    gsize held = 0;
    gboolean last = FALSE;

    while (!last) {
        gssize got = stream->read(stream->from, body->buffer + held,
                                  SEALED_CHUNK_SIZE + AHEAD - held, error);
        gsize sealed;

        if (got < 0)
            return FALSE;
        last = held + (gsize)got <= SEALED_CHUNK_SIZE;
        sealed = MIN(held + (gsize)got, SEALED_CHUNK_SIZE);
        if (sealed <= AEAD_TAG_SIZE ||
            !aead_open(body_next(body, last), body->buffer, sealed, body->buffer, NULL))
            return found_error(error, "%s: was altered or cut short (chunk %" G_GUINT64_FORMAT ")",
                               stream->name, body->chunk);
        if (!take_text(stream, &text, body->buffer, sealed - AEAD_TAG_SIZE, error))
            return FALSE;
        body->buffer[0] = body->buffer[SEALED_CHUNK_SIZE];
        held = AHEAD;
    }
    return text.seen == text.expected ||
           input_error(error, "%s: is not padded as it should be", stream->name);
}

gboolean seal_stream_open(const struct seal_stream *stream, const GPtrArray *secrets,
                          GError **error)
{
    struct head head = { 0 };
    struct body body = { 0 };
    gboolean done = read_head(stream, &head, error) &&
                    find_content_key(stream, &head, secrets, body.aead.key, error);

    if (done) {
        body_begin(&body, &head);
        done = open_body(stream, &body, error);
    }
    body_end(&body);
    g_free(head.bytes);
    return done;
}
