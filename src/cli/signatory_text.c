#include "cli/signatory_text.h"

#include "base/terminal.h"

#include <string.h>

#define SHORT_ID 16
#define DAY_S 86400
#define DATE_LENGTH 10
#define COLUMNS_LIMIT 5 /* signatories compared at once */

/* A cell: one fact of a signatory as text; "" for what is not known. Owned by the caller. */
static char *text_of(const json_t *signatory, const char *member)
{
    const char *text = json_text(signatory, member);

    return g_strdup(text ? text : "");
}

static char *cell_name(const json_t *s)
{
    return text_of(s, "name");
}

static char *cell_domain(const json_t *s)
{
    return text_of(s, "domain");
}

static char *cell_id(const json_t *s)
{
    return g_strndup(json_text(s, "id"), SHORT_ID);
}

static char *cell_group(const json_t *s)
{
    return text_of(s, "group");
}

static char *cell_subtype(const json_t *s)
{
    return text_of(s, "subtype");
}

static char *cell_country(const json_t *s)
{
    return text_of(s, "country");
}

/* "self-declared", or how: by the policy, or by whom. */
static char *cell_attested(const json_t *s)
{
    const char *how = json_text(s, "attested");
    g_autoptr(GString) by = g_string_new(NULL);
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(s, "attestations"), index, item)
    {
        if (json_is_true(json_object_get(item, "counts")))
            g_string_append_printf(by, "%s%s", by->len ? ", " : "", json_text(item, "by_domain"));
    }
    if (g_strcmp0(how, "policy") == 0)
        return g_strdup("by the policy");
    return g_strcmp0(how, "attested") == 0 ? g_strdup_printf("by %s", by->str) : g_strdup(how);
}

static char *cell_keys(const json_t *s)
{
    const json_t *root = json_object_get(s, "root");

    return json_is_true(json_object_get(s, "single_key"))
               ? g_strdup("single key")
               : g_strdup_printf("%d of %zu root keys", (int)json_number(root, "threshold", 0),
                                 json_array_size(json_object_get(root, "keys")));
}

static char *cell_principles(const json_t *s)
{
    g_autoptr(GString) out = g_string_new(NULL);
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(json_object_get(s, "endorsement"), "principles"), index,
                       item)
        g_string_append_printf(out, "%s%d", out->len ? " " : "", (int)json_integer_value(item));
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *cell_joined(const json_t *s)
{
    const json_t *joined = json_object_get(s, "joined");
    const char *time = json_text(joined, "time");

    if (!json_is_object(joined))
        return g_strdup("not yet");
    return time ? g_strndup(time, DATE_LENGTH)
                : g_strdup_printf("entry %d", (int)json_number(joined, "index", 0));
}

static char *cell_freshness(const json_t *s)
{
    return text_of(s, "freshness");
}

static char *cell_age(const json_t *s)
{
    const json_t *assessment = json_object_get(s, "assessment");

    return json_is_object(assessment)
               ? g_strdup_printf("%d d", (int)(json_number(assessment, "age_s", 0) / DAY_S))
               : g_strdup("");
}

static char *cell_review(const json_t *s)
{
    return text_of(json_object_get(s, "assessment"), "status");
}

static char *cell_commitments(const json_t *s)
{
    const json_t *item;
    size_t index;
    guint open = 0, done = 0;

    json_array_foreach(json_object_get(s, "commitments"), index, item)
    {
        const char *status = json_text(item, "status");

        if (json_object_get(item, "updated_by"))
            continue;
        done += g_strcmp0(status, "done") == 0;
        open += !status || g_str_equal(status, "pledged");
    }
    return g_strdup_printf("%u open, %u done", open, done);
}

static char *cell_contacts(const json_t *s)
{
    const json_t *contacts = json_object_get(s, "contacts"), *item;
    g_autoptr(GString) out = g_string_new(NULL);
    size_t index;

    json_array_foreach(json_object_get(contacts, "roles"), index, item)
        g_string_append_printf(out, "%s%s", out->len ? " " : "", json_string_value(item));
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* "4 (80%)": the band, and how much of what applies was measured. */
static char *cell_band(const json_t *s, guint principle)
{
    const json_t *scored = json_array_get(
        json_object_get(json_object_get(s, "assessment"), "principles"), principle - 1);
    gint64 band = json_number(scored, "band", -1), coverage = json_number(scored, "coverage", -1);

    return band < 0 ? g_strdup(scored ? "not assessed" : "")
                    : g_strdup_printf("band %d of 5 (%d%% covered)", (int)band, (int)coverage);
}

static const struct {
    const char *heading, *csv;
    char *(*cell)(const json_t *signatory);
    gboolean listed; /* in the list */
} facts[] = {
    { "NAME", "name", cell_name, FALSE },
    { "DOMAIN", "domain", cell_domain, TRUE },
    { "ID", "id", cell_id, TRUE },
    { "GROUP", "group", cell_group, TRUE },
    { "SUBTYPE", "subtype", cell_subtype, FALSE },
    { "COUNTRY", "country", cell_country, TRUE },
    { "ATTESTED", "attested", cell_attested, TRUE },
    { "KEYS", "keys", cell_keys, TRUE },
    { "PRINCIPLES", "principles", cell_principles, TRUE },
    { "JOINED", "joined", cell_joined, FALSE },
    { "ASSESSMENT", "freshness", cell_freshness, TRUE },
    { "AGE", "age", cell_age, TRUE },
    { "REVIEW", "review", cell_review, TRUE },
    { "COMMITMENTS", "commitments", cell_commitments, FALSE },
    { "CONTACTS", "contacts", cell_contacts, FALSE },
};
#define FACTS G_N_ELEMENTS(facts)
#define PRINCIPLES 9

char *signatory_list_text(const json_t *signatories, gboolean colour, guint width)
{
    const char *headings[FACTS + 1] = { NULL };
    g_autoptr(text_table_t) table = NULL;
    const json_t *signatory;
    size_t index;
    guint count = 0;

    for (guint i = 0; i < FACTS; i++)
        if (facts[i].listed)
            headings[count++] = facts[i].heading;
    table = text_table_new(headings);
    json_array_foreach(signatories, index, signatory)
    {
        char *cells[FACTS + 1] = { NULL };

        count = 0;
        for (guint i = 0; i < FACTS; i++)
            if (facts[i].listed)
                cells[count++] = facts[i].cell(signatory);
        text_table_row(table, (const char *const *)cells, NULL);
        for (guint i = 0; i < count; i++)
            g_free(cells[i]);
    }
    return text_table_format(table, colour, width);
}

/* Facts down, signatories across. */
static char *across(const json_t *signatories, const char *first, gboolean colour, guint width)
{
    const guint count = MIN((guint)json_array_size(signatories), COLUMNS_LIMIT);
    g_auto(GStrv) headings = g_new0(char *, count + 2);
    g_autoptr(text_table_t) table = NULL;

    headings[0] = g_strdup(first);
    for (guint i = 0; i < count; i++)
        headings[i + 1] = cell_domain(json_array_get(signatories, i));
    table = text_table_new((const char *const *)headings);
    for (guint row = 0; row < FACTS + PRINCIPLES; row++) {
        g_auto(GStrv) cells = g_new0(char *, count + 2);

        cells[0] = row < FACTS ? g_ascii_strdown(facts[row].heading, -1)
                               : g_strdup_printf("principle %u", (guint)(row - FACTS + 1));
        for (guint i = 0; i < count; i++)
            cells[i + 1] = row < FACTS ? facts[row].cell(json_array_get(signatories, i))
                                       : cell_band(json_array_get(signatories, i), row - FACTS + 1);
        text_table_row(table, (const char *const *)cells, NULL);
    }
    return text_table_format(table, colour, width);
}

char *signatory_compare_text(const json_t *signatories, gboolean colour, guint width)
{
    return across(signatories, "FACT", colour, width);
}

static char *keys_text(const json_t *signatory, gboolean colour, guint width)
{
    static const char *const headings[] = { "ROLE", "STATUS", "UNTIL", "KEY", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    const json_t *key;
    size_t index;

    json_array_foreach(json_object_get(signatory, "keys"), index, key)
    {
        const char *const cells[] = { json_text(key, "role"), json_text(key, "status"),
                                      json_text(key, "until"), json_text(key, "key") };

        text_table_row(table, cells, NULL);
    }
    return text_table_format(table, colour, width);
}

/* Evidence that its signatory disputes is named, not left out. */
static void append_disputed(GString *text, const json_t *signatory)
{
    static const char *const lists[] = { "trend", "commitments", "legal_positions",
                                         "norm_reports" };
    const json_t *item;
    size_t index;

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
        json_array_foreach(json_object_get(signatory, lists[i]), index, item)
        {
            if (json_is_true(json_object_get(item, "disputed")))
                g_string_append_printf(text,
                                       "entry %d is disputed by the signatory: its key was stolen "
                                       "or lost\n",
                                       (int)json_number(item, "index", 0));
        }
}

char *signatory_show_text(const json_t *signatories, gboolean colour, guint width)
{
    const json_t *signatory = json_array_get(signatories, 0);
    g_autofree char *facts_text = across(signatories, "FACT", colour, width);
    g_autofree char *keys = keys_text(signatory, colour, width);
    GString *text = g_string_new(facts_text);

    if (json_array_size(json_object_get(signatory, "keys")))
        g_string_append_printf(text, "\n%s", keys);
    append_disputed(text, signatory);
    return g_string_free(text, FALSE);
}

static void append_csv(GString *out, const char *cell)
{
    if (out->len && out->str[out->len - 1] != '\n')
        g_string_append_c(out, ',');
    g_string_append_c(out, '"');
    if (*cell && strchr("=+-@\t\r", *cell))
        g_string_append_c(out, '\'');
    for (; *cell; cell++) {
        if (*cell == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *cell);
    }
    g_string_append_c(out, '"');
}

char *signatory_csv(const json_t *signatories)
{
    GString *out = g_string_new(NULL);
    const json_t *signatory;
    size_t index;

    for (guint i = 0; i < FACTS; i++)
        append_csv(out, facts[i].csv);
    for (guint n = 1; n <= PRINCIPLES; n++) {
        g_autofree char *heading = g_strdup_printf("band_%u", n);

        append_csv(out, heading);
    }
    g_string_append(out, "\r\n");
    json_array_foreach(signatories, index, signatory)
    {
        const json_t *scored =
            json_object_get(json_object_get(signatory, "assessment"), "principles");

        for (guint i = 0; i < FACTS; i++) {
            g_autofree char *cell = facts[i].cell(signatory);

            append_csv(out, cell);
        }
        for (guint n = 0; n < PRINCIPLES; n++) {
            gint64 band = json_number(json_array_get(scored, n), "band", -1);
            g_autofree char *cell = band < 0 ? g_strdup("") : g_strdup_printf("%d", (int)band);

            append_csv(out, cell);
        }
        g_string_append(out, "\r\n");
    }
    return g_string_free(out, FALSE);
}
