/* retro_store.h: what was searched and found; retro.h: which tables a search is made with. */
#include "p1_resilience/hunt/retro.h"
#include "p1_resilience/hunt/retro_store.h"

#include <glib/gstdio.h>
#include <string.h>

#define DAY_US (G_GINT64_CONSTANT(24) * 3600 * G_USEC_PER_SEC)
#define NOW_US (20000 * DAY_US + 7)

typedef struct {
    char *folder;
    struct retro_store *store;
} fixture;

static void set_up(fixture *f, gconstpointer data)
{
    GError *error = NULL;

    f->folder = g_dir_make_tmp("entente-retro-XXXXXX", NULL);
    g_assert_null(retro_store_open_existing(f->folder, &error)); /* nothing was ever searched */
    g_assert_no_error(error);
    f->store = retro_store_open(f->folder, &error);
    g_assert_no_error(error);
}

static void remove_all(const char *folder)
{
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(names))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            remove_all(path);
        else
            g_unlink(path);
    }
    g_rmdir(folder);
}

static void tear_down(fixture *f, gconstpointer data)
{
    retro_store_close(f->store);
    remove_all(f->folder);
    g_free(f->folder);
}

/* Records one hit, and gives how many were new. */
static guint64 record(fixture *f, const char *indicator, guint64 line, gint64 time_us,
                      const struct retro_found *how)
{
    struct retro_hit hit = { .file = (char *)"web.log",
                             .indicator = (char *)indicator,
                             .token = (char *)indicator,
                             .sources = (char *)"list",
                             .kind = "domain",
                             .tlp = "amber",
                             .line = line,
                             .offset = line * 100,
                             .time_us = time_us };
    g_autoptr(GPtrArray) hits = g_ptr_array_new();
    struct retro_found found = *how;
    GError *error = NULL;
    guint64 fresh = 77;

    g_ptr_array_add(hits, &hit);
    found.hits = hits;
    g_assert_true(retro_store_record(f->store, &found, NOW_US, &fresh, &error));
    g_assert_no_error(error);
    return fresh;
}

static void record_news(fixture *f, const char *indicator, guint64 line, gint64 time_us,
                        const struct retro_found *how, guint64 wanted)
{
    const guint64 fresh = record(f, indicator, line, time_us, how);

    g_assert_cmpuint(fresh, ==, wanted);
}

static const struct retro_found in_web = { .log = "web", .stem = "web.log" };

static void test_a_hit_is_news_once(fixture *f, gconstpointer data)
{
    const struct retro_found rotated = { .log = "web", .stem = "web.log", .is_copy = TRUE };
    const struct retro_found elsewhere = { .log = "mail", .stem = "mail.log" };

    record_news(f, "evil.example", 3, NOW_US, &in_web, 1);
    record_news(f, "evil.example", 3, NOW_US, &in_web, 0);
    record_news(f, "evil.example", 4, NOW_US, &in_web, 1);
    record_news(f, "evil.example", 3, NOW_US, &rotated, 0);
    record_news(f, "evil.example", 3, NOW_US, &elsewhere, 1);
}

static void test_groups_are_told_once(fixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) groups = NULL, again = NULL;
    const struct retro_group *group;

    record(f, "evil.example", 3, NOW_US - DAY_US, &in_web);
    record(f, "evil.example", 9, NOW_US, &in_web);
    record(f, "bad.test", 5, HIT_TIME_NONE, &in_web);
    groups = retro_store_untold(f->store, NULL);
    g_assert_cmpuint(groups->len, ==, 2);
    group = groups->pdata[0];
    if (!g_str_equal(group->indicator, "evil.example"))
        group = groups->pdata[1];
    g_assert_cmpuint(group->count, ==, 2);
    g_assert_cmpuint(group->line, ==, 3);
    g_assert_cmpint(group->first_us, ==, NOW_US - DAY_US);
    g_assert_cmpint(group->last_us, ==, NOW_US);
    /* A hit that comes while it is told is told the next time. */
    record(f, "evil.example", 11, NOW_US, &in_web);
    g_assert_true(retro_store_told(f->store, group, NULL));
    again = retro_store_untold(f->store, NULL);
    g_assert_cmpuint(again->len, ==, 2);
    for (guint i = 0; i < again->len; i++)
        g_assert_cmpuint(((const struct retro_group *)again->pdata[i])->count, ==, 1);
}

static void add_day(const struct retro_day *day, gpointer data)
{
    g_string_append_printf(data, "%s %s %s %s %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
                           day->log, day->kind, day->indicator, day->tlp, day->day, day->hits);
}

static void test_days(fixture *f, gconstpointer data)
{
    g_autoptr(GString) text = g_string_new(NULL);

    record(f, "evil.example", 3, NOW_US - DAY_US, &in_web);
    record(f, "evil.example", 4, NOW_US, &in_web);
    record(f, "evil.example", 5, NOW_US + 5, &in_web);
    record(f, "bad.test", 6, HIT_TIME_NONE, &in_web); /* the day it was found */
    g_assert_true(retro_store_days(f->store, add_day, text, NULL));
    g_assert_cmpstr(text->str, ==,
                    "web domain bad.test amber 20000 1\n"
                    "web domain evil.example amber 19999 1\n"
                    "web domain evil.example amber 20000 2\n");
}

static void test_places_and_logs(fixture *f, gconstpointer data)
{
    struct retro_place place = { .device = 1,
                                 .inode = G_MAXUINT64 - 1,
                                 .offset = 500,
                                 .lines = 7,
                                 .size = 600,
                                 .changed_us = 42,
                                 .head = "head",
                                 .tail = "tail",
                                 .origin = "origin",
                                 .tables = "tables" };
    struct retro_place read = { .device = 1, .inode = G_MAXUINT64 - 1 };
    const struct retro_found found = { .log = "web", .stem = "web.log", .place = &place };
    struct retro_log state;
    gboolean known = TRUE;

    g_assert_true(retro_store_place(f->store, "web", &read, &known, NULL));
    g_assert_false(known);
    record(f, "evil.example", 3, NOW_US, &found);
    g_assert_true(retro_store_place(f->store, "web", &read, &known, NULL));
    g_assert_true(known);
    g_assert_cmpmem(&read, sizeof read, &place, sizeof place);
    g_assert_true(retro_store_place(f->store, "mail", &read, &known, NULL));
    g_assert_false(known);
    g_assert_true(retro_store_log(f->store, "web", &state, &known, NULL));
    g_assert_false(known);
    g_assert_true(retro_store_searched(f->store, "web", place.tables, 2, NOW_US, NULL));
    g_assert_true(retro_store_log(f->store, "web", &state, &known, NULL));
    g_assert_true(known);
    g_assert_cmpuint(state.unread, ==, 2);
    g_assert_cmpint(state.time_us, ==, NOW_US);
    g_assert_cmpmem(state.tables, RETRO_DIGEST, place.tables, RETRO_DIGEST);
}

/* What nobody was told of stays, however old; and what was erased is still no news. */
static void test_old_hits_are_erased(fixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) groups = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    const gint64 later_us = NOW_US + (RETRO_DAYS + 1) * DAY_US;

    record(f, "evil.example", 3, NOW_US, &in_web);
    g_assert_true(retro_store_expire(f->store, later_us, NULL));
    groups = retro_store_untold(f->store, NULL);
    g_assert_cmpuint(groups->len, ==, 1);
    g_assert_true(retro_store_told(f->store, groups->pdata[0], NULL));
    g_assert_true(retro_store_expire(f->store, later_us, NULL));
    g_assert_true(retro_store_days(f->store, add_day, text, NULL));
    g_assert_cmpstr(text->str, ==, "");
    record_news(f, "evil.example", 3, NOW_US, &in_web, 0);
}

static void test_tables_are_found_by_name(fixture *f, gconstpointer data)
{
    static const char *const names[] = { "b.table", "a.table", ".c.table", "d.txt" };
    g_autofree char *folder = g_build_filename(f->folder, RETRO_TABLES, NULL);
    g_auto(GStrv) none = hunt_retro_tables(f->folder), found = NULL;

    g_assert_null(none[0]);
    g_mkdir(folder, 0700);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);

        g_assert_true(g_file_set_contents(path, "", 0, NULL));
    }
    found = hunt_retro_tables(f->folder);
    g_assert_cmpuint(g_strv_length(found), ==, 2);
    g_assert_true(g_str_has_suffix(found[0], "/a.table"));
    g_assert_true(g_str_has_suffix(found[1], "/b.table"));
}

#define ADD(NAME, FUNCTION) g_test_add(NAME, fixture, NULL, set_up, FUNCTION, tear_down)

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    ADD("/retro/a-hit-is-news-once", test_a_hit_is_news_once);
    ADD("/retro/groups-are-told-once", test_groups_are_told_once);
    ADD("/retro/days", test_days);
    ADD("/retro/places-and-logs", test_places_and_logs);
    ADD("/retro/old-hits-are-erased", test_old_hits_are_erased);
    ADD("/retro/tables-are-found-by-name", test_tables_are_found_by_name);
    return g_test_run();
}
