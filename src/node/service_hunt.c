/*
 * service_hunt.c: searches the profile's logs again and again (p1_resilience/hunt/retro.h): what
 * they gained, and all of them when a table of indicators was installed. In the background
 * (background.h), reading the logs in confined workers.
 */
#include "node/background.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/services.h"
#include "p1_resilience/hunt/retro.h"

enum { HITS, UNREAD, BYTES };

static gboolean raise_alarm(const char *topic, const char *severity, const char *text,
                            gint64 now_us, gpointer data, GError **error)
{
    return background_alarm(data, topic, severity, text, now_us, error);
}

static gboolean look(struct background_round *round, GError **error)
{
    g_auto(GStrv) paths = hunt_retro_tables(round->data);
    g_autoptr(hunt_table_t) table = NULL;
    struct hunt_retro_summary summary;
    struct hunt_retro retro = { .data_folder = round->data,
                                .profile = round->profile,
                                .threads = 1, /* nobody waits for it */
                                .alarm = raise_alarm,
                                .data = round };
    gboolean done;

    if (!paths[0])
        return TRUE; /* no table is installed yet */
    table = hunt_table_open_all((const char *const *)paths, error);
    if (!table)
        return FALSE;
    retro.table = table;
    done = hunt_retro_run(&retro, &summary, error);
    round->numbers->own[HITS] += summary.hits;
    round->numbers->own[BYTES] += summary.bytes;
    round->numbers->own[UNREAD] = summary.unread;
    return done;
}

static gpointer start(struct node *node, GError **error)
{
    const struct background_work work = {
        .name = "entente-hunt",
        .title = "Hunt",
        .source = "hunt",
        .kinds = 1u << ASSET_LOG,
        .every_s = node_options(node)->hunt_every_s,
        .round = look,
    };

    return background_start(node, &work, error);
}

static void metrics(gpointer service, GString *text)
{
    const struct background_numbers *numbers = background_numbers(service);

    metric_add(text, METRIC_COUNTER, "hunt_rounds_total", "Searches through the profile's logs.",
               numbers->rounds);
    metric_add(text, METRIC_COUNTER, "hunt_failed_total", "Of them, those that could not go on.",
               numbers->failed);
    metric_add(text, METRIC_COUNTER, "hunt_hits_total", "New hits.", numbers->own[HITS]);
    metric_add(text, METRIC_COUNTER, "hunt_bytes_total", "Bytes searched.", numbers->own[BYTES]);
    metric_add(text, METRIC_GAUGE, "hunt_unread_files", "Files the last search could not read.",
               numbers->own[UNREAD]);
    metric_add(text, METRIC_GAUGE, "hunt_last_seconds", "When the last search ended (Unix time).",
               (guint64)numbers->last_s);
}

static const struct route routes[] = { { NULL } };

const struct service service_hunt = {
    .name = "hunt",
    .start = start,
    .stop = background_stop,
    .routes = routes,
    .metrics = metrics,
};
