#include "p2_internet/routes/bgp_private.h"

#include <string.h>

static void make_room(struct bgp_path *path, guint asns, guint segments)
{
    if (path->asn_count + asns > path->asn_room) {
        path->asn_room = MAX(2 * path->asn_room, path->asn_count + asns + 16);
        path->asns = g_renew(guint32, path->asns, path->asn_room);
    }
    if (path->segment_count + segments > path->segment_room) {
        path->segment_room = MAX(2 * path->segment_room, path->segment_count + segments + 4);
        path->segments = g_renew(struct bgp_segment, path->segments, path->segment_room);
    }
}

void bgp_path_clear(struct bgp_path *path)
{
    g_free(path->asns);
    g_free(path->segments);
    *path = (struct bgp_path){ 0 };
}

gboolean bgp_path_parse(struct bgp_path *path, const guint8 *bytes, gsize length, guint width)
{
    const guint8 *at = bytes, *end = bytes + length;

    path->asn_count = path->segment_count = 0;
    while (at < end) {
        guint type, count;

        if (end - at < 2)
            return FALSE;
        type = at[0];
        count = at[1];
        at += 2;
        if (type < BGP_AS_SET || type > BGP_CONFED_SET || !count ||
            (gsize)(end - at) < (gsize)count * width)
            return FALSE;
        make_room(path, count, 1);
        for (guint i = 0; i < count; i++, at += width)
            path->asns[path->asn_count++] = width == 4 ? bgp_u32(at) : bgp_u16(at);
        path->segments[path->segment_count++] =
            (struct bgp_segment){ (guint8)type, (guint16)count };
    }
    return TRUE;
}

/* What a segment counts in the choice of routes; one of `count` ASNs. */
static guint counts_as(guint type, guint count)
{
    return type == BGP_AS_SEQUENCE ? count : type == BGP_AS_SET ? 1 : 0;
}

guint bgp_path_length(const struct bgp_path *path)
{
    guint length = 0;

    for (guint i = 0; i < path->segment_count; i++)
        length += counts_as(path->segments[i].type, path->segments[i].count);
    return length;
}

/* Keeps the first segments up to `length`; a sequence is cut, sets and confederations are not. */
static void keep_leading(struct bgp_path *path, guint length)
{
    guint asns = 0, i;

    for (i = 0; i < path->segment_count && length; i++) {
        struct bgp_segment *segment = &path->segments[i];
        guint own = counts_as(segment->type, segment->count);

        if (own > length)
            segment->count = (guint16)length;
        asns += segment->count;
        length -= MIN(own, length);
    }
    path->segment_count = i;
    path->asn_count = asns;
}

static void append_segment(struct bgp_path *path, struct bgp_segment segment, const guint32 *asns)
{
    struct bgp_segment *last =
        path->segment_count ? &path->segments[path->segment_count - 1] : NULL;

    make_room(path, segment.count, 1);
    memcpy(path->asns + path->asn_count, asns, segment.count * sizeof *asns);
    path->asn_count += segment.count;
    last = path->segment_count ? &path->segments[path->segment_count - 1] : NULL;
    if (last && last->type == BGP_AS_SEQUENCE && segment.type == BGP_AS_SEQUENCE)
        last->count += segment.count;
    else
        path->segments[path->segment_count++] = segment;
}

void bgp_path_merge(struct bgp_path *path, const struct bgp_path *as4_path)
{
    guint own = bgp_path_length(path), other = bgp_path_length(as4_path);
    const guint32 *asns = as4_path->asns;

    if (own < other)
        return;
    keep_leading(path, own - other);
    for (guint i = 0; i < as4_path->segment_count; i++) {
        struct bgp_segment segment = as4_path->segments[i];

        if (segment.type == BGP_AS_SEQUENCE || segment.type == BGP_AS_SET)
            append_segment(path, segment, asns);
        asns += segment.count;
    }
}

static gboolean is_confederation(const struct bgp_segment *segment)
{
    return segment->type == BGP_CONFED_SEQUENCE || segment->type == BGP_CONFED_SET;
}

gboolean bgp_path_origin(const struct bgp_path *path, guint32 *asn)
{
    if (!path->segment_count || path->segments[path->segment_count - 1].type != BGP_AS_SEQUENCE)
        return FALSE;
    *asn = path->asns[path->asn_count - 1];
    return TRUE;
}

gboolean bgp_path_neighbour(const struct bgp_path *path, guint32 *asn)
{
    const guint32 *at = path->asns;
    guint i = 0;

    while (i < path->segment_count && is_confederation(&path->segments[i]))
        at += path->segments[i++].count;
    if (i == path->segment_count || path->segments[i].type != BGP_AS_SEQUENCE)
        return FALSE;
    *asn = *at;
    return TRUE;
}

gboolean bgp_path_has_member(const struct bgp_path *path, guint32 asn)
{
    const guint32 *at = path->asns;

    for (guint i = 0; i < path->segment_count; i++)
        for (guint j = 0; j < path->segments[i].count; j++)
            if (*at++ == asn && is_confederation(&path->segments[i]))
                return TRUE;
    return FALSE;
}

void bgp_path_append_text(const struct bgp_path *path, GString *out)
{
    static const char *const opening[] = { "", "{", "", "(", "[" };
    static const char *const closing[] = { "", "}", "", ")", "]" };
    const guint32 *asn = path->asns;

    for (guint i = 0; i < path->segment_count; i++) {
        const struct bgp_segment *segment = &path->segments[i];
        gboolean is_set = segment->type == BGP_AS_SET || segment->type == BGP_CONFED_SET;

        if (i)
            g_string_append_c(out, ' ');
        g_string_append(out, opening[segment->type]);
        for (guint k = 0; k < segment->count; k++) {
            if (k)
                g_string_append_c(out, is_set ? ',' : ' ');
            g_string_append_printf(out, "%u", *asn++);
        }
        g_string_append(out, closing[segment->type]);
    }
}
