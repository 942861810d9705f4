/*
 * bgp.h: what BGP speakers tell one another: UPDATE messages and their path attributes.
 *
 * RFC 4271, 4760 (multiprotocol), 6793 (four-byte AS numbers), 7606 (malformed attributes), 7911
 * (ADD-PATH), 8092 (large communities), 9234 (only to customer). What is decoded borrows from the
 * bytes that were given; only the path is held here, in memory that the next parse uses again.
 */
#pragma once
#include "net/prefix.h"

#include <glib.h>

enum bgp_message_type {
    BGP_OPEN = 1,
    BGP_UPDATE = 2,
    BGP_NOTIFICATION = 3,
    BGP_KEEPALIVE = 4,
    BGP_ROUTE_REFRESH = 5,
};

#define BGP_HEADER_SIZE 19 /* marker, length, type */

enum bgp_attribute_code {
    BGP_ORIGIN = 1,
    BGP_AS_PATH = 2,
    BGP_NEXT_HOP = 3,
    BGP_MED = 4,
    BGP_LOCAL_PREF = 5,
    BGP_ATOMIC_AGGREGATE = 6,
    BGP_AGGREGATOR = 7,
    BGP_COMMUNITIES = 8,
    BGP_ORIGINATOR_ID = 9,
    BGP_CLUSTER_LIST = 10,
    BGP_MP_REACH = 14,
    BGP_MP_UNREACH = 15,
    BGP_EXTENDED_COMMUNITIES = 16,
    BGP_AS4_PATH = 17,
    BGP_AS4_AGGREGATOR = 18,
    BGP_IPV6_EXTENDED_COMMUNITIES = 25,
    BGP_LARGE_COMMUNITIES = 32,
    BGP_OTC = 35,
    BGP_ATTRIBUTES = 64 /* codes below are counted one by one */
};

enum bgp_origin { BGP_ORIGIN_IGP, BGP_ORIGIN_EGP, BGP_ORIGIN_INCOMPLETE };
enum bgp_segment_type {
    BGP_AS_SET = 1,
    BGP_AS_SEQUENCE = 2,
    BGP_CONFED_SEQUENCE = 3,
    BGP_CONFED_SET = 4,
};
enum bgp_safi { BGP_UNICAST = 1, BGP_MULTICAST = 2 };

#define BGP_AS_TRANS 23456u /* RFC 6793 */

struct bgp_span {
    const guint8 *bytes; /* NULL: not there */
    gsize length;
};

/* A path: ASNs, nearest first, and which run of them is what. */
struct bgp_segment {
    guint8 type;   /* enum bgp_segment_type */
    guint16 count; /* of ASNs */
};
struct bgp_path {
    guint32 *asns;
    struct bgp_segment *segments;
    guint asn_count, segment_count;
    guint asn_room, segment_room; /* for bgp.c */
};

/* The last AS of the last segment; FALSE where there is none, or that is no sequence. */
gboolean bgp_path_origin(const struct bgp_path *path, guint32 *asn);
/*
 * The first AS behind confederations, which are inside of who told the path; FALSE where there is
 * none, or a set stands there.
 */
gboolean bgp_path_neighbour(const struct bgp_path *path, guint32 *asn);
/* Whether `asn` is named as a member of a confederation (RFC 5065): it is none that others see. */
gboolean bgp_path_has_member(const struct bgp_path *path, guint32 asn);
/* Hops as RFC 4271 section 9.1.2.2 and 5065 count: a set is one, what is in a confederation none.
 */
guint bgp_path_length(const struct bgp_path *path);
/* "64500 64501 {64502,64503}"; confederations "(1 2)" and "[1,2]". */
void bgp_path_append_text(const struct bgp_path *path, GString *out);

/* Prefixes of one family that follow one another in a message. */
struct bgp_nlri {
    const guint8 *at, *end;
    guint8 family; /* 4 or 6 */
    guint8 safi;
    gboolean add_path;
};

enum bgp_nlri_step { BGP_NLRI_END, BGP_NLRI_PREFIX, BGP_NLRI_MALFORMED };

/*
 * The next prefix. `*masked` (not NULL): bits past its length were set, and are cleared here.
 * MALFORMED: a length beyond the family's, or bytes that are not there; nothing follows.
 */
enum bgp_nlri_step bgp_nlri_next(struct bgp_nlri *nlri, struct ip_prefix *prefix, guint32 *path_id,
                                 gboolean *masked);

/* What RFC 7606 asks for; the worst counts. */
enum bgp_verdict {
    BGP_FINE,
    BGP_DISCARDED, /* attributes were left out (section 2, "attribute discard") */
    BGP_WITHDRAWN, /* the routes are to be treated as withdrawn */
    /* The message cannot be taken apart to its end, where a router would end the session. */
    BGP_BROKEN,
};
const char *bgp_verdict_name(enum bgp_verdict verdict); /* "fine", "discarded", ... */

struct bgp_attributes {
    guint64 present;   /* bit N: attribute N is there and well formed */
    guint64 malformed; /* bit N: it is there and is not */
    enum bgp_verdict verdict;
    const char *problem; /* what decided the verdict, for people; static, or NULL */
    gboolean withdrawn;  /* BGP_WITHDRAWN was a verdict, also where another is worse */
    guint8 origin;
    struct bgp_path path; /* AS4_PATH merged in (RFC 6793 section 4.2.3) */
    guint8 next_hop[4];
    guint32 med, local_pref, aggregator_as, otc;
    guint8 aggregator[4]; /* address; AS4_AGGREGATOR taken over where that counts */
    guint8 originator_id[4];
    struct bgp_span communities;          /* of 4 bytes each */
    struct bgp_span large_communities;    /* of 12 */
    struct bgp_span extended_communities; /* of 8 */
    struct bgp_span cluster_list;         /* of 4 */
    /* MP_REACH_NLRI; `reach.at` NULL: it has no prefixes (RIB entries, RFC 6396 section 4.3.4). */
    struct bgp_span reach_next_hop; /* 4, 16, 32 (global, link-local), 12, 24 or 48 bytes */
    guint16 reach_afi, unreach_afi;
    guint8 reach_safi, unreach_safi;
    struct bgp_nlri reach, unreach; /* family 0: of no family that is known here */
};

#define BGP_HAS(ATTRIBUTES, CODE) (((ATTRIBUTES)->present >> (CODE)) & 1)

/* Families whose prefixes have path identifiers: ADD-PATH is agreed by family (RFC 7911). */
enum bgp_add_path {
    BGP_ADD_PATH_IPV4 = 1 << 0,
    BGP_ADD_PATH_IPV6 = 1 << 1,
    BGP_ADD_PATH_ALL = BGP_ADD_PATH_IPV4 | BGP_ADD_PATH_IPV6,
};

struct bgp_options {
    gboolean as4;     /* AS numbers are of 4 bytes */
    guint add_path;   /* enum bgp_add_path */
    gboolean mrt_rib; /* of a RIB entry: MP_REACH_NLRI is cut short (RFC 6396 section 4.3.4) */
    /* Of whom a BGP4MP subtype may lie: where the path does not fill its attribute, try 2 or 4. */
    gboolean guess_as_width;
};

/* A zeroed one is good for a first parse. */
void bgp_attributes_clear(struct bgp_attributes *attributes);

/* Attributes one after another. The verdict is in them. */
void bgp_attributes_parse(const guint8 *bytes, gsize length, const struct bgp_options *options,
                          struct bgp_attributes *attributes);

struct bgp_update {
    struct bgp_nlri withdrawn, announced; /* IPv4 unicast of the body */
    struct bgp_span raw_attributes;
    struct bgp_attributes attributes;
    gboolean is_end_of_rib; /* RFC 4724; the family is 4, or attributes.unreach.family */
};

/*
 * The body of an UPDATE, behind the header of BGP_HEADER_SIZE bytes. FALSE: its lengths contradict
 * one another (verdict BGP_BROKEN); what could be reached is there. A zeroed `update` is good for a
 * first parse; bgp_attributes_clear() frees what it holds.
 */
gboolean bgp_update_parse(const guint8 *body, gsize length, const struct bgp_options *options,
                          struct bgp_update *update);

/*
 * A message with its header. FALSE: no marker, or a length below 19 or beyond what is there;
 * `*body` is what stands behind the header.
 */
gboolean bgp_message_split(const guint8 *bytes, gsize length, enum bgp_message_type *type,
                           struct bgp_span *body);

struct bgp_open {
    guint8 version;
    guint32 as; /* of the capability, if any */
    guint16 hold_time;
    guint8 identifier[4];
    gboolean as4;
    gboolean has_role;
    guint8 role; /* RFC 9234: 0 provider, 1 RS, 2 RS-client, 3 customer, 4 peer */
    /* ADD-PATH (RFC 7911) by family 4 and 6, unicast: bit 0 receives, bit 1 sends. */
    guint8 add_path_ipv4, add_path_ipv6;
    gboolean extended_message;
};
/* The body of an OPEN, extended lengths (RFC 9072) included. FALSE: it is broken. */
gboolean bgp_open_parse(const guint8 *body, gsize length, struct bgp_open *open);
