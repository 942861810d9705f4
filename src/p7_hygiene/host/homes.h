/*
 * homes.h: the home folders of people and of root, and files in them.
 *
 * What lies in a home is made by its user, so no link in it is followed, in any component
 * (RESOLVE_NO_SYMLINKS below the home's own descriptor): a link to /etc/shadow is a link, not its
 * target. Files are opened O_NONBLOCK and read only when regular; the descriptor that was looked
 * at is the one that is read.
 */
#pragma once
#include "p7_hygiene/host/accounts.h"
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct home {
    const struct account *account;
    struct host_file folder; /* of the home itself; `path` as in passwd */
    int fd;                  /* -1 when it could not be opened */
    GHashTable *files;       /* path in the home -> struct host_file */
};

/* Homes of accounts from uid 1000 on (without nobody) and of root; struct home. Never NULL. */
const GPtrArray *homes_of(struct host *host);

/*
 * A file by its path in the home (".ssh/config"). The `path` of the result is absolute. Borrowed.
 * A link is HOST_UNREADABLE with the mode of a link. home_stat() leaves the text out.
 */
const struct host_file *home_stat(struct home *home, const char *name);
const struct host_file *home_read(struct home *home, const char *name);
/* Names in a folder of the home ("" is the home itself), sorted; NULL when it cannot be read. */
char **home_list(struct home *home, const char *name);
