/*
 * apt_lists.h: the package lists that APT fetched (/var/lib/apt/lists), compared with what is
 * installed. Only lists of security suites are read, plain, .lz4 or .gz.
 */
#pragma once
#include "p7_hygiene/host/dpkg.h"

#include <glib.h>

#define APT_LISTS "/var/lib/apt/lists"

struct apt_update {
    const struct dpkg_package *installed;
    char *version; /* the newest in the lists */
};

struct apt_updates {
    GArray *pending;       /* of struct apt_update */
    guint lists;           /* security lists that were read */
    char *unread;          /* one that could not be, or NULL */
    enum host_state state; /* why: DENIED, or UNREADABLE (damaged, .xz, too large) */
};

/* The fact; never NULL. */
const struct apt_updates *apt_updates_get(struct host *host);

/* Compares the text of one Packages file with `dpkg`; for the fact and for tests. */
void apt_updates_add(struct apt_updates *updates, const struct dpkg *dpkg, const char *text,
                     gsize length);
struct apt_updates *apt_updates_new(void);
void apt_updates_free(struct apt_updates *updates);
