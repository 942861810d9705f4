#include "p1_resilience/hunt/token.h"

#include "p1_resilience/hunt/class.h"

#include <arpa/inet.h>
#include <string.h>

#define HTTP_PORT 80u
#define HTTPS_PORT 443u
#define PORT_DIGITS_MAX 5u

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

/* Whether the authority is an IPv6 address in its brackets: the last of them closes no sentence. */
static gboolean is_bracketed(const guint8 *authority, guint length)
{
    return length > 2 && authority[0] == '[' &&
           memchr(authority, ']', length) == authority + length - 1;
}

/* The address in brackets as RFC 5952 writes it; gives the length. */
static guint normal_address(guint8 *authority, guint length)
{
    char text[INET6_ADDRSTRLEN];
    guint8 address[16];
    guint size;

    if (length - 2 >= sizeof text)
        return length;
    memcpy(text, authority + 1, length - 2);
    text[length - 2] = '\0';
    if (inet_pton(AF_INET6, text, address) != 1 || !inet_ntop(AF_INET6, address, text, sizeof text))
        return length;
    size = (guint)strlen(text);
    memcpy(authority + 1, text, size);
    authority[1 + size] = ']';
    return size + 2;
}

/* Reads a port of at most five digits; FALSE: it is none. An empty one is the scheme's own. */
static gboolean read_port(const guint8 *digits, guint length, guint scheme_port, guint *port)
{
    *port = length ? 0 : scheme_port;
    if (length > PORT_DIGITS_MAX)
        return FALSE;
    for (guint i = 0; i < length; i++) {
        if (!g_ascii_isdigit(digits[i]))
            return FALSE;
        *port = *port * 10 + (digits[i] - '0');
    }
    return *port > 0 && *port <= G_MAXUINT16;
}

/* The host in its normal form, and the port unless the scheme has it anyway; gives the length. */
static guint normal_authority(guint8 *authority, guint length, guint8 scheme, gboolean *has_port)
{
    const guint8 *colon =
        length && authority[length - 1] != ']' ? memrchr(authority, ':', length) : NULL;
    guint scheme_port = scheme == 's' ? HTTPS_PORT : HTTP_PORT, host, port;

    *has_port = colon != NULL;
    host = colon ? (guint)(colon - authority) : length;
    if (!colon)
        port = scheme_port;
    else if (!read_port(colon + 1, length - host - 1, scheme_port, &port))
        return length;
    if (is_bracketed(authority, host))
        host = normal_address(authority, host);
    else if (host > 1 && authority[host - 1] == '.') /* the root's */
        host--;
    *has_port = port != scheme_port;
    if (*has_port)
        host += (guint)g_snprintf((char *)authority + host, PORT_DIGITS_MAX + 2, ":%u", port);
    return host;
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
        while (length > 0 && strips(url->normal[length - 1]) && !is_bracketed(url->normal, length))
            length--;
    url->authority_length = length;
    url->normal_length = normal_authority(url->normal, length, url->scheme, &url->has_port);
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
    /* What may be stripped is kept back until something follows that may not, as a fragment does.
     */
    for (; at < end && !ends(*at) && *at != '#'; at++) {
        if (strips(*at))
            continue;
        if (length + (at + 1 - last) > size)
            return 0;
        memcpy(normal + length, last, at + 1 - last);
        length += at + 1 - last;
        last = at + 1;
    }
    if (at < end && *at == '#') {
        if (length + (at - last) > size)
            return 0;
        memcpy(normal + length, last, at - last);
        length += at - last;
        last = at;
    }
    *token_end = last;
    return length;
}

gboolean token_url_longer(const struct token_url *url, const guint8 *end, guint8 *normal,
                          gsize *length, gsize size, const guint8 **token_end)
{
    const guint8 *at = *token_end, *path = url->rest + url->authority_length;

    if (at == end || !strips(*at) || *length == size || (*path != '/' && *path != '?'))
        return FALSE;
    normal[(*length)++] = *at;
    *token_end = at + 1;
    return TRUE;
}

gsize token_url_with_port(const struct token_url *url, guint8 *normal, gsize length, gsize size)
{
    const char *port = url->scheme == 's' ? ":443" : ":80";
    gsize more = strlen(port);

    if (length + more > size)
        return 0;
    memmove(normal + url->normal_length + more, normal + url->normal_length,
            length - url->normal_length);
    memcpy(normal + url->normal_length, port, more);
    return length + more;
}
