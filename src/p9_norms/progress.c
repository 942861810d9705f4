#include "p9_norms/progress.h"

#include "base/clock.h"
#include "base/error.h"
#include "register/register.h"

#include <string.h>

#define PRINCIPLES PREDICATE_PRINCIPLES
#define GROUPS 3
#define PERCENT 100

static const char *const groups[GROUPS] = { "state", "private-sector", "civil-society" };

enum fresh { FRESH, AGEING, STALE, NONE, FRESH_CLASSES };
static const char *const fresh_names[FRESH_CLASSES] = { "fresh", "ageing", "stale", "none" };

/* Counts of one principle in one group, or in the cohort's part of it. */
struct cell {
    guint signatories, fresh[FRESH_CLASSES], reviewed, contradicted, pledged, done, overdue,
        withdrawn;
};

static gboolean is_attested(const json_t *signatory)
{
    const char *standing = json_text(signatory, "attested");

    return g_strcmp0(standing, "attested") == 0 || g_strcmp0(standing, "policy") == 0;
}

static int group_of(const json_t *signatory)
{
    const char *group = json_text(signatory, "group");

    for (int i = 0; i < GROUPS; i++)
        if (g_strcmp0(group, groups[i]) == 0)
            return i;
    return -1;
}

static gboolean endorses(const json_t *signatory, guint principle)
{
    const json_t *list = json_object_get(json_object_get(signatory, "endorsement"), "principles"),
                 *value;
    size_t index;

    json_array_foreach(list, index, value)
    {
        if (json_integer_value(value) == principle)
            return TRUE;
    }
    return FALSE;
}

/* The scored principle of the latest assessment; NULL when it measured nothing of it. */
static const json_t *measured(const json_t *signatory, guint principle)
{
    const json_t *assessment = json_object_get(signatory, "assessment");
    const json_t *row = json_array_get(json_object_get(assessment, "principles"), principle - 1);

    return json_number(row, "coverage", 0) > 0 ? row : NULL;
}

static enum fresh freshness(const json_t *signatory, guint principle)
{
    const char *name = json_text(signatory, "freshness");

    for (guint i = 0; i < NONE && measured(signatory, principle); i++)
        if (g_strcmp0(name, fresh_names[i]) == 0)
            return (enum fresh)i;
    return NONE;
}

/* Commitments in their latest form; one that is due and not done is overdue. */
static void count_commitments(const json_t *signatory, guint principle, const char *today,
                              struct cell *cell)
{
    const json_t *list = json_object_get(signatory, "commitments"), *commitment;
    size_t index;

    json_array_foreach(list, index, commitment)
    {
        const char *status = json_text(commitment, "status"), *due = json_text(commitment, "due");

        if (json_number(commitment, "principle", 0) != principle ||
            json_object_get(commitment, "updated_by") ||
            json_is_true(json_object_get(commitment, "disputed")))
            continue;
        if (g_strcmp0(status, "done") == 0)
            cell->done++;
        else if (g_strcmp0(status, "withdrawn") == 0)
            cell->withdrawn++;
        else if (due && today && strncmp(due, today, strlen("2026-11-22")) < 0)
            cell->overdue++;
        else
            cell->pledged++;
    }
}

static void count(const json_t *signatory, guint principle, const char *today, struct cell *cell)
{
    const char *status = json_text(json_object_get(signatory, "assessment"), "status");

    if (!endorses(signatory, principle))
        return;
    cell->signatories++;
    cell->fresh[freshness(signatory, principle)]++;
    if (measured(signatory, principle)) {
        cell->reviewed += g_strcmp0(status, "reviewed") == 0;
        cell->contradicted += g_strcmp0(status, "contradicted") == 0;
    }
    count_commitments(signatory, principle, today, cell);
}

static json_t *cell_json(const struct cell *cell)
{
    return json_pack(
        "{s:i, s:o, s:{s:i, s:i, s:i, s:i}, s:{s:i, s:i}, s:{s:i, s:i, s:i, s:i}}", "signatories",
        (int)cell->signatories, "coverage",
        cell->signatories
            ? json_integer((json_int_t)PERCENT * cell->fresh[FRESH] / cell->signatories)
            : json_null(),
        "evidence", "fresh", (int)cell->fresh[FRESH], "ageing", (int)cell->fresh[AGEING], "stale",
        (int)cell->fresh[STALE], "none", (int)cell->fresh[NONE], "reviews", "confirmed",
        (int)cell->reviewed, "contradicted", (int)cell->contradicted, "commitments", "pledged",
        (int)cell->pledged, "overdue", (int)cell->overdue, "done", (int)cell->done, "withdrawn",
        (int)cell->withdrawn);
}

/* The signatories of a register by id; members are borrowed. */
static GHashTable *by_id(const json_t *document)
{
    GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
    const json_t *signatory;
    size_t index;

    json_array_foreach(json_object_get(document, "signatories"), index, signatory)
    {
        const char *id = json_text(signatory, "id");

        if (id && is_attested(signatory))
            g_hash_table_insert(table, (gpointer)id, (gpointer)signatory);
    }
    return table;
}

/* Figures of one principle and group; with `other`, only of those who are in both. */
static json_t *figures(const json_t *document, GHashTable *other, guint principle, int group)
{
    const char *today = json_text(document, "now");
    const json_t *signatory;
    struct cell cell = { 0 };
    size_t index;

    json_array_foreach(json_object_get(document, "signatories"), index, signatory)
    {
        if (is_attested(signatory) && group_of(signatory) == group &&
            (!other || g_hash_table_contains(other, json_text(signatory, "id"))))
            count(signatory, principle, today, &cell);
    }
    return cell_json(&cell);
}

/* How the bands of the cohort moved, where both were judged by the same catalogue. */
static json_t *moved(const json_t *from, GHashTable *later, guint principle, int group)
{
    const json_t *signatory;
    guint up = 0, down = 0, same = 0, incomparable = 0;
    size_t index;

    json_array_foreach(json_object_get(from, "signatories"), index, signatory)
    {
        const json_t *after = is_attested(signatory) && group_of(signatory) == group
                                  ? g_hash_table_lookup(later, json_text(signatory, "id"))
                                  : NULL;
        const json_t *one = json_object_get(signatory, "assessment");
        const json_t *two = json_object_get(after, "assessment");
        const json_t *old = measured(signatory, principle);
        const json_t *new = after ? measured(after, principle) : NULL;
        gint64 change;

        if (!old || !new)
            continue;
        if (g_strcmp0(json_text(json_object_get(one, "catalogue"), "digest"),
                      json_text(json_object_get(two, "catalogue"), "digest")) != 0) {
            incomparable++;
            continue;
        }
        change = json_number(new, "band", 0) - json_number(old, "band", 0);
        up += change > 0;
        down += change < 0;
        same += change == 0;
    }
    return json_pack("{s:i, s:i, s:i, s:i}", "up", (int)up, "same", (int)same, "down", (int)down,
                     "other_catalogue", (int)incomparable);
}

static json_t *principle_json(const json_t *from, const json_t *to, GHashTable *earlier,
                              GHashTable *later, guint principle)
{
    json_t *rows = json_object();

    for (int group = 0; group < GROUPS; group++)
        json_object_set_new(rows, groups[group],
                            json_pack("{s:o, s:o, s:{s:o, s:o, s:o}}", "from",
                                      figures(from, NULL, principle, group), "to",
                                      figures(to, NULL, principle, group), "cohort", "from",
                                      figures(from, later, principle, group), "to",
                                      figures(to, earlier, principle, group), "bands",
                                      moved(from, later, principle, group)));
    return json_pack("{s:i, s:o}", "n", (int)principle, "groups", rows);
}

/* Who of `document` is attested there and not in `other`, in the order of ids. */
static json_t *only_in(const json_t *document, GHashTable *other)
{
    json_t *list = json_array();
    const json_t *signatory;
    size_t index;

    json_array_foreach(json_object_get(document, "signatories"), index, signatory)
    {
        const char *id = json_text(signatory, "id");

        if (is_attested(signatory) && !g_hash_table_contains(other, id))
            json_array_append_new(list, json_pack("{s:s, s:s?, s:s?}", "id", id, "domain",
                                                  json_text(signatory, "domain"), "group",
                                                  json_text(signatory, "group")));
    }
    return list;
}

static guint self_declared(const json_t *document)
{
    const json_t *signatory;
    guint number = 0;
    size_t index;

    json_array_foreach(json_object_get(document, "signatories"), index, signatory)
    {
        number += g_strcmp0(json_text(signatory, "attested"), "self-declared") == 0;
    }
    return number;
}

/* What was measured with: every catalogue that the latest assessments name, each once. */
static json_t *catalogues(const json_t *document)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GList) sorted = NULL;
    json_t *list = json_array();
    const json_t *signatory;
    size_t index;

    json_array_foreach(json_object_get(document, "signatories"), index, signatory)
    {
        const char *digest = json_text(
            json_object_get(json_object_get(signatory, "assessment"), "catalogue"), "digest");

        if (digest)
            g_hash_table_add(seen, (gpointer)digest);
    }
    sorted = g_list_sort(g_hash_table_get_keys(seen), (GCompareFunc)strcmp);
    for (const GList *item = sorted; item; item = item->next)
        json_array_append_new(list, json_string(item->data));
    return list;
}

static json_t *end_json(const json_t *document, GHashTable *attested)
{
    const json_t *policy = json_object_get(document, "policy");

    return json_pack("{s:I, s:O?, s:s?, s:i, s:i, s:o}", "size",
                     (json_int_t)json_number(document, "size", 0), "time",
                     json_object_get(document, "now"), "policy", json_text(policy, "hash"),
                     "attested", (int)g_hash_table_size(attested), "self_declared",
                     (int)self_declared(document), "catalogues", catalogues(document));
}

static gboolean are_comparable(const json_t *from, const json_t *to, GError **error)
{
    const char *log = json_text(from, "log");

    if (g_strcmp0(json_text(from, "schema"), REGISTER_SCHEMA) != 0 ||
        g_strcmp0(json_text(to, "schema"), REGISTER_SCHEMA) != 0)
        return input_error(error, "progress compares two registers (%s)", REGISTER_SCHEMA);
    if (!log || g_strcmp0(log, json_text(to, "log")) != 0)
        return input_error(error, "the registers are of two logs, %s and %s", log ? log : "(none)",
                           json_text(to, "log") ? json_text(to, "log") : "(none)");
    return json_number(from, "size", 0) <= json_number(to, "size", 0) ||
           input_error(error, "the later register is the smaller one: give the earlier one first");
}

json_t *progress_compare(const json_t *from, const json_t *to, GError **error)
{
    g_autoptr(GHashTable) earlier = NULL, later = NULL;
    json_t *rows;

    if (!are_comparable(from, to, error))
        return NULL;
    earlier = by_id(from);
    later = by_id(to);
    rows = json_array();
    for (guint principle = 1; principle <= PRINCIPLES; principle++)
        json_array_append_new(rows, principle_json(from, to, earlier, later, principle));
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "schema", PROGRESS_SCHEMA, "log",
                     json_text(from, "log"), "from", end_json(from, earlier), "to",
                     end_json(to, later), "joiners", only_in(to, earlier), "leavers",
                     only_in(from, later), "principles", rows);
}
