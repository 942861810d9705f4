#include "profile/values.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <string.h>

#define LABEL_MAX 63
#define DOMAIN_MAX 253
#define PORT_MAX 65535
#define DURATION_MAX_S (G_GINT64_CONSTANT(10) * 366 * 86400)

static gboolean label_is_good(const char *label)
{
    gsize length = strlen(label);

    if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
        return FALSE;
    for (const char *c = label; *c; c++)
        if (!g_ascii_isalnum(*c) && *c != '-')
            return FALSE;
    return TRUE;
}

gboolean value_check_domain(const char *text, GError **error)
{
    g_auto(GStrv) labels = g_strsplit(text, ".", -1);
    guint count = g_strv_length(labels);

    if (!g_str_is_ascii(text))
        return input_error(
            error, "\"%s\" is not in A-label form; write the name as in the DNS (xn--...)", text);
    if (strlen(text) > DOMAIN_MAX)
        return input_error(error, "the domain name is longer than %d bytes", DOMAIN_MAX);
    if (count < 2)
        return input_error(error, "\"%s\" is not a domain name: no '.'", text);
    for (guint i = 0; i < count; i++)
        if (!label_is_good(labels[i]))
            return input_error(error,
                               "\"%s\" is not a domain name: \"%s\" is no label (letters, "
                               "digits, '-' inside, 1 to %d bytes)",
                               text, labels[i], LABEL_MAX);
    if (strspn(labels[count - 1], "0123456789") == strlen(labels[count - 1]))
        return input_error(error, "\"%s\" is not a domain name: it ends in a number", text);
    return TRUE;
}

/* Digits only, without sign, spaces or leading zeros. */
static gboolean parse_number(const char *text, guint64 max, guint64 *number)
{
    if (!g_ascii_isdigit(text[0]) || (text[0] == '0' && text[1]))
        return FALSE;
    return g_ascii_string_to_unsigned(text, 10, 0, max, number, NULL);
}

gboolean value_check_prefix(const char *text, GError **error)
{
    const char *slash = strchr(text, '/');
    g_autofree char *address = NULL;
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    guint bits = family == AF_INET6 ? 128 : 32;
    guint8 bytes[16];
    guint64 length;

    if (!slash)
        return input_error(error, "\"%s\" is not a prefix: no '/'", text);
    address = g_strndup(text, (gsize)(slash - text));
    if (inet_pton(family, address, bytes) != 1)
        return input_error(error, "\"%s\" is not a prefix: \"%s\" is no address", text, address);
    if (!parse_number(slash + 1, bits, &length))
        return input_error(error, "\"%s\" is not a prefix (length is 0..%u)", text, bits);
    for (guint bit = (guint)length; bit < bits; bit++)
        if (bytes[bit / 8] & (0x80 >> bit % 8))
            return input_error(error, "\"%s\" has bits set beyond its length", text);
    return TRUE;
}

gboolean value_parse_as(const char *text, guint32 *number, GError **error)
{
    const char *digits = g_ascii_strncasecmp(text, "AS", 2) == 0 ? text + 2 : text;
    guint64 value;

    if (!parse_number(digits, G_MAXUINT32, &value))
        return input_error(error, "\"%s\" is not an AS number", text);
    if (value == 0 || value == 23456 || value == G_MAXUINT32)
        return input_error(error, "AS%" G_GUINT64_FORMAT " is reserved", value);
    *number = (guint32)value;
    return TRUE;
}

gboolean value_check_listener(const char *text, GError **error)
{
    guint64 port;

    if ((g_str_has_prefix(text, "tcp/") || g_str_has_prefix(text, "udp/")) &&
        parse_number(text + 4, PORT_MAX, &port) && port > 0)
        return TRUE;
    return input_error(error, "\"%s\" is not a listener; write tcp/22 or udp/53", text);
}

gboolean value_check_country(const char *text, GError **error)
{
    static const char codes[] =
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
        "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
        "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
        "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
        "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
        "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
        "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
        "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
        "VN VU WF WS YE YT ZA ZM ZW ";
    gsize length = strlen(text);

    if (length == 2 && g_ascii_isupper(text[0]) && g_ascii_isupper(text[1])) {
        const char sought[] = { text[0], text[1], ' ', '\0' };

        if (strstr(codes, sought))
            return TRUE;
    }
    return input_error(error, "\"%s\" is not a country code of ISO 3166-1 (two capitals: FR, IN)",
                       text);
}

gboolean value_parse_duration(const char *text, gint64 *microseconds, GError **error)
{
    static const struct {
        char unit;
        gint64 seconds;
    } units[] = { { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 } };
    gsize length = strlen(text);
    g_autofree char *digits = g_strndup(text, length ? length - 1 : 0);
    guint64 number;

    for (guint i = 0; length && i < G_N_ELEMENTS(units); i++)
        if (text[length - 1] == units[i].unit &&
            parse_number(digits, (guint64)(DURATION_MAX_S / units[i].seconds), &number) && number) {
            *microseconds = (gint64)number * units[i].seconds * G_USEC_PER_SEC;
            return TRUE;
        }
    return input_error(error, "\"%s\" is not a duration; write 30m, 26h, 7d or 2w", text);
}

gboolean value_check_uri(const char *text, GError **error)
{
    if (g_uri_is_valid(text, G_URI_FLAGS_NONE, NULL))
        return TRUE;
    return input_error(error, "\"%s\" is not a URI; write mailto:..., tel:... or https://...",
                       text);
}
