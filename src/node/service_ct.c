/*
 * service_ct.c: reads the logs of certificates that the profile names, again and again
 * (p2_internet/ct/ct_watch.h), and raises an alarm for each certificate of our domains that nobody
 * here knows. In the background (background.h); where it reads on is kept in the data folder, with
 * the runs of `entente ct check`.
 *
 * A log that was never read is read from its end: what it gains. `entente ct check` reads what it
 * holds already.
 */
#include "base/clock.h"
#include "node/background.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/services.h"
#include "p2_internet/ct/ct_watch.h"

#define RECORD_EVERY_S (6 * 3600) /* in the journal, where nothing happens */

enum { CERTIFICATES, ALARMS, ENTRIES, UNREAD, RECORDED_S };

/* A log that lied goes on lying: what stands is not told anew. */
static gboolean raise_alarm(const char *topic, const char *severity, const char *text,
                            gint64 now_us, gpointer data, GError **error)
{
    struct background_round *round = data;
    gboolean stands = FALSE;

    if (!background_alarm_stands(round, topic, &stands, error))
        return FALSE;
    if (stands)
        return TRUE;
    round->numbers->own[ALARMS]++;
    return background_alarm(round, topic, severity, text, now_us, error);
}

/* The journal keeps what is new, and a sign of life now and then. */
static gboolean record(struct background_round *round, const struct ct_watch *watch,
                       gboolean is_new, gint64 now_us, GError **error)
{
    guint64 *own = round->numbers->own;
    const guint64 now_s = (guint64)(now_us / G_USEC_PER_SEC);

    if (!is_new && now_s - own[RECORDED_S] < RECORD_EVERY_S)
        return TRUE;
    own[RECORDED_S] = now_s;
    return ct_watch_keep(watch, error);
}

static gboolean read_logs(struct background_round *round, struct ct_watch *watch, GError **error)
{
    const GPtrArray *logs = round->profile->certificate_logs;

    for (guint i = 0; i < logs->len; i++) {
        const struct certificate_log *log = logs->pdata[i];

        if (!ct_watch_log(watch, log->place, log->key, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean look(struct background_round *round, GError **error)
{
    const struct ct_watch_options options = {
        .data = round->data,
        .profile = round->profile,
        .http = node_http_options(round->node),
        .from_end = TRUE,
        .now_us = clock_now_us(),
        .alarm = raise_alarm,
        .alarm_data = round,
    };
    g_autoptr(ct_watch_t) watch = ct_watch_new(&options);
    const struct ct_watch_counts *counts = ct_watch_counts(watch);
    guint64 *own = round->numbers->own;
    const guint64 alarms = own[ALARMS], unread = own[UNREAD];
    const gboolean done = ct_watch_profile(watch, error) && read_logs(round, watch, error);

    own[CERTIFICATES] += counts->fresh;
    own[ENTRIES] += counts->entries;
    own[UNREAD] = counts->unread;
    return done &&
           record(round, watch, counts->fresh || alarms != own[ALARMS] || unread != own[UNREAD],
                  options.now_us, error);
}

static gboolean is_wanted(const struct profile *profile)
{
    return profile->certificate_logs->len > 0;
}

static gpointer start(struct node *node, GError **error)
{
    const struct background_work work = {
        .name = "entente-ct",
        .title = "Certificates",
        .source = "ct",
        .kinds = 1u << ASSET_DOMAIN,
        .every_s = node_options(node)->ct_every_s,
        .is_wanted = is_wanted,
        .round = look,
    };

    return background_start(node, &work, error);
}

static void metrics(gpointer service, GString *text)
{
    const struct background_numbers *numbers = background_numbers(service);

    metric_add(text, METRIC_COUNTER, "ct_rounds_total", "Readings of the logs of certificates.",
               numbers->rounds);
    metric_add(text, METRIC_COUNTER, "ct_failed_total", "Of them, those that could not go on.",
               numbers->failed);
    metric_add(text, METRIC_COUNTER, "ct_entries_total", "Entries read.", numbers->own[ENTRIES]);
    metric_add(text, METRIC_COUNTER, "ct_certificates_total", "Certificates of our domains.",
               numbers->own[CERTIFICATES]);
    metric_add(text, METRIC_COUNTER, "ct_alarms_total", "Alarms raised.", numbers->own[ALARMS]);
    metric_add(text, METRIC_GAUGE, "ct_unread_logs",
               "Logs the last reading did not read to the end.", numbers->own[UNREAD]);
    metric_add(text, METRIC_GAUGE, "ct_last_seconds", "When the last reading ended (Unix time).",
               (guint64)numbers->last_s);
}

static const struct route routes[] = { { NULL } };

const struct service service_ct = {
    .name = "ct",
    .start = start,
    .stop = background_stop,
    .routes = routes,
    .metrics = metrics,
};
