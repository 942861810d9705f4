/* reach.h: sockets to the servers of a name, with deadlines. */
#pragma once
#include <glib.h>

#define REACH_ADDRESSES 4u /* of one name, at most */

struct reach {
    int fd;
    char *address; /* "192.0.2.1" */
    gboolean is_public;
};
void reach_clear(struct reach *reach);

/*
 * Connects to the `number`th address (from 0) of a host, by TCP (`type` SOCK_STREAM) or UDP, until
 * `deadline_us` on the clock of g_get_monotonic_time(). The socket does not block. `*more` says
 * whether there is another address. ENTENTE_ERROR_SYSTEM.
 */
gboolean reach_open(const char *host, guint16 port, int type, guint number, gint64 deadline_us,
                    struct reach *reach, gboolean *more, GError **error);

/* Waits until the socket can be read or written (POLLIN, POLLOUT). FALSE: the deadline passed. */
gboolean reach_wait(int fd, short events, gint64 deadline_us);
