/*
 * capture_streams.h: what TCP conversations, UDP datagrams and QUIC say: between capture_values.c,
 * which keeps values apart, and the parsers.
 *
 * What a stream is shows its content, on any port: a TLS record or a request that begins where a
 * segment begins, also after STARTTLS or in a tunnel. DNS is what goes over its ports: 53, 5353
 * (multicast, RFC 6762) and 5355 (LLMNR, RFC 4795).
 */
#pragma once
#include "p1_resilience/hunt/capture_values.h"

struct streams_calls {
    void (*value)(const struct capture_value *value, gpointer data);
    void (*gap)(guint gap, gpointer data); /* once more */
    gpointer data;
};

struct streams;
struct streams *streams_new(const struct quic_library *quic, const struct streams_calls *calls);
void streams_free(struct streams *streams);

void streams_add(struct streams *streams, const struct packet_transport *transport,
                 const struct flow_moment *moment);
void streams_finish(struct streams *streams);
guint64 streams_missing(const struct streams *streams);
