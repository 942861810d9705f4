#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sanitizer.h"
#include "net/stream.h"
#include "node/routes_watch.h"
#include "node/walls.h"
#include "p2_internet/routes/relations.h"
#include "p2_internet/routes/ris_live.h"
#include "p2_internet/routes/watch_alarm.h"
#include "p2_internet/routes/watch_hosts.h"
#include "p2_internet/routes/watch_profile.h"
#include "p2_internet/routes/watch_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY_MAX                                                                                 \
    (G_GUINT64_CONSTANT(2) << 30) /* bytes of address space: threads reserve much                  \
                                   */
#define STATE_MODE 0600
#define FOLDER_MODE 0700
#define DAMAGED ".damaged"
#define LOOK_EVERY_MS 1000
#define PING_EVERY_US (20 * (gint64)G_USEC_PER_SEC)
#define PINGS 4 /* before a source counts as silent */
#define SAVE_EVERY_US (2 * (gint64)G_USEC_PER_SEC)
#define SAVE_SHARE 20   /* and never more than this part of the time */
#define LAST_WORDS_S 10 /* for the last save, once the keeper is gone */
#define RIS_FEED "RIS Live "
#define RTR_FEED "RPKI cache "

struct listening {
    const struct background_round *round;
    const struct routes_sources *sources;
    struct routes_shown *shown;
    int keeper, wake;
    int held; /* the folder, as long as this process lives */
    char *ris_feed, *rtr_feed, *folder, *state;
    GPtrArray *prefixes, *systems, *hosts;
    struct relations *relations;
    struct ris_client *ris;
    struct rtr_client *rtr;
    struct routers *routers;
    gint64 ris_heard_us, save_after_us;
    guint64 saved_concerning;
    gboolean is_waiting;   /* for the keeper to do the first of `untold` */
    gint payloads_changed; /* atomic */
    /* under the lock */
    GMutex lock;
    struct watch *watch;
    struct ris_live *ris_live;
    GPtrArray *untold; /* lines; in the file of the state, once `is_unsaved` is FALSE */
    gboolean is_unsaved, has_new;
};

/* --- what is reported --- */

static void take_report(const struct watch_report *report, gpointer data)
{
    struct listening *listening = data;
    g_autoptr(json_t) line = watch_report_json(report);
    char *text = json_dumps(line, JSON_COMPACT);

    if (strlen(text) >= ROUTE_ALARM_LINE_MAX) {
        free(text);
        json_array_clear(json_object_get(line, "evidence"));
        text = json_dumps(line, JSON_COMPACT);
    }
    g_ptr_array_add(listening->untold, g_strdup(text));
    listening->is_unsaved = listening->has_new = TRUE;
    free(text);
}

static void wake_up(struct listening *listening)
{
    eventfd_write(listening->wake, 1);
}

/* --- where elements come from --- */

/* What lies in the future moves the clock of the watch for everybody. */
static void take_element(struct listening *listening, const char *feed,
                         const struct route_element *element)
{
    struct route_element now = *element;

    now.time_us = MIN(now.time_us, clock_now_us());
    watch_take(listening->watch, feed, &now);
}

static void take_from_router(const char *feed, const struct route_element *element, gpointer data)
{
    take_element(data, feed, element);
}

static void take_from_ris(const char *host, const struct route_element *element, gpointer data)
{
    struct listening *listening = data;

    take_element(listening, listening->ris_feed, element);
}

/* On the client's thread. */
static void take_message(const void *message, gsize length, gpointer data)
{
    struct listening *listening = data;
    gboolean has_news;

    g_mutex_lock(&listening->lock);
    ris_live_feed(listening->ris_live, message, length);
    ris_live_end(listening->ris_live);
    has_news = listening->has_new;
    g_mutex_unlock(&listening->lock);
    if (has_news)
        wake_up(listening);
}

/* On the client's thread. */
static void payloads_changed(gpointer data)
{
    struct listening *listening = data;

    g_atomic_int_set(&listening->payloads_changed, TRUE);
    wake_up(listening);
}

static void take_payloads(struct listening *listening)
{
    struct vrp_set *vrps = NULL;
    struct aspa_set *aspas = NULL;

    rtr_client_sets(listening->rtr, &vrps, &aspas);
    g_mutex_lock(&listening->lock);
    watch_set_rpki(listening->watch, vrps, aspas, clock_now_us());
    g_mutex_unlock(&listening->lock);
    listening->shown->has_payloads = vrps != NULL;
    listening->shown->payloads = vrps ? vrp_set_count(vrps) : 0;
    listening->shown->serial = vrps ? vrp_set_about(vrps)->serial : 0;
    g_clear_pointer(&vrps, vrp_set_unref);
    g_clear_pointer(&aspas, aspa_set_unref);
}

/* --- who speaks --- */

static void hear_router(const char *feed, gpointer data)
{
    struct listening *listening = data;

    watch_hear(listening->watch, feed, clock_now_us());
}

static void hear_ris(struct listening *listening, gint64 now_us)
{
    struct routes_shown *shown = listening->shown;
    struct ris_client_status status;

    ris_client_status(listening->ris, &status);
    shown->ris_connected = status.is_connected;
    shown->ris_connections = status.connections;
    shown->ris_messages = status.messages;
    g_strlcpy(shown->ris_problem, status.problem, sizeof shown->ris_problem);
    if (status.is_connected && status.heard_us != listening->ris_heard_us) {
        listening->ris_heard_us = status.heard_us;
        watch_hear(listening->watch, listening->ris_feed, now_us);
    }
}

static void hear_rtr(struct listening *listening, gint64 now_us)
{
    g_autofree char *problem = NULL;
    struct rtr_status status;

    rtr_client_status(listening->rtr, &status, &problem);
    g_strlcpy(listening->shown->rtr_problem, problem ? problem : "",
              sizeof listening->shown->rtr_problem);
    if (status.has_data)
        watch_hear(listening->watch, listening->rtr_feed, now_us);
}

/* Whoever is connected is not silent, though nothing may happen to our routes for days. */
static void look(struct listening *listening)
{
    struct routes_shown *shown = listening->shown;
    const gint64 now_us = clock_now_us();
    struct watch_counts counts;

    g_mutex_lock(&listening->lock);
    if (listening->ris)
        hear_ris(listening, now_us);
    if (listening->rtr)
        hear_rtr(listening, now_us);
    if (listening->routers)
        routers_each(listening->routers, hear_router, listening);
    watch_tick(listening->watch, now_us);
    watch_count(listening->watch, &counts);
    shown->unread = ris_live_counts(listening->ris_live)->broken;
    g_mutex_unlock(&listening->lock);
    if (counts.elements != shown->elements)
        shown->last_us = now_us;
    shown->elements = counts.elements;
    shown->concerning = counts.concerning;
    shown->dropped = counts.dropped;
    shown->held = counts.held;
    shown->incidents = counts.incidents;
    shown->open = counts.open;
    if (listening->routers) {
        struct routers_counts routers;

        routers_count(listening->routers, &routers);
        shown->routers = routers.connected;
        shown->refused = routers.refused;
        shown->unread += routers.unread;
    }
}

/* --- the state --- */

/* A router tells all its routes again in its next connection; RIS Live does not. */
static gboolean keeps(const char *feed)
{
    return !g_str_has_prefix(feed, ROUTERS_FEED);
}

static gboolean is_used(const char *feed, gpointer data)
{
    const struct listening *listening = data;

    return g_strcmp0(feed, listening->ris_feed) == 0 || g_strcmp0(feed, listening->rtr_feed) == 0 ||
           (listening->routers && g_str_has_prefix(feed, ROUTERS_FEED));
}

static void save(struct listening *listening)
{
    const gint64 begun_us = g_get_monotonic_time();
    g_autoptr(GError) failure = NULL;
    struct watch_counts counts;
    GString *text;
    gint64 took_us;

    g_mutex_lock(&listening->lock);
    text = watch_state_text(listening->watch, keeps, listening->untold);
    watch_count(listening->watch, &counts);
    listening->is_unsaved = FALSE;
    g_mutex_unlock(&listening->lock);
    listening->saved_concerning = counts.concerning;
    if (file_write(listening->state, text->str, text->len, STATE_MODE, &failure)) {
        listening->shown->saved++;
    } else {
        if (!listening->shown->not_saved++)
            fprintf(stderr, "Routes: %s\n", failure->message);
    }
    g_string_free(text, TRUE);
    took_us = g_get_monotonic_time() - begun_us;
    listening->save_after_us = g_get_monotonic_time() + MAX(SAVE_EVERY_US, took_us * SAVE_SHARE);
}

static void save_when_due(struct listening *listening)
{
    struct watch_counts counts;
    gboolean is_changed;

    g_mutex_lock(&listening->lock);
    watch_count(listening->watch, &counts);
    is_changed = listening->is_unsaved || counts.concerning != listening->saved_concerning;
    g_mutex_unlock(&listening->lock);
    if (is_changed && g_get_monotonic_time() >= listening->save_after_us)
        save(listening);
}

/* In the file first: what is killed from now on tells it again. */
static void hand_over(struct listening *listening)
{
    g_autofree char *line = NULL;
    gboolean is_new;

    if (listening->is_waiting)
        return;
    g_mutex_lock(&listening->lock);
    is_new = listening->has_new;
    listening->has_new = FALSE;
    g_mutex_unlock(&listening->lock);
    if (is_new)
        save(listening);
    g_mutex_lock(&listening->lock);
    if (listening->untold->len)
        line = g_strdup(listening->untold->pdata[0]);
    g_mutex_unlock(&listening->lock);
    if (line && send(listening->keeper, line, strlen(line), MSG_NOSIGNAL) > 0)
        listening->is_waiting = TRUE;
}

/* FALSE: the keeper is gone. */
static gboolean take_answer(struct listening *listening)
{
    char answer;

    if (recv(listening->keeper, &answer, 1, 0) != 1)
        return FALSE;
    listening->is_waiting = FALSE;
    g_mutex_lock(&listening->lock);
    if (listening->untold->len)
        g_ptr_array_remove_index(listening->untold, 0);
    listening->is_unsaved = TRUE;
    g_mutex_unlock(&listening->lock);
    return TRUE;
}

static struct watch *new_watch(struct listening *listening)
{
    const struct watch_options options = { .prefixes = listening->prefixes,
                                           .systems = listening->systems,
                                           .hosts = listening->hosts,
                                           .relations = listening->relations,
                                           .silence_us = listening->sources->silence_us };

    return watch_new(&options, take_report, listening);
}

static void read_state(struct listening *listening)
{
    g_autofree char *aside = g_strconcat(listening->state, DAMAGED, NULL);
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = NULL;
    gsize length = 0;
    const char *text;

    if (!g_file_test(listening->state, G_FILE_TEST_EXISTS))
        return;
    bytes = file_read(listening->state, WATCH_STATE_MAX, &failure);
    text = bytes ? g_bytes_get_data(bytes, &length) : NULL;
    if (text && watch_state_read(listening->watch, text, length, clock_now_us(), listening->untold,
                                 &failure))
        return;
    fprintf(stderr, "Routes: %s: %s; the watch begins anew (what was there: %s)\n",
            listening->state, failure->message, aside);
    if (rename(listening->state, aside) < 0)
        fprintf(stderr, "Routes: %s: %s\n", aside, g_strerror(errno));
    g_ptr_array_set_size(listening->untold, 0);
    watch_free(listening->watch);
    listening->watch = new_watch(listening);
}

/* --- begin --- */

static void say_bye(int number)
{
    alarm(LAST_WORDS_S);
}

/* Whoever stops a service says so to all of its processes; this one ends with the keeper. */
static void set_signals(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, say_bye);
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
}

static gboolean confine(const struct listening *listening, GError **error)
{
    const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };

    if (WITH_ADDRESS_SANITIZER || node_options(listening->round->node)->unconfined)
        return TRUE;
    return (setrlimit(RLIMIT_AS, &memory) == 0 ||
            errno_error(error, errno, "no limit of memory")) &&
           walls_raise_around(listening->round->node, listening->folder, error);
}

/* Files, each read in a worker of its own, while there is one thread. */
static gboolean read_files(struct listening *listening, GError **error)
{
    char *const *path = listening->sources->relationships;

    if (path)
        listening->relations = relations_new();
    for (; path && *path; path++)
        if (!relations_read(listening->relations, *path, error))
            return FALSE;
    if (listening->relations)
        relations_seal(listening->relations);
    if (listening->sources->name_servers)
        listening->hosts = watch_hosts_read(listening->sources->name_servers, error);
    return !listening->sources->name_servers || listening->hosts;
}

int routes_hold(const char *data_folder, GError **error)
{
    g_autofree char *folder = g_build_filename(data_folder, ROUTES_FOLDER, NULL);
    g_autofree char *path = g_build_filename(folder, ROUTES_LOCK, NULL);
    int fd;

    if (!file_make_folder(folder, FOLDER_MODE, error))
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, STATE_MODE);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    errno_error(error, errno, "%s: cannot be held", path);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* What binds, and what loads code: not possible any more once it is confined. */
static gboolean prepare(struct listening *listening, GError **error)
{
    const struct routes_sources *sources = listening->sources;

    listening->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    listening->folder = g_build_filename(listening->round->data, ROUTES_FOLDER, NULL);
    listening->state = g_build_filename(listening->folder, ROUTES_STATE, NULL);
    if (listening->wake < 0)
        return errno_error(error, errno, "eventfd");
    listening->held = routes_hold(listening->round->data, error);
    if (listening->held < 0 ||
        !watch_of_profile(listening->round->profile, &listening->prefixes, &listening->systems,
                          error) ||
        !read_files(listening, error) || (sources->ris_live && !stream_load(error)))
        return FALSE;
    if (sources->bmp) {
        listening->routers =
            routers_open(sources->bmp, sources->bmp_routers, take_from_router, listening, error);
        if (!listening->routers)
            return FALSE;
        g_strlcpy(listening->shown->bmp_address, routers_address(listening->routers),
                  sizeof listening->shown->bmp_address);
    }
    return confine(listening, error);
}

static gboolean begin_ris(struct listening *listening, GError **error)
{
    const gint64 silence_us = listening->sources->silence_us;
    const struct node_options *options = node_options(listening->round->node);
    const struct ris_client_options ris = { .url = listening->sources->ris_live,
                                            .allow_private = options->allow_private,
                                            .ca_file = options->ca_file,
                                            .prefixes = listening->prefixes,
                                            .systems = listening->systems,
                                            .hosts = listening->hosts,
                                            .ping_us = MIN(PING_EVERY_US, silence_us / PINGS),
                                            .take = take_message,
                                            .data = listening };

    watch_expect(listening->watch, listening->ris_feed, clock_now_us());
    listening->ris = ris_client_start(&ris, error);
    return listening->ris != NULL;
}

static gboolean begin_rtr(struct listening *listening, GError **error)
{
    g_autofree char *host = NULL, *port = NULL;
    struct rtr_options rtr = { .version = RTR_VERSION_MAX,
                               .changed = payloads_changed,
                               .data = listening };

    if (!rtr_split(listening->sources->rtr, &host, &port, error))
        return FALSE;
    rtr.host = host;
    rtr.port = port;
    watch_expect(listening->watch, listening->rtr_feed, clock_now_us());
    listening->rtr = rtr_client_start(&rtr, error);
    return listening->rtr != NULL;
}

static gboolean begin(struct listening *listening, GError **error)
{
    const struct routes_sources *sources = listening->sources;
    g_autoptr(GUri) uri = NULL;

    g_mutex_init(&listening->lock);
    listening->untold = g_ptr_array_new_with_free_func(g_free);
    listening->ris_live = ris_live_new(take_from_ris, listening);
    if (sources->ris_live) {
        uri = g_uri_parse(sources->ris_live, G_URI_FLAGS_ENCODED, error);
        if (!uri)
            return FALSE;
        listening->ris_feed = g_strconcat(RIS_FEED, g_uri_get_host(uri), NULL);
    }
    if (sources->rtr)
        listening->rtr_feed = g_strconcat(RTR_FEED, sources->rtr, NULL);
    listening->watch = new_watch(listening);
    read_state(listening);
    watch_expect_only(listening->watch, is_used, listening);
    listening->has_new = listening->untold->len > 0;
    return (!sources->rtr || begin_rtr(listening, error)) &&
           (!sources->ris_live || begin_ris(listening, error));
}

/* --- go on --- */

enum { POLLED_KEEPER, POLLED_WAKE, POLLED_ROUTERS };

static void take_routers(struct listening *listening, const struct pollfd *polled)
{
    g_mutex_lock(&listening->lock);
    routers_take(listening->routers, polled, clock_now_us());
    g_mutex_unlock(&listening->lock);
}

/* FALSE: the keeper is gone. */
static gboolean step(struct listening *listening, GArray *polled)
{
    struct pollfd one[] = { { listening->keeper, POLLIN, 0 }, { listening->wake, POLLIN, 0 } };
    const struct pollfd *came;
    eventfd_t woken;

    g_array_set_size(polled, 0);
    g_array_append_vals(polled, one, G_N_ELEMENTS(one));
    if (listening->routers)
        routers_poll(listening->routers, polled);
    if (poll((struct pollfd *)polled->data, polled->len, LOOK_EVERY_MS) < 0)
        return errno == EINTR;
    came = (const struct pollfd *)polled->data;
    if (came[POLLED_WAKE].revents)
        eventfd_read(listening->wake, &woken);
    if (came[POLLED_KEEPER].revents && !take_answer(listening))
        return FALSE;
    if (listening->routers)
        take_routers(listening, &came[POLLED_ROUTERS]);
    if (g_atomic_int_compare_and_exchange(&listening->payloads_changed, TRUE, FALSE))
        take_payloads(listening);
    return TRUE;
}

void routes_listen(const struct background_round *round, int keeper)
{
    const struct routes_work *work = round->own;
    struct listening listening = {
        .round = round, .sources = &work->sources, .shown = work->shown, .keeper = keeper
    };
    g_autoptr(GArray) polled = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    g_autoptr(GError) failure = NULL;

    set_signals();
    if (!prepare(&listening, &failure) || !begin(&listening, &failure)) {
        g_strlcpy(listening.shown->problem, failure->message, sizeof listening.shown->problem);
        _exit(EXIT_FAILURE);
    }
    do {
        look(&listening);
        hand_over(&listening);
        save_when_due(&listening);
    } while (step(&listening, polled));
    save(&listening);
    _exit(EXIT_SUCCESS);
}
