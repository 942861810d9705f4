/*
 * flow.h: the bytes of TCP conversations in their order, one direction at a time (RFC 9293).
 *
 * A direction begins with its SYN, or with whatever of it is seen first. Segments that come early
 * wait: so many in each direction, so many bytes in all, in so many directions; beyond that, or at
 * the end, what is missing is passed over, which the receiver is told. Where segments overlap, the
 * bytes that came first stay.
 */
#pragma once
#include "p1_resilience/hunt/packet.h"

#define FLOW_DIRECTIONS_MAX 32768
#define FLOW_EARLY_SEGMENTS_MAX 256          /* of one direction */
#define FLOW_EARLY_BYTES_MAX (1u << 20)      /* of one direction */
#define FLOW_EARLY_BYTES_ALL_MAX (64u << 20) /* of all */

/* Where in the capture something was seen. */
struct flow_moment {
    guint64 packet;
    gint64 time_ns;
};

struct flow_calls {
    /*
     * The next bytes of a direction: all of one segment, or what is new of it. `is_start`: nothing
     * before them is known. `*state` is the receiver's, NULL at first.
     */
    void (*bytes)(const struct packet_flow *flow, const struct flow_moment *moment,
                  const guint8 *bytes, gsize length, gboolean is_start, gpointer *state,
                  gpointer data);
    /* The direction has ended; `state` is not NULL. */
    void (*end)(const struct packet_flow *flow, const struct flow_moment *moment, gpointer state,
                gpointer data);
    gpointer data;
};

struct flows;
struct flows *flows_new(const struct flow_calls *calls);
/* Nobody is called any more: flows_finish() before. */
void flows_free(struct flows *flows);
typedef struct flows flows_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(flows_t, flows_free)

void flows_add(struct flows *flows, const struct packet_transport *segment,
               const struct flow_moment *moment);

/* The end: what waits is given, and every direction ends. */
void flows_finish(struct flows *flows);

/* How often bytes were missing and passed over. */
guint64 flows_missing(const struct flows *flows);
