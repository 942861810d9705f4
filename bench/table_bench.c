/*
 * table_bench.c: how fast tables are built, opened and asked, beside SQLite with the same keys.
 *
 *     table_bench FOLDER KEYS LOOKUPS
 *
 * Keys are names of 12 to 31 bytes with a value of 8; half of the lookups are of keys that are not
 * there. Prints "name value" lines: CPU seconds, lookups per CPU second, bytes. Lookups ask in an
 * order of chance, the same for both. SQLite has one table WITHOUT ROWID, its whole file mapped and
 * one prepared statement.
 */
#include "table/table.h"
#include "table/table_writer.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_MAX 32
#define MEMORY ((gsize)512 * 1024 * 1024)
#define OPENINGS 200

static double cpu_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

G_GNUC_NORETURN static void fail(const char *what, const char *why)
{
    fprintf(stderr, "table_bench: %s: %s\n", what, why);
    exit(1);
}

static guint64 mix(guint64 x)
{
    x ^= x >> 31;
    x *= G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    x *= G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
    return x ^ x >> 32;
}

/* Even numbers are there, odd ones are not. */
static gsize make_key(guint64 number, char key[static KEY_MAX])
{
    guint64 chance = mix(number + 1);
    gsize length = 8 + chance % 16;

    for (gsize i = 0; i < length; i++, chance = mix(chance))
        key[i] = (char)('a' + chance % 26);
    return length +
           (gsize)g_snprintf(key + length, KEY_MAX - length, ".%" G_GINT64_MODIFIER "x", number);
}

/* Eight bytes at a time, as who makes keys of a table hashes them. */
static guint64 hash_of(const char *key, gsize length)
{
    guint64 hash = length;

    for (gsize i = 0; i < length; i += sizeof hash) {
        guint64 word = 0;

        memcpy(&word, key + i, MIN(sizeof word, length - i));
        hash = mix(hash ^ word);
    }
    return hash;
}

struct lookup {
    char key[KEY_MAX];
    guint32 length;
    gboolean there;
};

static struct lookup *make_lookups(guint64 keys, gsize count)
{
    struct lookup *lookups = g_new(struct lookup, count);

    for (gsize i = 0; i < count; i++) {
        guint64 number = mix(i ^ G_GUINT64_CONSTANT(0x5bd1e995)) % (2 * keys);

        lookups[i].length = (guint32)make_key(number, lookups[i].key);
        lookups[i].there = number % 2 == 0;
    }
    return lookups;
}

static void build_table(const char *path, guint64 keys)
{
    const struct table_description description = { .kind = "bench", .serial = 1 };
    g_autoptr(GError) error = NULL;
    g_autoptr(table_writer_t) writer = table_writer_new(path, &description, MEMORY, &error);
    gboolean done = writer != NULL;

    for (guint64 i = 0; done && i < keys; i++) {
        char key[KEY_MAX];
        gsize length = make_key(2 * i, key);

        done = table_writer_add(writer, hash_of(key, length), key, length, &i, sizeof i, &error);
    }
    if (!done || !table_writer_finish(writer, 0600, &error))
        fail("build", error->message);
}

static void open_table(const char *path)
{
    double best = 1;

    for (guint i = 0; i < OPENINGS; i++) {
        gint64 start = g_get_monotonic_time();
        g_autoptr(table_t) table = table_open(path, "bench", NULL);

        best = MIN(best, (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC);
        if (!table)
            fail("open", path);
    }
    printf("table-open-s %.6f\n", best);
}

static void ask_table(const struct table *table, const struct lookup *lookups, gsize count,
                      gboolean there)
{
    struct table_filter filter = table_filter(table);
    guint64 sum = 0, asked = 0;
    double start = cpu_seconds();

    for (gsize i = 0; i < count; i++) {
        const struct lookup *lookup = &lookups[i];
        struct table_cursor cursor;
        const guint8 *value;
        gsize length;
        guint64 hash;
        gboolean found;

        if (lookup->there != there)
            continue;
        asked++;
        hash = hash_of(lookup->key, lookup->length);
        found = table_maybe(filter, hash) &&
                table_find(table, hash, lookup->key, lookup->length, &cursor);
        if (found != there)
            fail("table", "a key is not as it was put in");
        if (found && table_next(&cursor, &value, &length))
            sum += value[0];
    }
    printf("table-%s-per-s %.0f\n", there ? "hits" : "misses",
           (double)asked / (cpu_seconds() - start));
    if (sum == G_MAXUINT64)
        printf("sum\n"); /* so that it is read */
}

static void run(sqlite3 *database, const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sql, sqlite3_errmsg(database));
}

static void build_sqlite(sqlite3 *database, guint64 keys)
{
    sqlite3_stmt *insert;

    run(database, "PRAGMA journal_mode=OFF");
    run(database, "PRAGMA synchronous=OFF");
    run(database, "PRAGMA mmap_size=17179869184");
    run(database, "CREATE TABLE t(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID");
    run(database, "BEGIN");
    sqlite3_prepare_v2(database, "INSERT INTO t VALUES(?, ?)", -1, &insert, NULL);
    for (guint64 i = 0; i < keys; i++) {
        char key[KEY_MAX];
        gsize length = make_key(2 * i, key);

        sqlite3_bind_blob(insert, 1, key, (int)length, SQLITE_STATIC);
        sqlite3_bind_blob(insert, 2, &i, sizeof i, SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE)
            fail("insert", sqlite3_errmsg(database));
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    run(database, "COMMIT");
}

static void ask_sqlite(sqlite3 *database, const struct lookup *lookups, gsize count, gboolean there)
{
    sqlite3_stmt *select;
    guint64 asked = 0;
    double start = cpu_seconds();

    run(database, "BEGIN");
    sqlite3_prepare_v2(database, "SELECT value FROM t WHERE key = ?", -1, &select, NULL);
    for (gsize i = 0; i < count; i++) {
        if (lookups[i].there != there)
            continue;
        asked++;
        sqlite3_bind_blob(select, 1, lookups[i].key, (int)lookups[i].length, SQLITE_STATIC);
        if ((sqlite3_step(select) == SQLITE_ROW) != there)
            fail("sqlite", "a key is not as it was put in");
        sqlite3_reset(select);
    }
    sqlite3_finalize(select);
    run(database, "COMMIT");
    printf("sqlite-%s-per-s %.0f\n", there ? "hits" : "misses",
           (double)asked / (cpu_seconds() - start));
}

/* What memory allows: one read of each lookup, anywhere in as many bytes as the table has. */
static void ask_memory(gsize bytes, gsize count)
{
    gsize words = MAX(1, bytes / sizeof(guint64));
    g_autofree guint64 *memory = g_new(guint64, words);
    guint64 sum = 0;
    double start;

    memset(memory, 1, words * sizeof *memory);
    start = cpu_seconds();
    for (gsize i = 0; i < count; i++)
        sum += memory[mix(i) % words];
    printf("memory-reads-per-s %.0f\n", (double)count / (cpu_seconds() - start));
    if (sum == G_MAXUINT64)
        printf("sum\n"); /* so that it is read */
}

static void print_size(const char *name, const char *path)
{
    GStatBuf status;

    if (g_stat(path, &status) == 0)
        printf("%s-bytes %" G_GINT64_FORMAT "\n", name, (gint64)status.st_size);
}

static void measure_table(const char *path, guint64 keys, const struct lookup *lookups, gsize count)
{
    double start = cpu_seconds();
    gint64 wall = g_get_monotonic_time();
    g_autoptr(table_t) table = NULL;

    build_table(path, keys);
    printf("table-build-s %.3f\n", cpu_seconds() - start);
    printf("table-build-wall-s %.3f\n", (double)(g_get_monotonic_time() - wall) / G_USEC_PER_SEC);
    open_table(path);
    table = table_open(path, "bench", NULL);
    start = cpu_seconds();
    if (!table_check(table, NULL))
        fail("check", path);
    printf("table-check-s %.3f\n", cpu_seconds() - start);
    ask_table(table, lookups, count, TRUE);
    ask_table(table, lookups, count, FALSE);
    print_size("table", path);
    ask_memory(table_info(table)->size, count);
}

static void measure_sqlite(const char *path, guint64 keys, const struct lookup *lookups,
                           gsize count)
{
    double start = cpu_seconds();
    sqlite3 *database;

    g_unlink(path);
    if (sqlite3_open(path, &database) != SQLITE_OK)
        fail(path, "cannot be opened");
    build_sqlite(database, keys);
    printf("sqlite-build-s %.3f\n", cpu_seconds() - start);
    ask_sqlite(database, lookups, count, TRUE);
    ask_sqlite(database, lookups, count, FALSE);
    sqlite3_close(database);
    print_size("sqlite", path);
}

int main(int argc, char **argv)
{
    g_autofree char *table = NULL, *sqlite = NULL;
    g_autofree struct lookup *lookups = NULL;
    guint64 keys;
    gsize count;

    if (argc != 4)
        fail("usage", "table_bench FOLDER KEYS LOOKUPS");
    keys = MAX(1, g_ascii_strtoull(argv[2], NULL, 10));
    count = g_ascii_strtoull(argv[3], NULL, 10);
    table = g_build_filename(argv[1], "bench.table", NULL);
    sqlite = g_build_filename(argv[1], "bench.db", NULL);
    lookups = make_lookups(keys, count);
    measure_table(table, keys, lookups, count);
    measure_sqlite(sqlite, keys, lookups, count);
    return 0;
}
