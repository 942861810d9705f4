/*
 * mrt_elements.c: what a record says, as elements: one function a type.
 *
 * RIB entries are taken or left by their prefix before their attributes are looked at, and
 * attributes that came before are not taken apart again.
 */
#include "p2_internet/routes/blob_memo.h"
#include "p2_internet/routes/mrt_private.h"

#define MEMO_BITS 15

struct mrt_reader {
    const struct route_filter *filter;
    struct mrt_counts counts;
    struct blob_memo *memo; /* of struct bgp_attributes, of RIB entries */
    struct bgp_update update;
};

/* One record on its way. */
struct passage {
    struct mrt_reader *reader;
    const struct mrt_record *record;
    const struct mrt_peers *peers;
    route_sink sink;
    gpointer data;
    const char *problem;
};

static void clear_attributes(gpointer attributes)
{
    bgp_attributes_clear(attributes);
}

struct mrt_reader *mrt_reader_new(const struct route_filter *filter)
{
    struct mrt_reader *reader = g_new0(struct mrt_reader, 1);

    reader->filter = filter && !route_filter_is_empty(filter) ? filter : NULL;
    reader->memo = blob_memo_new(MEMO_BITS, sizeof(struct bgp_attributes), clear_attributes);
    return reader;
}

void mrt_reader_free(struct mrt_reader *reader)
{
    if (!reader)
        return;
    blob_memo_free(reader->memo);
    bgp_attributes_clear(&reader->update.attributes);
    g_free(reader);
}

const struct mrt_counts *mrt_reader_counts(const struct mrt_reader *reader)
{
    return &reader->counts;
}

static gint64 time_of(const struct mrt_record *record)
{
    return (gint64)record->seconds * G_USEC_PER_SEC + record->microseconds;
}

static gboolean fails(struct passage *passage, const char *problem)
{
    passage->problem = problem;
    return FALSE;
}

static void count_verdict(struct mrt_counts *counts, const struct bgp_attributes *attributes)
{
    counts->discarded += attributes->verdict == BGP_DISCARDED;
    counts->withdrawn += attributes->withdrawn;
    counts->broken += attributes->verdict == BGP_BROKEN;
}

static void pass_on(struct passage *passage, const struct route_element *element)
{
    passage->reader->counts.elements++;
    passage->reader->counts.masked += (element->flags & ROUTE_MASKED) != 0;
    passage->sink(element, passage->data);
}

/* ---- entries of tables */

static const struct bgp_attributes *attributes_of(struct mrt_reader *reader, const guint8 *bytes,
                                                  gsize length, gboolean as4)
{
    const struct bgp_options options = { .as4 = as4, .mrt_rib = TRUE };
    struct bgp_attributes *attributes;
    const guint8 *kept;
    gboolean is_new;

    attributes = blob_memo_get(reader->memo, bytes, length, as4 != FALSE, &kept, &is_new);
    if (is_new)
        bgp_attributes_parse(kept, length, &options, attributes);
    count_verdict(&reader->counts, attributes);
    return attributes;
}

static void pass_entry(struct passage *passage, struct route_element *element, const guint8 *bytes,
                       gsize length, gboolean as4)
{
    element->raw = (struct bgp_span){ bytes, length };
    element->attributes = attributes_of(passage->reader, bytes, length, as4);
    if (element->attributes->withdrawn)
        element->flags |= ROUTE_TREATED;
    pass_on(passage, element);
}

/* The entries of one prefix, TABLE_DUMP_V2. */
static gboolean take_entries(struct passage *passage, struct mrt_cursor *cursor,
                             const struct route_element *like)
{
    static const struct route_peer nobody = { .family = 4 };
    guint count = mrt_u16(cursor);

    for (guint i = 0; i < count; i++) {
        struct route_element element = *like;
        guint index = mrt_u16(cursor);
        const guint8 *bytes;
        gsize length;

        element.originated_us = (gint64)mrt_u32(cursor) * G_USEC_PER_SEC;
        if (element.flags & ROUTE_HAS_PATH_ID)
            element.path_id = mrt_u32(cursor);
        length = mrt_u16(cursor);
        bytes = mrt_skip(cursor, length);
        if (cursor->is_short)
            return fails(passage, "an entry is longer than its record");
        if (passage->peers && index < passage->peers->count) {
            element.peer = &passage->peers->peers[index];
        } else {
            passage->reader->counts.unknown_peers++;
            element.flags |= ROUTE_UNKNOWN_PEER;
            element.peer = &nobody;
        }
        pass_entry(passage, &element, bytes, length, TRUE);
    }
    return cursor->is_short ? fails(passage, "the record ends before its entries") : TRUE;
}

static gboolean take_prefix(struct passage *passage, struct mrt_cursor *cursor, guint8 family,
                            guint8 safi, gboolean add_path)
{
    struct route_element element = {
        .time_us = time_of(passage->record),
        .kind = ROUTE_RIB,
        .safi = safi,
        .flags = add_path ? ROUTE_HAS_PATH_ID : 0,
    };
    guint length = mrt_u8(cursor);
    const guint8 *bytes = mrt_skip(cursor, (length + 7) / 8);
    gboolean masked = FALSE;

    if (!bytes || !ip_prefix_from_bytes(family, length, bytes, &element.prefix, &masked))
        return fails(passage, "the prefix is longer than its family or its record");
    if (passage->reader->filter && !route_filter_takes(passage->reader->filter, &element.prefix))
        return TRUE;
    if (masked)
        element.flags |= ROUTE_MASKED;
    return take_entries(passage, cursor, &element);
}

static gboolean take_table_v2(struct passage *passage)
{
    const struct mrt_record *record = passage->record;
    struct mrt_cursor cursor = { record->body, record->body + record->length, FALSE };
    struct mrt_rib_kind kind;
    guint afi, safi;

    if (mrt_rib_kind(record->subtype, &kind)) {
        mrt_u32(&cursor); /* the sequence number */
        return take_prefix(passage, &cursor, kind.family, kind.safi, kind.add_path);
    }
    if (record->subtype == MRT_RIB_GENERIC || record->subtype == MRT_RIB_GENERIC_ADDPATH) {
        mrt_u32(&cursor);
        afi = mrt_u16(&cursor);
        safi = mrt_u8(&cursor);
        if ((afi == 1 || afi == 2) && (safi == BGP_UNICAST || safi == BGP_MULTICAST))
            return take_prefix(passage, &cursor, afi == 1 ? 4 : 6, (guint8)safi,
                               record->subtype == MRT_RIB_GENERIC_ADDPATH);
    }
    passage->reader->counts.skipped++;
    return TRUE;
}

/* Subtypes 3 and 4, of four-byte AS numbers, are in no RFC; some collectors wrote them. */
static gboolean take_table(struct passage *passage)
{
    const struct mrt_record *record = passage->record;
    struct mrt_cursor cursor = { record->body, record->body + record->length, FALSE };
    gboolean as4 = record->subtype > 2;
    guint8 family = record->subtype % 2 ? 4 : 6, address[16] = { 0 };
    gsize size = family == 4 ? 4 : 16, length;
    struct route_peer peer = { .family = family };
    struct route_element element = {
        .time_us = time_of(record), .kind = ROUTE_RIB, .safi = BGP_UNICAST, .peer = &peer
    };
    gboolean masked = FALSE;
    const guint8 *bytes;
    guint bits;

    if (record->subtype < 1 || record->subtype > 4) {
        passage->reader->counts.skipped++;
        return TRUE;
    }
    mrt_skip(&cursor, 4); /* view and sequence number */
    mrt_bytes(&cursor, address, size);
    bits = mrt_u8(&cursor);
    mrt_u8(&cursor); /* the status: always 1 */
    element.originated_us = (gint64)mrt_u32(&cursor) * G_USEC_PER_SEC;
    mrt_bytes(&cursor, peer.address, size);
    peer.as = as4 ? mrt_u32(&cursor) : mrt_u16(&cursor);
    length = mrt_u16(&cursor);
    bytes = mrt_skip(&cursor, length);
    if (cursor.is_short)
        return fails(passage, "the attributes are longer than the record");
    if (!ip_prefix_from_bytes(family, bits, address, &element.prefix, &masked))
        return fails(passage, "the prefix is longer than its family");
    if (passage->reader->filter && !route_filter_takes(passage->reader->filter, &element.prefix))
        return TRUE;
    if (masked)
        element.flags |= ROUTE_MASKED;
    pass_entry(passage, &element, bytes, length, as4);
    return TRUE;
}

/* ---- messages */

static void filter_element(const struct route_element *element, gpointer data)
{
    struct passage *passage = data;

    if (!passage->reader->filter || route_filter_takes(passage->reader->filter, &element->prefix))
        pass_on(passage, element);
}

static gboolean take_update(struct passage *passage, const guint8 *body, gsize length,
                            const struct bgp_options *options, const struct route_source *source)
{
    struct bgp_update *update = &passage->reader->update;

    if (!bgp_update_parse(body, length, options, update))
        return fails(passage, update->attributes.problem);
    count_verdict(&passage->reader->counts, &update->attributes);
    route_elements_of(update, source, filter_element, passage);
    return TRUE;
}

static void pass_state(struct passage *passage, struct mrt_cursor *cursor,
                       const struct route_peer *peer)
{
    struct route_element element = {
        .time_us = time_of(passage->record),
        .originated_us = time_of(passage->record),
        .kind = ROUTE_STATE,
        .peer = peer,
        .old_state = mrt_u16(cursor),
    };

    element.new_state = mrt_u16(cursor);
    if (!cursor->is_short)
        pass_on(passage, &element);
}

struct subtype {
    gboolean is_known, is_state, as4, is_local, add_path;
};

static const struct subtype subtypes[] = {
    [MRT_STATE_CHANGE] = { TRUE, TRUE, FALSE, FALSE, FALSE },
    [MRT_MESSAGE] = { TRUE, FALSE, FALSE, FALSE, FALSE },
    [MRT_MESSAGE_AS4] = { TRUE, FALSE, TRUE, FALSE, FALSE },
    [MRT_STATE_CHANGE_AS4] = { TRUE, TRUE, TRUE, FALSE, FALSE },
    [MRT_MESSAGE_LOCAL] = { TRUE, FALSE, FALSE, TRUE, FALSE },
    [MRT_MESSAGE_AS4_LOCAL] = { TRUE, FALSE, TRUE, TRUE, FALSE },
    [MRT_MESSAGE_ADDPATH] = { TRUE, FALSE, FALSE, FALSE, TRUE },
    [MRT_MESSAGE_AS4_ADDPATH] = { TRUE, FALSE, TRUE, FALSE, TRUE },
    [MRT_MESSAGE_LOCAL_ADDPATH] = { TRUE, FALSE, FALSE, TRUE, TRUE },
    [MRT_MESSAGE_AS4_LOCAL_ADDPATH] = { TRUE, FALSE, TRUE, TRUE, TRUE },
};

static gboolean take_message(struct passage *passage, struct mrt_cursor *cursor,
                             const struct subtype *subtype, const struct route_peer *peer)
{
    const struct bgp_options options = { .as4 = subtype->as4,
                                         .add_path = subtype->add_path ? BGP_ADD_PATH_ALL : 0,
                                         .guess_as_width = TRUE };
    const struct route_source source = { peer, time_of(passage->record),
                                         subtype->is_local ? ROUTE_LOCAL : 0 };
    enum bgp_message_type type;
    struct bgp_span body;

    if (!bgp_message_split(cursor->at, (gsize)(cursor->end - cursor->at), &type, &body))
        return fails(passage, "its BGP message has no marker, or is cut");
    return type != BGP_UPDATE || take_update(passage, body.bytes, body.length, &options, &source);
}

static gboolean take_bgp4mp(struct passage *passage)
{
    const struct mrt_record *record = passage->record;
    struct mrt_cursor cursor = { record->body, record->body + record->length, FALSE };
    const struct subtype *subtype =
        record->subtype < G_N_ELEMENTS(subtypes) ? &subtypes[record->subtype] : NULL;
    struct route_peer peer = { 0 };
    guint afi;

    if (!subtype || !subtype->is_known) {
        passage->reader->counts.skipped++;
        return TRUE;
    }
    peer.as = subtype->as4 ? mrt_u32(&cursor) : mrt_u16(&cursor);
    mrt_skip(&cursor, subtype->as4 ? 4 : 2); /* the local AS */
    mrt_u16(&cursor);                        /* the interface */
    afi = mrt_u16(&cursor);
    if (afi != 1 && afi != 2)
        return fails(passage, "its addresses are of no known family");
    peer.family = afi == 1 ? 4 : 6;
    mrt_bytes(&cursor, peer.address, afi == 1 ? 4 : 16);
    mrt_skip(&cursor, afi == 1 ? 4 : 16); /* the local address */
    if (!cursor.is_short && subtype->is_state)
        pass_state(passage, &cursor, &peer);
    if (cursor.is_short)
        return fails(passage, "it is shorter than its fields");
    return subtype->is_state || take_message(passage, &cursor, subtype, &peer);
}

enum legacy { LEGACY_UPDATE = 1, LEGACY_STATE_CHANGE = 3 };

static gboolean take_legacy(struct passage *passage)
{
    const struct mrt_record *record = passage->record;
    struct mrt_cursor cursor = { record->body, record->body + record->length, FALSE };
    struct route_peer peer = { .family = 4, .as = mrt_u16(&cursor) };
    const struct route_source source = { &peer, time_of(record), 0 };

    mrt_bytes(&cursor, peer.address, 4);
    if (record->subtype == LEGACY_STATE_CHANGE) {
        pass_state(passage, &cursor, &peer);
    } else if (record->subtype == LEGACY_UPDATE) {
        mrt_skip(&cursor, 6); /* the local AS and address */
        if (!cursor.is_short)
            return take_update(passage, cursor.at, (gsize)(cursor.end - cursor.at),
                               &(struct bgp_options){ 0 }, &source);
    } else {
        passage->reader->counts.skipped++;
        return TRUE;
    }
    return cursor.is_short ? fails(passage, "it is shorter than its fields") : TRUE;
}

static gboolean take_record(struct passage *passage)
{
    switch (passage->record->type) {
    case MRT_BGP:
        return take_legacy(passage);
    case MRT_TABLE_DUMP:
        return take_table(passage);
    case MRT_TABLE_DUMP_V2:
        return take_table_v2(passage);
    case MRT_BGP4MP:
    case MRT_BGP4MP_ET:
        return take_bgp4mp(passage);
    default:
        passage->reader->counts.skipped++;
        return TRUE;
    }
}

gboolean mrt_elements(struct mrt_reader *reader, const struct mrt_record *record,
                      const struct mrt_peers *peers, route_sink sink, gpointer data,
                      const char **problem)
{
    struct passage passage = { reader, record, peers, sink, data, NULL };

    reader->counts.records++;
    if (mrt_is_peers(record) || take_record(&passage))
        return TRUE;
    reader->counts.malformed++;
    *problem = passage.problem;
    return FALSE;
}
