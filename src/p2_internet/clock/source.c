#include "p2_internet/clock/source.h"

#include "base/decimal.h"
#include "base/error.h"
#include "p2_internet/clock/ntp.h"
#include "p2_internet/clock/nts.h"

#include <string.h>

#define NTS_SCHEME "nts://"
#define NTP_SCHEME "ntp://"
#define HOST_MAX 253u
#define LABELS_OF_OPERATOR 2

void clock_source_free(struct clock_source *source)
{
    if (!source)
        return;
    g_free(source->text);
    g_free(source->host);
    g_free(source);
}

static gboolean is_host(const char *host)
{
    return *host && strlen(host) <= HOST_MAX &&
           (g_hostname_is_ip_address(host) ||
            strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
                strlen(host));
}

/* Splits "HOST[:PORT]"; an IPv6 address with a port stands in brackets. */
static gboolean split(const char *text, struct clock_source *source)
{
    const char *colon = strrchr(text, ':'), *end = strchr(text, ']');
    guint64 port;

    if (*text == '[') {
        if (!end || (end[1] && end + 1 != colon))
            return FALSE;
        source->host = g_strndup(text + 1, (gsize)(end - text - 1));
        colon = end[1] ? colon : NULL;
    } else {
        if (colon && strchr(text, ':') != colon) /* an IPv6 address without a port */
            colon = NULL;
        source->host = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
    }
    if (!colon)
        return is_host(source->host);
    if (!decimal_parse(colon + 1, strlen(colon + 1), &port) || port == 0 || port > G_MAXUINT16)
        return FALSE;
    source->port = (guint16)port;
    return is_host(source->host);
}

struct clock_source *clock_source_parse(const char *text, GError **error)
{
    g_autoptr(clock_source_t) source = g_new0(struct clock_source, 1);
    const char *place = text;

    source->text = g_strdup(text);
    source->nts = g_str_has_prefix(text, NTS_SCHEME);
    if (source->nts || g_str_has_prefix(text, NTP_SCHEME))
        place += strlen(NTP_SCHEME);
    source->port = source->nts ? NTS_KE_PORT : NTP_PORT;
    if (!split(place, source)) {
        input_error(error,
                    "\"%s\" is no source of time; write nts://HOST[:PORT] or "
                    "ntp://HOST[:PORT]",
                    text);
        return NULL;
    }
    return g_steal_pointer(&source);
}

char *clock_source_operator(const struct clock_source *source)
{
    const char *host = source->host, *at = host + strlen(host);
    guint labels = 0;

    if (g_hostname_is_ip_address(host))
        return g_strdup(host);
    while (at > host && (at[-1] != '.' || !at[0] || ++labels < LABELS_OF_OPERATOR))
        at--;
    return g_ascii_strdown(at, -1);
}
