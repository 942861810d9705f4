/* indicator_name.c: domain names, and what has one in it: URLs and e-mail addresses. */
#include "p1_resilience/hunt/indicator_private.h"
#include "p1_resilience/hunt/token.h"

#include "base/late_library.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stddef.h>
#include <string.h>

#define NAME_MAX_OCTETS 253 /* RFC 1035 section 2.3.4, without the root's */
#define LABEL_MAX_OCTETS 63
#define PORT_MAX_DIGITS 5

/* What may not stand in a URL, since the scan of a log ends it there. */
#define URL_ENDS "\"'<>\\^`{|}"
/* What may follow a URL in running text. */
#define URL_TRAILS ".,;:!?)]}"

struct idna {
    typeof(idn2_to_ascii_8z) *to_ascii;
    typeof(idn2_free) *free;
};

static const struct late_symbol idna_symbols[] = {
    { "idn2_to_ascii_8z", offsetof(struct idna, to_ascii) },
    { "idn2_free", offsetof(struct idna, free) },
    { NULL, 0 },
};

static gboolean load_idna(struct idna *idna, GError **error)
{
    return late_library_load("libidn2.so.0", "libidn2-0", idna_symbols, idna, error);
}

gboolean indicator_prepare(GError **error)
{
    struct idna idna;

    return load_idna(&idna, error);
}

/* Lower case for what names are made of, else 0. */
/* clang-format off */
static const guint8 name_bytes[256] = {
    ['-'] = '-', ['_'] = '_', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
    ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
#define LETTER(UPPER, LOWER) [UPPER] = LOWER, [LOWER] = LOWER
    LETTER('A', 'a'), LETTER('B', 'b'), LETTER('C', 'c'), LETTER('D', 'd'), LETTER('E', 'e'),
    LETTER('F', 'f'), LETTER('G', 'g'), LETTER('H', 'h'), LETTER('I', 'i'), LETTER('J', 'j'),
    LETTER('K', 'k'), LETTER('L', 'l'), LETTER('M', 'm'), LETTER('N', 'n'), LETTER('O', 'o'),
    LETTER('P', 'p'), LETTER('Q', 'q'), LETTER('R', 'r'), LETTER('S', 's'), LETTER('T', 't'),
    LETTER('U', 'u'), LETTER('V', 'v'), LETTER('W', 'w'), LETTER('X', 'x'), LETTER('Y', 'y'),
    LETTER('Z', 'z'),
};
/* clang-format on */

/* An ASCII name into `out` of NAME_MAX_OCTETS + 1 bytes. */
static enum indicator_why fold_name(const char *text, gsize length, char *out)
{
    gsize label = 0, dots = 0, digits = 0;

    if (length > NAME_MAX_OCTETS)
        return INDICATOR_BAD_NAME;
    for (gsize i = 0; i < length; i++) {
        guint8 byte = name_bytes[(guint8)text[i]];

        if (text[i] == '.') {
            if (!label)
                return INDICATOR_BAD_NAME;
            dots++;
            label = digits = 0;
            out[i] = '.';
            continue;
        }
        if (!byte)
            return indicator_is_expression(text, length) ? INDICATOR_EXPRESSION : INDICATOR_NOTHING;
        if (++label > LABEL_MAX_OCTETS)
            return INDICATOR_BAD_NAME;
        digits += g_ascii_isdigit(byte);
        out[i] = (char)byte;
    }
    out[length] = '\0';
    /* A log's names are cut at hyphens on their ends; a last label of digits is an address's. */
    if (!label || label == digits || out[0] == '-' || out[length - 1] == '-')
        return INDICATOR_BAD_NAME;
    return dots ? INDICATOR_FINE : INDICATOR_SINGLE_LABEL;
}

/* A name beyond ASCII as A-labels (RFC 5891, UTS 46 non-transitional). */
static enum indicator_why fold_idna(const char *text, gsize length, char *out)
{
    g_autofree char *name = g_strndup(text, length);
    enum indicator_why why = INDICATOR_BAD_IDNA;
    char *ascii = NULL;
    struct idna idna;

    if (strlen(name) != length || !g_utf8_validate(name, (gssize)length, NULL))
        return INDICATOR_BAD_IDNA;
    if (!load_idna(&idna, NULL))
        return INDICATOR_NO_LIBRARY;
    if (idna.to_ascii(name, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK)
        why = fold_name(ascii, strlen(ascii), out);
    if (ascii)
        idna.free(ascii);
    return why;
}

/* Also "*.evil.example", ".evil.example" and "evil.example.". */
static enum indicator_why fold(const char *text, gsize length, char *out)
{
    if (length > 2 && text[0] == '*' && text[1] == '.') {
        text += 2;
        length -= 2;
    } else if (length > 1 && text[0] == '.') {
        text++;
        length--;
    }
    if (length > 1 && text[length - 1] == '.')
        length--;
    for (gsize i = 0; i < length; i++)
        if ((guint8)text[i] >= 0x80)
            return fold_idna(text, length, out);
    return fold_name(text, length, out);
}

enum indicator_why indicator_parse_name(const char *text, gsize length, struct indicator *out)
{
    char name[NAME_MAX_OCTETS + 1];
    enum indicator_why why = fold(text, length, name);

    if (why != INDICATOR_FINE)
        return why;
    out->kind = INDICATOR_DOMAIN;
    out->text = g_strdup(name);
    return INDICATOR_FINE;
}

static gboolean is_email_byte(char c)
{
    return g_ascii_isalnum(c) || (c && strchr("._%+-", c));
}

enum indicator_why indicator_parse_email(const char *text, gsize length, struct indicator *out)
{
    const char *at = memchr(text, '@', length);
    gsize local = (gsize)(at - text);
    char host[NAME_MAX_OCTETS + 1];
    g_autofree char *lower = NULL;
    enum indicator_why why;

    if (!local || local + 1 == length)
        return INDICATOR_BAD_EMAIL;
    for (gsize i = 0; i < local; i++)
        if (!is_email_byte(text[i]))
            return INDICATOR_BAD_EMAIL;
    if (at[1] == '.' || at[1] == '*')
        return INDICATOR_BAD_EMAIL;
    why = fold(at + 1, length - local - 1, host);
    if (why != INDICATOR_FINE)
        return why == INDICATOR_NO_LIBRARY ? why : INDICATOR_BAD_EMAIL;
    lower = g_ascii_strdown(text, (gssize)local);
    out->kind = INDICATOR_EMAIL;
    out->text = g_strconcat(lower, "@", host, NULL);
    return INDICATOR_FINE;
}

/* The host of a URL, as it stands in the normal form. */
static enum indicator_why fold_host(const char *host, gsize length, gboolean has_scheme,
                                    GString *out)
{
    char name[MAX(NAME_MAX_OCTETS + 1, INET6_ADDRSTRLEN)];
    guint8 address[16];
    enum indicator_why why;

    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        if (!indicator_address6(host + 1, length - 2, address))
            return INDICATOR_BAD_URL;
        g_string_append_printf(out, "[%s]", inet_ntop(AF_INET6, address, name, sizeof name));
        return INDICATOR_FINE;
    }
    if (indicator_address4(host, length, address)) {
        g_string_append_len(out, host, (gssize)length);
        return INDICATOR_FINE;
    }
    if (!length || host[0] == '.')
        return INDICATOR_BAD_URL;
    if (host[0] == '*')
        return INDICATOR_EXPRESSION;
    why = fold(host, length, name);
    if (why == INDICATOR_SINGLE_LABEL && has_scheme)
        why = INDICATOR_FINE;
    if (why == INDICATOR_FINE)
        g_string_append(out, name);
    return why == INDICATOR_FINE || why == INDICATOR_EXPRESSION || why == INDICATOR_NO_LIBRARY
               ? why
               : INDICATOR_BAD_URL;
}

/* "host:8080"; the port of the scheme itself goes. */
static enum indicator_why fold_authority(const char *text, gsize length, guint scheme_port,
                                         GString *out)
{
    const char *colon = memrchr(text, ':', length);
    guint port = scheme_port;
    enum indicator_why why;

    if (memchr(text, '@', length))
        return INDICATOR_BAD_URL; /* user and password: those who log it hide them */
    if (colon && text[length - 1] != ']') {
        gsize digits = length - (gsize)(colon + 1 - text);

        /* An empty port is the scheme's own (RFC 3986 section 3.2.3), where there is one. */
        if (digits ? !indicator_port(colon + 1, digits, &port) : !scheme_port)
            return INDICATOR_BAD_URL;
        length = (gsize)(colon - text);
    }
    why = fold_host(text, length, scheme_port != 0, out);
    if (why == INDICATOR_FINE && port != scheme_port)
        g_string_append_printf(out, ":%u", port);
    return why;
}

static gboolean is_path(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++)
        if ((guint8)text[i] <= ' ' || text[i] == 0x7f || strchr(URL_ENDS, text[i]))
            return FALSE;
    return TRUE;
}

/* What is beyond ASCII stands in logs as its percent escapes (RFC 3987 section 3.1). */
static void append_path(GString *url, const char *path, gsize length)
{
    for (gsize i = 0; i < length; i++)
        if ((guint8)path[i] < 0x80)
            g_string_append_c(url, path[i]);
        else
            g_string_append_printf(url, "%%%02X", (guint8)path[i]);
}

/* Whether the text ends in the bracket of an IPv6 address that is the URL's host. */
static gboolean closes_host(const char *text, gsize length)
{
    const char *open = memrchr(text, '[', length);

    return text[length - 1] == ']' && open && open - text >= 3 && memcmp(open - 3, "://", 3) == 0 &&
           !memchr(open, '/', length - (gsize)(open - text)) &&
           memchr(open, ']', length - (gsize)(open - text)) == text + length - 1;
}

gsize indicator_trimmed(const char *text, gsize length)
{
    while (length && text[length - 1] && strchr(URL_TRAILS, text[length - 1]) &&
           !closes_host(text, length))
        length--;
    return length;
}

/* Whether a URL has more than a scheme and a host. */
static gboolean has_path(const char *text, gsize length)
{
    const char *mark = g_strstr_len(text, (gssize)length, "://");
    gsize host = mark ? (gsize)(mark + 3 - text) : 0;

    return memchr(text + host, '/', length - host) || memchr(text + host, '?', length - host);
}

gsize indicator_url_length(const char *text, gsize length, guint flags)
{
    gsize trimmed = indicator_trimmed(text, length);
    const char *fragment;

    if (flags & INDICATOR_IN_TEXT || !has_path(text, trimmed))
        length = trimmed;
    fragment = memchr(text, '#', length);
    return fragment ? (gsize)(fragment - text) : length;
}

enum indicator_why indicator_parse_url(const char *text, gsize length, struct indicator *out)
{
    static const struct {
        const char *scheme;
        guint port;
    } schemes[] = { { "http://", 80 }, { "https://", 443 } };
    g_autoptr(GString) url = g_string_sized_new(length + 1);
    const char *mark = g_strstr_len(text, (gssize)length, "://"), *path;
    guint port = 0;
    gsize authority = 0;
    enum indicator_why why;

    for (guint i = 0; i < G_N_ELEMENTS(schemes); i++) {
        gsize size = strlen(schemes[i].scheme);

        if (length > size && g_ascii_strncasecmp(text, schemes[i].scheme, size) == 0) {
            g_string_append(url, schemes[i].scheme);
            port = schemes[i].port;
            text += size;
            length -= size;
        }
    }
    if (!port && mark && !memchr(text, '.', (gsize)(mark - text)))
        return INDICATOR_BAD_URL; /* another scheme */
    while (authority < length && !strchr("/?", text[authority]))
        authority++;
    why = fold_authority(text, authority, port, url);
    if (why != INDICATOR_FINE)
        return why;
    path = text + authority;
    length -= authority;
    /* The scan of a log looks at no more of what may belong to a sentence. */
    if (!is_path(path, length) || length - indicator_trimmed(path, length) > TOKEN_URL_TAIL_MAX)
        return INDICATOR_BAD_URL;
    if (!length || path[0] != '/')
        g_string_append_c(url, '/');
    append_path(url, path, length);
    out->kind = INDICATOR_URL;
    out->text = g_string_free(g_steal_pointer(&url), FALSE);
    return INDICATOR_FINE;
}

const char *indicator_host(const struct indicator *indicator, gsize *length)
{
    const char *host = indicator->text, *mark;

    if (indicator->kind == INDICATOR_EMAIL) {
        host = strchr(host, '@') + 1;
        *length = strlen(host);
        return host;
    }
    if (indicator->kind != INDICATOR_URL)
        return NULL;
    mark = strstr(host, "://");
    if (mark && !memchr(host, '/', (gsize)(mark - host)))
        host = mark + strlen("://");
    if (*host == '[') {
        host++;
        *length = strcspn(host, "]/");
    } else {
        *length = strcspn(host, ":/");
    }
    return host;
}
