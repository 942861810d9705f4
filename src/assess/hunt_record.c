#include "assess/hunt_record.h"

#include "base/clock.h"
#include "base/tlp.h"

#include <string.h>

#define ROWS_MAX 200u
#define DAYS_MAX 400u /* of one row; older ones are counted with the first that is shown */
#define DAY_US (G_GINT64_CONSTANT(24) * 3600 * G_USEC_PER_SEC)

struct day {
    gint64 day;
    guint64 hits;
};

struct row {
    char *log, *kind, *indicator, *last; /* indicator NULL: withheld; last: the one met last */
    enum tlp tlp;
    guint64 indicators, hits;
    GArray *days; /* struct day, in order */
};

static void row_free(gpointer data)
{
    struct row *row = data;

    g_free(row->log);
    g_free(row->kind);
    g_free(row->indicator);
    g_free(row->last);
    g_array_unref(row->days);
    g_free(row);
}

/* Adds to a day that is there, or puts it where it belongs. */
static void add_day(struct row *row, gint64 day, guint64 hits)
{
    const struct day one = { day, hits };
    guint at = row->days->len;

    row->hits += hits;
    while (at > 0 && g_array_index(row->days, struct day, at - 1).day > day)
        at--;
    if (at > 0 && g_array_index(row->days, struct day, at - 1).day == day)
        g_array_index(row->days, struct day, at - 1).hits += hits;
    else
        g_array_insert_val(row->days, at, one);
}

/* What a level that is not known lets go is nothing. */
static enum tlp level_of(const char *name)
{
    enum tlp tlp;

    return name && tlp_parse(name, &tlp) ? tlp : TLP_RED;
}

static void take_day(const struct retro_day *day, gpointer data)
{
    GHashTable *rows = data;
    const enum tlp tlp = level_of(day->tlp);
    const gboolean is_shown = tlp <= TLP_GREEN;
    g_autofree char *key =
        g_strjoin("\n", day->log, day->kind, tlp_name(tlp), is_shown ? day->indicator : "", NULL);
    struct row *row = g_hash_table_lookup(rows, key);

    if (!row) {
        row = g_new0(struct row, 1);
        row->log = g_strdup(day->log);
        row->kind = g_strdup(day->kind);
        row->indicator = is_shown ? g_strdup(day->indicator) : NULL;
        row->tlp = tlp;
        row->days = g_array_new(FALSE, FALSE, sizeof(struct day));
        g_hash_table_insert(rows, g_steal_pointer(&key), row);
    }
    if (g_strcmp0(row->last, day->indicator) != 0) {
        g_free(row->last);
        row->last = g_strdup(day->indicator);
        row->indicators++;
    }
    add_day(row, day->day, day->hits);
}

static gint64 last_day(const struct row *row)
{
    return g_array_index(row->days, struct day, row->days->len - 1).day;
}

/* The most recent first; then by what stands in the row, so that equal hits are equal documents. */
static int by_last_day(gconstpointer left, gconstpointer right)
{
    const struct row *a = *(const struct row *const *)left, *b = *(const struct row *const *)right;
    int order;

    if (last_day(a) != last_day(b))
        return last_day(a) < last_day(b) ? 1 : -1;
    if ((order = strcmp(a->log, b->log)) != 0 || (order = strcmp(a->kind, b->kind)) != 0)
        return order;
    order = g_strcmp0(a->indicator, b->indicator);
    return order ? order : (int)a->tlp - (int)b->tlp;
}

static char *day_text(gint64 day)
{
    char *text = clock_format(day * DAY_US);

    text[strlen("2026-11-22")] = '\0';
    return text;
}

static json_t *row_json(const struct row *row)
{
    const guint first = row->days->len > DAYS_MAX ? row->days->len - DAYS_MAX : 0;
    g_autofree char *from = day_text(g_array_index(row->days, struct day, 0).day);
    g_autofree char *to = day_text(last_day(row));
    json_t *object =
        json_pack("{s:o, s:s, s:s, s:I, s:I, s:s, s:s}", "log", json_safe_string(row->log), "kind",
                  row->kind, "tlp", tlp_name(row->tlp), "indicators", (json_int_t)row->indicators,
                  "hits", (json_int_t)row->hits, "first", from, "last", to);
    json_t *days = json_array();
    guint64 earlier = 0;

    if (row->indicator)
        json_object_set_new(object, "indicator", json_safe_string(row->indicator));
    for (guint i = 0; i < row->days->len; i++) {
        const struct day *day = &g_array_index(row->days, struct day, i);
        g_autofree char *text = day_text(day->day);

        earlier += day->hits;
        if (i < first)
            continue;
        json_array_append_new(days,
                              json_pack("{s:s, s:I}", "day", text, "hits", (json_int_t)earlier));
        earlier = 0;
    }
    json_object_set_new(object, "days", days);
    return object;
}

json_t *hunt_record_read(struct retro_store *store, GError **error)
{
    g_autoptr(GHashTable) rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, row_free);
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    json_t *hits = json_array();
    GHashTableIter each;
    gpointer row;

    if (store && !retro_store_days(store, take_day, rows, error)) {
        json_decref(hits);
        return NULL;
    }
    g_hash_table_iter_init(&each, rows);
    while (g_hash_table_iter_next(&each, NULL, &row))
        g_ptr_array_add(order, row);
    g_ptr_array_sort(order, by_last_day);
    for (guint i = 0; i < MIN(order->len, ROWS_MAX); i++)
        json_array_append_new(hits, row_json(order->pdata[i]));
    return json_pack("{s:o, s:i}", "hits", hits, "omitted",
                     order->len > ROWS_MAX ? (int)(order->len - ROWS_MAX) : 0);
}

static void set_time(json_t *object, const char *key, gint64 time_us)
{
    g_autofree char *text = clock_format(time_us);

    json_object_set_new(object, key, json_string(text));
}

json_t *hunt_record_member(const json_t *facts, gint64 now_us)
{
    const json_t *record = json_object_get(facts, "record"), *log;
    json_t *tables, *logs;
    size_t index;

    if (!record)
        return NULL;
    tables = json_pack("{s:I, s:I}", "installed", (json_int_t)json_number(facts, "tables", 0),
                       "expired", (json_int_t)json_number(facts, "expired", 0));
    if (json_object_get(facts, "newest_age_s"))
        set_time(tables, "newest", now_us - json_number(facts, "newest_age_s", 0) * G_USEC_PER_SEC);
    logs = json_array();
    json_array_foreach(json_object_get(facts, "logs"), index, log)
    {
        json_t *row = json_pack("{s:O, s:O}", "name", json_object_get(log, "name"), "state",
                                json_object_get(log, "state"));

        if (json_object_get(log, "age_s")) {
            set_time(row, "searched", now_us - json_number(log, "age_s", 0) * G_USEC_PER_SEC);
            json_object_set(row, "unread", json_object_get(log, "unread"));
        }
        json_array_append_new(logs, row);
    }
    return json_pack("{s:o, s:o, s:O, s:O}", "tables", tables, "logs", logs, "hits",
                     json_object_get(record, "hits"), "omitted",
                     json_object_get(record, "omitted"));
}
