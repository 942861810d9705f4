/*
 * hunt_key.h: how an indicator is found: its key in a table of kind "hunt", and the key's hash.
 *
 * The compiler of tables and the scanner of logs must agree on every bit here; a change makes old
 * tables unreadable and needs a new HUNT_KEY_VERSION.
 *
 * A key is one letter for what it is, then:
 *     'n' name      a domain or host name in lower case, without a final dot; its last label is not
 *                   all digits. Both kinds share it: that a host, or a domain that is a public
 *                   suffix, is exact-only, stands in the values
 *     'a' network   family 4 or 6 | prefix length | address, 4 or 16 bytes, host bits zero. A
 * single address is the network of length 32 or 128 'h' digest    the digest's bytes: 16 MD5, 20
 * SHA-1, 32 SHA-256, 64 SHA-512 'e' e-mail    the address in lower case 'u' URL       scheme '*'
 * any, 'h' http, 's' https | the normal form after "://"
 *
 * Hashes of names go label by label from the right, so that the hash of every parent domain comes
 * up on the way to the whole name: example, evil.example, www.evil.example. Bytes are taken eight
 * at a time with bit 5 set, which lower-cases letters and keeps digits, '-', '.' and '_' apart.
 *
 * Three small filters stand before the table's own (their sections are the compiler's):
 *     last labels   1024 x 64 bit: whether any name ends in this label
 *     /24 networks  2^24 bits: whether any address or network meets this /24
 *     URL hosts     2^k x 64 bit: whether any URL has this authority
 */
#pragma once
#include <glib.h>
#include <string.h>

#define HUNT_KEY_VERSION 2

#define HUNT_KEY_NAME 'n'
#define HUNT_KEY_NETWORK 'a'
#define HUNT_KEY_DIGEST 'h'
#define HUNT_KEY_EMAIL 'e'
#define HUNT_KEY_URL 'u'
#define HUNT_KEY_ANY_SCHEME '*'

/* No key is longer: what is longer is no indicator that can be hunted. */
#define HUNT_KEY_NAME_MAX 253 /* octets, RFC 1035 section 2.3.4 without the root's */
#define HUNT_KEY_MAX 8192

#define HUNT_KEY_LAST_LABEL_WORDS 1024u
#define HUNT_KEY_NETWORKS_BITS (1u << 24)
#define HUNT_KEY_MIDDLE_BITS 16
#define HUNT_KEY_MIDDLES_WORDS ((1u << HUNT_KEY_MIDDLE_BITS) / 64)

/* Odd numbers without pattern: from the fractions of the square roots of 2, 3, 5, 7, 11, 13. */
#define HUNT_KEY_FACTOR G_GUINT64_CONSTANT(0x6a09e667f3bcc909)
#define HUNT_KEY_SEED_NAME G_GUINT64_CONSTANT(0xbb67ae8584caa73b)
#define HUNT_KEY_SEED_NETWORK G_GUINT64_CONSTANT(0x3c6ef372fe94f82b)
#define HUNT_KEY_SEED_DIGEST G_GUINT64_CONSTANT(0xa54ff53a5f1d36f1)
#define HUNT_KEY_SEED_EMAIL G_GUINT64_CONSTANT(0x510e527fade682d1)
#define HUNT_KEY_SEED_URL G_GUINT64_CONSTANT(0x9b05688c2b3e6c1f)

#define HUNT_KEY_LOWER G_GUINT64_CONSTANT(0x2020202020202020)

/* 64 x 64 -> 128 bits, both halves folded. */
static inline guint64 hunt_key_mix(guint64 hash, guint64 word)
{
    unsigned __int128 product = (unsigned __int128)(hash ^ word) * HUNT_KEY_FACTOR;

    return (guint64)product ^ (guint64)(product >> 64);
}

/* The `length` bytes (1..8) at `bytes` as a little-endian number; reads no other byte. */
static inline guint64 hunt_key_word(const guint8 *bytes, gsize length)
{
    guint64 word = 0;

    memcpy(&word, bytes, length);
    return GUINT64_FROM_LE(word);
}

/* Bit 5 set in the `length` bytes (1..8) of `word`. */
static inline guint64 hunt_key_lower(guint64 word, gsize length)
{
    return word | HUNT_KEY_LOWER >> 8 * (8 - length);
}

/* The hash of a name to which `label` is added on the left; begin with HUNT_KEY_SEED_NAME. */
static inline guint64 hunt_key_label(guint64 hash, const guint8 *label, gsize length)
{
    hash += length;
    for (; length > 8; label += 8, length -= 8)
        hash = hunt_key_mix(hash, hunt_key_word(label, 8) | HUNT_KEY_LOWER);
    if (length)
        hash = hunt_key_mix(hash, hunt_key_lower(hunt_key_word(label, length), length));
    return hash;
}

/* The hash of a whole name. Empty labels count, as they do in the scanned text. */
static inline guint64 hunt_key_name(const guint8 *name, gsize length)
{
    guint64 hash = HUNT_KEY_SEED_NAME;
    gsize end = length;

    while (TRUE) {
        gsize start = end;

        while (start > 0 && name[start - 1] != '.')
            start--;
        hash = hunt_key_label(hash, name + start, end - start);
        if (start == 0)
            return hash;
        end = start - 1;
    }
}

/* The hash of the last label alone, for the filter of last labels. */
static inline guint64 hunt_key_last_label(const guint8 *name, gsize length)
{
    gsize start = length;

    while (start > 0 && name[start - 1] != '.')
        start--;
    return hunt_key_label(HUNT_KEY_SEED_NAME, name + start, length - start);
}

/* Where `hash` stands in a filter of `words` (a power of two, at most 2^32) words of 64 bits. */
static inline gsize hunt_key_filter_word(guint64 hash, gsize words)
{
    return (hash >> 32) & (words - 1);
}

static inline guint64 hunt_key_filter_bit(guint64 hash)
{
    return G_GUINT64_CONSTANT(1) << (hash & 63);
}

static inline gboolean hunt_key_filter_has(const guint64 *filter, gsize words, guint64 hash)
{
    return (filter[hunt_key_filter_word(hash, words)] & hunt_key_filter_bit(hash)) != 0;
}

static inline void hunt_key_filter_set(guint64 *filter, gsize words, guint64 hash)
{
    filter[hunt_key_filter_word(hash, words)] |= hunt_key_filter_bit(hash);
}

#define HUNT_KEY_ENDING_BYTES 6u

/*
 * What a sieve (sieve.h) knows of a name: `after`, the first two bytes of its last label, and the
 * `length` (to HUNT_KEY_ENDING_BYTES) word bytes that stand directly before that label's dot;
 * `before` are the eight bytes before the dot.
 */
static inline guint64 hunt_key_ending(guint64 before, guint length, guint16 after)
{
    guint64 word = before >> (63 - 8 * length) >> 1;

    return hunt_key_mix(HUNT_KEY_SEED_NAME,
                        (word | (guint64)after << 8 * HUNT_KEY_ENDING_BYTES) | HUNT_KEY_LOWER);
}

/* Of an IPv4 address it knows the second and third octet: "20.30" in 10.20.30.40, as a word. */
static inline guint hunt_key_middle(guint64 octets)
{
    return (guint)(octets * HUNT_KEY_FACTOR >> (64 - HUNT_KEY_MIDDLE_BITS));
}

/* Bytes as they are. */
static inline guint64 hunt_key_bytes(guint64 hash, const guint8 *bytes, gsize length)
{
    hash += length;
    for (; length > 8; bytes += 8, length -= 8)
        hash = hunt_key_mix(hash, hunt_key_word(bytes, 8));
    if (length)
        hash = hunt_key_mix(hash, hunt_key_word(bytes, length));
    return hash;
}

/* `address` in host byte order, host bits zero. */
static inline guint64 hunt_key_network4(guint32 address, guint prefix)
{
    return hunt_key_mix(HUNT_KEY_SEED_NETWORK, (guint64)4 << 56 | (guint64)prefix << 32 | address);
}

/* `address` in network order, 16 bytes, host bits zero. */
static inline guint64 hunt_key_network6(const guint8 *address, guint prefix)
{
    guint64 hash = hunt_key_mix(HUNT_KEY_SEED_NETWORK, (guint64)6 << 56 | (guint64)prefix << 32);

    hash = hunt_key_mix(hash, hunt_key_word(address, 8));
    return hunt_key_mix(hash, hunt_key_word(address + 8, 8));
}

static inline guint64 hunt_key_digest(const guint8 *digest, gsize length)
{
    return hunt_key_bytes(HUNT_KEY_SEED_DIGEST, digest, length);
}

/* `text` in lower case. */
static inline guint64 hunt_key_email(const guint8 *text, gsize length)
{
    return hunt_key_bytes(HUNT_KEY_SEED_EMAIL, text, length);
}

/*
 * What stands after "://" of the normal form: host in lower case, port unless the scheme's own,
 * path (at least "/"), query. One hash serves both probes: hunt_key_url(rest, scheme) and with
 * HUNT_KEY_ANY_SCHEME.
 */
static inline guint64 hunt_key_url_rest(const guint8 *rest, gsize length)
{
    return hunt_key_bytes(HUNT_KEY_SEED_URL, rest, length);
}

static inline guint64 hunt_key_url(guint64 rest, guint8 scheme)
{
    return hunt_key_mix(rest, scheme);
}

#define HUNT_KEY_URL_HOST_BYTES 16u

/*
 * "host" or "host:port" of a URL's normal form, for the filter of URL hosts: its length and its
 * first bytes tell enough.
 */
static inline guint64 hunt_key_url_host(const guint8 *authority, gsize length)
{
    return hunt_key_label(HUNT_KEY_SEED_URL + (length << 8), authority,
                          MIN(length, HUNT_KEY_URL_HOST_BYTES));
}
