#include "p1_resilience/hunt/scan_engine.h"
#include "p1_resilience/hunt/token.h"
#include "p1_resilience/hunt/view.h"

#include <string.h>

#define IPV4_KEY_LENGTH 7 /* letter, family, prefix length, address */
#define IPV6_KEY_LENGTH 19
#define NAME_TOKEN_MAX 512 /* bytes shown of a token that is longer than any name */
#define URL_KEY_HEAD 2     /* letters: URL, scheme */
#define EMAIL_MAX 512      /* bytes; RFC 5321 allows 64 + 1 + 255 */

static gboolean maybe(const struct hunt_needles *needles, guint64 hash)
{
    for (guint i = 0; i < needles->filter_count; i++)
        if (table_maybe(needles->filters[i], hash))
            return TRUE;
    return FALSE;
}

/* Where byte `position` of the swept text lies in the scanned bytes. */
static guint32 raw_offset(const struct hunt_scanner *scanner, guint32 position, guint8 *view)
{
    const struct segment *segments = (const struct segment *)scanner->segments->data;
    guint low = 0, high = scanner->segments->len;

    *view = HUNT_VIEW_RAW;
    if (!scanner->in_view)
        return position;
    while (high - low > 1) {
        guint middle = low + (high - low) / 2;

        if (segments[middle].place <= position)
            low = middle;
        else
            high = middle;
    }
    *view = segments[low].view;
    if (*view >= HUNT_VIEW_DEFANGED)
        return segments[low].start;
    return segments[low].start + view_origin(segments[low].view, scanner->raw + segments[low].start,
                                             segments[low].length, position - segments[low].place);
}

/* The exact question, and the note that it is so. */
static void decide(struct hunt_scanner *scanner, guint64 hash, const guint8 *key, gsize length,
                   guint32 token, guint32 end, gboolean whole)
{
    struct found found = { .hash = hash, .key_length = length, .whole = whole };

    scanner->counts.filter_passes++;
    if (!scanner->needles.holds(scanner->needles.table, hash, key, length))
        return;
    found.offset = raw_offset(scanner, token, &found.view);
    found.key = scanner->bytes->len;
    g_byte_array_append(scanner->bytes, key, length);
    found.token = scanner->bytes->len;
    found.token_length = end - token;
    g_byte_array_append(scanner->bytes, scanner->text + token, end - token);
    g_array_append_val(scanner->found, found);
}

static void lower(guint8 *to, const guint8 *from, gsize length)
{
    for (gsize i = 0; i < length; i++)
        to[i] = g_ascii_tolower(from[i]);
}

static void decide_name(struct hunt_scanner *scanner, const struct candidate *candidate)
{
    guint8 key[1 + HUNT_KEY_NAME_MAX];
    gsize length = candidate->end - candidate->key;
    guint32 token = candidate->token;

    key[0] = HUNT_KEY_NAME;
    lower(key + 1, scanner->text + candidate->key, length);
    if (candidate->end - token > NAME_TOKEN_MAX)
        token = candidate->end - NAME_TOKEN_MAX;
    decide(scanner, candidate->hash, key, 1 + length, token, candidate->end,
           candidate->key == candidate->token);
}

void scan_queue_flush(struct hunt_scanner *scanner)
{
    const struct hunt_needles *needles = &scanner->needles;
    guint queued = scanner->queued;

    scanner->counts.candidates += queued;
    scanner->queued = 0;
    for (guint i = 0; i < queued; i++)
        if (maybe(needles, scanner->queue[i].hash))
            decide_name(scanner, &scanner->queue[i]);
}

static void decide4(struct hunt_scanner *scanner, const struct candidate4 *candidate)
{
    for (guint64 lengths = scanner->needles.lengths4; lengths; lengths &= lengths - 1) {
        guint prefix = __builtin_ctzll(lengths);
        guint32 network = prefix ? candidate->address & ~0u << (32 - prefix) : 0;
        guint64 hash = hunt_key_network4(network, prefix);
        guint8 key[IPV4_KEY_LENGTH] = { HUNT_KEY_NETWORK,        4,
                                        (guint8)prefix,          (guint8)(network >> 24),
                                        (guint8)(network >> 16), (guint8)(network >> 8),
                                        (guint8)network };

        scanner->counts.candidates++;
        if (maybe(&scanner->needles, hash))
            decide(scanner, hash, key, sizeof key, candidate->token, candidate->end, prefix == 32);
    }
}

void scan_queue_flush4(struct hunt_scanner *scanner)
{
    const guint64 *networks = scanner->needles.networks;
    guint queued = scanner->queued4;

    scanner->queued4 = 0;
    for (guint i = 0; i < queued; i++) {
        guint32 network = scanner->queue4[i].address >> 8;

        if (networks[network >> 6] >> (network & 63) & 1)
            decide4(scanner, &scanner->queue4[i]);
    }
}

void scan_address6(struct hunt_scanner *scanner, const guint8 address[16], guint32 token,
                   guint32 end)
{
    guint8 key[IPV6_KEY_LENGTH] = { HUNT_KEY_NETWORK, 6 };

    memcpy(key + 3, address, 16);
    /* From the longest to the shortest, so that bits only have to be taken away. */
    for (int prefix = 128; prefix >= 0; prefix--) {
        guint64 hash;

        if (prefix < 128)
            key[3 + prefix / 8] &= (guint8)(0xff00 >> (prefix % 8));
        if (!(scanner->needles.lengths6[prefix / 64] >> (prefix % 64) & 1))
            continue;
        key[2] = (guint8)prefix;
        hash = hunt_key_network6(key + 3, prefix);
        scanner->counts.candidates++;
        if (maybe(&scanner->needles, hash))
            decide(scanner, hash, key, sizeof key, token, end, prefix == 128);
    }
}

void scan_digest(struct hunt_scanner *scanner, guint32 token, guint32 end)
{
    guint8 key[1 + 64] = { HUNT_KEY_DIGEST };
    gsize length = (end - token) / 2;
    guint64 hash;

    for (gsize i = 0; i < length; i++)
        key[1 + i] = (guint8)(g_ascii_xdigit_value(scanner->text[token + 2 * i]) << 4 |
                              g_ascii_xdigit_value(scanner->text[token + 2 * i + 1]));
    hash = hunt_key_digest(key + 1, length);
    scanner->counts.candidates++;
    if (maybe(&scanner->needles, hash))
        decide(scanner, hash, key, 1 + length, token, end, TRUE);
}

void scan_email(struct hunt_scanner *scanner, guint32 token, guint32 end)
{
    guint8 key[1 + EMAIL_MAX] = { HUNT_KEY_EMAIL };
    gsize length = end - token;
    guint64 hash;

    if (length > EMAIL_MAX)
        return;
    lower(key + 1, scanner->text + token, length);
    hash = hunt_key_email(key + 1, length);
    scanner->counts.candidates++;
    if (maybe(&scanner->needles, hash))
        decide(scanner, hash, key, 1 + length, token, end, TRUE);
}

static void decide_url(struct hunt_scanner *scanner, guint8 *key, gsize length, guint8 scheme,
                       guint32 token, guint32 end)
{
    guint64 hash = hunt_key_url(hunt_key_url_rest(key + URL_KEY_HEAD, length), scheme);

    scanner->counts.candidates++;
    key[1] = scheme;
    if (maybe(&scanner->needles, hash))
        decide(scanner, hash, key, URL_KEY_HEAD + length, token, end, TRUE);
}

/* It, and it with each byte more of the punctuation behind it that may be its own. */
static void decide_urls(struct hunt_scanner *scanner, const struct token_url *url, guint8 *key,
                        gsize length, guint32 token, const guint8 *token_end, gboolean by_scheme)
{
    const guint8 *text = scanner->text, *end = text + scanner->length;
    gboolean more = TRUE;

    for (guint tail = 0; more && tail <= TOKEN_URL_TAIL_MAX; tail++) {
        decide_url(scanner, key, length, HUNT_KEY_ANY_SCHEME, token, token_end - text);
        if (by_scheme)
            decide_url(scanner, key, length, url->scheme, token, token_end - text);
        more = token_url_longer(url, end, key + URL_KEY_HEAD, &length, HUNT_KEY_MAX, &token_end);
    }
}

void scan_url(struct hunt_scanner *scanner, guint32 colon)
{
    const guint8 *text = scanner->text, *end = text + scanner->length, *token_end;
    guint8 key[URL_KEY_HEAD + HUNT_KEY_MAX] = { HUNT_KEY_URL };
    struct token_url url;
    guint32 token;
    gsize length;

    if (!token_url_begin(text, text + colon, end, &url) ||
        !hunt_key_filter_has(scanner->needles.url_hosts, scanner->needles.url_host_words,
                             hunt_key_url_host(url.normal, url.normal_length)))
        return;
    length = token_url_finish(&url, end, key + URL_KEY_HEAD, HUNT_KEY_MAX, &token_end);
    if (!length)
        return;
    token = colon - (url.scheme == 's' ? 5 : 4);
    decide_urls(scanner, &url, key, length, token, token_end, TRUE);
    if (!url.has_port)
        length = token_url_with_port(&url, key + URL_KEY_HEAD, length, HUNT_KEY_MAX);
    if (!url.has_port && length)
        decide_urls(scanner, &url, key, length, token, token_end, FALSE);
}
