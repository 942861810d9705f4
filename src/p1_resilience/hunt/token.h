/*
 * token.h: the tokens of single kinds, from the bytes where the scanner found a candidate.
 *
 * The rules are those of scan.h; each function is given the maximal run and says what, if anything,
 * is in it.
 */
#pragma once
#include <glib.h>

/*
 * Four octets 0-255 of one to three digits, without leading zeros, and nothing else. Host order.
 */
gboolean token_ipv4(const guint8 *bytes, gsize length, guint32 *address);

/*
 * A run of [0-9A-Fa-f:.] (RFC 4291 section 2.2, with an embedded IPv4 address or not): final dots
 * go, then one final ':' that is no "::". `length` becomes what is left of it.
 */
gboolean token_ipv6(const guint8 *bytes, gsize *length, guint8 address[16]);

#define TOKEN_AUTHORITY_MAX 320 /* bytes: a name, a port, brackets; more is no indicator */

#define TOKEN_PORT_MAX 8 /* bytes: a colon, a port, a zero byte */

/* Bytes of punctuation at a URL's end that may belong to it rather than to the text around. */
#define TOKEN_URL_TAIL_MAX 16

/* A URL in scanned text. */
struct token_url {
    guint8 scheme;          /* 'h' http, 's' https */
    const guint8 *rest;     /* behind "://" */
    gsize authority_length; /* of the raw text */
    guint normal_length;
    gboolean has_port; /* in the normal form */
    /* The host in its normal form, and the port unless the scheme's own. */
    guint8 normal[TOKEN_AUTHORITY_MAX + TOKEN_PORT_MAX];
};

/*
 * The beginning of a URL whose "://" stands at `colon`, in text from `start` to `end`. FALSE: no
 * http or https before it, no host, or user information.
 */
gboolean token_url_begin(const guint8 *start, const guint8 *colon, const guint8 *end,
                         struct token_url *url);

/*
 * The whole of it: what stands after "://" in the normal form, at most `size` bytes to `normal`;
 * gives its length, or 0 when it is longer. `token_end` is where the token ends in the text: before
 * the punctuation that closes a sentence.
 */
gsize token_url_finish(const struct token_url *url, const guint8 *end, guint8 *normal, gsize size,
                       const guint8 **token_end);

/*
 * The same URL with one byte more of the punctuation behind it, if its path or query could have
 * that: "/a." may be a path. FALSE: there is none, or it would be longer than `size`.
 */
gboolean token_url_longer(const struct token_url *url, const guint8 *end, guint8 *normal,
                          gsize *length, gsize size, const guint8 **token_end);

/*
 * The same with the scheme's own port behind the host, as lists without schemes write it. Gives the
 * new length, or 0 when it is longer than `size`.
 */
gsize token_url_with_port(const struct token_url *url, guint8 *normal, gsize length, gsize size);
