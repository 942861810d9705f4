/* log_lab.h: for tests of a log's writer: a log in a folder of its own, and what must hold of it.
 */
#pragma once
#include "base/error.h"
#include "base/file.h"
#include "log/tree.h"
#include "log/writer.h"

#include <stdio.h>

#define ORIGIN "log.example/2026"

struct fixture {
    char *folder, *log, *lock_file;
    struct signing_key *key;
    struct log_writer_options options;
    struct merkle *merkle;
};

static inline void remove_tree(const char *path)
{
    const char *const command[] = { "rm", "-rf", path, NULL };

    g_assert_true(g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
}

static inline void copy_tree(const char *from, const char *to)
{
    const char *const command[] = { "cp", "-a", from, to, NULL };

    g_assert_true(g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
}

static inline void set_up(struct fixture *fixture, gconstpointer data)
{
    const guint8 seed[KEY_SEED_SIZE] = { 7 };
    g_autoptr(GError) error = NULL;

    fixture->folder = g_dir_make_tmp("entente-log-XXXXXX", NULL);
    fixture->log = g_build_filename(fixture->folder, "log", NULL);
    fixture->lock_file = g_build_filename(fixture->folder, "lock.db", NULL);
    fixture->key = signing_key_from_seed(ORIGIN, seed, NULL);
    fixture->merkle = merkle_new();
    fixture->options = (struct log_writer_options){
        .folder = fixture->log, .lock_file = fixture->lock_file, .key = fixture->key, .threads = 2
    };
    log_create(&fixture->options, &error);
    g_assert_no_error(error);
}

static inline void tear_down(struct fixture *fixture, gconstpointer data)
{
    remove_tree(fixture->folder);
    merkle_free(fixture->merkle);
    signing_key_free(fixture->key);
    g_free(fixture->folder);
    g_free(fixture->log);
    g_free(fixture->lock_file);
}

static inline struct log_writer *open_log(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    struct log_writer *writer = log_writer_open(&fixture->options, &error);

    g_assert_no_error(error);
    return writer;
}

static inline void assert_refused(struct fixture *fixture, enum entente_error code)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(log_writer_open(&fixture->options, &error));
    g_assert_error(error, ENTENTE_ERROR, (int)code);
}

/* Entry `number`: of various lengths, each different. */
static inline GBytes *entry_of(guint number)
{
    return g_bytes_new_take(
        g_strdup_printf("{\"entry\":%u,\"pad\":\"%.*s\"}", number, (int)(number % 40),
                        "........................................"),
        (gsize)snprintf(NULL, 0, "{\"entry\":%u,\"pad\":\"\"}", number) + number % 40);
}

static inline void add(struct log_writer *writer, guint first, guint count)
{
    for (guint i = first; i < first + count; i++) {
        g_autoptr(GBytes) entry = entry_of(i);
        g_autoptr(GError) error = NULL;
        guint64 index;

        log_writer_add(writer, entry, &index, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(index, ==, i);
    }
}

static inline void forget(enum log_submitted outcome, guint64 index, const GError *error,
                          gpointer data)
{
    if (data)
        g_atomic_int_inc((int *)data);
}

/* Many at once; the answers are not waited for. */
static inline void submit(struct log_writer *writer, guint first, guint count, gpointer data)
{
    for (guint i = first; i < first + count; i++) {
        g_autoptr(GBytes) entry = entry_of(i);

        while (!log_writer_submit(writer, entry, forget, data))
            g_usleep(1000);
    }
}

static inline void wait_for_size(struct log_writer *writer, guint64 size)
{
    struct log_writer_numbers numbers;

    for (log_writer_numbers(writer, &numbers); numbers.size < size;
         log_writer_numbers(writer, &numbers))
        g_assert_true(log_writer_wait(writer, numbers.size, 180 * G_USEC_PER_SEC));
}

static inline guint64 size_of(struct log_writer *writer)
{
    struct log_writer_numbers numbers;

    log_writer_numbers(writer, &numbers);
    return numbers.size;
}

/* The checkpoint that the writer signs now. */
static inline struct checkpoint *checkpoint_of(struct log_writer *writer)
{
    g_autoptr(GBytes) bytes = log_writer_checkpoint(writer);
    g_autoptr(note_t) note = NULL;
    g_autoptr(GError) error = NULL;
    struct checkpoint *checkpoint;

    g_assert_nonnull(bytes);
    note = note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "note", &error);
    g_assert_no_error(error);
    checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), &error);
    g_assert_no_error(error);
    return checkpoint;
}

/* Entries 0..size-1 of entry_of() are the log, under its root, each with a valid proof (of some).
 */
static inline void assert_holds(struct fixture *fixture, struct log_writer *writer, guint size)
{
    g_autoptr(checkpoint_t) checkpoint = checkpoint_of(writer);
    g_autofree struct merkle_hash *leaves = g_new0(struct merkle_hash, size + 1);
    struct merkle_hash root, path[MERKLE_PATH_LIMIT];

    g_assert_cmpuint(checkpoint->size, ==, size);
    for (guint i = 0; i < size; i++) {
        g_autoptr(GBytes) entry = entry_of(i);

        leaves[i] =
            merkle_leaf(fixture->merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    }
    root = merkle_root(fixture->merkle, leaves, size);
    g_assert_cmpmem(&root, sizeof root, &checkpoint->root, sizeof root);
    for (guint i = 0; i < size; i += 1 + size / 97) {
        g_autoptr(GError) error = NULL;
        guint length;

        log_writer_inclusion(writer, i, size, path, &length, &error);
        g_assert_no_error(error);
        g_assert_true(merkle_includes(fixture->merkle, &leaves[i], i, size, path, length, &root));
    }
}

/* Every file of the log of `size` is there, with its bytes. */
static inline void assert_tiles(struct fixture *fixture, guint size)
{
    for (guint64 n = 0; n <= size / TILE_WIDTH; n++) {
        const struct tile tile = { TILE_ENTRIES, n, tile_width(TILE_ENTRIES, n, size) };
        g_autofree char *relative = tile_path(&tile);
        g_autofree char *path = g_build_filename(fixture->log, relative, NULL);
        g_autoptr(GByteArray) wanted = g_byte_array_new();
        g_autoptr(GBytes) bytes = NULL;

        for (guint i = 0; i < tile.width; i++) {
            g_autoptr(GBytes) entry = entry_of((guint)n * TILE_WIDTH + i);

            bundle_append(wanted, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
        }
        if (!tile.width)
            continue;
        bytes = file_read(path, BUNDLE_LIMIT, NULL);
        g_assert_nonnull(bytes);
        g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), wanted->data,
                        wanted->len);
    }
}

/* As add(), but all at once. */
static inline void add_many(struct log_writer *writer, guint first, guint count)
{
    submit(writer, first, count, NULL);
    wait_for_size(writer, first + count);
}
