/*
 * log_bench.c: how fast a log takes entries and gives proofs, and what the machine could do at
 * most.
 *
 *     log_bench limits FOLDER                     Ed25519, SHA-256 and fdatasync on this machine
 *     log_bench append FOLDER BATCH check|plain ENTRIES [DATABASE_URL]
 *     log_bench grow FOLDER ENTRIES               a log of small entries, for proofs and tiles
 *     log_bench prove FOLDER SECONDS
 *
 * With a URL the log is committed to that PostgreSQL database, which has none yet, and not to a
 * WAL. Each prints "name value" lines. Entries of `append` are signed DSSE statements of 1 KiB,
 * made before the clock starts; an entry counts when it was answered as durable. With `check`, raw
 * verification on all cores is measured right before and after.
 */
#include "base/json.h"
#include "log/commit_database.h"
#include "log/log_database.h"
#include "log/reader.h"
#include "log/writer.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORIGIN "bench.example/log"
#define ENTRY_BYTES 1024
#define THREADS_LIMIT 64
#define LIMIT_SECONDS 1.0 /* of each limit */
#define SYNCS 40
#define LEASE_US (3600 * G_TIME_SPAN_SECOND)

static struct signing_key *key_of(const char *name, guint8 first)
{
    const guint8 seed[KEY_SEED_SIZE] = { first };

    return signing_key_from_seed(name, seed, NULL);
}

static double seconds(void)
{
    return (double)g_get_monotonic_time() / G_USEC_PER_SEC;
}

static double cpu_seconds(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

G_GNUC_NORETURN static void fail(const char *what, const GError *error)
{
    fprintf(stderr, "log_bench: %s: %s\n", what, error ? error->message : "failed");
    exit(EXIT_FAILURE);
}

/* ---- statements ---- */

/* The canonical envelope of statement `number`, padded so that it has ENTRY_BYTES. */
static GBytes *statement(const struct signing_key *key, guint number, guint padding)
{
    g_autofree char *dots = g_strnfill(padding, '.');
    g_autofree char *name = g_strdup_printf("statement-%09u%s", number, dots);
    g_autofree char *digest = g_strdup_printf("%064x", number);
    g_autoptr(json_t) predicate = json_pack("{s:i}", "size", 4096);
    g_autoptr(GBytes) payload = intoto_build(name, digest, PREDICATE_DOCUMENT, predicate, NULL);
    g_autoptr(dsse_t) envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    g_autoptr(json_t) json = NULL;

    dsse_sign(envelope, key);
    json = dsse_to_json(envelope);
    return json_canonical(json, NULL);
}

struct making {
    const struct signing_key *key;
    GBytes **entries;
    guint first, count, step, padding;
};

static gpointer make_some(gpointer data)
{
    const struct making *making = data;

    for (guint i = making->first; i < making->count; i += making->step)
        making->entries[i] = statement(making->key, i, making->padding);
    return NULL;
}

static GBytes **make_statements(const struct signing_key *key, guint count)
{
    const guint threads = MIN(g_get_num_processors(), THREADS_LIMIT);
    GBytes **entries = g_new0(GBytes *, count);
    struct making making[THREADS_LIMIT];
    GThread *running[THREADS_LIMIT];
    guint padding = 0;

    for (GBytes *probe; padding < ENTRY_BYTES; padding++) {
        const gboolean is_enough =
            g_bytes_get_size(probe = statement(key, 0, padding)) >= ENTRY_BYTES;

        g_bytes_unref(probe);
        if (is_enough)
            break;
    }
    for (guint i = 0; i < threads; i++) {
        making[i] = (struct making){ key, entries, i, count, threads, padding };
        running[i] = g_thread_new("make", make_some, &making[i]);
    }
    for (guint i = 0; i < threads; i++)
        g_thread_join(running[i]);
    return entries;
}

/* What admission does: envelope and statement in canonical form and whole, signature of the key. */
static gboolean check(GBytes *entry, gpointer data, GError **error)
{
    gsize length;
    const void *bytes = g_bytes_get_data(entry, &length);
    g_autoptr(dsse_t) envelope = dsse_parse_canonical(bytes, length);
    g_autoptr(json_t) read = envelope ? intoto_read(envelope->payload, error) : NULL;
    g_autoptr(GBytes) canonical = read ? json_canonical(read, error) : NULL;
    const struct predicate *predicate = read ? predicate_find(intoto_predicate_type(read)) : NULL;
    struct dsse_result results[DSSE_SIGNATURES_LIMIT];

    if (!canonical || !g_bytes_equal(canonical, envelope->payload))
        return FALSE;
    return predicate && predicate_verify(predicate, read, error) &&
           dsse_verify(envelope, data, results) == 1;
}

/* ---- limits ---- */

struct verifying {
    const struct signing_key *key;
    double until, wall, cpu;
    guint64 count;
};

static gpointer verify_some(gpointer data)
{
    struct verifying *verifying = data;
    guint8 message[ENTRY_BYTES] = { 1 }, signature[KEY_SIGNATURE_SIZE];
    const double start = seconds();

    signing_key_sign(verifying->key, message, sizeof message, signature);
    while (seconds() < verifying->until) {
        for (guint i = 0; i < 16; i++)
            if (!public_key_verify(verifying->key->public, message, sizeof message, signature))
                fail("verify", NULL);
        verifying->count += 16;
    }
    verifying->wall = seconds() - start;
    verifying->cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

/* All threads together, by the wall clock; `per_cpu` (or NULL): per second of one core. */
static double verify_rate(const struct signing_key *key, guint threads, double *per_cpu)
{
    struct verifying verifying[THREADS_LIMIT];
    GThread *running[THREADS_LIMIT];
    double rate = 0, cpu = 0;
    guint64 count = 0;

    for (guint i = 0; i < threads; i++) {
        verifying[i] = (struct verifying){ key, seconds() + LIMIT_SECONDS, 0, 0, 0 };
        running[i] = g_thread_new("verify", verify_some, &verifying[i]);
    }
    for (guint i = 0; i < threads; i++) {
        g_thread_join(running[i]);
        rate += (double)verifying[i].count / verifying[i].wall;
        cpu += verifying[i].cpu;
        count += verifying[i].count;
    }
    if (per_cpu)
        *per_cpu = (double)count / cpu;
    return rate;
}

static double hash_rate(gsize leaf)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    guint8 entry[ENTRY_BYTES] = { 1 };
    struct merkle_hash hash = { { 0 } };
    const double start = seconds();
    guint64 count = 0;

    while (seconds() - start < LIMIT_SECONDS)
        for (guint i = 0; i < 256; i++, count++)
            hash = leaf ? merkle_leaf(merkle, entry, leaf) : merkle_node(merkle, &hash, &hash);
    return (double)count / (seconds() - start);
}

static int compare(gconstpointer a, gconstpointer b)
{
    const double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

/* The median of a write of so many bytes, with its fdatasync, into blocks that are there. */
static double sync_median(const char *folder, gsize length)
{
    g_autofree char *path = g_build_filename(folder, "sync", NULL);
    g_autofree guint8 *bytes = g_malloc(length);
    double times[SYNCS];
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    memset(bytes, 7, length);
    for (guint round = 0; round < 2; round++) /* the first makes the blocks */
        for (guint i = 0; i < SYNCS; i++) {
            const double start = seconds();

            if (pwrite(fd, bytes, length, (off_t)((i % 8) * length)) != (ssize_t)length ||
                fdatasync(fd) < 0)
                fail(path, NULL);
            times[i] = seconds() - start;
        }
    close(fd);
    unlink(path);
    qsort(times, SYNCS, sizeof *times, compare);
    return times[SYNCS / 2];
}

static void run_limits(const char *folder)
{
    g_autoptr(signing_key_t) key = key_of("bench.example", 1);
    const guint cores = MIN(g_get_num_processors(), THREADS_LIMIT);

    double per_cpu;

    printf("verify_one_core %.0f\n", verify_rate(key, 1, NULL));
    printf("verify_all_cores %.0f\n", verify_rate(key, cores, &per_cpu));
    printf("verify_per_cpu_second %.0f\n", per_cpu);
    printf("sha256_nodes %.0f\n", hash_rate(0));
    printf("sha256_leaves %.0f\n", hash_rate(ENTRY_BYTES));
    printf("fdatasync_256_ms %.2f\n", 1e3 * sync_median(folder, 256 * (ENTRY_BYTES + 2)));
    printf("fdatasync_4096_ms %.2f\n", 1e3 * sync_median(folder, 4096 * (ENTRY_BYTES + 2)));
}

/* ---- appending ---- */

static struct commit_log *new_database(const char *url, const char *folder, GError **error)
{
    struct commit_database_options options = { .url = url, .folder = folder, .origin = ORIGIN };
    g_autoptr(store_t) store = log_database_open(url, error);

    return store && log_database_create(store, ORIGIN, error) &&
                   log_lease_take(store, ORIGIN, "", LEASE_US, &options.epoch, error)
               ? commit_database_open(&options, error)
               : NULL;
}

static struct log_writer *new_log(struct log_writer_options *options, const char *database)
{
    g_autoptr(GError) error = NULL;
    struct log_writer *writer = NULL;

    if (database)
        options->commits = new_database(database, options->folder, &error);
    if ((database ? !options->commits : !log_create(options, &error)) ||
        !(writer = log_writer_open(options, &error)))
        fail("the log", error);
    return writer;
}

static void answered(enum log_submitted outcome, guint64 index, const GError *error, gpointer data)
{
    if (outcome != LOG_ADDED)
        fail("an entry", error);
    g_atomic_int_inc((gint *)data);
}

/* Gives the seconds until all are durable. */
static double append(struct log_writer *writer, GBytes **entries, guint count)
{
    const double start = seconds();
    gint done = 0;

    for (guint i = 0; i < count; i++)
        while (!log_writer_submit(writer, entries[i], answered, &done))
            g_usleep(200);
    while (g_atomic_int_get(&done) < (gint)count)
        g_usleep(200);
    return seconds() - start;
}

static void run_append(const char *folder, guint batch, gboolean with_check, guint count,
                       const char *database)
{
    g_autoptr(signing_key_t) log = key_of(ORIGIN, 2);
    g_autoptr(signing_key_t) signer = key_of("signer.example", 3);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    struct log_writer_options options = { .folder = folder, .key = log, .batch = batch };
    GBytes **entries = make_statements(signer, count);
    struct log_writer *writer;
    struct log_writer_numbers numbers;
    const guint cores = MIN(g_get_num_processors(), THREADS_LIMIT);
    double wall, cpu, verify = 0, before = 0, after = 0;

    g_ptr_array_add(keys, signer->public);
    if (with_check) {
        options.check = check;
        options.check_data = keys;
    }
    if (with_check)
        verify = verify_rate(signer, cores, &before);
    writer = new_log(&options, database);
    cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    wall = append(writer, entries, count);
    cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    log_writer_numbers(writer, &numbers);
    printf("entries_per_second %.0f\nentries_per_cpu_second %.0f\nbatches %" G_GUINT64_FORMAT
           "\nentry_bytes %zu\nsync_seconds %.3f\nwall_seconds %.3f\n",
           count / wall, count / cpu, numbers.batches, g_bytes_get_size(entries[0]),
           (double)numbers.sync_us_total / G_USEC_PER_SEC, wall);
    if (with_check) {
        verify = (verify + verify_rate(signer, cores, &after)) / 2;
        printf("verify_all_cores %.0f\nof_verify %.2f\nof_verify_by_cpu %.2f\n", verify,
               count / wall / verify, count / cpu / ((before + after) / 2));
    }
    log_writer_close(writer);
    for (guint i = 0; i < count; i++)
        g_bytes_unref(entries[i]);
    g_free(entries);
}

/* ---- proofs ---- */

static void run_grow(const char *folder, guint count)
{
    g_autoptr(signing_key_t) log = key_of(ORIGIN, 2);
    struct log_writer_options options = { .folder = folder, .key = log };
    GBytes **entries = g_new(GBytes *, count);
    struct log_writer *writer;
    g_autoptr(GBytes) note = NULL;
    g_autoptr(GError) error = NULL;
    double wall;

    for (guint i = 0; i < count; i++)
        entries[i] = g_bytes_new_take(g_strdup_printf("entry %09u of a large log", i), 30);
    writer = new_log(&options, NULL);
    wall = append(writer, entries, count);
    note = log_writer_checkpoint(writer);
    if (!log_writer_publish(writer, note, FALSE, &error))
        fail("publish", error);
    printf("small_entries_per_second %.0f\n", count / wall);
    log_writer_close(writer);
    for (guint i = 0; i < count; i++)
        g_bytes_unref(entries[i]);
    g_free(entries);
}

static double prove(struct log_reader *reader, const struct checkpoint *checkpoint, double limit)
{
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    const double start = cpu_seconds(CLOCK_THREAD_CPUTIME_ID), wall = seconds();
    guint64 count = 0;
    guint length;

    for (; seconds() - wall < limit; count++) {
        const guint64 index = randombytes_uniform((guint32)checkpoint->size);
        g_autoptr(GError) error = NULL;

        if (!log_reader_inclusion(reader, index, checkpoint->size, path, &length, &error))
            fail("a proof", error);
    }
    return (double)count / (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - start);
}

static void run_prove(const char *folder, double limit)
{
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    g_autoptr(GError) error = NULL;
    g_autoptr(note_t) note = log_reader_checkpoint(reader, &error);
    g_autoptr(checkpoint_t) checkpoint =
        note ? checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text),
                                &error)
             : NULL;

    if (!checkpoint || !log_reader_trust(reader, checkpoint->size, &checkpoint->root, &error))
        fail("the checkpoint", error);
    printf("tree_size %" G_GUINT64_FORMAT "\n", checkpoint->size);
    printf("proofs_first_second %.0f\n", prove(reader, checkpoint, 1.0));
    printf("proofs_per_cpu_second %.0f\n", prove(reader, checkpoint, limit));
}

int main(int argc, char **argv)
{
    if (argc < 3 || sodium_init() < 0)
        return EXIT_FAILURE;
    if (g_str_equal(argv[1], "limits"))
        run_limits(argv[2]);
    else if (g_str_equal(argv[1], "append") && (argc == 6 || argc == 7))
        run_append(argv[2], (guint)atoi(argv[3]), g_str_equal(argv[4], "check"),
                   (guint)atoi(argv[5]), argv[6]);
    else if (g_str_equal(argv[1], "grow") && argc == 4)
        run_grow(argv[2], (guint)atoi(argv[3]));
    else if (g_str_equal(argv[1], "prove") && argc == 4)
        run_prove(argv[2], g_ascii_strtod(argv[3], NULL));
    else
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
