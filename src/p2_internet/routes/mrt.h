/*
 * mrt.h: MRT files (RFC 6396, 8050, 6397): tables and updates as collectors write them.
 *
 *     bytes -> records (mrt_record_at()) -> elements (mrt_elements())
 *
 * A file is records one after another. RIB entries name their peers by number in the last table of
 * peers before them; a table may come again at any place, and replaces the one before.
 */
#pragma once
#include "p2_internet/routes/route.h"

enum mrt_type {
    MRT_BGP = 5, /* of 1999 and 2000: UPDATEs without header */
    MRT_TABLE_DUMP = 12,
    MRT_TABLE_DUMP_V2 = 13,
    MRT_BGP4MP = 16,
    MRT_BGP4MP_ET = 17,
};

enum mrt_table_dump_v2 {
    MRT_PEER_INDEX_TABLE = 1,
    MRT_RIB_IPV4_UNICAST = 2,
    MRT_RIB_IPV4_MULTICAST = 3,
    MRT_RIB_IPV6_UNICAST = 4,
    MRT_RIB_IPV6_MULTICAST = 5,
    MRT_RIB_GENERIC = 6,
    MRT_GEO_PEER_TABLE = 7,
    MRT_RIB_IPV4_UNICAST_ADDPATH = 8,
    MRT_RIB_IPV4_MULTICAST_ADDPATH = 9,
    MRT_RIB_IPV6_UNICAST_ADDPATH = 10,
    MRT_RIB_IPV6_MULTICAST_ADDPATH = 11,
    MRT_RIB_GENERIC_ADDPATH = 12,
};

enum mrt_bgp4mp {
    MRT_STATE_CHANGE = 0,
    MRT_MESSAGE = 1,
    MRT_ENTRY = 2,    /* deprecated */
    MRT_SNAPSHOT = 3, /* deprecated */
    MRT_MESSAGE_AS4 = 4,
    MRT_STATE_CHANGE_AS4 = 5,
    MRT_MESSAGE_LOCAL = 6,
    MRT_MESSAGE_AS4_LOCAL = 7,
    MRT_MESSAGE_ADDPATH = 8,
    MRT_MESSAGE_AS4_ADDPATH = 9,
    MRT_MESSAGE_LOCAL_ADDPATH = 10,
    MRT_MESSAGE_AS4_LOCAL_ADDPATH = 11,
};

#define MRT_HEADER_SIZE 12
#define MRT_RECORD_MAX ((gsize)64 << 20) /* bytes; a longer one is no record */

struct mrt_record {
    guint32 seconds;
    guint32 microseconds; /* of _ET types; else 0 */
    guint16 type, subtype;
    const guint8 *body; /* behind the header, and behind the microseconds */
    gsize length;       /* of the body */
};

enum mrt_step {
    MRT_RECORD,
    MRT_MORE, /* the record goes on past `length` */
    MRT_TORN, /* its length cannot be right */
};

/* Takes one record apart; `*size` bytes belong to it, header included. */
enum mrt_step mrt_record_at(const guint8 *bytes, gsize length, struct mrt_record *record,
                            gsize *size);

/*
 * FALSE: it is of a table, and of a prefix that the filter does not take. Looks at the prefix only;
 * of what it cannot judge it says TRUE.
 */
gboolean mrt_record_meets(const struct mrt_record *record, const struct route_filter *filter);

/* A table of peers. Immutable; shared by those who read what follows it. */
struct mrt_peers {
    gint references; /* atomic */
    guint count;
    guint8 collector_id[4];
    struct route_peer peers[];
};
gboolean mrt_is_peers(const struct mrt_record *record);
/* NULL: the table is cut; nothing can be said of what follows. */
struct mrt_peers *mrt_peers_read(const struct mrt_record *record);
struct mrt_peers *mrt_peers_ref(struct mrt_peers *peers); /* of NULL: NULL */
void mrt_peers_unref(struct mrt_peers *peers);            /* NULL too */
typedef struct mrt_peers mrt_peers_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mrt_peers_t, mrt_peers_unref)

/* What became of records and elements. */
struct mrt_counts {
    guint64 records, skipped; /* skipped: types and subtypes that hold no routes */
    guint64 elements;
    guint64 malformed;     /* records that could not be taken apart to their end */
    guint64 discarded;     /* attributes left out, by messages and entries (RFC 7606) */
    guint64 withdrawn;     /* announcements treated as withdrawn (RFC 7606) */
    guint64 broken;        /* messages that could not be taken apart to their end */
    guint64 masked;        /* prefixes with bits past their length */
    guint64 unknown_peers; /* entries whose peer is in no table */
};
void mrt_counts_add(struct mrt_counts *to, const struct mrt_counts *more);

/* What reads records holds: memory that is used again, and attributes that came before. */
struct mrt_reader;
typedef struct mrt_reader mrt_reader_t;
/* Borrows the filter, which may be NULL. Of one thread. */
struct mrt_reader *mrt_reader_new(const struct route_filter *filter);
void mrt_reader_free(struct mrt_reader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mrt_reader_t, mrt_reader_free)
const struct mrt_counts *mrt_reader_counts(const struct mrt_reader *reader);

/*
 * Gives the elements of a record to `sink`, in the order in which they lie, those first that came
 * before a place that cannot be read. `peers` may be NULL. FALSE: the record is malformed, and
 * `*problem` (static) says how.
 */
gboolean mrt_elements(struct mrt_reader *reader, const struct mrt_record *record,
                      const struct mrt_peers *peers, route_sink sink, gpointer data,
                      const char **problem);
