/* sieve.h: what a sieve knows of names and addresses, and when there is none. */
#include "p1_resilience/hunt/hunt_table.h"
#include "p1_resilience/hunt/sieve.h"

#include <glib/gstdio.h>
#include <string.h>

static enum sieve_name ending_of(const char *name, guint64 *ending)
{
    return sieve_name((const guint8 *)name, strlen(name), ending);
}

static void test_names(void)
{
    static const struct {
        const char *name;
        enum sieve_name sort;
    } rows[] = {
        { "evil.example", SIEVE_NAME_HAS_ENDING },
        { "a.xn--p1ai", SIEVE_NAME_HAS_ENDING },
        { "evil._x", SIEVE_NAME_HAS_ENDING },
        { "-.co", SIEVE_NAME_HAS_ENDING },
        { ".co", SIEVE_NAME_HAS_ENDING },
        { "a.b", SIEVE_NAME_PASSES },
        { "a.b-c", SIEVE_NAME_PASSES },
        { "localhost", SIEVE_NAME_PASSES },
        { "evil.1a", SIEVE_NAME_REFUSES },
        { "evil.-a", SIEVE_NAME_REFUSES },
        { "evil.", SIEVE_NAME_REFUSES },
    };
    guint64 ending;

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(ending_of(rows[i].name, &ending), ==, rows[i].sort);
}

/* Only what can be seen around the dot counts, up to what no label goes over. */
static void test_endings(void)
{
    static const struct {
        const char *one, *other;
        gboolean same;
    } rows[] = {
        { "evil.example", "www.evil.example", TRUE },
        { "evil.example", "evil.exotic", TRUE },
        { "longer-label.co", "www.another-label.co", TRUE },
        { "x.co", "a-x.co", TRUE },
        { "x.co", "ax.co", FALSE },
        { "evil.example", "evil.test", FALSE },
        { "evil.example", "devil.example", FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint64 one, other;

        g_assert_cmpint(ending_of(rows[i].one, &one), ==, SIEVE_NAME_HAS_ENDING);
        g_assert_cmpint(ending_of(rows[i].other, &other), ==, SIEVE_NAME_HAS_ENDING);
        g_assert_cmpint(one == other, ==, rows[i].same);
    }
}

static void test_middles(void)
{
    g_autofree guint64 *networks = g_new0(guint64, HUNT_KEY_NETWORKS_BITS / 64);
    guint64 middles[HUNT_KEY_MIDDLES_WORDS], octets = 0;
    guint set = 0, middle;

    networks[(10u << 16 | 20u << 8 | 30u) / 64] |= (guint64)1 << 30;
    networks[(99u << 16 | 20u << 8 | 30u) / 64] |= (guint64)1 << 30;
    g_assert_true(sieve_middles(networks, middles));
    memcpy(&octets, "20.30", 5);
    middle = hunt_key_middle(GUINT64_FROM_LE(octets));
    g_assert_true(middles[middle / 64] >> middle % 64 & 1);
    for (guint i = 0; i < HUNT_KEY_MIDDLES_WORDS; i++)
        set += (guint)__builtin_popcountll(middles[i]);
    g_assert_cmpuint(set, ==, 1);
    memset(networks + (10u << 16) / 64, 0xff, 0x10000 / 8); /* 10.0.0.0/8 */
    g_assert_false(sieve_middles(networks, middles));
}

/* ---- in tables */

static char *table_of(const char *folder, gint64 built_us, const char *const *values)
{
    g_autofree char *name = g_strdup_printf("%" G_GINT64_FORMAT, built_us);
    char *path = g_build_filename(folder, name, NULL);
    g_autoptr(hunt_compiler_t) compiler = hunt_compiler_new(path, built_us, 0, NULL);
    struct feed_report *report = feed_report_new();
    struct feed_source *source = g_new0(struct feed_source, 1);

    source->name = g_strdup("list.txt");
    g_ptr_array_add(report->sources, source);
    for (; *values; values++) {
        struct assertion assertion = { .confidence = ASSERTION_NO_CONFIDENCE };
        enum indicator_why why;

        g_assert_true(indicator_parse(*values, strlen(*values), 0, &assertion.indicator, &why));
        g_assert_true(hunt_compiler_take(&assertion, compiler, NULL));
        indicator_clear(&assertion.indicator);
    }
    g_assert_true(hunt_compiler_finish(compiler, report, NULL, NULL));
    feed_report_free(report);
    return path;
}

static void count(const struct hunt_match *match, gpointer data)
{
    ++*(guint *)data;
}

static guint matches(const struct hunt_needles *needles)
{
    static const char log[] =
        "evil.example 192.0.2.7 worse.test 10.9.8.7 deep.evil.1a a.b good.test\n"
        "www.evil.example. x-192.0.2.7-x not-worse.test 1.192.0.2.7 WORSE.test\n";
    g_autofree guint8 *bytes = g_malloc0(sizeof log + HUNT_SCAN_PADDING);
    g_autoptr(hunt_scanner_t) scanner = hunt_scanner_new(needles);
    guint found = 0;

    memcpy(bytes, log, sizeof log - 1);
    hunt_scan_lines(scanner, bytes, sizeof log - 1, 0, 1, count, &found);
    return found;
}

static void test_tables(void)
{
    static const char *const few[] = { "evil.example", "192.0.2.7", "a.b", NULL };
    static const char *const others[] = { "worse.test", NULL };
    static const char *const wide[] = { "worse.test", "10.0.0.0/8", NULL };
    static const char *const odd[] = { "evil.1a", "192.0.2.7", NULL };
    static const struct {
        const char *const *tables[2];
        gboolean endings, middles;
        guint matches;
    } rows[] = {
        { { few }, TRUE, TRUE, 5 },         { { others }, TRUE, FALSE, 2 },
        { { wide }, TRUE, FALSE, 3 },       { { odd }, FALSE, TRUE, 3 },
        { { few, others }, TRUE, TRUE, 7 }, { { few, wide }, TRUE, FALSE, 8 },
        { { few, odd }, FALSE, TRUE, 6 },
    };
    g_autofree char *folder = g_dir_make_tmp("entente-sieve-XXXXXX", NULL);

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *first = table_of(folder, 1, rows[i].tables[0]);
        g_autofree char *second = rows[i].tables[1] ? table_of(folder, 2, rows[i].tables[1]) : NULL;
        const char *const paths[] = { first, second, NULL };
        g_autoptr(GError) error = NULL;
        g_autoptr(hunt_table_t) table = hunt_table_open_all(paths, &error);
        struct hunt_needles needles;

        g_assert_no_error(error);
        needles = hunt_table_needles(table);
        g_assert_cmpint(needles.sieve.endings != NULL, ==, rows[i].endings);
        g_assert_cmpint(needles.sieve.middles != NULL, ==, rows[i].middles);
        g_assert_cmpuint(matches(&needles), ==, rows[i].matches);
        needles.sieve = (struct hunt_sieve){ NULL };
        g_assert_cmpuint(matches(&needles), ==, rows[i].matches);
        g_unlink(first);
        if (second)
            g_unlink(second);
    }
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sieve/names", test_names);
    g_test_add_func("/sieve/endings", test_endings);
    g_test_add_func("/sieve/middles", test_middles);
    g_test_add_func("/sieve/tables", test_tables);
    return g_test_run();
}
