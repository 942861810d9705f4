#include "p2_internet/zone/chain.h"

#define STEPS_MAX 16u /* that are looked at */

struct chain {
    struct zone_host *host;
    GPtrArray *names; /* from the host's on */
    gboolean has_ended;
};

static void chain_clear(gpointer data)
{
    struct chain *chain = data;

    g_ptr_array_unref(chain->names);
}

static const char *last_of(const struct chain *chain)
{
    return chain->names->pdata[chain->names->len - 1];
}

static gboolean has_name(const struct chain *chain, const char *name)
{
    for (guint i = 0; i < chain->names->len; i++)
        if (g_ascii_strcasecmp(chain->names->pdata[i], name) == 0)
            return TRUE;
    return FALSE;
}

static void take_step(struct chain *chain, const struct dns_answer *answer)
{
    char *next = answer && answer->data->len ? zone_name_in(answer->data->pdata[0], 0) : NULL;

    chain->has_ended = TRUE;
    if (!next)
        return;
    chain->host->aliases++;
    chain->host->is_circle = has_name(chain, next);
    chain->has_ended = chain->host->is_circle || chain->host->aliases == STEPS_MAX;
    g_ptr_array_add(chain->names, next);
}

/* One step of all that go on. FALSE: none does, or an error. */
static gboolean step(struct zone_resolver *resolver, GArray *chains, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new(), going = g_ptr_array_new(), answers = NULL;

    for (guint i = 0; i < chains->len; i++) {
        struct chain *chain = &g_array_index(chains, struct chain, i);

        if (chain->has_ended)
            continue;
        g_ptr_array_add(names, (gpointer)last_of(chain));
        g_ptr_array_add(going, chain);
    }
    if (!names->len)
        return FALSE;
    answers = zone_answers(resolver, names, DNS_TYPE_CNAME, error);
    for (guint i = 0; answers && i < going->len; i++)
        take_step(going->pdata[i], answers->pdata[i]);
    return answers != NULL;
}

gboolean zone_chains_find(struct zone_resolver *resolver, const GPtrArray *hosts, GError **error)
{
    g_autoptr(GArray) chains = g_array_new(FALSE, FALSE, sizeof(struct chain));
    g_autoptr(GError) failure = NULL;

    g_array_set_clear_func(chains, chain_clear);
    for (guint i = 0; i < hosts->len; i++) {
        struct zone_host *host = hosts->pdata[i];
        const struct chain chain = { .host = host,
                                     .names = g_ptr_array_new_with_free_func(g_free) };

        g_ptr_array_add(chain.names, g_strdup(host->name));
        g_array_append_val(chains, chain);
        if (!host->is_alias && !host->is_unknown)
            g_array_index(chains, struct chain, i).has_ended = TRUE;
    }
    while (step(resolver, chains, &failure))
        continue;
    if (!failure)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}
