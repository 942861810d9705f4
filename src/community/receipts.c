/* receipts.c: what the log promised, compared with what it did. */
#include "base/clock.h"
#include "base/error.h"
#include "community/community_private.h"
#include "log/evidence.h"

#include <string.h>

/* A receipt while it is judged. */
struct case_of {
    struct community *community;
    struct log_reader *reader;
    struct merkle *merkle;
    const struct checkpoint *checkpoint;
    GBytes *note;
    const struct kept_receipt *receipt;
    json_t *envelope, *entry;
    struct promise promise;
};

static json_t *parse(GBytes *bytes, GError **error)
{
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);

    return json_parse(data, length, PROMISE_LIMIT * 4, "a kept receipt", error);
}

struct search {
    struct merkle *merkle;
    const struct merkle_hash *leaf;
    gboolean found;
};

static gboolean compare_leaf(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct search *search = data;
    gsize length;
    const void *bytes = g_bytes_get_data(entry, &length);
    struct merkle_hash leaf = merkle_leaf(search->merkle, bytes, length);

    search->found = memcmp(&leaf, search->leaf, sizeof leaf) == 0;
    return !search->found;
}

/* FALSE with an error: the log could not be read. */
static gboolean is_in_log(struct case_of *judged, gboolean *found, GError **error)
{
    struct search search = { judged->merkle, &judged->receipt->leaf, FALSE };
    g_autoptr(GError) problem = NULL;

    if (!log_reader_each(judged->reader, 0, judged->checkpoint->size, compare_leaf, &search,
                         &problem) &&
        problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    *found = search.found;
    return TRUE;
}

static gboolean accuse(struct case_of *judged, const struct merkle_hash *leaf, GError **error)
{
    const struct community_policy *policy = community_policy_in_force(judged->community, error);
    const struct evidence_note note = { judged->note, "the log" };
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    guint length = 0;
    g_autoptr(json_t) bundle = NULL;
    g_autofree char *written = NULL;

    if (!policy || (leaf && !log_reader_inclusion(judged->reader, judged->promise.index,
                                                  judged->checkpoint->size, path, &length, error)))
        return FALSE;
    bundle = evidence_receipt(policy->origin, policy->log_keys, judged->envelope, judged->entry,
                              &note, judged->promise.index, leaf, leaf ? path : NULL, length);
    written = evidence_write(judged->community->evidence_folder, bundle, error);
    return written != NULL;
}

/* Judged by where the receipt says the entry stands, else by looking for it. */
static gboolean judge(struct case_of *judged, enum receipt_state *state, GError **error)
{
    const struct promise *promise = &judged->promise;
    gboolean found = FALSE;

    if (promise->status == PROMISE_INCLUDED && promise->index < judged->checkpoint->size) {
        g_autoptr(GBytes) entry = log_reader_entry(judged->reader, promise->index, error);
        struct merkle_hash leaf;

        if (!entry)
            return FALSE;
        leaf = merkle_leaf(judged->merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
        found = memcmp(&leaf, &promise->leaf, sizeof leaf) == 0;
        *state = found ? RECEIPT_HONOURED : RECEIPT_BROKEN;
        return found || accuse(judged, &leaf, error);
    }
    if (!is_in_log(judged, &found, error))
        return FALSE;
    *state = found ? RECEIPT_HONOURED : RECEIPT_BROKEN;
    return found || accuse(judged, NULL, error);
}

static gboolean judge_one(struct case_of *judged, const struct kept_receipt *receipt,
                          guint64 *broken, GError **error)
{
    const struct community_policy *genesis = judged->community->genesis;
    g_autoptr(json_t) envelope = parse(receipt->envelope, error);
    g_autoptr(json_t) entry = envelope ? parse(receipt->entry, error) : NULL;
    enum receipt_state state;
    gboolean good;

    if (!entry ||
        !promise_read(envelope, genesis->origin, genesis->log_keys, &judged->promise, error))
        return FALSE;
    judged->receipt = receipt;
    judged->envelope = envelope;
    judged->entry = entry;
    good = judge(judged, &state, error) &&
           memory_judge_receipt(judged->community->memory, &receipt->leaf, state, error);
    promise_clear(&judged->promise);
    if (good && state == RECEIPT_BROKEN)
        (*broken)++;
    return good;
}

gboolean community_judge_receipts(struct community *community, const struct checkpoint *checkpoint,
                                  GBytes *note, guint64 log_time_s, guint64 *broken, GError **error)
{
    g_autoptr(GPtrArray) open = memory_receipts(community->memory, TRUE, error);
    g_autoptr(merkle_t) merkle = merkle_new();
    struct case_of judged = {
        .community = community, .merkle = merkle, .checkpoint = checkpoint, .note = note
    };
    /* Without witnesses there is only our own clock. */
    gint64 time_us = log_time_s ? (gint64)log_time_s * G_USEC_PER_SEC : clock_now_us();

    *broken = 0;
    if (!open)
        return FALSE;
    for (guint i = 0; i < open->len; i++) {
        const struct kept_receipt *receipt = open->pdata[i];

        if (receipt->due_us >= time_us)
            continue;
        if (!judged.reader)
            judged.reader = community_reader(community, error);
        if (!judged.reader || !judge_one(&judged, receipt, broken, error))
            return FALSE;
    }
    return TRUE;
}
