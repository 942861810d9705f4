/* packet_tunnel.c: packets in packets: GRE, and those in UDP; see packet.h. */
#include "p1_resilience/hunt/packet_private.h"

enum gre_flags {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGEMENT = 0x0080, /* version 1 */
    GRE_VERSION = 0x0007,
};

#define VXLAN_HAS_ID 0x08
#define GTP_VERSION_1 0x30 /* and protocol type GTP */
#define GTP_VERSION_MASK 0xf0
#define GTP_DATA 255
#define GTP_MORE 0x07 /* flags: four more bytes */
#define GTP_EXTENSIONS 0x04
#define TEREDO_AUTHENTICATION 0x0001
#define TEREDO_ORIGIN 0x0000
#define TEREDO_PORT 3544
#define AYIYA_FORWARD 1

static void gap(struct packet_layers *layers)
{
    packet_gap(layers, layers->is_cut ? PACKET_CUT : PACKET_MALFORMED);
}

void packet_gre(struct packet_layers *layers, struct octets body)
{
    guint32 flags, type;
    gsize size = 0;

    if (!octets_number(&body, 2, &flags) || !octets_number(&body, 2, &type))
        return gap(layers);
    if (flags & (GRE_CHECKSUM | GRE_ROUTING))
        size += 4;
    if (flags & GRE_KEY)
        size += 4;
    if (flags & GRE_SEQUENCE)
        size += 4;
    if ((flags & GRE_VERSION) == 1 && flags & GRE_ACKNOWLEDGEMENT)
        size += 4;
    if ((flags & GRE_VERSION) > 1 || flags & GRE_ROUTING)
        return packet_gap(layers, PACKET_UNKNOWN_PROTOCOL);
    if (!octets_skip(&body, size))
        return gap(layers);
    if (!body.left) /* a keepalive */
        return;
    /* Without a sequence number, ERSPAN is of type I: the frame follows at once. */
    if (type == ETHER_ERSPAN2 && !(flags & GRE_SEQUENCE))
        type = ETHER_BRIDGED;
    packet_ether_type(layers, (guint16)type, body);
}

/* RFC 7348 */
static gboolean vxlan(struct packet_layers *layers, struct octets body)
{
    guint32 flags;

    if (!octets_number(&body, 1, &flags) || !(flags & VXLAN_HAS_ID) || !octets_skip(&body, 7))
        return FALSE;
    packet_ethernet(layers, body);
    return TRUE;
}

/* RFC 8926 */
static gboolean geneve(struct packet_layers *layers, struct octets body)
{
    guint32 head, type;

    if (!octets_number(&body, 2, &head) || head >> 14 != 0 || !octets_number(&body, 2, &type) ||
        !octets_skip(&body, 4 + (gsize)(head >> 8 & 0x3f) * 4))
        return FALSE;
    packet_ether_type(layers, (guint16)type, body);
    return TRUE;
}

/* 3GPP TS 29.281 section 5.1 */
static gboolean gtp(struct packet_layers *layers, struct octets body)
{
    guint32 flags, type, next, units;

    if (!octets_number(&body, 1, &flags) || (flags & GTP_VERSION_MASK) != GTP_VERSION_1 ||
        !octets_number(&body, 1, &type) || type != GTP_DATA || !octets_skip(&body, 6))
        return FALSE;
    if (flags & GTP_MORE) {
        if (!octets_skip(&body, 3) || !octets_number(&body, 1, &next))
            return FALSE;
        while (flags & GTP_EXTENSIONS && next)
            if (!octets_number(&body, 1, &units) || units == 0 ||
                !octets_skip(&body, (gsize)units * 4 - 2) || !octets_number(&body, 1, &next))
                return FALSE;
    }
    if (!body.left || (body.at[0] >> 4 != 4 && body.at[0] >> 4 != 6))
        return FALSE;
    packet_ip(layers, body);
    return TRUE;
}

/* RFC 4380 section 5.1.1: authentication and origin may stand before the IPv6 header. */
static gboolean teredo(struct packet_layers *layers, struct octets body)
{
    if (body.left > 4 && octets_be16(body.at) == TEREDO_AUTHENTICATION &&
        !octets_skip(&body, (gsize)13 + body.at[2] + body.at[3]))
        return FALSE;
    if (body.left > 2 && octets_be16(body.at) == TEREDO_ORIGIN && !octets_skip(&body, 8))
        return FALSE;
    if (!body.left || body.at[0] >> 4 != 6)
        return FALSE;
    packet_ip(layers, body);
    return TRUE;
}

/* draft-massar-v6ops-ayiya: sizes of identity (a power of two) and signature (in fours) */
static gboolean ayiya(struct packet_layers *layers, struct octets body)
{
    guint32 sizes, operation;

    if (!octets_number(&body, 2, &sizes) || !octets_number(&body, 2, &operation) ||
        (operation >> 8 & 0xf) != AYIYA_FORWARD ||
        !octets_skip(&body, 4 + ((gsize)1 << (sizes >> 12)) + (sizes >> 4 & 0xf) * 4) || !body.left)
        return FALSE;
    packet_ip(layers, body);
    return TRUE;
}

static gboolean gre(struct packet_layers *layers, struct octets body)
{
    packet_gre(layers, body);
    return TRUE;
}

static gboolean mpls(struct packet_layers *layers, struct octets body)
{
    packet_ether_type(layers, ETHER_MPLS, body);
    return TRUE;
}

static const struct {
    guint16 port;
    gboolean (*read)(struct packet_layers *layers, struct octets body); /* FALSE: it is none */
} udp_tunnels[] = {
    { 2152, gtp },   { TEREDO_PORT, teredo }, { 5072, ayiya }, { 4754, gre },
    { 4789, vxlan }, { 6081, geneve },        { 6635, mpls },  { 8472, vxlan },
};

gboolean packet_udp_tunnel(struct packet_layers *layers, const struct packet_transport *datagram)
{
    struct octets body = { datagram->payload, datagram->length };

    for (guint i = 0; i < G_N_ELEMENTS(udp_tunnels); i++)
        if (datagram->flow.destination_port == udp_tunnels[i].port ||
            (datagram->flow.source_port == udp_tunnels[i].port &&
             udp_tunnels[i].port == TEREDO_PORT))
            return udp_tunnels[i].read(layers, body);
    return FALSE;
}
