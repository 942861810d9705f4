#include "log/writer_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define BATCH_DEFAULT 4096
#define QUEUE_DEFAULT 16384
#define FOLDER_MODE 0755
#define CLOCK_TOLERANCE_US (5 * G_TIME_SPAN_MINUTE)

/* File systems whose locks and syncs another machine, or a helper process, may not keep. */
static const struct {
    guint32 magic;
    const char *name;
} remote[] = {
    { NFS_SUPER_MAGIC, "NFS" },   { SMB_SUPER_MAGIC, "SMB" },
    { CIFS_SUPER_MAGIC, "CIFS" }, { SMB2_SUPER_MAGIC, "SMB" },
    { AFS_SUPER_MAGIC, "AFS" },   { CODA_SUPER_MAGIC, "Coda" },
    { FUSE_SUPER_MAGIC, "FUSE" }, { CEPH_SUPER_MAGIC, "Ceph" },
    { V9FS_MAGIC, "9P" },         { OCFS2_SUPER_MAGIC, "OCFS2" },
    { 0x01161970, "GFS2" },       { 0x0bd00bd0, "Lustre" },
    { 0x47504653, "GPFS" },       { 0x786f4256, "VirtualBox share" },
};

static gboolean is_local(const char *folder, GError **error)
{
    struct statfs status;

    if (statfs(folder, &status) < 0)
        return errno_error(error, errno, "%s: cannot be looked at", folder);
    for (guint i = 0; i < G_N_ELEMENTS(remote); i++)
        if ((guint32)status.f_type == remote[i].magic)
            return policy_error(error,
                                "%s: lies on %s, which does not keep locks and syncs as a log "
                                "needs them: put the log on a local disk",
                                folder, remote[i].name);
    return TRUE;
}

static char *lock_path(const struct log_writer_options *options)
{
    return options->lock_file ? g_strdup(options->lock_file)
                              : g_build_filename(options->folder, "lock.db", NULL);
}

/* The WAL comes last: a folder has a log when it has one. */
gboolean log_create(const struct log_writer_options *options, GError **error)
{
    const char *origin = options->key->public->name;
    g_autofree char *lock_file = lock_path(options);
    g_autofree char *path = g_build_filename(options->folder, "checkpoint", NULL);
    g_autofree char *tiles = g_build_filename(options->folder, "tile", NULL);
    g_autoptr(merkle_t) merkle = merkle_new();
    const struct merkle_hash empty = merkle_root(merkle, NULL, 0);
    g_autoptr(GBytes) note = NULL;

    if (!file_make_folder(options->folder, FOLDER_MODE, error) || !is_local(options->folder, error))
        return FALSE;
    if (wal_exists(options->folder))
        return input_error(error, "%s: there is a log already", options->folder);
    if (tile_set_has_more(options->folder, 0))
        return policy_error(error, "%s: there are tiles of a log that lost its WAL; move them away",
                            options->folder);
    if (!lock_row_create(lock_file, origin, error) || !file_make_folder(tiles, FOLDER_MODE, error))
        return FALSE;
    note = checkpoint_sign(options->key, 0, &empty);
    return file_write(path, g_bytes_get_data(note, NULL), g_bytes_get_size(note), 0644, error) &&
           wal_create(options->folder, origin, 0, &empty, error);
}

gboolean log_restore(const struct log_writer_options *options, guint64 *size, GError **error)
{
    const char *origin = options->key->public->name;
    g_autofree char *lock_file = lock_path(options);
    g_autoptr(lock_row_t) row = NULL;
    g_autoptr(tile_set_t) tiles = NULL;
    struct lock_state state;

    if (!is_local(options->folder, error))
        return FALSE;
    if (wal_exists(options->folder))
        return input_error(error, "%s: the log has its WAL; there is nothing to restore",
                           options->folder);
    row = lock_row_open(lock_file, origin, &state, error);
    tiles = row ? tile_set_open(options->folder, state.size, &state.root, error) : NULL;
    if (!tiles)
        return FALSE;
    if (tile_set_has_more(options->folder, state.size))
        return policy_error(error,
                            "%s: the tiles hold entries past size %" G_GUINT64_FORMAT
                            ", the last that was signed (%s): they were answered for, and nothing "
                            "says how many more; go on under a new origin",
                            options->folder, state.size, lock_file);
    *size = state.size;
    return tile_set_sync(tiles, error) &&
           wal_create(options->folder, origin, state.size, &state.root, error);
}

/* ---- recovery ---- */

struct recovery {
    struct log_writer *writer;
    GArray *sizes; /* guint64: after each batch */
};

/* A record holds when the tree grown by its entries has its root; then they go into tiles. */
static gboolean recover_record(const struct wal_record *record, GBytes *bundle, GPtrArray *entries,
                               gpointer data, GError **error)
{
    struct recovery *recovery = data;
    struct log_writer *writer = recovery->writer;
    g_autofree struct merkle_hash *leaves = g_new(struct merkle_hash, entries->len);
    struct merkle_hash completed[TREE_LEVELS], root;
    struct tree_edge edge = writer->edge;

    if (record->first != edge.size)
        return FALSE;
    for (guint i = 0; i < entries->len; i++) {
        gsize length;
        const void *entry = g_bytes_get_data(entries->pdata[i], &length);

        leaves[i] = merkle_leaf(writer->merkle, entry, length);
        tree_append(&edge, writer->merkle, &leaves[i], completed);
    }
    root = tree_root(&edge, writer->merkle);
    if (memcmp(&root, &record->root, sizeof root) != 0 ||
        !tile_set_append(writer->tiles, leaves, entries, error))
        return FALSE;
    writer->edge = edge;
    g_array_append_val(recovery->sizes, edge.size);
    return TRUE;
}

/*
 * Tiles from the WAL; then the edge is read back from the disk and compared. Partial tiles of every
 * size that may have been published come back, too.
 */
static gboolean recover(struct log_writer *writer, GError **error)
{
    const struct commit_log_calls *calls = writer->commits->calls;
    struct recovery recovery = { writer, g_array_new(FALSE, FALSE, sizeof(guint64)) };
    g_autoptr(GArray) sizes = recovery.sizes;
    g_autoptr(tile_set_t) again = NULL;
    struct merkle_hash root;
    guint64 base;

    calls->base(writer->commits, &base, &root);
    writer->tiles = tile_set_open(writer->folder, base, &root, error);
    if (!writer->tiles ||
        !tile_set_edge(writer->tiles, writer->merkle, base, &writer->edge, error) ||
        !calls->replay(writer->commits, recover_record, &recovery, error))
        return FALSE;
    if (tile_set_has_more(writer->folder, writer->edge.size))
        return found_error(
            error,
            "%s: the tiles hold entries past the end of the WAL, at %" G_GUINT64_FORMAT
            ": its last record is damaged or it is from a backup",
            writer->folder, writer->edge.size);
    for (guint i = 0; i < sizes->len; i++)
        if (!tile_set_write_partial(writer->tiles, g_array_index(sizes, guint64, i), error))
            return FALSE;
    writer->size = writer->tiled = writer->edge.size;
    writer->sync_wanted = !calls->is_marked(writer->commits);
    writer->sync_size = writer->size;
    writer->root = tree_root(&writer->edge, writer->merkle);
    again = tile_set_open(writer->folder, writer->size, &writer->root, error);
    return again != NULL;
}

/* ---- what must agree ---- */

static gboolean check_lock_row(struct log_writer *writer, GError **error)
{
    struct tile_nodes nodes = { writer->tiles, writer->merkle };
    struct lock_state *state = &writer->signed_state;
    struct merkle_hash root;

    if (!writer->commits->calls->lock_read(writer->commits, state, error))
        return FALSE;
    if (state->size > writer->size)
        return policy_error(
            error,
            "%s: the data end at size %" G_GUINT64_FORMAT
            ", but the log signed size %" G_GUINT64_FORMAT " (%s): a restored "
            "backup. A log that lost entries goes on under a new origin only, whose "
            "first entry names this one",
            writer->folder, writer->size, state->size, writer->commits->place);
    if (!tree_root_of(writer->merkle, state->size, tile_set_node, &nodes, &root, error))
        return FALSE;
    if (memcmp(&root, &state->root, sizeof root) != 0)
        return policy_error(error,
                            "%s: the log signed another root for size %" G_GUINT64_FORMAT
                            " than its entries have (%s): these are other data",
                            writer->folder, state->size, writer->commits->place);
    if (clock_now_us() < state->time_us - CLOCK_TOLERANCE_US) {
        g_autofree char *time = clock_format(state->time_us);

        return policy_error(
            error, "the clock is behind the last checkpoint, signed at %s: set it first", time);
    }
    return TRUE;
}

/* Adds what the table of known entries lacks. */
static gboolean fill_dedup(struct log_writer *writer, GError **error)
{
    struct tile_nodes nodes = { writer->tiles, writer->merkle };
    struct merkle_hash leaves[TILE_WIDTH];
    guint64 known, first;
    guint count;

    writer->dedup = dedup_open(writer->folder, writer->size, &known, error);
    if (!writer->dedup)
        return FALSE;
    for (first = known - known % TILE_WIDTH; first < writer->size; first += TILE_WIDTH) {
        if (!tile_set_leaves(&nodes, first / TILE_WIDTH, leaves, &count, error))
            return FALSE;
        for (guint i = 0; i < count; i++)
            dedup_add(writer->dedup, &leaves[i], first + i);
    }
    return TRUE;
}

/* ---- open and close ---- */

static struct log_writer *writer_new(const struct log_writer_options *options)
{
    struct log_writer *writer = g_new0(struct log_writer, 1);
    GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_mutex_init(&writer->sign_lock, NULL);
    pthread_mutex_init(&writer->publish_lock, NULL);
    writer->folder = g_strdup(options->folder);
    writer->origin = g_strdup(options->key->public->name);
    g_ptr_array_add(keys, note_key_new(NOTE_KEY_ED25519, options->key->public));
    published_init(&writer->published, options->folder, writer->origin, keys);
    writer->key = options->key;
    writer->options = *options;
    writer->options.batch = options->batch ? options->batch : BATCH_DEFAULT;
    writer->options.queue = options->queue ? options->queue : QUEUE_DEFAULT;
    writer->merkle = merkle_new();
    g_queue_init(&writer->batches);
    return writer;
}

void writer_free(struct log_writer *writer)
{
    log_queue_free(writer->queue);
    dedup_free(writer->dedup);
    tile_set_free(writer->tiles);
    commit_log_close(writer->commits);
    published_clear(&writer->published);
    merkle_free(writer->merkle);
    g_clear_pointer(&writer->signed_note, g_bytes_unref);
    g_clear_error(&writer->failure);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    pthread_mutex_destroy(&writer->sign_lock);
    pthread_mutex_destroy(&writer->publish_lock);
    g_free(writer->folder);
    g_free(writer->origin);
    g_free(writer);
}

static struct commit_log *open_files(const struct log_writer_options *options, GError **error)
{
    g_autofree char *lock_file = lock_path(options);

    return commit_files_open(options->folder, lock_file, options->key->public->name, error);
}

struct log_writer *log_writer_open(const struct log_writer_options *options, GError **error)
{
    struct log_writer *writer;

    writer = writer_new(options);
    writer->commits = options->commits;
    if (!writer->commits && is_local(options->folder, error))
        writer->commits = open_files(options, error);
    if (!writer->commits || !recover(writer, error) || !check_lock_row(writer, error) ||
        !published_read(&writer->published, writer->tiles, writer->signed_state.size,
                        writer->commits->place, error) ||
        (!options->keep_duplicates && !fill_dedup(writer, error)) ||
        !writer->commits->calls->lock_take(writer->commits, error)) {
        writer_free(writer);
        return NULL;
    }
    writer_start(writer);
    return writer;
}

/* Everything is in synced tiles, and the WAL begins anew behind it. */
static gboolean cut(struct log_writer *writer, GError **error)
{
    const struct commit_log_calls *calls = writer->commits->calls;

    if (calls->is_marked(writer->commits) && calls->is_empty(writer->commits))
        return TRUE;
    return tile_set_write_partial(writer->tiles, writer->size, error) &&
           tile_set_sync(writer->tiles, error) &&
           (!writer->dedup || dedup_sync(writer->dedup, writer->size, error)) &&
           (calls->is_marked(writer->commits) || calls->mark(writer->commits, error)) &&
           calls->begin(writer->commits, writer->size, &writer->root, TRUE, error);
}

void log_writer_close(struct log_writer *writer)
{
    g_autoptr(GError) error = NULL;

    if (!writer)
        return;
    /* When this fails, the WAL still holds everything, and the next start reads it. */
    if (writer_stop(writer) && !cut(writer, &error))
        g_info("%s", error->message);
    writer_free(writer);
}
