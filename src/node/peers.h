/*
 * peers.h: what each peer may ask of a node: connections at once, and tokens that come back with
 * time (a token bucket).
 *
 * A peer is an IPv4 address or an IPv6 /64, which is what one customer gets. The table is bounded:
 * when it is full, peers that owe nothing are forgotten, and if there is none, newcomers share one
 * bucket. Thread-safe.
 */
#pragma once
#include <glib.h>

struct sockaddr;

struct peer_key {
    guint8 bytes[8]; /* of IPv6 the first 64 bits; of IPv4 four zeros and the address */
    guint8 is_ip6;
};

/* IPv4 in IPv6 (::ffff:0:0/96) is IPv4. FALSE for other families. */
gboolean peer_key_of(const struct sockaddr *address, struct peer_key *key);
/* From the text of an address, as proxies forward it. */
gboolean peer_key_parse(const char *text, struct peer_key *key);
gboolean peer_key_is_loopback(const struct peer_key *key);

struct peers;
/*
 * `rate` tokens come back each second, up to `burst`; 0: no limit. `connections` of one peer at
 * most; 0: no limit.
 */
struct peers *peers_new(guint rate, guint burst, guint connections);
void peers_free(struct peers *peers);

/* Counts one connection more; FALSE when it would be too many. */
gboolean peers_connect(struct peers *peers, const struct peer_key *key);
void peers_disconnect(struct peers *peers, const struct peer_key *key);

/* Takes `cost` tokens; 0, or after how many seconds there will be so many. */
guint peers_take(struct peers *peers, const struct peer_key *key, guint cost, gint64 now_us);

guint peers_known(struct peers *peers);
