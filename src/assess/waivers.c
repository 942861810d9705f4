#include "assess/waivers.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "journal/records.h"

#include <string.h>

#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

void waiver_record_free(struct waiver_record *record)
{
    if (!record)
        return;
    g_free(record->measure);
    g_free(record->asset);
    g_free(record->by);
    g_free(record->reason);
    g_free(record);
}

static void free_record(gpointer pointer)
{
    waiver_record_free(pointer);
}

/* NULL for an event that takes a waiver back or cannot be read. */
static struct waiver_record *read_record(const struct event *event)
{
    g_autoptr(waiver_record_t) record = g_new0(struct waiver_record, 1);
    g_autoptr(json_t) body =
        json_parse(g_bytes_get_data(event->body, NULL), g_bytes_get_size(event->body),
                   JOURNAL_BODY_MAX, "waiver", NULL);
    const char *reason = body ? json_text(body, "reason") : NULL;
    const char *until = body ? json_text(body, "until") : NULL;

    if (!reason || !until || !event->key || !clock_parse(until, &record->until_us, NULL))
        return NULL;
    record->until_us += DAY_US;
    record->measure = g_strdup(event->key);
    record->asset = g_strdup(event->asset);
    record->reason = g_strdup(reason);
    record->by = g_strdup(json_text(body, "by"));
    record->since_us = event->time_us;
    return g_steal_pointer(&record);
}

static int compare(const struct waiver_record *record, const char *measure, const char *asset)
{
    int order = strcmp(record->measure, measure);

    return order ? order : g_strcmp0(record->asset, asset);
}

static int by_place(gconstpointer a, gconstpointer b)
{
    const struct waiver_record *one = *(struct waiver_record *const *)a;
    const struct waiver_record *two = *(struct waiver_record *const *)b;

    return compare(one, two->measure, two->asset);
}

GPtrArray *waivers_list(const struct records *records)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(free_record);

    for (guint i = 0; i < records_count(records); i++) {
        const struct event *event = records_at(records, i);
        struct waiver_record *record;

        if (!g_str_equal(event->kind, WAIVER_EVENT) || !event->key)
            continue;
        for (guint j = 0; j < list->len; j++)
            if (compare(list->pdata[j], event->key, event->asset) == 0)
                g_ptr_array_remove_index(list, j--);
        record = read_record(event);
        if (record)
            g_ptr_array_add(list, record);
    }
    g_ptr_array_sort(list, by_place);
    return list;
}

const struct waiver_record *waivers_find(const GPtrArray *waivers, const char *measure,
                                         const char *asset)
{
    const struct waiver_record *found = NULL;

    for (guint i = 0; i < waivers->len; i++) {
        const struct waiver_record *record = waivers->pdata[i];

        if (!g_str_equal(record->measure, measure))
            continue;
        if (record->asset && g_strcmp0(record->asset, asset) == 0)
            return record;
        if (!record->asset)
            found = record;
    }
    return found;
}

gboolean waiver_parse_until(const char *text, gint64 now_us, gint64 *until_us, GError **error)
{
    if (strlen(text) != strlen("0000-00-00") || !clock_parse(text, until_us, NULL))
        return input_error(error, "\"%s\" is not a day (2027-01-31)", text);
    if (*until_us + DAY_US <= now_us)
        return input_error(error, "%s has passed; a waiver needs a day to come", text);
    if (*until_us > now_us + WAIVER_MAX_DAYS * DAY_US)
        return input_error(error, "%s is more than %d days ahead; a waiver is not for ever", text,
                           WAIVER_MAX_DAYS);
    *until_us += DAY_US;
    return TRUE;
}

gboolean waiver_record_new(struct journal *journal, const struct waiver_record *record,
                           GError **error)
{
    g_autofree char *until = clock_format(record->until_us - DAY_US);
    g_autofree char *text = NULL;
    g_autoptr(json_t) body = json_object();

    if (!record->reason || !*g_strstrip(record->reason))
        return input_error(error, "a waiver needs a --reason");
    if (strlen(record->reason) > WAIVER_REASON_MAX)
        return input_error(error, "the reason is longer than %d bytes", WAIVER_REASON_MAX);
    until[strlen("0000-00-00")] = '\0';
    json_object_set_new(body, "reason", json_safe_string(record->reason));
    json_object_set_new(body, "until", json_string(until));
    if (record->by)
        json_object_set_new(body, "by", json_safe_string(record->by));
    text = json_dumps(body, JSON_COMPACT);
    return journal_note(journal, WAIVER_EVENT, record->asset, record->measure, text, error);
}

gboolean waiver_remove(struct journal *journal, const char *measure, const char *asset,
                       const char *by, GError **error)
{
    g_autoptr(json_t) body = json_object();
    g_autofree char *text = NULL;

    json_object_set_new(body, "removed", json_true());
    if (by)
        json_object_set_new(body, "by", json_safe_string(by));
    text = json_dumps(body, JSON_COMPACT);
    return journal_note(journal, WAIVER_EVENT, asset, measure, text, error);
}
