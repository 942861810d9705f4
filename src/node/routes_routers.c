#include "base/error.h"
#include "net/address.h"
#include "net/prefix.h"
#include "node/listen.h"
#include "node/routes_watch.h"
#include "p2_internet/routes/bmp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUTERS_MAX 64u
#define READ_SIZE (64u << 10)
/* A router whose machine is gone says nothing, and so does one that is content. */
#define KEEPALIVE_AFTER_S 30
#define KEEPALIVE_EVERY_S 10
#define KEEPALIVE_TIMES 3

struct router {
    int fd;
    char *feed;
    struct bmp_reader *reader;
    struct routers *all;
    gboolean is_over;
};

struct routers {
    struct listener *listener;
    GPtrArray *allowed; /* struct ip_prefix *, of whole addresses; empty: all */
    GPtrArray *connected;
    routers_sink sink;
    gpointer data;
    struct routers_counts counts;
};

static void router_free(gpointer data)
{
    struct router *router = data;

    close(router->fd);
    bmp_reader_free(router->reader);
    g_free(router->feed);
    g_free(router);
}

/* --- who may --- */

static gboolean read_allowed(struct routers *routers, char *const *allowed, GError **error)
{
    for (; allowed && *allowed; allowed++) {
        struct ip_prefix *address = g_new0(struct ip_prefix, 1);

        g_ptr_array_add(routers->allowed, address);
        if (!ip_address_parse(*allowed, &address->family, address->address))
            return input_error(error, "--bmp-router: \"%s\" is no address", *allowed);
    }
    return TRUE;
}

/* An IPv4 address inside an IPv6 one (RFC 4291 section 2.5.5.2) is the former. */
static void address_of(const struct sockaddr_storage *socket, struct ip_prefix *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)socket;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)socket;

    memset(address, 0, sizeof *address);
    if (socket->ss_family == AF_INET) {
        address->family = 4;
        memcpy(address->address, &four->sin_addr, sizeof four->sin_addr);
    } else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        address->family = 4;
        memcpy(address->address, six->sin6_addr.s6_addr + 12, sizeof four->sin_addr);
    } else {
        address->family = 6;
        memcpy(address->address, &six->sin6_addr, sizeof six->sin6_addr);
    }
}

static gboolean is_allowed(const struct routers *routers, const struct ip_prefix *address)
{
    for (guint i = 0; i < routers->allowed->len; i++) {
        const struct ip_prefix *one = routers->allowed->pdata[i];

        if (one->family == address->family &&
            memcmp(one->address, address->address, sizeof one->address) == 0)
            return TRUE;
    }
    return !routers->allowed->len;
}

/* --- all of them --- */

struct routers *routers_open(const char *address, char *const *allowed, routers_sink sink,
                             gpointer data, GError **error)
{
    g_autoptr(routers_t) routers = g_new0(struct routers, 1);

    routers->allowed = g_ptr_array_new_with_free_func(g_free);
    routers->connected = g_ptr_array_new_with_free_func(router_free);
    routers->sink = sink;
    routers->data = data;
    if (!read_allowed(routers, allowed, error))
        return NULL;
    routers->listener = listener_open(address, error);
    if (!routers->listener)
        return NULL;
    if (!routers->listener->loopback && !routers->allowed->len) {
        policy_error(error,
                     "--bmp %s: everybody who reaches it could tell of routes that are not there; "
                     "say who may: --bmp-router ADDRESS",
                     address);
        return NULL;
    }
    return g_steal_pointer(&routers);
}

void routers_close(struct routers *routers)
{
    if (!routers)
        return;
    g_ptr_array_unref(routers->connected);
    g_ptr_array_unref(routers->allowed);
    g_clear_pointer(&routers->listener, listener_free);
    g_free(routers);
}

const char *routers_address(const struct routers *routers)
{
    return routers->listener->address;
}

void routers_count(const struct routers *routers, struct routers_counts *counts)
{
    *counts = routers->counts;
    counts->connected = routers->connected->len;
    for (guint i = 0; i < routers->connected->len; i++) {
        const struct router *router = routers->connected->pdata[i];

        counts->unread += bmp_reader_counts(router->reader)->malformed;
    }
}

void routers_each(const struct routers *routers, void (*each)(const char *feed, gpointer data),
                  gpointer data)
{
    for (guint i = 0; i < routers->connected->len; i++)
        each(((const struct router *)routers->connected->pdata[i])->feed, data);
}

/* --- one connection --- */

static void pass(const struct route_element *element, gpointer data)
{
    const struct router *router = data;

    router->all->sink(router->feed, element, router->all->data);
}

static void keep_alive(int fd)
{
    const struct {
        int level, option, value;
    } settings[] = {
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_AFTER_S },
        { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S },
        { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TIMES },
    };

    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        setsockopt(fd, settings[i].level, settings[i].option, &settings[i].value, sizeof(int));
}

static void take_connection(struct routers *routers)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    const int fd = accept4(routers->listener->fd, (struct sockaddr *)&from, &size,
                           SOCK_CLOEXEC | SOCK_NONBLOCK);
    char text[IP_PREFIX_TEXT];
    struct ip_prefix address;
    struct router *router;

    if (fd < 0)
        return;
    address_of(&from, &address);
    if (routers->connected->len >= ROUTERS_MAX || !is_allowed(routers, &address)) {
        routers->counts.refused++;
        close(fd);
        return;
    }
    keep_alive(fd);
    ip_address_format(address.family, address.address, text);
    router = g_new0(struct router, 1);
    router->fd = fd;
    router->all = routers;
    router->feed = g_strconcat(ROUTERS_FEED, text, NULL);
    router->reader = bmp_reader_new(router->feed, BMP_VIEW_PRE_POLICY, pass, router);
    g_ptr_array_add(routers->connected, router);
}

static void take_bytes(struct router *router, gint64 now_us)
{
    guint8 bytes[READ_SIZE];
    const ssize_t got = recv(router->fd, bytes, sizeof bytes, 0);
    g_autoptr(GError) failure = NULL;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0 && bmp_reader_feed(router->reader, bytes, (gsize)got, now_us, &failure))
        return;
    /* All its peers are gone with it, and so are their routes. */
    router->all->counts.unread += got > 0;
    bmp_reader_end(router->reader, now_us, NULL);
    router->is_over = TRUE;
}

void routers_poll(const struct routers *routers, GArray *polled)
{
    struct pollfd one = { .fd = routers->listener->fd, .events = POLLIN };

    g_array_append_val(polled, one);
    for (guint i = 0; i < routers->connected->len; i++) {
        one.fd = ((const struct router *)routers->connected->pdata[i])->fd;
        g_array_append_val(polled, one);
    }
}

void routers_take(struct routers *routers, const struct pollfd *polled, gint64 now_us)
{
    for (guint i = 0; i < routers->connected->len; i++)
        if (polled[1 + i].revents)
            take_bytes(routers->connected->pdata[i], now_us);
    for (guint i = routers->connected->len; i > 0; i--) {
        const struct router *router = routers->connected->pdata[i - 1];

        if (!router->is_over)
            continue;
        routers->counts.unread += bmp_reader_counts(router->reader)->malformed;
        g_ptr_array_remove_index(routers->connected, i - 1);
    }
    if (polled[0].revents)
        take_connection(routers);
}
