#include "p1_resilience/hunt/hunt_lookup.h"

#include <string.h>

static void take_key(const struct indicator *indicator, gboolean is_whole, hunt_lookup_take take,
                     gpointer data)
{
    g_autofree struct hunt_key *key = g_new(struct hunt_key, 1);

    if (hunt_key_of(indicator, key))
        take(key, is_whole, data);
}

static void take_text(enum indicator_kind kind, const char *text, gboolean is_whole,
                      hunt_lookup_take take, gpointer data)
{
    take_key(&(struct indicator){ .kind = kind, .text = (char *)text }, is_whole, take, data);
}

void hunt_lookup_name(const char *name, gsize length, hunt_lookup_take take, gpointer data)
{
    g_autofree char *lower = g_ascii_strdown(name, (gssize)length);
    gboolean is_whole = TRUE;

    if (memchr(name, 0, length)) /* no name */
        return;
    if (length && lower[length - 1] == '.')
        lower[length - 1] = '\0';
    for (const char *at = lower; at; at = strchr(at, '.')) {
        at += *at == '.';
        if (*at && *at != '.')
            take_text(INDICATOR_DOMAIN, at, is_whole, take, data);
        is_whole = FALSE;
    }
}

static gboolean has_length(const struct hunt_needles *needles, guint family, guint prefix)
{
    guint64 lengths = family == 4 ? needles->lengths4 : needles->lengths6[prefix / 64];

    return lengths >> (prefix % 64) & 1;
}

void hunt_lookup_network(const struct hunt_needles *needles, const struct indicator *indicator,
                         hunt_lookup_take take, gpointer data)
{
    guint bits = indicator->family == 4 ? 32 : 128;

    for (guint prefix = indicator->prefix + 1; prefix-- > 0;) {
        struct indicator network = *indicator;

        if (!has_length(needles, indicator->family, prefix))
            continue;
        network.text = NULL;
        network.prefix = (guint8)prefix;
        if (prefix < bits)
            network.kind = INDICATOR_CIDR;
        for (guint bit = prefix; bit < bits; bit++)
            network.address[bit / 8] &= (guint8) ~(0x80 >> bit % 8);
        take_key(&network, prefix == indicator->prefix, take, data);
    }
}

/* "host:80/path", which stands for either scheme, for http://host/path. */
static void take_with_port(const char *url, const char *rest, hunt_lookup_take take, gpointer data)
{
    gsize host = strcspn(rest, "/?");
    const char *colon = memrchr(rest, ':', host);
    g_autofree char *text = NULL;

    if (colon && rest[host - 1] != ']')
        return; /* another port */
    text = g_strdup_printf("%.*s:%s%s", (int)host, rest,
                           g_str_has_prefix(url, "https") ? "443" : "80", rest + host);
    take_text(INDICATOR_URL, text, TRUE, take, data);
}

void hunt_lookup_exact(const struct indicator *indicator, hunt_lookup_take take, gpointer data)
{
    const char *mark = indicator->kind == INDICATOR_URL ? strstr(indicator->text, "://") : NULL;

    take_text(indicator->kind, indicator->text, TRUE, take, data);
    if (mark && !memchr(indicator->text, '/', (gsize)(mark - indicator->text))) {
        mark += strlen("://");
        take_text(INDICATOR_URL, mark, TRUE, take, data); /* of either scheme */
        take_with_port(indicator->text, mark, take, data);
    }
}

static void lookup_host(const struct hunt_needles *needles, const struct indicator *indicator,
                        hunt_lookup_take take, gpointer data)
{
    g_auto(indicator_t) host = { 0 };
    enum indicator_why why;
    gsize length;
    const char *text = indicator_host(indicator, &length);

    if (!text || !indicator_parse(text, length, INDICATOR_VERBATIM, &host, &why))
        return;
    if (host.family)
        hunt_lookup_network(needles, &host, take, data);
    else if (host.kind == INDICATOR_DOMAIN)
        hunt_lookup_name(host.text, strlen(host.text), take, data);
}

void hunt_lookup(const struct hunt_needles *needles, const struct indicator *indicator,
                 hunt_lookup_take take, gpointer data)
{
    if (indicator->family)
        return hunt_lookup_network(needles, indicator, take, data);
    if (indicator->kind == INDICATOR_DOMAIN)
        return hunt_lookup_name(indicator->text, strlen(indicator->text), take, data);
    hunt_lookup_exact(indicator, take, data);
    lookup_host(needles, indicator, take, data);
}
