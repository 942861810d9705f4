/*
 * Patterns that ask for several values on one line (hit_terms.h, hit_line.h): a hit is whole where
 * the line has them all, and partial where it does not.
 */
#include "p1_resilience/hunt/hit_line.h"
#include "p1_resilience/hunt/hit_terms.h"
#include "p1_resilience/hunt/inspector.h"
#include "p1_resilience/hunt/pattern.h"
#include "small_table.h"

#include <glib/gstdio.h>
#include <string.h>

#define BUILT_US G_GINT64_CONSTANT(1790000000000000)
#define MD5 "d41d8cd98f00b204e9800998ecf8427e"

typedef struct {
    char *folder, *path;
    struct hunt_table *table;
    GString *told; /* "LINE INDICATOR[~]; " */
} fixture;

static void set_up(fixture *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp("entente-hit-XXXXXX", NULL);
    f->path = g_build_filename(f->folder, "a.table", NULL);
    f->told = g_string_new(NULL);
}

static void tear_down(fixture *f, gconstpointer data)
{
    hunt_table_free(f->table);
    g_unlink(f->path);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_string_free(f->told, TRUE);
    g_free(f->folder);
    g_free(f->path);
}

/* A table of what can be hunted of the patterns. */
static void build(fixture *f, const char *const *patterns)
{
    struct hunt_compiler *compiler = small_table_begin(f->path, BUILT_US);
    GError *error = NULL;

    for (; *patterns; patterns++) {
        g_autoptr(pattern_t) pattern = pattern_parse(*patterns, strlen(*patterns), 0, NULL, &error);
        g_autoptr(pattern_hunt_t) hunt = NULL;

        g_assert_no_error(error);
        hunt = pattern_compile(pattern);
        for (guint i = 0; i < hunt->indicators->len; i++) {
            const struct pattern_indicator *found =
                &g_array_index(hunt->indicators, struct pattern_indicator, i);
            const struct assertion assertion = {
                .indicator = *found->indicator,
                .confidence = ASSERTION_NO_CONFIDENCE,
                .flags = found->partial ? ASSERTION_PARTIAL : 0,
                .terms = found->terms,
            };

            small_table_take(compiler, &assertion);
        }
    }
    f->table = small_table_end(compiler, f->path);
}

static void tell(const struct hunt_hit *hit, gpointer data)
{
    g_string_append_printf(data, "%" G_GUINT64_FORMAT " %s%s; ", hit->line, hit->indicator,
                           hit->partial ? "~" : "");
}

/* What the lines give, one after another. */
static void assert_hits(fixture *f, const char *lines, const char *wanted)
{
    const struct hunt_inspector_options options = { .defanged = FALSE };
    struct hunt_inspector *inspector = hunt_inspector_new(f->table, &options);
    struct hunt_inspected result;

    g_string_truncate(f->told, 0);
    hunt_inspect(inspector, "log", (const guint8 *)lines, strlen(lines), tell, f->told, &result);
    hunt_inspector_free(inspector);
    g_assert_cmpstr(f->told->str, ==, wanted);
}

static void test_both_terms_in_any_order(fixture *f, gconstpointer data)
{
    static const char *const patterns[] = {
        "[ipv4-addr:value = '192.0.2.1' AND domain-name:value = 'a.example']", NULL
    };

    build(f, patterns);
    g_assert_true(hunt_table_has_terms(f->table));
    assert_hits(f, "192.0.2.1 asked for a.example\n", "1 192.0.2.1; ");
    assert_hits(f, "a.example is 192.0.2.1", "1 192.0.2.1; ");
    assert_hits(f, "www.a.example is 192.0.2.1, 192.0.2.1", "1 192.0.2.1; ");
    assert_hits(f, "{\"q\":\"a.example\\n\",\"a\":\"\\u0031192.0.2.1 192.0.2.1\"}\n",
                "1 192.0.2.1; ");
    /* One term: partial; the other term alone is nobody's indicator. */
    assert_hits(f, "192.0.2.1 asked for b.example\n", "1 192.0.2.1~; ");
    assert_hits(f, "192.0.2.1 asked for a.example.org\n", "1 192.0.2.1~; ");
    assert_hits(f, "192.0.2.2 asked for a.example\n", "");
    /* Not on this line: the one before, the one behind. */
    assert_hits(f, "a.example\n192.0.2.1\na.example\n192.0.2.1 a.example\n192.0.2.1",
                "2 192.0.2.1~; 4 192.0.2.1; 5 192.0.2.1~; ");
}

static void test_three_terms_and_alternatives(fixture *f, gconstpointer data)
{
    static const char *const patterns[] = {
        "[file:hashes.MD5 = '" MD5 "' AND domain-name:value IN ('a.example', 'b.example') AND "
        "ipv4-addr:value ISSUBSET '198.51.100.0/24']",
        NULL
    };

    build(f, patterns);
    assert_hits(f, "b.example 198.51.100.77 " MD5, "1 " MD5 "; ");
    assert_hits(f, MD5 " 198.51.100.77 a.example", "1 " MD5 "; ");
    assert_hits(f, MD5 " 198.51.101.77 a.example", "1 " MD5 "~; ");
    assert_hits(f, MD5 " a.example b.example", "1 " MD5 "~; ");
}

static void test_what_no_line_can_tell_stays_partial(fixture *f, gconstpointer data)
{
    static const char *const patterns[] = {
        "[domain-name:value = 'a.example' AND network-traffic:dst_port = 443]",
        "[domain-name:value = 'b.example' AND ipv4-addr:value != '192.0.2.1']",
        /* One of two ways to be whole: which one is not kept. */
        "[(domain-name:value = 'c.example' AND file:size = 1) OR (domain-name:value = 'c.example' "
        "AND domain-name:value = 'd.example')]",
        NULL
    };

    build(f, patterns);
    assert_hits(f, "a.example 443 b.example 192.0.2.1 c.example d.example",
                "1 a.example~; 1 b.example~; 1 c.example~; ");
}

static void test_who_asserts_it_alone_is_enough(fixture *f, gconstpointer data)
{
    static const char *const patterns[] = {
        "[ipv4-addr:value = '192.0.2.1' AND domain-name:value = 'a.example']",
        "[domain-name:value = 'a.example']",
        "[ipv4-addr:value = '192.0.2.2' AND (domain-name:value = 'b.example' AND "
        "email-addr:value = 'x@c.example')]",
        NULL
    };

    build(f, patterns);
    assert_hits(f, "a.example", "1 a.example; ");
    assert_hits(f, "192.0.2.1 a.example", "1 192.0.2.1; 1 a.example; ");
    assert_hits(f, "x@c.example b.example 192.0.2.2", "1 x@c.example; ");
    assert_hits(f, "x@c.example b.example", "1 x@c.example~; ");
}

static void test_terms_as_text(void)
{
    g_autoptr(GString) terms = g_string_new(NULL);
    g_autoptr(hit_seen_t) seen = hit_seen_new();
    g_autofree struct hunt_key *key = g_new(struct hunt_key, 1);
    struct indicator name = { .kind = INDICATOR_DOMAIN, .text = (char *)"a.example" };
    struct indicator host = { .kind = INDICATOR_HOST, .text = (char *)"co.example" };
    const char *at;
    guint count = 0;

    g_assert_true(hit_terms_add(terms, &name, TRUE));
    g_assert_true(hit_terms_add(terms, &host, TRUE));
    at = terms->str;
    for (struct indicator back; hit_terms_next(&at, &back, key); count++) {
        g_assert_cmpstr(back.text, ==, count ? "co.example" : "a.example");
        hit_seen_add(seen, key->bytes, key->length, FALSE);
        indicator_clear(&back);
    }
    g_assert_cmpuint(count, ==, 2);
    /* A host name is only itself. */
    g_assert_false(hit_terms_met(terms->str, seen));
    g_assert_true(hunt_key_of(&host, key));
    hit_seen_add(seen, key->bytes, key->length, TRUE);
    g_assert_true(hit_terms_met(terms->str, seen));
    hit_seen_clear(seen);
    g_assert_false(hit_terms_met(terms->str, seen));
    g_assert_false(hit_terms_met("", seen));
    g_assert_false(hit_terms_met(NULL, seen));
}

static void test_terms_that_are_none(void)
{
    static const char *const rows[] = {
        "", " ", "|", "=", "zz", "6", "= |x 6e6", "00", "7f00", "6e"
    };
    g_autofree struct hunt_key *key = g_new(struct hunt_key, 1);

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *at = rows[i];
        struct indicator indicator;

        g_assert_false(hit_terms_next(&at, &indicator, key));
        g_assert_cmpstr(at, ==, "");
    }
}

/* Matches of one line as a scanner of another process would tell them. */
static void test_a_line_is_told_at_its_end(fixture *f, gconstpointer data)
{
    static const char *const patterns[] = {
        "[domain-name:value = 'a.example' AND domain-name:value = 'b.example']", NULL
    };
    const struct hit_rule rule = { 0 };
    g_autoptr(hit_line_t) line = NULL;
    g_autofree struct hunt_key *key = g_new(struct hunt_key, 1);
    struct hunt_hit hit = { .file = "log", .line = 7, .time_us = HIT_TIME_NONE };

    build(f, patterns);
    line = hit_line_new(f->table, &rule, tell, f->told);
    for (guint i = 0; i < 2; i++) {
        struct indicator name = { .kind = INDICATOR_DOMAIN,
                                  .text = (char *)(i ? "b.example" : "a.example") };

        g_assert_true(hunt_key_of(&name, key));
        hit.hash = key->hash;
        hit.key = key->bytes;
        hit.key_length = key->length;
        hit.token = (const guint8 *)name.text;
        hit.token_length = strlen(name.text);
        hit_line_add(line, &hit, TRUE, FALSE);
        g_assert_cmpstr(f->told->str, ==, "");
    }
    hit.line = 8; /* ends the other */
    hit_line_add(line, &hit, TRUE, FALSE);
    g_assert_cmpstr(f->told->str, ==, "7 a.example; ");
    hit_line_end(line);
    hit_line_end(line);
    g_assert_cmpstr(f->told->str, ==, "7 a.example; ");
    g_assert_cmpuint(hit_line_out_of_time(line), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, function) g_test_add(name, fixture, NULL, set_up, function, tear_down)
    TEST("/hit-line/both-terms", test_both_terms_in_any_order);
    TEST("/hit-line/three-terms", test_three_terms_and_alternatives);
    TEST("/hit-line/no-line-can-tell", test_what_no_line_can_tell_stays_partial);
    TEST("/hit-line/alone", test_who_asserts_it_alone_is_enough);
    TEST("/hit-line/end", test_a_line_is_told_at_its_end);
#undef TEST
    g_test_add_func("/hit-terms/text", test_terms_as_text);
    g_test_add_func("/hit-terms/none", test_terms_that_are_none);
    return g_test_run();
}
