#include "node/listen.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    if (listener->fd >= 0)
        close(listener->fd);
    g_free(listener->address);
    g_free(listener);
}

union address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

static gboolean parse_port(const char *text, in_port_t *port)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT16, &number, NULL))
        return FALSE;
    *port = htons(number);
    return TRUE;
}

static gboolean parse_host(const char *host, in_port_t port, union address *address)
{
    gsize length = strlen(host);
    g_autofree char *inner = NULL;

    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        inner = g_strndup(host + 1, length - 2);
        address->ip6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port };
        return inet_pton(AF_INET6, inner, &address->ip6.sin6_addr) == 1;
    }
    address->ip4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
    return inet_pton(AF_INET, g_str_equal(host, "localhost") ? "127.0.0.1" : host,
                     &address->ip4.sin_addr) == 1;
}

static gboolean parse(const char *text, union address *address, GError **error)
{
    const char *colon = strrchr(text, ':');
    g_autofree char *host = colon ? g_strndup(text, colon - text) : NULL;
    in_port_t port;

    return (colon && parse_port(colon + 1, &port) && parse_host(host, port, address)) ||
           input_error(error, "\"%s\" is not an address to listen on (127.0.0.1:8080, [::]:443)",
                       text);
}

static gboolean is_loopback(const union address *address)
{
    if (address->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->ip6.sin6_addr);
    return ntohl(address->ip4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static char *describe(int fd)
{
    union address name = { 0 };
    socklen_t length = sizeof name;
    char text[INET6_ADDRSTRLEN];

    if (getsockname(fd, &name.any, &length) < 0)
        return NULL;
    if (name.any.sa_family == AF_INET6)
        return g_strdup_printf("[%s]:%u",
                               inet_ntop(AF_INET6, &name.ip6.sin6_addr, text, sizeof text),
                               ntohs(name.ip6.sin6_port));
    return g_strdup_printf("%s:%u", inet_ntop(AF_INET, &name.ip4.sin_addr, text, sizeof text),
                           ntohs(name.ip4.sin_port));
}

struct listener *listener_open(const char *text, GError **error)
{
    g_autoptr(listener_t) listener = g_new0(struct listener, 1);
    union address address = { 0 };
    int yes = 1;

    listener->fd = -1;
    if (!parse(text, &address, error))
        return NULL;
    listener->loopback = is_loopback(&address);
    listener->fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Without SO_REUSEADDR a restart would wait for the last connections to be forgotten. */
    if (listener->fd < 0 ||
        setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(listener->fd, &address.any,
             address.any.sa_family == AF_INET6 ? sizeof address.ip6 : sizeof address.ip4) < 0 ||
        listen(listener->fd, BACKLOG) < 0) {
        errno_error(error, errno, "%s: cannot listen there", text);
        return NULL;
    }
    listener->address = describe(listener->fd);
    return g_steal_pointer(&listener);
}
