/*
 * line.c: lines as bgpdump 1.6.2 writes them: from records, not from elements, since what is
 * malformed has text of its own there.
 *
 * A line of a table is four pieces that are ready when it comes: what begins the record's lines,
 * the peer's columns, the prefix, and the tail, which the memo has for attributes that came before.
 */
#include "p2_internet/routes/line_private.h"
#include "p2_internet/routes/mrt_private.h"

#define MEMO_BITS 16
#define TAIL_MAX (LINE_PATH + 2 * LINE_COMMUNITIES + 256)

static void free_tail(gpointer tail)
{
    g_free(((struct line_tail *)tail)->text);
}

struct line_writer *line_writer_new(const struct line_options *options,
                                    const struct route_filter *filter)
{
    struct line_writer *writer = g_new0(struct line_writer, 1);

    writer->options = *options;
    writer->filter = filter && !route_filter_is_empty(filter) ? filter : NULL;
    if (options->by_rfc) {
        writer->reader = mrt_reader_new(filter);
        writer->path = g_string_new(NULL);
    } else {
        writer->memo = blob_memo_new(MEMO_BITS, sizeof(struct line_tail), free_tail);
    }
    return writer;
}

void line_writer_free(struct line_writer *writer)
{
    if (!writer)
        return;
    blob_memo_free(writer->memo);
    mrt_reader_free(writer->reader);
    line_attributes_clear(&writer->attributes);
    mrt_peers_unref(writer->peers);
    text_clear(&writer->scratch);
    g_free(writer->peer_texts);
    if (writer->path)
        g_string_free(writer->path, TRUE);
    g_free(writer);
}

const struct mrt_counts *line_counts(const struct line_writer *writer)
{
    return writer->reader ? mrt_reader_counts(writer->reader) : &writer->counts;
}

/* ---- pieces */

const char *line_type(const struct mrt_record *record)
{
    /* As bgpdump has them: of the local ones with path identifiers, it does not say "LOCAL". */
    static const char *const messages[2][2][2] = {
        { { "BGP4MP", "BGP4MP_AP" }, { "BGP4MP_LOCAL", "BGP4MP_LOCAL_AP" } },
        { { "BGP4MP_ET", "BGP4MP_ET_AP" }, { "BGP4MP_ET_LOCAL", "BGP4MP_ET_LOCAL_AP" } },
    };
    gboolean is_local =
        record->subtype == MRT_MESSAGE_LOCAL || record->subtype == MRT_MESSAGE_AS4_LOCAL;

    if (record->type == MRT_BGP)
        return "BGP";
    if (record->type == MRT_TABLE_DUMP)
        return "TABLE_DUMP";
    if (record->type == MRT_TABLE_DUMP_V2)
        return record->subtype >= MRT_RIB_IPV4_UNICAST_ADDPATH ? "TABLE_DUMP2_AP" : "TABLE_DUMP2";
    return messages[record->type == MRT_BGP4MP_ET][is_local]
                   [record->subtype >= MRT_MESSAGE_ADDPATH];
}

char *line_put_head(char *to, const struct mrt_record *record, const char *type, guint32 seconds,
                    const char *flag)
{
    to = text_put(to, type);
    *to++ = '|';
    to = text_put_u32(to, seconds);
    if (record->type == MRT_BGP4MP_ET) {
        *to++ = '.';
        for (guint32 limit = 100000; limit > 1 && record->microseconds < limit; limit /= 10)
            *to++ = '0';
        to = text_put_u32(to, record->microseconds);
    }
    *to++ = '|';
    to = text_put(to, flag);
    *to++ = '|';
    return to;
}

char *line_put_peer(char *to, gboolean is_ipv6, const guint8 *address, guint32 as)
{
    to = is_ipv6 ? text_put_ipv6(to, address) : text_put_ipv4(to, address);
    *to++ = '|';
    to = text_put_u32(to, as);
    *to++ = '|';
    return to;
}

char *line_put_prefix(char *to, gboolean is_ipv6, const guint8 *address, guint length)
{
    to = is_ipv6 ? text_put_ipv6(to, address) : text_put_ipv4(to, address);
    *to++ = '/';
    return text_put_u32(to, length);
}

/* ---- what stands behind the prefix */

static char *put_by_length(char *to, const struct line_reach *reach)
{
    if (reach->next_hop_length == 4)
        return text_put_ipv4(to, reach->next_hop);
    if (reach->next_hop_length == 16 || reach->next_hop_length == 32)
        return text_put_ipv6(to, reach->next_hop);
    return to; /* bgpdump shows what its memory holds */
}

static char *put_next_hop(char *to, const struct line_attributes *attributes, enum line_form form,
                          const struct line_reach *reach)
{
    const struct line_reach *ipv6 = &attributes->reach[2][BGP_UNICAST],
                            *ipv4 = &attributes->reach[1][BGP_UNICAST];

    if (reach)
        return put_by_length(to, reach);
    if (form == LINE_TABLE && ipv6->is_there)
        return text_put_ipv6(to, ipv6->next_hop);
    if (form == LINE_TABLE_V2 && (ipv6->is_there || ipv4->is_there))
        return put_by_length(to, ipv6->is_there ? ipv6 : ipv4);
    return text_put_ipv4(to, attributes->next_hop);
}

/* Of multiprotocol IPv4 routes bgpdump shows numbers with their sign. */
static char *put_preference(char *to, guint32 number, enum line_form form)
{
    if (form == LINE_MP_IPV4 && number > G_MAXINT32) {
        *to++ = '-';
        number = -number;
    }
    return text_put_u32(to, number);
}

static char *put_origin(char *to, int origin)
{
    return text_put(to, origin == 0 ? "IGP" : origin == 1 ? "EGP" : "INCOMPLETE");
}

/* Path, origin, next hop, local preference, MED. */
static char *put_route(char *to, const struct line_attributes *attributes, enum line_form form,
                       const struct line_reach *reach)
{
    gboolean has_next_hop = !reach || reach->next_hop_length == 4 || reach->next_hop_length == 16 ||
                            reach->next_hop_length == 32;

    if (form == LINE_MP_IPV6 && !has_next_hop) /* all five columns are missing */
        return to;
    to = line_put_path(to, attributes);
    *to++ = '|';
    to = put_origin(to, attributes->origin);
    *to++ = '|';
    if (!has_next_hop) /* three are */
        return to;
    to = put_next_hop(to, attributes, form, reach);
    *to++ = '|';
    to = put_preference(to, attributes->local_pref, form);
    *to++ = '|';
    to = put_preference(to, attributes->med, form);
    if (form != LINE_LEGACY)
        *to++ = '|';
    return to;
}

void line_tail(struct line_writer *writer, const struct line_attributes *attributes,
               enum line_form form, const struct line_reach *reach)
{
    char *to;

    writer->scratch.length = 0;
    to = put_route(text_reserve(&writer->scratch, TAIL_MAX), attributes, form, reach);
    /* Of legacy records no bar stands between MED and communities; without them, it does. */
    if (LINE_HAS(attributes, BGP_COMMUNITIES))
        to = line_put_communities(to, attributes->communities);
    *to++ = '|';
    if (writer->options.large && form != LINE_LEGACY) {
        if (LINE_HAS(attributes, BGP_LARGE_COMMUNITIES))
            to = line_put_large_communities(to, attributes->large_communities);
        *to++ = '|';
    }
    to = text_put(to, LINE_HAS(attributes, BGP_ATOMIC_AGGREGATE) ? "AG|" : "NAG|");
    if (memcmp(attributes->aggregator, "\xff\xff\xff\xff", 4) != 0) {
        to = text_put_u32(to, attributes->aggregator_as);
        *to++ = ' ';
        to = text_put_ipv4(to, attributes->aggregator);
    }
    to = text_put(to, "|\n");
    writer->scratch.length = (gsize)(to - writer->scratch.bytes);
}

/* Of a table's entry, from the memo. */
static const struct line_tail *tail_of(struct line_writer *writer, struct line_cursor blob,
                                       guint as_width, enum line_form form, const guint8 **key)
{
    gboolean is_new;
    struct line_tail *tail = blob_memo_get(writer->memo, blob.at, (gsize)(blob.end - blob.at),
                                           (guint32)form << 4 | as_width, key, &is_new);

    if (!is_new)
        return tail;
    line_attributes_read(*key, (gsize)(blob.end - blob.at), as_width, &writer->attributes);
    line_tail(writer, &writer->attributes, form, NULL);
    line_attributes_clear(&writer->attributes);
    if (tail->room < writer->scratch.length) {
        g_free(tail->text);
        tail->room = (guint32)(writer->scratch.length + 63) & ~63u;
        tail->text = g_malloc(tail->room);
    }
    memcpy(tail->text, writer->scratch.bytes, writer->scratch.length);
    tail->length = (guint32)writer->scratch.length;
    tail->serial++;
    return tail;
}

/* ---- tables */

gboolean line_passes(const struct line_writer *writer, guint8 family, const guint8 *address,
                     guint length)
{
    struct ip_prefix prefix;

    return !writer->filter || (ip_prefix_from_bytes(family, length, address, &prefix, NULL) &&
                               route_filter_takes(writer->filter, &prefix));
}

static const char *table(struct line_writer *writer, const struct mrt_record *record,
                         struct text_out *out)
{
    struct line_cursor cursor = { record->body, record->body + record->length };
    gboolean is_ipv6 = record->subtype % 2 == 0, shows_ipv6 = record->subtype == 2;
    guint as_width = record->subtype > 2 ? 4 : 2, length;
    guint8 address[16], peer[16];
    const struct line_tail *tail;
    const guint8 *key;
    guint32 originated, as;
    gsize size;
    char *to;

    if (record->subtype < 1 || record->subtype > 4) {
        writer->counts.skipped++;
        return NULL;
    }
    line_u32(&cursor); /* view and sequence number */
    line_take(&cursor, address, is_ipv6 ? 16 : 4);
    length = line_u8(&cursor);
    line_u8(&cursor);
    originated = line_u32(&cursor);
    line_take(&cursor, peer, is_ipv6 ? 16 : 4);
    as = as_width == 4 ? line_u32(&cursor) : line_u16(&cursor);
    if (!line_passes(writer, is_ipv6 ? 6 : 4, address, length))
        return NULL;
    size = line_u16(&cursor);
    tail = tail_of(writer, line_part(&cursor, size), as_width, LINE_TABLE, &key);
    to = text_reserve(out, LINE_HEAD + LINE_PEER + TEXT_IPV6 + 5 + tail->length);
    to = line_put_head(to, record, "TABLE_DUMP",
                       writer->options.originated ? originated : record->seconds, "B");
    to = line_put_peer(to, shows_ipv6, peer, as);
    to = line_put_prefix(to, shows_ipv6, address, length);
    *to++ = '|';
    memcpy(to, tail->text, tail->length);
    out->length = (gsize)(to + tail->length - out->bytes);
    writer->counts.elements++;
    return NULL;
}

static void prepare_peers(struct line_writer *writer, struct mrt_peers *peers)
{
    if (writer->peers == peers)
        return;
    mrt_peers_unref(writer->peers);
    g_free(writer->peer_texts);
    writer->peers = mrt_peers_ref(peers);
    writer->peer_texts = g_new0(struct line_peer, peers ? peers->count : 0);
    for (guint i = 0; peers && i < peers->count; i++) {
        const struct route_peer *peer = &peers->peers[i];
        struct line_peer *text = &writer->peer_texts[i];

        text->length =
            (guint8)(line_put_peer(text->text, peer->family == 6, peer->address, peer->as) -
                     text->text);
    }
}

/* The same for an entry of a peer, whose last one is looked at first. */
static const struct line_tail *tail_of_peer(struct line_writer *writer, struct line_peer *peer,
                                            struct line_cursor blob)
{
    gsize length = (gsize)(blob.end - blob.at);
    const struct line_tail *tail;

    if (peer->tail && peer->key_length == length && peer->tail->serial == peer->serial &&
        memcmp(peer->key, blob.at, length) == 0)
        return peer->tail;
    tail = tail_of(writer, blob, 4, LINE_TABLE_V2, &peer->key);
    peer->tail = peer->key == blob.at ? NULL : tail; /* the memo does not keep all */
    peer->serial = tail->serial;
    peer->key_length = (guint32)length;
    return tail;
}

/* One entry's fields. */
struct entry {
    guint index;
    guint32 originated, path_id;
    struct line_cursor blob;
    gboolean is_cut;
};

static struct entry next_entry(struct line_cursor *cursor, gboolean add_path)
{
    struct entry entry = { 0 };
    gsize size;

    if (cursor->end - cursor->at >= 12) { /* all of them are there */
        const guint8 *at = cursor->at;

        entry.index = bgp_u16(at);
        entry.originated = bgp_u32(at + 2);
        entry.path_id = add_path ? bgp_u32(at + 6) : 0;
        size = bgp_u16(at + (add_path ? 10 : 6));
        cursor->at += add_path ? 12 : 8;
    } else {
        entry.index = line_u16(cursor);
        entry.originated = line_u32(cursor);
        entry.path_id = add_path ? line_u32(cursor) : 0;
        entry.is_cut = cursor->at == cursor->end;
        size = line_u16(cursor);
    }
    entry.blob = line_part(cursor, size);
    entry.is_cut |= (gsize)(entry.blob.end - entry.blob.at) < size;
    return entry;
}

/* One line: `head` and `prefix` with its bar are those of the record. */
static void put_entry(struct text_out *out, struct text_out head, const struct line_peer *peer,
                      struct text_out prefix, const guint32 *path_id, const struct line_tail *tail)
{
    char *to =
        text_reserve(out, head.length + LINE_PEER + prefix.length + TEXT_U32 + 1 + tail->length);

    memcpy(to, head.bytes, head.length);
    to += head.length;
    memcpy(to, peer->text, LINE_PEER); /* of one size: as a few moves */
    to += peer->length;
    memcpy(to, prefix.bytes, prefix.length);
    to += prefix.length;
    if (path_id) {
        to = text_put_u32(to, *path_id);
        *to++ = '|';
    }
    memcpy(to, tail->text, tail->length);
    out->length = (gsize)(to + tail->length - out->bytes);
}

static const char *table_v2(struct line_writer *writer, const struct mrt_record *record,
                            struct mrt_peers *peers, struct text_out *out)
{
    struct line_cursor cursor = { record->body, record->body + record->length };
    char head_text[LINE_HEAD], prefix_text[TEXT_IPV6 + 6];
    struct text_out head = { .bytes = head_text }, prefix = { .bytes = prefix_text };
    const char *problem = NULL;
    guint8 address[32] = { 0 };
    struct mrt_rib_kind kind;
    guint length, count;
    char *to;

    if (!mrt_rib_kind(record->subtype, &kind) || kind.safi != BGP_UNICAST) {
        writer->counts.skipped++;
        return NULL;
    }
    line_u32(&cursor);
    length = line_u8(&cursor);
    line_take(&cursor, address, (length + 7) / 8);
    if (!line_passes(writer, kind.family, address, length))
        return NULL;
    count = line_u16(&cursor);
    if (!peers)
        return count ? "no table of peers stands before its entries" : NULL;
    prepare_peers(writer, peers);
    to = line_put_prefix(prefix_text, kind.family == 6, address, length);
    *to++ = '|';
    prefix.length = (gsize)(to - prefix_text);
    head.length =
        (gsize)(line_put_head(head_text, record, line_type(record), record->seconds, "B") -
                head_text);
    for (guint i = 0; i < count; i++) {
        struct entry entry;
        struct line_peer *peer;

        /* Where bgpdump goes on: two bytes of a count would make 65,535 lines of nothing. */
        if (cursor.at == cursor.end) {
            problem = "the record ends before its entries";
            break;
        }
        entry = next_entry(&cursor, kind.add_path);
        if (entry.is_cut)
            problem = "an entry is longer than its record";
        if (entry.index >= peers->count) { /* where bgpdump ends itself */
            writer->counts.unknown_peers++;
            problem = "the peer of an entry is not in the table of peers";
            continue;
        }
        if (writer->options.originated)
            head.length =
                (gsize)(line_put_head(head_text, record, line_type(record), entry.originated, "B") -
                        head_text);
        peer = &writer->peer_texts[entry.index];
        put_entry(out, head, peer, prefix, kind.add_path ? &entry.path_id : NULL,
                  tail_of_peer(writer, peer, entry.blob));
        writer->counts.elements++;
    }
    return problem;
}

static const char *put_record(struct line_writer *writer, const struct mrt_record *record,
                              struct mrt_peers *peers, struct text_out *out)
{
    switch (record->type) {
    case MRT_BGP:
        line_legacy(writer, record, out);
        return NULL;
    case MRT_TABLE_DUMP:
        return table(writer, record, out);
    case MRT_TABLE_DUMP_V2:
        return mrt_is_peers(record) ? NULL : table_v2(writer, record, peers, out);
    case MRT_BGP4MP:
    case MRT_BGP4MP_ET:
        return line_bgp4mp(writer, record, out);
    default:
        writer->counts.skipped++;
        return NULL;
    }
}

const char *line_record(struct line_writer *writer, const struct mrt_record *record,
                        struct mrt_peers *peers, struct text_out *out)
{
    const char *problem;

    if (writer->options.by_rfc)
        return line_record_by_rfc(writer, record, peers, out);
    writer->counts.records++;
    problem = put_record(writer, record, peers, out);
    writer->counts.malformed += problem != NULL;
    return problem;
}
