#include "log/applied.h"

#include "base/error.h"
#include "base/file.h"
#include "log/checkpoint.h"
#include "log/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FOLDER_MODE 0755
#define FILE_MODE 0644

struct applied {
    char *path, *origin;
    int folder; /* locked */
};

static gboolean lock_folder(struct applied *applied, const char *folder, GError **error)
{
    applied->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (applied->folder < 0)
        return errno_error(error, errno, "%s: cannot be opened", folder);
    if (flock(applied->folder, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    if (errno == EWOULDBLOCK)
        return policy_error(error, "%s: another process keeps this folder; each node has its own",
                            folder);
    return errno_error(error, errno, "%s: cannot be locked", folder);
}

static gboolean read_mark(struct applied *applied, guint64 *size, struct merkle_hash *root,
                          GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(GBytes) bytes = NULL;

    *size = 0;
    *root = merkle_root(merkle, NULL, 0);
    if (access(applied->path, F_OK) != 0)
        return applied_mark(applied, 0, root, error); /* all is to come */
    bytes = file_read(applied->path, NOTE_LIMIT, error);
    if (!bytes)
        return FALSE;
    checkpoint = checkpoint_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error);
    if (!checkpoint) {
        g_prefix_error(error, "%s: ", applied->path);
        return FALSE;
    }
    *size = checkpoint->size;
    *root = checkpoint->root;
    return g_str_equal(checkpoint->origin, applied->origin) ||
           input_error(error, "%s: belongs to the log %s, not to %s", applied->path,
                       checkpoint->origin, applied->origin);
}

struct applied *applied_open(const char *folder, const char *origin, guint64 *size,
                             struct merkle_hash *root, GError **error)
{
    g_autoptr(applied_t) applied = g_new0(struct applied, 1);

    applied->folder = -1;
    applied->path = g_build_filename(folder, "applied", NULL);
    applied->origin = g_strdup(origin);
    if (wal_exists(folder)) {
        input_error(error, "%s: the log there has a WAL of its own, and is in no database", folder);
        return NULL;
    }
    if (!file_make_folder(folder, FOLDER_MODE, error) || !lock_folder(applied, folder, error) ||
        !read_mark(applied, size, root, error))
        return NULL;
    return g_steal_pointer(&applied);
}

gboolean applied_mark(struct applied *applied, guint64 size, const struct merkle_hash *root,
                      GError **error)
{
    g_autofree char *text = checkpoint_text(applied->origin, size, root);

    return file_write(applied->path, text, strlen(text), FILE_MODE, error);
}

void applied_close(struct applied *applied)
{
    if (!applied)
        return;
    if (applied->folder >= 0)
        close(applied->folder);
    g_free(applied->path);
    g_free(applied->origin);
    g_free(applied);
}
