#include "p2_internet/clock/reach.h"

#include "base/error.h"
#include "net/address.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define US_A_MS 1000

void reach_clear(struct reach *reach)
{
    if (reach->fd >= 0)
        close(reach->fd);
    reach->fd = -1;
    g_clear_pointer(&reach->address, g_free);
}

gboolean reach_wait(int fd, short events, gint64 deadline_us)
{
    struct pollfd poll_fd = { .fd = fd, .events = events };
    gint64 left_us;
    int ready = 0;

    while (ready <= 0 && (left_us = deadline_us - g_get_monotonic_time()) > 0) {
        ready = poll(&poll_fd, 1, (int)MIN((left_us + US_A_MS - 1) / US_A_MS, G_MAXINT));
        if (ready < 0 && errno != EINTR)
            return FALSE;
    }
    return ready > 0;
}

/* 0 or what went wrong. */
static int begin(struct reach *reach, const struct addrinfo *info, gint64 deadline_us)
{
    int code = 0;
    socklen_t size = sizeof code;

    reach->fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (reach->fd < 0)
        return errno;
    if (connect(reach->fd, info->ai_addr, info->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    if (!reach_wait(reach->fd, POLLOUT, deadline_us))
        return ETIMEDOUT;
    return getsockopt(reach->fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

gboolean reach_open(const char *host, guint16 port, int type, guint number, gint64 deadline_us,
                    struct reach *reach, gboolean *more, GError **error)
{
    const struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_ADDRCONFIG };
    g_autofree char *service = g_strdup_printf("%u", port);
    struct addrinfo *list = NULL, *info;
    int code = getaddrinfo(host, service, &hints, &list);

    *reach = (struct reach){ .fd = -1 };
    *more = FALSE;
    if (code != 0)
        return system_error(error, "%s: %s", host, gai_strerror(code));
    info = list;
    for (guint i = 0; i < number && info; i++)
        info = info->ai_next;
    if (!info) {
        freeaddrinfo(list);
        return system_error(error, "%s has no further address", host);
    }
    *more = info->ai_next && number + 1 < REACH_ADDRESSES;
    reach->address = address_text(info->ai_addr);
    reach->is_public = address_is_public(info->ai_addr);
    code = begin(reach, info, deadline_us);
    freeaddrinfo(list);
    return code == 0 || errno_error(error, code, "%s port %u", reach->address, port);
}
