#include "node/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define PEERS_MAX 65536u
#define MILLI 1000u /* tokens are counted in thousandths */

struct peer {
    struct peer_key key;
    guint connections;
    guint64 level; /* thousandths of a token */
    gint64 filled_us;
};

struct peers {
    GMutex lock;
    GHashTable *table; /* struct peer, its own key */
    struct peer others;
    guint rate, burst, connections;
};

static guint hash(gconstpointer data)
{
    const struct peer_key *key = data;
    guint64 number;

    memcpy(&number, key->bytes, sizeof number);
    number = (number ^ key->is_ip6) * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15);
    return number >> 32;
}

static gboolean equal(gconstpointer a, gconstpointer b)
{
    const struct peer_key *x = a, *y = b;

    return x->is_ip6 == y->is_ip6 && memcmp(x->bytes, y->bytes, sizeof x->bytes) == 0;
}

static void key_of_ip4(const void *address, struct peer_key *key)
{
    *key = (struct peer_key){ 0 };
    memcpy(key->bytes + 4, address, 4);
}

static void key_of_ip6(const struct in6_addr *address, struct peer_key *key)
{
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        key_of_ip4(address->s6_addr + 12, key);
        return;
    }
    *key = (struct peer_key){ .is_ip6 = IN6_IS_ADDR_LOOPBACK(address) ? 2 : 1 };
    memcpy(key->bytes, address->s6_addr, sizeof key->bytes);
}

gboolean peer_key_of(const struct sockaddr *address, struct peer_key *key)
{
    if (address->sa_family == AF_INET)
        key_of_ip4(&((const struct sockaddr_in *)address)->sin_addr, key);
    else if (address->sa_family == AF_INET6)
        key_of_ip6(&((const struct sockaddr_in6 *)address)->sin6_addr, key);
    else
        return FALSE;
    return TRUE;
}

gboolean peer_key_parse(const char *text, struct peer_key *key)
{
    struct in6_addr ip6;
    struct in_addr ip4;

    if (inet_pton(AF_INET, text, &ip4) == 1)
        key_of_ip4(&ip4, key);
    else if (inet_pton(AF_INET6, text, &ip6) == 1)
        key_of_ip6(&ip6, key);
    else
        return FALSE;
    return TRUE;
}

gboolean peer_key_is_loopback(const struct peer_key *key)
{
    return key->is_ip6 ? key->is_ip6 == 2 : key->bytes[4] == IN_LOOPBACKNET;
}

struct peers *peers_new(guint rate, guint burst, guint connections)
{
    struct peers *peers = g_new0(struct peers, 1);

    g_mutex_init(&peers->lock);
    peers->table = g_hash_table_new_full(hash, equal, g_free, NULL);
    peers->rate = rate;
    peers->burst = MAX(burst, rate);
    peers->connections = connections;
    peers->others.level = (guint64)peers->burst * MILLI;
    return peers;
}

void peers_free(struct peers *peers)
{
    if (!peers)
        return;
    g_hash_table_unref(peers->table);
    g_mutex_clear(&peers->lock);
    g_free(peers);
}

static void fill(const struct peers *peers, struct peer *peer, gint64 now_us)
{
    guint64 full = (guint64)peers->burst * MILLI;
    guint64 passed_ms = now_us > peer->filled_us ? (now_us - peer->filled_us) / 1000 : 0;

    /* Tokens a second are thousandths a millisecond. */
    if (passed_ms >= full / peers->rate + 1)
        peer->level = full;
    else
        peer->level = MIN(full, peer->level + passed_ms * peers->rate);
    peer->filled_us += passed_ms * 1000;
}

static gboolean owes_nothing(gpointer key, gpointer value, gpointer data)
{
    const struct peers *peers = data;
    struct peer *peer = value;

    if (peers->rate)
        fill(peers, peer, g_get_monotonic_time());
    return !peer->connections && (!peers->rate || peer->level >= (guint64)peers->burst * MILLI);
}

/* With the lock held. */
static struct peer *find(struct peers *peers, const struct peer_key *key)
{
    struct peer *peer = g_hash_table_lookup(peers->table, key);

    if (peer)
        return peer;
    if (g_hash_table_size(peers->table) >= PEERS_MAX &&
        !g_hash_table_foreach_remove(peers->table, owes_nothing, peers))
        return &peers->others;
    peer = g_new0(struct peer, 1);
    peer->key = *key;
    peer->level = (guint64)peers->burst * MILLI;
    peer->filled_us = g_get_monotonic_time();
    g_hash_table_insert(peers->table, peer, peer);
    return peer;
}

gboolean peers_connect(struct peers *peers, const struct peer_key *key)
{
    struct peer *peer;
    gboolean may;

    g_mutex_lock(&peers->lock);
    peer = find(peers, key);
    may = !peers->connections || peer->connections < peers->connections;
    if (may)
        peer->connections++;
    g_mutex_unlock(&peers->lock);
    return may;
}

void peers_disconnect(struct peers *peers, const struct peer_key *key)
{
    struct peer *peer;

    g_mutex_lock(&peers->lock);
    peer = g_hash_table_lookup(peers->table, key);
    if (!peer)
        peer = &peers->others;
    if (peer->connections)
        peer->connections--;
    g_mutex_unlock(&peers->lock);
}

guint peers_take(struct peers *peers, const struct peer_key *key, guint cost, gint64 now_us)
{
    guint64 wanted = (guint64)MIN(cost, peers->burst) * MILLI;
    struct peer *peer;
    guint wait_s = 0;

    if (!peers->rate || !cost)
        return 0;
    g_mutex_lock(&peers->lock);
    peer = find(peers, key);
    fill(peers, peer, now_us);
    if (peer->level >= wanted)
        peer->level -= wanted;
    else
        wait_s = (wanted - peer->level) / ((guint64)peers->rate * MILLI) + 1;
    g_mutex_unlock(&peers->lock);
    return wait_s;
}

guint peers_known(struct peers *peers)
{
    guint known;

    g_mutex_lock(&peers->lock);
    known = g_hash_table_size(peers->table);
    g_mutex_unlock(&peers->lock);
    return known;
}
