#include "assess/runner.h"

#include "base/error.h"
#include "p7_hygiene/host/host.h"
#include "sandbox/worker.h"

#include <string.h>

#define MESSAGE_FINDING 1
#define WALK_CPU_S 300
/* Most judgements take microseconds: many are read at once. */
#define LINGER_US 10000
/* A further worker loads facts that another one has, so it must be worth it. */
#define JUDGEMENTS_PER_WORKER 500
#define JUDGE_CPU_S 60

/* One judgement to be made. */
struct item {
    const struct measure *measure;
    const struct runner_asset *asset;
    guint asset_index;
    guint result; /* index into the findings */
};

/* What one worker judges, in order. */
struct queue {
    GPtrArray *items; /* of struct item, borrowed */
    guint next;       /* the first without a finding */
    guint flags;      /* enum confine_flags */
    gboolean walks;
    struct confinement *confinement; /* borrowed */
    struct worker *worker;           /* NULL when all is done */
};

struct run {
    const struct runner_options *options;
    GPtrArray *findings;
    GPtrArray *queues; /* of struct queue, in the order to start them */
    guint done, total; /* judged in workers */
};

static void queue_free(struct queue *queue)
{
    if (queue->worker)
        worker_free(queue->worker);
    g_ptr_array_unref(queue->items);
    g_free(queue);
}

static struct queue *queue_new(struct run *run, gboolean walks, guint flags)
{
    struct queue *queue = g_new0(struct queue, 1);

    queue->items = g_ptr_array_new();
    queue->walks = walks;
    queue->flags = flags;
    g_ptr_array_add(run->queues, queue);
    return queue;
}

/* --- in the worker --- */

static void judge_all(struct worker_pipe *out, gpointer data)
{
    const struct queue *queue = data;

    for (guint i = queue->next; i < queue->items->len; i++) {
        const struct item *item = queue->items->pdata[i];
        g_autoptr(finding_t) finding = finding_new(item->measure->id, item->asset_index);
        g_autoptr(GByteArray) message = NULL;

        item->measure->judge(&item->asset->view, finding);
        message = finding_pack(finding);
        if (!worker_send(out, MESSAGE_FINDING, message->data, message->len))
            return;
    }
}

/* --- in the parent --- */

static void set_error(struct finding *finding, enum reason reason, const char *detail)
{
    finding->outcome = OUTCOME_ERROR;
    finding->reason = reason;
    g_free(finding->detail);
    finding->detail = g_strdup(detail);
}

static void put_finding(struct run *run, struct queue *queue, struct finding *finding)
{
    const struct item *item = queue->items->pdata[queue->next++];

    finding_free(run->findings->pdata[item->result]);
    run->findings->pdata[item->result] = finding;
    run->done++;
    if (run->options->progress)
        run->options->progress(run->done, run->total, run->options->progress_data);
}

/* For the judgement that `queue` waits for. */
static gint64 limit_of(const struct run *run, const struct queue *queue)
{
    const struct runner_options *options = run->options;
    guint waiting = MIN(queue->next, queue->items->len - 1);
    const struct item *item = queue->items->pdata[waiting];

    if (item->measure->needs & NEEDS_WALK)
        return options->walk_limit_us ? options->walk_limit_us : RUNNER_WALK_LIMIT_US;
    return options->limit_us ? options->limit_us : RUNNER_LIMIT_US;
}

static gboolean start(struct run *run, struct queue *queue, GError **error)
{
    const struct item *first = queue->items->pdata[queue->next];
    struct host *host = first->asset->view.host;
    const struct confine_limits limits = { .cpu_s = queue->walks ? WALK_CPU_S : JUDGE_CPU_S };

    if (host)
        host_leave_folder(host);
    queue->worker =
        worker_start(queue->confinement, host ? host_root_fd(host) : -1, &limits,
                     g_get_monotonic_time() + limit_of(run, queue), judge_all, queue, error);
    return queue->worker != NULL;
}

/* Gives the waiting measure `error` and goes on behind it with a fresh worker. */
static gboolean replace(struct run *run, struct queue *queue, enum reason reason,
                        const char *detail, GError **error)
{
    const struct item *item = queue->items->pdata[queue->next];
    struct finding *finding = finding_new(item->measure->id, item->asset_index);

    set_error(finding, reason, detail);
    put_finding(run, queue, finding);
    g_clear_pointer(&queue->worker, worker_free);
    return queue->next == queue->items->len || start(run, queue, error);
}

static struct finding *read_finding(const struct item *item, guint8 kind, const guint8 *body,
                                    gsize length)
{
    struct finding *finding;

    if (kind != MESSAGE_FINDING)
        return NULL;
    finding = finding_unpack(body, length, item->measure->id, item->asset_index);
    if (finding && finding->outcome == OUTCOME_NONE)
        set_error(finding, REASON_SILENT, NULL);
    return finding;
}

/* All messages at hand of one worker, and its end. */
static gboolean attend(struct run *run, struct queue *queue, GError **error)
{
    const guint8 *body;
    gsize length;
    guint8 kind;

    while (queue->next < queue->items->len && (body = worker_next(queue->worker, &kind, &length))) {
        struct finding *finding =
            read_finding(queue->items->pdata[queue->next], kind, body, length);

        if (!finding)
            return replace(run, queue, REASON_CRASH, "its finding is malformed", error);
        put_finding(run, queue, finding);
        worker_set_deadline(queue->worker, g_get_monotonic_time() + limit_of(run, queue));
    }
    if (queue->next == queue->items->len) {
        g_clear_pointer(&queue->worker, worker_free);
        return TRUE;
    }
    if (worker_end(queue->worker) == WORKER_RUNS)
        return TRUE;
    return replace(run, queue,
                   worker_end(queue->worker) == WORKER_TIMEOUT ? REASON_TIMEOUT : REASON_CRASH,
                   worker_end_text(queue->worker), error);
}

static gboolean run_queues(struct run *run, GError **error)
{
    g_autofree struct worker **workers = g_new0(struct worker *, MAX(run->queues->len, 1));
    int ready;

    for (guint i = 0; i < run->queues->len; i++)
        if (!start(run, run->queues->pdata[i], error))
            return FALSE;
    do {
        for (guint i = 0; i < run->queues->len; i++)
            workers[i] = ((struct queue *)run->queues->pdata[i])->worker;
        ready = worker_wait(workers, run->queues->len, LINGER_US);
        if (ready >= 0 && !attend(run, run->queues->pdata[ready], error))
            return FALSE;
    } while (ready >= 0);
    return TRUE;
}

/* --- who judges what --- */

/* Answers without judging what cannot be judged here. */
static gboolean answer_without_judging(const struct item *item,
                                       const struct runner_options *options,
                                       struct finding *finding)
{
    const struct host *host = item->asset->view.host;

    if (item->measure->needs & (NEEDS_LIVE | NEEDS_BUS) && !(host && host_is_live(host)))
        finding_not_measured(finding, REASON_OFFLINE, NULL);
    else if (item->measure->needs & NEEDS_WALK && options->no_walk)
        finding_not_measured(finding, REASON_SKIPPED, "--no-walk");
    return finding->outcome != OUTCOME_NONE;
}

/* Up to the second dot: what reads the same files. */
static gsize affinity_length(const char *id)
{
    const char *dot = strchr(id, '.');

    dot = dot ? strchr(dot + 1, '.') : NULL;
    return dot ? (gsize)(dot - id) : strlen(id);
}

#define NEEDS_OWN_WORKER (NEEDS_WALK | NEEDS_BUS)

/*
 * These read thousands of files for themselves and share few facts with others. The worker of the
 * walk judges them when there is one: on a small tree it would be done long before the other.
 */
#define BESIDE_WALK "host.crypto"

static gboolean is_beside_walk(const struct item *item)
{
    return affinity_length(item->measure->id) == strlen(BESIDE_WALK) &&
           g_str_has_prefix(item->measure->id, BESIDE_WALK);
}

static gboolean same_affinity(const struct item *a, const struct item *b)
{
    gsize length = affinity_length(a->measure->id);

    return a->asset == b->asset &&
           (a->measure->needs & NEEDS_OWN_WORKER) == (b->measure->needs & NEEDS_OWN_WORKER) &&
           affinity_length(b->measure->id) == length &&
           strncmp(a->measure->id, b->measure->id, length) == 0;
}

static guint flags_of(const struct run *run, const struct item *item)
{
    const struct host *host = item->asset->view.host;
    guint flags = SANDBOX_READ_FILES;

    if (host && host_is_live(host))
        flags |= SANDBOX_NETLINK | SANDBOX_PROCESSES;
    if (item->measure->needs & NEEDS_BUS && run->options->bus)
        flags |= SANDBOX_BUS;
    return flags;
}

/* The queue of the walk over the host of `item`, where it may judge that too; or NULL. */
static struct queue *walk_queue(const struct run *run, const struct item *item)
{
    for (guint i = 0; i < run->queues->len; i++) {
        struct queue *queue = run->queues->pdata[i];
        const struct item *first = queue->items->pdata[0];

        if (queue->walks && queue->flags == flags_of(run, item) && first->asset == item->asset)
            return queue;
    }
    return NULL;
}

/* The queue that is to judge `item`: of its own kind, or the shortest of the common ones. */
static struct queue *choose_queue(struct run *run, const struct item *item, guint common)
{
    const struct host *host = item->asset->view.host;
    gboolean walks = (item->measure->needs & NEEDS_WALK) != 0;
    guint flags = flags_of(run, item), alike = 0;
    struct queue *shortest = is_beside_walk(item) ? walk_queue(run, item) : NULL;

    if (shortest)
        return shortest;
    for (guint i = 0; i < run->queues->len; i++) {
        struct queue *queue = run->queues->pdata[i];
        const struct item *first = queue->items->pdata[0];

        /* What looks at no host is judged with those that do: a worker less. */
        if (queue->walks != walks || (!host && queue->flags & SANDBOX_BUS) ||
            (host && (queue->flags != flags || first->asset->view.host != host)))
            continue;
        alike++;
        if (!shortest || queue->items->len < shortest->items->len)
            shortest = queue;
    }
    if (alike < (walks || flags & SANDBOX_BUS ? 1 : common))
        return queue_new(run, walks, flags);
    return shortest;
}

/* Groups by affinity, largest first, each to the shortest queue. */
static gint compare_groups(gconstpointer a, gconstpointer b)
{
    const GPtrArray *left = *(GPtrArray *const *)a, *right = *(GPtrArray *const *)b;
    const struct item *first = left->pdata[0], *second = right->pdata[0];
    guint needs_first = first->measure->needs & NEEDS_OWN_WORKER;
    guint needs_second = second->measure->needs & NEEDS_OWN_WORKER;

    if (needs_first != needs_second)
        return needs_first < needs_second ? 1 : -1;
    return left->len < right->len ? 1 : left->len > right->len ? -1 : 0;
}

static void distribute(struct run *run, GArray *items, guint common)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < items->len; i++) {
        struct item *item = &g_array_index(items, struct item, i);
        GPtrArray *group = NULL;

        for (guint j = 0; !group && j < groups->len; j++) {
            GPtrArray *candidate = groups->pdata[j];
            const struct item *first = candidate->pdata[0];

            if (same_affinity(item, first))
                group = candidate;
        }
        if (!group) {
            group = g_ptr_array_new();
            g_ptr_array_add(groups, group);
        }
        g_ptr_array_add(group, item);
    }
    g_ptr_array_sort(groups, compare_groups);
    for (guint i = 0; i < groups->len; i++) {
        GPtrArray *group = groups->pdata[i];
        struct queue *queue = choose_queue(run, group->pdata[0], common);

        g_ptr_array_extend(queue->items, group, NULL, NULL);
    }
}

/* Every measure with every asset of its kind; what needs no judging is answered here. */
static GArray *list_items(const struct measure *const *measures, gsize n_measures,
                          const struct runner_asset *assets, gsize n_assets, struct run *run)
{
    GArray *items = g_array_new(FALSE, FALSE, sizeof(struct item));

    for (gsize i = 0; i < n_measures; i++) {
        for (gsize j = 0; j < n_assets; j++) {
            struct item item = { measures[i], &assets[j], j, run->findings->len };
            struct finding *finding;

            if (!g_str_equal(measures[i]->asset_kind, assets[j].kind))
                continue;
            finding = finding_new(measures[i]->id, j);
            g_ptr_array_add(run->findings, finding);
            if (!answer_without_judging(&item, run->options, finding))
                g_array_append_val(items, item);
        }
    }
    return items;
}

/* One compiled filter for each kind of worker. */
static gboolean prepare_confinements(struct run *run, GHashTable *confinements, GError **error)
{
    for (guint i = 0; i < run->queues->len; i++) {
        struct queue *queue = run->queues->pdata[i];
        gpointer key = GUINT_TO_POINTER(queue->flags);

        queue->confinement = g_hash_table_lookup(confinements, key);
        if (queue->confinement)
            continue;
        queue->confinement = confinement_new(queue->flags, error);
        if (!queue->confinement)
            return FALSE;
        g_hash_table_insert(confinements, key, queue->confinement);
    }
    return TRUE;
}

static guint enough_workers(guint judgements)
{
    guint wanted = 1 + judgements / JUDGEMENTS_PER_WORKER;

    return wanted == 1 ? 1 : MIN(wanted, g_get_num_processors());
}

GPtrArray *runner_run(const struct measure *const *measures, gsize n_measures,
                      const struct runner_asset *assets, gsize n_assets,
                      const struct runner_options *options, GError **error)
{
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);
    g_autoptr(GPtrArray) queues = g_ptr_array_new_with_free_func((GDestroyNotify)queue_free);
    g_autoptr(GHashTable) confinements =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)confinement_free);
    struct run run = { .options = options, .findings = findings, .queues = queues };
    g_autoptr(GArray) items = list_items(measures, n_measures, assets, n_assets, &run);

    run.total = items->len;
    distribute(&run, items, options->workers ? options->workers : enough_workers(items->len));
    if (!prepare_confinements(&run, confinements, error) || !run_queues(&run, error))
        return NULL;
    return g_steal_pointer(&findings);
}
