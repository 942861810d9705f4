/*
 * packet.h: what a packet carries: from the link layer through tunnels to TCP and UDP.
 *
 *     frame ─> link type ─> EtherType ─> IPv4 / IPv6 ─> fragments ─> TCP segment, UDP datagram
 *              (packet_link.c)           (packet_ip.c)               │
 *                     ^──────────────────── tunnels <────────────────┘ (packet_tunnel.c)
 *
 * Links: Ethernet, Linux cooked (1, 2), raw IP, loopback, PPP, Cisco HDLC, 802.11 with or without
 * radio headers, NFLOG. Inside: VLAN tags, MPLS, PPPoE, LLC/SNAP. Tunnels: IP in IP, GRE (NVGRE,
 * ERSPAN, PPTP), VXLAN, Geneve, GTP-U, Teredo. Packets that ICMP errors quote are read as far as
 * they go.
 *
 * Fragments wait for one another in a store of bounded size: the oldest datagram goes first.
 */
#pragma once
#include <glib.h>

#define PACKET_LAYERS_MAX 32 /* headers in one another */

/* A direction of a conversation: as a key, its unused bytes are zero. */
struct packet_flow {
    guint8 family; /* 4 or 6 */
    guint8 protocol;
    guint16 source_port, destination_port;
    guint8 source[16], destination[16]; /* IPv4 in the first four bytes */
};

enum packet_protocol { PACKET_TCP = 6, PACKET_UDP = 17 };

enum packet_tcp_flags { PACKET_FIN = 1, PACKET_SYN = 2, PACKET_RST = 4 };

/* A TCP segment or UDP datagram. Borrowed. */
struct packet_transport {
    struct packet_flow flow;
    guint32 sequence;   /* TCP */
    guint8 flags;       /* TCP: PACKET_ */
    gboolean is_cut;    /* the capture holds less than was sent */
    gboolean is_quoted; /* by an ICMP error */
    const guint8 *payload;
    gsize length;
};

/* What could not be looked into. */
enum packet_gap {
    PACKET_UNKNOWN_LINK,     /* a link type that this program does not know */
    PACKET_UNKNOWN_PROTOCOL, /* neither TCP, UDP nor a tunnel; not a failure */
    PACKET_CUT,              /* the capture kept less than was sent */
    PACKET_MALFORMED,        /* headers that cannot be */
    PACKET_ENCRYPTED,        /* IPsec ESP, WPA */
    PACKET_TOO_DEEP,         /* above PACKET_LAYERS_MAX */
    PACKET_FRAGMENTS_LOST,   /* datagrams whose fragments did not all come */
    PACKET_GAPS
};

struct packet_calls {
    /* Every address of every IP header and routing header. */
    void (*address)(guint8 family, const guint8 *address, gpointer data);
    void (*transport)(const struct packet_transport *transport, gpointer data);
    gpointer data;
};

struct packet_layers;
struct packet_layers *packet_layers_new(const struct packet_calls *calls);
void packet_layers_free(struct packet_layers *layers);
typedef struct packet_layers packet_layers_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(packet_layers_t, packet_layers_free)

/* Looks into one packet. `wire_length` is what it was before the capture cut it. */
void packet_read(struct packet_layers *layers, guint32 link, gint64 time_ns, const guint8 *bytes,
                 gsize length, gsize wire_length);

/* The end: datagrams that wait are lost. */
void packet_finish(struct packet_layers *layers);

/* PACKET_FRAGMENTS_LOST counts datagrams, the others packets: each once. */
guint64 packet_gap_count(const struct packet_layers *layers, enum packet_gap gap);
/* The first link type that was unknown; 0 when there is none. */
guint32 packet_unknown_link(const struct packet_layers *layers);
