/* listen.h: the sockets a node accepts connections on. */
#pragma once
#include <glib.h>

struct listener {
    int fd;
    char *address; /* "127.0.0.1:8080", "[::1]:8080": with the port the kernel gave for 0 */
    gboolean loopback;
};
void listener_free(struct listener *listener);
typedef struct listener listener_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(listener_t, listener_free)

/*
 * Reads "ADDRESS:PORT", "[ADDRESS]:PORT" or "localhost:PORT" and listens there. Numeric addresses
 * only: a name would hide where this machine can be reached. ENTENTE_ERROR_INPUT for what is none
 * of these, _SYSTEM when the address cannot be had.
 */
struct listener *listener_open(const char *text, GError **error);
