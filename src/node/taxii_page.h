/* taxii_page.h: pages of a collection, through the egress point. */
#pragma once
#include "journal/journal.h"
#include "p1_resilience/intel/taxii_config.h"
#include "p1_resilience/intel/taxii_store.h"

/* What a page lists of each version. */
enum taxii_list { TAXII_OBJECTS, TAXII_MANIFEST, TAXII_OBJECT, TAXII_OBJECT_VERSIONS };

struct taxii_view {
    struct taxii_store *store;
    struct journal *journal; /* of refusals */
    GMutex *journal_lock;
    const struct taxii_collection *collection;
    const struct taxii_reader *reader; /* NULL: anybody */
};

struct taxii_page {
    GBytes *body;             /* JSON */
    gint64 first_us, last_us; /* 0: nothing is on it */
    guint count;
};

/*
 * One page. `after_us`: where it begins. `object`: of this id only; NULL: of all. The page has what
 * the reader may have, and ends before 1000 objects or 8 MiB.
 */
gboolean taxii_page_make(const struct taxii_view *view, enum taxii_list list, const char *object,
                         const struct taxii_filter *filter, gint64 after_us, const char *scope,
                         struct taxii_page *page, GError **error);

/* Whether the object is there, and the reader may know it. */
gboolean taxii_page_knows(const struct taxii_view *view, const char *object);
