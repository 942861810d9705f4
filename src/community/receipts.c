/* receipts.c: what the log promised, compared with what it did. */
#include "base/clock.h"
#include "base/error.h"
#include "community/community_private.h"
#include "log/evidence.h"
#include "log/receipt.h"

/* The log that receipts are judged by. */
struct court {
    struct community *community;
    const struct community_policy *policy;
    struct log_reader *reader; /* NULL: not needed yet */
    const struct checkpoint *checkpoint;
    GBytes *note;
    gint64 time_us;
};

static json_t *parse(GBytes *bytes, GError **error)
{
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);

    return json_parse(data, length, 4 * ENTRY_LIMIT, "a kept receipt", error);
}

/* Another entry stands at the index that the receipt names: its leaf, and the path to it. */
static gboolean find_displacing(struct court *court, guint64 index, struct merkle_hash *leaf,
                                struct merkle_hash *path, guint *length, GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(GBytes) entry = log_reader_entry(court->reader, index, error);

    if (!entry)
        return FALSE;
    *leaf = merkle_leaf(merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    return log_reader_inclusion(court->reader, index, court->checkpoint->size, path, length, error);
}

static gboolean accuse(struct court *court, const struct kept_receipt *kept,
                       const struct receipt *receipt, GError **error)
{
    const struct evidence_note note = { court->note, "the log" };
    gboolean displaced =
        receipt->status == RECEIPT_INCLUDED && receipt->index < court->checkpoint->size;
    struct merkle_hash leaf, path[MERKLE_PATH_LIMIT];
    guint length = 0;
    g_autoptr(json_t) envelope = parse(kept->envelope, error);
    g_autoptr(json_t) entry = envelope ? parse(kept->entry, error) : NULL;
    g_autoptr(json_t) bundle = NULL;
    g_autofree char *written = NULL;

    if (!entry ||
        (displaced && !find_displacing(court, receipt->index, &leaf, path, &length, error)))
        return FALSE;
    bundle = evidence_receipt(court->policy->origin, court->policy->log_keys, envelope, entry,
                              &note, receipt->index, &leaf, displaced ? path : NULL, length);
    written = evidence_write(court->community->evidence_folder, bundle, error);
    return written != NULL;
}

static gboolean judge(struct court *court, const struct kept_receipt *kept, guint64 *broken,
                      GError **error)
{
    g_autoptr(GPtrArray) keys = note_public_keys(court->policy->log_keys);
    g_autoptr(receipt_t) receipt =
        receipt_read(g_bytes_get_data(kept->envelope, NULL), g_bytes_get_size(kept->envelope),
                     "a kept receipt", keys, error);
    enum receipt_verdict verdict;
    guint64 index;

    if (!receipt || !receipt_judge(receipt, court->reader, court->checkpoint->size, court->time_us,
                                   &verdict, &index, error))
        return FALSE;
    if (verdict == RECEIPT_PENDING)
        return TRUE;
    if (verdict == RECEIPT_BROKEN) {
        (*broken)++;
        if (!accuse(court, kept, receipt, error))
            return FALSE;
    }
    return memory_judge_receipt(court->community->memory, &kept->leaf, verdict, error);
}

gboolean community_judge_receipts(struct community *community, const struct checkpoint *checkpoint,
                                  GBytes *note, guint64 log_time_s, guint64 *broken, GError **error)
{
    g_autoptr(GPtrArray) pending = memory_receipts(community->memory, TRUE, error);
    /* Without witnesses there is only our own clock. */
    struct court court = { .community = community,
                           .policy = community_policy_in_force(community, error),
                           .checkpoint = checkpoint,
                           .note = note,
                           .time_us =
                               log_time_s ? (gint64)log_time_s * G_USEC_PER_SEC : clock_now_us() };

    *broken = 0;
    if (!pending || !court.policy)
        return FALSE;
    for (guint i = 0; i < pending->len; i++) {
        const struct kept_receipt *kept = pending->pdata[i];

        if (kept->due_us >= court.time_us)
            continue;
        if (!court.reader)
            court.reader = community_reader(community, error);
        if (!court.reader || !judge(&court, kept, broken, error))
            return FALSE;
    }
    return TRUE;
}
