/* packet_private.h: between the files that take packets apart. */
#pragma once
#include "p1_resilience/hunt/fragments.h"
#include "p1_resilience/hunt/octets.h"
#include "p1_resilience/hunt/packet.h"

struct packet_layers {
    struct packet_calls calls;
    struct fragments *fragments;
    /* Of the packet being read: */
    gint64 time_ns;
    guint depth;
    guint gaps;         /* bits of enum packet_gap: each counts once a packet */
    gboolean is_cut;    /* the capture cut it */
    gboolean is_quoted; /* by an ICMP error */
    guint64 counts[PACKET_GAPS];
    guint32 unknown_link;
};

enum ether_type {
    ETHER_IPV4 = 0x0800,
    ETHER_IPV6 = 0x86dd,
    ETHER_BRIDGED = 0x6558, /* an Ethernet frame follows */
    ETHER_PPP = 0x880b,
    ETHER_MPLS = 0x8847,
    ETHER_ERSPAN2 = 0x88be,
    ETHER_ERSPAN3 = 0x22eb,
};

void packet_gap(struct packet_layers *layers, enum packet_gap gap);
/* FALSE: too deep. */
gboolean packet_deeper(struct packet_layers *layers);

/* packet_link.c */
void packet_ethernet(struct packet_layers *layers, struct octets frame);
void packet_ether_type(struct packet_layers *layers, guint16 type, struct octets body);
void packet_ppp(struct packet_layers *layers, struct octets body);

/* packet_ip.c: by the version in the first four bits. */
void packet_ip(struct packet_layers *layers, struct octets datagram);

/* packet_tunnel.c */
/* GRE (RFC 2784, 2890, 2637). */
void packet_gre(struct packet_layers *layers, struct octets body);
/* Whether the datagram is a tunnel's, and was read as such. */
gboolean packet_udp_tunnel(struct packet_layers *layers, const struct packet_transport *datagram);
