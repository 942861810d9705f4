/*
 * settings.h: configuration files made of one setting a line, as most daemons have them.
 *
 * "key value", "key = value", "key: value", with # or ; comments and [sections] where there are
 * some. Keys are compared without case; quotes around a value are taken off.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct setting {
    char *section, *key, *value; /* section "" before the first */
    const char *path;
    guint line;
};

/* All settings of a file in their order; never NULL. Unref the array. */
GArray *settings_read(const struct host_file *file);

/* The last setting of that key; `section` NULL for any. NULL when there is none. */
const struct setting *settings_last(const GArray *settings, const char *section, const char *key);

/* yes, true, on, 1, enabled. */
gboolean settings_is_true(const char *value);

/* "localhost", 127.0.0.0/8, ::1, a UNIX socket path: reachable from this machine only. */
gboolean settings_is_loopback(const char *address);
/* Whether a list (by spaces, commas or semicolons) has addresses and all of them are loopback. */
gboolean settings_all_loopback(const char *list);
