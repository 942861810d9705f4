#include "p7_hygiene/host/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (1u << 15) /* small enough to stay in the cache while it is looked at */

/* Makes room for what the size promises, at once: growing copies. */
static void reserve(struct scratch *scratch, gsize limit)
{
    gsize room = MIN(scratch->file.size, limit) + 2; /* one more shows the end, and a NUL */

    if (room <= scratch->room)
        return;
    g_free(scratch->text);
    scratch->room = MAX(room, 1u << 16);
    scratch->text = g_malloc(scratch->room);
}

static enum host_state read_all(int fd, gsize limit, struct scratch *scratch)
{
    reserve(scratch, limit);
    for (;;) {
        ssize_t got;

        if (scratch->length + 1 >= scratch->room) {
            scratch->room = MAX(scratch->room * 2, 1u << 16);
            scratch->text = g_realloc(scratch->text, scratch->room);
        }
        got = read(fd, scratch->text + scratch->length,
                   MIN(scratch->room - scratch->length - 1, limit + 1 - scratch->length));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return host_state_of(errno);
        scratch->length += got;
        if (scratch->length > limit) {
            scratch->length = limit;
            scratch->cut = TRUE;
        }
        if (got == 0 || scratch->cut)
            break;
    }
    scratch->text[scratch->length] = 0;
    return HOST_OK;
}

/* Opens what is a regular file; -1 with `state`. */
static int open_regular(struct host *host, const char *path, int flags, struct stat *status,
                        enum host_state *state)
{
    int fd = host_open(host, path, flags);

    *state = fd < 0 ? host_state_of(errno) : HOST_OK;
    if (fd < 0 || (fstat(fd, status) == 0 && S_ISREG(status->st_mode)))
        return fd;
    *state = HOST_UNREADABLE;
    close(fd);
    return -1;
}

enum host_state scratch_read(struct host *host, const char *path, gsize limit, gboolean follow,
                             struct scratch *scratch)
{
    struct stat status;
    enum host_state state;
    int fd = open_regular(host, path, follow ? 0 : O_NOFOLLOW, &status, &state);

    scratch->length = 0;
    scratch->cut = FALSE;
    if (fd < 0)
        return state;
    scratch->file.mode = status.st_mode;
    scratch->file.uid = status.st_uid;
    scratch->file.gid = status.st_gid;
    scratch->file.size = status.st_size;
    scratch->file.mtime_us = status.st_mtim.tv_sec * G_USEC_PER_SEC;
    state = read_all(fd, limit, scratch);
    close(fd);
    return state;
}

enum host_state scratch_each_piece(struct host *host, const char *path, gsize limit,
                                   scratch_piece_fn each, gpointer data)
{
    /* Look before opening: opening a device may act on it. */
    const struct host_file *look = host_stat(host, path);
    char piece[PIECE];
    struct stat status;
    enum host_state state = look->state;
    gsize length = 0;
    ssize_t got;
    int fd;

    if (state != HOST_OK)
        return state;
    if (!S_ISREG(look->mode) || look->size > limit)
        return HOST_UNREADABLE;
    fd = open_regular(host, path, 0, &status, &state);
    if (fd < 0)
        return state;
    while ((got = read(fd, piece, sizeof piece)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        length += MAX(got, 0);
        if (got < 0 || length > limit)
            break;
        each(piece, got, data);
    }
    if (got)
        state = got < 0 ? host_state_of(errno) : HOST_UNREADABLE;
    close(fd);
    return state;
}

void scratch_clear(struct scratch *scratch)
{
    g_clear_pointer(&scratch->text, g_free);
    scratch->length = scratch->room = 0;
}
