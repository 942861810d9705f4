#include "p2_internet/zone/absent.h"

const char *zone_host_target(const struct zone_host *host)
{
    return host->target ? host->target : host->name;
}

/* The name itself and those above it, without the root. */
static GPtrArray *names_from(const guint8 *name)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (; *name; name = dns_name_parent(name))
        g_ptr_array_add(names, dns_name_text(name));
    return names;
}

static gboolean find(struct zone_resolver *resolver, struct zone_host *host, const guint8 *name,
                     GError **error)
{
    g_autoptr(GPtrArray) names = names_from(name);
    g_autoptr(GPtrArray) answers = zone_answers(resolver, names, DNS_TYPE_SOA, error);

    for (guint i = 0; answers && i < names->len; i++) {
        const struct dns_answer *answer = answers->pdata[i];

        if (!answer || answer->rcode != DNS_RCODE_NXDOMAIN)
            break; /* what exists, exists up to the root */
        g_free(host->absent);
        host->absent = g_strdup(names->pdata[i]);
    }
    return answers != NULL;
}

gboolean zone_absent_find(struct zone_resolver *resolver, const GPtrArray *hosts,
                          const guint8 *apex, GError **error)
{
    for (guint i = 0; i < hosts->len; i++) {
        struct zone_host *host = hosts->pdata[i];
        guint8 name[DNS_NAME_MAX];

        if (host->is_absent && dns_name_parse(zone_host_target(host), name) &&
            !dns_name_within(name, apex) && !find(resolver, host, name, error))
            return FALSE;
    }
    return TRUE;
}
