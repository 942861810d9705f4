#include "cli/verify_said.h"

#include "base/terminal.h"
#include "statement/predicate.h"

#define LABEL_COLUMNS 11

void verify_line(GString *out, const char *label, const char *format, ...)
{
    g_autofree char *text = NULL, *escaped = NULL;
    va_list list;

    va_start(list, format);
    text = g_strdup_vprintf(format, list);
    va_end(list);
    escaped = terminal_escape(text);
    g_string_append_printf(out, "  %s%*s %s\n", label,
                           MAX(0, LABEL_COLUMNS - (int)terminal_columns(label)), "", escaped);
}

/* An entry of a signed hunt: a file, or a hit in it. */
static gboolean put_of_hunt(GString *out, const char *label, const json_t *value, gboolean french)
{
    const char *file = json_text(value, "file"), *indicator = json_text(value, "indicator");

    if (file)
        verify_line(out, label,
                    french ? "fichier %s\u202f: %d correspondances" : "file %s: %d hits", file,
                    (int)json_number(value, "hits", 0));
    else if (indicator)
        verify_line(out, label, french ? "ligne %d\u202f: %s" : "line %d: %s",
                    (int)json_number(value, "line", 0), indicator);
    return file || indicator;
}

static void put_principles(GString *out, const json_t *predicate, gboolean french)
{
    const json_t *principle;
    size_t index;

    verify_line(out, french ? "évalué" : "assessed", "%s, catalogue %s",
                json_text(predicate, "ended"),
                json_text(json_object_get(predicate, "catalogue"), "version"));
    json_array_foreach(json_object_get(predicate, "principles"), index, principle)
    {
        gint64 band = json_number(principle, "band", 0);
        g_autofree char *label =
            g_strdup_printf(french ? "principe %zu" : "principle %zu", index + 1);

        if (band)
            verify_line(out, label,
                        french ? "tranche %d sur %d, couverture %d\u00a0%%"
                               : "band %d of %d, coverage %d %%",
                        (int)band, PREDICATE_BANDS, (int)json_number(principle, "coverage", 0));
        else
            verify_line(out, label, "%s", french ? "non évalué" : "not assessed");
    }
}

static void put_hunt(GString *out, const json_t *hunt, gboolean french)
{
    const json_t *table;
    size_t index;

    verify_line(out, french ? "cherché" : "hunted",
                french ? "%s, %" G_GINT64_FORMAT " fichiers, %" G_GINT64_FORMAT
                         " octets, %" G_GINT64_FORMAT " lignes"
                       : "%s, %" G_GINT64_FORMAT " files, %" G_GINT64_FORMAT
                         " bytes, %" G_GINT64_FORMAT " lines",
                json_text(hunt, "ended"), json_number(hunt, "files", 0),
                json_number(hunt, "bytes", 0), json_number(hunt, "lines", 0));
    json_array_foreach(json_object_get(hunt, "tables"), index, table)
    {
        verify_line(out, "table", french ? "%s, du %s" : "%s, of %s", json_text(table, "sha256"),
                    json_text(table, "built"));
    }
    verify_line(out, french ? "trouvé" : "found",
                french ? "%" G_GINT64_FORMAT " correspondances, %" G_GINT64_FORMAT
                         " écartées\u202f; non lus jusqu’au bout\u202f: %" G_GINT64_FORMAT
                       : "%" G_GINT64_FORMAT " hits, %" G_GINT64_FORMAT
                         " suppressed; not read to their end: %" G_GINT64_FORMAT,
                json_number(hunt, "hits", 0), json_number(hunt, "suppressed", 0),
                json_number(hunt, "unread", 0));
}

static void put_indicators(GString *out, const json_t *indicators, gboolean french)
{
    const json_t *number;
    const char *type;

    verify_line(out, french ? "détenu" : "holds",
                french ? "%" G_GINT64_FORMAT " objets, au %s"
                       : "%" G_GINT64_FORMAT " objects, on %s",
                json_number(json_object_get(indicators, "commitments"), "count", 0),
                json_text(indicators, "time"));
    json_object_foreach(json_object_get(indicators, "types"), type, number)
    {
        verify_line(out, "", "%" G_GINT64_FORMAT " %s", (gint64)json_integer_value(number), type);
    }
}

/* An object that a signatory holds (p1_resilience/intel/holding.h). */
static gboolean put_of_holding(GString *out, const char *label, const json_t *value)
{
    const json_t *object = json_object_get(value, "object");
    const char *id = json_text(object, "id"), *pattern = json_text(object, "pattern");

    if (id)
        verify_line(out, label, pattern ? "%s (TLP:%s): %s" : "%s (TLP:%s)", id,
                    json_text(value, "level") ? json_text(value, "level") : "?", pattern);
    return id != NULL;
}

void verify_openings_lines(GString *out, const json_t *openings, gboolean french)
{
    const char *label = french ? "engagé" : "committed";
    const json_t *opening;
    size_t index;

    json_array_foreach(openings, index, opening)
    {
        const json_t *value = json_object_get(opening, "value");
        const char *measure = json_text(value, "measure");
        const char *asset = json_text(json_object_get(value, "asset"), "name");
        gint64 score = json_number(value, "score", -1);

        if (json_text(value, "type") &&
            (put_of_hunt(out, label, value, french) || put_of_holding(out, label, value)))
            continue;
        if (measure)
            verify_line(out, label, french ? "%s sur %s\u202f: %s" : "%s on %s: %s", measure,
                        asset ? asset : "?",
                        json_text(value, "outcome") ? json_text(value, "outcome") : "?");
        else if (score >= 0)
            verify_line(out, label,
                        french ? "principe %d\u202f: note %d" : "principle %d: score %d",
                        (int)json_number(value, "principle", 0), (int)score);
        else
            verify_line(out, label,
                        french ? "principe %d\u202f: non évalué" : "principle %d: not assessed",
                        (int)json_number(value, "principle", 0));
    }
}

/* What was done to a network, as its holder says. */
static void put_route_alarm(GString *out, const json_t *alarm, gboolean french)
{
    verify_line(out, french ? "alerte" : "alarm", "%s: %s, AS%" G_GINT64_FORMAT " (%s)",
                json_text(alarm, "own"), json_text(alarm, "prefix"), json_number(alarm, "as", 0),
                json_text(alarm, "alarm"));
    verify_line(out, french ? "vue" : "seen",
                french ? "du %s au %s, par %" G_GINT64_FORMAT " pairs"
                       : "%s to %s, by %" G_GINT64_FORMAT " peers",
                json_text(alarm, "first"), json_text(alarm, "last"),
                json_number(alarm, "peers", 0));
}

static void put_route_sighting(GString *out, const json_t *sighting, gboolean french)
{
    verify_line(out, french ? "réponse" : "answer",
                french ? "%s : %" G_GINT64_FORMAT " pairs sur %" G_GINT64_FORMAT ", du %s au %s"
                       : "%s: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " peers, %s to %s",
                json_text(sighting, "seen"), json_number(sighting, "peers", 0),
                json_number(sighting, "of", 0), json_text(sighting, "from"),
                json_text(sighting, "until"));
}

void verify_said_lines(GString *out, const char *type, const json_t *predicate, gboolean french)
{
    static const struct {
        const char *type;
        void (*put)(GString *out, const json_t *predicate, gboolean french);
    } kinds[] = {
        { PREDICATE_ASSESSMENT, put_principles },
        { PREDICATE_HUNT, put_hunt },
        { PREDICATE_INDICATORS, put_indicators },
        { PREDICATE_ROUTE_ALARM, put_route_alarm },
        { PREDICATE_ROUTE_SIGHTING, put_route_sighting },
    };

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i].type, type))
            kinds[i].put(out, predicate, french);
}
