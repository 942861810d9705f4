/*
 * subtree.h: all entries below one folder, for measures on a bounded part of the file system
 * (/etc, /var/log, ...); walk.h is for all of it.
 *
 * Links are never followed and other devices not entered. At most `limit` entries are visited.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

#define SUBTREE_DEPTH_MAX 32

struct subtree_entry {
    const char *path, *name; /* from the audited root; valid during the call */
    mode_t type;             /* S_IFREG, S_IFDIR, ... */
    guint depth;             /* 0 directly below the start */
    int folder;              /* for subtree_status() */
};

struct subtree_gap {
    guint64 visited;
    gboolean cut;          /* the limit of entries or of depth was reached */
    char *denied, *unread; /* the first folder of each kind, or NULL */
};

/* Called for every entry; FALSE: do not enter this folder. */
typedef gboolean (*subtree_fn)(const struct subtree_entry *entry, gpointer data);

/*
 * The mode, owner and size of an entry (`path` and `text` stay unset), for those few whose name and
 * type are of interest: FALSE when it is gone.
 */
gboolean subtree_status(const struct subtree_entry *entry, struct host_file *status);

/* FALSE when `start` itself is absent. `gap` adds up over several calls; free its texts. */
gboolean subtree_each(struct host *host, const char *start, guint64 limit, subtree_fn each,
                      gpointer data, struct subtree_gap *gap);
/* Tells a finding of what was not seen, and frees the texts. */
void subtree_report(struct subtree_gap *gap, struct finding *finding);
