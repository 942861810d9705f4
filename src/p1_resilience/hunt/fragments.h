/*
 * fragments.h: IP fragments put together (RFC 791 section 3.2, RFC 8200 section 4.5).
 *
 * At most FRAGMENTS_BYTES_MAX bytes in FRAGMENTS_DATAGRAMS_MAX datagrams wait; the oldest goes
 * first, and whatever waited longer than FRAGMENTS_WAIT_NS. Where fragments overlap, the bytes that
 * came first stay.
 */
#pragma once
#include <glib.h>

#define FRAGMENTS_BYTES_MAX (16u << 20)
#define FRAGMENTS_DATAGRAMS_MAX 4096
#define FRAGMENTS_WAIT_NS ((guint64)60 * 1000000000)
#define FRAGMENTS_DATAGRAM_MAX 65535u

/* As a key, its unused bytes are zero. */
struct fragment_key {
    guint8 family, protocol; /* protocol: IPv4 only, 0 for IPv6 */
    guint8 source[16], destination[16];
    guint32 id;
};

struct fragment {
    struct fragment_key key;
    gint64 time_ns;
    guint offset; /* bytes from the first */
    gboolean is_last;
    guint8 next; /* protocol of the whole; that of the first fragment counts */
    const guint8 *bytes;
    gsize length;
};

struct fragments;
struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);

/*
 * Takes one. The whole datagram when it is complete, else NULL; owned by the caller. `next` is then
 * its protocol.
 */
GByteArray *fragments_add(struct fragments *fragments, const struct fragment *fragment,
                          guint8 *next);

/* Datagrams that were given up. */
guint64 fragments_lost(const struct fragments *fragments);
/* Gives up all that wait. */
void fragments_finish(struct fragments *fragments);
