#include "p1_resilience/hunt/token.h"

#include "p1_resilience/hunt/class.h"

#include <string.h>

static gboolean ends(guint8 byte)
{
    return (hunt_bytes[byte] & BYTE_URL_END) != 0;
}

/* Punctuation that closes a sentence rather than a URL; '}' ends one anyway. */
static gboolean strips(guint8 byte)
{
    return byte != 0 && strchr(".,;:!?)]", byte) != NULL;
}

static gboolean reads(const guint8 *bytes, const char *lower, gsize length)
{
    for (gsize i = 0; i < length; i++)
        if ((bytes[i] | 0x20) != (guint8)lower[i])
            return FALSE;
    return TRUE;
}

static guint8 scheme_before(const guint8 *start, const guint8 *colon)
{
    if (colon - start >= 5 && reads(colon - 5, "https", 5))
        return 's';
    if (colon - start >= 4 && reads(colon - 4, "http", 4))
        return 'h';
    return 0;
}

/* A port that the scheme has anyway goes. */
static guint drop_port(const guint8 *authority, guint length, guint8 scheme)
{
    const char *port = scheme == 's' ? ":443" : ":80";
    guint size = strlen(port);

    if (length > size && memcmp(authority + length - size, port, size) == 0)
        return length - size;
    return length;
}

gboolean token_url_begin(const guint8 *start, const guint8 *colon, const guint8 *end,
                         struct token_url *url)
{
    const guint8 *at;
    guint length = 0;

    url->scheme = scheme_before(start, colon);
    if (!url->scheme)
        return FALSE;
    url->rest = at = colon + 3;
    for (; at < end && !ends(*at) && *at != '/' && *at != '?' && *at != '#'; at++) {
        if (*at == '@' || length == TOKEN_AUTHORITY_MAX)
            return FALSE;
        url->normal[length++] = g_ascii_tolower(*at);
    }
    /* Where nothing but punctuation follows, it goes, and what stands before it too. */
    while (at < end && strips(*at))
        at++;
    if (at == end || ends(*at))
        while (length > 0 && strips(url->normal[length - 1]))
            length--;
    url->authority_length = length;
    url->normal_length = drop_port(url->normal, length, url->scheme);
    return url->normal_length > 0;
}

gsize token_url_finish(const struct token_url *url, const guint8 *end, guint8 *normal, gsize size,
                       const guint8 **token_end)
{
    const guint8 *at = url->rest + url->authority_length, *last = at;
    gsize length = url->normal_length;

    if (length + 1 > size)
        return 0;
    memcpy(normal, url->normal, length);
    if (at == end || *at != '/')
        normal[length++] = '/';
    /* What may be stripped is kept back until something follows that may not. */
    for (; at < end && !ends(*at) && *at != '#'; at++) {
        if (strips(*at))
            continue;
        if (length + (at + 1 - last) > size)
            return 0;
        memcpy(normal + length, last, at + 1 - last);
        length += at + 1 - last;
        last = at + 1;
    }
    if (at < end && *at == '#') { /* the fragment goes, and what stands before it stays */
        if (length + (at - last) > size)
            return 0;
        memcpy(normal + length, last, at - last);
        length += at - last;
        last = at;
    }
    *token_end = last;
    return length;
}
