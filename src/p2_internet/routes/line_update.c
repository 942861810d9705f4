/*
 * line_update.c: lines of messages and changes of state, as bgpdump 1.6.2 writes them (line.c).
 */
#include "p2_internet/routes/line_private.h"

#define PREFIXES_MAX 8192 /* of one list: Debian's bgpdump has no room for more */

/* What begins a line, for the lists of one record. */
struct lines {
    struct line_writer *writer;
    struct text_out *out;
    const struct mrt_record *record;
    char announce[LINE_HEAD], withdraw[LINE_HEAD], peer[LINE_PEER], odd_peer[LINE_PEER];
    gsize announce_length, withdraw_length, peer_length;
    gsize odd_peer_length; /* of withdrawn IPv6 prefixes, where bgpdump errs; else 0 */
    const guint8
        *instead; /* of withdrawn legacy prefixes bgpdump shows the peer's address; or NULL */
    gboolean add_path;
};

static void begin_lines(struct lines *lines, gboolean is_ipv6, const guint8 *peer, guint32 as)
{
    const struct mrt_record *record = lines->record;
    const char *type = line_type(record);

    lines->announce_length =
        (gsize)(line_put_head(lines->announce, record, type, record->seconds, "A") -
                lines->announce);
    lines->withdraw_length =
        (gsize)(line_put_head(lines->withdraw, record, type, record->seconds, "W") -
                lines->withdraw);
    lines->peer_length = (gsize)(line_put_peer(lines->peer, is_ipv6, peer, as) - lines->peer);
}

/*
 * A prefix as it lands in bgpdump's memory: the address, then the length, then the identifier; what
 * is longer than an address overwrites them.
 */
struct stored {
    guint8 address[16], length, zero[3];
    guint32 path_id;
    guint8 beyond[8];
};

/* The next of a list. FALSE: it has ended, or is cut. */
static gboolean next_stored(struct line_cursor *list, gboolean add_path, struct stored *stored)
{
    guint length, bytes;

    if (list->at >= list->end)
        return FALSE;
    memset(stored, 0, sizeof *stored);
    if (add_path)
        stored->path_id = line_u32(list);
    length = line_u8(list);
    bytes = (length + 7) / 8;
    if ((gsize)(list->end - list->at) < bytes)
        return FALSE;
    stored->length = (guint8)length;
    line_take(list, (guint8 *)stored, bytes);
    return TRUE;
}

/* The lines of a list; of what is announced, `scratch` is the tail. */
static void put_list(struct lines *lines, struct line_cursor list, gboolean is_ipv6,
                     gboolean is_announced)
{
    struct line_writer *writer = lines->writer;
    const char *head = is_announced ? lines->announce : lines->withdraw, *peer = lines->peer;
    gsize head_length = is_announced ? lines->announce_length : lines->withdraw_length,
          peer_length = lines->peer_length, tail = is_announced ? writer->scratch.length : 0;
    struct stored stored;

    if (is_ipv6 && !is_announced && lines->odd_peer_length) {
        peer = lines->odd_peer;
        peer_length = lines->odd_peer_length;
    }
    for (guint i = 0; i < PREFIXES_MAX && next_stored(&list, lines->add_path, &stored); i++) {
        char *to;

        if (!line_passes(writer, is_ipv6 ? 6 : 4, stored.address, stored.length))
            continue;
        if (lines->instead && !is_announced)
            memcpy(stored.address, lines->instead, 4);
        to = text_reserve(lines->out,
                          head_length + peer_length + TEXT_IPV6 + 5 + TEXT_U32 + 2 + tail);
        memcpy(to, head, head_length);
        memcpy(to + head_length, peer, peer_length);
        to =
            line_put_prefix(to + head_length + peer_length, is_ipv6, stored.address, stored.length);
        if (lines->add_path) {
            *to++ = '|';
            to = text_put_u32(to, stored.path_id);
        }
        if (is_announced) {
            *to++ = '|';
            memcpy(to, writer->scratch.bytes, tail);
            to += tail;
        } else {
            *to++ = '\n';
        }
        lines->out->length = (gsize)(to - lines->out->bytes);
        writer->counts.elements++;
    }
}

/* `cursor` is the body of an UPDATE. */
static void put_update(struct lines *lines, struct line_cursor cursor, guint as_width)
{
    struct line_writer *writer = lines->writer;
    struct line_attributes *attributes = &writer->attributes;
    struct line_cursor withdrawn, blob;
    gboolean legacy = lines->record->type == MRT_BGP;

    withdrawn = line_part(&cursor, line_u16(&cursor));
    blob = line_part(&cursor, line_u16(&cursor));
    line_attributes_read(blob.at, (gsize)(blob.end - blob.at), as_width, attributes);
    put_list(lines, withdrawn, FALSE, FALSE);
    for (guint afi = 1; afi < LINE_AFIS && !legacy; afi++)
        for (guint safi = 1; safi < LINE_SAFIS; safi++)
            if (attributes->unreach[afi][safi].is_there)
                put_list(lines, attributes->unreach[afi][safi].prefixes, afi == 2, FALSE);
    if (cursor.at < cursor.end) {
        line_tail(writer, attributes, legacy ? LINE_LEGACY : LINE_BODY, NULL);
        put_list(lines, cursor, FALSE, TRUE);
    }
    for (guint afi = 1; afi < LINE_AFIS && !legacy; afi++) {
        for (guint safi = 1; safi < LINE_SAFIS; safi++) {
            const struct line_reach *reach = &attributes->reach[afi][safi];

            if (!reach->is_there || reach->prefixes.at == reach->prefixes.end)
                continue;
            line_tail(writer, attributes, afi == 1 ? LINE_MP_IPV4 : LINE_MP_IPV6, reach);
            put_list(lines, reach->prefixes, afi == 2, TRUE);
        }
    }
    line_attributes_clear(attributes);
}

static void put_state(struct line_writer *writer, const struct mrt_record *record,
                      struct text_out *out, gboolean is_ipv6, const guint8 *peer, guint32 as,
                      struct line_cursor *cursor)
{
    guint old_state = line_u16(cursor), new_state = line_u16(cursor);
    char *to = text_reserve(out, LINE_HEAD + LINE_PEER + 2 * TEXT_U32 + 2);

    if (writer->filter)
        return;
    to = line_put_head(to, record, line_type(record), record->seconds, "STATE");
    to = line_put_peer(to, is_ipv6, peer, as);
    to = text_put_u32(to, old_state);
    *to++ = '|';
    to = text_put_u32(to, new_state);
    *to++ = '\n';
    out->length = (gsize)(to - out->bytes);
    writer->counts.elements++;
}

/* Both ends of a session, as BGP4MP records have them. */
struct ends {
    guint32 as[2];
    guint8 address[2][16];
    guint interface, afi;
};

static guint32 as_of(struct line_cursor *cursor, guint width)
{
    return width == 4 ? line_u32(cursor) : line_u16(cursor);
}

static const char *state_change(struct line_writer *writer, const struct mrt_record *record,
                                struct line_cursor *cursor, guint as_width, struct text_out *out)
{
    struct ends ends = { .afi = 1 };

    ends.as[0] = as_of(cursor, as_width);
    ends.as[1] = as_of(cursor, as_width);
    if (record->length != 8) { /* eight bytes: Zebra left out the addresses */
        gsize wanted;

        ends.interface = line_u16(cursor);
        ends.afi = line_u16(cursor);
        if (ends.afi != 1 && ends.afi != 2)
            return "its addresses are of no known family";
        wanted = ends.afi == 1 ? 20 : 44;
        if (record->length != wanted && record->length != wanted + 4)
            return "a change of state is not so long";
        for (guint i = 0; i < 2; i++)
            line_take(cursor, ends.address[i], ends.afi == 1 ? 4 : 16);
    }
    put_state(writer, record, out, ends.afi == 2, ends.address[0], ends.as[0], cursor);
    return NULL;
}

/* FALSE: of no known family. Zebra left the addresses and four bytes of the marker out of some. */
static gboolean read_ends(struct line_cursor *cursor, guint as_width, struct ends *ends,
                          guint8 *marker)
{
    gsize size;

    ends->as[0] = as_of(cursor, as_width);
    ends->as[1] = as_of(cursor, as_width);
    ends->interface = line_u16(cursor);
    ends->afi = line_u16(cursor);
    if (ends->afi == 0xffff && ends->interface == 0xffff) {
        memset(marker, 0xff, 4);
        line_take(cursor, marker + 4, 12);
        ends->afi = 1;
        return TRUE;
    }
    if (ends->afi != 1 && ends->afi != 2)
        return FALSE;
    size = ends->afi == 1 ? 4 : 16;
    line_take(cursor, ends->address[0], size);
    line_take(cursor, ends->address[1], size);
    line_take(cursor, marker, 16);
    return TRUE;
}

static const char *message(struct line_writer *writer, const struct mrt_record *record,
                           struct line_cursor *cursor, guint as_width, struct text_out *out)
{
    static const guint8 all_ones[16] = { 255, 255, 255, 255, 255, 255, 255, 255,
                                         255, 255, 255, 255, 255, 255, 255, 255 };
    struct lines lines = { .writer = writer, .out = out, .record = record };
    struct ends ends = { 0 };
    guint8 marker[16];
    guint shown, size, type;

    if (!read_ends(cursor, as_width, &ends, marker))
        return "its addresses are of no known family";
    if (memcmp(marker, all_ones, sizeof marker) != 0)
        return "its BGP message has no marker";
    size = line_u16(cursor);
    if (size >= 18)
        *cursor = line_part(cursor, size - 18);
    type = line_u8(cursor);
    if (type != BGP_UPDATE)
        return NULL;
    /* Of the local ones with path identifiers bgpdump shows the collector as the peer. */
    shown = record->subtype >= MRT_MESSAGE_LOCAL_ADDPATH;
    lines.add_path = record->subtype >= MRT_MESSAGE_ADDPATH;
    begin_lines(&lines, ends.afi == 2, ends.address[shown], ends.as[shown]);
    if (ends.afi == 1 && (record->subtype == MRT_MESSAGE_LOCAL ||
                          record->subtype == MRT_MESSAGE_AS4_LOCAL)) /* an IPv4 one as IPv6 */
        lines.odd_peer_length =
            (gsize)(line_put_peer(lines.odd_peer, TRUE, ends.address[0], ends.as[0]) -
                    lines.odd_peer);
    put_update(&lines, *cursor, as_width);
    return NULL;
}

const char *line_bgp4mp(struct line_writer *writer, const struct mrt_record *record,
                        struct text_out *out)
{
    struct line_cursor cursor = { record->body, record->body + record->length };

    switch (record->subtype) {
    case MRT_STATE_CHANGE:
        return state_change(writer, record, &cursor, 2, out);
    case MRT_STATE_CHANGE_AS4:
        return state_change(writer, record, &cursor, 4, out);
    case MRT_MESSAGE:
    case MRT_MESSAGE_LOCAL:
    case MRT_MESSAGE_ADDPATH:
    case MRT_MESSAGE_LOCAL_ADDPATH:
        return message(writer, record, &cursor, 2, out);
    case MRT_MESSAGE_AS4:
    case MRT_MESSAGE_AS4_LOCAL:
    case MRT_MESSAGE_AS4_ADDPATH:
    case MRT_MESSAGE_AS4_LOCAL_ADDPATH:
        return message(writer, record, &cursor, 4, out);
    default:
        writer->counts.skipped++;
        return NULL;
    }
}

void line_legacy(struct line_writer *writer, const struct mrt_record *record, struct text_out *out)
{
    struct line_cursor cursor = { record->body, record->body + record->length };
    struct lines lines = { .writer = writer, .out = out, .record = record };
    guint32 as = line_u16(&cursor);
    guint8 peer[16];

    line_take(&cursor, peer, 4);
    if (record->subtype == 3) {
        put_state(writer, record, out, FALSE, peer, as, &cursor);
    } else if (record->subtype == 1) {
        line_part(&cursor, 6); /* the local AS and address */
        lines.instead = peer;
        begin_lines(&lines, FALSE, peer, as);
        put_update(&lines, cursor, 2);
    } else {
        writer->counts.skipped++;
    }
}
