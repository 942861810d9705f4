#include "community/replay.h"

#include "statement/dsse.h"
#include "statement/intoto.h"

#include <string.h>

struct folding {
    const struct community_policy *genesis;
    struct log_reader *reader;
    guint64 size;
    struct replay *replay;
};

void replay_clear(struct replay *replay)
{
    g_clear_pointer(&replay->reg, register_free);
    g_clear_pointer(&replay->moments, g_array_unref);
}

gboolean replay_is_policy(GBytes *entry)
{
    gsize length;
    const char *bytes = g_bytes_get_data(entry, &length);
    g_autoptr(dsse_t) envelope = dsse_parse(bytes, length, "entry", NULL);
    g_autoptr(json_t) statement = envelope ? intoto_read(envelope->payload, NULL) : NULL;

    return statement && g_strcmp0(intoto_predicate_type(statement), PREDICATE_POLICY) == 0;
}

/* --- folding with a time --- */

#define FOLD_AT_ONCE 4096u

struct timed {
    struct reg *reg;
    gint64 time_us;
    GPtrArray *waiting; /* GBytes *: folded together, on all cores */
    GArray *times;
};

static void fold_waiting(struct timed *timed)
{
    register_fold_many(timed->reg, timed->waiting,
                       (const gint64 *)(gconstpointer)timed->times->data, 0);
    g_ptr_array_set_size(timed->waiting, 0);
    g_array_set_size(timed->times, 0);
}

static gboolean fold_one(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct timed *timed = data;

    g_ptr_array_add(timed->waiting, g_bytes_ref(entry));
    g_array_append_val(timed->times, timed->time_us);
    if (timed->waiting->len == FOLD_AT_ONCE)
        fold_waiting(timed);
    return TRUE;
}

static gboolean fold_to(struct folding *folding, struct reg *reg, guint64 size, gint64 time_us,
                        GError **error)
{
    struct timed timed = { .reg = reg, .time_us = time_us };
    guint64 first = register_size(reg);
    gboolean done;

    if (first >= size)
        return TRUE;
    timed.waiting = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    timed.times = g_array_new(FALSE, FALSE, sizeof(gint64));
    done = log_reader_each(folding->reader, first, size, fold_one, &timed, error);
    if (done)
        fold_waiting(&timed);
    g_ptr_array_unref(timed.waiting);
    g_array_unref(timed.times);
    return done;
}

static gboolean find_policy(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    gboolean *found = data;

    *found = replay_is_policy(entry);
    return !*found;
}

/* What is folded already, by the moments that are trusted already, and then up to `size`. */
static struct reg *fold_ahead(struct folding *folding, guint64 size, GError **error)
{
    g_autoptr(reg_t) ahead = register_new(folding->genesis);
    const GArray *moments = folding->replay->moments;

    for (guint i = 0; i < moments->len; i++) {
        const struct log_moment *moment = &g_array_index(moments, struct log_moment, i);

        if (!fold_to(folding, ahead, moment->size, moment->time_s * G_USEC_PER_SEC, error))
            return NULL;
    }
    return fold_to(folding, ahead, size, 0, error) ? g_steal_pointer(&ahead) : NULL;
}

/* --- moments --- */

static gboolean root_is_ours(struct folding *folding, const struct checkpoint *checkpoint,
                             gboolean *ours, GError **error)
{
    struct merkle_hash root;

    if (!log_reader_root(folding->reader, checkpoint->size, &root, error))
        return FALSE;
    *ours = memcmp(&root, &checkpoint->root, sizeof root) == 0;
    return TRUE;
}

static gboolean judge(const struct community_policy *policy, const struct note *note,
                      struct log_moment *moment)
{
    struct quorum_verdict verdict = { 0 };
    g_autoptr(checkpoint_t) checkpoint = quorum_judge(policy->witnesses, note, 0, &verdict);
    gboolean good = checkpoint && verdict.reason == QUORUM_GOOD && verdict.log_time_s > 0;

    if (good) {
        *moment = (struct log_moment){ .size = checkpoint->size,
                                       .time_s = (gint64)verdict.log_time_s,
                                       .root = checkpoint->root };
        memcpy(moment->policy, policy->witnesses->digest, sizeof moment->policy);
    }
    quorum_verdict_clear(&verdict);
    return good;
}

/* Whether a record is trusted, and what it says. */
static gboolean read_moment(struct folding *folding, const struct note *note,
                            const struct checkpoint *checkpoint, struct log_moment *moment,
                            gboolean *good, GError **error)
{
    struct reg *reg = folding->replay->reg;
    const GArray *moments = folding->replay->moments;
    gint64 last_s =
        moments->len ? g_array_index(moments, struct log_moment, moments->len - 1).time_s : 0;
    g_autoptr(reg_t) ahead = NULL;
    gboolean changes = FALSE;

    *good = FALSE;
    if (checkpoint->size <= register_size(reg) || checkpoint->size > folding->size)
        return TRUE;
    /* It stops, without an error, at the first policy. */
    if (!log_reader_each(folding->reader, register_size(reg), checkpoint->size, find_policy,
                         &changes, error) &&
        !changes)
        return FALSE;
    if (changes) {
        ahead = fold_ahead(folding, checkpoint->size, error);
        if (!ahead)
            return FALSE;
    }
    if (!judge(register_policy(ahead ? ahead : reg), note, moment) || moment->time_s < last_s)
        return TRUE;
    return root_is_ours(folding, checkpoint, good, error);
}

static gboolean take_record(struct folding *folding, GBytes *record, GError **error)
{
    struct replay *replay = folding->replay;
    g_autoptr(note_t) note =
        note_parse(g_bytes_get_data(record, NULL), g_bytes_get_size(record), "history", NULL);
    g_autoptr(checkpoint_t) checkpoint = note ? checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                                                 g_bytes_get_size(note->text), NULL)
                                              : NULL;
    struct log_moment moment;
    gboolean good = FALSE;

    if (checkpoint && !read_moment(folding, note, checkpoint, &moment, &good, error))
        return FALSE;
    if (!good) {
        replay->refused++;
        return TRUE;
    }
    g_array_append_val(replay->moments, moment);
    return fold_to(folding, replay->reg, moment.size, moment.time_s * G_USEC_PER_SEC, error);
}

static gboolean take_history(struct folding *folding, GBytes *history, GError **error)
{
    gsize size, at = 0;
    const guint8 *data = g_bytes_get_data(history, &size);

    while (size - at > sizeof(guint32)) {
        guint32 length = (guint32)data[at] << 24 | (guint32)data[at + 1] << 16 |
                         (guint32)data[at + 2] << 8 | data[at + 3];
        g_autoptr(GBytes) record = NULL;

        at += sizeof(guint32);
        if (length > size - at) /* cut short: none */
            break;
        record = g_bytes_new_from_bytes(history, at, length);
        at += length;
        if (!take_record(folding, record, error))
            return FALSE;
    }
    return TRUE;
}

gboolean replay_log(const struct community_policy *genesis, struct log_reader *reader, guint64 size,
                    GBytes *history, struct replay *replay, GError **error)
{
    struct folding folding = { genesis, reader, size, replay };

    replay->reg = register_new(genesis);
    replay->moments = g_array_new(FALSE, FALSE, sizeof(struct log_moment));
    replay->refused = 0;
    /* Each is there before the entries that it includes: reviews are drawn by them. */
    register_set_moments(replay->reg, replay->moments);
    if ((!history || take_history(&folding, history, error)) &&
        fold_to(&folding, replay->reg, size, 0, error))
        return TRUE;
    replay_clear(replay);
    return FALSE;
}
