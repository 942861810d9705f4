/*
 * log_hammer.c: a log's writer to be killed, and the judge of what it leaves.
 *
 *     log_hammer create FOLDER
 *     log_hammer write FOLDER ENTRIES THREADS [BYTES]   adds entries from so many threads
 *     log_hammer check FOLDER WITNESSED                 judges FOLDER by what was witnessed
 *
 * `write` says on standard output, one write() a line, what the world has seen: "ack INDEX HEX" (an
 * entry was answered, with its leaf hash), "shown SIZE HEX" (a checkpoint was signed), "published
 * SIZE HEX". Its last line is "ended". Exit status 3: the writer stopped on an error. `check` opens
 * the log for writing (so that it recovers), and verifies through its tiles that every entry
 * answered has a valid proof under the new checkpoint, that each checkpoint ever shown is
 * consistent with it, and that every entry and tile is what the tree says; it ends with "size N".
 */
#include "base/file.h"
#include "log/reader.h"
#include "log/writer.h"
#include "statement/base64.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORIGIN "hammer.example/log"
#define STOPPED 3
#define DIFFERENT 1

static struct signing_key *key(void)
{
    static const guint8 seed[KEY_SEED_SIZE] = { 42 };

    return signing_key_from_seed(ORIGIN, seed, NULL);
}

G_GNUC_NORETURN static void fail(const char *what, const GError *error)
{
    fprintf(stderr, "log_hammer: %s: %s\n", what, error ? error->message : "no reason given");
    exit(DIFFERENT);
}

static void say(const char *word, guint64 number, const struct merkle_hash *hash)
{
    g_autofree char *hex = hex_encode(hash->bytes, MERKLE_HASH_SIZE);
    char line[128];
    const int length =
        snprintf(line, sizeof line, "%s %" G_GUINT64_FORMAT " %s\n", word, number, hex);

    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        _exit(DIFFERENT);
}

/* ---- writing ---- */

struct work {
    struct log_writer *writer;
    guint entries, bytes;
    gint ended;
};

static gpointer add(gpointer data)
{
    const struct work *work = data;
    g_autoptr(merkle_t) merkle = merkle_new();

    for (guint i = 0; i < work->entries; i++) {
        const gsize length = 16 + randombytes_uniform(work->bytes + 1);
        guint8 *bytes = g_malloc(length);
        g_autoptr(GBytes) entry = g_bytes_new_take(bytes, length);
        struct merkle_hash leaf;
        guint64 index;

        randombytes_buf(bytes, length);
        if (!log_writer_add(work->writer, entry, &index, NULL)) {
            if (!log_writer_works(work->writer, NULL))
                break;
            g_usleep(1000); /* the queue was full */
            continue;
        }
        leaf = merkle_leaf(merkle, bytes, length);
        say("ack", index, &leaf);
    }
    return NULL;
}

static struct checkpoint *parse(GBytes *note)
{
    gsize length;
    const void *data = g_bytes_get_data(note, &length);
    g_autoptr(GError) error = NULL;
    g_autoptr(note_t) parsed = note_parse(data, length, "note", &error);
    struct checkpoint *checkpoint = parsed
                                        ? checkpoint_parse(g_bytes_get_data(parsed->text, NULL),
                                                           g_bytes_get_size(parsed->text), &error)
                                        : NULL;

    if (!checkpoint)
        fail("a signed note", error);
    return checkpoint;
}

static gboolean show(struct log_writer *writer, gboolean trusted)
{
    g_autoptr(GBytes) note = log_writer_checkpoint(writer);
    g_autoptr(checkpoint_t) checkpoint = note ? parse(note) : NULL;

    if (!note)
        return FALSE;
    say("shown", checkpoint->size, &checkpoint->root);
    if (!log_writer_publish(writer, note, trusted, NULL))
        return FALSE;
    say("published", checkpoint->size, &checkpoint->root);
    return TRUE;
}

static gpointer publish(gpointer data)
{
    struct work *work = data;

    while (show(work->writer, TRUE) && !g_atomic_int_get(&work->ended))
        g_usleep(3000);
    return NULL;
}

static int run_write(const struct log_writer_options *options, guint entries, guint count,
                     guint bytes)
{
    g_autoptr(GError) error = NULL;
    struct work work = { log_writer_open(options, &error), entries, bytes, FALSE };
    GThread *threads[16], *publisher;
    gboolean works;

    if (!work.writer) {
        fprintf(stderr, "log_hammer: %s\n", error->message);
        return STOPPED;
    }
    publisher = g_thread_new("publish", publish, &work);
    for (guint i = 0; i < count; i++)
        threads[i] = g_thread_new("add", add, &work);
    for (guint i = 0; i < count; i++)
        g_thread_join(threads[i]);
    g_atomic_int_set(&work.ended, TRUE);
    g_thread_join(publisher);
    works = show(work.writer, FALSE) && log_writer_works(work.writer, &error);
    log_writer_close(work.writer);
    if (works && write(STDOUT_FILENO, "ended\n", 6) != 6)
        return DIFFERENT;
    if (!works)
        fprintf(stderr, "log_hammer: %s\n", error ? error->message : "stopped");
    return works ? EXIT_SUCCESS : STOPPED;
}

/* ---- judging ---- */

struct judge {
    const char *folder;
    struct log_reader *reader;
    struct checkpoint *checkpoint;
    struct merkle *merkle;
    GArray *leaves;
};

static gboolean collect(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct judge *judge = data;
    const struct merkle_hash leaf =
        merkle_leaf(judge->merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));

    g_array_append_val(judge->leaves, leaf);
    return TRUE;
}

/* Every tile of every level, as the leaves say. */
static void check_tiles(const struct judge *judge)
{
    g_autoptr(GArray) hashes = g_array_ref(judge->leaves);

    for (int level = 0; hashes->len; level++) {
        GArray *parents = g_array_new(FALSE, FALSE, sizeof(struct merkle_hash));

        for (guint64 n = 0; n * TILE_WIDTH < hashes->len; n++) {
            const guint width = MIN(TILE_WIDTH, (guint)(hashes->len - n * TILE_WIDTH));
            const struct merkle_hash *row =
                &g_array_index(hashes, struct merkle_hash, n * TILE_WIDTH);
            const struct tile tile = { level, n, width };
            g_autofree char *relative = tile_path(&tile);
            g_autofree char *path = g_build_filename(judge->folder, relative, NULL);
            g_autoptr(GError) error = NULL;
            g_autoptr(GBytes) bytes = file_read(path, TILE_BYTES, &error);

            if (!bytes)
                fail(path, error);
            if (g_bytes_get_size(bytes) != width * sizeof *row ||
                memcmp(g_bytes_get_data(bytes, NULL), row, width * sizeof *row) != 0)
                fail(path, NULL);
            if (width == TILE_WIDTH) {
                const struct merkle_hash parent = merkle_root(judge->merkle, row, TILE_WIDTH);

                g_array_append_val(parents, parent);
            }
        }
        g_array_unref(hashes);
        hashes = parents;
    }
}

static void check_ack(const struct judge *judge, guint64 index, const struct merkle_hash *leaf)
{
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    g_autoptr(GError) error = NULL;
    guint length;

    if (!log_reader_inclusion(judge->reader, index, judge->checkpoint->size, path, &length,
                              &error) ||
        !merkle_includes(judge->merkle, leaf, index, judge->checkpoint->size, path, length,
                         &judge->checkpoint->root))
        fail("an entry that was answered", error);
}

static void check_shown(const struct judge *judge, guint64 size, const struct merkle_hash *root)
{
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    g_autoptr(GError) error = NULL;
    guint length;

    if (!log_reader_consistency(judge->reader, size, judge->checkpoint->size, path, &length,
                                &error) ||
        !tree_is_consistent(judge->merkle, size, root, judge->checkpoint->size,
                            &judge->checkpoint->root, path, length))
        fail("a checkpoint that was shown", error);
}

/* A line may be cut short: its writer was killed. */
static void check_witnessed(const struct judge *judge, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        char word[16], hex[65];
        struct merkle_hash hash = { { 0 } };
        guint64 number;

        if (sscanf(lines[i], "%15s %" G_GUINT64_FORMAT " %64s", word, &number, hex) == 3 &&
            hex_decode_into(hex, hash.bytes, sizeof hash.bytes))
            (g_str_equal(word, "ack") ? check_ack : check_shown)(judge, number, &hash);
    }
}

static int run_check(const struct log_writer_options *options, const char *witnessed)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    struct judge judge = { options->folder, log_reader_new(log_source_folder(options->folder)) };
    struct log_writer *writer = log_writer_open(options, &error);
    g_autoptr(note_t) note = NULL;
    g_autoptr(GBytes) bytes = NULL;

    if (!writer)
        fail("recovery", error);
    if (!show(writer, FALSE))
        fail("the new checkpoint", NULL);
    bytes = log_writer_checkpoint(writer);
    judge.checkpoint = parse(bytes);
    judge.merkle = merkle_new();
    judge.leaves = g_array_new(FALSE, FALSE, sizeof(struct merkle_hash));
    if (!log_reader_trust(judge.reader, judge.checkpoint->size, &judge.checkpoint->root, &error) ||
        !log_reader_each(judge.reader, 0, judge.checkpoint->size, collect, &judge, &error))
        fail("the entries", error);
    check_tiles(&judge);
    if (!g_file_get_contents(witnessed, &text, NULL, &error))
        fail(witnessed, error);
    check_witnessed(&judge, text);
    printf("size %" G_GUINT64_FORMAT "\n", judge.checkpoint->size);
    log_writer_close(writer);
    log_reader_free(judge.reader);
    checkpoint_free(judge.checkpoint);
    merkle_free(judge.merkle);
    g_array_unref(judge.leaves);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    g_autoptr(signing_key_t) signing = NULL;
    struct log_writer_options options = { .threads = 2, .batch = 64 };
    g_autoptr(GError) error = NULL;

    if (argc < 3 || sodium_init() < 0)
        return EXIT_FAILURE;
    signing = key();
    options.folder = argv[2];
    options.key = signing;
    if (g_str_equal(argv[1], "create")) {
        if (!log_create(&options, &error))
            fail("create", error);
        return EXIT_SUCCESS;
    }
    if (g_str_equal(argv[1], "write") && argc >= 5)
        return run_write(&options, (guint)atoi(argv[3]), MIN(16u, (guint)atoi(argv[4])),
                         argc > 5 ? (guint)atoi(argv[5]) : 2000);
    if (g_str_equal(argv[1], "check") && argc == 4)
        return run_check(&options, argv[3]);
    return EXIT_FAILURE;
}
