/* taxii_store_private.h: what the parts of the collections' store share. */
#pragma once
#include "p1_resilience/intel/taxii_store.h"
#include "store/store.h"

#define TAXII_NO_VERSION "added/" /* before the time that stands for a version */

struct taxii_store {
    GMutex lock;
    struct store *store;
    guint8 secret[TAXII_SECRET];
};

/* The newest version of an object; `added_us` may be NULL. The lock is held. */
GBytes *taxii_newest(struct store *store, const char *collection, const char *id, gboolean *onward,
                     gint64 *added_us, GError **error);
