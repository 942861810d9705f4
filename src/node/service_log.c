/*
 * service_log.c: the log of this node takes entries: by itself for life, when the log is in its
 * own folder; or, when several nodes share a database, by itself while it sequences and else
 * through the node that does (role.h).
 */
#include "base/error.h"
#include "log/log_database.h"
#include "log/tile.h"
#include "node/forwarder.h"
#include "node/metrics.h"
#include "node/problem.h"
#include "node/role.h"
#include "node/sequencing.h"
#include "node/services.h"
#include "statement/key.h"

#include <string.h>

#define LOG_KEY "log"
#define ENTRY_COST 50
#define LEASE_DEFAULT_US (6 * G_USEC_PER_SEC)
#define START_PATIENCE_US (60 * G_USEC_PER_SEC) /* a database that starts with this machine */
#define START_AGAIN_US (G_USEC_PER_SEC / 2)
#define RETRY_S 1
#define LAG_MOST 65536 /* entries behind the database, and still good enough to answer */

struct log_service {
    struct node *node;
    struct community_policy *genesis;
    struct signing_key *key; /* NULL: this node only follows */
    char *own_url;           /* of a node with a database; else NULL */
    struct forwarder *forwarder;
    struct role *role;
    GRWLock lock; /* of what follows; who asks it holds the lock meanwhile */
    struct sequencing *sequencing;
};

/* ---- who sequences ---- */

static struct sequencing *begin_sequencing(struct log_service *log, struct commit_log *commits,
                                           void (*failed)(const GError *, gpointer), GError **error)
{
    const struct sequencing_options options = {
        .node = log->node,
        .commits = commits,
        .genesis = log->genesis,
        .key = log->key,
        .failed = failed,
        .data = log,
    };

    return sequencing_new(&options, error);
}

static void node_failed(const GError *error, gpointer data)
{
    node_fail(((struct log_service *)data)->node, error);
}

static void term_failed(const GError *error, gpointer data)
{
    role_term_failed(((struct log_service *)data)->role, error);
}

static gboolean begin_term(struct commit_log *commits, gpointer data, GError **error)
{
    struct log_service *log = data;
    struct sequencing *sequencing = begin_sequencing(log, commits, term_failed, error);

    if (!sequencing)
        return FALSE;
    g_rw_lock_writer_lock(&log->lock);
    log->sequencing = sequencing;
    g_rw_lock_writer_unlock(&log->lock);
    return TRUE;
}

static void end_term(gpointer data)
{
    struct log_service *log = data;
    struct sequencing *sequencing;

    g_rw_lock_writer_lock(&log->lock);
    sequencing = g_steal_pointer(&log->sequencing);
    g_rw_lock_writer_unlock(&log->lock);
    sequencing_free(sequencing);
}

/* ---- requests ---- */

static void answer_elsewhere(struct log_service *log, const struct node_request *request,
                             struct node_answer *answer)
{
    struct role_state state;

    role_state(log->role, &state);
    if (state.holder[0] && !g_str_equal(state.holder, log->own_url) &&
        !request->header(request, FORWARDED_HEADER)) {
        forwarder_send(log->forwarder, state.holder, request, answer);
        return;
    }
    answer_problem(answer, 503, "No node takes entries at the moment.");
    answer->retry_after_s = RETRY_S;
}

static void answer_entries(struct node *node, gpointer service, const struct node_request *request,
                           struct node_answer *answer)
{
    struct log_service *log = service;

    g_rw_lock_reader_lock(&log->lock);
    if (log->sequencing)
        sequencing_answer(log->sequencing, request, answer);
    else
        answer_elsewhere(log, request, answer);
    g_rw_lock_reader_unlock(&log->lock);
}

/* ---- life ---- */

static void stop(gpointer service)
{
    struct log_service *log = service;

    role_free(log->role);
    sequencing_free(log->sequencing);
    forwarder_free(log->forwarder);
    community_policy_free(log->genesis);
    signing_key_free(log->key);
    g_rw_lock_clear(&log->lock);
    g_free(log->own_url);
    g_free(log);
}

/* Reached once before confinement: its library is loaded, and what is wrong is said at once. */
static gboolean reach_database(const struct node *node, const char *origin, GError **error)
{
    const gint64 end = g_get_monotonic_time() + START_PATIENCE_US;
    struct log_head head;

    for (;;) {
        g_autoptr(GError) failure = NULL;
        g_autoptr(store_t) store = log_database_open(node_options(node)->database, &failure);

        if (store && log_head_read(store, origin, &head, &failure))
            return TRUE;
        if (!g_error_matches(failure, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM) ||
            g_get_monotonic_time() >= end) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        g_usleep(START_AGAIN_US);
    }
}

/* Where the other nodes hand entries on to, when nothing else was said. */
static char *url_of_listener(const struct node *node)
{
    const struct face_options *face = &node_options(node)->face;
    const struct listener *first = face->listeners->pdata[0];

    return g_strdup_printf("%s://%s", face->certificates ? "https" : "http", first->address);
}

static gboolean start_with_database(struct log_service *log, GError **error)
{
    const char *advertised = node_options(log->node)->advertise;

    if (!reach_database(log->node, log->genesis->origin, error))
        return FALSE;
    log->own_url = advertised ? g_strdup(advertised) : url_of_listener(log->node);
    if (g_str_has_suffix(log->own_url, "/"))
        log->own_url[strlen(log->own_url) - 1] = '\0';
    return TRUE;
}

static gpointer start(struct node *node, GError **error)
{
    const struct node_options *options = node_options(node);
    g_autofree char *folder = node_place(node, "log");
    g_autoptr(signing_key_t) key = NULL;
    struct community_policy *genesis;
    struct log_service *log;
    GError *failure = NULL;

    if (options->log_folder || !g_file_test(folder, G_FILE_TEST_IS_DIR))
        return NULL;
    key = node_key(node, LOG_KEY, &failure);
    if (failure || (!key && !options->database)) {
        if (failure)
            g_propagate_error(error, failure);
        return NULL;
    }
    genesis = node_load_network(node, error) ? node_genesis(node, error) : NULL;
    if (!genesis) {
        if (error && !*error)
            input_error(error, "%s: there is a log here but no policy of its community", folder);
        return NULL;
    }
    log = g_new0(struct log_service, 1);
    log->node = node;
    log->genesis = genesis;
    log->key = g_steal_pointer(&key);
    g_rw_lock_init(&log->lock);
    if (options->database && !start_with_database(log, error)) {
        stop(log);
        return NULL;
    }
    return log;
}

static gboolean run(gpointer service, GError **error)
{
    struct log_service *log = service;
    const struct node_options *options = node_options(log->node);
    const struct role_options role = {
        .node = log->node,
        .database = options->database,
        .own_url = log->own_url,
        .lease_us = options->lease_us ? options->lease_us : LEASE_DEFAULT_US,
        .genesis = log->genesis,
        .may_sequence = log->key != NULL,
        .begin = begin_term,
        .end = end_term,
        .data = log,
    };

    if (!options->database) {
        log->sequencing = begin_sequencing(log, NULL, node_failed, error);
        return log->sequencing != NULL;
    }
    log->forwarder = forwarder_new(log->node, TRUE, error);
    if (!log->forwarder)
        return FALSE;
    log->role = role_new(&role);
    role_start(log->role);
    return TRUE;
}

static void finish(gpointer service)
{
    struct log_service *log = service;

    if (log->role)
        role_finish(log->role);
    else if (log->sequencing)
        sequencing_finish(log->sequencing);
    if (log->forwarder)
        forwarder_finish(log->forwarder);
}

/* ---- how it is ---- */

static gboolean is_ready_to_follow(struct log_service *log, const char **why)
{
    struct role_state state;

    role_state(log->role, &state);
    *why = "the database is not reached";
    if (!state.is_reached)
        return FALSE;
    *why = "this node takes the log over";
    if (state.is_sequencing)
        return FALSE;
    *why = "the log is being read from the database";
    return state.committed - state.size <= LAG_MOST;
}

static gboolean is_ready(gpointer service, const char **why)
{
    struct log_service *log = service;
    gboolean ready;

    g_rw_lock_reader_lock(&log->lock);
    if (log->sequencing)
        ready = sequencing_is_ready(log->sequencing, why);
    else
        ready = log->role && is_ready_to_follow(log, why);
    g_rw_lock_reader_unlock(&log->lock);
    return ready;
}

static void state(gpointer service, json_t *members)
{
    struct log_service *log = service;
    struct role_state now;

    if (!log->role)
        return;
    role_state(log->role, &now);
    json_object_set_new(members, "role", json_string(now.is_sequencing ? "sequencer" : "follower"));
    json_object_set_new(members, "epoch", json_integer((json_int_t)now.epoch));
    if (now.is_sequencing)
        return;
    json_object_set_new(members, "lag", json_integer((json_int_t)(now.committed - now.size)));
    json_object_set_new(members, "sequencer",
                        now.holder[0] ? json_safe_string(now.holder) : json_null());
}

static void role_metrics(struct log_service *log, GString *text)
{
    struct role_state now;

    role_state(log->role, &now);
    metric_add(text, METRIC_GAUGE, "log_sequencing", "1: this node sequences the log; 0: follows.",
               now.is_sequencing);
    metric_add(text, METRIC_GAUGE, "log_epoch", "How often the log changed its sequencer.",
               now.epoch);
    metric_add(text, METRIC_COUNTER, "log_terms_total", "How often this node took the log over.",
               now.terms);
    metric_add(text, METRIC_GAUGE, "log_database_reached", "1: the database answers.",
               now.is_reached);
    if (!now.is_sequencing) {
        metric_add(text, METRIC_GAUGE, "log_size", "Entries taken in from the database.", now.size);
        metric_add(text, METRIC_GAUGE, "log_lag", "Entries the database has and this node lacks.",
                   now.committed - now.size);
        metric_add(text, METRIC_GAUGE, "log_published_size",
                   "Entries under the published checkpoint.", now.published);
    }
    forwarder_metrics(log->forwarder, text);
}

static void metrics(gpointer service, GString *text)
{
    struct log_service *log = service;

    if (log->role)
        role_metrics(log, text);
    g_rw_lock_reader_lock(&log->lock);
    if (log->sequencing)
        sequencing_metrics(log->sequencing, text);
    g_rw_lock_reader_unlock(&log->lock);
}

static const struct route routes[] = {
    { "POST", "/api/v1/entries", ROUTE_AT_ONCE, ENTRY_LIMIT, ENTRY_COST, answer_entries },
    { NULL },
};

const struct service service_log = {
    .name = "log",
    .start = start,
    .run = run,
    .finish = finish,
    .stop = stop,
    .routes = routes,
    .metrics = metrics,
    .ready = is_ready,
    .state = state,
};
