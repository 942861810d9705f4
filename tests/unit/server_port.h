/*
 * server_port.h: ports of loopback for servers that a test starts a moment later. They lie below
 * those that the kernel gives by itself, in a block that this process keeps by the name of a socket
 * (as tests/e2e/ports.py does), so that nobody takes one in the meantime.
 */
#pragma once
#include <arpa/inet.h>
#include <glib.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVER_PORTS_FROM 10240u
#define SERVER_PORTS_TO 32768u
#define SERVER_PORTS_BLOCK 256u

/* First port of a block that is nobody's; its name is kept until the process ends. */
static inline guint server_port_block(void)
{
    for (guint first = SERVER_PORTS_FROM; first < SERVER_PORTS_TO; first += SERVER_PORTS_BLOCK) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int length = g_snprintf(name.sun_path + 1, sizeof name.sun_path - 1,
                                      "entente-tests-ports-%u", first);
        const socklen_t size =
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)length;

        if (bind(fd, (struct sockaddr *)&name, size) == 0)
            return first;
        close(fd);
    }
    g_error("every block of ports is somebody's");
}

static inline gboolean server_port_is_free(guint port, int kind)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((guint16)port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    const gboolean is_free = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;

    close(fd);
    return is_free;
}

static inline guint16 server_port(void)
{
    static guint first, given;

    if (!first)
        first = server_port_block();
    while (given < SERVER_PORTS_BLOCK) {
        const guint port = first + given++;

        if (server_port_is_free(port, SOCK_STREAM) && server_port_is_free(port, SOCK_DGRAM))
            return (guint16)port;
    }
    g_error("no port is free");
}
