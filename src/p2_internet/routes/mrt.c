#include "p2_internet/routes/bgp_private.h"
#include "p2_internet/routes/mrt_private.h"

#include <string.h>

enum mrt_step mrt_record_at(const guint8 *bytes, gsize length, struct mrt_record *record,
                            gsize *size)
{
    gsize body;

    if (length < MRT_HEADER_SIZE)
        return MRT_MORE;
    body = bgp_u32(bytes + 8);
    *record = (struct mrt_record){
        .seconds = bgp_u32(bytes),
        .type = bgp_u16(bytes + 4),
        .subtype = bgp_u16(bytes + 6),
        .body = bytes + MRT_HEADER_SIZE,
        .length = body,
    };
    *size = MRT_HEADER_SIZE + body;
    if (body > MRT_RECORD_MAX)
        return MRT_TORN;
    if (length < *size)
        return MRT_MORE;
    if (record->type == MRT_BGP4MP_ET) {
        if (body < 4)
            return MRT_TORN;
        record->microseconds = bgp_u32(record->body);
        record->body += 4;
        record->length -= 4;
    }
    return MRT_RECORD;
}

gboolean mrt_record_meets(const struct mrt_record *record, const struct route_filter *filter)
{
    const guint8 *body = record->body;
    struct mrt_rib_kind kind;
    struct ip_prefix prefix;

    /* The sequence number, the length, the address. */
    if (record->type != MRT_TABLE_DUMP_V2 || !mrt_rib_kind(record->subtype, &kind) ||
        record->length < 5 || record->length < 5 + (body[4] + 7u) / 8)
        return TRUE;
    return !ip_prefix_from_bytes(kind.family, body[4], body + 5, &prefix, NULL) ||
           route_filter_takes(filter, &prefix);
}

/* ---- peers */

gboolean mrt_is_peers(const struct mrt_record *record)
{
    return record->type == MRT_TABLE_DUMP_V2 && record->subtype == MRT_PEER_INDEX_TABLE;
}

enum peer_flag { PEER_IPV6 = 1, PEER_AS4 = 2 };

static void read_peer(struct mrt_cursor *cursor, struct route_peer *peer)
{
    guint flags = mrt_u8(cursor);

    mrt_bytes(cursor, peer->bgp_id, 4);
    peer->family = flags & PEER_IPV6 ? 6 : 4;
    mrt_bytes(cursor, peer->address, peer->family == 6 ? 16 : 4);
    peer->as = flags & PEER_AS4 ? mrt_u32(cursor) : mrt_u16(cursor);
}

struct mrt_peers *mrt_peers_read(const struct mrt_record *record)
{
    struct mrt_cursor cursor = { record->body, record->body + record->length, FALSE };
    struct mrt_peers *peers;
    guint8 collector[4];
    guint count;

    mrt_bytes(&cursor, collector, 4);
    mrt_skip(&cursor, mrt_u16(&cursor)); /* the view's name */
    count = mrt_u16(&cursor);
    peers = g_malloc0(sizeof *peers + count * sizeof *peers->peers);
    peers->references = 1;
    peers->count = count;
    memcpy(peers->collector_id, collector, 4);
    for (guint i = 0; i < count; i++)
        read_peer(&cursor, &peers->peers[i]);
    if (cursor.is_short)
        g_clear_pointer(&peers, mrt_peers_unref);
    return peers;
}

struct mrt_peers *mrt_peers_ref(struct mrt_peers *peers)
{
    if (peers)
        g_atomic_int_inc(&peers->references);
    return peers;
}

void mrt_peers_unref(struct mrt_peers *peers)
{
    if (peers && g_atomic_int_dec_and_test(&peers->references))
        g_free(peers);
}

void mrt_counts_add(struct mrt_counts *to, const struct mrt_counts *more)
{
    to->records += more->records;
    to->skipped += more->skipped;
    to->elements += more->elements;
    to->malformed += more->malformed;
    to->discarded += more->discarded;
    to->withdrawn += more->withdrawn;
    to->broken += more->broken;
    to->masked += more->masked;
    to->unknown_peers += more->unknown_peers;
}
