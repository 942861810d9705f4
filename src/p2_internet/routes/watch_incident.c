#include "p2_internet/routes/watch_private.h"

#include <string.h>

#define INCIDENTS_LIMIT 20000
#define QUIET_FOR_US ((gint64)5 * 60 * G_USEC_PER_SEC) /* an incident that nobody sees ends */

void watch_incident_free(gpointer data)
{
    struct incident *incident = data;

    g_free(incident->key);
    g_free(incident->path);
    g_hash_table_unref(incident->peers);
    g_ptr_array_unref(incident->evidence);
    g_free(incident);
}

const char *watch_step_name(enum watch_step step)
{
    static const char *const names[] = { "opened", "grew", "closed" };

    return names[step];
}

static guint peers_of(const struct incident *incident)
{
    return MAX(g_hash_table_size(incident->peers), incident->counted);
}

static void report(const struct watch *watch, const struct incident *incident, enum watch_step step,
                   gint64 at_us, watch_sink sink, gpointer data)
{
    g_autoptr(GPtrArray) evidence = g_ptr_array_new();
    struct watch_report report = {
        .step = step,
        .alarm = incident->alarm,
        .key = incident->key,
        .ours = incident->ours,
        .has_prefix = incident->has_prefix,
        .has_as = incident->has_as,
        .prefix = incident->prefix,
        .as = incident->as,
        .peers = peers_of(incident),
        .most_peers = incident->most,
        .at_us = at_us,
        .first_us = incident->first_us,
        .last_us = incident->last_us,
        .rov = incident->rov,
        .has_rov = incident->has_rov,
        .serial = incident->serial,
        .path = incident->path ? incident->path : "",
    };
    const struct watch_host *host =
        incident->has_prefix ? watch_hosts_in(watch->hosts, &incident->prefix) : NULL;
    g_autofree char *text = NULL;

    report.host = host ? host->name : NULL;
    report.is_hosted = host && !watch_ours_around(watch->ours, &incident->prefix) &&
                       !watch_ours_within(watch->ours, &incident->prefix);
    text = watch_text(&report);
    for (guint i = 0; i < incident->evidence->len; i++)
        g_ptr_array_add(evidence, incident->evidence->pdata[i]);
    g_ptr_array_add(evidence, NULL);
    report.text = text;
    report.evidence = (char *const *)evidence->pdata;
    sink(&report, data);
}

static void tell(struct watch *watch, struct incident *incident, enum watch_step step)
{
    incident->told_us = watch->now_us;
    incident->told_peers = peers_of(incident);
    report(watch, incident, step, watch->now_us, watch->sink, watch->data);
}

static guint threshold(const struct watch *watch, enum watch_alarm alarm)
{
    return alarm == WATCH_VISIBILITY || alarm == WATCH_SILENCE
               ? 1
               : MAX(watch_rows[alarm].peers, watch->options.min_peers);
}

/* Told when enough see it, and again when twice as many do. */
void watch_incident_weigh(struct watch *watch, struct incident *incident)
{
    const guint peers = peers_of(incident);

    incident->most = MAX(incident->most, peers);
    incident->quiet_us = peers ? 0 : incident->quiet_us ? incident->quiet_us : watch->now_us;
    if (!incident->is_open && peers >= threshold(watch, incident->alarm)) {
        incident->is_open = TRUE;
        watch->counts.open++;
        tell(watch, incident, WATCH_OPENED);
    } else if (incident->is_open && peers >= 2 * incident->told_peers && incident->told_peers &&
               watch->now_us - incident->told_us >= watch->options.interval_us) {
        tell(watch, incident, WATCH_GREW);
    }
}

/* `makes` FALSE: only one that is there. NULL also when there are too many. */
struct incident *watch_incident_of(struct watch *watch, const struct watch_finding *finding,
                                   const struct ip_prefix *prefix, gboolean makes)
{
    char text[IP_PREFIX_TEXT] = "";
    g_autofree char *key = NULL;
    struct incident *incident;

    if (prefix)
        ip_prefix_format(prefix, text);
    key = g_strdup_printf("%s|%s|%s|%u", watch_rows[finding->alarm].id, finding->ours, text,
                          finding->has_as ? finding->as : 0);
    incident = g_hash_table_lookup(watch->incidents, key);
    if (incident || !makes || watch->in_order->len >= INCIDENTS_LIMIT)
        return incident;
    incident = g_new0(struct incident, 1);
    incident->key = g_steal_pointer(&key);
    incident->alarm = finding->alarm;
    incident->ours = finding->ours;
    incident->has_as = finding->has_as;
    incident->as = finding->as;
    incident->has_prefix = prefix != NULL;
    if (prefix)
        incident->prefix = *prefix;
    incident->first_us = incident->last_us = watch->now_us;
    incident->peers = g_hash_table_new(NULL, NULL);
    incident->evidence = g_ptr_array_new_with_free_func(g_free);
    g_hash_table_insert(watch->incidents, incident->key, incident);
    g_ptr_array_add(watch->in_order, incident);
    return incident;
}

void watch_incident_evidence(struct incident *incident, const struct route_element *element)
{
    if (incident->evidence->len < WATCH_EVIDENCE)
        g_ptr_array_add(incident->evidence, route_evidence(element));
}

void watch_incident_see(struct incident *incident, struct peer *peer)
{
    const guint routes = GPOINTER_TO_UINT(g_hash_table_lookup(incident->peers, peer));

    g_hash_table_insert(incident->peers, peer, GUINT_TO_POINTER(routes + 1));
}

void watch_incident_unsee(struct watch *watch, struct incident *incident, struct peer *peer)
{
    const guint routes = GPOINTER_TO_UINT(g_hash_table_lookup(incident->peers, peer));

    if (routes > 1)
        g_hash_table_insert(incident->peers, peer, GUINT_TO_POINTER(routes - 1));
    else
        g_hash_table_remove(incident->peers, peer);
    incident->last_us = MAX(incident->last_us, watch->now_us);
    watch_incident_weigh(watch, incident);
}

void watch_incidents_end(struct watch *watch)
{
    guint kept = 0;

    for (guint i = 0; i < watch->in_order->len; i++) {
        struct incident *incident = watch->in_order->pdata[i];

        if (!incident->quiet_us || watch->now_us - incident->quiet_us < QUIET_FOR_US) {
            watch->in_order->pdata[kept++] = incident;
            continue;
        }
        if (incident->is_open) {
            incident->is_open = FALSE;
            watch->counts.open--;
            tell(watch, incident, WATCH_CLOSED);
        }
        g_hash_table_remove(watch->incidents, incident->key);
        watch_incident_free(incident);
    }
    /* Those that stay were moved to the front; the rest is freed already. */
    while (watch->in_order->len > kept)
        g_ptr_array_steal_index(watch->in_order, watch->in_order->len - 1);
}

static gint compare_incidents(gconstpointer a, gconstpointer b)
{
    return strcmp((*(struct incident *const *)a)->key, (*(struct incident *const *)b)->key);
}

void watch_each_open(struct watch *watch, watch_sink sink, gpointer data)
{
    g_autoptr(GPtrArray) open = g_ptr_array_new();

    for (guint i = 0; i < watch->in_order->len; i++)
        if (((struct incident *)watch->in_order->pdata[i])->is_open)
            g_ptr_array_add(open, watch->in_order->pdata[i]);
    g_ptr_array_sort(open, compare_incidents);
    for (guint i = 0; i < open->len; i++)
        report(watch, open->pdata[i], WATCH_OPENED, watch->now_us, sink, data);
}
