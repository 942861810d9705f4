#include "assess/assessment_text.h"

#include "base/clock.h"
#include "base/terminal.h"

/* Scores from which on a principle is shown as good, or as middling. */
#define SCORE_GOOD 90
#define SCORE_MIDDLING 60

#define WIDTH_WITH_COUNTS 76 /* columns: a narrower table has no room for failing and warnings */

struct words {
    const char *principle, *score, *coverage, *failing, *warnings, *not_assessed;
    const char *before_percent, *severity, *fix, *measure, *title, *fixable, *first, *nothing;
};

static const struct words english = {
    .principle = "PRINCIPLE",
    .score = "SCORE",
    .coverage = "COVERAGE",
    .failing = "FAILING",
    .warnings = "WARNINGS",
    .not_assessed = "not assessed",
    .before_percent = " ",
    .severity = "SEVERITY",
    .fix = "FIX",
    .measure = "MEASURE",
    .title = "WHAT SHOULD BE",
    .fixable = "entente fix",
    .first = "Most valuable fixes",
    .nothing = "Nothing that was measured fails.",
};

static const struct words french_words = {
    .principle = "PRINCIPE",
    .score = "SCORE",
    .coverage = "COUVERTURE",
    .failing = "ÉCHECS",
    .warnings = "ALERTES",
    .not_assessed = "non évalué",
    .before_percent = "\u00a0",
    .severity = "GRAVITÉ",
    .fix = "REMÈDE",
    .measure = "MESURE",
    .title = "CE QUI DEVRAIT ÊTRE",
    .fixable = "entente fix",
    .first = "Corrections les plus utiles",
    .nothing = "Rien de ce qui a été mesuré n’est en échec.",
};

static const enum style severity_styles[SEVERITIES] = { STYLE_DIM, STYLE_PLAIN, STYLE_WARN,
                                                        STYLE_BAD, STYLE_BAD };

static const char *in_language(const struct text *text, gboolean french)
{
    return french ? text->fr : text->en;
}

static enum style score_style(int score)
{
    return score >= SCORE_GOOD ? STYLE_GOOD : score >= SCORE_MIDDLING ? STYLE_WARN : STYLE_BAD;
}

static void put_principles(GString *out, const struct assessment *assessment, gboolean french,
                           const struct words *words, gboolean colour, guint width)
{
    gboolean narrow = width && width < WIDTH_WITH_COUNTS;
    const char *const headings[] = { "",
                                     words->principle,
                                     words->score,
                                     words->coverage,
                                     narrow ? NULL : words->failing,
                                     words->warnings,
                                     NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autofree char *text = NULL;

    for (guint column = 2; column <= (narrow ? 3 : 5); column++)
        text_table_align_right(table, column);
    for (guint i = 0; i < PRINCIPLES; i++) {
        const struct score *score = &assessment->scores[i];
        int value = score_value(score), coverage = score_coverage(score);
        gboolean assessed = value != SCORE_NONE;
        g_autofree char *number = g_strdup_printf("%u", i + 1);
        g_autofree char *score_text = g_strdup_printf("%d", value);
        g_autofree char *coverage_text =
            g_strdup_printf("%d%s%%", MAX(coverage, 0), words->before_percent);
        g_autofree char *failing = g_strdup_printf("%u", score->counts[OUTCOME_FAIL]);
        g_autofree char *warnings = g_strdup_printf("%u", score->counts[OUTCOME_WARN]);
        const char *const cells[] = { number,
                                      in_language(&principles[i].name, french),
                                      assessed ? score_text : words->not_assessed,
                                      coverage == SCORE_NONE ? "–" : coverage_text,
                                      assessed ? failing : "–",
                                      assessed ? warnings : "–" };
        const enum style assessed_styles[] = {
            STYLE_PLAIN,
            STYLE_PLAIN,
            score_style(value),
            STYLE_PLAIN,
            score->counts[OUTCOME_FAIL] ? STYLE_BAD : STYLE_PLAIN,
            score->counts[OUTCOME_WARN] ? STYLE_WARN : STYLE_PLAIN,
        };
        const enum style grey[] = {
            STYLE_DIM, STYLE_DIM, STYLE_DIM, STYLE_DIM, STYLE_DIM, STYLE_DIM
        };

        text_table_row(table, cells, assessed ? assessed_styles : grey);
    }
    text = text_table_format(table, colour, width);
    g_string_append(out, text);
}

static void put_fixes(GString *out, const struct assessment *assessment, const GArray *fixes,
                      gboolean french, const struct words *words, gboolean colour, guint width)
{
    const char *const headings[] = { words->severity, words->measure, words->fix, words->title,
                                     NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autofree char *title = terminal_style(words->first, STYLE_BOLD, colour);
    g_autofree char *text = NULL;

    for (guint i = 0; i < MIN(fixes->len, FIXES_SHOWN); i++) {
        const struct fix_value *fix = &g_array_index(fixes, struct fix_value, i);
        const struct measure *measure = fix->measure;
        const char *what = in_language(&measure->title, french);
        g_autofree char *counted =
            fix->assets > 1 ? g_strdup_printf("%s (×%u)", what, fix->assets) : g_strdup(what);
        const char *const cells[] = { severity_word(measure->severity, french), measure->id,
                                      measure->n_actions ? words->fixable : "", counted };
        const enum style styles[] = { severity_styles[measure->severity], STYLE_PLAIN, STYLE_GOOD,
                                      STYLE_PLAIN };

        text_table_row(table, cells, styles);
    }
    text = text_table_format(table, colour, width);
    g_string_append_printf(out, "\n%s (%u/%u)\n%s", title, MIN(fixes->len, FIXES_SHOWN), fixes->len,
                           text);
}

static void put_summary(GString *out, const struct assessment *assessment, gboolean french)
{
    guint assessed = 0, failing = 0, severe = 0, errors = 0;

    for (guint i = 0; i < PRINCIPLES; i++)
        assessed += score_value(&assessment->scores[i]) != SCORE_NONE;
    for (guint i = 0; i < assessment->findings->len; i++) {
        const struct assessed_finding *one = assessment->findings->pdata[i];

        errors += one->finding->outcome == OUTCOME_ERROR;
        if (one->finding->source || one->finding->outcome != OUTCOME_FAIL)
            continue;
        failing++;
        severe += one->measure->severity >= SEVERITY_HIGH;
    }
    g_string_append_printf(out,
                           french
                               ? "\nPrincipes évalués\u202f: %u sur 9\n"
                                 "Constats en échec\u202f: %u, dont critiques ou élevés\u202f: %u\n"
                               : "\nPrinciples assessed: %u of 9\n"
                                 "Failing findings: %u, critical or high among them: %u\n",
                           assessed, failing, severe);
    if (errors)
        g_string_append_printf(out,
                               french
                                   ? "Mesures non jugées à cause d’une erreur\u202f: %u (détails "
                                     "dans le rapport)\n"
                                   : "Measures not judged because of an error: %u (the report "
                                     "says which)\n",
                               errors);
}

char *assessment_format_text(const struct assessment *assessment, gboolean french, gboolean colour,
                             guint width)
{
    const struct words *words = french ? &french_words : &english;
    g_autoptr(GArray) fixes = assessment_fixes(assessment);
    GString *out = g_string_new(NULL);

    put_principles(out, assessment, french, words, colour, width);
    put_summary(out, assessment, french);
    if (fixes->len)
        put_fixes(out, assessment, fixes, french, words, colour, width);
    else
        g_string_append_printf(out, "%s\n", words->nothing);
    return g_string_free(out, FALSE);
}
