/*
 * taxii_filter.h: what a request at a TAXII 2.1 server asks for (OASIS Standard, section 3.4), and
 * the token by which it goes on.
 *
 * A filter is read from the members of a query; what is wrong in one is ENTENTE_ERROR_INPUT, which
 * a server answers with 400. Lists of a match are alternatives, different matches hold together.
 *
 * The token of a next page is base64url(sequence || HMAC-SHA-256(sequence, scope, filter)[:16]):
 * the server keeps nothing between pages, a token is as good after a restart, and goes with no
 * other filter and nowhere else. The limit is no filter.
 */
#pragma once
#include <glib.h>

#define TAXII_MEDIA_TYPE "application/taxii+json;version=2.1"
#define TAXII_LIST_MAX 100u /* values of one match */
#define TAXII_SECRET 32u

/* Which members an endpoint heeds. */
enum taxii_member {
    TAXII_PAGE = 1 << 0, /* added_after, limit, next */
    TAXII_ID = 1 << 1,
    TAXII_TYPE = 1 << 2,
    TAXII_VERSION = 1 << 3,
    TAXII_SPEC = 1 << 4,
};

/* Which versions of an object. */
enum taxii_versions {
    TAXII_FIRST = 1 << 0,
    TAXII_LAST = 1 << 1,
    TAXII_ALL = 1 << 2,
    TAXII_EXACT = 1 << 3, /* those in the list */
};

struct taxii_filter {
    gint64 after_us;              /* added later than this; -1: from the beginning */
    guint limit;                  /* 0: not said */
    char *next;                   /* token; NULL: none */
    char **ids, **types, **specs; /* NULL: any; of specs: the newest of each object */
    guint versions;               /* TAXII_FIRST | ... */
    char **exact;                 /* taxii_version_key(); NULL: none */
};
void taxii_filter_clear(struct taxii_filter *filter);
typedef struct taxii_filter taxii_filter_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(taxii_filter_t, taxii_filter_clear)

/* The value of a member of the query, or NULL. */
typedef const char *(*taxii_query_fn)(const char *name, gpointer data);
gboolean taxii_filter_read(struct taxii_filter *filter, guint members, taxii_query_fn query,
                           gpointer data, GError **error);

/* The members of a query that count, in the order in which they are signed; ends with NULL. */
extern const char *const taxii_members[];

/*
 * A time of STIX so that keys compare as the times do, byte by byte: without "Z", trailing zeros
 * of the fraction and its point. NULL: no time. Owned by the caller.
 */
char *taxii_version_key(const char *time);

/* With six digits of a second, as section 2.2.1.5 wants. Owned by the caller. */
char *taxii_time(gint64 time_us);

/* `scope` says what is paged through: collection, endpoint, object. Owned by the caller. */
char *taxii_next_make(const guint8 secret[TAXII_SECRET], const char *scope,
                      const struct taxii_filter *filter, gint64 sequence);
/* The sequence; -1: no token of this server for this filter. */
gint64 taxii_next_read(const guint8 secret[TAXII_SECRET], const char *scope,
                       const struct taxii_filter *filter);
