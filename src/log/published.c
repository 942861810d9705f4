#include "log/published.h"

#include "base/error.h"
#include "base/file.h"
#include "log/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PUBLIC_MODE 0644
#define HISTORY_LIMIT (1u << 30)
#define LENGTH_SIZE 4 /* be32 before each note of the history */

void published_init(struct published *published, const char *folder, const char *origin,
                    GPtrArray *keys)
{
    *published =
        (struct published){ .folder = g_strdup(folder), .origin = g_strdup(origin), .keys = keys };
}

void published_clear(struct published *published)
{
    g_clear_pointer(&published->folder, g_free);
    g_clear_pointer(&published->origin, g_free);
    g_clear_pointer(&published->keys, g_ptr_array_unref);
}

static char *path_of(const struct published *published, const char *name)
{
    return g_build_filename(published->folder, name, NULL);
}

struct checkpoint *published_parse(const struct published *published, GBytes *bytes,
                                   const char *name, GError **error)
{
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
    if (!g_str_equal(checkpoint->origin, published->origin) ||
        note_verify(note, published->keys, NULL) != NOTE_GOOD) {
        found_error(error, "%s: is no checkpoint signed by the log %s", name, published->origin);
        return NULL;
    }
    return g_steal_pointer(&checkpoint);
}

gboolean published_has_root(struct tile_set *tiles, const struct checkpoint *checkpoint,
                            const char *name, GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    struct tile_nodes nodes = { tiles, merkle };
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
static gboolean append_history(struct published *published, GBytes *note, GError **error)
{
    g_autofree char *path = path_of(published, "history");
    g_autoptr(GByteArray) record = g_byte_array_new();
    const gboolean is_new = access(path, F_OK) != 0;
    guint32 head = GUINT32_TO_BE((guint32)g_bytes_get_size(note));
    const off_t at = (off_t)published->history_length;
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
        published->history_length += record->len;
    return done;
}

static gboolean put_checkpoint(struct published *published, GBytes *note, GError **error)
{
    g_autofree char *path = path_of(published, "checkpoint");
    gsize length;
    const void *data = g_bytes_get_data(note, &length);

    return file_write(path, data, length, PUBLIC_MODE, error);
}

gboolean published_remember(struct published *published, GBytes *note, guint64 size, GError **error)
{
    if (published->has_history && size <= published->trusted)
        return TRUE;
    if (!append_history(published, note, error))
        return FALSE;
    published->has_history = TRUE;
    published->trusted = size;
    return TRUE;
}

gboolean published_put(struct published *published, struct tile_set *tiles, GBytes *note,
                       guint64 size, gboolean trusted, GError **error)
{
    if (!tile_set_write_partial(tiles, size, error) ||
        (trusted && !published_remember(published, note, size, error)) ||
        !put_checkpoint(published, note, error))
        return FALSE;
    published->size = size;
    return TRUE;
}

/* ---- what was published before ---- */

static gboolean read_checkpoint(struct published *published, struct tile_set *tiles,
                                guint64 signed_size, const char *place, GError **error)
{
    g_autofree char *path = path_of(published, "checkpoint");
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(GBytes) bytes = NULL;

    if (access(path, F_OK) != 0)
        return TRUE; /* nothing was published */
    bytes = file_read(path, NOTE_LIMIT, error);
    if (!bytes)
        return FALSE;
    checkpoint = published_parse(published, bytes, path, error);
    if (!checkpoint)
        return FALSE;
    if (checkpoint->size > signed_size)
        return policy_error(error,
                            "%s: has size %" G_GUINT64_FORMAT ", and the lock row %s knows only of "
                            "%" G_GUINT64_FORMAT ": the lock row is from a backup; the log goes on "
                            "under a new origin only",
                            path, checkpoint->size, place, signed_size);
    published->size = checkpoint->size;
    return published_has_root(tiles, checkpoint, path, error);
}

/* Finds where the whole records of the history end, and the size of the last. */
static gboolean read_history(struct published *published, GError **error)
{
    g_autofree char *path = path_of(published, "history");
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
        published->history_length = at;
        checkpoint = published_parse(published, note, path, error);
        if (!checkpoint)
            return FALSE;
        published->has_history = TRUE;
        published->trusted = MAX(published->trusted, checkpoint->size);
    }
    return TRUE;
}

gboolean published_read(struct published *published, struct tile_set *tiles, guint64 signed_size,
                        const char *place, GError **error)
{
    return read_checkpoint(published, tiles, signed_size, place, error) &&
           read_history(published, error);
}
