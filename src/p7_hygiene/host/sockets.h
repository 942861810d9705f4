/*
 * sockets.h: who listens on this host: TCP in LISTEN, UDP and raw sockets that are not connected.
 *
 * Live: netlink sock_diag(7), and the owning program by the inode among /proc/PID/fd. In a tree,
 * and where netlink is closed: /proc/net/{tcp,tcp6,udp,udp6,raw,raw6} (proc(5)): addresses are
 * little-endian hex per 32-bit word, ports big-endian hex, state 0A is LISTEN, 07 an unconnected
 * datagram socket.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct listener {
    const char *protocol; /* "tcp", "udp", "raw" */
    guint8 family;        /* AF_INET or AF_INET6 */
    guint8 address[16];   /* network order; IPv4 in the first four bytes */
    guint16 port;         /* for raw: the IP protocol */
    guint32 uid;
    guint64 inode;
    const char *source; /* "/proc/net/tcp" or "sock_diag" */
    char *program;      /* "sshd", or NULL when not known (not root, not live) */
};

struct sockets {
    gboolean known;    /* at least the TCP tables could be read */
    GArray *listeners; /* of struct listener */
};

/* The fact; never NULL. */
const struct sockets *sockets_get(struct host *host);

/* 127.0.0.0/8, ::1, and IPv4-mapped loopback. */
gboolean listener_is_loopback(const struct listener *listener);
/* "tcp/22"; what a profile declares. Owned by the caller. */
char *listener_name(const struct listener *listener);
/* "[::]:22", "0.0.0.0:53". Owned by the caller. */
char *listener_address(const struct listener *listener);

/* Parses one table of /proc/net into `listeners`; for tests. Returns the number of broken lines. */
guint sockets_parse(const char *text, gsize length, const char *protocol, const char *source,
                    GArray *listeners);
