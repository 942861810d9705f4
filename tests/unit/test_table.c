/*
 * Tables, sorted in runs (table_sort, table_run): what is put in is found, what is changed is
 * noticed, the old file stays until the new.
 */
#include "base/error.h"
#include "table/table.h"
#include "table/table_set.h"
#include "table/table_writer.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY (64 * 1024 * 1024)

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

static char *read_file(const char *path, gsize *length)
{
    GError *error = NULL;
    char *bytes;

    g_file_get_contents(path, &bytes, length, &error);
    g_assert_no_error(error);
    return bytes;
}

static void assert_same_bytes(const char *a, const char *b)
{
    gsize a_length, b_length;
    g_autofree char *a_bytes = read_file(a, &a_length), *b_bytes = read_file(b, &b_length);

    g_assert_true(a_length == b_length && memcmp(a_bytes, b_bytes, a_length) == 0);
}

static void test_one_hash_for_many_keys(fixture *f, gconstpointer data)
{
    const guint64 hashes[] = { 0, 1, G_GUINT64_CONSTANT(1) << 63, G_MAXUINT64 };
    struct table_writer *writer = begin(f->path, 1, 0, MEMORY);
    g_autoptr(table_t) table = NULL;
    GError *error = NULL;

    for (guint i = 0; i < 400; i++) {
        g_autofree char *key = g_strdup_printf("key %u", i);

        table_writer_add(writer, hashes[i % 4], key, strlen(key), &i, sizeof i, &error);
        g_assert_no_error(error);
    }
    finish(writer);
    table = open_checked(f->path);
    g_assert_cmpuint(table_info(table)->keys, ==, 400);
    for (guint i = 0; i < 400; i++) {
        g_autofree char *key = g_strdup_printf("key %u", i);
        struct table_cursor cursor;
        const guint8 *value;
        gsize length;

        g_assert_true(table_find(table, hashes[i % 4], key, strlen(key), &cursor));
        g_assert_true(table_next(&cursor, &value, &length));
        g_assert_cmpmem(value, length, &i, sizeof i);
        g_assert_false(table_next(&cursor, &value, &length));
        g_assert_false(table_find(table, hashes[(i + 1) % 4], key, strlen(key), &cursor));
        g_assert_false(table_find(table, hashes[i % 4], "key", 3, &cursor));
    }
}

#define MANY 1000000

/* Keys 0, 3, 6 ... are there, each with its number; every hundredth one twice. */
static void write_many(const char *path, gsize memory, gboolean backwards)
{
    struct table_writer *writer = begin(path, 1, 0, memory);
    GError *error = NULL;

    for (guint64 i = 0; i < MANY; i++) {
        guint64 n = 3 * (backwards ? MANY - 1 - i : i);

        for (guint64 times = n % 100 ? 1 : 2; times; times--) {
            if (!table_writer_add(writer, mix(n), &n, sizeof n, &times, sizeof times, &error))
                g_error("%s", error->message);
        }
    }
    finish(writer);
}

static void test_a_million_keys(fixture *f, gconstpointer data)
{
    g_autofree char *again = g_build_filename(f->folder, "b.table", NULL);
    g_autofree char *backwards = g_build_filename(f->folder, "c.table", NULL);
    g_autoptr(table_t) table = NULL;
    struct table_filter filter;
    guint passed = 0;

    write_many(f->path, MEMORY * 4, FALSE);
    table = open_checked(f->path);
    g_assert_cmpuint(table_info(table)->keys, ==, MANY);
    filter = table_filter(table);
    for (guint64 n = 0; n < 3 * MANY; n++) {
        struct table_cursor cursor;
        gboolean there = table_find(table, mix(n), &n, sizeof n, &cursor);
        gboolean maybe = table_maybe(filter, mix(n));

        if (there != (n % 3 == 0) || (there && !maybe))
            g_error("key %" G_GUINT64_FORMAT " is not as it was put in", n);
        passed += maybe && !there;
    }
    /* One in 190 of two million that are not there; the keys of a word vary as chance has it. */
    g_assert_cmpuint(passed, <, 2 * MANY / 180);
    /* More runs than are merged at once; the same bytes as from memory. */
    write_many(again, 0, FALSE);
    assert_same_bytes(f->path, again);
    /* Other keys come in another order, but each key's values do not. */
    write_many(backwards, MEMORY / 4, TRUE);
    assert_same_bytes(f->path, backwards);
}

static void test_long_keys_and_values(fixture *f, gconstpointer data)
{
    g_autofree char *key = g_malloc(TABLE_KEY_MAX + 1), *value = g_malloc(TABLE_VALUE_MAX + 1);
    g_autoptr(table_writer_t) writer = begin(f->path, 1, 0, 0);
    g_autoptr(table_t) table = NULL;
    g_autoptr(GError) error = NULL;
    struct table_cursor cursor;
    const guint8 *found;
    gsize length;

    memset(key, 'k', TABLE_KEY_MAX + 1);
    memset(value, 'v', TABLE_VALUE_MAX + 1);
    for (guint i = 0; i < 5; i++) /* in more than one run */
        g_assert_true(
            table_writer_add(writer, 5, key, TABLE_KEY_MAX - i, value, TABLE_VALUE_MAX - i, NULL));
    g_assert_true(table_writer_finish(writer, 0600, NULL));
    table = open_checked(f->path);
    for (guint i = 0; i < 5; i++) {
        g_assert_true(table_find(table, 5, key, TABLE_KEY_MAX - i, &cursor));
        g_assert_true(table_next(&cursor, &found, &length));
        g_assert_cmpmem(found, length, value, TABLE_VALUE_MAX - i);
    }
    table_writer_free(g_steal_pointer(&writer));
    writer = begin(f->path, 1, 0, 0);
    g_assert_false(table_writer_add(writer, 5, key, TABLE_KEY_MAX + 1, value, 1, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_false(table_writer_add(writer, 5, key, 1, value, TABLE_VALUE_MAX + 1, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

/* A small table with a section, and all of its bytes. */
static char *small_table(const char *path, guint64 serial, gsize *length)
{
    struct table_writer *writer = begin(path, serial, 0, MEMORY);
    GError *error = NULL;

    for (guint i = 0; i < 40; i++) {
        g_autofree char *key = g_strdup_printf("name%u.example", i % 30);

        add(writer, key, "some value");
    }
    table_writer_section(writer, 20, 1, "texts", 5, &error);
    g_assert_no_error(error);
    finish(writer);
    return read_file(path, length);
}

/* Everything that can be read is read; what it says does not matter, where it lies does. */
static guint read_everything(const struct table *table)
{
    struct table_walk walk = { 0 };
    guint sum = 0;

    while (table_walk_next(table, &walk)) {
        struct table_cursor cursor;
        const guint8 *value;
        gsize length;

        if (!table_find(table, walk.hash, walk.key, walk.length, &cursor))
            continue;
        while (table_next(&cursor, &value, &length)) {
            for (gsize i = 0; i < length; i++)
                sum += value[i];
        }
    }
    return sum;
}

/* Opens changed bytes; where that works the digest at least must not. */
static void assert_noticed(const char *bytes, gsize length, const char *what, gsize where)
{
    g_autoptr(GBytes) changed = g_bytes_new(bytes, length);
    g_autoptr(table_t) table = table_open_bytes(changed, "changed", "test", NULL);
    g_autoptr(GError) error = NULL;

    if (!table)
        return;
    read_everything(table);
    if (table_check(table, &error))
        g_error("%s at %" G_GSIZE_FORMAT " was not noticed", what, where);
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
}

static void test_every_changed_byte_is_noticed(fixture *f, gconstpointer data)
{
    gsize length;
    g_autofree char *bytes = small_table(f->path, 1, &length);

    for (gsize i = 0; i < length; i++) {
        static const guint8 changes[] = { 0x01, 0x80, 0xff };

        for (gsize j = 0; j < G_N_ELEMENTS(changes); j++) {
            bytes[i] = (char)(bytes[i] ^ changes[j]);
            assert_noticed(bytes, length, "a changed byte", i);
            bytes[i] = (char)(bytes[i] ^ changes[j]);
        }
    }
}

static void test_every_cut_is_refused(fixture *f, gconstpointer data)
{
    gsize length;
    g_autofree char *bytes = small_table(f->path, 1, &length);

    for (gsize cut = 0; cut <= length + 1; cut++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) part = NULL;
        g_autofree char *copy = g_malloc0(length + 1);
        guint64 size = cut;

        if (cut == length)
            continue;
        memcpy(copy, bytes, MIN(cut, length));
        part = g_bytes_new(copy, cut);
        g_assert_null(table_open_bytes(part, "cut", "test", &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        /* Also when the header says that it must be so. */
        g_clear_pointer(&part, g_bytes_unref);
        memcpy(copy + 80, &size, sizeof size);
        part = g_bytes_new(copy, cut);
        g_assert_null(table_open_bytes(part, "cut", "test", NULL));
    }
}

static void test_only_tables_of_the_kind_are_opened(fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(table_t) any = NULL;
    gsize length;

    g_free(small_table(f->path, 1, &length));
    g_assert_null(table_open(f->path, "hunt", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "\"test\", not \"hunt\""));
    g_clear_error(&error);
    g_assert_null(table_open(f->folder, "test", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    any = table_open(f->path, NULL, NULL);
    g_assert_nonnull(any);
}

static guint files_in(const char *folder)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    guint count = 0;

    while (g_dir_read_name(entries))
        count++;
    return count;
}

/* A child that adds without end; killed when it has written for a while. */
static void kill_a_writer(const char *folder, const char *path)
{
    int status;
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        struct table_writer *writer = begin(path, 9, 0, 0);

        for (guint64 n = 0;; n++)
            table_writer_add(writer, mix(n), &n, sizeof n, "new", 3, NULL);
    }
    while (files_in(folder) < 2)
        g_usleep(1000);
    g_usleep(100 * 1000);
    kill(child, SIGKILL);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_a_killed_writer_leaves_the_old_table(fixture *f, gconstpointer data)
{
    gsize length, after_length;
    g_autofree char *before = small_table(f->path, 1, &length), *after = NULL;

    kill_a_writer(f->folder, f->path);
    after = read_file(f->path, &after_length);
    g_assert_cmpmem(after, after_length, before, length);
    /* Its leftovers go away with the next table. */
    g_free(small_table(f->path, 2, &length));
    g_assert_cmpuint(files_in(f->folder), ==, 1);
}

/* In a child, where files may not grow beyond a size; whether the table was built. */
static gboolean build_in_little_room(const char *path, rlim_t room)
{
    int status;
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        const struct rlimit limit = { room, room };
        struct table_writer *writer = begin(path, 9, 0, 0);
        GError *error = NULL;
        gboolean done = TRUE;

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        for (guint64 n = 0; done && n < 100000; n++)
            done = table_writer_add(writer, mix(n), &n, sizeof n, "new", 3, &error);
        done = done && table_writer_finish(writer, 0600, &error);
        table_writer_free(writer);
        _exit(done ? 0 : g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM) ? 1 : 2);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 0;
}

static void test_a_full_disk_leaves_the_old_table(fixture *f, gconstpointer data)
{
    gsize length, size, after_length;
    g_autofree char *before = small_table(f->path, 1, &length);
    g_autofree char *other = g_build_filename(f->folder, "other.table", NULL);

    g_assert_true(build_in_little_room(other, RLIM_INFINITY));
    g_free(read_file(other, &size));
    /* Full while runs are written, records, slots, and the last of the filter. */
    for (guint share = 0; share < 4; share++) {
        const rlim_t rooms[] = { 10000, size / 4, size / 4 * 3, size - 1 };
        g_autofree char *after = NULL;

        g_assert_false(build_in_little_room(f->path, rooms[share]));
        after = read_file(f->path, &after_length);
        g_assert_cmpmem(after, after_length, before, length);
        g_assert_cmpuint(files_in(f->folder), ==, 2);
    }
}

static void test_an_unfinished_writer_leaves_nothing(fixture *f, gconstpointer data)
{
    struct table_writer *writer = begin(f->path, 1, 0, MEMORY);

    add(writer, "key", "value");
    table_writer_free(writer);
    g_assert_cmpuint(files_in(f->folder), ==, 0);
}

static void install(fixture *f, const char *from, int code)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *to = g_build_filename(f->folder, "installed.table", NULL);

    g_assert_cmpint(table_install(from, to, "test", &error), ==, code < 0);
    if (code >= 0)
        g_assert_error(error, ENTENTE_ERROR, code);
    else
        assert_same_bytes(from, to);
}

static void test_an_older_table_is_not_installed(fixture *f, gconstpointer data)
{
    g_autofree char *old = g_build_filename(f->folder, "old.table", NULL);
    g_autofree char *other = g_build_filename(f->folder, "other.table", NULL);
    g_autofree char *installed = g_build_filename(f->folder, "installed.table", NULL);
    g_autofree char *bytes = NULL;
    struct table_writer *writer;
    gsize length;

    g_free(small_table(old, 4, &length));
    bytes = small_table(f->path, 5, &length);
    writer = begin(other, 5, 0, MEMORY);
    add(writer, "another", "table");
    finish(writer);

    install(f, old, -1);
    install(f, f->path, -1);
    install(f, f->path, -1);
    install(f, old, ENTENTE_ERROR_POLICY);
    install(f, other, ENTENTE_ERROR_POLICY);
    assert_same_bytes(f->path, installed);
    g_assert_cmpuint(files_in(f->folder), ==, 4);
}

static void test_a_changed_table_is_not_installed(fixture *f, gconstpointer data)
{
    g_autofree char *installed = g_build_filename(f->folder, "installed.table", NULL);
    gsize length;
    g_autofree char *bytes = small_table(f->path, 5, &length);

    bytes[length - 1] ^= 1;
    g_assert_true(g_file_set_contents(f->path, bytes, length, NULL));
    install(f, f->path, ENTENTE_ERROR_FOUND);
    g_assert_false(g_file_test(installed, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_set_contents(f->path, bytes, length - 1, NULL));
    install(f, f->path, ENTENTE_ERROR_INPUT);
    /* What is in its place and is no table does not stand in the way of one. */
    g_assert_true(g_file_set_contents(installed, "nothing", -1, NULL));
    g_free(small_table(f->path, 1, &length));
    install(f, f->path, -1);
}

static void assert_in_set(const struct table_set *set, const char *key, const char *expected)
{
    g_autoptr(GString) values = g_string_new(NULL);
    struct table_set_cursor cursor;
    const guint8 *value;
    gsize length, table;

    if (!table_set_find(set, hash_of(key), key, strlen(key), &cursor)) {
        g_assert_null(expected);
        return;
    }
    g_assert_true(table_set_maybe(set, hash_of(key)));
    while (table_set_next(&cursor, &value, &length, &table))
        g_string_append_printf(values, "%" G_GSIZE_FORMAT ":%.*s ", table, (int)length, value);
    g_assert_cmpstr(values->str, ==, expected);
}

static void test_segments_add_and_hide(fixture *f, gconstpointer data)
{
    g_autofree char *b = g_build_filename(f->folder, "b.table", NULL);
    g_autofree char *c = g_build_filename(f->folder, "c.table", NULL);
    const char *const paths[] = { f->path, b, c };
    const char *const backwards[] = { b, f->path };
    struct table_writer *writer = begin(f->path, 1, 0, MEMORY);
    g_autoptr(table_set_t) set = NULL;
    g_autoptr(GError) error = NULL;

    add(writer, "kept", "base");
    add(writer, "gone", "base");
    add(writer, "renewed", "base");
    finish(writer);
    writer = begin(b, 2, 1, MEMORY);
    add(writer, "kept", "more");
    add(writer, "renewed", "new");
    table_writer_hide(writer, hash_of("renewed"), "renewed", 7, &error);
    table_writer_hide(writer, hash_of("gone"), "gone", 4, &error);
    g_assert_no_error(error);
    finish(writer);
    writer = begin(c, 3, 1, MEMORY);
    add(writer, "renewed", "later");
    add(writer, "late", "only");
    finish(writer);

    set = table_set_open(paths, 3, "test", &error);
    g_assert_no_error(error);
    assert_in_set(set, "kept", "0:base 1:more ");
    assert_in_set(set, "gone", NULL);
    assert_in_set(set, "renewed", "1:new 2:later ");
    assert_in_set(set, "late", "2:only ");
    assert_in_set(set, "never", NULL);
    g_assert_null(table_set_open(backwards, 2, "test", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    /* A floor above the base withdraws it. */
    finish(begin(c, 4, 2, MEMORY));
    g_assert_null(table_set_open(paths, 3, "test", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add("/table/" #name, fixture, NULL, set_up, test_##name, tear_down)
    CASE(values_come_in_the_order_of_adding);
    CASE(a_table_of_nothing);
    CASE(one_hash_for_many_keys);
    CASE(a_million_keys);
    CASE(long_keys_and_values);
    CASE(every_changed_byte_is_noticed);
    CASE(every_cut_is_refused);
    CASE(only_tables_of_the_kind_are_opened);
    CASE(a_killed_writer_leaves_the_old_table);
    CASE(a_full_disk_leaves_the_old_table);
    CASE(an_unfinished_writer_leaves_nothing);
    CASE(an_older_table_is_not_installed);
    CASE(a_changed_table_is_not_installed);
    CASE(segments_add_and_hide);
    return g_test_run();
}
