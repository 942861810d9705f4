/*
 * scratch.h: reading many files one after the other through one buffer, where host_read() would
 * keep them all: file lists of dpkg, the scan for secrets, package lists of apt. What is read to
 * its end only once is not even held as a whole (scratch_each_piece()).
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct scratch {
    char *text; /* NUL-terminated content of the last file read */
    gsize length, room;
    gboolean cut;          /* the file goes on behind `limit` bytes */
    struct host_file file; /* mode, owner, size of what was opened; `path` and `text` unset */
};

/*
 * Reads up to `limit` bytes of a regular file into `scratch`, by the opened descriptor, so that
 * what was looked at is what is read. Links in the last component are followed only when `follow`.
 */
enum host_state scratch_read(struct host *host, const char *path, gsize limit, gboolean follow,
                             struct scratch *scratch);
void scratch_clear(struct scratch *scratch);

/*
 * Hands over a regular file of at most `limit` bytes piece by piece, as it is read. The pieces end
 * anywhere. When the state is not HOST_OK (a larger file is HOST_UNREADABLE), some may have gone.
 */
typedef void (*scratch_piece_fn)(const char *text, gsize length, gpointer data);
enum host_state scratch_each_piece(struct host *host, const char *path, gsize limit,
                                   scratch_piece_fn each, gpointer data);
typedef struct scratch scratch_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(scratch_t, scratch_clear)
