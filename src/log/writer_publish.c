#include "log/writer_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PUBLIC_MODE 0644
#define HISTORY_LIMIT (1u << 30)
#define LENGTH_SIZE 4 /* be32 before each note of the history */

static char *path_of(const struct log_writer *writer, const char *name)
{
    return g_build_filename(writer->folder, name, NULL);
}

/* ---- signing ---- */

/* The lock row first, then the signature: what was ever signed is never ahead of the row. */
static GBytes *sign_now(struct log_writer *writer, guint64 size, const struct merkle_hash *root,
                        GError **error)
{
    const struct lock_state *old = &writer->signed_state;
    const struct lock_state next = { size, *root, MAX(clock_now_us(), old->time_us) };

    if (writer->signed_note && old->size == size)
        return g_bytes_ref(writer->signed_note);
    if (old->size != size) {
        if (!lock_row_advance(writer->lock_row, &next, error))
            return NULL;
        writer->signed_state = next;
    }
    g_clear_pointer(&writer->signed_note, g_bytes_unref);
    writer->signed_note = checkpoint_sign(writer->key, size, root);
    return g_bytes_ref(writer->signed_note);
}

GBytes *log_writer_checkpoint(struct log_writer *writer)
{
    struct merkle_hash root;
    GError *error = NULL;
    GBytes *note = NULL;
    guint64 size;

    pthread_mutex_lock(&writer->sign_lock);
    pthread_mutex_lock(&writer->lock);
    size = writer->size;
    root = writer->root;
    pthread_mutex_unlock(&writer->lock);
    if (writer_works(writer, NULL)) {
        note = sign_now(writer, size, &root, &error);
        if (!note)
            writer_fail(writer, error);
    }
    pthread_mutex_unlock(&writer->sign_lock);
    return note;
}

gint64 log_writer_time_us(struct log_writer *writer)
{
    gint64 time_us;

    pthread_mutex_lock(&writer->sign_lock);
    time_us = MAX(clock_now_us(), writer->signed_state.time_us);
    pthread_mutex_unlock(&writer->sign_lock);
    return time_us;
}

/* ---- proofs ---- */

/* Waits until all tiles below `size` are there; refuses a size that is not committed. */
static gboolean have_tiles(struct log_writer *writer, guint64 size, GError **error)
{
    gboolean committed;

    pthread_mutex_lock(&writer->lock);
    committed = size <= writer->size;
    while (committed && writer->tiled < size && !writer->failure)
        pthread_cond_wait(&writer->changed, &writer->lock);
    pthread_mutex_unlock(&writer->lock);
    return committed ? writer_works(writer, error)
                     : input_error(error, "the log has no size %" G_GUINT64_FORMAT " yet", size);
}

gboolean log_writer_consistency(struct log_writer *writer, guint64 old_size, guint64 size,
                                struct merkle_hash *path, guint *length, GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    struct tile_nodes nodes = { writer->tiles, merkle };

    return have_tiles(writer, size, error) &&
           tree_consistency(merkle, old_size, size, tile_set_node, &nodes, path, length, error);
}

gboolean log_writer_inclusion(struct log_writer *writer, guint64 index, guint64 size,
                              struct merkle_hash *path, guint *length, GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    struct tile_nodes nodes = { writer->tiles, merkle };

    return have_tiles(writer, size, error) &&
           tree_inclusion(merkle, index, size, tile_set_node, &nodes, path, length, error);
}

gboolean log_writer_settle(struct log_writer *writer, guint64 size, GError **error)
{
    return have_tiles(writer, size, error) && tile_set_write_partial(writer->tiles, size, error);
}

/* ---- publishing ---- */

/* Reads a note of this log: its origin, its key's signature, the root that the tiles have. */
static struct checkpoint *read_own(struct log_writer *writer, GBytes *bytes, const char *name,
                                   GError **error)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(note_t) note = NULL;
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);

    note = note_parse(data, length, name, error);
    if (!note)
        return NULL;
    data = g_bytes_get_data(note->text, &length);
    checkpoint = checkpoint_parse(data, length, error);
    if (!checkpoint)
        return NULL;
    g_ptr_array_add(keys, note_key_new(NOTE_KEY_ED25519, writer->key->public));
    if (!g_str_equal(checkpoint->origin, writer->origin) ||
        note_verify(note, keys, NULL) != NOTE_GOOD) {
        found_error(error, "%s: is no checkpoint signed by the log %s", name, writer->origin);
        return NULL;
    }
    return g_steal_pointer(&checkpoint);
}

static gboolean has_root(struct log_writer *writer, const struct checkpoint *checkpoint,
                         const char *name, GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    struct tile_nodes nodes = { writer->tiles, merkle };
    struct merkle_hash root;

    if (!tree_root_of(merkle, checkpoint->size, tile_set_node, &nodes, &root, error))
        return FALSE;
    return memcmp(&root, &checkpoint->root, sizeof root) == 0 ||
           found_error(error,
                       "%s: contradicts the log's entries at size %" G_GUINT64_FORMAT
                       ": stop, and keep both as evidence",
                       name, checkpoint->size);
}

/* One record at the end of what is whole, durably. */
static gboolean append_history(struct log_writer *writer, GBytes *note, GError **error)
{
    g_autofree char *path = path_of(writer, "history");
    g_autoptr(GByteArray) record = g_byte_array_new();
    const gboolean is_new = access(path, F_OK) != 0;
    guint32 head = GUINT32_TO_BE((guint32)g_bytes_get_size(note));
    const off_t at = (off_t)writer->history_length;
    gboolean done;
    int fd;

    g_byte_array_append(record, (const guint8 *)&head, sizeof head);
    g_byte_array_append(record, g_bytes_get_data(note, NULL), (guint)g_bytes_get_size(note));
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, PUBLIC_MODE);
    if (fd < 0)
        return errno_error(error, errno, "%s: cannot be opened", path);
    errno = ENOSPC; /* what a short write means */
    done = ftruncate(fd, at) == 0 &&
           pwrite(fd, record->data, record->len, at) == (ssize_t)record->len && fsync(fd) == 0;
    if (!done)
        errno_error(error, errno, "%s: cannot be written", path);
    close(fd);
    if (done && is_new)
        done = file_sync_folder_of(path, error);
    if (done)
        writer->history_length += record->len;
    return done;
}

static gboolean put_checkpoint(struct log_writer *writer, GBytes *note, GError **error)
{
    g_autofree char *path = path_of(writer, "checkpoint");
    gsize length;
    const void *data = g_bytes_get_data(note, &length);

    return file_write(path, data, length, PUBLIC_MODE, error);
}

static gboolean may_publish(struct log_writer *writer, guint64 size, GError **error)
{
    gboolean is_signed;

    if (size < writer->published)
        return policy_error(error,
                            "size %" G_GUINT64_FORMAT " is behind the published %" G_GUINT64_FORMAT,
                            size, writer->published);
    pthread_mutex_lock(&writer->sign_lock);
    is_signed = size <= writer->signed_state.size;
    pthread_mutex_unlock(&writer->sign_lock);
    return is_signed || policy_error(error, "size %" G_GUINT64_FORMAT " was not signed here", size);
}

/* Writes all; a failure of these writes is final. */
static gboolean publish(struct log_writer *writer, GBytes *note, guint64 size, gboolean trusted,
                        GError **error)
{
    const gboolean is_moment = trusted && (!writer->has_history || size > writer->trusted);
    g_autoptr(GError) trouble = NULL;

    if (!tile_set_write_partial(writer->tiles, size, &trouble) ||
        (is_moment && !append_history(writer, note, &trouble)) ||
        !put_checkpoint(writer, note, &trouble)) {
        writer_fail(writer, g_error_copy(trouble));
        g_propagate_error(error, g_steal_pointer(&trouble));
        return FALSE;
    }
    writer->published = size;
    if (is_moment) {
        writer->has_history = TRUE;
        writer->trusted = size;
    }
    return TRUE;
}

gboolean log_writer_publish(struct log_writer *writer, GBytes *note, gboolean trusted,
                            GError **error)
{
    g_autoptr(checkpoint_t) checkpoint = read_own(writer, note, "the checkpoint", error);
    gboolean done;

    if (!checkpoint)
        return FALSE;
    pthread_mutex_lock(&writer->publish_lock);
    done = may_publish(writer, checkpoint->size, error) &&
           have_tiles(writer, checkpoint->size, error) &&
           has_root(writer, checkpoint, "the checkpoint", error) &&
           publish(writer, note, checkpoint->size, trusted, error);
    pthread_mutex_unlock(&writer->publish_lock);
    return done;
}

/* ---- what was published before ---- */

static gboolean read_checkpoint(struct log_writer *writer, GError **error)
{
    g_autofree char *path = path_of(writer, "checkpoint");
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(GBytes) bytes = NULL;

    if (access(path, F_OK) != 0)
        return TRUE; /* nothing was published */
    bytes = file_read(path, NOTE_LIMIT, error);
    if (!bytes)
        return FALSE;
    checkpoint = read_own(writer, bytes, path, error);
    if (!checkpoint)
        return FALSE;
    if (checkpoint->size > writer->signed_state.size)
        return policy_error(error,
                            "%s: has size %" G_GUINT64_FORMAT ", and the lock row %s knows only of "
                            "%" G_GUINT64_FORMAT ": the lock row is from a backup; the log goes on "
                            "under a new origin only",
                            path, checkpoint->size, writer->lock_path, writer->signed_state.size);
    writer->published = checkpoint->size;
    return has_root(writer, checkpoint, path, error);
}

/* Finds where the whole records of the history end, and the size of the last. */
static gboolean read_history(struct log_writer *writer, GError **error)
{
    g_autofree char *path = path_of(writer, "history");
    g_autoptr(GBytes) bytes = NULL;
    const guint8 *data;
    gsize length, at = 0;

    if (access(path, F_OK) != 0)
        return TRUE;
    bytes = file_read(path, HISTORY_LIMIT, error);
    if (!bytes)
        return FALSE;
    data = g_bytes_get_data(bytes, &length);
    while (length - at >= LENGTH_SIZE) {
        g_autoptr(checkpoint_t) checkpoint = NULL;
        g_autoptr(GBytes) note = NULL;
        guint32 size;

        memcpy(&size, data + at, LENGTH_SIZE);
        size = GUINT32_FROM_BE(size);
        if (size > length - at - LENGTH_SIZE)
            break; /* torn by a crash: it is written again */
        note = g_bytes_new_from_bytes(bytes, at + LENGTH_SIZE, size);
        at += LENGTH_SIZE + size;
        writer->history_length = at;
        checkpoint = read_own(writer, note, path, error);
        if (!checkpoint)
            return FALSE;
        writer->has_history = TRUE;
        writer->trusted = MAX(writer->trusted, checkpoint->size);
    }
    return TRUE;
}

gboolean writer_read_published(struct log_writer *writer, GError **error)
{
    return read_checkpoint(writer, error) && read_history(writer, error);
}
