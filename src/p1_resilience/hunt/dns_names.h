/*
 * dns_names.h: the names and addresses of a DNS message (RFC 1035): of its questions, and of the
 * records of all its sections.
 *
 * Records: A, NS, CNAME, SOA, PTR, MX, TXT, AAAA (RFC 3596), SRV (2782), DNAME (6672), SVCB and
 * HTTPS (9460) with their address hints, OPT with the client's network (7871).
 *
 * Names are text: labels with dots between them, "<Root>" for the root; bytes of a label that
 * cannot be printed, dots and backslashes are \DDD (RFC 4343 section 2.1).
 */
#pragma once
#include <glib.h>

#define DNS_NAME_TEXT_MAX 1020 /* bytes: 255 octets, each \DDD */

enum dns_item {
    DNS_QUESTION, /* name of a question */
    DNS_OWNER,    /* name that a record is about */
    DNS_IPV4,     /* A, and IPv4 hints */
    DNS_IPV6,     /* AAAA, and IPv6 hints */
    DNS_CNAME,
    DNS_DNAME,
    DNS_NS,
    DNS_PTR,
    DNS_MX,
    DNS_SRV,
    DNS_SOA,    /* the primary server's name */
    DNS_SVCB,   /* target of SVCB and HTTPS */
    DNS_TEXT,   /* one string of a TXT record */
    DNS_CLIENT, /* the client's address in OPT, as far as it was given */
};

/* IPv4 and IPv6 items are 4 and 16 bytes, those of DNS_CLIENT either; others are text. */
typedef void (*dns_take)(enum dns_item item, const guint8 *bytes, gsize length, gpointer data);

/*
 * Reads a message as far as it is one. FALSE: it is none, or broken after what was given; a message
 * whose first records are good gives these.
 */
gboolean dns_message_read(const guint8 *bytes, gsize length, dns_take take, gpointer data);
