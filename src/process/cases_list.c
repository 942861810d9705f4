/* cases_list.c: lists and the inbox, from rows alone. */
#include "base/clock.h"
#include "base/error.h"
#include "process/cases_private.h"

#include <string.h>

#define LIST_DEFAULT 100u

#define HEAD_COLUMNS                                                                               \
    "head.id, head.kind, head.state, head.title, head.opener, head.peer, head.tlp, head.opened, "  \
    "head.changed, head.ended, head.due, head.due_own, head.clock, head.fresh, head.mine, "        \
    "head.erased"
enum {
    ID,
    KIND,
    STATE,
    TITLE,
    OPENER,
    PEER,
    TLP,
    OPENED,
    CHANGED,
    ENDED,
    DUE,
    DUE_OWN,
    CLOCK,
    FRESH,
    MINE,
    ERASED,
    HEAD_COLUMN_COUNT
};

static json_t *head_json(struct query *query, gint64 now_us)
{
    const gint64 ended = query_integer(query, ENDED), due = query_integer(query, DUE);
    json_t *row = json_object();

    json_object_set_new(row, "id", json_safe_string(query_text(query, ID)));
    json_object_set_new(row, "kind", json_safe_string(query_text(query, KIND)));
    json_object_set_new(row, "state", json_safe_string(query_text(query, STATE)));
    json_object_set_new(row, "title", json_safe_string(query_text(query, TITLE)));
    json_object_set_new(row, "tlp", json_string(tlp_name(query_integer(query, TLP))));
    json_object_set_new(row, "opener", json_safe_string(query_text(query, OPENER)));
    json_object_set_new(row, "peer", json_safe_string(query_text(query, PEER)));
    cases_set_time(row, "opened", query_integer(query, OPENED));
    cases_set_time(row, "changed", query_integer(query, CHANGED));
    if (ended)
        cases_set_time(row, "ended", ended);
    if (!query_is_null(query, DUE)) {
        cases_set_time(row, "due", due);
        json_object_set_new(row, "clock", json_safe_string(query_text(query, CLOCK)));
    }
    json_object_set_new(row, "overdue", json_boolean(!query_is_null(query, DUE) && due <= now_us));
    json_object_set_new(row, "mine", json_boolean(query_integer(query, MINE)));
    json_object_set_new(row, "new", json_boolean(query_integer(query, FRESH)));
    if (query_integer(query, ERASED))
        json_object_set_new(row, "erased", json_true());
    return row;
}

/* --- lists --- */

/* A WHERE clause and what is bound to it, one text a parameter. */
struct condition {
    GString *sql;
    GPtrArray *texts; /* owned; NULL at the place of `now_us` */
};

/* `sql` has one '?'; `text` NULL stands for the present. */
static void condition_add(struct condition *condition, const char *sql, const char *text)
{
    g_string_append_printf(condition->sql, " AND (");
    for (; *sql; sql++)
        if (*sql == '?')
            g_string_append_printf(condition->sql, "$%u", condition->texts->len + 1);
        else
            g_string_append_c(condition->sql, *sql);
    g_string_append_c(condition->sql, ')');
    g_ptr_array_add(condition->texts, g_strdup(text));
}

static void condition_plain(struct condition *condition, const char *sql)
{
    g_string_append_printf(condition->sql, " AND (%s)", sql);
}

/* "50%" means itself. */
static char *like_pattern(const char *text)
{
    GString *pattern = g_string_new("%");

    for (; *text; text++) {
        if (strchr("%_\\", *text))
            g_string_append_c(pattern, '\\');
        g_string_append_c(pattern, *text);
    }
    g_string_append_c(pattern, '%');
    return g_string_free(pattern, FALSE);
}

static void condition_init(struct condition *condition, const struct cases_filter *filter)
{
    g_autofree char *pattern = filter->text ? like_pattern(filter->text) : NULL;
    /* The cases of one party are few: they are found by it, not by what is open. */
    const char *ended = filter->party ? "head.ended + 0" : "head.ended";

    condition->sql = g_string_new(ended);
    g_string_append(condition->sql, filter->open && filter->ended ? " >= 0"
                                    : filter->ended               ? " > 0"
                                                                  : " = 0");
    condition->texts = g_ptr_array_new_with_free_func(g_free);
    if (filter->kind)
        condition_add(condition, "head.kind = ?", filter->kind);
    if (filter->state)
        condition_add(condition, "head.state = ?", filter->state);
    if (filter->party)
        condition_add(condition, "head.id IN (SELECT id FROM party WHERE party = ?)",
                      filter->party);
    if (pattern)
        condition_add(condition, "head.title LIKE ? ESCAPE '\\'", pattern);
    if (filter->mine)
        condition_plain(condition, "head.mine = 1");
    if (filter->overdue)
        condition_add(condition, "head.due <= ?", NULL);
}

static struct query *condition_query(struct cases *cases, const struct condition *condition,
                                     const char *what, const char *rest, gint64 now_us,
                                     GError **error)
{
    g_autofree char *sql =
        g_strdup_printf("SELECT %s FROM head WHERE %s%s", what, condition->sql->str, rest);
    struct query *query = store_query(cases->store, sql, error);

    for (guint i = 0; query && i < condition->texts->len; i++) {
        if (condition->texts->pdata[i])
            query_bind_text(query, (int)i + 1, condition->texts->pdata[i]);
        else
            query_bind_integer(query, (int)i + 1, now_us);
    }
    return query;
}

static json_t *list(struct cases *cases, const struct cases_filter *filter,
                    const struct condition *condition, gint64 now_us, GError **error)
{
    const guint limit = CLAMP(filter->limit ? filter->limit : LIST_DEFAULT, 1, CASES_LIST_LIMIT);
    const guint places = condition->texts->len;
    g_autoptr(json_t) result = json_object();
    g_autofree char *rest = NULL;
    g_autoptr(query_t) count = NULL, rows = NULL;
    json_t *array = json_array();
    gboolean row;

    json_object_set_new(result, "cases", array);
    count = condition_query(cases, condition, "count(*)", "", now_us, error);
    if (!count || !query_step(count, &row, error))
        return NULL;
    json_object_set_new(result, "total", json_integer(query_integer(count, 0)));
    rest =
        g_strdup_printf(" ORDER BY %s LIMIT $%u OFFSET $%u",
                        filter->overdue ? "head.due" : "head.changed DESC", places + 1, places + 2);
    rows = condition_query(cases, condition, HEAD_COLUMNS, rest, now_us, error);
    if (!rows)
        return NULL;
    query_bind_integer(rows, (int)places + 1, limit);
    query_bind_integer(rows, (int)places + 2, filter->offset);
    do {
        if (!query_step(rows, &row, error))
            return NULL;
        if (row)
            json_array_append_new(array, head_json(rows, now_us));
    } while (row);
    return g_steal_pointer(&result);
}

json_t *cases_list(struct cases *cases, const struct cases_filter *filter, gint64 now_us,
                   GError **error)
{
    struct condition condition;
    json_t *result;

    condition_init(&condition, filter);
    result = list(cases, filter, &condition, now_us, error);
    g_string_free(condition.sql, TRUE);
    g_ptr_array_unref(condition.texts);
    return result;
}

/* --- inbox --- */

struct inbox {
    GPtrArray *items; /* json_t * with "due" or without */
    gint64 total;
};

static gboolean put_items(struct query *query, const char *reason, int extra, guint limit,
                          gint64 now_us, struct inbox *inbox, GError **error)
{
    gboolean row;

    do {
        json_t *item;

        if (!query || !query_step(query, &row, error))
            return FALSE;
        if (!row || inbox->items->len >= 2 * limit)
            return TRUE;
        item = head_json(query, now_us);
        json_object_set_new(item, "reason", json_string(reason));
        if (extra) {
            /* This clock of ours, not the first of the case. */
            const gint64 due = query_integer(query, HEAD_COLUMN_COUNT);

            cases_set_time(item, "due", due);
            json_object_set_new(item, "overdue", json_boolean(due <= now_us));
            json_object_set_new(item, "clock",
                                json_safe_string(query_text(query, HEAD_COLUMN_COUNT + 1)));
        }
        g_ptr_array_add(inbox->items, item);
    } while (row);
    return TRUE;
}

static gboolean put_clocks(struct cases *cases, guint limit, gint64 now_us, struct inbox *inbox,
                           GError **error)
{
    gint64 total;
    g_autoptr(query_t) query = NULL;

    if (!cases_number(cases, &total, 0, error,
                      "SELECT count(*) FROM clock WHERE own = 1 AND open = 1", ""))
        return FALSE;
    inbox->total += total;
    query = cases_ask(cases, error,
                      "SELECT " HEAD_COLUMNS ", clock.due, clock.clock FROM clock "
                      "JOIN head ON head.id = clock.id WHERE clock.own = 1 AND "
                      "clock.open = 1 ORDER BY clock.due LIMIT $1",
                      "i", (gint64)limit);
    return put_items(query, "clock", 1, limit, now_us, inbox, error);
}

static gboolean put_fresh(struct cases *cases, guint limit, gint64 now_us, struct inbox *inbox,
                          GError **error)
{
    gint64 total;
    g_autoptr(query_t) query = NULL;

    if (!cases_number(cases, &total, 0, error,
                      "SELECT count(*) FROM head WHERE ended = 0 AND fresh = 1 AND due_own IS NULL",
                      ""))
        return FALSE;
    inbox->total += total;
    query = cases_ask(cases, error,
                      "SELECT " HEAD_COLUMNS " FROM head WHERE ended = 0 AND fresh = 1 AND "
                      "due_own IS NULL ORDER BY opened LIMIT $1",
                      "i", (gint64)limit);
    return put_items(query, "new", 0, limit, now_us, inbox, error);
}

static gboolean put_drafts(struct cases *cases, guint limit, struct inbox *inbox, GError **error)
{
    g_autoptr(query_t) query = NULL;
    gboolean row;

    query = cases_ask(cases, error,
                      "SELECT id, case_id, kind, step, created FROM draft ORDER BY created", "");
    do {
        json_t *item;

        if (!query || !query_step(query, &row, error))
            return FALSE;
        if (!row)
            break;
        inbox->total++;
        if (inbox->items->len >= 3 * limit)
            continue;
        item = json_object();
        json_object_set_new(item, "reason", json_string("draft"));
        json_object_set_new(item, "draft", json_safe_string(query_text(query, 0)));
        json_object_set_new(item, "id", json_safe_string(query_text(query, 1)));
        json_object_set_new(item, "kind", json_safe_string(query_text(query, 2)));
        json_object_set_new(item, "step", json_safe_string(query_text(query, 3)));
        cases_set_time(item, "created", query_integer(query, 4));
        g_ptr_array_add(inbox->items, item);
    } while (row);
    return TRUE;
}

/* What is due first; then drafts; then what has no clock. */
static int compare_items(gconstpointer a, gconstpointer b)
{
    const json_t *const *left = a, *const *right = b;
    const char *due_left = json_text(*left, "due"), *due_right = json_text(*right, "due");
    const gboolean draft_left = json_object_get(*left, "draft") != NULL,
                   draft_right = json_object_get(*right, "draft") != NULL;
    gint64 time_left = G_MAXINT64, time_right = G_MAXINT64;

    if (due_left)
        clock_parse(due_left, &time_left, NULL);
    if (due_right)
        clock_parse(due_right, &time_right, NULL);
    if (time_left != time_right)
        return time_left < time_right ? -1 : 1;
    if (draft_left != draft_right)
        return draft_left ? -1 : 1;
    return g_strcmp0(json_text(*left, "id"), json_text(*right, "id"));
}

json_t *cases_inbox(struct cases *cases, guint limit, gint64 now_us, GError **error)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
    struct inbox inbox = { .items = items };
    json_t *result, *array;

    limit = CLAMP(limit ? limit : LIST_DEFAULT, 1, CASES_LIST_LIMIT);
    if (!put_clocks(cases, limit, now_us, &inbox, error) ||
        !put_fresh(cases, limit, now_us, &inbox, error) || !put_drafts(cases, limit, &inbox, error))
        return NULL;
    g_ptr_array_sort(items, compare_items);
    result = json_object();
    array = json_array();
    for (guint i = 0; i < MIN(items->len, limit); i++)
        json_array_append(array, items->pdata[i]);
    json_object_set_new(result, "items", array);
    json_object_set_new(result, "total", json_integer(inbox.total));
    return result;
}
