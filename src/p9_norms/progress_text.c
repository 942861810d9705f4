#include "base/terminal.h"
#include "p9_norms/progress.h"

#include <string.h>

#define GROUPS 3

static const char *const groups[GROUPS] = { "state", "private-sector", "civil-society" };

/* "3/8 (37 %)": with fresh evidence, of those who endorsed; "-" when nobody did. */
static char *share(const json_t *figures)
{
    gint64 coverage = json_number(figures, "coverage", -1);

    if (coverage < 0)
        return g_strdup("-");
    return g_strdup_printf("%d/%d (%d %%)",
                           (int)json_number(json_object_get(figures, "evidence"), "fresh", 0),
                           (int)json_number(figures, "signatories", 0), (int)coverage);
}

static char *from_to(const json_t *pair)
{
    g_autofree char *from = share(json_object_get(pair, "from"));
    g_autofree char *to = share(json_object_get(pair, "to"));

    return g_strdup_printf("%s → %s", from, to);
}

/* done/pledged/overdue over all groups at the end. */
static char *commitments_of(const json_t *row)
{
    int pledged = 0, done = 0, overdue = 0;

    for (guint i = 0; i < GROUPS; i++) {
        const json_t *group = json_object_get(json_object_get(row, "groups"), groups[i]);
        const json_t *counts = json_object_get(json_object_get(group, "to"), "commitments");

        pledged += (int)json_number(counts, "pledged", 0);
        done += (int)json_number(counts, "done", 0);
        overdue += (int)json_number(counts, "overdue", 0);
    }
    return g_strdup_printf("%d / %d / %d", done, pledged, overdue);
}

static char *table_of(const json_t *progress, gboolean cohort, gboolean french, gboolean colour,
                      guint width)
{
    static const char *const english_headings[] = {
        "P", "STATES", "PRIVATE SECTOR", "CIVIL SOCIETY", "DONE / PLEDGED / OVERDUE", NULL
    };
    static const char *const french_headings[] = {
        "P", "ÉTATS", "SECTEUR PRIVÉ", "SOCIÉTÉ CIVILE", "TENUS / PRIS / EN RETARD", NULL
    };
    g_autoptr(text_table_t) table = text_table_new(french ? french_headings : english_headings);
    const json_t *row;
    size_t index;

    json_array_foreach(json_object_get(progress, "principles"), index, row)
    {
        g_autofree char *number = g_strdup_printf("%d", (int)json_number(row, "n", 0));
        g_autofree char *commitments = commitments_of(row);
        g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
        const json_t *by_group = json_object_get(row, "groups");

        for (guint i = 0; i < GROUPS; i++) {
            const json_t *group = json_object_get(by_group, groups[i]);

            g_ptr_array_add(cells, from_to(cohort ? json_object_get(group, "cohort") : group));
        }
        text_table_row(table,
                       (const char *const[]){ number, cells->pdata[0], cells->pdata[1],
                                              cells->pdata[2], commitments },
                       NULL);
    }
    return text_table_format(table, colour, width);
}

static void put_end(GString *text, const char *label, const json_t *end, gboolean french)
{
    const char *time = json_text(end, "time");
    g_autofree char *policy =
        g_strndup(json_text(end, "policy") ? json_text(end, "policy") : "", 16);

    g_string_append_printf(
        text,
        french ? "%s  taille %d, %s : %d attestés, %d non attestés (politique %s)\n"
               : "%s  size %d, %s: %d attested, %d self-declared (policy %s)\n",
        label, (int)json_number(end, "size", 0), time ? time : "-",
        (int)json_number(end, "attested", 0), (int)json_number(end, "self_declared", 0), policy);
}

static void put_names(GString *text, const char *label, const json_t *list)
{
    const json_t *signatory;
    size_t index;

    if (json_array_size(list) == 0)
        return;
    g_string_append_printf(text, "%s", label);
    json_array_foreach(list, index, signatory)
    {
        g_autofree char *domain =
            terminal_escape(json_text(signatory, "domain") ? json_text(signatory, "domain") : "?");

        g_string_append_printf(text, "%s %s", index ? "," : "", domain);
    }
    g_string_append_c(text, '\n');
}

char *progress_text(const json_t *progress, gboolean french, gboolean colour, guint width)
{
    GString *text = g_string_new(NULL);
    g_autofree char *log = terminal_escape(json_text(progress, "log"));
    g_autofree char *all = table_of(progress, FALSE, french, colour, width);
    g_autofree char *cohort = table_of(progress, TRUE, french, colour, width);

    g_string_append_printf(text, "%s\n", log);
    put_end(text, french ? "de " : "from", json_object_get(progress, "from"), french);
    put_end(text, french ? "à  " : "to  ", json_object_get(progress, "to"), french);
    g_string_append(text, french ? "\nAvec des preuves fraîches, parmi les signataires attestés\n"
                                 : "\nWith fresh evidence, of the attested signatories\n");
    g_string_append(text, all);
    g_string_append(text, french ? "\nLa même cohorte aux deux dates\n"
                                 : "\nThe same cohort at both ends\n");
    g_string_append(text, cohort);
    g_string_append_c(text, '\n');
    put_names(text, french ? "Arrivés :" : "Joined:", json_object_get(progress, "joiners"));
    put_names(text, french ? "Partis :" : "Left:", json_object_get(progress, "leavers"));
    return g_string_free(text, FALSE);
}
