/* indicator.c: which kind a value is of, and the kinds that need few words: addresses, digests. */
#include "p1_resilience/hunt/indicator_private.h"
#include "p1_resilience/hunt/refang.h"

#include <arpa/inet.h>
#include <string.h>

/* What a byte may be part of. */
enum byte_class {
    BYTE_DIGIT = 1 << 0,
    BYTE_HEX = 1 << 1,    /* a letter that is a hex digit */
    BYTE_LETTER = 1 << 2, /* any other letter, '-' or '_' */
    BYTE_DOT = 1 << 3,
    BYTE_COLON = 1 << 4,
    BYTE_SLASH = 1 << 5,
    BYTE_AT = 1 << 6,
    BYTE_OTHER = 1 << 7,
};

/* clang-format off */
#define OTHERS(FROM, TO) [FROM ... TO] = BYTE_OTHER
static const guint8 classes[256] = {
    OTHERS(0, ','), ['-'] = BYTE_LETTER, ['.'] = BYTE_DOT, ['/'] = BYTE_SLASH,
    ['0' ... '9'] = BYTE_DIGIT, [':'] = BYTE_COLON, OTHERS(';', '?'), ['@'] = BYTE_AT,
    ['A' ... 'F'] = BYTE_HEX, ['G' ... 'Z'] = BYTE_LETTER, OTHERS('[', '^'), ['_'] = BYTE_LETTER,
    ['`'] = BYTE_OTHER, ['a' ... 'f'] = BYTE_HEX, ['g' ... 'z'] = BYTE_LETTER, OTHERS('{', 255),
};
/* clang-format on */

#define EXPRESSION_BYTES "*[](){}|\\^$+?" /* of no value, but of wildcards and expressions */

#define SHORTEST_PREFIX4 8
#define SHORTEST_PREFIX6 16

static const char *const kind_names[INDICATOR_KINDS] = {
    "ipv4", "ipv6", "cidr", "domain", "host", "url", "hash", "email",
};

static const struct {
    const char *name, *text;
} whys[INDICATOR_WHYS] = {
    [INDICATOR_FINE] = { "fine", "taken as it is" },
    [INDICATOR_HOST_BITS] = { "host-bits", "a network with host bits set, which are zero now" },
    [INDICATOR_PORT_DROPPED] = { "port-dropped", "a port behind an address or name, left out" },
    [INDICATOR_PUBLIC_SUFFIX] = { "public-suffix",
                                  "a public suffix: looked for as that name only" },
    [INDICATOR_EMPTY] = { "empty", "nothing" },
    [INDICATOR_NOTHING] = { "no-indicator", "nothing that can be looked for" },
    [INDICATOR_SINGLE_LABEL] = { "single-label", "a word, not a name with a dot" },
    [INDICATOR_BAD_NAME] = { "bad-name", "no domain name (RFC 1035 section 2.3.4)" },
    [INDICATOR_BAD_IDNA] = { "bad-idna", "a name that IDNA2008 does not allow" },
    [INDICATOR_BAD_ADDRESS] = { "bad-address", "no IP address" },
    [INDICATOR_BAD_PREFIX] = { "bad-prefix", "no prefix length" },
    [INDICATOR_WIDE_PREFIX] = { "wide-prefix",
                                "a network wider than /8 (IPv4) or /16 (IPv6): --force" },
    [INDICATOR_BAD_URL] = { "bad-url", "no URL that logs of HTTP hold" },
    [INDICATOR_PATH_ONLY] = { "path-only", "a path without a host" },
    [INDICATOR_EXPRESSION] = { "expression", "a regular expression or a wildcard" },
    [INDICATOR_BAD_HASH] = { "bad-hash", "hex digits of no digest's length" },
    [INDICATOR_BAD_EMAIL] = { "bad-email", "no e-mail address" },
    [INDICATOR_OTHER_KIND] = { "other-kind", "a value of another kind than it says" },
    [INDICATOR_TOO_LONG] = { "too-long", "longer than 8192 bytes" },
    [INDICATOR_NO_LIBRARY] = { "no-library", "a name beyond ASCII, and libidn2 is not installed" },
};

const char *indicator_kind_name(enum indicator_kind kind)
{
    return kind_names[kind];
}

gboolean indicator_kind_parse(const char *name, enum indicator_kind *kind)
{
    for (guint i = 0; i < INDICATOR_KINDS; i++) {
        if (g_str_equal(kind_names[i], name)) {
            *kind = i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *indicator_why_name(enum indicator_why why)
{
    return whys[why].name;
}

const char *indicator_why_text(enum indicator_why why)
{
    return whys[why].text;
}

void indicator_clear(struct indicator *indicator)
{
    g_clear_pointer(&indicator->text, g_free);
}

void indicator_free(struct indicator *indicator)
{
    if (indicator)
        indicator_clear(indicator);
    g_free(indicator);
}

gboolean indicator_address4(const char *text, gsize length, guint8 *address)
{
    guint octets = 0, digits = 0, value = 0;

    if (length > INET_ADDRSTRLEN - 1)
        return FALSE;
    for (gsize i = 0; i <= length; i++) {
        if (i < length && g_ascii_isdigit(text[i])) {
            if (digits && value == 0)
                return FALSE; /* a leading zero: some read it as octal */
            value = value * 10 + (guint)(text[i] - '0');
            digits++;
            if (value > G_MAXUINT8)
                return FALSE;
        } else {
            if ((i < length && text[i] != '.') || !digits || octets == 4)
                return FALSE;
            address[octets++] = (guint8)value;
            digits = value = 0;
        }
    }
    return octets == 4;
}

gboolean indicator_address6(const char *text, gsize length, guint8 *address)
{
    char buffer[INET6_ADDRSTRLEN];

    if (length >= sizeof buffer || memchr(text, '\0', length))
        return FALSE;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    return inet_pton(AF_INET6, buffer, address) == 1;
}

static char *address_text(const struct indicator *indicator)
{
    char buffer[INET6_ADDRSTRLEN];

    inet_ntop(indicator->family == 4 ? AF_INET : AF_INET6, indicator->address, buffer,
              sizeof buffer);
    return indicator->kind == INDICATOR_CIDR ? g_strdup_printf("%s/%u", buffer, indicator->prefix)
                                             : g_strdup(buffer);
}

static enum indicator_why parse_ipv4(const char *text, gsize length, struct indicator *out)
{
    if (!indicator_address4(text, length, out->address))
        return INDICATOR_BAD_ADDRESS;
    out->kind = INDICATOR_IPV4;
    out->family = 4;
    out->prefix = 32;
    out->text = g_strndup(text, length);
    return INDICATOR_FINE;
}

static enum indicator_why parse_ipv6(const char *text, gsize length, struct indicator *out)
{
    if (!indicator_address6(text, length, out->address))
        return INDICATOR_BAD_ADDRESS;
    out->kind = INDICATOR_IPV6;
    out->family = 6;
    out->prefix = 128;
    out->text = address_text(out);
    return INDICATOR_FINE;
}

/* Zero behind the first `prefix` bits; whether they were. */
static gboolean clear_host_bits(guint8 *address, guint bytes, guint prefix)
{
    gboolean clean = TRUE;

    for (guint i = 0; i < bytes; i++) {
        guint keep = prefix > i * 8 ? MIN(prefix - i * 8, 8) : 0;
        guint8 mask = (guint8)(0xff00 >> keep);

        clean &= !(address[i] & (guint8)~mask);
        address[i] &= mask;
    }
    return clean;
}

/* An address before the slash at `slash`; FALSE when it is none, so that it may be a URL. */
static gboolean parse_network(const char *text, gsize slash, gsize length, guint flags,
                              struct indicator *out, enum indicator_why *why)
{
    guint prefix = 0, bits;
    gsize digits = length - slash - 1;

    if (indicator_address4(text, slash, out->address))
        out->family = 4;
    else if (indicator_address6(text, slash, out->address))
        out->family = 6;
    else
        return FALSE;
    for (gsize i = slash + 1; i < length; i++) {
        if (!g_ascii_isdigit(text[i]))
            return FALSE; /* http://192.0.2.1/path without its scheme */
        prefix = MIN(prefix * 10 + (guint)(text[i] - '0'), G_MAXUINT16);
    }
    if (!digits)
        return FALSE; /* 192.0.2.1/ */
    bits = out->family == 4 ? 32 : 128;
    if (prefix > bits || (digits > 1 && text[slash + 1] == '0')) {
        *why = INDICATOR_BAD_PREFIX;
        return TRUE;
    }
    if (prefix < (out->family == 4 ? SHORTEST_PREFIX4 : SHORTEST_PREFIX6) &&
        !(flags & INDICATOR_FORCE)) {
        *why = INDICATOR_WIDE_PREFIX;
        return TRUE;
    }
    out->kind = INDICATOR_CIDR;
    out->prefix = (guint8)prefix;
    *why = clear_host_bits(out->address, out->family == 4 ? 4 : 16, prefix) ? INDICATOR_FINE
                                                                            : INDICATOR_HOST_BITS;
    out->text = address_text(out);
    return TRUE;
}

static gboolean is_digest_length(gsize length)
{
    return length == 32 || length == 40 || length == 64 || length == 128;
}

static enum indicator_why parse_hash(const char *text, gsize length, struct indicator *out)
{
    if (!is_digest_length(length))
        return length < 32 ? INDICATOR_SINGLE_LABEL : INDICATOR_BAD_HASH;
    out->kind = INDICATOR_HASH;
    out->text = g_ascii_strdown(text, (gssize)length);
    return INDICATOR_FINE;
}

/* "md5:d41d8..." */
static gboolean skip_algorithm(const char **text, gsize *length)
{
    static const char *const names[] = { "md5:",     "sha1:",   "sha-1:",  "sha256:",
                                         "sha-256:", "sha512:", "sha-512:" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize size = strlen(names[i]);

        if (*length > size && g_ascii_strncasecmp(*text, names[i], size) == 0) {
            *text += size;
            *length -= size;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean indicator_port(const char *text, gsize length, guint *port)
{
    *port = 0;
    if (!length || length > 5)
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isdigit(text[i]))
            return FALSE;
        *port = *port * 10 + (guint)(text[i] - '0');
    }
    return *port > 0 && *port <= G_MAXUINT16;
}

static enum indicator_why parse_word(const char *text, gsize length, guint seen,
                                     struct indicator *out);

/* Something with a colon and no slash: an IPv6 address, a port, "md5:...". */
static enum indicator_why parse_colon(const char *text, gsize length, guint seen,
                                      struct indicator *out)
{
    const char *colon = memchr(text, ':', length), *close;
    enum indicator_why why;
    guint port;

    if (text[0] == '[' && (close = memchr(text, ']', length))) {
        gsize behind = length - (gsize)(close + 1 - text);

        if (behind && !(close[1] == ':' && indicator_port(close + 2, behind - 1, &port)))
            return INDICATOR_BAD_ADDRESS;
        why = parse_ipv6(text + 1, (gsize)(close - text - 1), out);
        return why == INDICATOR_FINE && behind ? INDICATOR_PORT_DROPPED : why;
    }
    if (skip_algorithm(&text, &length)) {
        for (seen = 0; length && g_ascii_isspace(*text); text++)
            length--;
        for (gsize i = 0; i < length; i++)
            seen |= classes[(guint8)text[i]];
        return seen & ~(guint)(BYTE_DIGIT | BYTE_HEX) ? INDICATOR_BAD_HASH
                                                      : parse_hash(text, length, out);
    }
    if (memchr(colon + 1, ':', length - (gsize)(colon + 1 - text)))
        return parse_ipv6(text, length, out);
    if (!indicator_port(colon + 1, length - (gsize)(colon + 1 - text), &port))
        return seen & BYTE_OTHER && indicator_has_any(text, length, EXPRESSION_BYTES)
                   ? INDICATOR_EXPRESSION
                   : INDICATOR_NOTHING;
    why = parse_word(text, (gsize)(colon - text), seen, out);
    return why == INDICATOR_FINE ? INDICATOR_PORT_DROPPED : why;
}

/* Something without slash, colon and at sign. */
static enum indicator_why parse_word(const char *text, gsize length, guint seen,
                                     struct indicator *out)
{
    if (seen & BYTE_COLON) /* the colon was before a port: look again */
        for (gsize i = seen = 0; i < length; i++)
            seen |= classes[(guint8)text[i]];
    if (!(seen & ~(guint)(BYTE_DIGIT | BYTE_DOT)) && seen & BYTE_DOT)
        return parse_ipv4(text, length, out);
    if (!(seen & ~(guint)(BYTE_DIGIT | BYTE_HEX)))
        return parse_hash(text, length, out);
    return indicator_parse_name(text, length, out);
}

static enum indicator_why parse_slash(const char *text, gsize length, guint flags,
                                      struct indicator *out)
{
    const char *slash = memchr(text, '/', length);
    enum indicator_why why;

    if (slash == text)
        return INDICATOR_PATH_ONLY;
    length = indicator_url_length(text, length, flags);
    if (text + length <= slash)
        return INDICATOR_NOTHING;
    if (parse_network(text, (gsize)(slash - text), indicator_trimmed(text, length), flags, out,
                      &why))
        return why;
    *out = (struct indicator){ 0 }; /* without the address that stands before the path */
    return indicator_parse_url(text, length, out);
}

static enum indicator_why parse_plain(const char *text, gsize length, guint flags,
                                      struct indicator *out)
{
    guint seen = 0;

    for (gsize i = 0; i < length; i++)
        seen |= classes[(guint8)text[i]];
    if (seen & BYTE_SLASH)
        return parse_slash(text, length, flags, out);
    if (seen & BYTE_AT)
        return indicator_parse_email(text, length, out);
    if (seen & BYTE_COLON)
        return parse_colon(text, length, seen, out);
    return parse_word(text, length, seen, out);
}

gboolean indicator_has_any(const char *text, gsize length, const char *bytes)
{
    for (gsize i = 0; i < length; i++)
        if (text[i] && strchr(bytes, text[i]))
            return TRUE;
    return FALSE;
}

gboolean indicator_is_expression(const char *text, gsize length)
{
    return indicator_has_any(text, length, EXPRESSION_BYTES);
}

/* A kind that was asked for; a name is a host where only hosts are. */
static gboolean is_wanted(struct indicator *out, guint flags)
{
    guint only = flags & INDICATOR_ONLY_MASK;

    if (out->kind == INDICATOR_DOMAIN && only && !(only & INDICATOR_ONLY(INDICATOR_DOMAIN)) &&
        only & INDICATOR_ONLY(INDICATOR_HOST))
        out->kind = INDICATOR_HOST;
    return !only || only & INDICATOR_ONLY(out->kind);
}

gboolean indicator_parse(const char *text, gsize length, guint flags, struct indicator *out,
                         enum indicator_why *why)
{
    g_autoptr(GString) meant = NULL;

    memset(out, 0, sizeof *out);
    for (; length && g_ascii_isspace(text[0]); text++)
        length--;
    while (length && g_ascii_isspace(text[length - 1]))
        length--;
    *why = length > INDICATOR_LENGTH_LIMIT ? INDICATOR_TOO_LONG : INDICATOR_EMPTY;
    if (!length || length > INDICATOR_LENGTH_LIMIT)
        return FALSE;
    if (!(flags & INDICATOR_VERBATIM) && refang_needed(text, length)) {
        meant = g_string_sized_new(length);
        refang(text, length, meant);
        text = meant->str;
        length = meant->len;
        if (!length)
            return FALSE;
    }
    *why = parse_plain(text, length, flags, out);
    if (*why >= INDICATOR_CHANGES)
        return FALSE;
    if (is_wanted(out, flags))
        return TRUE;
    indicator_clear(out);
    *why = INDICATOR_OTHER_KIND;
    return FALSE;
}
