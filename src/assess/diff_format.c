/* diff_format.c: a diff for people and for programs. */
#include "assess/diff.h"
#include "assess/summary.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/terminal.h"

#include <string.h>

static const struct {
    struct text heading;
    enum style style;
} sections[] = {
    [CHANGE_FAILING] = { { "Newly failing", "Nouveaux échecs" }, STYLE_BAD },
    [CHANGE_FIXED] = { { "Fixed", "Corrigé" }, STYLE_GOOD },
    [CHANGE_OUTCOME] = { { "Other changes", "Autres changements" }, STYLE_PLAIN },
    [CHANGE_UNSEEN] = { { "No longer measured", "N’est plus mesuré" }, STYLE_WARN },
    [CHANGE_EVIDENCE] = { { "Other evidence", "Autres preuves" }, STYLE_WARN },
    [CHANGE_ADDED] = { { "New measures", "Nouvelles mesures" }, STYLE_DIM },
    [CHANGE_REMOVED] = { { "Measures that are gone", "Mesures disparues" }, STYLE_DIM },
    [CHANGE_ASSET_ADDED] = { { "New assets", "Nouveaux actifs" }, STYLE_DIM },
    [CHANGE_ASSET_REMOVED] = { { "Assets that are gone", "Actifs disparus" }, STYLE_DIM },
};

static const char *outcome_of(const struct finding *finding)
{
    return finding ? outcome_name(finding->outcome) : "-";
}

static const char *say(const struct text *text, gboolean french)
{
    return french ? text->fr : text->en;
}

/* What to look at. */
static char *evidence_text(const struct finding *finding)
{
    const struct evidence *line = finding ? summary_evidence(finding) : NULL;

    return line ? summary_of_evidence(line) : g_strdup("");
}

static void add_section(GString *out, const struct diff *diff, enum change_kind kind,
                        gboolean french, gboolean colour, guint width)
{
    static const char *const headings_en[] = { "MEASURE", "ASSET",    "SEVERITY", "WAS",
                                               "IS",      "EVIDENCE", NULL };
    static const char *const headings_fr[] = { "MESURE", "ACTIF",  "GRAVITÉ", "AVANT",
                                               "APRÈS",  "PREUVE", NULL };
    g_autoptr(text_table_t) table = text_table_new(french ? headings_fr : headings_en);
    g_autofree char *title = NULL, *heading = NULL, *text = NULL;

    if (diff->counts[kind] == 0)
        return;
    for (guint i = 0; i < diff->changes->len; i++) {
        const struct change *change = &g_array_index(diff->changes, struct change, i);
        g_autofree char *evidence = evidence_text(change->after ? change->after : change->before);
        g_autofree char *is =
            g_strconcat(outcome_of(change->after), change->rejudged ? " *" : "", NULL);
        const char *const cells[] = { change->measure->id,
                                      change->asset,
                                      severity_name(change->measure->severity),
                                      outcome_of(change->before),
                                      is,
                                      evidence };

        if (change->kind == kind)
            text_table_row(table, cells, NULL);
    }
    title = g_strdup_printf("%s: %u", say(&sections[kind].heading, french), diff->counts[kind]);
    heading = terminal_style(title, sections[kind].style, colour);
    text = text_table_format(table, colour, width);
    g_string_append_printf(out, "\n%s\n%s", heading, text);
}

static void add_run(GString *out, const char *label, const struct assessment *assessment)
{
    g_autofree char *time =
        clock_format(assessment->run.started_us / G_USEC_PER_SEC * G_USEC_PER_SEC);
    g_autofree char *id = terminal_escape(assessment->run.id ? assessment->run.id : "?");

    g_string_append_printf(out, "%s %s (%s)\n", label, id, time);
}

static char *score_text(int score)
{
    return score == SCORE_NONE ? g_strdup("-") : g_strdup_printf("%d", score);
}

static void add_scores(GString *out, const struct diff *diff, gboolean french)
{
    for (guint i = 0; i < PRINCIPLES; i++) {
        g_autofree char *before = score_text(score_value(&diff->before->scores[i]));
        g_autofree char *after = score_text(score_value(&diff->after->scores[i]));

        if (!g_str_equal(before, after))
            g_string_append_printf(out, "  %u %s: %s -> %s\n", i + 1,
                                   say(&principles[i].name, french), before, after);
    }
}

static gboolean any_rejudged(const struct diff *diff)
{
    for (guint i = 0; i < diff->changes->len; i++)
        if (g_array_index(diff->changes, struct change, i).rejudged)
            return TRUE;
    return FALSE;
}

char *diff_format_text(const struct diff *diff, gboolean french, gboolean colour, guint width)
{
    g_autoptr(GString) out = g_string_new(NULL);

    add_run(out, french ? "De" : "From", diff->before);
    add_run(out, french ? "À " : "To  ", diff->after);
    if (diff->catalogue_changed)
        g_string_append(out, french ? "Le catalogue des mesures a changé entre les deux.\n"
                                    : "The catalogue of measures changed between them.\n");
    add_scores(out, diff, french);
    if (diff->changes->len == 0)
        g_string_append(out, french ? "\nRien n’a changé.\n" : "\nNothing changed.\n");
    for (guint kind = 0; kind < CHANGE_KINDS; kind++)
        add_section(out, diff, kind, french, colour, width);
    if (any_rejudged(diff))
        g_string_append(out, french ? "\n* La mesure elle-même a changé de version.\n"
                                    : "\n* The measure itself has a new version.\n");
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static json_t *run_value(const struct assessment *assessment)
{
    g_autofree char *time = clock_format(assessment->run.started_us);
    json_t *value = json_object();

    json_object_set_new(value, "id", json_safe_string(assessment->run.id));
    json_object_set_new(value, "started", json_string(time));
    json_object_set_new(value, "catalogue", json_safe_string(assessment->run.catalogue));
    return value;
}

static json_t *finding_value(const struct finding *finding)
{
    g_autofree char *evidence = evidence_text(finding);
    json_t *value;

    if (!finding)
        return json_null();
    value = json_object();
    json_object_set_new(value, "outcome", json_string(outcome_name(finding->outcome)));
    if (finding->reason != REASON_NONE)
        json_object_set_new(value, "reason", json_string(reason_name(finding->reason)));
    if (*evidence)
        json_object_set_new(value, "evidence", json_safe_string(evidence));
    return value;
}

static json_t *change_value(const struct change *change)
{
    const struct finding *any = change->after ? change->after : change->before;
    json_t *value = json_object();

    json_object_set_new(value, "kind", json_string(change_kind_name(change->kind)));
    json_object_set_new(value, "measure", json_safe_string(change->measure->id));
    json_object_set_new(value, "asset", json_safe_string(change->asset));
    json_object_set_new(value, "principle", json_integer(change->measure->principle));
    json_object_set_new(value, "severity", json_string(severity_name(change->measure->severity)));
    if (any->source)
        json_object_set_new(value, "source", json_safe_string(any->source));
    json_object_set_new(value, "before", finding_value(change->before));
    json_object_set_new(value, "after", finding_value(change->after));
    if (change->rejudged)
        json_object_set_new(value, "rejudged", json_true());
    return value;
}

static json_t *score_json(const struct score *score)
{
    int value = score_value(score);

    return value == SCORE_NONE ? json_null() : json_integer(value);
}

char *diff_format_json(const struct diff *diff)
{
    g_autoptr(json_t) top = json_object();
    json_t *counts = json_object(), *scores = json_array(), *changes = json_array();

    json_object_set_new(top, "schema", json_string("entente/diff/1"));
    json_object_set_new(top, "before", run_value(diff->before));
    json_object_set_new(top, "after", run_value(diff->after));
    json_object_set_new(top, "catalogue_changed", json_boolean(diff->catalogue_changed));
    json_object_set_new(top, "counts", counts);
    json_object_set_new(top, "principles", scores);
    json_object_set_new(top, "changes", changes);
    for (guint kind = 0; kind < CHANGE_KINDS; kind++)
        json_object_set_new(counts, change_kind_name(kind), json_integer(diff->counts[kind]));
    for (guint i = 0; i < PRINCIPLES; i++) {
        json_t *one = json_object();

        json_object_set_new(one, "n", json_integer(i + 1));
        json_object_set_new(one, "before", score_json(&diff->before->scores[i]));
        json_object_set_new(one, "after", score_json(&diff->after->scores[i]));
        json_array_append_new(scores, one);
    }
    for (guint i = 0; i < diff->changes->len; i++)
        json_array_append_new(changes,
                              change_value(&g_array_index(diff->changes, struct change, i)));
    return json_pretty(top);
}
