#include "journal/records.h"

struct records {
    GPtrArray *events; /* of struct event */
};

static void free_event(gpointer pointer)
{
    event_free(pointer);
}

static gboolean keep(const struct event *event, gpointer data)
{
    struct records *records = data;

    g_ptr_array_add(records->events, event_copy(event));
    return TRUE;
}

static int by_seq(gconstpointer a, gconstpointer b)
{
    const struct event *one = *(const struct event *const *)a;
    const struct event *two = *(const struct event *const *)b;

    return one->seq < two->seq ? -1 : one->seq > two->seq;
}

struct records *records_load(struct journal *journal, const char *const *kinds, GError **error)
{
    g_autoptr(records_t) records = g_new0(struct records, 1);

    records->events = g_ptr_array_new_with_free_func(free_event);
    for (; journal && *kinds; kinds++) {
        struct journal_filter filter = { .kind = *kinds };

        if (!journal_each(journal, &filter, keep, records, error))
            return NULL;
    }
    g_ptr_array_sort(records->events, by_seq);
    return g_steal_pointer(&records);
}

void records_free(struct records *records)
{
    if (!records)
        return;
    g_ptr_array_unref(records->events);
    g_free(records);
}

const struct event *records_latest(const struct records *records, const char *kind, const char *key)
{
    for (guint i = records_count(records); i-- > 0;) {
        const struct event *event = records_at(records, i);

        if (g_str_equal(event->kind, kind) && (!key || g_strcmp0(event->key, key) == 0))
            return event;
    }
    return NULL;
}

guint records_count(const struct records *records)
{
    return records ? records->events->len : 0;
}

const struct event *records_at(const struct records *records, guint index)
{
    return records->events->pdata[index];
}
