/*
 * service_recover.c: holds the recovery drills that are due (p1_resilience/recover/drill_held.h),
 * as often as the profile wants each backup tried. In the background (background.h), which starts
 * the backup tools. A drill that fails raises an alarm about that backup; the signed record is
 * published when the node was told so.
 */
#include "base/clock.h"
#include "base/error.h"
#include "node/background.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/services.h"
#include "p1_resilience/recover/drill_held.h"

enum { DRILLS, FAILED, NOT_PROVEN };

#define TOPIC "recover:"
#define SEVERITY "high"

static char *failed_aspects(const struct drill *drill)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < DRILL_ASPECTS; i++)
        if (drill->findings[i].verdict == DRILL_FAILED)
            g_string_append_printf(text, "%s%s (%s)", text->len ? ", " : "", drill_aspect_name(i),
                                   drill->findings[i].reason);
    return g_string_free(text, FALSE);
}

static gboolean raise_alarm(struct background_round *round, const struct drill_held *held,
                            GError **error)
{
    g_autofree char *failed = failed_aspects(held->drill);
    g_autofree char *topic = g_strconcat(TOPIC, held->asset->name, NULL);
    g_autofree char *text =
        g_strdup_printf("The backup \"%s\" failed its drill: %s\nDrill %s: entente recover status",
                        held->asset->name, failed, held->id);

    return background_alarm(round, topic, SEVERITY, text, clock_now_us(), error);
}

static gboolean publish(struct background_round *round, const struct drill_held *held,
                        GError **error)
{
    const struct http_options http = node_http_options(round->node);
    g_autoptr(GBytes) entry = community_entry(held->envelope, error);
    g_auto(submitted_t) submission = { 0 };

    if (!entry ||
        !community_submit(held->setting->log->community, &http, entry, &submission, error))
        return FALSE;
    return submission.accepted ||
           policy_error(error, "the log refuses the drill: %s",
                        submission.reason ? submission.reason : "no reason given");
}

static gboolean drill(struct background_round *round, const struct recover_log *log,
                      const struct asset *asset, GError **error)
{
    const struct drill_setting setting = {
        .data = round->data, .profile = round->profile, .log = log, .key = round->key
    };
    const struct drill_options options = drill_default_options();
    g_auto(drill_held_t) held = { 0 };
    enum drill_verdict verdict;

    if (!drill_hold(&setting, asset, &options, &held, error))
        return FALSE;
    verdict = drill_verdict(held.drill);
    round->numbers->own[DRILLS]++;
    round->numbers->own[FAILED] += verdict == DRILL_FAILED;
    round->numbers->own[NOT_PROVEN] += verdict == DRILL_NOT_PROVEN;
    return (verdict != DRILL_FAILED || raise_alarm(round, &held, error)) &&
           (!node_options(round->node)->publish_drills || !log->community ||
            publish(round, &held, error));
}

/* One backup that cannot be drilled keeps none of the others from it; the first error is told. */
static gboolean drill_due(struct background_round *round, const GPtrArray *due, GError **error)
{
    const struct http_options http = node_http_options(round->node);
    g_auto(recover_log_t) log = { 0 };
    g_autoptr(GError) first = NULL;

    if (!recover_log_open(&log, round->data, &http, error))
        return FALSE;
    for (guint i = 0; i < due->len; i++)
        drill(round, &log, due->pdata[i], first ? NULL : &first);
    if (!first)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}

static gboolean look(struct background_round *round, GError **error)
{
    g_autoptr(GPtrArray) due = g_ptr_array_new();

    for (guint i = 0; i < round->profile->assets->len; i++) {
        struct asset *asset = round->profile->assets->pdata[i];
        gboolean is_due = FALSE;

        if (asset->kind != ASSET_BACKUP)
            continue;
        if (!drill_is_due(round->data, asset, clock_now_us(), &is_due, error))
            return FALSE;
        if (is_due)
            g_ptr_array_add(due, asset);
    }
    return due->len == 0 || drill_due(round, due, error);
}

static gpointer start(struct node *node, GError **error)
{
    const struct background_work work = {
        .name = "entente-recover",
        .title = "Recover",
        .source = "recover",
        .kinds = 1u << ASSET_BACKUP,
        .every_s = node_options(node)->drill_every_s,
        .round = look,
    };

    return background_start(node, &work, error);
}

static void metrics(gpointer service, GString *text)
{
    const struct background_numbers *numbers = background_numbers(service);

    metric_add(text, METRIC_COUNTER, "recover_rounds_total", "Looks for drills that are due.",
               numbers->rounds);
    metric_add(text, METRIC_COUNTER, "recover_errors_total",
               "Of them, those in which a drill could not be held.", numbers->failed);
    metric_add(text, METRIC_COUNTER, "recover_drills_total", "Drills held.", numbers->own[DRILLS]);
    metric_add(text, METRIC_COUNTER, "recover_drills_failed_total",
               "Of them, those in which something failed.", numbers->own[FAILED]);
    metric_add(text, METRIC_COUNTER, "recover_drills_unproven_total",
               "Of them, those in which nothing failed and something is not proven.",
               numbers->own[NOT_PROVEN]);
    metric_add(text, METRIC_GAUGE, "recover_last_seconds", "When the last look ended (Unix time).",
               (guint64)numbers->last_s);
}

static const struct route routes[] = { { NULL } };

const struct service service_recover = {
    .name = "recover",
    .start = start,
    .stop = background_stop,
    .routes = routes,
    .metrics = metrics,
};
