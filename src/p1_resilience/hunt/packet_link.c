/* packet_link.c: from the link layer to IP; see packet.h. */
#include "p1_resilience/hunt/packet_private.h"

#include <string.h>

#define MAC_PAIR 12           /* two addresses, before an EtherType */
#define ETHER_LENGTH_MAX 1500 /* below: a length, and LLC follows */
#define LLC_SNAP 0xaaaa03u
#define PPP_ADDRESS_CONTROL 0xff03u
#define MPLS_BOTTOM 0x100u
#define RADIOTAP_MIN 8
#define NFLOG_HEAD 4
#define NFLOG_PAYLOAD 9
#define WLAN_DATA 2 /* frame type */
#define WLAN_PROTECTED 0x40
#define WLAN_ORDER 0x80
#define WLAN_TO_DS 1
#define WLAN_FROM_DS 2
#define WLAN_QOS 8     /* subtype bit: with a QoS field */
#define WLAN_NO_DATA 4 /* subtype bit: nothing follows */

struct packet_layers *packet_layers_new(const struct packet_calls *calls)
{
    struct packet_layers *layers = g_new0(struct packet_layers, 1);

    layers->calls = *calls;
    layers->fragments = fragments_new();
    return layers;
}

void packet_layers_free(struct packet_layers *layers)
{
    if (!layers)
        return;
    fragments_free(layers->fragments);
    g_free(layers);
}

void packet_gap(struct packet_layers *layers, enum packet_gap gap)
{
    layers->gaps |= 1u << gap;
}

gboolean packet_deeper(struct packet_layers *layers)
{
    if (++layers->depth <= PACKET_LAYERS_MAX)
        return TRUE;
    packet_gap(layers, PACKET_TOO_DEEP);
    return FALSE;
}

static void short_of(struct packet_layers *layers)
{
    packet_gap(layers, layers->is_cut ? PACKET_CUT : PACKET_MALFORMED);
}

/* RFC 3032; under the last label lies IP, or an Ethernet frame, with or without a control word. */
static void mpls(struct packet_layers *layers, struct octets body)
{
    guint32 label;

    do
        if (!octets_number(&body, 4, &label))
            return short_of(layers);
    while (!(label & MPLS_BOTTOM));
    if (!body.left)
        return;
    if (body.at[0] >> 4 == 4 || body.at[0] >> 4 == 6)
        return packet_ip(layers, body);
    if (body.at[0] >> 4 == 0)
        octets_skip(&body, 4);
    packet_ethernet(layers, body);
}

static void llc(struct packet_layers *layers, struct octets body)
{
    guint32 head, type;

    if (!octets_number(&body, 3, &head) || head != LLC_SNAP || !octets_skip(&body, 3) ||
        !octets_number(&body, 2, &type))
        return packet_gap(layers, PACKET_UNKNOWN_PROTOCOL);
    packet_ether_type(layers, (guint16)type, body);
}

static const struct {
    guint16 protocol, ether_type;
} ppp_protocols[] = {
    { 0x0021, ETHER_IPV4 },
    { 0x0057, ETHER_IPV6 },
    { 0x0281, ETHER_MPLS },
};

/* RFC 1661, 1662: address and control may be there, the protocol may be one byte. */
void packet_ppp(struct packet_layers *layers, struct octets body)
{
    guint32 protocol;

    if (body.left >= 2 && octets_be16(body.at) == PPP_ADDRESS_CONTROL)
        octets_skip(&body, 2);
    if (!octets_number(&body, body.left && body.at[0] & 1 ? 1 : 2, &protocol))
        return short_of(layers);
    for (guint i = 0; i < G_N_ELEMENTS(ppp_protocols); i++)
        if (ppp_protocols[i].protocol == protocol)
            return packet_ether_type(layers, ppp_protocols[i].ether_type, body);
    packet_gap(layers, PACKET_UNKNOWN_PROTOCOL);
}

/* Types that only carry another one: how many bytes stand before that, or what follows. */
static const struct {
    guint16 type;
    guint8 skip;
    void (*read)(struct packet_layers *layers, struct octets body); /* NULL: a type follows */
} ether_types[] = {
    { ETHER_IPV4, 0, packet_ip },
    { ETHER_IPV6, 0, packet_ip },
    { 0x8100, 2, NULL }, /* VLAN */
    { 0x88a8, 2, NULL },
    { 0x9100, 2, NULL },
    { 0x9200, 2, NULL },
    { 0x8926, 4, NULL },       /* VN-Tag */
    { 0x8864, 6, packet_ppp }, /* PPPoE session, RFC 2516 */
    { ETHER_MPLS, 0, mpls },
    { 0x8848, 0, mpls },
    { ETHER_BRIDGED, 0, packet_ethernet },
    { ETHER_PPP, 0, packet_ppp },
    { ETHER_ERSPAN2, 8, packet_ethernet },
    { ETHER_ERSPAN3, 12, packet_ethernet },
    { 0x88e7, 4, packet_ethernet }, /* provider backbone bridging */
};

void packet_ether_type(struct packet_layers *layers, guint16 type, struct octets body)
{
    if (!packet_deeper(layers))
        return;
    if (type <= ETHER_LENGTH_MAX)
        return llc(layers, body);
    for (guint i = 0; i < G_N_ELEMENTS(ether_types); i++) {
        guint32 next;

        if (ether_types[i].type != type)
            continue;
        if (!octets_skip(&body, ether_types[i].skip))
            return short_of(layers);
        if (ether_types[i].read)
            return ether_types[i].read(layers, body);
        if (!octets_number(&body, 2, &next))
            return short_of(layers);
        return packet_ether_type(layers, (guint16)next, body);
    }
    packet_gap(layers, PACKET_UNKNOWN_PROTOCOL);
}

void packet_ethernet(struct packet_layers *layers, struct octets frame)
{
    guint32 type;

    if (!octets_skip(&frame, MAC_PAIR) || !octets_number(&frame, 2, &type))
        return short_of(layers);
    packet_ether_type(layers, (guint16)type, frame);
}

/* IEEE 802.11 section 9.3.2: data frames that are not encrypted. */
static void wlan(struct packet_layers *layers, struct octets frame)
{
    guint8 subtype, flags;
    gsize size = 24;

    if (frame.left < size)
        return short_of(layers);
    subtype = frame.at[0] >> 4;
    flags = frame.at[1];
    if ((frame.at[0] >> 2 & 3) != WLAN_DATA || subtype & WLAN_NO_DATA)
        return packet_gap(layers, PACKET_UNKNOWN_PROTOCOL);
    if (flags & WLAN_PROTECTED)
        return packet_gap(layers, PACKET_ENCRYPTED);
    if ((flags & WLAN_TO_DS) && (flags & WLAN_FROM_DS))
        size += 6;
    if (subtype & WLAN_QOS)
        size += flags & WLAN_ORDER ? 6 : 2;
    if (!octets_skip(&frame, size))
        return short_of(layers);
    llc(layers, frame);
}

/* Radiotap, and AVS and PPI, begin with their own length. */
static void radiotap(struct packet_layers *layers, struct octets frame)
{
    if (frame.left < RADIOTAP_MIN ||
        !octets_skip(&frame, (gsize)frame.at[2] | (gsize)frame.at[3] << 8))
        return short_of(layers);
    wlan(layers, frame);
}

static void raw_ip(struct packet_layers *layers, struct octets frame)
{
    packet_ip(layers, frame);
}

/* BSD loopback: four bytes of an address family, in whoever's order; the version says it, too. */
static void loopback(struct packet_layers *layers, struct octets frame)
{
    if (!octets_skip(&frame, 4))
        return short_of(layers);
    packet_ip(layers, frame);
}

/* Frame control and two addresses, then LLC (RFC 1390). */
static void fddi(struct packet_layers *layers, struct octets frame)
{
    if (!octets_skip(&frame, 1 + MAC_PAIR))
        return short_of(layers);
    llc(layers, frame);
}

static void cooked(struct packet_layers *layers, struct octets frame)
{
    guint32 type;

    if (!octets_skip(&frame, 14) || !octets_number(&frame, 2, &type))
        return short_of(layers);
    packet_ether_type(layers, (guint16)type, frame);
}

static void cooked2(struct packet_layers *layers, struct octets frame)
{
    guint32 type;

    if (!octets_number(&frame, 2, &type) || !octets_skip(&frame, 18))
        return short_of(layers);
    packet_ether_type(layers, (guint16)type, frame);
}

static void cisco_hdlc(struct packet_layers *layers, struct octets frame)
{
    guint32 type;

    if (frame.left >= 2 && octets_be16(frame.at) == PPP_ADDRESS_CONTROL)
        return packet_ppp(layers, frame);
    if (!octets_skip(&frame, 2) || !octets_number(&frame, 2, &type))
        return short_of(layers);
    packet_ether_type(layers, (guint16)type, frame);
}

/* Attributes with lengths in the capturing host's order: that which makes sense is taken. */
static void nflog(struct packet_layers *layers, struct octets frame)
{
    if (!octets_skip(&frame, NFLOG_HEAD))
        return short_of(layers);
    while (frame.left >= 4) {
        guint little = frame.at[0] | frame.at[1] << 8, big = octets_be16(frame.at);
        gboolean is_little = little >= 4 && (little <= frame.left || big > frame.left || big < 4);
        gsize length = is_little ? little : big;
        guint type = is_little ? frame.at[2] : frame.at[3];

        if (length < 4)
            break;
        length = MIN(length, frame.left);
        if (type == NFLOG_PAYLOAD)
            return packet_ip(layers, (struct octets){ frame.at + 4, length - 4 });
        octets_skip(&frame, MIN((length + 3) & ~(gsize)3, frame.left));
    }
    short_of(layers);
}

static void encapsulated(struct packet_layers *layers, struct octets frame)
{
    if (!octets_skip(&frame, 12))
        return short_of(layers);
    packet_ip(layers, frame);
}

/* https://www.tcpdump.org/linktypes.html */
static const struct {
    guint32 link;
    void (*read)(struct packet_layers *layers, struct octets frame);
} links[] = {
    { 0, loopback },     { 1, packet_ethernet }, { 9, packet_ppp },  { 10, fddi },
    { 12, raw_ip },      { 14, raw_ip },         { 50, packet_ppp }, { 101, raw_ip },
    { 104, cisco_hdlc }, { 105, wlan },          { 108, loopback },  { 109, encapsulated },
    { 113, cooked },     { 127, radiotap },      { 192, radiotap },  { 228, raw_ip },
    { 229, raw_ip },     { 239, nflog },         { 276, cooked2 },
};

void packet_read(struct packet_layers *layers, guint32 link, gint64 time_ns, const guint8 *bytes,
                 gsize length, gsize wire_length)
{
    gboolean is_known = FALSE;

    layers->time_ns = time_ns;
    layers->depth = layers->gaps = 0;
    layers->is_cut = length < wire_length;
    layers->is_quoted = FALSE;
    if (layers->is_cut)
        packet_gap(layers, PACKET_CUT);
    for (guint i = 0; i < G_N_ELEMENTS(links) && !is_known; i++)
        if (links[i].link == link) {
            is_known = TRUE;
            links[i].read(layers, (struct octets){ bytes, length });
        }
    if (!is_known) {
        if (!layers->counts[PACKET_UNKNOWN_LINK])
            layers->unknown_link = link;
        packet_gap(layers, PACKET_UNKNOWN_LINK);
    }
    for (guint gap = 0; gap < PACKET_GAPS; gap++)
        if (layers->gaps & 1u << gap)
            layers->counts[gap]++;
}

void packet_finish(struct packet_layers *layers)
{
    fragments_finish(layers->fragments);
}

guint64 packet_gap_count(const struct packet_layers *layers, enum packet_gap gap)
{
    return gap == PACKET_FRAGMENTS_LOST ? fragments_lost(layers->fragments) : layers->counts[gap];
}

guint32 packet_unknown_link(const struct packet_layers *layers)
{
    return layers->unknown_link;
}
