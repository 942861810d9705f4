/* contact_due.c: `entente contact due`: the clocks of the own record, and of drills that run. */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/case_text.h"
#include "cli/contact_command.h"
#include "p9_norms/contacts.h"

#include <string.h>

#define KIND "drill"
#define DRILLS_LIMIT 1000u

struct list {
    struct casework *work;
    json_t *items;
};

static void add(const struct list *list, const char *what, const char *whose, const char *due,
                const char *id)
{
    gint64 due_us = 0;
    json_t *item;

    if (!due || !clock_parse(due, &due_us, NULL))
        return;
    item = json_pack("{s:s, s:s, s:s, s:b}", "what", what, "whose", whose, "due", due, "overdue",
                     due_us <= list->work->now_us);
    if (id)
        json_object_set_new(item, "case", json_string(id));
    json_array_append_new(list->items, item);
}

static void add_record(const struct list *list, const json_t *record)
{
    g_autoptr(json_t) clocks = contacts_clocks(record);
    const json_t *contact;
    size_t index;

    json_array_foreach(json_object_get(clocks, "contacts"), index, contact)
        add(list, "verify", json_text(contact, "role"), json_text(contact, "verify_due"), NULL);
    add(list, "refresh", "", json_text(clocks, "refresh_due"), NULL);
    add(list, "notice", "", json_text(clocks, "notice_due"), NULL);
}

/* Drills that wait: for our answer, for theirs, or for us to judge it. */
static gboolean add_drills(const struct list *list, GError **error)
{
    const struct cases_filter filter = { .kind = KIND, .limit = DRILLS_LIMIT };
    g_autoptr(json_t) cases = cases_list(list->work->cases, &filter, list->work->now_us, error);
    const json_t *row;
    size_t index;

    json_array_foreach(json_object_get(cases, "cases"), index, row)
    {
        const gboolean ours = g_strcmp0(json_text(row, "opener"), list->work->self) == 0;
        const char *other = json_text(row, ours ? "peer" : "opener");
        const gboolean mine = json_is_true(json_object_get(row, "mine"));
        g_autofree char *name = casework_name(list->work, other);

        if (!ours && !mine) /* answered: theirs to judge */
            continue;
        add(list,
            !ours  ? "answer"
            : mine ? "judge"
                   : "drill",
            name, json_text(row, "due"), json_text(row, "id"));
    }
    return cases != NULL;
}

static int compare_due(gconstpointer left, gconstpointer right)
{
    const json_t *const *a = left, *const *b = right;
    gint64 first = 0, second = 0;

    clock_parse(json_text(*a, "due"), &first, NULL);
    clock_parse(json_text(*b, "due"), &second, NULL);
    return (first > second) - (first < second);
}

static json_t *sorted(const json_t *items)
{
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    json_t *list = json_array(), *item;
    size_t index;

    json_array_foreach(items, index, item) g_ptr_array_add(order, item);
    g_ptr_array_sort(order, compare_due);
    for (guint i = 0; i < order->len; i++)
        json_array_append(list, order->pdata[i]);
    return list;
}

static const char *what_text(const struct casework *work, const char *what)
{
    static const struct {
        const char *what;
        struct process_text text;
    } texts[] = {
        { "verify", { "Verify the contact", "Vérifier le contact" } },
        { "refresh", { "Hand the record in anew", "Remettre la fiche à nouveau" } },
        { "notice", { "Hand a change in", "Communiquer un changement" } },
        { "drill", { "Drill: their answer", "Exercice\u202f: leur réponse" } },
        { "judge", { "Drill: judge their answer", "Exercice\u202f: juger leur réponse" } },
        { "answer", { "Drill: answer it", "Exercice\u202f: y répondre" } },
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        if (g_str_equal(texts[i].what, what))
            return casework_text(work, &texts[i].text);
    return what;
}

static char *list_text(const struct casework *work, const json_t *items)
{
    static const char *const english[] = { "DUE", "", "WHAT", "WHOSE", "CASE", NULL };
    static const char *const french[] = { "ÉCHÉANCE", "", "QUOI", "DE QUI", "DOSSIER", NULL };
    g_autoptr(text_table_t) table = text_table_new(work->french ? french : english);
    const json_t *item;
    size_t index;

    json_array_foreach(items, index, item)
    {
        const char *id = json_text(item, "case");
        g_autofree char *when = case_text_time(json_text(item, "due"));
        g_autofree char *left = case_text_left(json_text(item, "due"), work->now_us, work->french);
        g_autofree char *short_id = g_strndup(id ? id : "", CASEWORK_SHORT_ID);
        const enum style style =
            json_is_true(json_object_get(item, "overdue")) ? STYLE_BAD : STYLE_PLAIN;
        const char *const cells[] = { when, left, what_text(work, json_text(item, "what")),
                                      json_text(item, "whose"), short_id };
        const enum style styles[] = { STYLE_PLAIN, style, STYLE_PLAIN, STYLE_PLAIN, STYLE_PLAIN };

        text_table_row(table, cells, styles);
    }
    return cli_table(work->context, table);
}

int contact_due(const struct context *context, const struct contact_drill_options *options,
                const json_t *record, GError **error)
{
    g_autoptr(casework_t) work = casework_open(context, &options->work, error);
    g_autoptr(json_t) found = json_array(), items = NULL;
    const struct list list = { work, found };
    g_autofree char *text = NULL;
    gboolean overdue = FALSE;
    const json_t *item;
    size_t index;

    if (!work)
        return EXIT_SYSTEM;
    if (record)
        add_record(&list, record);
    if (!add_drills(&list, error))
        return EXIT_SYSTEM;
    items = sorted(found);
    json_array_foreach(items, index, item) overdue |=
        json_is_true(json_object_get(item, "overdue"));
    text = cli_format_is(context, "json", FALSE) ? json_pretty(items) : list_text(work, items);
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    return overdue ? EXIT_FOUND : EXIT_DONE;
}
