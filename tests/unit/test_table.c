/* Tables: what is put in is found, what is changed is noticed, the old file stays until the new. */
#include "base/error.h"
#include "table/table.h"
#include "table/table_set.h"
#include "table/table_writer.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY (64 * 1024 * 1024)
#define HEADER_SIZE 896

typedef struct {
    char *folder, *path;
} fixture;

static void set_up(fixture *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp("entente-table-XXXXXX", NULL);
    f->path = g_build_filename(f->folder, "a.table", NULL);
}

static void tear_down(fixture *f, gconstpointer data)
{
    g_autoptr(GDir) entries = g_dir_open(f->folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(f->folder, name, NULL);

        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->folder);
    g_free(f->path);
}

static guint64 mix(guint64 x)
{
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    return x ^ x >> 32;
}

static guint64 hash_of(const char *key)
{
    guint64 hash = strlen(key);

    for (; *key; key++)
        hash = mix(hash ^ (guint8)*key);
    return mix(hash);
}

static struct table_writer *begin(const char *path, guint64 serial, guint64 floor, gsize memory)
{
    const struct table_description description = {
        .kind = "test", .serial = serial, .floor = floor, .built_us = 1000, .expires_us = 2000
    };
    GError *error = NULL;
    struct table_writer *writer = table_writer_new(path, &description, memory, &error);

    g_assert_no_error(error);
    return writer;
}

static void add(struct table_writer *writer, const char *key, const char *value)
{
    GError *error = NULL;

    table_writer_add(writer, hash_of(key), key, strlen(key), value, strlen(value), &error);
    g_assert_no_error(error);
}

static void finish(struct table_writer *writer)
{
    GError *error = NULL;

    table_writer_finish(writer, 0600, &error);
    g_assert_no_error(error);
    table_writer_free(writer);
}

static struct table *open_checked(const char *path)
{
    GError *error = NULL;
    struct table *table = table_open(path, "test", &error);

    g_assert_no_error(error);
    table_check(table, &error);
    g_assert_no_error(error);
    return table;
}

/* The values of a key, each followed by a blank; NULL when the key is not there. */
static char *values_of(const struct table *table, const char *key)
{
    GString *values = g_string_new(NULL);
    struct table_cursor cursor;
    const guint8 *value;
    gsize length;

    if (!table_find(table, hash_of(key), key, strlen(key), &cursor)) {
        g_string_free(values, TRUE);
        return NULL;
    }
    g_assert_true(table_maybe(table_filter(table), hash_of(key)));
    while (table_next(&cursor, &value, &length)) {
        g_string_append_len(values, (const char *)value, length);
        g_string_append_c(values, ' ');
    }
    return g_string_free(values, FALSE);
}

static void assert_values(const struct table *table, const char *key, const char *expected)
{
    g_autofree char *values = values_of(table, key);

    g_assert_cmpstr(values, ==, expected);
}

static void test_values_come_in_the_order_of_adding(fixture *f, gconstpointer data)
{
    struct table_writer *writer = begin(f->path, 7, 3, MEMORY);
    g_autoptr(table_t) table = NULL;
    static const guint32 numbers[] = { 5, 6, 7 };
    const guint32 *section;
    gsize items;
    GError *error = NULL;

    add(writer, "evil.example", "second");
    add(writer, "bad.example", "only");
    add(writer, "evil.example", "first");
    add(writer, "evil.example", "second");
    add(writer, "", "of the empty key");
    add(writer, "no value", "");
    table_writer_section(writer, 16, sizeof numbers[0], numbers, sizeof numbers, &error);
    g_assert_no_error(error);
    finish(writer);

    table = open_checked(f->path);
    assert_values(table, "evil.example", "second first second ");
    assert_values(table, "bad.example", "only ");
    assert_values(table, "", "of the empty key ");
    assert_values(table, "no value", " ");
    assert_values(table, "good.example", NULL);
    assert_values(table, "evil.exampl", NULL);
    g_assert_cmpstr(table_info(table)->kind, ==, "test");
    g_assert_cmpuint(table_info(table)->serial, ==, 7);
    g_assert_cmpuint(table_info(table)->floor, ==, 3);
    g_assert_cmpint(table_info(table)->built_us, ==, 1000);
    g_assert_cmpint(table_info(table)->expires_us, ==, 2000);
    g_assert_cmpuint(table_info(table)->keys, ==, 4);
    g_assert_cmpuint(table_info(table)->values, ==, 6);
    section = table_section(table, 16, sizeof *section, &items);
    g_assert_cmpmem(section, items * sizeof *section, numbers, sizeof numbers);
    g_assert_cmpuint((guintptr)section % 64, ==, 0);
    g_assert_null(table_section(table, 16, 8, &items));
    g_assert_null(table_section(table, 17, 4, &items));
}

static void test_a_table_of_nothing(fixture *f, gconstpointer data)
{
    g_autoptr(table_t) table = NULL;
    struct table_walk walk = { 0 };

    finish(begin(f->path, 1, 0, MEMORY));
    table = open_checked(f->path);
    assert_values(table, "anything", NULL);
    g_assert_false(table_maybe(table_filter(table), hash_of("anything")));
    g_assert_false(table_walk_next(table, &walk));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add("/table/" #name, fixture, NULL, set_up, test_##name, tear_down)
    CASE(values_come_in_the_order_of_adding);
    CASE(a_table_of_nothing);
    return g_test_run();
}
