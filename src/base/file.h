/*
 * file.h: reading with a bound, and durable writing.
 *
 * A durable write leaves the old file or the new one, whatever kills the program: temporary name
 * in the same folder, fsync, rename, fsync of the folder. A killed writer's temporary file goes
 * away with the next write of the same file.
 */
#pragma once
#include <glib.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Reads a regular file of at most `limit` bytes; "-" is standard input. Refuses what is larger,
 * is a folder, a FIFO or a device. The caller owns the bytes; they are followed by a NUL that
 * does not count. NULL and ENTENTE_ERROR_SYSTEM, or _INPUT when too large.
 */
GBytes *file_read(const char *path, gsize limit, GError **error);

/* Opens a regular file for reading, and nothing else. -1 and ENTENTE_ERROR_SYSTEM. */
int file_open_regular(const char *path, struct stat *status, GError **error);

/* Writes `path` durably with `mode`, replacing a file or a link that is there, and nothing else. */
gboolean file_write(const char *path, const void *data, gsize length, mode_t mode, GError **error);

/* As file_write(), but refuses when `path` exists (ENTENTE_ERROR_INPUT). */
gboolean file_create(const char *path, const void *data, gsize length, mode_t mode, GError **error);

/*
 * The same in pieces, for what is too large to hold: open, write as often as wanted, then finish
 * or discard, once. Nothing is to be seen at `path` before file_draft_finish(); without `replace`
 * it refuses what exists by then. A failed open needs no discard.
 */
struct file_draft {
    char *path, *temporary;
    int fd;
    gboolean replace;
};

gboolean file_draft_open(struct file_draft *draft, const char *path, gboolean replace,
                         GError **error);
gboolean file_draft_write(struct file_draft *draft, const void *data, gsize length, GError **error);
gboolean file_draft_finish(struct file_draft *draft, mode_t mode, GError **error);
void file_draft_discard(struct file_draft *draft);

/* Writes all of it where `fd` stands. FALSE: errno says why (ENOSPC when nothing could be). */
gboolean file_write_all(int fd, gconstpointer data, gsize length);

/* Makes a folder and its missing parents, each with `mode`; one that is there is fine. */
gboolean file_make_folder(const char *path, mode_t mode, GError **error);

/* Makes the last rename or unlink in the folder of `path` durable. */
gboolean file_sync_folder_of(const char *path, GError **error);
