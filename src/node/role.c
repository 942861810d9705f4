#include "node/role.h"

#include "base/error.h"
#include "base/terminal.h"
#include "log/commit_database.h"
#include "log/replica.h"

#include <stdio.h>
#include <string.h>

#define LOOK_EVERY_US (G_USEC_PER_SEC / 4) /* when the database tells of nothing */
#define AGAIN_US (G_USEC_PER_SEC / 2)      /* after a failure that may pass */
#define RENEWALS 3                         /* of a lease in its time */

struct role {
    struct role_options options;
    GThread *thread;
    GMutex lock; /* of what follows */
    GCond changed;
    gboolean finishing, term_failed, lease_lost;
    struct role_state state;
    char *trouble; /* what was said last: it is not said again and again */
};

/* ---- what others ask ---- */

void role_state(struct role *role, struct role_state *state)
{
    g_mutex_lock(&role->lock);
    *state = role->state;
    g_mutex_unlock(&role->lock);
}

static gboolean is_finishing(struct role *role)
{
    gboolean finishing;

    g_mutex_lock(&role->lock);
    finishing = role->finishing;
    g_mutex_unlock(&role->lock);
    return finishing;
}

static void say(struct role *role, const char *what, const GError *error)
{
    g_autofree char *text = terminal_escape(error->message);

    if (g_strcmp0(role->trouble, text) == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, text);
    g_free(role->trouble);
    role->trouble = g_steal_pointer(&text);
}

static void pause_for(struct role *role, gint64 limit_us)
{
    const gint64 end = g_get_monotonic_time() + limit_us;

    g_mutex_lock(&role->lock);
    while (!role->finishing && g_cond_wait_until(&role->changed, &role->lock, end))
        continue;
    g_mutex_unlock(&role->lock);
}

/* ---- following ---- */

static struct replica *open_replica(struct role *role, GError **error)
{
    const struct replica_options options = {
        .url = role->options.database,
        .folder = node_log_folder(role->options.node),
        .origin = role->options.genesis->origin,
        .keys = role->options.genesis->log_keys,
    };

    return replica_open(&options, error);
}

static void was_unreachable(struct role *role)
{
    g_mutex_lock(&role->lock);
    role->state.is_reached = FALSE;
    role->state.holder[0] = '\0';
    g_mutex_unlock(&role->lock);
}

static void was_taken(struct role *role, const struct replica *replica, const struct log_head *head)
{
    g_mutex_lock(&role->lock);
    role->state.is_reached = TRUE;
    role->state.epoch = head->epoch;
    role->state.size = replica_size(replica);
    role->state.committed = head->size;
    role->state.published = replica_published(replica);
    g_strlcpy(role->state.holder, head->held ? head->holder : "", sizeof role->state.holder);
    g_mutex_unlock(&role->lock);
    g_clear_pointer(&role->trouble, g_free);
}

/* Takes in what is new, and the lease when it is free: then `*epoch` is ours. FALSE: this replica
 * is of no use any more. */
static gboolean follow_once(struct role *role, struct replica *replica, guint64 *epoch,
                            GError **error)
{
    const struct role_options *options = &role->options;
    struct log_head head;

    if (!replica_take(replica, &head, error))
        return FALSE;
    was_taken(role, replica, &head);
    if (options->may_sequence && !head.held)
        /* Whatever goes wrong, it is free or it is not: the next look tells. */
        log_lease_take(replica_store(replica), options->genesis->origin, options->own_url,
                       options->lease_us, epoch, NULL);
    if (!*epoch)
        replica_wait(replica, LOOK_EVERY_US);
    return TRUE;
}

/* Until the lease is ours (its epoch) or the node stops (0). */
static guint64 follow(struct role *role)
{
    guint64 epoch = 0;

    while (!epoch && !is_finishing(role)) {
        g_autoptr(GError) error = NULL;
        g_autoptr(replica_t) replica = open_replica(role, &error);
        gboolean may_go_on = g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);

        while (replica && !error && !epoch && !is_finishing(role))
            if (!follow_once(role, replica, &epoch, &error))
                may_go_on = replica_may_go_on(replica);
        if (!error)
            continue;
        was_unreachable(role);
        if (!may_go_on) {
            node_fail(role->options.node, error);
            return 0;
        }
        say(role, "The database cannot be followed now", error);
        pause_for(role, AGAIN_US);
    }
    return epoch;
}

/* ---- sequencing ---- */

struct term {
    struct role *role;
    guint64 epoch;
    GThread *renewer;
    gboolean over; /* under the role's lock */
};

static void lose_lease(struct role *role)
{
    g_mutex_lock(&role->lock);
    role->lease_lost = TRUE;
    g_cond_broadcast(&role->changed);
    g_mutex_unlock(&role->lock);
}

/* Waits for the next renewal; FALSE: the term is over. */
static gboolean wait_for_renewal(struct term *term, gint64 limit_us)
{
    const gint64 end = g_get_monotonic_time() + limit_us;
    gboolean over;

    g_mutex_lock(&term->role->lock);
    while (!term->over && g_cond_wait_until(&term->role->changed, &term->role->lock, end))
        continue;
    over = term->over;
    g_mutex_unlock(&term->role->lock);
    return !over;
}

static gpointer renew(gpointer data)
{
    struct term *term = data;
    const struct role_options *options = &term->role->options;
    g_autoptr(store_t) store = NULL;

    while (wait_for_renewal(term, options->lease_us / RENEWALS)) {
        gboolean held = TRUE, done;

        if (!store)
            store = log_database_open(options->database, NULL);
        if (!store)
            continue;
        store_quicken(store, options->lease_us / RENEWALS);
        done = log_lease_renew(store, options->genesis->origin, term->epoch, options->lease_us,
                               &held, NULL);
        if (done && !held)
            lose_lease(term->role);
        g_mutex_lock(&term->role->lock);
        term->role->state.is_reached = done;
        g_mutex_unlock(&term->role->lock);
    }
    return NULL;
}

static void end_renewing(struct term *term)
{
    g_mutex_lock(&term->role->lock);
    term->over = TRUE;
    g_cond_broadcast(&term->role->changed);
    g_mutex_unlock(&term->role->lock);
    g_thread_join(term->renewer);
}

/* The next node need not wait until it runs out. */
static void give_lease_back(const struct role_options *options, guint64 epoch)
{
    g_autoptr(store_t) store = log_database_open(options->database, NULL);

    if (store)
        log_lease_release(store, options->genesis->origin, epoch, NULL);
}

static gboolean begin(struct role *role, guint64 epoch, GError **error)
{
    const struct commit_database_options options = {
        .url = role->options.database,
        .folder = node_log_folder(role->options.node),
        .origin = role->options.genesis->origin,
        .epoch = epoch,
    };
    struct commit_log *commits = commit_database_open(&options, error);

    return commits && role->options.begin(commits, role->options.data, error);
}

static void wait_for_end(struct role *role)
{
    g_mutex_lock(&role->lock);
    while (!role->finishing && !role->term_failed && !role->lease_lost)
        g_cond_wait(&role->changed, &role->lock);
    g_mutex_unlock(&role->lock);
}

static void set_sequencing(struct role *role, gboolean is_sequencing, guint64 epoch)
{
    g_mutex_lock(&role->lock);
    role->state.is_sequencing = is_sequencing;
    role->state.epoch = epoch;
    role->state.terms += is_sequencing;
    if (is_sequencing)
        role->term_failed = role->lease_lost = FALSE;
    else
        role->state.is_reached = FALSE; /* until it is followed again */
    role->state.holder[0] = '\0';
    g_mutex_unlock(&role->lock);
}

static void sequence(struct role *role, guint64 epoch)
{
    struct term term = { role, epoch };
    g_autoptr(GError) error = NULL;

    set_sequencing(role, TRUE, epoch);
    if (!node_options(role->options.node)->quiet)
        fprintf(stderr, "This node sequences the log now (epoch %" G_GUINT64_FORMAT ")\n", epoch);
    term.renewer = g_thread_new("lease", renew, &term);
    if (begin(role, epoch, &error)) {
        wait_for_end(role);
        role->options.end(role->options.data);
    } else {
        say(role, "The log cannot be sequenced here", error);
    }
    end_renewing(&term);
    give_lease_back(&role->options, epoch);
    set_sequencing(role, FALSE, epoch);
    if (error) /* others may do better */
        pause_for(role, role->options.lease_us);
    else if (!is_finishing(role) && !node_options(role->options.node)->quiet)
        fprintf(stderr, "This node follows the log now\n");
}

/* ---- life ---- */

static gpointer run(gpointer data)
{
    struct role *role = data;
    guint64 epoch;

    while ((epoch = follow(role)))
        sequence(role, epoch);
    return NULL;
}

struct role *role_new(const struct role_options *options)
{
    struct role *role = g_new0(struct role, 1);

    role->options = *options;
    g_mutex_init(&role->lock);
    g_cond_init(&role->changed);
    return role;
}

void role_start(struct role *role)
{
    role->thread = g_thread_new("role", run, role);
}

void role_term_failed(struct role *role, const GError *error)
{
    g_autofree char *text = terminal_escape(error->message);

    fprintf(stderr, "The log's writer has stopped: %s\n", text);
    g_mutex_lock(&role->lock);
    role->term_failed = TRUE;
    g_cond_broadcast(&role->changed);
    g_mutex_unlock(&role->lock);
}

void role_finish(struct role *role)
{
    if (!role->thread)
        return;
    g_mutex_lock(&role->lock);
    role->finishing = TRUE;
    g_cond_broadcast(&role->changed);
    g_mutex_unlock(&role->lock);
    g_thread_join(g_steal_pointer(&role->thread));
}

void role_free(struct role *role)
{
    if (!role)
        return;
    role_finish(role);
    g_mutex_clear(&role->lock);
    g_cond_clear(&role->changed);
    g_free(role->trouble);
    g_free(role);
}
