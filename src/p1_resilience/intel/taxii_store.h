/*
 * taxii_store.h: collections of STIX objects, each version with the moment it was added.
 *
 *     object   collection | added_us, distinct and increasing | id | spec | version | what else
 *              its head says | bytes
 *     status   what became of the objects that somebody posted
 *     secret   by which tokens of next pages are known again
 *
 * added_us is the time of adding, moved on by a microsecond where another object has it. Writers of
 * one collection wait for one another (a row of theirs is locked until the commit), so whoever has
 * seen all up to a moment misses nothing that comes with an earlier one. It is the sequence of
 * pages. In a SQLite file (DATA/intel.db), or in a PostgreSQL database that several nodes share.
 *
 * Bytes are kept as they came. Thread-safe: calls wait for one another.
 */
#pragma once
#include "p1_resilience/intel/taxii_filter.h"
#include "p1_resilience/intel/taxii_head.h"

#define TAXII_STORE_FILE "intel.db" /* in the data folder */

struct taxii_store;
/* `place`: a file, made when missing, or the URL of a database. */
struct taxii_store *taxii_store_open(const char *place, GError **error);
void taxii_store_close(struct taxii_store *store);
typedef struct taxii_store taxii_store_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(taxii_store_t, taxii_store_close)

const guint8 *taxii_store_secret(const struct taxii_store *store); /* TAXII_SECRET bytes */

/* One version of an object. */
struct taxii_row {
    gint64 added_us;
    char *id, *type, *spec;
    gboolean onward; /* from somebody else: passed on only as far as its source allows */
    GBytes *bytes;
};
void taxii_row_free(struct taxii_row *row);

/*
 * At most `most` rows that the filter takes, added later than `after_us`, in that order (struct
 * taxii_row, freed with the array). `object`: only of this id; NULL: of all. `*more`: there may be
 * others behind `*reached_us`, from where to go on. At least one row is given when there is one,
 * but the look ends after so many that are not wanted.
 */
GPtrArray *taxii_store_page(struct taxii_store *store, const char *collection, const char *object,
                            const struct taxii_filter *filter, gint64 after_us, guint most,
                            gint64 *reached_us, gboolean *more, GError **error);

/* The newest version of the object: its bytes; NULL without an error: there is none. */
GBytes *taxii_store_object(struct taxii_store *store, const char *collection, const char *id,
                           gboolean *onward, GError **error);

/* All objects of a type, newest versions (of few: marking definitions). GBytes. */
GPtrArray *taxii_store_of_type(struct taxii_store *store, const char *collection, const char *type,
                               GError **error);

/* An object to add, and what became of it. */
struct taxii_addition {
    const char *text;
    gsize length;
    const struct taxii_head *head;
    /* set: */
    gint64 added_us; /* of this version, whether it is new or was there; 0: refused */
    gboolean is_new;
    char *refused; /* why; owned by the caller */
};
/*
 * Adds objects, all in one commit; an object that cannot follow what is there is refused, and the
 * others are added. The same version again is a success and changes nothing.
 */
gboolean taxii_store_add(struct taxii_store *store, const char *collection,
                         struct taxii_addition *additions, guint count, gboolean onward,
                         GError **error);

/* Versions that the filter takes; `*deleted` is their number. */
gboolean taxii_store_delete(struct taxii_store *store, const char *collection, const char *id,
                            const struct taxii_filter *filter, guint *deleted, GError **error);

/* How many versions of objects there are, in all. */
gboolean taxii_store_count(struct taxii_store *store, gint64 *count, GError **error);

/* What became of a request, for who made it; kept for a day. */
gboolean taxii_store_keep_status(struct taxii_store *store, const char *id, const char *reader,
                                 const char *text, gint64 now_us, GError **error);
/* NULL without an error: there is none, or it is another's. Owned by the caller. */
char *taxii_store_status(struct taxii_store *store, const char *id, const char *reader,
                         GError **error);
