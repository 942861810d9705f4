/*
 * service_routes.c: watches the profile's prefixes and autonomous systems in BGP, live: RIS Live,
 * BMP of one's own routers, an RPKI cache by RTR. In processes of their own (routes_watch.h); what
 * is wrong becomes an alarm.
 *
 *     GET /readyz    "routes": {...}: what is listened to, and what was heard
 */
#include "base/clock.h"
#include "base/error.h"
#include "node/metrics.h"
#include "node/routes_watch.h"
#include "node/services.h"
#include "p2_internet/routes/watch_alarm.h"
#include "p2_internet/routes/watch_hosts.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define AGAIN_S 5 /* a listener that ended is started anew */

struct routes {
    struct routes_work work;
    struct background *background;
};

static void ignore(const char *feed, const struct route_element *element, gpointer data)
{
}

/* What is wrong is said at once, not by a process in the background. */
static gboolean check(const struct routes_sources *sources, const char *data_folder, GError **error)
{
    int held;

    g_autofree char *host = NULL, *port = NULL;
    g_autoptr(routers_t) routers = NULL;

    if (sources->ris_live && !ris_url_check(sources->ris_live, error))
        return FALSE;
    if (sources->rtr && !rtr_split(sources->rtr, &host, &port, error))
        return FALSE;
    if (sources->name_servers) {
        g_autoptr(GPtrArray) hosts = watch_hosts_read(sources->name_servers, error);

        if (!hosts)
            return FALSE;
    }
    held = routes_hold(data_folder, error);
    if (held < 0)
        return FALSE;
    if (sources->bmp)
        routers = routers_open(sources->bmp, sources->bmp_routers, ignore, NULL, error);
    close(held);
    return !sources->bmp || routers;
}

static void stop(gpointer service)
{
    struct routes *own = service;

    if (own->background)
        background_stop(own->background);
    if (own->work.shown)
        munmap(own->work.shown, sizeof *own->work.shown);
    g_free(own);
}

static gboolean begin(struct routes *own, struct node *node, GError **error)
{
    const struct background_work work = {
        .name = "entente-alarms",
        .title = "Routes",
        .source = ROUTE_ALARM_SOURCE,
        .kinds = 1u << ASSET_PREFIX | 1u << ASSET_AS,
        .every_s = AGAIN_S,
        .round = routes_keep,
        .own = &own->work,
    };
    GError *failure = NULL;

    own->work.shown = mmap(NULL, sizeof *own->work.shown, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (own->work.shown == MAP_FAILED) {
        own->work.shown = NULL;
        return errno_error(error, errno, "no memory");
    }
    own->background = background_start(node, &work, &failure);
    if (failure) {
        g_propagate_error(error, failure);
        return FALSE;
    }
    return own->background ||
           input_error(error, "--ris-live and --bmp are for what is ours: the profile names "
                              "neither prefixes nor autonomous systems, or there is no key that "
                              "could sign an alarm (entente init)");
}

static gpointer start(struct node *node, GError **error)
{
    const struct node_options *options = node_options(node);
    struct routes *own;

    if (!options->ris_live && !options->bmp) {
        if (options->rtr || options->bmp_routers || options->relationships || options->name_servers)
            input_error(error, "--rtr, --bmp-router, --relationships and --name-servers go with "
                               "--ris-live or --bmp");
        return NULL;
    }
    own = g_new0(struct routes, 1);
    own->work.sources = (struct routes_sources){
        .ris_live = options->ris_live,
        .bmp = options->bmp,
        .bmp_routers = options->bmp_routers,
        .rtr = options->rtr,
        .relationships = options->relationships,
        .name_servers = options->name_servers,
        .silence_us = (gint64)options->routes_silence_s * G_USEC_PER_SEC,
    };
    if (check(&own->work.sources, options->data_folder, error) && begin(own, node, error))
        return own;
    stop(own);
    return NULL;
}

static void metrics(gpointer service, GString *text)
{
    const struct routes *own = service;
    const struct routes_shown *shown = own->work.shown;
    const struct {
        enum metric_type type;
        const char *name, *help;
        guint64 value;
    } rows[] = {
        { METRIC_COUNTER, "routes_elements_total", "Routes and states that were heard.",
          shown->elements },
        { METRIC_COUNTER, "routes_concerning_total", "Of them, those of what is ours.",
          shown->concerning },
        { METRIC_COUNTER, "routes_unread_total", "Messages that could not be read.",
          shown->unread },
        { METRIC_COUNTER, "routes_dropped_total", "Routes that were not kept: too many.",
          shown->dropped },
        { METRIC_GAUGE, "routes_held", "Routes that are kept.", shown->held },
        { METRIC_GAUGE, "routes_incidents_open", "Incidents that stand.", shown->open },
        { METRIC_COUNTER, "routes_alarms_total", "Alarms raised.", shown->alarms },
        { METRIC_COUNTER, "routes_alarms_withheld_total",
          "Incidents without an alarm of their own: too many within an hour.", shown->withheld },
        { METRIC_COUNTER, "routes_alarms_repeated_total", "Alarms that grew.", shown->repeats },
        { METRIC_COUNTER, "routes_alarms_ended_total", "Incidents that ended.", shown->ends },
        { METRIC_COUNTER, "routes_listeners_total", "Starts of the process that listens.",
          shown->started },
        { METRIC_GAUGE, "routes_ris_live_connected", "Whether RIS Live is connected.",
          shown->ris_connected },
        { METRIC_COUNTER, "routes_ris_live_messages_total", "Messages of RIS Live.",
          shown->ris_messages },
        { METRIC_GAUGE, "routes_bmp_routers", "Routers that are connected by BMP.",
          shown->routers },
        { METRIC_COUNTER, "routes_bmp_refused_total", "BMP connections that were not taken.",
          shown->refused },
        { METRIC_GAUGE, "routes_payloads", "VRPs of the RPKI cache.", shown->payloads },
        { METRIC_GAUGE, "routes_payloads_serial", "Their serial.", shown->serial },
        { METRIC_COUNTER, "routes_saves_failed_total", "Saves of the state that failed.",
          shown->not_saved },
        { METRIC_GAUGE, "routes_last_seconds", "When something was last heard (Unix time).",
          (guint64)(shown->last_us / G_USEC_PER_SEC) },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        metric_add(text, rows[i].type, rows[i].name, rows[i].help, rows[i].value);
}

/* A text that another process may be writing. */
static json_t *text_of(const char *shown)
{
    char text[ROUTES_TEXT_MAX];

    g_strlcpy(text, shown, sizeof text);
    return json_safe_string(text);
}

static json_t *ris_state(const struct routes_shown *shown)
{
    return json_pack("{s:b, s:I, s:I, s:o}", "connected", (int)shown->ris_connected, "connections",
                     (json_int_t)shown->ris_connections, "messages",
                     (json_int_t)shown->ris_messages, "problem", text_of(shown->ris_problem));
}

static json_t *rtr_state(const struct routes_shown *shown)
{
    return json_pack("{s:b, s:I, s:I, s:o}", "has_data", (int)shown->has_payloads, "vrps",
                     (json_int_t)shown->payloads, "serial", (json_int_t)shown->serial, "problem",
                     text_of(shown->rtr_problem));
}

static void state(gpointer service, json_t *members)
{
    const struct routes *own = service;
    const struct routes_sources *sources = &own->work.sources;
    const struct routes_shown *shown = own->work.shown;
    json_t *routes = json_pack("{s:I, s:I, s:I, s:I}", "elements", (json_int_t)shown->elements,
                               "held", (json_int_t)shown->held, "incidents",
                               (json_int_t)shown->open, "alarms", (json_int_t)shown->alarms);

    if (shown->last_us) {
        g_autofree char *last = clock_format(shown->last_us);

        json_object_set_new(routes, "heard", json_string(last));
    }
    if (sources->ris_live)
        json_object_set_new(routes, "ris_live", ris_state(shown));
    if (sources->bmp)
        json_object_set_new(routes, "bmp",
                            json_pack("{s:o, s:I}", "address", text_of(shown->bmp_address),
                                      "routers", (json_int_t)shown->routers));
    if (sources->rtr)
        json_object_set_new(routes, "rtr", rtr_state(shown));
    json_object_set_new(members, "routes", routes);
}

static const struct route routes[] = { { NULL } };

const struct service service_routes = {
    .name = "routes",
    .start = start,
    .stop = stop,
    .routes = routes,
    .metrics = metrics,
    .state = state,
};
