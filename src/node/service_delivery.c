/*
 * service_delivery.c: the courier's thread: brings the copy of the log up to date, carries events
 * of cases, lets clocks run out, echoes drills, and puts an hourly root of all events into the log.
 * It has the cases open, so it makes the check of triage that the node publishes, too.
 *
 * It runs where this signatory's key is; without a seal key it sends and cannot receive.
 */
#include "base/clock.h"
#include "base/error.h"
#include "delivery/commitment_root.h"
#include "delivery/courier.h"
#include "delivery/echo.h"
#include "delivery/evidence_alarm.h"
#include "delivery/office.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/services.h"
#include "process/triage.h"
#include "seal/seal_key_store.h"
#include "statement/key_store.h"

#include <stdio.h>

#define LOOK_US (G_GINT64_CONSTANT(2) * G_USEC_PER_SEC)
#define UPDATE_US (G_GINT64_CONSTANT(30) * G_USEC_PER_SEC)
#define TICK_US (G_GINT64_CONSTANT(5) * G_USEC_PER_SEC)
#define ROOT_RETRY_US (G_GINT64_CONSTANT(60) * G_USEC_PER_SEC)
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
/* Whoever compares two tables learns of the calls between them: so not each hour. */
#define BIAS_US DAY_US
#define BIAS_DAYS 365

struct delivery {
    struct node *node;
    struct signing_key *key; /* NULL: it only follows the log */
    GPtrArray *own_keys;     /* struct public_key * */
    GPtrArray *seal_keys;    /* struct seal_secret * */
    struct http_options http;
    GThread *thread;

    GMutex lock; /* of what follows */
    GCond wake;
    gboolean stopping;
    struct courier *courier; /* while there is one */
    char *trouble;           /* the last error; or NULL */
    json_t *bias;            /* the check of triage as published; or NULL */

    /* The thread's own. */
    struct office *office;
    struct seal_keys_seen seal_keys_seen;
    char *keys_trouble; /* why the seal keys as they are now cannot be read; or NULL */
    gint64 updated_us, ticked_us, rooted_us, settled_us, checked_us; /* monotonic */

    guint64 sent, failed, received, refused, acknowledged, roots, witnessed, echoed; /* atomic */
};

static void stop(gpointer service)
{
    struct delivery *own = service;

    g_clear_pointer(&own->own_keys, g_ptr_array_unref);
    g_clear_pointer(&own->seal_keys, g_ptr_array_unref);
    g_mutex_clear(&own->lock);
    g_cond_clear(&own->wake);
    g_free(own->trouble);
    g_free(own->keys_trouble);
    json_decref(own->bias);
    signing_key_free(own->key);
    g_free(own);
}

static gpointer start(struct node *node, GError **error)
{
    const struct passphrase_source source = { NULL, FALSE };
    const char *data = node_options(node)->data_folder;
    GError *failure = NULL;
    struct signing_key *key;
    struct delivery *own;

    if (!community_exists(data) || !node_log_folder(node))
        return NULL;
    key = node_key(node, KEY_STORE_DEFAULT, &failure);
    if (failure) {
        g_propagate_error(error, failure);
        return NULL;
    }
    own = g_new0(struct delivery, 1);
    g_mutex_init(&own->lock);
    g_cond_init(&own->wake);
    own->node = node;
    own->key = key;
    own->http = node_http_options(node);
    own->own_keys = key_store_public_keys(data, error);
    seal_keys_changed(data, &own->seal_keys_seen);
    own->seal_keys = own->own_keys ? seal_keys_load(data, &source, error) : NULL;
    if (own->seal_keys && node_load_network(node, error))
        return own;
    stop(own);
    return NULL;
}

static void add(guint64 *number, guint64 more)
{
    __atomic_fetch_add(number, more, __ATOMIC_RELAXED);
}

/* --- the parts of a round --- */

/* A key that was made, or rotated, since the start. The courier has the array, between rounds of
 * its thread; what was there stays when what is there now cannot be read. */
static void refresh_seal_keys(struct delivery *own)
{
    const struct passphrase_source source = { NULL, FALSE };
    const char *data = node_options(own->node)->data_folder;
    g_autoptr(GPtrArray) keys = NULL;
    g_autoptr(GError) failure = NULL;

    if (!seal_keys_changed(data, &own->seal_keys_seen))
        return;
    keys = seal_keys_load(data, &source, &failure);
    g_clear_pointer(&own->keys_trouble, g_free);
    if (!keys) {
        own->keys_trouble = g_steal_pointer(&failure->message);
        own->seal_keys_seen = (struct seal_keys_seen){ 0 }; /* the next look tries again */
        return;
    }
    g_ptr_array_set_size(own->seal_keys, 0);
    g_ptr_array_extend_and_steal(own->seal_keys, g_steal_pointer(&keys));
}

/* The copy of the log; where nobody answers, what is remembered counts. */
static void update(struct delivery *own)
{
    struct office *office = own->office;
    const gint64 now_us = g_get_monotonic_time();
    g_auto(community_state_t) state = { 0 };
    g_autoptr(GError) failure = NULL;

    if (own->updated_us && now_us - own->updated_us < UPDATE_US)
        return;
    own->updated_us = now_us;
    if (!community_update(office->community, &own->http, FRESHNESS_WAIVED, &state, &failure))
        g_debug("the log's copy is not brought up to date: %s", failure->message);
}

static gboolean commit_hour(struct delivery *own, gint64 now_us, GError **error)
{
    struct office *office = own->office;
    const struct case_root_self self = { community_genesis(office->community)->origin, office->self,
                                         office->domain };
    const gint64 clock_us = g_get_monotonic_time();
    gboolean made;

    if (own->rooted_us && clock_us - own->rooted_us < ROOT_RETRY_US)
        return TRUE;
    own->rooted_us = clock_us;
    if (!case_root_commit(office->ledger, office->cases, office->community, &self, own->key,
                          &own->http, now_us, &made, error))
        return FALSE;
    if (made)
        own->updated_us = 0; /* what is new is wanted at once */
    add(&own->roots, made);
    return TRUE;
}

/* Own events that have a log time now; it is known of those that the copy of the log holds. */
static gboolean settle(struct delivery *own, gint64 now_us, GError **error)
{
    guint witnessed = 0;

    if (own->settled_us == own->updated_us)
        return TRUE;
    own->settled_us = own->updated_us;
    if (!courier_settle(own->courier, now_us, &witnessed, error))
        return FALSE;
    add(&own->witnessed, witnessed);
    return TRUE;
}

static gboolean tick(struct delivery *own, gint64 now_us, gboolean moved, GError **error)
{
    struct office *office = own->office;
    const gint64 clock_us = g_get_monotonic_time();
    guint happened, echoed = 0, raised;

    if (moved || !own->ticked_us || clock_us - own->ticked_us >= TICK_US) {
        own->ticked_us = clock_us;
        if (!cases_tick(office->cases, now_us, &happened, error) ||
            !echo_drills(office->cases, office->self, own->key, now_us, &echoed, error) ||
            !echo_judge(office->cases, office->self, own->key, now_us, error) ||
            !evidence_alarms(office->cases, office->data_folder, own->key, now_us, &raised, error))
            return FALSE;
        add(&own->echoed, echoed);
    }
    return TRUE;
}

/* Makes the check of triage anew, over the calls that were closed in the last year. */
static gboolean publish_bias(struct delivery *own, gint64 now_us, GError **error)
{
    const gint64 clock_us = g_get_monotonic_time();
    json_t *made, *old;

    if (own->checked_us && clock_us - own->checked_us < BIAS_US)
        return TRUE;
    made = triage_bias(own->office->cases, now_us - BIAS_DAYS * DAY_US, now_us, error);
    if (!made)
        return FALSE;
    own->checked_us = clock_us;
    g_mutex_lock(&own->lock);
    old = own->bias;
    own->bias = made;
    g_mutex_unlock(&own->lock);
    json_decref(old);
    return TRUE;
}

json_t *delivery_bias(gpointer service)
{
    struct delivery *own = service;
    json_t *copy;

    g_mutex_lock(&own->lock);
    copy = json_deep_copy(own->bias);
    g_mutex_unlock(&own->lock);
    return copy;
}

static gboolean carry(struct delivery *own, gint64 now_us, gboolean *moved, GError **error)
{
    struct courier_round round;
    gboolean done = courier_run(own->courier, now_us, &round, error);

    add(&own->sent, round.sent);
    add(&own->failed, round.failed);
    add(&own->received, round.received);
    add(&own->refused, round.refused);
    add(&own->acknowledged, round.acknowledged);
    *moved = round.received > 0;
    return done;
}

/* The courier of this office; made anew when it became another party. */
static void set_courier(struct delivery *own)
{
    const struct office *office = own->office;
    const struct courier_options options = {
        .http = own->http,
        .local = node_mailboxes(own->node),
        .community = office->community,
        .cases = office->cases,
        .ledger = office->ledger,
        .self = office->self,
        .key = own->key,
        .seal_keys = own->seal_keys,
    };
    struct courier *made = courier_new(&options), *old;

    g_mutex_lock(&own->lock);
    old = own->courier;
    own->courier = made;
    if (own->stopping)
        courier_cancel(made);
    g_mutex_unlock(&own->lock);
    courier_free(old);
}

static gboolean look(struct delivery *own, GError **error)
{
    const char *data = node_options(own->node)->data_folder;
    const struct cases *before;
    gboolean moved;

    if (!own->office) {
        own->office = office_open(data, own->own_keys, error);
        if (!own->office)
            return FALSE;
    }
    update(own);
    before = own->office->cases;
    if (!office_refresh(own->office, error))
        return FALSE;
    if (!own->key || !office_is_signatory(own->office))
        return TRUE; /* it did not endorse the Call yet */
    if (!own->courier || before != own->office->cases)
        set_courier(own);
    return carry(own, clock_now_us(), &moved, error) && tick(own, clock_now_us(), moved, error) &&
           publish_bias(own, clock_now_us(), error) && settle(own, clock_now_us(), error) &&
           commit_hour(own, clock_now_us(), error);
}

/* --- the thread --- */

static void note_trouble(struct delivery *own, const GError *failure)
{
    g_mutex_lock(&own->lock);
    if (failure && g_strcmp0(own->trouble, failure->message) != 0 &&
        !node_options(own->node)->quiet)
        fprintf(stderr, "Delivery: %s\n", failure->message);
    g_free(own->trouble);
    own->trouble = failure ? g_strdup(failure->message) : NULL;
    g_mutex_unlock(&own->lock);
}

static gboolean wait_a_while(struct delivery *own)
{
    const gint64 until_us = g_get_monotonic_time() + LOOK_US;
    gboolean stopping;

    g_mutex_lock(&own->lock);
    while (!own->stopping && g_cond_wait_until(&own->wake, &own->lock, until_us))
        ;
    stopping = own->stopping;
    g_mutex_unlock(&own->lock);
    return !stopping;
}

static gpointer work(gpointer data)
{
    struct delivery *own = data;
    struct courier *courier;

    do {
        g_autoptr(GError) failure = NULL;

        refresh_seal_keys(own);
        if (look(own, &failure) && own->keys_trouble)
            system_error(&failure, "the seal keys are not read anew: %s (or restart the node)",
                         own->keys_trouble);
        else if (!failure && own->courier && courier_shut_out(own->courier))
            system_error(&failure,
                         "%s does not let us read our messages: it may need --public-url, or not "
                         "know us (--relay-for)",
                         courier_shut_out(own->courier));
        note_trouble(own, failure);
    } while (wait_a_while(own));
    g_mutex_lock(&own->lock);
    courier = g_steal_pointer(&own->courier);
    g_mutex_unlock(&own->lock);
    courier_free(courier);
    g_clear_pointer(&own->office, office_close);
    return NULL;
}

static gboolean run(gpointer service, GError **error)
{
    struct delivery *own = service;

    own->thread = g_thread_try_new("delivery", work, own, error);
    return own->thread != NULL;
}

static void finish(gpointer service)
{
    struct delivery *own = service;

    if (!own->thread)
        return;
    g_mutex_lock(&own->lock);
    own->stopping = TRUE;
    if (own->courier)
        courier_cancel(own->courier);
    g_cond_signal(&own->wake);
    g_mutex_unlock(&own->lock);
    g_thread_join(g_steal_pointer(&own->thread));
}

static void metrics(gpointer service, GString *text)
{
    struct delivery *own = service;
    const struct {
        const char *name, *help;
        const guint64 *number;
    } rows[] = {
        { "delivery_sent_total", "Events handed in for their recipients.", &own->sent },
        { "delivery_failed_total", "Attempts that handed nothing in.", &own->failed },
        { "delivery_received_total", "Messages received.", &own->received },
        { "delivery_refused_total", "Of them refused.", &own->refused },
        { "delivery_acknowledged_total", "Acknowledgements that came.", &own->acknowledged },
        { "delivery_roots_total", "Hourly roots put into the log.", &own->roots },
        { "delivery_witnessed_total", "Own events that got a log time.", &own->witnessed },
        { "delivery_echoed_total", "Contact drills echoed.", &own->echoed },
    };
    gboolean trouble;

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        metric_add(text, METRIC_COUNTER, rows[i].name, rows[i].help,
                   __atomic_load_n(rows[i].number, __ATOMIC_RELAXED));
    g_mutex_lock(&own->lock);
    trouble = own->trouble != NULL;
    g_mutex_unlock(&own->lock);
    metric_add(text, METRIC_GAUGE, "delivery_trouble", "1: the last round ended with an error.",
               trouble);
}

static const struct route routes[] = { { NULL } };

const struct service service_delivery = {
    .name = "delivery",
    .start = start,
    .run = run,
    .finish = finish,
    .stop = stop,
    .routes = routes,
    .metrics = metrics,
};
