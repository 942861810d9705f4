/*
 * capture_values.h: what a capture file tells: distinct names, addresses, URLs, each with the
 * packet it was first seen in.
 *
 *     capture.h ─> packet.h ─┬─> UDP: DNS, QUIC, HTTP (SSDP) ──────────────┬─> distinct values
 *                            └─> TCP: flow.h ─> DNS, TLS, HTTP (captured    │
 *                                by content, on any port) ──────────────────┘
 *
 * Runs in the worker. What could not be read is counted by its reason.
 */
#pragma once
#include "p1_resilience/hunt/capture.h"
#include "p1_resilience/hunt/flow.h"
#include "p1_resilience/hunt/quic_initial.h"

#define CAPTURE_VALUE_MAX 8192 /* bytes of a value: longer ones are cut */
#define CAPTURE_DISTINCT_MAX                                                                       \
    1000000 /* values remembered; beyond twice that, one may come twice                            \
             */

enum capture_kind {
    CAPTURE_IP,
    CAPTURE_DNS_QUESTION, /* dns-qname */
    CAPTURE_DNS_OWNER,    /* dns-rrname */
    CAPTURE_DNS_A,
    CAPTURE_DNS_AAAA,
    CAPTURE_DNS_CNAME,
    CAPTURE_DNS_DNAME,
    CAPTURE_DNS_NS,
    CAPTURE_DNS_PTR,
    CAPTURE_DNS_MX,
    CAPTURE_DNS_SRV,
    CAPTURE_DNS_SOA,
    CAPTURE_DNS_SVCB,
    CAPTURE_DNS_TXT,
    CAPTURE_DNS_CLIENT, /* dns-client: of the client subnet option */
    CAPTURE_TLS_NAME,   /* tls-sni, also of QUIC */
    CAPTURE_TLS_ALPN,
    CAPTURE_HTTP_HOST,
    CAPTURE_URL,
    CAPTURE_AGENT,
    CAPTURE_KINDS
};
const char *capture_kind_name(enum capture_kind kind); /* "dns-qname" */

struct capture_value {
    enum capture_kind kind;
    const char *text; /* any bytes; not ended by 0 */
    gsize length;
    struct flow_moment moment; /* of the packet */
    struct packet_flow flow;   /* family 0: of no TCP or UDP conversation */
};
typedef void (*capture_take)(const struct capture_value *value, gpointer data);

/* What was not, or not fully, read. */
enum capture_gap {
    /* those of enum packet_gap, and: */
    CAPTURE_GAP_PASSED_OVER = PACKET_GAPS, /* packets larger than can be, or of no interface */
    CAPTURE_GAP_TCP_MISSING,               /* places where bytes of a conversation are missing */
    CAPTURE_GAP_DNS_MALFORMED,             /* messages on DNS ports that are none, or broken */
    CAPTURE_GAP_DNS_ENCRYPTED,             /* conversations of DNS over TLS or QUIC */
    CAPTURE_GAP_QUIC_CLOSED,               /* conversations whose first packets do not open */
    CAPTURE_GAP_QUIC_VERSION,              /* packets of a version of QUIC that is not known */
    CAPTURE_GAP_TLS_MALFORMED,             /* client hellos that are broken */
    CAPTURE_GAP_TLS_HIDDEN,                /* client hellos whose real name is encrypted (ECH) */
    CAPTURE_GAP_HTTP_TWO,                  /* conversations of HTTP/2 without TLS */
    CAPTURE_GAPS
};
const char *capture_gap_name(guint gap); /* "unknown-link" */
const char *capture_gap_text(guint gap);
/* Whether something that the file holds in clear was not read: then the hunt was not complete. */
gboolean capture_gap_is_loss(guint gap);

struct capture_counts {
    guint64 packets, bytes; /* bytes of packets held */
    guint64 gaps[CAPTURE_GAPS];
    guint32 unknown_link;
};

struct capture_values;
/* Borrows the library; NULL: QUIC is counted as what does not open. */
struct capture_values *capture_values_new(const struct quic_library *quic, capture_take take,
                                          gpointer data);
void capture_values_free(struct capture_values *values);
typedef struct capture_values capture_values_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(capture_values_t, capture_values_free)

void capture_values_add(struct capture_values *values, const struct capture_packet *packet);
/* The end of the file: what waits is read, and the counts are whole. */
void capture_values_finish(struct capture_values *values);
const struct capture_counts *capture_values_counts(const struct capture_values *values);
