#include "assess/report_html.h"

#include "assess/report_bundle.h"
#include "base/error.h"
#include "base/gzip.h"
#include "base/json.h"
#include "config.h"

#include <string.h>

#define SCHEMA "entente/assessment/1"
#define DOCUMENT_MAX (256 * 1024 * 1024) /* a hundred times 5,000 findings */
#define CATALOGUE_MAX (1024 * 1024)
#define ENTRY "standalone.js"
#define UNKNOWN "\u2014" /* where nothing was measured there is no number, not even zero */

/*
 * Whether the escapes of web_escape_data() can be undone to the same bytes: not when the document
 * has such an escape of its own, nor a carriage return, which HTML parsers change.
 */
static gboolean escape_is_exact(const char *text, gsize length)
{
    static const char *const own[] = {
        "\\u003c", "\\u003e", "\\u0026", "\\u2028", "\\u2029", "\r"
    };

    for (guint i = 0; i < G_N_ELEMENTS(own); i++)
        if (g_strstr_len(text, length, own[i]))
            return FALSE;
    return TRUE;
}

static char *compress(const char *text, gsize length)
{
    g_autoptr(GByteArray) packed = gzip_pack(text, (guint)length);

    return g_base64_encode(packed->data, packed->len);
}

/* The sheets for screen and paper, in one. */
static char *read_style(GError **error)
{
    g_autofree char *screen = web_text("style.css", error);
    g_autofree char *paper = screen ? web_text("print.css", error) : NULL;

    return paper ? g_strconcat("\n", screen, paper, NULL) : NULL;
}

/* {"en": {…}, "fr": {…}}, escaped; `chosen` becomes the texts of `language`. */
static char *read_catalogues(const char *language, json_t **chosen, GError **error)
{
    g_autofree char *english = web_text("i18n/en.json", error);
    g_autofree char *french = english ? web_text("i18n/fr.json", error) : NULL;
    g_autofree char *both = NULL;
    const char *own = g_str_equal(language, "fr") ? french : english;

    if (!french || !(*chosen = json_parse(own, strlen(own), CATALOGUE_MAX, "web/i18n", error)))
        return NULL;
    both = g_strdup_printf("{\"en\":%s,\"fr\":%s}", english, french);
    return web_escape_data(both, strlen(both));
}

static const char *text_of(const json_t *texts, const char *key)
{
    const char *text = json_text(texts, key);

    return text ? text : key;
}

/* Who is assessed: the signatory, or else the first host. */
static const char *subject_name(const json_t *document, const json_t *texts)
{
    const char *name = json_text(json_object_get(document, "signatory"), "name");
    json_t *asset;
    size_t index;

    json_array_foreach(json_object_get(document, "assets"), index, asset)
    {
        if (!name && g_strcmp0(json_text(asset, "kind"), "host") == 0)
            name = json_text(asset, "name");
    }
    return name ? name : text_of(texts, "unnamed");
}

/* The day of an RFC 3339 time, or what stands there instead of one. */
static char *day_of(const char *time)
{
    return g_strndup(time ? time : "", time && g_str_is_ascii(time) && strlen(time) >= 10 ? 10 : 0);
}

/* A number of the static table: "86%", or the words for what was not assessed. */
static char *percent_cell(const json_t *texts, const json_t *value, const char *otherwise)
{
    g_autofree char *number = NULL, *text = NULL, *escaped = NULL;

    if (json_is_number(value)) {
        number = g_strdup_printf("%.0f", json_number_value(value));
        text = web_fill(text_of(texts, "percent"), "{", "}",
                        (struct web_slot[]){ { "n", number }, { NULL, NULL } });
    }
    escaped = g_markup_escape_text(text ? text : text_of(texts, otherwise), -1);
    return g_strdup_printf("<td class=\"number%s\">%s</td>", text ? "" : " is-unassessed", escaped);
}

static void static_row(GString *out, const json_t *texts, const json_t *principle,
                       const char *language)
{
    const json_t *names = json_object_get(principle, "name");
    const char *name = json_text(names, language);
    g_autofree char *escaped = g_markup_escape_text(name ? name : "", -1);
    g_autofree char *score =
        percent_cell(texts, json_object_get(principle, "score"), "not-assessed");
    g_autofree char *coverage =
        percent_cell(texts, json_object_get(principle, "coverage"), "nothing-applies");

    gint64 fails = json_number(json_object_get(principle, "counts"), "fail", 0);
    gboolean measured = fails > 0 || json_is_number(json_object_get(principle, "score"));
    g_autofree char *failing =
        measured ? g_strdup_printf("%" G_GINT64_FORMAT, fails) : g_strdup(UNKNOWN);

    g_string_append_printf(
        out,
        "<tr><th scope=\"row\"><span class=\"principle-number\">%" G_GINT64_FORMAT
        "</span> %s</th>%s%s<td class=\"number\">%s</td></tr>\n",
        json_number(principle, "n", 0), escaped, score, coverage, failing);
}

/* What readers without JavaScript see, until the script replaces it. */
static char *static_part(const json_t *document, const json_t *texts, const char *title,
                         const char *language)
{
    static const char *const columns[] = { "overview.principle", "overview.score",
                                           "overview.coverage", "overview.failing" };
    g_autofree char *heading = g_markup_escape_text(subject_name(document, texts), -1);
    g_autofree char *kicker = g_markup_escape_text(text_of(texts, "kicker"), -1);
    g_autofree char *note = g_markup_escape_text(text_of(texts, "static.note"), -1);
    GString *out = g_string_new("<main class=\"page static\">\n");
    json_t *principle;
    size_t index;

    g_string_append_printf(out, "<p class=\"kicker\">%s</p>\n<h1><bdi>%s</bdi></h1>\n", kicker,
                           heading);
    g_string_append_printf(out, "<table class=\"data\"><caption>%s</caption><thead><tr>", title);
    for (guint i = 0; i < G_N_ELEMENTS(columns); i++) {
        g_autofree char *column = g_markup_escape_text(text_of(texts, columns[i]), -1);

        g_string_append_printf(out, "<th scope=\"col\"%s>%s</th>", i ? " class=\"number\"" : "",
                               column);
    }
    g_string_append(out, "</tr></thead><tbody>\n");
    json_array_foreach(json_object_get(document, "principles"), index, principle)
        static_row(out, texts, principle, language);
    g_string_append_printf(out, "</tbody></table>\n<p class=\"quiet\">%s</p>\n</main>\n", note);
    return g_string_free(out, FALSE);
}

static char *make_title(const json_t *document, const json_t *texts)
{
    g_autofree char *date = day_of(json_text(json_object_get(document, "run"), "started"));
    const struct web_slot slots[] = { { "name", subject_name(document, texts) },
                                      { "date", date },
                                      { NULL, NULL } };
    g_autofree char *title = web_fill(text_of(texts, "document.title"), "{", "}", slots);

    return g_markup_escape_text(title, -1);
}

char *report_html(const char *name, const char *assessment_json, gsize length, json_t *tree,
                  const char *language, gsize *html_length, GError **error)
{
    g_autoptr(json_t) document =
        tree ? json_incref(tree) : json_parse(assessment_json, length, DOCUMENT_MAX, name, error);
    g_autoptr(json_t) texts = NULL;
    g_autofree char *script = NULL, *style = NULL, *shell = NULL, *catalogues = NULL;
    g_autofree char *policy = NULL, *title = NULL, *data = NULL, *sum = NULL, *overview = NULL;
    gboolean packed;
    char *html;

    if (!document)
        return NULL;
    if (g_strcmp0(json_text(document, "schema"), SCHEMA) != 0) {
        input_error(error, "%s: not an assessment: its schema is not " SCHEMA, name);
        return NULL;
    }
    language = g_strcmp0(language, "fr") == 0 ? "fr" : "en";
    if (!(script = web_script(ENTRY, error)) || !(style = read_style(error)) ||
        !(shell = web_text("report.html", error)) ||
        !(catalogues = read_catalogues(language, &texts, error)))
        return NULL;
    packed = length > REPORT_COMPRESS_BYTES || !escape_is_exact(assessment_json, length);
    data = packed ? compress(assessment_json, length) : web_escape_data(assessment_json, length);
    policy = web_policy(script, style);
    title = make_title(document, texts);
    overview = static_part(document, texts, title, language);
    sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)assessment_json, length);

    html = web_fill(shell, "{{", "}}",
                    (struct web_slot[]){
                        { "language", language },
                        { "policy", policy },
                        { "version", ENTENTE_VERSION },
                        { "title", title },
                        { "style", style },
                        { "static", overview },
                        { "catalogues", catalogues },
                        { "data-type", packed ? "application/gzip" : "application/json" },
                        { "encoding", packed ? "gzip" : "json" },
                        { "sha256", sum },
                        { "data", data },
                        { "script", script },
                        { NULL, NULL },
                    });
    if (html_length)
        *html_length = strlen(html);
    return html;
}
