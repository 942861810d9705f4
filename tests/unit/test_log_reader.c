/* Modules reader and source_folder, on the log that Tessera wrote and on a larger one made here. */
#include "base/error.h"
#include "base/file.h"
#include "log/reader.h"
#include "tlog_vectors.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define TESSERA_SIZE 1300

/* The reader of log-1300, trusting the root that golang/mod gives for `size`. */
static struct log_reader *tessera(const char *folder, guint64 size)
{
    g_autoptr(GPtrArray) rows = vectors_rows("roots.jsonl");
    struct log_reader *reader = log_reader_new(log_source_folder(folder));
    g_autoptr(GError) error = NULL;
    gboolean trusted = FALSE;

    for (guint i = 0; i < rows->len; i++) {
        struct merkle_hash root;

        if (json_number(rows->pdata[i], "size", -1) != (gint64)size)
            continue;
        g_assert_true(vectors_hash(json_text(rows->pdata[i], "root"), &root));
        trusted = log_reader_trust(reader, size, &root, &error);
        g_assert_no_error(error);
    }
    g_assert_true(trusted);
    return reader;
}

static gboolean check_entry(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct log_reader *reader = data;
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(note_t) note = log_reader_checkpoint(reader, NULL);
    struct merkle_hash path[MERKLE_PATH_LIMIT], leaf;
    guint length;

    checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), NULL);
    leaf = merkle_leaf(merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    return log_reader_inclusion(reader, index, checkpoint->size, path, &length, error) &&
           merkle_includes(merkle, &leaf, index, checkpoint->size, path, length, &checkpoint->root);
}

/* Every entry that Tessera wrote is read, and has a proof that holds under its checkpoint. */
static void test_tessera_entries(void)
{
    g_autofree char *folder = vectors_path("log-1300");
    g_autoptr(log_reader_t) reader = folder ? tessera(folder, TESSERA_SIZE) : NULL;
    g_autoptr(GError) error = NULL;

    if (!reader)
        return;
    g_assert_true(log_reader_each(reader, 0, TESSERA_SIZE, check_entry, reader, &error));
    g_assert_no_error(error);
    g_assert_null(log_reader_entry(reader, TESSERA_SIZE, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

/* A reader that grew from size to size proves each size consistent with all before. */
static void test_tessera_growth(void)
{
    g_autofree char *folder = vectors_path("log-1300");
    g_autoptr(GPtrArray) rows = vectors_rows("roots.jsonl");
    g_autoptr(log_reader_t) reader = NULL;
    g_autoptr(merkle_t) merkle = merkle_new();
    struct merkle_hash roots[32], path[MERKLE_PATH_LIMIT];
    guint64 sizes[32];
    guint known = 0, length;

    if (!folder)
        return;
    reader = log_reader_new(log_source_folder(folder));
    for (guint i = 0; i < rows->len && known < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;
        guint64 size = (guint64)json_number(rows->pdata[i], "size", -1);

        if (known && size < sizes[known - 1])
            continue;
        g_assert_true(vectors_hash(json_text(rows->pdata[i], "root"), &roots[known]));
        /* Partial tiles are there for some sizes only; others say that they are not. */
        if (!log_reader_trust(reader, size, &roots[known], &error)) {
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
            continue;
        }
        sizes[known] = size;
        for (guint j = 0; j < known; j++) {
            g_assert_true(log_reader_consistency(reader, sizes[j], size, path, &length, &error));
            g_assert_true(
                tree_is_consistent(merkle, sizes[j], &roots[j], size, &roots[known], path, length));
        }
        known++;
    }
    g_assert_cmpuint(known, >=, 8);
    g_assert_cmpuint(sizes[known - 1], ==, TESSERA_SIZE);
}

/* Neither a smaller size, another root, nor a root the tiles do not give is trusted; what was
 * trusted before still is. */
static void test_distrust(void)
{
    g_autofree char *folder = vectors_path("log-1300");
    g_autoptr(log_reader_t) reader = folder ? tessera(folder, 650) : NULL;
    const struct merkle_hash other = { { 1 } };
    static const guint64 sizes[] = { 649, 650, TESSERA_SIZE };

    for (guint i = 0; reader && i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) entry = NULL;

        g_assert_false(log_reader_trust(reader, sizes[i], &other, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
        entry = log_reader_entry(reader, 649, NULL);
        g_assert_nonnull(entry);
    }
}

/* ---- a log made here ---- */

static void write_file(const char *folder, const struct tile *tile, const GByteArray *bytes)
{
    g_autofree char *name = tile_path(tile);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);

    g_assert_true(file_make_folder(parent, 0755, NULL));
    g_assert_true(g_file_set_contents_full(path, (const char *)bytes->data, bytes->len,
                                           G_FILE_SET_CONTENTS_NONE, 0644, NULL));
}

/* Writes the tiles (and bundles, unless `hashes_only`) of `size` entries: the entry's number, with
 * `salt` from `fork` on. Gives the root. */
static struct merkle_hash make_log(const char *folder, guint64 size, guint64 fork, guint64 salt,
                                   gboolean hashes_only)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autofree struct merkle_hash *hashes = g_new(struct merkle_hash, size);
    struct merkle_hash root;

    for (guint64 i = 0; i < size; i++) {
        const guint64 entry[] = { i, i < fork ? 0 : salt };

        hashes[i] = merkle_leaf(merkle, entry, sizeof entry);
    }
    root = merkle_root(merkle, hashes, size);
    for (guint64 start = 0; start < size && !hashes_only; start += TILE_WIDTH) {
        const struct tile tile = { TILE_ENTRIES, start / TILE_WIDTH,
                                   (guint)MIN(size - start, TILE_WIDTH) };
        g_autoptr(GByteArray) bundle = g_byte_array_new();

        for (guint64 i = start; i < start + tile.width; i++) {
            const guint64 entry[] = { i, i < fork ? 0 : salt };

            bundle_append(bundle, entry, sizeof entry);
        }
        write_file(folder, &tile, bundle);
    }
    for (int level = 0; size; level++, size /= TILE_WIDTH) {
        for (guint64 start = 0; start < size; start += TILE_WIDTH) {
            const struct tile tile = { level, start / TILE_WIDTH,
                                       (guint)MIN(size - start, TILE_WIDTH) };
            g_autoptr(GByteArray) bytes = g_byte_array_new();

            g_byte_array_append(bytes, hashes[start].bytes, tile.width * MERKLE_HASH_SIZE);
            write_file(folder, &tile, bytes);
            if (tile.width == TILE_WIDTH)
                hashes[start / TILE_WIDTH] = merkle_root(merkle, &hashes[start], TILE_WIDTH);
        }
    }
    return root;
}

static char *temporary_folder(void)
{
    char *folder = g_dir_make_tmp("entente-log-XXXXXX", NULL);

    g_assert_nonnull(folder);
    return folder;
}

static void remove_folder(const char *folder)
{
    g_autofree char *quoted = g_shell_quote(folder);
    g_autofree char *command = g_strconcat("rm -r ", quoted, NULL);

    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
}

/* Changes one byte of a file. */
static void damage(const char *folder, const char *name, gsize at)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *data = NULL;
    gsize length;

    g_assert_true(g_file_get_contents(path, &data, &length, NULL));
    data[at] ^= 4;
    g_assert_true(g_file_set_contents(path, data, (gssize)length, NULL));
}

/* A log with three levels of tiles: a damaged tile or entry is noticed by whoever needs it, and
 * named; what does not need it is read. */
static void test_damage_is_noticed(void)
{
    g_autofree char *folder = temporary_folder();
    const struct merkle_hash root = make_log(folder, 66000, G_MAXUINT64, 0, FALSE);
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    g_autoptr(GBytes) entry = NULL;
    static const struct {
        const char *file;
        guint64 index;
        const char *message;
    } cases[] = {
        { "tile/0/007", 7 * 256, "tile/0/007 does not fit" },
        { "tile/1/000", 9 * 256, "tile/1/000 does not fit" },
        { "tile/entries/255", 255 * 256, "entry 65280 does not fit" },
        { "tile/0/256", 256 * 256, "tile/0/256 does not fit" },
    };

    g_assert_true(log_reader_trust(reader, 66000, &root, NULL));
    entry = log_reader_entry(reader, 65536 + 300, NULL);
    g_assert_nonnull(entry);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(log_reader_t) fresh = log_reader_new(log_source_folder(folder));
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) last = NULL;

        damage(folder, cases[i].file, 3);
        g_assert_true(log_reader_trust(fresh, 66000, &root, NULL));
        g_assert_null(log_reader_entry(fresh, cases[i].index, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
        g_assert_nonnull(strstr(error->message, cases[i].message));
        last = log_reader_entry(fresh, 65999, NULL);
        g_assert_nonnull(last);
        damage(folder, cases[i].file, 3); /* and back */
    }
    remove_folder(folder);
}

/* A log that swapped an old entry while it grew is refused, though its new tiles fit its new root;
 * tiles read before do not hide it. */
static void test_rewritten_log_is_refused(void)
{
    g_autofree char *folder = temporary_folder();
    const struct merkle_hash root = make_log(folder, 1000, G_MAXUINT64, 0, FALSE);
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) entry = NULL;
    struct merkle_hash rewritten;

    g_assert_true(log_reader_trust(reader, 1000, &root, NULL));
    entry = log_reader_entry(reader, 10, NULL);
    g_assert_nonnull(entry);
    rewritten = make_log(folder, 2000, 10, 1, FALSE);
    g_assert_false(log_reader_trust(reader, 2000, &rewritten, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
    remove_folder(folder);
}

/* A partial tile that gave way to the full one is found there. */
static void test_full_tile_stands_in(void)
{
    g_autofree char *folder = temporary_folder();
    struct merkle_hash root = make_log(folder, 300, G_MAXUINT64, 0, FALSE);
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    g_autoptr(GBytes) entry = NULL;

    make_log(folder, 600, G_MAXUINT64, 0, FALSE);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *partial =
            g_build_filename(folder, i ? "tile/0/001.p/44" : "tile/entries/001.p/44", NULL);

        g_assert_cmpint(g_unlink(partial), ==, 0);
    }
    g_assert_true(log_reader_trust(reader, 300, &root, NULL));
    entry = log_reader_entry(reader, 299, NULL);
    g_assert_nonnull(entry);
    remove_folder(folder);
}

/* A tile of another length than its name says is no tile. */
static void test_wrong_length(void)
{
    g_autofree char *folder = temporary_folder();
    const struct merkle_hash root = make_log(folder, 300, G_MAXUINT64, 0, FALSE);
    g_autofree char *path = g_build_filename(folder, "tile/0/001.p/44", NULL);
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(truncate(path, 43 * MERKLE_HASH_SIZE), ==, 0);
    g_assert_false(log_reader_trust(reader, 300, &root, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
    remove_folder(folder);
}

/* Proofs from the tiles of a million entries, checked, and their rate (with -m perf). */
static void test_million(void)
{
    const guint64 size = 1000000;
    const guint proofs = g_test_perf() ? 200000 : 2000;
    g_autofree char *folder = temporary_folder();
    const struct merkle_hash root = make_log(folder, size, G_MAXUINT64, 0, TRUE);
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    g_autoptr(merkle_t) merkle = merkle_new();
    gint64 start;

    g_assert_true(log_reader_trust(reader, size, &root, NULL));
    start = g_get_monotonic_time();
    for (guint i = 0; i < proofs; i++) {
        const guint64 index = (i * G_GUINT64_CONSTANT(2654435761)) % size, entry[] = { index, 0 };
        struct merkle_hash path[MERKLE_PATH_LIMIT], leaf;
        guint length;

        g_assert_true(log_reader_inclusion(reader, index, size, path, &length, NULL));
        if (i % 100)
            continue;
        leaf = merkle_leaf(merkle, entry, sizeof entry);
        g_assert_true(merkle_includes(merkle, &leaf, index, size, path, length, &root));
    }
    g_test_message("%.0f inclusion proofs a second",
                   proofs * (double)G_USEC_PER_SEC / (double)(g_get_monotonic_time() - start));
    remove_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log-reader/tessera-entries", test_tessera_entries);
    g_test_add_func("/log-reader/tessera-growth", test_tessera_growth);
    g_test_add_func("/log-reader/distrust", test_distrust);
    g_test_add_func("/log-reader/damage-is-noticed", test_damage_is_noticed);
    g_test_add_func("/log-reader/rewritten-log", test_rewritten_log_is_refused);
    g_test_add_func("/log-reader/full-tile-stands-in", test_full_tile_stands_in);
    g_test_add_func("/log-reader/wrong-length", test_wrong_length);
    g_test_add_func("/log-reader/million", test_million);
    return g_test_run();
}
