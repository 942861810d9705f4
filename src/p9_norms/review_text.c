/* review_text.c: a draw and what was opened of it, for people. What others wrote is escaped. */
#include "base/terminal.h"
#include "p9_norms/review.h"

static void add_line(GString *text, const char *label, const char *value)
{
    g_autofree char *shown = terminal_escape(value ? value : "-");

    g_string_append_printf(text, "%-12s %s\n", label, shown);
}

static void add_number(GString *text, const char *label, const json_t *object, const char *name)
{
    g_string_append_printf(text, "%-12s %" G_GINT64_FORMAT "\n", label,
                           json_number(object, name, 0));
}

static void add_value(GString *text, const char *name, const json_t *value)
{
    char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    g_autofree char *label = terminal_escape(name);
    g_autofree char *shown = terminal_escape(dumped ? dumped : json_string_value(value));

    g_string_append_printf(text, "  %s: %s\n", label, shown);
    free(dumped);
}

char *review_draw_text(const json_t *draw)
{
    const json_t *assessment = json_object_get(draw, "assessment");
    const json_t *dice = json_object_get(draw, "draw"), *item;
    GString *text = g_string_new(NULL);
    size_t i;

    add_line(text, "log", json_text(draw, "log"));
    add_line(text, "signatory", json_text(assessment, "domain"));
    add_number(text, "assessment", assessment, "index");
    add_line(text, "entry", json_text(assessment, "entry"));
    if (json_is_null(dice)) {
        g_string_append(text, "Nothing is drawn yet: no trusted checkpoint includes it.\n");
        return g_string_free(text, FALSE);
    }
    add_number(text, "dice: size", dice, "size");
    add_line(text, "dice: root", json_text(dice, "root"));
    add_line(text, "drawn", json_text(dice, "time"));
    add_line(text, "answer due", json_text(dice, "due"));
    json_array_foreach(json_object_get(dice, "findings"), i, item)
    {
        const char *severity = json_text(item, "severity");

        g_string_append_printf(text, "leaf         %-8" G_GINT64_FORMAT " %s\n",
                               json_number(item, "index", 0),
                               severity ? severity : "(no severity is claimed)");
    }
    json_array_foreach(json_object_get(dice, "reviewers"), i, item)
    {
        add_line(text, "reviewer", json_text(item, "domain"));
    }
    if (json_array_size(json_object_get(dice, "reviewers")) == 0)
        add_line(text, "reviewer", "nobody attested of another group was willing");
    json_array_foreach(json_object_get(draw, "reviews"), i, item)
    {
        g_autofree char *by = terminal_escape(json_text(item, "by_domain"));

        g_string_append_printf(text, "review       %s, by %s (entry %" G_GINT64_FORMAT ")%s\n",
                               json_text(item, "verdict"), by, json_number(item, "index", 0),
                               json_is_true(json_object_get(item, "disputed")) ? ", disputed" : "");
    }
    return g_string_free(text, FALSE);
}

char *review_check_text(const json_t *check)
{
    const json_t *assessment = json_object_get(check, "assessment"), *opening, *problem;
    GString *text = g_string_new(NULL);
    size_t i, j;

    add_line(text, "signatory", json_text(assessment, "domain"));
    add_number(text, "assessment", assessment, "index");
    json_array_foreach(json_object_get(check, "openings"), i, opening)
    {
        const char *claimed = json_text(opening, "severity"), *name;
        json_t *member;

        g_string_append_printf(
            text, "\nleaf %" G_GINT64_FORMAT " (claimed: %s): %s\n",
            json_number(opening, "index", 0), claimed ? claimed : "nothing",
            json_is_true(json_object_get(opening, "proven")) ? "as committed" : "NOT as committed");
        json_object_foreach(json_object_get(opening, "value"), name, member)
            add_value(text, name, member);
        json_array_foreach(json_object_get(opening, "problems"), j, problem)
        {
            g_autofree char *shown = terminal_escape(json_string_value(problem));

            g_string_append_printf(text, "  WRONG: %s\n", shown);
        }
    }
    g_string_append_c(text, '\n');
    if (!json_is_true(json_object_get(check, "proven")))
        g_string_append(text, "Some openings are not what was committed to. Nobody signed this "
                              "file: ask for it once more before it is held against anyone.\n");
    if (json_text(check, "suggested"))
        g_string_append(text,
                        "This contradicts the published assessment: --verdict contradicted\n");
    else
        g_string_append(text, "All is as committed. Whether the evidence convinces is for you: "
                              "--verdict confirmed, or contradicted with a --note\n");
    if (!json_is_true(json_object_get(check, "catalogue_compared")))
        g_string_append(text, "It was made with another catalogue: severities were not compared "
                              "with the one here.\n");
    return g_string_free(text, FALSE);
}
