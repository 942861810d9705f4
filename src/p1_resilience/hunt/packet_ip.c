/* packet_ip.c: IPv4 (RFC 791), IPv6 (RFC 8200), what ICMP errors quote; see packet.h. */
#include "p1_resilience/hunt/packet_private.h"

#include <string.h>

#define IPV4_MIN 20
#define IPV6_SIZE 40
#define FRAGMENT_OFFSET 0x1fffu
#define FRAGMENT_MORE 0x2000u
#define TCP_MIN 20
#define UDP_SIZE 8
#define ICMP_HEAD 8
#define ROUTING_ADDRESSES 8 /* of a routing header: where its addresses are */

enum protocol {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_ICMP = 1,
    PROTOCOL_IPV4 = 4,
    PROTOCOL_IPV6 = 41,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_GRE = 47,
    PROTOCOL_ESP = 50,
    PROTOCOL_AH = 51,
    PROTOCOL_ICMPV6 = 58,
    PROTOCOL_NONE = 59,
    PROTOCOL_OPTIONS = 60,
    PROTOCOL_ETHERNET_OLD = 97,
    PROTOCOL_MOBILITY = 135,
    PROTOCOL_MPLS = 137,
    PROTOCOL_ETHERNET = 143,
};

/* The IP header that a payload stands behind. */
struct carrier {
    struct packet_flow flow; /* without ports and protocol */
    gboolean is_cut;         /* its payload is not all here */
};

static void payload(struct packet_layers *layers, struct carrier *carrier, guint8 protocol,
                    struct octets body);

/* Headers that are not there: by the capture's fault, or the sender's. */
static void short_of(struct packet_layers *layers, const struct carrier *carrier)
{
    packet_gap(layers, carrier->is_cut || layers->is_cut ? PACKET_CUT : PACKET_MALFORMED);
}

static void tell_address(const struct packet_layers *layers, guint8 family, const guint8 *address)
{
    layers->calls.address(family, address, layers->calls.data);
}

static void tcp(struct packet_layers *layers, struct carrier *carrier, struct octets segment)
{
    struct packet_transport transport = { .flow = carrier->flow,
                                          .is_cut = carrier->is_cut,
                                          .is_quoted = layers->is_quoted };
    gsize size;

    if (segment.left < TCP_MIN)
        return short_of(layers, carrier);
    size = (gsize)(segment.at[12] >> 4) * 4;
    transport.flow.protocol = PACKET_TCP;
    transport.flow.source_port = octets_be16(segment.at);
    transport.flow.destination_port = octets_be16(segment.at + 2);
    transport.sequence = octets_be32(segment.at + 4);
    transport.flags = segment.at[13];
    if (size < TCP_MIN || !octets_skip(&segment, size))
        return short_of(layers, carrier);
    transport.payload = segment.at;
    transport.length = segment.left;
    layers->calls.transport(&transport, layers->calls.data);
}

static void udp(struct packet_layers *layers, struct carrier *carrier, struct octets datagram)
{
    struct packet_transport transport = { .flow = carrier->flow,
                                          .is_cut = carrier->is_cut,
                                          .is_quoted = layers->is_quoted };
    gsize length;

    if (datagram.left < UDP_SIZE)
        return short_of(layers, carrier);
    length = octets_be16(datagram.at + 4);
    transport.flow.protocol = PACKET_UDP;
    transport.flow.source_port = octets_be16(datagram.at);
    transport.flow.destination_port = octets_be16(datagram.at + 2);
    octets_skip(&datagram, UDP_SIZE);
    /* A length of 0 is a jumbogram's (RFC 2675), or left to the network card. */
    if (length >= UDP_SIZE) {
        transport.is_cut = transport.is_cut || length - UDP_SIZE > datagram.left;
        datagram.left = MIN(datagram.left, length - UDP_SIZE);
    }
    transport.payload = datagram.at;
    transport.length = datagram.left;
    if (!packet_udp_tunnel(layers, &transport))
        layers->calls.transport(&transport, layers->calls.data);
}

/* ICMP errors quote the packet that they are about (RFC 792, RFC 4443 section 3). */
static gboolean quotes(guint8 protocol, guint8 type)
{
    static const guint8 icmp[] = { 3, 4, 5, 11, 12 }, icmpv6[] = { 1, 2, 3, 4 };

    return protocol == PROTOCOL_ICMP ? memchr(icmp, type, sizeof icmp) != NULL
                                     : memchr(icmpv6, type, sizeof icmpv6) != NULL;
}

static void icmp(struct packet_layers *layers, guint8 protocol, struct octets body)
{
    gboolean was_cut = layers->is_cut, was_quoted = layers->is_quoted;

    if (body.left <= ICMP_HEAD || !quotes(protocol, body.at[0]))
        return;
    octets_skip(&body, ICMP_HEAD);
    layers->is_cut = layers->is_quoted = TRUE;
    packet_ip(layers, body);
    layers->is_cut = was_cut;
    layers->is_quoted = was_quoted;
}

/* IPv6 headers that say what follows, and are so many bytes and units of eight long. */
static gboolean extension(struct octets *body, guint8 *next, guint unit, guint extra)
{
    struct octets rest = *body;

    if (rest.left < 2 || !octets_skip(&rest, ((gsize)body->at[1] + extra) * unit))
        return FALSE;
    *next = body->at[0];
    *body = rest;
    return TRUE;
}

/* RFC 8200 section 4.4, RFC 8754: types 0, 2 and 4 list addresses. */
static void routing(struct packet_layers *layers, struct octets header)
{
    guint8 type = header.left > 2 ? header.at[2] : 1;
    gsize size = header.left > 2 ? ((gsize)header.at[1] + 1) * 8 : 0;

    if (type != 0 && type != 2 && type != 4)
        return;
    size = MIN(size, header.left);
    for (gsize at = ROUTING_ADDRESSES; at + 16 <= size; at += 16)
        tell_address(layers, 6, header.at + at);
}

static void whole(struct packet_layers *layers, struct carrier *carrier,
                  const struct fragment *fragment)
{
    g_autoptr(GByteArray) datagram = NULL;
    guint8 next;

    if (carrier->is_cut) /* nothing can be put together of it */
        return;
    datagram = fragments_add(layers->fragments, fragment, &next);
    if (datagram)
        payload(layers, carrier, next, (struct octets){ datagram->data, datagram->len });
}

static void fragment6(struct packet_layers *layers, struct carrier *carrier, struct octets body)
{
    struct fragment fragment = { .time_ns = layers->time_ns };
    guint16 place;

    if (body.left < 8)
        return short_of(layers, carrier);
    place = octets_be16(body.at + 2);
    fragment.next = body.at[0];
    fragment.offset = place & ~7u;
    fragment.is_last = !(place & 1);
    fragment.key.family = 6;
    fragment.key.id = octets_be32(body.at + 4);
    memcpy(fragment.key.source, carrier->flow.source, 16);
    memcpy(fragment.key.destination, carrier->flow.destination, 16);
    octets_skip(&body, 8);
    if (fragment.offset == 0 && fragment.is_last) /* atomic, RFC 6946 */
        return payload(layers, carrier, fragment.next, body);
    fragment.bytes = body.at;
    fragment.length = body.left;
    whole(layers, carrier, &fragment);
}

static void payload(struct packet_layers *layers, struct carrier *carrier, guint8 protocol,
                    struct octets body)
{
    while (packet_deeper(layers)) {
        switch (protocol) {
        case PACKET_TCP:
            return tcp(layers, carrier, body);
        case PACKET_UDP:
            return udp(layers, carrier, body);
        case PROTOCOL_ICMP:
        case PROTOCOL_ICMPV6:
            return icmp(layers, protocol, body);
        case PROTOCOL_IPV4:
        case PROTOCOL_IPV6:
            return packet_ip(layers, body);
        case PROTOCOL_GRE:
            return packet_gre(layers, body);
        case PROTOCOL_ETHERNET:
            return packet_ethernet(layers, body);
        case PROTOCOL_ETHERNET_OLD: /* EtherIP, RFC 3378 */
            octets_skip(&body, MIN(body.left, 2));
            return packet_ethernet(layers, body);
        case PROTOCOL_MPLS:
            return packet_ether_type(layers, ETHER_MPLS, body);
        case PROTOCOL_ESP:
            return packet_gap(layers, PACKET_ENCRYPTED);
        case PROTOCOL_FRAGMENT:
            return fragment6(layers, carrier, body);
        case PROTOCOL_AH:
            if (!extension(&body, &protocol, 4, 2))
                return short_of(layers, carrier);
            break;
        case PROTOCOL_ROUTING:
            routing(layers, body);
            G_GNUC_FALLTHROUGH;
        case PROTOCOL_HOP_BY_HOP:
        case PROTOCOL_OPTIONS:
        case PROTOCOL_MOBILITY:
            if (!extension(&body, &protocol, 8, 1))
                return short_of(layers, carrier);
            break;
        case PROTOCOL_NONE:
            return;
        default:
            return packet_gap(layers, PACKET_UNKNOWN_PROTOCOL);
        }
    }
}

/* What the header says there is; 0 is left to the network card, or a jumbogram. */
static void trim(struct carrier *carrier, struct octets *body, gsize length)
{
    if (length > body->left)
        carrier->is_cut = TRUE;
    else if (length)
        body->left = length;
}

static void ipv4(struct packet_layers *layers, struct octets body)
{
    struct carrier carrier = { .flow.family = 4 };
    struct fragment fragment = { .time_ns = layers->time_ns };
    gsize size, total;
    guint16 place;
    guint8 protocol;

    if (body.left < IPV4_MIN)
        return short_of(layers, &carrier);
    size = (gsize)(body.at[0] & 15) * 4;
    total = octets_be16(body.at + 2);
    place = octets_be16(body.at + 6);
    protocol = body.at[9];
    fragment.key.id = octets_be16(body.at + 4);
    memcpy(carrier.flow.source, body.at + 12, 4);
    memcpy(carrier.flow.destination, body.at + 16, 4);
    tell_address(layers, 4, carrier.flow.source);
    tell_address(layers, 4, carrier.flow.destination);
    if (size < IPV4_MIN || (total && total < size) || !octets_skip(&body, size))
        return short_of(layers, &carrier);
    trim(&carrier, &body, total ? total - size : 0);
    if (total == size)
        return;
    if (!(place & (FRAGMENT_OFFSET | FRAGMENT_MORE)))
        return payload(layers, &carrier, protocol, body);
    fragment.offset = (place & FRAGMENT_OFFSET) * 8;
    fragment.is_last = !(place & FRAGMENT_MORE);
    fragment.next = protocol;
    fragment.key.family = 4;
    fragment.key.protocol = protocol;
    memcpy(fragment.key.source, carrier.flow.source, 16);
    memcpy(fragment.key.destination, carrier.flow.destination, 16);
    fragment.bytes = body.at;
    fragment.length = body.left;
    whole(layers, &carrier, &fragment);
}

static void ipv6(struct packet_layers *layers, struct octets body)
{
    struct carrier carrier = { .flow.family = 6 };
    guint8 next;
    gsize length;

    if (body.left < IPV6_SIZE)
        return short_of(layers, &carrier);
    length = octets_be16(body.at + 4);
    next = body.at[6];
    memcpy(carrier.flow.source, body.at + 8, 16);
    memcpy(carrier.flow.destination, body.at + 24, 16);
    tell_address(layers, 6, carrier.flow.source);
    tell_address(layers, 6, carrier.flow.destination);
    octets_skip(&body, IPV6_SIZE);
    trim(&carrier, &body, length);
    payload(layers, &carrier, next, body);
}

void packet_ip(struct packet_layers *layers, struct octets datagram)
{
    if (!packet_deeper(layers))
        return;
    if (datagram.left && datagram.at[0] >> 4 == 4)
        ipv4(layers, datagram);
    else if (datagram.left && datagram.at[0] >> 4 == 6)
        ipv6(layers, datagram);
    else
        packet_gap(layers, layers->is_cut ? PACKET_CUT : PACKET_MALFORMED);
}
