#include "p2_internet/zone/zone_data.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <string.h>

#define TYPES_WINDOW 256u
#define STRING_MAX 255u

/*
 * Fields: 1 2 4 numbers of so many bytes; t a time to live; n a name; a an IPv4, A an IPv6 address;
 * s a character string; S one or more of them; q a string without its length, to the end; T a type;
 * Y a time of signature; b base64, x hexadecimal, both to the end; z a salt; h a hashed name in
 * base32; B types, as bits, to the end; g an algorithm's number.
 */
static const struct {
    guint16 type;
    const char *fields;
} grammars[] = {
    { DNS_TYPE_A, "a" },
    { DNS_TYPE_NS, "n" },
    { DNS_TYPE_CNAME, "n" },
    { DNS_TYPE_SOA, "nn4tttt" },
    { 12, "n" },
    { 13, "ss" },
    { DNS_TYPE_MX, "2n" },
    { DNS_TYPE_TXT, "S" },
    { 17, "nn" },
    { 18, "2n" },
    { DNS_TYPE_AAAA, "A" },
    { 33, "222n" },
    { 36, "2n" },
    { DNS_TYPE_DNAME, "n" },
    { DNS_TYPE_DS, "211x" },
    { 44, "11x" },
    { DNS_TYPE_RRSIG, "T11tYY2nb" },
    { DNS_TYPE_NSEC, "nB" },
    { DNS_TYPE_DNSKEY, "211b" },
    { DNS_TYPE_NSEC3, "112zhB" },
    { DNS_TYPE_NSEC3PARAM, "112z" },
    { 52, "111x" },
    { 53, "111x" },
    { DNS_TYPE_CDS, "211x" },
    { DNS_TYPE_CDNSKEY, "211b" },
    { DNS_TYPE_CSYNC, "42B" },
    { DNS_TYPE_ZONEMD, "411x" },
    { DNS_TYPE_SPF, "S" },
    { 256, "22q" },
    { DNS_TYPE_CAA, "1sq" },
};

struct parsing {
    const struct zone_word *words;
    guint count, at;
    const guint8 *origin;
    GByteArray *out;
};

static const char *next_word(struct parsing *parsing, GError **error)
{
    if (parsing->at == parsing->count) {
        input_error(error, "the record ends too early");
        return NULL;
    }
    return parsing->words[parsing->at++].text;
}

gboolean zone_name_parse(const char *text, const guint8 *origin, guint8 name[DNS_NAME_MAX],
                         GError **error)
{
    const gsize written = strlen(text);
    const gboolean absolute =
        written && text[written - 1] == '.' &&
        (written < 2 || text[written - 2] != '\\' || (written > 2 && text[written - 3] == '\\'));
    guint length, more;

    if (g_str_equal(text, "@") && origin) {
        memcpy(name, origin, dns_name_length(origin));
        return TRUE;
    }
    length = dns_name_parse(text, name);
    if (!length)
        return input_error(error, "\"%s\" is no name", text);
    if (absolute)
        return TRUE;
    if (!origin)
        return input_error(error, "\"%s\" is relative, and there is no $ORIGIN", text);
    more = dns_name_length(origin);
    if (length - 1 + more > DNS_NAME_MAX)
        return input_error(error, "\"%s\" with its origin has more than 255 bytes", text);
    memcpy(name + length - 1, origin, more);
    return TRUE;
}

gboolean zone_ttl_parse(const char *text, guint32 *ttl_s)
{
    guint64 total = 0;

    if (!g_ascii_isdigit(*text))
        return FALSE;
    while (*text) {
        guint64 number = 0, unit = 1;

        if (!g_ascii_isdigit(*text))
            return FALSE;
        for (; g_ascii_isdigit(*text) && number <= G_MAXUINT32; text++)
            number = number * 10 + (guint64)(*text - '0');
        switch (g_ascii_tolower(*text)) {
        case 'w':
            unit = 604800;
            break;
        case 'd':
            unit = 86400;
            break;
        case 'h':
            unit = 3600;
            break;
        case 'm':
            unit = 60;
            break;
        case 's':
        case '\0':
            break;
        default:
            return FALSE;
        }
        text += *text != '\0';
        total += number * unit;
        if (total > G_MAXUINT32)
            return FALSE;
    }
    *ttl_s = (guint32)total;
    return TRUE;
}

static gboolean put_number(struct parsing *parsing, const char *word, guint bytes, GError **error)
{
    const guint64 most = bytes == 4 ? G_MAXUINT32 : bytes == 2 ? G_MAXUINT16 : G_MAXUINT8;
    guint64 number;

    if (!g_ascii_string_to_unsigned(word, 10, 0, most, &number, NULL))
        return input_error(error, "\"%s\" is no number up to %" G_GUINT64_FORMAT, word, most);
    for (guint i = bytes; i-- > 0;) {
        const guint8 byte = (guint8)(number >> 8 * i);

        g_byte_array_append(parsing->out, &byte, 1);
    }
    return TRUE;
}

/* The bytes of a written string: \DDD and \X undone. */
static gboolean put_text(struct parsing *parsing, const char *word, gboolean counted,
                         GError **error)
{
    const guint length_at = parsing->out->len;
    guint8 byte = 0;
    guint length;

    if (counted)
        g_byte_array_append(parsing->out, &byte, 1);
    while (*word) {
        byte = (guint8)*word++;
        if (byte == '\\' && g_ascii_isdigit(word[0]) && g_ascii_isdigit(word[1]) &&
            g_ascii_isdigit(word[2])) {
            byte = (guint8)((word[0] - '0') * 100 + (word[1] - '0') * 10 + (word[2] - '0'));
            word += 3;
        } else if (byte == '\\' && *word) {
            byte = (guint8)*word++;
        }
        g_byte_array_append(parsing->out, &byte, 1);
    }
    length = parsing->out->len - length_at - 1;
    if (!counted)
        return TRUE;
    if (length > STRING_MAX)
        return input_error(error, "a string of more than 255 bytes");
    parsing->out->data[length_at] = (guint8)length;
    return TRUE;
}

/* All words that are left, as one. */
static char *rest_joined(struct parsing *parsing)
{
    GString *rest = g_string_new(NULL);

    while (parsing->at < parsing->count)
        g_string_append(rest, parsing->words[parsing->at++].text);
    return g_string_free(rest, FALSE);
}

static gboolean put_hex(struct parsing *parsing, const char *text, GError **error)
{
    for (; *text; text += 2) {
        const int high = g_ascii_xdigit_value(text[0]);
        const int low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);
        guint8 byte;

        if (low < 0)
            return input_error(error, "not hexadecimal");
        byte = (guint8)(high << 4 | low);
        g_byte_array_append(parsing->out, &byte, 1);
    }
    return TRUE;
}

static gboolean put_base64(struct parsing *parsing, const char *text, GError **error)
{
    gsize length;
    g_autofree guchar *bytes = NULL;

    if (!*text || strlen(text) % 4 ||
        text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")])
        return input_error(error, "not base64");
    bytes = g_base64_decode(text, &length);
    g_byte_array_append(parsing->out, bytes, (guint)length);
    return TRUE;
}

/* RFC 4648 section 7, without padding, behind its length. */
static gboolean put_base32(struct parsing *parsing, const char *text, GError **error)
{
    const guint length_at = parsing->out->len;
    guint bits = 0, held = 0;
    guint8 byte = 0;

    g_byte_array_append(parsing->out, &byte, 1);
    for (; *text; text++) {
        const char upper = g_ascii_toupper(*text);
        guint value;

        if (!g_ascii_isdigit(upper) && (upper < 'A' || upper > 'V'))
            return input_error(error, "not base32");
        value = g_ascii_isdigit(upper) ? (guint)(upper - '0') : (guint)(upper - 'A') + 10;
        bits = (bits << 5 | value) & 0xfff;
        held += 5;
        if (held < 8)
            continue;
        held -= 8;
        byte = (guint8)(bits >> held);
        g_byte_array_append(parsing->out, &byte, 1);
    }
    if (parsing->out->len - length_at - 1 > STRING_MAX)
        return input_error(error, "a hashed name of more than 255 bytes");
    parsing->out->data[length_at] = (guint8)(parsing->out->len - length_at - 1);
    return TRUE;
}

static gboolean put_salt(struct parsing *parsing, const char *text, GError **error)
{
    const guint length_at = parsing->out->len;
    const guint8 none = 0;

    g_byte_array_append(parsing->out, &none, 1);
    if (g_str_equal(text, "-"))
        return TRUE;
    if (!put_hex(parsing, text, error))
        return FALSE;
    if (parsing->out->len - length_at - 1 > STRING_MAX)
        return input_error(error, "a salt of more than 255 bytes");
    parsing->out->data[length_at] = (guint8)(parsing->out->len - length_at - 1);
    return TRUE;
}

/* YYYYMMDDHHmmSS or seconds since 1970 (RFC 4034 section 3.2). */
static gboolean put_time(struct parsing *parsing, const char *text, GError **error)
{
    const gsize length = strlen(text);
    guint64 digits;
    g_autoptr(GDateTime) date = NULL;

    if (length != 14)
        return put_number(parsing, text, 4, error);
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &digits, NULL))
        return input_error(error, "\"%s\" is no time", text);
    date = g_date_time_new_utc((int)(digits / 10000000000), (int)(digits / 100000000 % 100),
                               (int)(digits / 1000000 % 100), (int)(digits / 10000 % 100),
                               (int)(digits / 100 % 100), (double)(digits % 100));
    if (!date)
        return input_error(error, "\"%s\" is no time", text);
    dns_put32(parsing->out, (guint32)g_date_time_to_unix(date));
    return TRUE;
}

/* RFC 4034 section 4.1.2. */
static gboolean put_types(struct parsing *parsing, GError **error)
{
    g_autofree guint8 *bits = g_malloc0(TYPES_WINDOW * 32);

    while (parsing->at < parsing->count) {
        const char *word = parsing->words[parsing->at++].text;
        guint16 type;

        if (!dns_type_parse(word, &type))
            return input_error(error, "\"%s\" is no type", word);
        bits[type / 8] |= (guint8)(0x80 >> type % 8);
    }
    for (guint window = 0; window < TYPES_WINDOW; window++) {
        const guint8 *map = bits + (gsize)window * 32;
        guint8 head[2] = { (guint8)window, 32 };

        while (head[1] && !map[head[1] - 1])
            head[1]--;
        if (!head[1])
            continue;
        g_byte_array_append(parsing->out, head, sizeof head);
        g_byte_array_append(parsing->out, map, head[1]);
    }
    return TRUE;
}

static gboolean put_address(struct parsing *parsing, const char *word, int family, GError **error)
{
    guint8 address[16];

    if (inet_pton(family, word, address) != 1)
        return input_error(error, "\"%s\" is no address", word);
    g_byte_array_append(parsing->out, address, family == AF_INET ? 4 : 16);
    return TRUE;
}

static gboolean put_strings(struct parsing *parsing, GError **error)
{
    do {
        const char *word = next_word(parsing, error);

        if (!word || !put_text(parsing, word, TRUE, error))
            return FALSE;
    } while (parsing->at < parsing->count);
    return TRUE;
}

static gboolean put_rest(struct parsing *parsing, gboolean hexadecimal, GError **error)
{
    g_autofree char *rest = rest_joined(parsing);

    return hexadecimal ? put_hex(parsing, rest, error) : put_base64(parsing, rest, error);
}

static gboolean put_word(struct parsing *parsing, char field, GError **error)
{
    const char *word = next_word(parsing, error);
    guint8 name[DNS_NAME_MAX];
    guint16 type;
    guint32 ttl_s;

    if (!word)
        return FALSE;
    switch (field) {
    case 'n':
        if (!zone_name_parse(word, parsing->origin, name, error))
            return FALSE;
        g_byte_array_append(parsing->out, name, dns_name_length(name));
        return TRUE;
    case 't':
        if (!zone_ttl_parse(word, &ttl_s))
            return input_error(error, "\"%s\" is no time to live", word);
        dns_put32(parsing->out, ttl_s);
        return TRUE;
    case 'T':
        if (!dns_type_parse(word, &type))
            return input_error(error, "\"%s\" is no type", word);
        dns_put16(parsing->out, type);
        return TRUE;
    case 'a':
        return put_address(parsing, word, AF_INET, error);
    case 'A':
        return put_address(parsing, word, AF_INET6, error);
    case 's':
        return put_text(parsing, word, TRUE, error);
    case 'q':
        return put_text(parsing, word, FALSE, error);
    case 'Y':
        return put_time(parsing, word, error);
    case 'z':
        return put_salt(parsing, word, error);
    case 'h':
        return put_base32(parsing, word, error);
    default:
        return put_number(parsing, word, (guint)(field - '0'), error);
    }
}

static gboolean put_field(struct parsing *parsing, char field, GError **error)
{
    switch (field) {
    case 'S':
        return put_strings(parsing, error);
    case 'B':
        return put_types(parsing, error);
    case 'b':
    case 'x':
        return put_rest(parsing, field == 'x', error);
    default:
        return put_word(parsing, field, error);
    }
}

/* \# LENGTH HEX... */
static gboolean put_unknown(struct parsing *parsing, GError **error)
{
    const guint start = parsing->out->len;
    const char *word;
    guint64 length;

    parsing->at = 1;
    word = next_word(parsing, error);
    if (!word)
        return FALSE;
    if (!g_ascii_string_to_unsigned(word, 10, 0, G_MAXUINT16, &length, NULL))
        return input_error(error, "\"%s\" is no length", word);
    return put_rest(parsing, TRUE, error) &&
           (parsing->out->len - start == length ||
            input_error(error, "the data has not the length that it says"));
}

gboolean zone_data_parse(guint16 type, const struct zone_word *words, guint count,
                         const guint8 *origin, GByteArray *out, GError **error)
{
    struct parsing parsing = { words, count, 0, origin, out };
    g_autofree char *name = NULL;

    if (count && !words[0].quoted && g_str_equal(words[0].text, "\\#"))
        return put_unknown(&parsing, error);
    for (gsize i = 0; i < G_N_ELEMENTS(grammars); i++) {
        if (grammars[i].type != type)
            continue;
        for (const char *field = grammars[i].fields; *field; field++)
            if (!put_field(&parsing, *field, error))
                return FALSE;
        return parsing.at == count ||
               input_error(error, "\"%s\" is too much", words[parsing.at].text);
    }
    name = dns_type_text(type);
    return input_error(error, "%s is read as \\# only (RFC 3597)", name);
}
