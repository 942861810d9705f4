/*
 * route.h: what one peer said of one prefix at one time: the word that the readers of MRT, BMP and
 * RIS Live and the detection share.
 */
#pragma once
#include "p2_internet/routes/bgp.h"

enum route_kind {
    ROUTE_ANNOUNCE,
    ROUTE_WITHDRAW,
    ROUTE_RIB,   /* held at the time, by a table dump */
    ROUTE_STATE, /* of the session, no prefix: old_state, new_state */
    ROUTE_HEARD, /* a message without routes (KEEPALIVE, End-of-RIB): its time alone, no peer */
};
const char *route_kind_name(enum route_kind kind); /* "announce", ... */

enum route_flags {
    ROUTE_MASKED = 1 << 0,       /* bits past the prefix's length were set on the wire */
    ROUTE_TREATED = 1 << 1,      /* announced, but malformed: treated as withdrawn (RFC 7606) */
    ROUTE_LOCAL = 1 << 2,        /* sent by the collector itself (BGP4MP_..._LOCAL) */
    ROUTE_HAS_PATH_ID = 1 << 3,  /* ADD-PATH */
    ROUTE_UNKNOWN_PEER = 1 << 4, /* its index is not in the table of peers */
    /* Of BMP: which of a router's tables it is of; none of these: what came, before its policy. */
    ROUTE_POST_POLICY = 1 << 5, /* behind the policy that it passed */
    ROUTE_ADJ_OUT = 1 << 6,     /* what the router sends to the peer (RFC 8671) */
    ROUTE_LOC_RIB = 1 << 7,     /* what the router itself uses (RFC 9069) */
    ROUTE_INSTANCE = 1 << 8,    /* of a VRF, not of the router's own table */
};

struct route_peer {
    guint8 family; /* 4 or 6 */
    guint8 address[16];
    guint32 as;
    guint8 bgp_id[4];
};

struct route_element {
    gint64 time_us;       /* unix time; of a RIB entry, of the dump */
    gint64 originated_us; /* of a RIB entry, when the peer's route came; else time_us */
    enum route_kind kind;
    guint8 safi; /* enum bgp_safi */
    guint flags;
    const struct route_peer *peer; /* borrowed; NULL of ROUTE_HEARD */
    struct ip_prefix prefix;       /* not of ROUTE_STATE and ROUTE_HEARD */
    guint32 path_id;
    const struct bgp_attributes *attributes; /* borrowed; NULL of a withdrawal or a state */
    struct bgp_span raw;                     /* the attributes as they lay; or nothing */
    guint16 old_state, new_state;            /* RFC 6396 section 4.4.1 */
};

/*
 * The origin of a peer's route (RFC 6811 section 2): of a path that is empty, or ends in a
 * confederation, the peer's own AS. FALSE: it ends in a set, or it began within a confederation
 * that the peer is a member of, whose own AS is not said. `peer` NULL: not known.
 */
gboolean route_origin(const struct bgp_path *path, const struct route_peer *peer, guint32 *asn);

/* Peers (struct route_peer) by address and AS, for GHashTable. */
guint route_peer_hash(gconstpointer peer);
gboolean route_peer_equal(gconstpointer a, gconstpointer b);

/* "PEER ASN TIME HEX": the attributes as they lay, 1024 bytes of them at most. The caller's. */
char *route_evidence(const struct route_element *element);

/* Elements are borrowed during the call. */
typedef void (*route_sink)(const struct route_element *element, gpointer data);

/* Where an UPDATE comes from. */
struct route_source {
    const struct route_peer *peer;
    gint64 time_us;
    guint flags; /* ROUTE_LOCAL */
};

/*
 * The elements of an UPDATE: withdrawals, then announcements (withdrawals too, where the verdict
 * says so), in each first the body's, then those of the multiprotocol attributes. Gives how many.
 */
guint route_elements_of(const struct bgp_update *update, const struct route_source *source,
                        route_sink sink, gpointer data);

/*
 * Prefixes that are looked for: one that equals, lies in or contains one of them passes. An empty
 * filter lets everything pass.
 */
struct route_filter;
typedef struct route_filter route_filter_t;
struct route_filter *route_filter_new(void);
void route_filter_free(struct route_filter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(route_filter_t, route_filter_free)
void route_filter_add(struct route_filter *filter, const struct ip_prefix *prefix);
/* Once, after the last was added. */
void route_filter_ready(struct route_filter *filter);
gboolean route_filter_is_empty(const struct route_filter *filter);
gboolean route_filter_takes(const struct route_filter *filter, const struct ip_prefix *prefix);
