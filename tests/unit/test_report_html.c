/*
 * Files that open anywhere, the report (report_html) and the verifier (verifier_html): what is in
 * them, and that nothing in a document or a policy can get out of its place.
 */
#include "assess/report_bundle.h"
#include "assess/report_html.h"
#include "assess/verifier_html.h"
#include "base/error.h"
#include "base/json.h"

#include <string.h>

#define HEAD "{\"schema\":\"entente/assessment/1\",\"signatory\":{\"name\":\"%s\"},"
#define TAIL                                                                                       \
    "\"run\":{\"started\":\"2026-11-20T06:00:00Z\"},\"principles\":["                              \
    "{\"n\":1,\"name\":{\"en\":\"First\",\"fr\":\"Premier\"},\"score\":86,\"coverage\":20,"        \
    "\"counts\":{\"fail\":3}},"                                                                    \
    "{\"n\":2,\"name\":{\"en\":\"Second\",\"fr\":\"Second\"},\"score\":null,\"coverage\":null,"    \
    "\"counts\":{\"fail\":0}}],\"measures\":{},\"assets\":[],\"findings\":[]}\n"

static char *document(const char *name)
{
    return g_strdup_printf(HEAD TAIL, name);
}

static char *report(const char *json, const char *language)
{
    g_autoptr(GError) error = NULL;
    gsize length;
    char *html = report_html("assessment", json, strlen(json), NULL, language, &length, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(strlen(html), ==, length);
    return html;
}

/* The text between `open` and the next `close` after it. */
static char *between(const char *html, const char *open, const char *close)
{
    const char *start = strstr(html, open), *end;

    g_assert_nonnull(start);
    start += strlen(open);
    end = strstr(start, close);
    g_assert_nonnull(end);
    return g_strndup(start, end - start);
}

static void test_static_table_needs_no_script(void)
{
    g_autofree char *json = document("Example"), *html = report(json, "fr");

    g_assert_nonnull(strstr(html, "<html lang=\"fr\">"));
    g_assert_nonnull(strstr(html,
                            "</span> Premier</th><td class=\"number\">86\u00a0%</td>"
                            "<td class=\"number\">20\u00a0%</td><td class=\"number\">3</td>"));
    /* what nothing measured is not a zero */
    g_assert_nonnull(strstr(html,
                            "</span> Second</th><td class=\"number is-unassessed\">"
                            "non évalué</td><td class=\"number is-unassessed\">sans objet</td>"
                            "<td class=\"number\">\u2014</td>"));
}

static char *base64_of_hash(const char *text)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize size = sizeof digest;

    g_checksum_update(sum, (const guchar *)text, -1);
    g_checksum_get_digest(sum, digest, &size);
    return g_base64_encode(digest, size);
}

/* The script and the style of a file are those whose hashes its policy names, and joined whole. */
static void assert_policy_is_of(const char *html)
{
    const char *const tags[][2] = { { "<script type=\"module\">", "</script>" },
                                    { "<style>", "</style>" } };
    g_autofree char *policy = between(html, "Content-Security-Policy\" content=\"", "\"");

    g_assert_true(g_str_has_prefix(policy, "default-src 'none'; script-src 'sha256-"));
    g_assert_null(strstr(policy, "unsafe"));
    for (guint i = 0; i < G_N_ELEMENTS(tags); i++) {
        g_autofree char *content = between(html, tags[i][0], tags[i][1]);
        g_autofree char *base64 = base64_of_hash(content);
        g_autofree char *source =
            g_strdup_printf("%s-src 'sha256-%s';", i ? "style" : "script", base64);

        g_assert_nonnull(strstr(policy, source));
        g_assert_null(strstr(content, "\nimport "));
        g_assert_null(strstr(content, "\nexport "));
    }
}

static void test_policy_allows_exactly_this_script_and_style(void)
{
    g_autofree char *json = document("Example"), *html = report(json, "en");

    assert_policy_is_of(html);
}

static void test_hostile_text_stays_in_its_place(void)
{
    g_autofree char *json = document("</script><img src=x>{{script}}{date}\u2028&amp;");
    g_autofree char *html = report(json, "en");
    g_autofree char *data = between(html, "data-encoding=\"json\"", "</script>");
    g_autofree char *title = between(html, "<title>", "</title>");

    g_assert_null(strstr(html, "<img"));
    g_assert_null(strchr(strchr(data, '>') + 1, '<'));
    g_assert_nonnull(strstr(data, "\\u003c/script\\u003e\\u003cimg src=x\\u003e{{script}}{date}"
                                  "\\u2028\\u0026amp;"));
    g_assert_cmpstr(title, ==,
                    "&lt;/script&gt;&lt;img src=x&gt;{{script}}{date}\u2028&amp;amp; — "
                    "assessment of 2026-11-20");
}

static void test_fingerprint_is_of_the_document(void)
{
    g_autofree char *json = document("Example"), *html = report(json, "en");
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, json, -1);
    g_autofree char *stated = between(html, "data-sha256=\"", "\"");

    g_assert_cmpstr(stated, ==, sum);
}

static void test_escapes_that_cannot_be_undone_are_packed(void)
{
    static const char *const names[] = { "\\u003cb\\u003e", "a\\u2028b" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *json = document(names[i]), *html = report(json, "en");

        g_assert_nonnull(strstr(html, "data-encoding=\"gzip\""));
    }
}

static void test_large_documents_are_packed(void)
{
    g_autofree char *name = g_strnfill(REPORT_COMPRESS_BYTES, 'a');
    g_autofree char *json = document(name), *html = NULL;
    gsize length;

    html = report_html("assessment", json, strlen(json), NULL, "en", &length, NULL);
    g_assert_nonnull(html);
    g_assert_nonnull(strstr(html, "type=\"application/gzip\" id=\"data\" data-encoding=\"gzip\""));
}

static void test_other_documents_are_refused(void)
{
    static const char *const others[] = { "",
                                          "[]",
                                          "{}",
                                          "{\"schema\":\"entente/assessment/2\"}",
                                          "{\"schema\":\"entente/assessment/1\"",
                                          "{\"schema\":\"entente/assessment/1\",\"x\":\"\xff\"}" };

    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(
            report_html("assessment", others[i], strlen(others[i]), NULL, "en", NULL, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

static void test_modules_come_after_what_they_import(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *script = web_script("standalone.js", &error);
    const char *const order[] = { "function el(", "class Model", "function render(",
                                  "async function start(" };

    g_assert_no_error(error);
    for (guint i = 1; i < G_N_ELEMENTS(order); i++)
        g_assert_true(strstr(script, order[i - 1]) < strstr(script, order[i]));
    /* each module once */
    g_assert_null(strstr(strstr(script, "function el(") + 1, "\nfunction el("));
    g_assert_null(web_script("nowhere.js", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
}

static void test_placeholders_are_filled_in_one_pass(void)
{
    const struct web_slot slots[] = { { "a", "{b}" }, { "b", "{a}" }, { NULL, NULL } };
    g_autofree char *text = web_fill("{a}-{b}-{c}-{", "{", "}", slots);

    g_assert_cmpstr(text, ==, "{b}-{a}-{c}-{");
}

static char *verifier(const char *origin)
{
    g_autoptr(json_t) policy =
        origin ? json_pack("{s:s, s:i, s:s}", "log", origin, "version", 1, "operator", origin)
               : NULL;
    g_autoptr(GError) error = NULL;
    char *html = verifier_html(policy, &error);

    g_assert_no_error(error);
    return html;
}

static guint count(const char *html, const char *text)
{
    guint found = 0;

    for (const char *at = html; (at = strstr(at, text)); at += strlen(text))
        found++;
    return found;
}

static void test_verifier_is_the_same_twice(void)
{
    g_autofree char *once = verifier("log.example"), *twice = verifier("log.example");
    g_autofree char *other = verifier("log.test"), *bare = verifier(NULL);

    g_assert_cmpstr(once, ==, twice);
    g_assert_cmpstr(once, !=, other);
    assert_policy_is_of(once);
    assert_policy_is_of(bare);
}

/* All that a policy changes is the block that holds it, whose bytes are those that are hashed. */
static void test_verifier_holds_the_policy(void)
{
    static const char genesis[] =
        "{\"log\":\"log.example\",\"operator\":\"log.example\",\"version\":1}";
    g_autofree char *bare = verifier(NULL), *html = verifier("log.example");
    g_autofree char *held = between(html, "id=\"genesis\">", "</script>");
    g_autofree char *none = between(bare, "id=\"genesis\">", "</script>");
    g_auto(GStrv) parts = g_strsplit(html, genesis, -1);
    g_autofree char *rest = g_strjoinv("", parts);

    g_assert_cmpstr(held, ==, genesis);
    g_assert_cmpstr(none, ==, "");
    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    g_assert_cmpstr(rest, ==, bare);
}

static void test_hostile_policy_stays_in_its_place(void)
{
    static const char *const origins[] = {
        "</script><script>alert(1)</script>", "<!--<script>",
        "{{script}}{{policy}}{{genesis}}",    "\"><img src=x onerror=alert(1)>",
        "\u2028\u2029&lt;/script>",           "]]></title><base href=//evil>",
    };
    g_autofree char *bare = verifier(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(origins); i++) {
        g_autofree char *html = verifier(origins[i]);
        g_autofree char *held = between(html, "id=\"genesis\">", "</script>");
        g_autoptr(json_t) policy = json_parse(held, strlen(held), strlen(held) + 1, "data", NULL);

        /* No tag more than without it, nothing filled in twice, and what is read is what was given.
         */
        g_assert_cmpuint(count(html, "<"), ==, count(bare, "<"));
        g_assert_cmpuint(count(html, ">"), ==, count(bare, ">"));
        g_assert_cmpuint(count(html, "sha256-"), ==, count(bare, "sha256-"));
        g_assert_null(strpbrk(held, "<>&"));
        g_assert_null(strstr(held, "\u2028"));
        g_assert_cmpstr(json_text(policy, "log"), ==, origins[i]);
        assert_policy_is_of(html);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report/static-table", test_static_table_needs_no_script);
    g_test_add_func("/report/policy", test_policy_allows_exactly_this_script_and_style);
    g_test_add_func("/report/hostile", test_hostile_text_stays_in_its_place);
    g_test_add_func("/report/fingerprint", test_fingerprint_is_of_the_document);
    g_test_add_func("/report/inexact-escapes", test_escapes_that_cannot_be_undone_are_packed);
    g_test_add_func("/report/large", test_large_documents_are_packed);
    g_test_add_func("/report/refused", test_other_documents_are_refused);
    g_test_add_func("/verifier/same-bytes", test_verifier_is_the_same_twice);
    g_test_add_func("/verifier/policy", test_verifier_holds_the_policy);
    g_test_add_func("/verifier/hostile", test_hostile_policy_stays_in_its_place);
    g_test_add_func("/bundle/order", test_modules_come_after_what_they_import);
    g_test_add_func("/bundle/fill", test_placeholders_are_filled_in_one_pass);
    return g_test_run();
}
