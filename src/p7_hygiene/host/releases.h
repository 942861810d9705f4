/*
 * releases.h: until when releases of Debian and Ubuntu get security updates (data/releases.csv),
 * and which release a machine runs (os-release(5)).
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct release {
    const char *distribution, *codename, *version;
    gint64 released_s, supported_s, extended_s; /* end of the day, since 1970; 0: not known */
    const char *supported, *extended;           /* the same as dates */
};

extern const struct release release_rows[];
extern const gsize release_row_count;

/* NULL when the release is not in the table. */
const struct release *release_find(const char *distribution, const char *codename);

/* A value of /etc/os-release (or /usr/lib/os-release), unquoted; NULL when unset. */
char *release_os_field(struct host *host, const char *key);
