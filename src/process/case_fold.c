#include "process/case_private.h"

#include "statement/base64.h"

#include <string.h>

#define AHEAD_US ((gint64)5 * 60 * G_USEC_PER_SEC)
#define SNAPSHOT_EVENTS 256
#define WAITING_LIMIT 20000 /* events of a case that lack their causes */

/* --- life --- */

static guint hash_hash(gconstpointer key)
{
    guint value;

    memcpy(&value, key, sizeof value);
    return value;
}

static gboolean hash_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, CASE_HASH_SIZE) == 0;
}

static void slot_free(gpointer data)
{
    struct slot *slot = data;

    case_event_free(slot->event);
    if (slot->heads)
        g_ptr_array_unref(slot->heads);
    g_free(slot);
}

static void chain_free(gpointer data)
{
    struct chain *chain = data;

    g_ptr_array_unref(chain->slots);
    g_free(chain);
}

static void snapshot_free(gpointer data)
{
    struct snapshot *snapshot = data;

    kase_free(snapshot->kase);
    g_free(snapshot);
}

struct case_fold *case_fold_new(const struct case_options *options)
{
    struct case_fold *fold = g_new0(struct case_fold, 1);

    fold->options = *options;
    fold->options.self = fold->self = g_strdup(options->self);
    fold->options.log = fold->log = g_strdup(options->log);
    fold->slots = g_hash_table_new_full(hash_hash, hash_equal, NULL, slot_free);
    fold->chains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, chain_free);
    fold->wanted =
        g_hash_table_new_full(hash_hash, hash_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    fold->want_opening = g_ptr_array_new();
    fold->order = g_ptr_array_new();
    fold->snapshots = g_ptr_array_new_with_free_func(snapshot_free);
    fold->kase = kase_new();
    kase_entry(fold->kase);
    g_ptr_array_set_size(fold->kase->entries, 0);
    return fold;
}

void case_fold_free(struct case_fold *fold)
{
    if (!fold)
        return;
    kase_free(fold->shown);
    kase_free(fold->kase);
    g_ptr_array_unref(fold->snapshots);
    g_ptr_array_unref(fold->order);
    g_ptr_array_unref(fold->want_opening);
    g_hash_table_unref(fold->wanted);
    g_hash_table_unref(fold->chains);
    g_hash_table_unref(fold->slots);
    g_free(fold->self);
    g_free(fold->log);
    g_free(fold);
}

/* --- the state --- */

static void drop_shown(struct case_fold *fold)
{
    if (!fold->shown)
        return;
    g_clear_pointer(&fold->shown, kase_free);
    g_ptr_array_set_size(fold->kase->entries, (gint)fold->shown_from);
}

/* Back to a state in which no more than `applied` events have had their effect. */
static void roll_back(struct case_fold *fold, guint applied)
{
    GPtrArray *entries = fold->kase->entries;
    const struct snapshot *last;

    if (fold->applied <= applied)
        return;
    while (fold->snapshots->len &&
           ((struct snapshot *)fold->snapshots->pdata[fold->snapshots->len - 1])->applied > applied)
        g_ptr_array_set_size(fold->snapshots, (gint)fold->snapshots->len - 1);
    last = fold->snapshots->len ? fold->snapshots->pdata[fold->snapshots->len - 1] : NULL;
    fold->kase->entries = NULL;
    kase_free(fold->kase);
    fold->kase = last ? kase_copy(last->kase) : kase_new();
    fold->kase->entries = entries;
    fold->applied = last ? last->applied : 0;
    g_ptr_array_set_size(entries, last ? (gint)last->entries : 0);
}

static void keep_snapshot(struct case_fold *fold)
{
    struct snapshot *snapshot = g_new0(struct snapshot, 1);

    snapshot->applied = fold->applied;
    snapshot->entries = fold->kase->entries->len;
    snapshot->kase = kase_copy(fold->kase);
    g_ptr_array_add(fold->snapshots, snapshot);
}

static void not_before(struct slot *slot, const struct slot *cause)
{
    slot->clock_us = MAX(slot->clock_us, cause->clock_us);
    slot->said_us = MAX(slot->said_us, cause->said_us);
}

/*
 * Clocks begin with the log time of an event where that is proven. An hour's commitment proves no
 * more than the hour, so when something was done within it is taken from the event itself; what
 * says that it is older than its commitment can bear out is as old as that at most.
 */
static void set_clock(const struct case_fold *fold, struct slot *slot)
{
    const struct case_options *options = &fold->options;
    const struct case_event *event = slot->event;
    gint64 log_us = options->witnessed_us ? options->witnessed_us(options->data, &event->hash) : 0;
    gint64 anchor_us = 0;

    slot->witnessed = log_us > 0;
    slot->clock_us = slot->witnessed ? log_us : event->time_us;
    slot->said_us = slot->witnessed ? CLAMP(event->time_us, log_us - CASE_COMMITMENT_US, log_us)
                                    : event->time_us;
    if (event->anchor_size && options->anchor &&
        options->anchor(options->data, event->anchor_size, &event->anchor_root, &anchor_us)) {
        slot->clock_us = MAX(slot->clock_us, anchor_us);
        slot->said_us = MAX(slot->said_us, anchor_us);
    }
    if (slot != fold->opening)
        not_before(slot, fold->opening);
    if (slot->previous)
        not_before(slot, slot->previous);
    for (guint i = 0; slot->heads && i < slot->heads->len; i++)
        not_before(slot, slot->heads->pdata[i]);
}

static void advance(struct case_fold *fold, guint to)
{
    while (fold->applied < to) {
        struct slot *slot = fold->order->pdata[fold->applied];
        struct moment moment = { &fold->options, 0, 0, FALSE, slot, NULL };

        set_clock(fold, slot);
        moment.time_us = slot->clock_us;
        moment.said_us = slot->said_us;
        moment.witnessed = slot->witnessed;
        if (fold->kase->kind)
            case_clocks_run(fold->kase, &fold->options, slot->said_us);
        slot->verdict = case_judge(fold->kase, &moment);
        fold->applied++;
        if (fold->applied % SNAPSHOT_EVENTS == 0)
            keep_snapshot(fold);
    }
}

void case_fold_refresh(struct case_fold *fold)
{
    drop_shown(fold);
    roll_back(fold, 0);
    g_ptr_array_set_size(fold->snapshots, 0);
}

/* --- the order --- */

static gint compare_slots(const struct slot *a, const struct slot *b)
{
    if (a->order_us != b->order_us)
        return a->order_us < b->order_us ? -1 : 1;
    if (a->depth != b->depth)
        return a->depth < b->depth ? -1 : 1;
    return memcmp(a->event->hash.bytes, b->event->hash.bytes, CASE_HASH_SIZE);
}

/* Where a slot stands, or would; most come at the end. */
static guint position_of(const struct case_fold *fold, const struct slot *slot)
{
    guint low = 0, high = fold->order->len;

    if (high && compare_slots(fold->order->pdata[high - 1], slot) < 0)
        return high;
    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (compare_slots(fold->order->pdata[middle], slot) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void follow_cause(struct slot *slot, const struct slot *cause)
{
    if (!cause || cause == slot)
        return;
    slot->depth = MAX(slot->depth, cause->depth + 1);
    slot->order_us = MAX(slot->order_us, cause->order_us);
    if (slot->event->time_us < cause->event->time_us)
        slot->fixed = CASE_TIME;
}

static void place(struct case_fold *fold, struct slot *slot)
{
    struct chain *chain = case_chain_make(fold, slot->event->from, slot->event->stream);
    guint position;

    slot->order_us = slot->event->time_us;
    if (!g_str_equal(slot->event->kind, fold->opening->event->kind))
        slot->fixed = CASE_MIS_ADDRESSED;
    follow_cause(slot, fold->opening);
    follow_cause(slot, slot->previous);
    for (guint i = 0; slot->heads && i < slot->heads->len; i++)
        follow_cause(slot, slot->heads->pdata[i]);
    slot->placed = TRUE;
    g_ptr_array_add(chain->slots, slot);
    position = position_of(fold, slot);
    roll_back(fold, position);
    g_ptr_array_insert(fold->order, (gint)position, slot);
}

/* --- causes --- */

static enum case_verdict wait_for(struct case_fold *fold, struct slot *slot, const guint8 *hash)
{
    GPtrArray *list = g_hash_table_lookup(fold->wanted, hash);

    if (!list) {
        list = g_ptr_array_new();
        g_hash_table_insert(fold->wanted, g_memdup2(hash, CASE_HASH_SIZE), list);
    }
    g_ptr_array_add(list, slot);
    fold->waiting++;
    return CASE_GAP;
}

/* The events that an event names; those that lost a fork are known, and of no consequence. */
static enum case_verdict find_heads(struct case_fold *fold, struct slot *slot)
{
    g_autoptr(GPtrArray) heads = g_ptr_array_new();
    const char *author;
    json_t *value;

    json_object_foreach(slot->event->heads, author, value)
    {
        guint8 hash[CASE_HASH_SIZE];
        struct slot *head;

        hex_decode_into(json_string_value(value), hash, sizeof hash);
        head = g_hash_table_lookup(fold->slots, hash);
        if (!case_slot_is_there(head))
            return wait_for(fold, slot, hash);
        if (!g_str_equal(head->event->from, author) ||
            !g_str_equal(head->event->stream, slot->event->stream))
            slot->fixed = CASE_MALFORMED;
        if (head->placed)
            g_ptr_array_add(heads, head);
    }
    if (heads->len)
        slot->heads = g_steal_pointer(&heads);
    return CASE_APPLIED;
}

static enum case_verdict lose_fork(struct slot *slot)
{
    slot->forked = TRUE;
    return CASE_FORKED;
}

/* Finds the place of an event, or what it waits for. APPLIED: placed. */
static enum case_verdict settle(struct case_fold *fold, struct slot *slot)
{
    const struct case_event *event = slot->event;
    gboolean opens = case_event_opens(event);
    const struct chain *chain;
    enum case_verdict verdict;

    if (opens && fold->opening)
        return lose_fork(slot);
    if (!opens && !fold->opening) {
        g_ptr_array_add(fold->want_opening, slot);
        fold->waiting++;
        return CASE_GAP;
    }
    if (event->has_previous) {
        struct slot *previous = g_hash_table_lookup(fold->slots, event->previous.bytes);

        if (!case_slot_is_there(previous))
            return wait_for(fold, slot, event->previous.bytes);
        if (previous->forked || !g_str_equal(previous->event->from, event->from) ||
            !g_str_equal(previous->event->stream, event->stream) ||
            previous->event->seq != event->seq - 1)
            return lose_fork(slot);
        slot->previous = previous;
    }
    chain = case_chain(fold, event->from, event->stream);
    if ((chain ? chain->slots->len : 0) != event->seq - 1)
        return lose_fork(slot);
    verdict = find_heads(fold, slot);
    if (verdict != CASE_APPLIED)
        return verdict;
    if (opens)
        fold->opening = slot;
    place(fold, slot);
    return CASE_APPLIED;
}

/* What waited for a slot is tried again, and what waited for that. */
static void release(struct case_fold *fold, struct slot *first)
{
    g_autoptr(GPtrArray) arrived = g_ptr_array_new();

    g_ptr_array_add(arrived, first);
    while (arrived->len) {
        struct slot *slot = g_ptr_array_steal_index_fast(arrived, arrived->len - 1);
        g_autoptr(GPtrArray) list = NULL;
        gpointer key = NULL, value = NULL;

        if (slot == fold->opening) {
            list = fold->want_opening;
            fold->want_opening = g_ptr_array_new();
        }
        if (g_hash_table_steal_extended(fold->wanted, slot->event->hash.bytes, &key, &value)) {
            g_free(key);
            if (list)
                g_ptr_array_extend_and_steal(list, value);
            else
                list = value;
        }
        for (guint i = 0; list && i < list->len; i++) {
            fold->waiting--;
            if (settle(fold, list->pdata[i]) != CASE_GAP)
                g_ptr_array_add(arrived, list->pdata[i]);
        }
    }
}

/* --- events that come --- */

static gboolean waits_to_bring(const struct case_fold *fold, const char *self)
{
    for (guint i = 0; i < fold->want_opening->len; i++) {
        const struct slot *slot = fold->want_opening->pdata[i];

        if (g_strcmp0(json_text(slot->event->fields, "party"), self) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Whether an opening, or what came before one, could be for the party that folds. */
static gboolean may_be_ours(const struct case_fold *fold, const struct case_event *event)
{
    const char *self = fold->self;

    if (!self || g_str_equal(event->from, self) ||
        g_strv_contains((const char *const *)event->to, self))
        return TRUE;
    if (g_str_equal(event->stream, CASE_STREAM_LOCAL))
        return FALSE;
    return fold->opening || g_strcmp0(json_text(event->fields, "party"), self) == 0 ||
           waits_to_bring(fold, self);
}

/* What can be said without the case. */
static enum case_verdict examine(const struct case_fold *fold, struct case_event *event,
                                 gint64 now_us)
{
    const struct kind *kind = kind_find(event->kind);
    enum case_verdict verdict;

    if (!kind)
        return CASE_UNKNOWN_KIND;
    /* What never leaves its author may have begun before a community was joined. */
    if (!kind->own && g_strcmp0(event->log, fold->log) != 0)
        return CASE_OTHER_LOG;
    if (fold->opening && !g_str_equal(fold->opening->event->id, event->id))
        return CASE_MIS_ADDRESSED;
    if (event->time_us > now_us + AHEAD_US)
        return CASE_TIME;
    if (!may_be_ours(fold, event))
        return CASE_MIS_ADDRESSED;
    if (fold->waiting >= WAITING_LIMIT)
        return CASE_TOO_LARGE;
    verdict = event->signers ? CASE_APPLIED : case_event_verify(event, &fold->options.keys);
    return verdict == CASE_APPLIED && case_event_opens(event) ? case_judge_opening(event) : verdict;
}

/* The same event with more signatures (approvals) counts with those. */
static void strengthen(struct case_fold *fold, struct slot *slot, struct case_event *event)
{
    if (event->signers <= slot->event->signers)
        return;
    slot->event->signers = event->signers;
    g_bytes_unref(slot->event->envelope);
    slot->event->envelope = g_bytes_ref(event->envelope);
    if (slot->placed)
        roll_back(fold, position_of(fold, slot));
}

enum case_verdict case_fold_add(struct case_fold *fold, struct case_event *event, gint64 now_us)
{
    struct slot *slot = g_hash_table_lookup(fold->slots, event->hash.bytes);
    enum case_verdict verdict = examine(fold, event, now_us);

    drop_shown(fold);
    if (verdict != CASE_APPLIED)
        return verdict;
    if (slot) {
        strengthen(fold, slot, event);
        return CASE_REPLAYED;
    }
    slot = g_new0(struct slot, 1);
    slot->event = case_event_ref(event);
    g_hash_table_insert(fold->slots, event->hash.bytes, slot);
    if (settle(fold, slot) != CASE_GAP)
        release(fold, slot);
    return case_fold_verdict(fold, &event->hash);
}

const struct kase *case_fold_at(struct case_fold *fold, gint64 now_us)
{
    drop_shown(fold);
    advance(fold, fold->order->len);
    if (!fold->kase->kind || !case_clocks_due(fold->kase, now_us)) {
        case_clocks_show(fold->kase, now_us);
        return fold->kase;
    }
    fold->shown = kase_copy(fold->kase);
    fold->shown->entries = g_ptr_array_ref(fold->kase->entries);
    fold->shown_from = fold->kase->entries->len;
    case_clocks_run(fold->shown, &fold->options, now_us);
    case_clocks_show(fold->shown, now_us);
    return fold->shown;
}

enum case_verdict case_fold_verdict(struct case_fold *fold, const struct case_hash *hash)
{
    const struct slot *slot = g_hash_table_lookup(fold->slots, hash->bytes);

    if (!slot)
        return CASE_UNKNOWN_KIND;
    if (!slot->placed)
        return slot->forked ? CASE_FORKED : CASE_GAP;
    drop_shown(fold);
    advance(fold, position_of(fold, slot) + 1);
    return slot->verdict;
}
