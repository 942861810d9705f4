/* Hunt tables: assertions are found by the key that a log shows, and come back as they were. */
#include "base/error.h"
#include "p1_resilience/hunt/hunt_table.h"

#include <glib/gstdio.h>
#include <string.h>

#define BUILT_US G_GINT64_CONSTANT(1790000000000000)

typedef struct {
    char *folder, *path;
    struct feed_report *report;
} fixture;

static void add_source(struct feed_report *report, const char *name, const char *title)
{
    struct feed_source *source = g_new0(struct feed_source, 1);

    source->name = g_strdup(name);
    source->title = g_strdup(title);
    source->path = g_strdup("feeds/list.txt");
    source->format = FEED_MISP;
    source->tlp = TLP_RED;
    source->time_us = 77;
    source->assertions = 5;
    g_ptr_array_add(report->sources, source);
}

static void set_up(fixture *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp("entente-hunt-XXXXXX", NULL);
    f->path = g_build_filename(f->folder, "a.table", NULL);
    f->report = feed_report_new();
    add_source(f->report, "CERT Example", "Operation Example");
    add_source(f->report, "list.txt", NULL);
}

static void tear_down(fixture *f, gconstpointer data)
{
    g_unlink(f->path);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    feed_report_free(f->report);
    g_free(f->folder);
    g_free(f->path);
}

static struct hunt_compiler *begin(fixture *f)
{
    GError *error = NULL;
    struct hunt_compiler *compiler = hunt_compiler_new(f->path, BUILT_US, 0, &error);

    g_assert_no_error(error);
    return compiler;
}

/* Takes the warning lists, which may be NULL. */
static struct hunt_table *finish_with(fixture *f, struct hunt_compiler *compiler,
                                      struct warning_lists *warnings)
{
    GError *error = NULL;
    struct hunt_table *table;

    hunt_compiler_finish(compiler, f->report, warnings, &error);
    g_clear_pointer(&warnings, warning_lists_free);
    g_assert_no_error(error);
    hunt_compiler_free(compiler);
    table = hunt_table_open(f->path, &error);
    g_assert_no_error(error);
    table_check(hunt_table_part(table, 0), &error);
    g_assert_no_error(error);
    return table;
}

static struct hunt_table *finish(fixture *f, struct hunt_compiler *compiler)
{
    return finish_with(f, compiler, NULL);
}

static struct warning_lists *two_lists(fixture *f)
{
    struct warning_lists *lists = warning_lists_new();
    static const char *const names[] = { "one.list", "two.list" };
    GError *error = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(f->folder, names[i], NULL);

        g_assert_true(g_file_set_contents(path, "good.example\n", -1, NULL));
        warning_lists_add(lists, path, &error);
        g_assert_no_error(error);
        g_unlink(path);
    }
    return lists;
}

static void parse(const char *text, struct indicator *indicator)
{
    enum indicator_why why;

    if (!indicator_parse(text, strlen(text), 0, indicator, &why))
        g_error("%s: %s", text, indicator_why_name(why));
}

/* Takes `text` as `template` says. */
static void take(struct hunt_compiler *compiler, const char *text, struct assertion template)
{
    g_auto(indicator_t) indicator = { 0 };
    GError *error = NULL;

    parse(text, &indicator);
    template.indicator = indicator;
    hunt_compiler_take(&template, compiler, &error);
    g_assert_no_error(error);
}

static const struct assertion plain = { .source = 1, .confidence = ASSERTION_NO_CONFIDENCE };

/* Moves the cursor to the key of `text`. */
static gboolean find(const struct hunt_table *table, const char *text, struct hunt_key *key,
                     struct hunt_cursor *cursor)
{
    g_auto(indicator_t) indicator = { 0 };

    parse(text, &indicator);
    g_assert_true(hunt_key_of(&indicator, key));
    return hunt_table_find(table, key->hash, key->bytes, key->length, cursor);
}

static const char *const of_every_kind[] = {
    "192.0.2.7",
    "2001:db8::7",
    "192.0.2.0/24",
    "45.43.33.210/32",
    "10.0.0.0/8",
    "2001:db8:5::/48",
    "evil.example",
    "www.evil.example",
    "http://evil.example/A?b",
    "https://evil.example:8443/",
    "192.0.2.7/gate.php",
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    "someone@evil.example",
};

static void test_every_kind_comes_back(fixture *f, gconstpointer data)
{
    struct hunt_compiler *compiler = begin(f);
    g_autoptr(hunt_table_t) table = NULL;
    struct hunt_needles needles;

    for (guint i = 0; i < G_N_ELEMENTS(of_every_kind); i++)
        take(compiler, of_every_kind[i], plain);
    table = finish(f, compiler);
    needles = hunt_table_needles(table);
    for (guint i = 0; i < G_N_ELEMENTS(of_every_kind); i++) {
        g_auto(indicator_t) indicator = { 0 };
        g_auto(hunt_cursor_t) cursor = { 0 };
        struct assertion found;
        struct hunt_key key;

        parse(of_every_kind[i], &indicator);
        g_assert_true(find(table, of_every_kind[i], &key, &cursor));
        g_assert_true(hunt_table_next(table, &cursor, &found));
        g_assert_cmpstr(found.indicator.text, ==, of_every_kind[i]);
        g_assert_cmpint(found.indicator.kind, ==, indicator.kind);
        g_assert_cmpint(found.indicator.family, ==, indicator.family);
        g_assert_cmpint(found.indicator.prefix, ==, indicator.prefix);
        g_assert_cmpmem(found.indicator.address, 16, indicator.address, 16);
        g_assert_false(hunt_table_next(table, &cursor, &found));
        g_assert_true(table_maybe(needles.filters[0], key.hash));
        g_assert_true(needles.holds(needles.table, key.hash, key.bytes, key.length));
        g_assert_false(needles.holds(needles.table, key.hash, key.bytes, key.length - 1));
    }
    g_assert_cmpuint(hunt_table_count(table, INDICATOR_HASH), ==, 4);
    g_assert_cmpuint(hunt_table_count(table, INDICATOR_CIDR), ==, 4);
    g_assert_cmpuint(table_info(hunt_table_part(table, 0))->serial, ==, BUILT_US);
    g_assert_cmpint(table_info(hunt_table_part(table, 0))->built_us, ==, BUILT_US);
}

static gboolean meets(const struct hunt_needles *needles, guint32 address)
{
    return needles->networks[address >> 8 >> 6] >> (address >> 8 & 63) & 1;
}

static void test_the_scanners_filters(fixture *f, gconstpointer data)
{
    struct hunt_compiler *compiler = begin(f);
    g_autoptr(hunt_table_t) table = NULL;
    struct hunt_needles needles;

    for (guint i = 0; i < G_N_ELEMENTS(of_every_kind); i++)
        take(compiler, of_every_kind[i], plain);
    table = finish(f, compiler);
    needles = hunt_table_needles(table);
    g_assert_true(meets(&needles, 0xc0000207)); /* 192.0.2.7 */
    g_assert_false(meets(&needles, 0xc0000307));
    g_assert_true(meets(&needles, 0x0a000000)); /* 10/8, from first to last */
    g_assert_true(meets(&needles, 0x0affffff));
    g_assert_false(meets(&needles, 0x09ffffff));
    g_assert_false(meets(&needles, 0x0b000000));
    g_assert_true(meets(&needles, 0x2d2b21d2)); /* 45.43.33.210 */
    g_assert_cmphex(needles.lengths4, ==, 1ULL << 8 | 1ULL << 24 | 1ULL << 32);
    g_assert_cmphex(needles.lengths6[0], ==, 1ULL << 48);
    g_assert_cmphex(needles.lengths6[1], ==, 0);
    g_assert_cmphex(needles.lengths6[2], ==, 1);
    g_assert_true(needles.digests && needles.emails);
    g_assert_true(hunt_key_filter_has(needles.last_labels, HUNT_KEY_LAST_LABEL_WORDS,
                                      hunt_key_last_label((const guint8 *)"a.example", 9)));
    g_assert_false(hunt_key_filter_has(needles.last_labels, HUNT_KEY_LAST_LABEL_WORDS,
                                       hunt_key_last_label((const guint8 *)"a.html", 6)));
    g_assert_true(hunt_key_filter_has(needles.url_hosts, needles.url_host_words,
                                      hunt_key_url_host((const guint8 *)"evil.example:8443", 17)));
    g_assert_true(hunt_key_filter_has(needles.url_hosts, needles.url_host_words,
                                      hunt_key_url_host((const guint8 *)"192.0.2.7", 9)));
    g_assert_false(hunt_key_filter_has(needles.url_hosts, needles.url_host_words,
                                       hunt_key_url_host((const guint8 *)"good.example", 12)));
}

static void test_what_is_not_there_costs_nothing(fixture *f, gconstpointer data)
{
    struct hunt_compiler *compiler = begin(f);
    g_autoptr(hunt_table_t) table = NULL;
    struct hunt_needles needles;

    take(compiler, "d41d8cd98f00b204e9800998ecf8427e", plain);
    table = finish(f, compiler);
    needles = hunt_table_needles(table);
    g_assert_null(needles.last_labels);
    g_assert_null(needles.networks);
    g_assert_null(needles.url_hosts);
    g_assert_cmphex(needles.lengths4 | needles.lengths6[0], ==, 0);
    g_assert_true(needles.digests && !needles.emails);
}

static void test_who_asserts_what(fixture *f, gconstpointer data)
{
    const struct assertion full = {
        .source = 0,
        .object = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        .original = "hxxp://evil[.]example",
        .labels = "malware\nphishing",
        .valid_from_us = 5,
        .valid_until_us = G_MAXINT64,
        .confidence = 85,
        .tlp = TLP_RED,
        .flags = ASSERTION_TO_IDS | ASSERTION_FALSE_POSITIVE,
        .warning = 2,
    };
    struct hunt_compiler *compiler = begin(f);
    g_autoptr(hunt_table_t) table = NULL;
    g_auto(hunt_cursor_t) cursor = { 0 };
    struct assertion found;
    struct hunt_source source;
    struct hunt_key key;

    take(compiler, "evil.example", full);
    take(compiler, "evil.example", plain);
    take(compiler, "evil.example", full);
    table = finish_with(f, compiler, two_lists(f));
    g_assert_true(find(table, "evil.example", &key, &cursor));
    g_assert_true(hunt_table_next(table, &cursor, &found));
    g_assert_cmpstr(found.object, ==, full.object);
    g_assert_cmpstr(found.original, ==, full.original);
    g_assert_cmpstr(found.labels, ==, full.labels);
    g_assert_cmpint(found.valid_from_us, ==, 5);
    g_assert_cmpint(found.valid_until_us, ==, G_MAXINT64);
    g_assert_cmpint(found.confidence, ==, 85);
    g_assert_cmpint(found.tlp, ==, TLP_RED);
    g_assert_cmpint(found.flags, ==, full.flags);
    g_assert_cmpint(found.warning, ==, 2);
    g_assert_true(hunt_table_next(table, &cursor, &found));
    g_assert_cmpint(found.source, ==, 1);
    g_assert_null(found.object);
    g_assert_null(found.original);
    g_assert_null(found.labels);
    g_assert_cmpint(found.confidence, ==, ASSERTION_NO_CONFIDENCE);
    g_assert_true(hunt_table_next(table, &cursor, &found));
    g_assert_cmpint(found.source, ==, 0);
    g_assert_false(hunt_table_next(table, &cursor, &found));

    g_assert_cmpuint(hunt_table_sources(table), ==, 2);
    g_assert_true(hunt_table_source(table, 0, &source));
    g_assert_cmpstr(source.name, ==, "CERT Example");
    g_assert_cmpstr(source.title, ==, "Operation Example");
    g_assert_null(source.id);
    g_assert_cmpstr(source.path, ==, "feeds/list.txt");
    g_assert_cmpint(source.format, ==, FEED_MISP);
    g_assert_cmpint(source.tlp, ==, TLP_RED);
    g_assert_cmpint(source.time_us, ==, 77);
    g_assert_cmpuint(source.assertions, ==, 5);
    g_assert_false(hunt_table_source(table, 2, &source));
    g_assert_cmpstr(hunt_table_warning(table, 0), ==, "one.list");
    g_assert_cmpstr(hunt_table_warning(table, 1), ==, "two.list");
    g_assert_null(hunt_table_warning(table, 2));
}

static char *table_of(fixture *f, const char *name, gint64 built_us, const char *const *values)
{
    char *path = g_build_filename(f->folder, name, NULL);
    struct hunt_compiler *compiler = hunt_compiler_new(path, built_us, 0, NULL);

    for (; *values; values++)
        take(compiler, *values, plain);
    g_assert_true(hunt_compiler_finish(compiler, f->report, NULL, NULL));
    hunt_compiler_free(compiler);
    return path;
}

static gboolean is_in(const struct hunt_table *table, const char *text, guint source)
{
    g_auto(hunt_cursor_t) cursor = { 0 };
    const struct hunt_needles needles = hunt_table_needles(table);
    struct assertion found;
    struct hunt_key key;

    if (!find(table, text, &key, &cursor)) {
        g_assert_false(needles.holds(needles.table, key.hash, key.bytes, key.length));
        return FALSE;
    }
    g_assert_true(needles.holds(needles.table, key.hash, key.bytes, key.length));
    while (hunt_table_next(table, &cursor, &found)) {
        if (found.source == source)
            return TRUE;
    }
    return FALSE;
}

static void test_several_tables_answer_as_one(fixture *f, gconstpointer data)
{
    g_autofree char *base =
        table_of(f, "base", 5,
                 (const char *const[]){ "evil.example", "192.0.2.7", "http://a.example/x", NULL });
    g_autofree char *later =
        table_of(f, "later", 6,
                 (const char *const[]){ "evil.example", "worse.test", "198.51.100.0/24", NULL });
    const char *const paths[] = { later, base, NULL };
    const char *const twice[] = { base, base, NULL };
    g_autoptr(GError) error = NULL;
    g_autoptr(hunt_table_t) table = hunt_table_open_all(paths, &error);
    g_auto(hunt_cursor_t) cursor = { 0 };
    struct hunt_needles needles;
    struct hunt_source source;
    struct hunt_walk walk = { 0 };
    guint keys = 0;

    g_assert_no_error(error);
    needles = hunt_table_needles(table);
    g_assert_cmpuint(needles.filter_count, ==, 2);
    g_assert_true(meets(&needles, 0xc0000207) && meets(&needles, 0xc6336401));
    g_assert_cmphex(needles.lengths4, ==, 1ULL << 24 | 1ULL << 32);
    for (guint i = 0; i < 2; i++)
        g_assert_true(hunt_key_filter_has(
            needles.last_labels, HUNT_KEY_LAST_LABEL_WORDS,
            hunt_key_last_label((const guint8 *)(i ? "x.test" : "x.example"), i ? 6 : 9)));
    /* Each table has two sources; those of the later one are counted on. */
    g_assert_cmpuint(hunt_table_sources(table), ==, 4);
    g_assert_true(hunt_table_source(table, 3, &source));
    g_assert_cmpstr(source.name, ==, "list.txt");
    g_assert_true(is_in(table, "evil.example", 1) && is_in(table, "evil.example", 3));
    g_assert_true(is_in(table, "192.0.2.7", 1) && !is_in(table, "192.0.2.7", 3));
    g_assert_true(is_in(table, "worse.test", 3) && !is_in(table, "worse.test", 1));
    g_assert_false(is_in(table, "good.example", 1));
    g_assert_cmpuint(hunt_table_count(table, INDICATOR_DOMAIN), ==, 3);
    while (hunt_table_walk(table, &walk, &cursor))
        keys++;
    g_assert_cmpuint(keys, ==, 5);
    g_assert_null(hunt_table_open_all(twice, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_unlink(base);
    g_unlink(later);
}

static void test_domain_and_host_share_a_key(fixture *f, gconstpointer data)
{
    struct indicator host = { .kind = INDICATOR_HOST, .text = (char *)"evil.example" };
    struct assertion assertion = plain;
    struct hunt_compiler *compiler = begin(f);
    g_autoptr(hunt_table_t) table = NULL;
    g_auto(hunt_cursor_t) cursor = { 0 };
    struct assertion found;
    struct hunt_key key;

    assertion.indicator = host;
    take(compiler, "evil.example", plain);
    g_assert_true(hunt_compiler_take(&assertion, compiler, NULL));
    table = finish(f, compiler);
    g_assert_cmpuint(table_info(hunt_table_part(table, 0))->keys, ==, 1);
    g_assert_true(find(table, "evil.example", &key, &cursor));
    g_assert_true(hunt_table_next(table, &cursor, &found));
    g_assert_cmpint(found.indicator.kind, ==, INDICATOR_DOMAIN);
    g_assert_true(hunt_table_next(table, &cursor, &found));
    g_assert_cmpint(found.indicator.kind, ==, INDICATOR_HOST);
    g_assert_cmpstr(found.indicator.text, ==, "evil.example");
}

static void test_what_is_not_hunted_is_named(fixture *f, gconstpointer data)
{
    struct hunt_compiler *compiler = begin(f);
    g_autoptr(hunt_table_t) table = NULL;
    const char *name, *text;
    guint64 count;

    f->report->skipped[FEED_SKIP_UNHUNTABLE].count = 12;
    table = finish(f, compiler);
    g_assert_true(hunt_table_skipped(table, 0, &name, &text, &count));
    g_assert_cmpstr(name, ==, feed_skip_name(FEED_SKIP_UNHUNTABLE));
    g_assert_cmpstr(text, ==, feed_skip_text(FEED_SKIP_UNHUNTABLE));
    g_assert_cmpuint(count, ==, 12);
    g_assert_false(hunt_table_skipped(table, 1, &name, &text, &count));
}

static void test_one_value_too_long_does_not_stop_the_others(fixture *f, gconstpointer data)
{
    const struct feed_skipped *skipped =
        &f->report->skipped[FEED_SKIP_INDICATOR + INDICATOR_TOO_LONG];
    g_autofree char *path = g_strnfill(HUNT_KEY_MAX, 'a');
    g_autofree char *url = g_strconcat("evil.example/", path, NULL);
    struct assertion assertion = plain;
    struct hunt_compiler *compiler = begin(f);
    g_autoptr(hunt_table_t) table = NULL;

    assertion.indicator = (struct indicator){ .kind = INDICATOR_URL, .text = url };
    g_assert_true(hunt_compiler_take(&assertion, compiler, NULL));
    take(compiler, "evil.example", plain);
    table = finish(f, compiler);
    g_assert_cmpuint(table_info(hunt_table_part(table, 0))->keys, ==, 1);
    g_assert_cmpuint(skipped->count, ==, 1);
    g_assert_true(g_str_has_prefix(skipped->detail[0], "evil.example/aaa"));
    g_assert_cmpstr(skipped->place[0], ==, "feeds/list.txt");
}

static void test_the_same_feeds_give_the_same_bytes(fixture *f, gconstpointer data)
{
    g_autofree char *first = NULL, *second = NULL;
    gsize first_length, second_length;

    for (guint round = 0; round < 2; round++) {
        struct hunt_compiler *compiler = begin(f);

        for (guint i = 0; i < G_N_ELEMENTS(of_every_kind); i++)
            take(compiler, of_every_kind[i], plain);
        hunt_table_free(finish(f, compiler));
        g_file_get_contents(f->path, round ? &second : &first,
                            round ? &second_length : &first_length, NULL);
    }
    g_assert_cmpmem(first, first_length, second, second_length);
}

static guint read_all(const struct hunt_table *table)
{
    struct hunt_walk walk = { 0 };
    g_auto(hunt_cursor_t) cursor = { 0 };
    guint assertions = 0;

    while (hunt_table_walk(table, &walk, &cursor)) {
        struct assertion found;

        for (; hunt_table_next(table, &cursor, &found); assertions++) {
            g_assert_true(g_utf8_validate(found.indicator.text, -1, NULL));
            g_assert_true(found.source < hunt_table_sources(table));
            g_assert_true(found.tlp <= TLP_RED);
        }
    }
    return assertions;
}

/* Changed bytes, as from a table that nobody checked: it opens or not, and reads nothing wrong. */
static void test_changed_bytes_do_no_harm(fixture *f, gconstpointer data)
{
    struct hunt_compiler *compiler = begin(f);
    g_autofree char *bytes = NULL;
    gsize length;

    for (guint i = 6; i < G_N_ELEMENTS(of_every_kind); i++) {
        struct assertion assertion = plain;

        assertion.object = "object";
        assertion.labels = "label";
        assertion.confidence = 5;
        assertion.valid_from_us = 1;
        assertion.warning = 1;
        take(compiler, of_every_kind[i], assertion);
    }
    hunt_table_free(finish(f, compiler));
    g_assert_true(g_file_get_contents(f->path, &bytes, &length, NULL));
    for (gsize i = 0; i < length; i++) {
        g_autoptr(GBytes) changed = NULL;
        g_autoptr(hunt_table_t) table = NULL;
        char kept = bytes[i];

        bytes[i] = (char)(kept ^ (i % 2 ? 0xff : 0x04));
        changed = g_bytes_new(bytes, length);
        table = hunt_table_open_bytes(changed, "changed", NULL);
        if (table)
            g_assert_cmpuint(read_all(table), <=, length);
        bytes[i] = kept;
    }
}

static void test_other_tables_are_refused(fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(f->path, "evil.example\n", -1, NULL));
    g_assert_null(hunt_table_open(f->path, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add("/hunt-table/" #name, fixture, NULL, set_up, test_##name, tear_down)
    CASE(every_kind_comes_back);
    CASE(the_scanners_filters);
    CASE(what_is_not_there_costs_nothing);
    CASE(who_asserts_what);
    CASE(several_tables_answer_as_one);
    CASE(domain_and_host_share_a_key);
    CASE(what_is_not_hunted_is_named);
    CASE(one_value_too_long_does_not_stop_the_others);
    CASE(the_same_feeds_give_the_same_bytes);
    CASE(changed_bytes_do_no_harm);
    CASE(other_tables_are_refused);
    return g_test_run();
}
