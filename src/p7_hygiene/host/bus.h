/*
 * bus.h: asks systemd over the system bus which units have failed (D-Bus specification 0.41,
 * org.freedesktop.systemd1(5)). One connection, one question; written out because libsystemd and
 * the six libraries behind it would be loaded by every run for this alone.
 *
 * Whoever answers is not trusted: an answer that is not as the specification says, or longer than
 * BUS_MESSAGE_MAX, is no answer.
 */
#pragma once
#include <glib.h>

#define BUS_SOCKET "/run/dbus/system_bus_socket"
#define BUS_MESSAGE_MAX (1u << 20)

struct bus_unit {
    char *name, *active; /* "nginx.service", "failed" */
};

/* The units in the state "failed", struct bus_unit; NULL when the bus at `socket` cannot tell. */
GPtrArray *bus_failed_units(const char *socket);

/* The body of the answer: a(ssssssouso), in the byte order of this machine. NULL: malformed. */
GPtrArray *bus_read_units(const guint8 *body, gsize length);
