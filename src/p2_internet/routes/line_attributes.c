#include "p2_internet/routes/line_attributes.h"

#include "p2_internet/routes/bgp_private.h"

#define PATH_FULL 7900        /* bytes after which bgpdump ends a path with "..." */
#define COMMUNITIES_FULL 8191 /* its buffer, BUFSIZ, less the NUL */
#define EXTENDED_LENGTH 0x10

void line_take(struct line_cursor *cursor, guint8 *to, gsize size)
{
    gsize there = MIN(size, (gsize)(cursor->end - cursor->at));

    memcpy(to, cursor->at, there);
    memset(to + there, 0, size - there);
    cursor->at += there;
}

guint8 line_u8(struct line_cursor *cursor)
{
    return cursor->at < cursor->end ? *cursor->at++ : 0;
}

guint16 line_u16(struct line_cursor *cursor)
{
    guint8 bytes[2];

    line_take(cursor, bytes, sizeof bytes);
    return bgp_u16(bytes);
}

guint32 line_u32(struct line_cursor *cursor)
{
    guint8 bytes[4];

    line_take(cursor, bytes, sizeof bytes);
    return bgp_u32(bytes);
}

struct line_cursor line_part(struct line_cursor *cursor, gsize size)
{
    struct line_cursor part = { cursor->at, cursor->at };

    part.end += MIN(size, (gsize)(cursor->end - cursor->at));
    cursor->at = part.end;
    return part;
}

/* ---- paths */

/* The text of segments; what it counts goes to `*count`. */
static char *put_segments(char *start, struct bgp_span path, guint width, gint *count)
{
    static const char opening[] = " { ([", closing[] = " } )]";
    const guint8 *at = path.bytes, *end = path.bytes + path.length;
    guint type = BGP_AS_SEQUENCE;
    gboolean space = FALSE;
    char *to = start;

    *count = 0;
    while (at < end) {
        guint asns = end - at >= 2 ? at[1] : 0;
        gboolean is_set;

        if (end - at < 2 || at[0] < BGP_AS_SET || at[0] > BGP_CONFED_SET ||
            (gsize)(end - at - 2) < (gsize)asns * width) {
            *count = 0;
            return text_put(start, "! Error !");
        }
        if (type != BGP_AS_SEQUENCE)
            *to++ = closing[type];
        if (space)
            *to++ = ' ';
        type = at[0];
        if (type != BGP_AS_SEQUENCE)
            *to++ = opening[type];
        is_set = type == BGP_AS_SET || type == BGP_CONFED_SET;
        if (to - start > PATH_FULL) /* of segments without AS, whose text it does not bound */
            return text_put(to, "...");
        *count += is_set ? 1 : (gint)asns;
        space = FALSE;
        at += 2;
        for (guint i = 0; i < asns; i++, at += width) {
            if (space)
                *to++ = is_set ? ',' : ' ';
            space = TRUE;
            to = text_put_u32(to, width == 4 ? bgp_u32(at) : bgp_u16(at));
            if (to - start > PATH_FULL)
                return text_put(to, "...");
        }
    }
    if (type != BGP_AS_SEQUENCE)
        *to++ = closing[type];
    return to;
}

char *line_put_path(char *to, const struct line_attributes *attributes)
{
    gint count;

    if (attributes->merged)
        return put_segments(
            to, (struct bgp_span){ attributes->merged->data, attributes->merged->len }, 4, &count);
    if (!attributes->as_path.bytes)
        return to;
    return put_segments(to, attributes->as_path, attributes->as_width, &count);
}

/*
 * The leading part of the path is taken from its first segment, again and again: bgpdump never goes
 * on to the second. FALSE: it would never end.
 */
static gboolean append_leading(GByteArray *merged, struct bgp_span path, gint wanted)
{
    gint type = path.bytes[0], asns = path.bytes[1];
    gboolean is_set = type == BGP_AS_SET || type == BGP_CONFED_SET;

    for (gint count = 0; count < wanted;) {
        gint take = is_set ? asns : MIN(asns, wanted - count);
        guint8 header[2] = { (guint8)type, (guint8)take };

        if (!is_set && !asns)
            return FALSE;
        g_byte_array_append(merged, header, 2);
        for (gint i = 0; i < take; i++) {
            const guint8 *asn = path.bytes + 2 + 2 * i, wide[4] = { 0, 0, asn[0], asn[1] };

            g_byte_array_append(merged, wide, 4);
        }
        count += is_set ? 1 : take;
    }
    return TRUE;
}

static void merge_paths(struct line_attributes *attributes, struct bgp_span as4_path)
{
    g_autoptr(GByteArray) merged = NULL;
    char text[LINE_PATH];
    gint own, other;

    put_segments(text, attributes->as_path, 2, &own);
    put_segments(text, as4_path, 4, &other);
    if (own < other)
        return;
    merged = g_byte_array_new();
    if (own > other && !append_leading(merged, attributes->as_path, own - other))
        return;
    g_byte_array_append(merged, as4_path.bytes, (guint)as4_path.length);
    attributes->merged = g_steal_pointer(&merged);
}

/* ---- communities */

/* Appends what fits of " NUMBER:NUMBER"; the space that comes first is never shown. */
struct list {
    char *start, *to;
};

static void add_cut(struct list *list, const char *text, gsize length)
{
    gsize room = COMMUNITIES_FULL - (gsize)(list->to - list->start);

    length = MIN(length, room);
    memcpy(list->to, text, length);
    list->to += length;
}

static void add_whole(struct list *list, const char *text)
{
    if (strlen(text) <= COMMUNITIES_FULL - (gsize)(list->to - list->start))
        list->to = text_put(list->to, text);
}

/* Takes away the first space. */
static char *end_list(struct list *list)
{
    gsize length = (gsize)(list->to - list->start);

    if (!length)
        return list->to;
    memmove(list->start, list->start + 1, length - 1);
    return list->to - 1;
}

char *line_put_communities(char *to, struct bgp_span communities)
{
    struct list list = { to, to };

    for (gsize i = 0; i + 4 <= communities.length; i += 4) {
        guint32 community = bgp_u32(communities.bytes + i);
        char text[2 * TEXT_U32 + 2], *end;

        if (community >= 0xffffff01 && community <= 0xffffff03) {
            static const char *const names[] = { " no-export", " no-advertise", " local-AS" };

            add_whole(&list, names[community - 0xffffff01]);
            continue;
        }
        text[0] = ' ';
        end = text_put_u32(text + 1, community >> 16);
        *end++ = ':';
        end = text_put_u32(end, community & 0xffff);
        add_cut(&list, text, (gsize)(end - text));
    }
    return end_list(&list);
}

char *line_put_large_communities(char *to, struct bgp_span communities)
{
    struct list list = { to, to };

    for (gsize i = 0; i + 12 <= communities.length; i += 12) {
        char text[3 * TEXT_U32 + 3], *end = text;

        for (guint part = 0; part < 3; part++) {
            *end++ = part ? ':' : ' ';
            end = text_put_u32(end, bgp_u32(communities.bytes + i + 4 * part));
        }
        add_cut(&list, text, (gsize)(end - text));
    }
    return end_list(&list);
}

/* ---- attributes */

/* A next hop of another length than 4, 16 or 32 is not passed over: what follows is read from it.
 */
static void read_next_hop(struct line_cursor *cursor, struct line_reach *reach)
{
    guint8 link_local[16];

    *reach = (struct line_reach){ .is_there = TRUE, .next_hop_length = line_u8(cursor) };
    if (reach->next_hop_length == 4) {
        line_take(cursor, reach->next_hop, 4);
    } else if (reach->next_hop_length == 16 || reach->next_hop_length == 32) {
        line_take(cursor, reach->next_hop, 16);
        if (reach->next_hop_length == 32)
            line_take(cursor, link_local, 16);
    }
    reach->prefixes = (struct line_cursor){ cursor->end, cursor->end };
}

/*
 * `after` is the byte behind an attribute without bytes, which is looked at all the same. Any value
 * but 0 is the short form of tables, also in updates.
 */
static void read_reach(struct line_attributes *out, struct line_cursor cursor, guint8 after)
{
    struct line_reach *reach;
    guint afi, safi, snpas;

    if ((cursor.at < cursor.end ? *cursor.at : after) != 0) {
        if (!out->reach[2][BGP_UNICAST].is_there)
            read_next_hop(&cursor, &out->reach[2][BGP_UNICAST]);
        return;
    }
    afi = line_u16(&cursor);
    safi = line_u8(&cursor);
    if (afi >= LINE_AFIS || safi >= LINE_SAFIS || out->reach[afi][safi].is_there)
        return;
    reach = &out->reach[afi][safi];
    read_next_hop(&cursor, reach);
    for (snpas = line_u8(&cursor); snpas; snpas--)
        line_part(&cursor, line_u8(&cursor));
    reach->prefixes = cursor;
}

static void read_unreach(struct line_attributes *out, struct line_cursor cursor)
{
    guint afi = line_u16(&cursor), safi = line_u8(&cursor);

    if (afi >= LINE_AFIS || safi >= LINE_SAFIS || out->unreach[afi][safi].is_there)
        return;
    out->unreach[afi][safi] = (struct line_reach){ .is_there = TRUE, .prefixes = cursor };
}

static guint32 read_as(struct line_cursor *cursor, guint width)
{
    return width == 4 ? line_u32(cursor) : line_u16(cursor);
}

struct late {
    struct bgp_span as4_path;
    guint32 aggregator_as;
    guint8 aggregator[4];
};

static void read_one(struct line_attributes *out, guint code, struct line_cursor cursor,
                     guint8 after, struct late *late)
{
    struct bgp_span whole = { cursor.at, (gsize)(cursor.end - cursor.at) };

    switch (code) {
    case BGP_ORIGIN:
        out->origin = line_u8(&cursor);
        break;
    case BGP_AS_PATH:
        out->as_path = whole;
        break;
    case BGP_NEXT_HOP:
        line_take(&cursor, out->next_hop, 4);
        break;
    case BGP_MED:
        out->med = line_u32(&cursor);
        break;
    case BGP_LOCAL_PREF:
        out->local_pref = line_u32(&cursor);
        break;
    case BGP_AGGREGATOR:
        out->aggregator_as = read_as(&cursor, out->as_width);
        line_take(&cursor, out->aggregator, 4);
        break;
    case BGP_COMMUNITIES:
        out->communities = whole;
        break;
    case BGP_LARGE_COMMUNITIES:
        out->large_communities = whole;
        break;
    case BGP_MP_REACH:
        read_reach(out, cursor, after);
        break;
    case BGP_MP_UNREACH:
        read_unreach(out, cursor);
        break;
    case BGP_AS4_PATH:
        late->as4_path = whole;
        break;
    case BGP_AS4_AGGREGATOR:
        late->aggregator_as = line_u32(&cursor);
        line_take(&cursor, late->aggregator, 4);
        break;
    default:
        break;
    }
}

/* Only of paths in two-byte numbers. */
static void take_over_as4(struct line_attributes *out, const struct late *late)
{
    if (LINE_HAS(out, BGP_AGGREGATOR) && LINE_HAS(out, BGP_AS4_AGGREGATOR)) {
        if (out->aggregator_as != BGP_AS_TRANS)
            return;
        out->aggregator_as = late->aggregator_as;
        memcpy(out->aggregator, late->aggregator, 4);
    }
    if (late->as4_path.bytes && out->as_path.bytes)
        merge_paths(out, late->as4_path);
}

static gboolean may_repeat(guint code)
{
    return code == BGP_MP_REACH || code == BGP_MP_UNREACH || code == BGP_AGGREGATOR;
}

void line_attributes_read(const guint8 *bytes, gsize length, guint as_width,
                          struct line_attributes *out)
{
    struct line_cursor cursor = { bytes, bytes + length };
    struct late late = { 0 };

    memset(out, 0, sizeof *out);
    memset(out->next_hop, 0xff, sizeof out->next_hop);
    memset(out->aggregator, 0xff, sizeof out->aggregator);
    out->origin = -1;
    out->as_width = as_width;
    while (cursor.at < cursor.end) {
        guint flags = line_u8(&cursor), code = line_u8(&cursor);
        gsize size = flags & EXTENDED_LENGTH ? line_u16(&cursor) : line_u8(&cursor);
        struct line_cursor value = line_part(&cursor, size);
        guint32 bit = code && code <= 32 ? (guint32)1 << (code - 1) : 0;

        if ((gsize)(value.end - value.at) != size)
            break;
        if (out->flags & bit && !may_repeat(code))
            continue;
        out->flags |= bit;
        read_one(out, code, value, cursor.at < cursor.end ? *cursor.at : 0, &late);
    }
    if (as_width == 2)
        take_over_as4(out, &late);
}

void line_attributes_clear(struct line_attributes *attributes)
{
    g_clear_pointer(&attributes->merged, g_byte_array_unref);
}
