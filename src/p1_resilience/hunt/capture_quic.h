/*
 * capture_quic.h: the conversations of QUIC in a capture, and which of them do not open.
 *
 * So many are kept; the one heard of longest ago goes first.
 */
#pragma once
#include "p1_resilience/hunt/flow.h"
#include "p1_resilience/hunt/quic_initial.h"

#define QUIC_CONVERSATIONS_MAX 4096

/* A client's hello: the handshake message. */
typedef void (*quic_take)(const struct packet_flow *flow, const struct flow_moment *moment,
                          const guint8 *message, gsize length, gpointer data);

struct quic_table;
/* Borrows the library; NULL: nothing opens. */
struct quic_table *quic_table_new(const struct quic_library *library, quic_take take,
                                  gpointer data);
void quic_table_free(struct quic_table *table);

/* Takes a datagram for which quic_is_initial(). */
void quic_table_add(struct quic_table *table, const struct packet_transport *datagram,
                    const struct flow_moment *moment);

/* The end. Gives how many conversations had Initial packets of which none opened. */
guint64 quic_table_finish(struct quic_table *table);
