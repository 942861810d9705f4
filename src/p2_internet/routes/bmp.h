/*
 * bmp.h: what routers tell of their BGP sessions (BMP: RFC 7854, 8671, 9069), as route elements.
 *
 *     bytes of one connection, in any pieces -> messages -> elements
 *
 * A router tells of several tables at once: what came from a peer before and after its policy, what
 * goes out to it, what it uses itself; elements say by their flags which (enum route_flags), and
 * `views` says which are wanted. Sessions that come up and go down are elements of kind
 * ROUTE_STATE. AS numbers are as wide as the header of each message says, and prefixes have path
 * identifiers where both OPENs of the session agreed on that (RFC 7911).
 *
 * A message that cannot be taken apart is counted, and the next is read: its length is known. Where
 * the length is impossible, nothing that follows can be found, and the stream is broken. Headers of
 * OpenBMP before messages (openbmp.h) are passed over.
 */
#pragma once
#include "p2_internet/routes/route.h"

enum bmp_type {
    BMP_ROUTE_MONITORING,
    BMP_STATISTICS,
    BMP_PEER_DOWN,
    BMP_PEER_UP,
    BMP_INITIATION,
    BMP_TERMINATION,
    BMP_ROUTE_MIRRORING,
    BMP_TYPES
};

enum bmp_peer_type { BMP_GLOBAL, BMP_RD_INSTANCE, BMP_LOCAL_INSTANCE, BMP_LOC_RIB };

#define BMP_VERSION 3
#define BMP_HEADER_SIZE 6
#define BMP_MESSAGE_MAX ((gsize)1 << 20) /* bytes, header included */
#define BMP_PEERS_MAX 16384u             /* that are remembered of one router */
#define BMP_TEXT_MAX 255u                /* bytes of a router's name that are kept */

enum bmp_view {
    BMP_VIEW_PRE_POLICY = 1 << 0,
    BMP_VIEW_POST_POLICY = 1 << 1,
    BMP_VIEW_ADJ_OUT = 1 << 2, /* before and after its policy */
    BMP_VIEW_LOC_RIB = 1 << 3,
    BMP_VIEW_INSTANCES = 1 << 4, /* the same of VRFs, too */
    BMP_VIEW_ALL = (1 << 5) - 1,
};

struct bmp_peer {
    struct route_peer peer;
    guint8 type; /* enum bmp_peer_type */
    guint8 distinguisher[8];
    gboolean is_up;
    gint64 changed_us;   /* when it came up or went down; 0: the router did not say */
    guint8 down_reason;  /* RFC 7854 section 4.9; 0: it never went down */
    guint64 routes_in;   /* as the router's statistics say: Adj-RIB-In; 0: not told */
    guint64 routes_used; /* Loc-RIB, likewise */
    /* Of prefixes: enum bgp_add_path. */
    guint add_path_in, add_path_out;
};

struct bmp_counts {
    guint64 messages[BMP_TYPES];
    guint64 unknown; /* messages of other types */
    guint64 elements;
    guint64 ends_of_rib; /* RFC 4724 */
    guint64 malformed;   /* messages that could not be taken apart to their end */
    guint64 discarded;   /* attributes left out, by messages (RFC 7606) */
    guint64 withdrawn;   /* announcements treated as withdrawn (RFC 7606) */
    guint64 broken;      /* UPDATEs that could not be taken apart to their end */
    guint64 sessionless; /* routes of peers whose session was not told before */
    guint64 lost;        /* reports that the router could not mirror messages */
    guint64 forgotten;   /* peers beyond BMP_PEERS_MAX */
};

struct bmp_reader;
typedef struct bmp_reader bmp_reader_t;
/* `name` stands in messages. */
struct bmp_reader *bmp_reader_new(const char *name, guint views, route_sink sink, gpointer data);
void bmp_reader_free(struct bmp_reader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(bmp_reader_t, bmp_reader_free)

/*
 * Takes the next bytes. `now_us` is the time of what carries none. FALSE with ENTENTE_ERROR_INPUT
 * and the offset: the stream is broken here, and takes nothing more.
 */
gboolean bmp_reader_feed(struct bmp_reader *reader, const void *bytes, gsize length, gint64 now_us,
                         GError **error);

/*
 * The connection is over: the sessions of all peers that were up are down, for who listens. FALSE
 * with the offset: it ended within a message.
 */
gboolean bmp_reader_end(struct bmp_reader *reader, gint64 now_us, GError **error);

const struct bmp_counts *bmp_reader_counts(const struct bmp_reader *reader);
/* In the order in which they were first told of; struct bmp_peer *. */
const GPtrArray *bmp_reader_peers(const struct bmp_reader *reader);
/* The last malformed message, or where the stream broke: why (static), and where. NULL: none. */
const char *bmp_reader_problem(const struct bmp_reader *reader, guint64 *offset);
/* sysName and sysDescr of the router, as valid UTF-8; not escaped. NULL: it did not say. */
const char *bmp_reader_router(const struct bmp_reader *reader);
const char *bmp_reader_description(const struct bmp_reader *reader);
/* TRUE: the router said that it ends the connection; why: RFC 7854 section 4.5. */
gboolean bmp_reader_terminated(const struct bmp_reader *reader, guint16 *reason);

/* Whether a file or a connection begins as BMP does: with a header that could be one. */
gboolean bmp_is_stream(const void *bytes, gsize length);
