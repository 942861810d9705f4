/*
 * bgp_attributes.c: path attributes, and what becomes of malformed ones (RFC 7606).
 *
 * A row of `rules` says of a code which flags it must have, how long it may be, and what follows
 * when it is malformed. LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST are judged as from an external
 * peer: collectors' peers are.
 */
#include "p2_internet/routes/bgp_private.h"

#include <string.h>

enum flag { OPTIONAL = 0x80, TRANSITIVE = 0x40, EXTENDED_LENGTH = 0x10 };

#define WELL_KNOWN TRANSITIVE
#define OPTIONAL_TRANSITIVE (OPTIONAL | TRANSITIVE)

struct reading {
    const struct bgp_options *options;
    struct bgp_attributes *out;
    struct bgp_span as_path, as4_path, aggregator, as4_aggregator;
};

struct rule {
    guint8 flags;         /* of OPTIONAL and TRANSITIVE, as they must be */
    guint16 exactly;      /* bytes; 0: see `multiple` */
    guint16 multiple;     /* of so many bytes, and not none; 0: see `take` */
    gsize span;           /* offset of a struct bgp_span that holds it; 0: see `take` */
    enum bgp_verdict bad; /* what follows when it is malformed */
    const char *problem;
    gboolean (*take)(struct reading *reading, const guint8 *bytes, gsize length);
};

void bgp_judge(struct bgp_attributes *attributes, enum bgp_verdict verdict, const char *problem)
{
    attributes->withdrawn |= verdict == BGP_WITHDRAWN;
    if (verdict <= attributes->verdict)
        return;
    attributes->verdict = verdict;
    attributes->problem = problem;
}

/* ---- one function a code */

static gboolean take_origin(struct reading *reading, const guint8 *bytes, gsize length)
{
    (void)length;
    reading->out->origin = bytes[0];
    return bytes[0] <= BGP_ORIGIN_INCOMPLETE;
}

static gboolean take_as_path(struct reading *reading, const guint8 *bytes, gsize length)
{
    struct bgp_path *path = &reading->out->path;
    guint width = reading->options->as4 ? 4 : 2;
    gboolean good = bgp_path_parse(path, bytes, length, width);

    if (!good && reading->options->guess_as_width)
        good = bgp_path_parse(path, bytes, length, width = 6 - width);
    if (width == 2)
        reading->as_path = (struct bgp_span){ bytes, length };
    for (guint i = 0; good && i < path->asn_count; i++)
        good = path->asns[i] != 0; /* RFC 7607 */
    return good;
}

static gboolean take_next_hop(struct reading *reading, const guint8 *bytes, gsize length)
{
    memcpy(reading->out->next_hop, bytes, length);
    return TRUE;
}

static gboolean take_med(struct reading *reading, const guint8 *bytes, gsize length)
{
    (void)length;
    reading->out->med = bgp_u32(bytes);
    return TRUE;
}

static gboolean take_local_pref(struct reading *reading, const guint8 *bytes, gsize length)
{
    (void)length;
    reading->out->local_pref = bgp_u32(bytes);
    return TRUE;
}

static gboolean take_nothing(struct reading *reading, const guint8 *bytes, gsize length)
{
    (void)reading;
    (void)bytes;
    return length == 0;
}

static gboolean take_aggregator(struct reading *reading, const guint8 *bytes, gsize length)
{
    struct bgp_attributes *out = reading->out;

    if (length != (reading->options->as4 ? 8 : 6) &&
        !(reading->options->guess_as_width && (length == 6 || length == 8)))
        return FALSE;
    out->aggregator_as = length == 8 ? bgp_u32(bytes) : bgp_u16(bytes);
    memcpy(out->aggregator, bytes + length - 4, 4);
    return out->aggregator_as != 0; /* RFC 7607 */
}

static gboolean take_originator(struct reading *reading, const guint8 *bytes, gsize length)
{
    memcpy(reading->out->originator_id, bytes, length);
    return TRUE;
}

/* AFI and SAFI as a family of prefixes; 0: none that is known here. */
static guint8 family_of(guint afi, guint safi)
{
    if (safi != BGP_UNICAST && safi != BGP_MULTICAST)
        return 0;
    return afi == 1 ? 4 : afi == 2 ? 6 : 0;
}

static struct bgp_nlri nlri_of(const struct reading *reading, guint afi, guint safi,
                               const guint8 *at, const guint8 *end)
{
    const guint add_path = afi == 1 ? BGP_ADD_PATH_IPV4 : BGP_ADD_PATH_IPV6;

    return (struct bgp_nlri){ at, end, family_of(afi, safi), (guint8)safi,
                              (reading->options->add_path & add_path) != 0 };
}

static gboolean take_reach(struct reading *reading, const guint8 *bytes, gsize length)
{
    struct bgp_attributes *out = reading->out;
    const guint8 *end = bytes + length, *at = bytes;

    if (reading->options->mrt_rib && length && bytes[0] != 0) { /* only a next hop */
        if (length != 1u + bytes[0])
            return FALSE;
        out->reach_next_hop = (struct bgp_span){ bytes + 1, bytes[0] };
        return TRUE;
    }
    if (length < 5 || length < 5u + bytes[3])
        return FALSE;
    out->reach_afi = bgp_u16(bytes);
    out->reach_safi = bytes[2];
    out->reach_next_hop = (struct bgp_span){ bytes + 4, bytes[3] };
    at += 4 + bytes[3];
    for (guint snpas = *at++; snpas; snpas--) { /* defunct (RFC 4760 section 3) */
        gsize size = at < end ? (*at + 1u) / 2 + 1 : 1;

        if ((gsize)(end - at) < size)
            return FALSE;
        at += size;
    }
    out->reach = nlri_of(reading, out->reach_afi, out->reach_safi, at, end);
    return TRUE;
}

static gboolean take_unreach(struct reading *reading, const guint8 *bytes, gsize length)
{
    struct bgp_attributes *out = reading->out;

    if (length < 3)
        return FALSE;
    out->unreach_afi = bgp_u16(bytes);
    out->unreach_safi = bytes[2];
    out->unreach = nlri_of(reading, out->unreach_afi, out->unreach_safi, bytes + 3, bytes + length);
    return TRUE;
}

static gboolean take_as4_path(struct reading *reading, const guint8 *bytes, gsize length)
{
    reading->as4_path = (struct bgp_span){ bytes, length };
    return TRUE;
}

static gboolean take_as4_aggregator(struct reading *reading, const guint8 *bytes, gsize length)
{
    reading->as4_aggregator = (struct bgp_span){ bytes, length };
    return bgp_u32(bytes) != 0; /* RFC 7607 */
}

static gboolean take_otc(struct reading *reading, const guint8 *bytes, gsize length)
{
    (void)length;
    reading->out->otc = bgp_u32(bytes);
    return TRUE;
}

#define SPAN(MEMBER) .span = offsetof(struct bgp_attributes, MEMBER)

static const struct rule rules[BGP_ATTRIBUTES] = {
    [BGP_ORIGIN] = { .flags = WELL_KNOWN,
                     .exactly = 1,
                     .bad = BGP_WITHDRAWN,
                     .problem = "ORIGIN is malformed",
                     .take = take_origin },
    [BGP_AS_PATH] = { .flags = WELL_KNOWN,
                      .bad = BGP_WITHDRAWN,
                      .problem = "AS_PATH is malformed",
                      .take = take_as_path },
    [BGP_NEXT_HOP] = { .flags = WELL_KNOWN,
                       .exactly = 4,
                       .bad = BGP_WITHDRAWN,
                       .problem = "NEXT_HOP is malformed",
                       .take = take_next_hop },
    [BGP_MED] = { .flags = OPTIONAL,
                  .exactly = 4,
                  .bad = BGP_WITHDRAWN,
                  .problem = "MULTI_EXIT_DISC is malformed",
                  .take = take_med },
    [BGP_LOCAL_PREF] = { .flags = WELL_KNOWN,
                         .exactly = 4,
                         .bad = BGP_DISCARDED,
                         .problem = "LOCAL_PREF is malformed",
                         .take = take_local_pref },
    [BGP_ATOMIC_AGGREGATE] = { .flags = WELL_KNOWN,
                               .bad = BGP_DISCARDED,
                               .problem = "ATOMIC_AGGREGATE is malformed",
                               .take = take_nothing },
    [BGP_AGGREGATOR] = { .flags = OPTIONAL_TRANSITIVE,
                         .bad = BGP_DISCARDED,
                         .problem = "AGGREGATOR is malformed",
                         .take = take_aggregator },
    [BGP_COMMUNITIES] = { .flags = OPTIONAL_TRANSITIVE,
                          .multiple = 4,
                          SPAN(communities),
                          .bad = BGP_WITHDRAWN,
                          .problem = "COMMUNITIES is malformed" },
    [BGP_ORIGINATOR_ID] = { .flags = OPTIONAL,
                            .exactly = 4,
                            .bad = BGP_DISCARDED,
                            .problem = "ORIGINATOR_ID is malformed",
                            .take = take_originator },
    [BGP_CLUSTER_LIST] = { .flags = OPTIONAL,
                           .multiple = 4,
                           SPAN(cluster_list),
                           .bad = BGP_DISCARDED,
                           .problem = "CLUSTER_LIST is malformed" },
    [BGP_MP_REACH] = { .flags = OPTIONAL,
                       .bad = BGP_BROKEN,
                       .problem = "MP_REACH_NLRI is malformed",
                       .take = take_reach },
    [BGP_MP_UNREACH] = { .flags = OPTIONAL,
                         .bad = BGP_BROKEN,
                         .problem = "MP_UNREACH_NLRI is malformed",
                         .take = take_unreach },
    [BGP_EXTENDED_COMMUNITIES] = { .flags = OPTIONAL_TRANSITIVE,
                                   .multiple = 8,
                                   SPAN(extended_communities),
                                   .bad = BGP_WITHDRAWN,
                                   .problem = "EXTENDED COMMUNITIES is malformed" },
    [BGP_AS4_PATH] = { .flags = OPTIONAL_TRANSITIVE,
                       .bad = BGP_DISCARDED,
                       .problem = "AS4_PATH is malformed",
                       .take = take_as4_path },
    [BGP_AS4_AGGREGATOR] = { .flags = OPTIONAL_TRANSITIVE,
                             .exactly = 8,
                             .bad = BGP_DISCARDED,
                             .problem = "AS4_AGGREGATOR is malformed",
                             .take = take_as4_aggregator },
    [BGP_LARGE_COMMUNITIES] = { .flags = OPTIONAL_TRANSITIVE,
                                .multiple = 12,
                                SPAN(large_communities),
                                .bad = BGP_WITHDRAWN,
                                .problem = "LARGE COMMUNITIES is malformed" },
    [BGP_OTC] = { .flags = OPTIONAL_TRANSITIVE,
                  .exactly = 4,
                  .bad = BGP_WITHDRAWN,
                  .problem = "ONLY_TO_CUSTOMER is malformed",
                  .take = take_otc },
};

/* ---- all of them */

static gboolean is_good(struct reading *reading, const struct rule *rule, guint flags,
                        const guint8 *bytes, gsize length)
{
    if (((flags ^ rule->flags) & OPTIONAL_TRANSITIVE) != 0)
        return FALSE;
    if (rule->exactly && length != rule->exactly)
        return FALSE;
    if (rule->multiple && (!length || length % rule->multiple))
        return FALSE;
    if (rule->span)
        *(struct bgp_span *)((guint8 *)reading->out + rule->span) =
            (struct bgp_span){ bytes, length };
    return !rule->take || rule->take(reading, bytes, length);
}

static void take_attribute(struct reading *reading, guint flags, guint code, const guint8 *bytes,
                           gsize length)
{
    const struct rule *rule = code < BGP_ATTRIBUTES ? &rules[code] : NULL;
    struct bgp_attributes *out = reading->out;
    guint64 bit;

    if (!rule)
        return;
    bit = (guint64)1 << code;
    if ((out->present | out->malformed) & bit) { /* section 3 (g): the first one counts */
        if (code == BGP_MP_REACH || code == BGP_MP_UNREACH)
            bgp_judge(out, BGP_BROKEN, "a multiprotocol attribute comes twice");
        else
            bgp_judge(out, BGP_DISCARDED, "an attribute comes twice");
        return;
    }
    if (!rule->problem || is_good(reading, rule, flags, bytes, length)) {
        out->present |= bit;
        return;
    }
    out->malformed |= bit;
    bgp_judge(out, rule->bad, rule->problem);
}

/* RFC 6793 section 4.2.3: what two-byte speakers passed on unread replaces what they know. */
static void merge_as4(struct reading *reading)
{
    struct bgp_attributes *out = reading->out;
    struct bgp_path as4_path = { 0 };

    if (BGP_HAS(out, BGP_AGGREGATOR) && out->aggregator_as != BGP_AS_TRANS)
        return;
    if (BGP_HAS(out, BGP_AGGREGATOR) && BGP_HAS(out, BGP_AS4_AGGREGATOR)) {
        out->aggregator_as = bgp_u32(reading->as4_aggregator.bytes);
        memcpy(out->aggregator, reading->as4_aggregator.bytes + 4, 4);
    }
    if (!BGP_HAS(out, BGP_AS4_PATH) || !BGP_HAS(out, BGP_AS_PATH))
        return;
    if (bgp_path_parse(&as4_path, reading->as4_path.bytes, reading->as4_path.length, 4)) {
        bgp_path_merge(&out->path, &as4_path);
    } else {
        out->present &= ~((guint64)1 << BGP_AS4_PATH);
        out->malformed |= (guint64)1 << BGP_AS4_PATH;
        bgp_judge(out, BGP_DISCARDED, rules[BGP_AS4_PATH].problem);
    }
    bgp_path_clear(&as4_path);
}

static void empty(struct bgp_attributes *attributes)
{
    struct bgp_path path = attributes->path;

    path.asn_count = path.segment_count = 0;
    *attributes = (struct bgp_attributes){ .path = path };
}

void bgp_attributes_clear(struct bgp_attributes *attributes)
{
    bgp_path_clear(&attributes->path);
    empty(attributes);
}

void bgp_attributes_parse(const guint8 *bytes, gsize length, const struct bgp_options *options,
                          struct bgp_attributes *attributes)
{
    struct reading reading = { .options = options, .out = attributes };
    const guint8 *at = bytes, *end = bytes + length;

    empty(attributes);
    while (at < end) {
        guint flags = at[0];
        gsize header = flags & EXTENDED_LENGTH ? 4 : 3, size;

        if ((gsize)(end - at) < header)
            break;
        size = header == 4 ? bgp_u16(at + 2) : at[2];
        if ((gsize)(end - at) - header < size)
            break;
        take_attribute(&reading, flags, at[1], at + header, size);
        at += header + size;
    }
    if (at < end) /* section 3 (e) and section 4 */
        bgp_judge(attributes, BGP_WITHDRAWN, "an attribute is longer than what is there");
    if (reading.as_path.bytes || (!options->as4 && !BGP_HAS(attributes, BGP_AS_PATH)))
        merge_as4(&reading);
}

const char *bgp_verdict_name(enum bgp_verdict verdict)
{
    static const char *const names[] = { "fine", "discarded", "withdrawn", "broken" };

    return names[verdict];
}
