/*
 * report_html.h: an assessment as one HTML file that opens anywhere and asks the network nothing.
 *
 * The file holds the viewer of web/ (bundled into one script), both languages, the document, and a
 * static table for readers without JavaScript. Its Content-Security-Policy allows that script by
 * hash and nothing else: altered, it does not run. The document can be taken out again byte by
 * byte; its SHA-256 stands in the file.
 */
#pragma once
#include <glib.h>
#include <jansson.h>

/* Its name beside the document in the folder of a run. */
#define REPORT_HTML_NAME "report.html"

/* From this size of document on, the file holds it compressed (gzip, base64). */
#define REPORT_COMPRESS_BYTES (5 * 1024 * 1024)

/*
 * `name` is said in errors. `assessment_json` is a document "entente/assessment/1", UTF-8, and
 * `tree` the same as a tree, or NULL: then it is parsed here. `language` ("en" or "fr") is that of
 * the static part and the first one shown. The caller owns the text, which ends in a NUL that
 * `html_length` (may be NULL) does not count. NULL and ENTENTE_ERROR_INPUT for another document.
 */
char *report_html(const char *name, const char *assessment_json, gsize length, json_t *tree,
                  const char *language, gsize *html_length, GError **error);
