/*
 *     entries --hash--> level 0 --root of each full tile--> level 1 --...--> root
 *        |                 |                                   |
 *     bundles           tiles                               tiles              compared, each file
 *
 * Threads take level-0 tiles by number, from the first to the last; so when one of them differs,
 * all before it have been taken, and the first that differs is known once those are done. The
 * levels above are a 256th of the work each and are done by the caller's thread.
 */
#include "log/fsck.h"

#include "base/error.h"
#include "log/fsck_private.h"

#include <glib/gstdio.h>
#include <string.h>

#define PROGRESS_US 100000 /* between two calls of progress */
#define RESUME_US 5000000  /* between two writes of the resume file */

struct run {
    const struct log_fsck_options *options;
    const struct checkpoint *checkpoint;
    guint64 full, tiles;                 /* level-0 tiles: full ones, and with the partial one */
    struct merkle_hash *roots;           /* of the full tiles */
    struct merkle_hash edge[TILE_WIDTH]; /* hashes of the partial tile */
    guint edge_width;

    GMutex lock; /* all below */
    GCond changed;
    guint64 next, contiguous, done; /* tiles: to take, done without a gap, done */
    guint8 *is_done;
    guint running;
    gboolean stop;
    struct log_fsck_counts counts;
    struct log_fsck_finding finding;
    GError *error; /* the first that is not a difference */
};

void log_fsck_finding_clear(struct log_fsck_finding *finding)
{
    g_clear_pointer(&finding->what, g_free);
}

gboolean fsck_differs(struct log_fsck_finding *finding, guint64 index, GError **error,
                      const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list arguments;

    va_start(arguments, format);
    what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (!finding->what || index < finding->index) {
        g_free(finding->what);
        finding->what = g_strdup(what);
        finding->index = index;
    }
    return found_error(error, "%s", what);
}

/* Whether a file that could not be fetched is missing or too large, and not just out of reach. */
static gboolean is_difference(const GError *error)
{
    return g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT) ||
           g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
}

/* ---- one tile ---- */

/* What a checker of tiles works with; each thread has its own. */
struct checker {
    struct log_source source;
    struct merkle *merkle;
    struct log_fsck_counts counts;
    struct log_fsck_finding finding;
};

/* Fetches a tile or bundle; a partial one that is gone has given way to the full one. */
static GBytes *fetch(struct checker *checker, struct tile tile, guint *width, GError **error)
{
    const gsize limit = tile.level == TILE_ENTRIES ? BUNDLE_LIMIT : TILE_BYTES;
    g_autofree char *path = tile_path(&tile);
    g_autofree char *full = NULL;
    g_autoptr(GError) cause = NULL;
    GBytes *bytes = checker->source.fetch(checker->source.data, path, limit, &cause);

    *width = tile.width;
    if (!bytes && tile.width < TILE_WIDTH &&
        g_error_matches(cause, ENTENTE_ERROR, ENTENTE_ERROR_INPUT)) {
        *width = tile.width = TILE_WIDTH;
        full = tile_path(&tile);
        bytes = checker->source.fetch(checker->source.data, full, limit, NULL);
    }
    if (!bytes)
        g_propagate_error(error, g_steal_pointer(&cause));
    return bytes;
}

/* What a file should hold: parts (hashes, or entries with their lengths) one after another. */
struct wanted {
    const guint8 *bytes;
    const gsize *offsets; /* where each part begins, and where the last one ends */
    guint64 scale;        /* entries of the log below each part */
};

static gboolean compare_file(struct checker *checker, const struct tile *tile,
                             const struct wanted *wanted, GError **error)
{
    const guint64 first = tile->index * TILE_WIDTH;
    const gsize size = wanted->offsets[tile->width];
    g_autofree char *path = tile_path(tile);
    g_autoptr(GError) cause = NULL;
    guint width, at = 0;
    g_autoptr(GBytes) bytes = fetch(checker, *tile, &width, &cause);
    const guint8 *is;
    gsize length;

    if (!bytes && is_difference(cause))
        return fsck_differs(&checker->finding, first * wanted->scale, error, "%s", cause->message);
    if (!bytes) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return FALSE;
    }
    is = g_bytes_get_data(bytes, &length);
    if ((width == tile->width ? length == size : length >= size) &&
        memcmp(is, wanted->bytes, size) == 0)
        return TRUE;
    while (at + 1 < tile->width && wanted->offsets[at + 1] <= length &&
           memcmp(is + wanted->offsets[at], wanted->bytes + wanted->offsets[at],
                  wanted->offsets[at + 1] - wanted->offsets[at]) == 0)
        at++;
    return fsck_differs(&checker->finding, (first + at) * wanted->scale, error,
                        "%s is not what the entries give, from its %s %u on", path,
                        tile->level == TILE_ENTRIES ? "entry" : "hash", at);
}

/* Compares the file of `tile` (not with TILE_ENTRIES: it is where the entries came from), and the
 * narrower ones that lie beside it. */
static gboolean compare(struct checker *checker, const struct tile *tile,
                        const struct wanted *wanted, GError **error)
{
    const struct tile full = { tile->level, tile->index, TILE_WIDTH };
    g_autofree char *path = tile_path(&full);
    g_autoptr(GArray) widths =
        checker->source.partials ? checker->source.partials(checker->source.data, path) : NULL;

    for (guint i = 0; widths && i < widths->len; i++) {
        struct tile partial = *tile;

        partial.width = g_array_index(widths, guint, i);
        if (partial.width >= tile->width)
            continue; /* the tile itself, or one of a later size */
        if (!compare_file(checker, &partial, wanted, error))
            return FALSE;
        checker->counts.partial_tiles++;
    }
    checker->counts.tiles++;
    return tile->level == TILE_ENTRIES || compare_file(checker, tile, wanted, error);
}

static gboolean compare_hashes(struct checker *checker, const struct tile *tile,
                               const struct merkle_hash *hashes, GError **error)
{
    gsize offsets[TILE_WIDTH + 1];
    const struct wanted wanted = { hashes->bytes, offsets,
                                   (guint64)1 << (TILE_HEIGHT * (guint)tile->level) };

    for (guint i = 0; i <= tile->width; i++)
        offsets[i] = (gsize)i * MERKLE_HASH_SIZE;
    return compare(checker, tile, &wanted, error);
}

/* Hashes the entries of a bundle, as many as are whole; `offsets` say where each begins. */
static guint hash_entries(struct merkle *merkle, GBytes *bundle, guint width,
                          struct merkle_hash *hashes, gsize *offsets)
{
    gsize size, at = 0;
    const guint8 *bytes = g_bytes_get_data(bundle, &size);
    guint count;

    for (count = 0; count < width && size - at >= 2; count++) {
        const gsize length = (gsize)bytes[at] << 8 | bytes[at + 1];

        if (size - at - 2 < length)
            break;
        offsets[count] = at;
        hashes[count] = merkle_leaf(merkle, bytes + at + 2, length);
        at += 2 + length;
    }
    offsets[count] = at;
    return count;
}

/* Checks level-0 tile `index` and its bundle; gives its hashes. */
static gboolean check_tile(struct checker *checker, guint64 index, guint width,
                           struct merkle_hash *hashes, GError **error)
{
    const struct tile bundle = { TILE_ENTRIES, index, width }, tile = { 0, index, width };
    const guint64 first = index * TILE_WIDTH;
    g_autofree char *path = tile_path(&bundle);
    g_autoptr(GError) cause = NULL;
    guint width_read, count;
    g_autoptr(GBytes) bytes = fetch(checker, bundle, &width_read, &cause);
    gsize offsets[TILE_WIDTH + 1];
    struct wanted wanted = { NULL, offsets, 1 };

    if (!bytes && is_difference(cause))
        return fsck_differs(&checker->finding, first, error, "%s", cause->message);
    if (!bytes) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return FALSE;
    }
    memset(hashes, 0, width * sizeof *hashes); /* what is missing matches no tile */
    count = hash_entries(checker->merkle, bytes, width, hashes, offsets);
    if (!compare_hashes(checker, &tile, hashes, error))
        return FALSE;
    if (count < width)
        return fsck_differs(&checker->finding, first + count, error, "%s ends within its entry %u",
                            path, count);
    if (width_read == width && offsets[count] != g_bytes_get_size(bytes))
        return fsck_differs(&checker->finding, first + count - 1, error,
                            "%s holds more than its %u entries", path, width);
    checker->counts.entries += width;
    wanted.bytes = g_bytes_get_data(bytes, NULL);
    return compare(checker, &bundle, &wanted, error);
}

/* ---- threads ---- */

static void checker_init(struct checker *checker, const struct log_fsck_options *options)
{
    *checker =
        (struct checker){ .source = options->open(options->open_data), .merkle = merkle_new() };
}

static void checker_clear(struct checker *checker)
{
    if (checker->source.free_data)
        checker->source.free_data(checker->source.data);
    merkle_free(checker->merkle);
    log_fsck_finding_clear(&checker->finding);
}

/* Adds what a checker counted and found to the run's, under the lock. */
static void merge(struct run *run, struct checker *checker)
{
    run->counts.entries += checker->counts.entries;
    run->counts.tiles += checker->counts.tiles;
    run->counts.partial_tiles += checker->counts.partial_tiles;
    checker->counts = (struct log_fsck_counts){ 0 };
    if (checker->finding.what &&
        (!run->finding.what || checker->finding.index < run->finding.index)) {
        log_fsck_finding_clear(&run->finding);
        run->finding = checker->finding;
        checker->finding.what = NULL;
    }
}

/* Takes the next tile; FALSE when there is none, or none before what was found already. */
static gboolean take(struct run *run, guint64 *index)
{
    if (run->stop || run->next == run->tiles ||
        (run->finding.what && run->next * TILE_WIDTH > run->finding.index))
        return FALSE;
    *index = run->next++;
    return TRUE;
}

static gpointer work(gpointer data)
{
    struct run *run = data;
    struct checker checker;
    guint64 index;

    checker_init(&checker, run->options);
    g_mutex_lock(&run->lock);
    while (take(run, &index)) {
        const guint width = tile_width(0, index, run->checkpoint->size);
        struct merkle_hash hashes[TILE_WIDTH];
        g_autoptr(GError) error = NULL;
        gboolean good;

        g_mutex_unlock(&run->lock);
        good = check_tile(&checker, index, width, hashes, &error);
        if (good && width == TILE_WIDTH)
            run->roots[index] = merkle_root(checker.merkle, hashes, width);
        else if (good)
            memcpy(run->edge, hashes, width * sizeof *hashes);
        g_mutex_lock(&run->lock);
        merge(run, &checker);
        if (!good && !g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND)) {
            if (!run->error)
                run->error = g_steal_pointer(&error);
            run->stop = TRUE;
        }
        run->done++;
        run->is_done[index] = good;
        while (run->contiguous < run->full && run->is_done[run->contiguous])
            run->contiguous++;
    }
    run->running--;
    g_cond_signal(&run->changed);
    g_mutex_unlock(&run->lock);
    checker_clear(&checker);
    return NULL;
}

/* Waits for the threads, under the lock; tells progress and keeps the resume file meanwhile. */
static void attend(struct run *run)
{
    const struct log_fsck_options *options = run->options;
    gint64 written = g_get_monotonic_time();

    while (run->running) {
        guint64 done, contiguous;
        gboolean go_on = TRUE;

        g_cond_wait_until(&run->changed, &run->lock, g_get_monotonic_time() + PROGRESS_US);
        done = run->done;
        contiguous = run->contiguous;
        g_mutex_unlock(&run->lock);
        if (options->progress)
            go_on = options->progress(done, run->tiles, options->progress_data);
        if (options->resume_file && g_get_monotonic_time() - written > RESUME_US) {
            fsck_resume_write(options->resume_file, run->checkpoint, run->roots, contiguous, NULL);
            written = g_get_monotonic_time();
        }
        g_mutex_lock(&run->lock);
        if (!go_on && !run->error)
            system_error(&run->error,
                         "stopped after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " tiles", done,
                         run->tiles);
        run->stop = run->stop || !go_on;
    }
}

static void check_entries(struct run *run)
{
    const guint wanted = run->options->threads ? run->options->threads : g_get_num_processors();
    const guint count = (guint)MIN(wanted, run->tiles - run->next);
    g_autofree GThread **threads = g_new(GThread *, count + 1);

    g_mutex_lock(&run->lock);
    run->running = count;
    for (guint i = 0; i < count; i++)
        threads[i] = g_thread_new("fsck", work, run);
    attend(run);
    g_mutex_unlock(&run->lock);
    for (guint i = 0; i < count; i++)
        g_thread_join(threads[i]);
}

/* ---- the levels above ---- */

/* Adds the perfect nodes of a partial tile, from the smallest to the largest. */
static void add_perfect(struct merkle *merkle, const struct merkle_hash *hashes, guint width,
                        struct merkle_hash *perfect, guint *count)
{
    for (guint height = 0; height < TILE_HEIGHT; height++) {
        const guint size = 1u << height;

        if (width & size)
            perfect[(*count)++] = merkle_root(merkle, hashes + (width & ~(2 * size - 1)), size);
    }
}

/* Builds the levels from the roots of the tiles below, in place, and the root of all. */
static gboolean check_levels(struct run *run, struct checker *checker, GError **error)
{
    struct merkle_hash perfect[TREE_LEVELS], root = merkle_root(checker->merkle, NULL, 0);
    guint64 below = run->full;
    guint count = 0;

    add_perfect(checker->merkle, run->edge, run->edge_width, perfect, &count);
    for (int level = 1; below; level++) {
        for (guint64 start = 0; start < below; start += TILE_WIDTH) {
            const struct tile tile = { level, start / TILE_WIDTH,
                                       (guint)MIN(below - start, TILE_WIDTH) };

            if (!compare_hashes(checker, &tile, run->roots + start, error))
                return FALSE;
            if (tile.width == TILE_WIDTH)
                run->roots[tile.index] =
                    merkle_root(checker->merkle, run->roots + start, TILE_WIDTH);
            else
                add_perfect(checker->merkle, run->roots + start, tile.width, perfect, &count);
        }
        below /= TILE_WIDTH;
    }
    for (guint i = 0; i < count; i++)
        root = i ? merkle_node(checker->merkle, &perfect[i], &root) : perfect[i];
    return memcmp(root.bytes, run->checkpoint->root.bytes, MERKLE_HASH_SIZE) == 0 ||
           fsck_differs(&checker->finding, 0, error,
                        "the entries and tiles fit one another, but give another root than the "
                        "checkpoint");
}

/* ---- all of it ---- */

static gboolean prepare(struct run *run, GError **error)
{
    const struct log_fsck_options *options = run->options;
    const guint64 size = run->checkpoint->size;
    g_autoptr(GByteArray) known = NULL;
    g_autoptr(GError) cause = NULL;

    run->full = size / TILE_WIDTH;
    run->edge_width = size % TILE_WIDTH;
    run->tiles = run->full + (run->edge_width ? 1 : 0);
    run->roots = g_try_new0(struct merkle_hash, run->full + 1);
    run->is_done = g_try_malloc0(run->tiles + 1);
    if (!run->roots || !run->is_done)
        return system_error(error, "no memory to check %" G_GUINT64_FORMAT " entries", size);
    if (options->resume_file) {
        known = fsck_resume_read(options->resume_file, run->checkpoint, &cause);
        if (cause) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return FALSE;
        }
    }
    if (known) {
        run->next = run->contiguous = run->done = MIN(known->len / MERKLE_HASH_SIZE, run->full);
        memcpy(run->roots, known->data, run->next * MERKLE_HASH_SIZE);
        memset(run->is_done, 1, run->next);
        run->counts.resumed = run->next * TILE_WIDTH;
    }
    return TRUE;
}

/* TRUE when the tree is whole; else the finding or the error says why not. */
static gboolean check_tree(struct run *run, GError **error)
{
    struct checker checker;
    gboolean good;

    check_entries(run);
    if (run->error && !run->finding.what) {
        if (run->options->resume_file)
            fsck_resume_write(run->options->resume_file, run->checkpoint, run->roots,
                              run->contiguous, NULL);
        g_propagate_error(error, g_steal_pointer(&run->error));
        return FALSE;
    }
    if (run->finding.what)
        return found_error(error, "%s", run->finding.what);
    checker_init(&checker, run->options);
    good = check_levels(run, &checker, error);
    merge(run, &checker);
    checker_clear(&checker);
    return good;
}

gboolean log_fsck(const struct log_fsck_options *options, const struct checkpoint *checkpoint,
                  struct log_fsck_counts *counts, struct log_fsck_finding *finding, GError **error)
{
    struct run run = { .options = options, .checkpoint = checkpoint };
    g_autoptr(GError) cause = NULL;
    gboolean good;

    g_mutex_init(&run.lock);
    g_cond_init(&run.changed);
    good = prepare(&run, &cause) && check_tree(&run, &cause) &&
           fsck_records(options, checkpoint, &run.counts, &run.finding, &cause);
    if (options->resume_file && (good || run.finding.what))
        g_unlink(options->resume_file); /* done, or to be begun anew once it is repaired */
    *counts = run.counts;
    *finding = run.finding;
    if (good)
        finding->index = checkpoint->size;
    else
        g_propagate_error(error, g_steal_pointer(&cause));
    g_clear_error(&run.error);
    g_free(run.roots);
    g_free(run.is_done);
    g_mutex_clear(&run.lock);
    g_cond_clear(&run.changed);
    return good;
}
