#include "log/history.h"

#include "base/error.h"

#include <string.h>

#define LENGTH_SIZE 4 /* be32 before each note */

static guint32 read_be32(const guint8 *at)
{
    return (guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3];
}

/* Judges one record; FALSE when it is not believed. */
static gboolean read_moment(const void *record, gsize length, log_policy_fn policy, gpointer data,
                            struct log_moment *moment)
{
    g_autoptr(note_t) note = note_parse(record, length, "history", NULL);
    g_autoptr(checkpoint_t) claimed = NULL;
    g_autoptr(checkpoint_t) checkpoint = NULL;
    const struct quorum_policy *in_force;
    struct quorum_verdict verdict;
    gboolean good;

    if (!note)
        return FALSE;
    claimed =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), NULL);
    in_force = claimed ? policy(data, claimed->size) : NULL;
    if (!in_force)
        return FALSE;
    checkpoint = quorum_judge(in_force, note, 0, &verdict);
    good = verdict.reason == QUORUM_GOOD && verdict.log_time_s;
    *moment = (struct log_moment){ .size = checkpoint->size,
                                   .time_s = (gint64)verdict.log_time_s,
                                   .root = checkpoint->root };
    memcpy(moment->policy, in_force->digest, sizeof moment->policy);
    quorum_verdict_clear(&verdict);
    return good;
}

GArray *log_history_read(GBytes *bytes, log_policy_fn policy, gpointer data, guint *refused,
                         GError **error)
{
    g_autoptr(GArray) moments = g_array_new(FALSE, FALSE, sizeof(struct log_moment));
    struct log_moment last = { 0 };
    gsize size, at = 0;
    const guint8 *records = g_bytes_get_data(bytes, &size);

    *refused = 0;
    while (size - at >= LENGTH_SIZE) {
        const guint32 length = read_be32(records + at);
        struct log_moment moment;

        if (!length || length > NOTE_LIMIT) {
            input_error(error, "not a history: a record of %u bytes at byte %" G_GSIZE_FORMAT,
                        length, at);
            return NULL;
        }
        if (size - at - LENGTH_SIZE < length)
            break;
        if (read_moment(records + at + LENGTH_SIZE, length, policy, data, &moment) &&
            moment.size > last.size && moment.time_s >= last.time_s) {
            g_array_append_val(moments, moment);
            last = moment;
        } else {
            (*refused)++;
        }
        at += LENGTH_SIZE + length;
    }
    return g_steal_pointer(&moments);
}

void log_history_append(GByteArray *bytes, GBytes *note)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(note, &size);
    const guint8 head[LENGTH_SIZE] = { (guint8)(size >> 24), (guint8)(size >> 16),
                                       (guint8)(size >> 8), (guint8)size };

    g_assert(size && size <= NOTE_LIMIT);
    g_byte_array_append(bytes, head, sizeof head);
    g_byte_array_append(bytes, data, size);
}

gint64 log_history_time_us(const GArray *moments, guint64 index)
{
    guint low = 0, high = moments->len;

    while (low < high) {
        const guint middle = low + (high - low) / 2;

        if (g_array_index(moments, struct log_moment, middle).size > index)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == moments->len)
        return 0;
    return g_array_index(moments, struct log_moment, low).time_s * G_USEC_PER_SEC;
}
