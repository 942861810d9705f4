#include "p2_internet/routes/bgp_private.h"

#include <string.h>

#define EXTENDED_LENGTHS 255 /* RFC 9072: as length and as type */

enum bgp_nlri_step bgp_nlri_next(struct bgp_nlri *nlri, struct ip_prefix *prefix, guint32 *path_id,
                                 gboolean *masked)
{
    const guint8 *at = nlri->at;
    gsize left = (gsize)(nlri->end - at), bytes;

    *path_id = 0;
    if (!left)
        return BGP_NLRI_END;
    nlri->at = nlri->end; /* nothing follows what is malformed */
    if (nlri->add_path) {
        if (left < 5)
            return BGP_NLRI_MALFORMED;
        *path_id = bgp_u32(at);
        at += 4;
        left -= 4;
    }
    bytes = (at[0] + 7u) / 8;
    if (left < 1 + bytes || !ip_prefix_from_bytes(nlri->family, at[0], at + 1, prefix, masked))
        return BGP_NLRI_MALFORMED;
    nlri->at = at + 1 + bytes;
    return BGP_NLRI_PREFIX;
}

/*
 * RFC 7606 section 5.3. A prefix that is longer than its family makes the routes withdrawn ones;
 * where only the last is cut, those before it were announced, whatever a router would do.
 */
static void judge_prefixes(struct bgp_attributes *attributes, struct bgp_nlri nlri)
{
    const guint8 *at = nlri.at;
    enum bgp_nlri_step step;
    struct ip_prefix prefix;
    guint32 path_id;

    if (!nlri.family)
        return;
    while ((step = bgp_nlri_next(&nlri, &prefix, &path_id, NULL)) == BGP_NLRI_PREFIX)
        at = nlri.at;
    if (step == BGP_NLRI_END)
        return;
    at += nlri.add_path ? 4 : 0;
    if (at<nlri.end && * at> ip_family_bits(nlri.family))
        bgp_judge(attributes, BGP_WITHDRAWN, "a prefix is longer than its family");
    else
        bgp_judge(attributes, BGP_BROKEN, "the last prefix is cut");
}

/* RFC 7606 section 3 (d) and section 5.3. */
static void judge_whole(struct bgp_update *update)
{
    struct bgp_attributes *attributes = &update->attributes;
    gboolean in_body = update->announced.at < update->announced.end;
    gboolean reaches = BGP_HAS(attributes, BGP_MP_REACH) && attributes->reach.at;

    if ((in_body || reaches) &&
        !(BGP_HAS(attributes, BGP_ORIGIN) && BGP_HAS(attributes, BGP_AS_PATH)))
        bgp_judge(attributes, BGP_WITHDRAWN, "ORIGIN or AS_PATH is missing");
    if (in_body && !BGP_HAS(attributes, BGP_NEXT_HOP))
        bgp_judge(attributes, BGP_WITHDRAWN, "NEXT_HOP is missing");
    judge_prefixes(attributes, update->withdrawn);
    judge_prefixes(attributes, update->announced);
    judge_prefixes(attributes, attributes->reach);
    judge_prefixes(attributes, attributes->unreach);
}

/* RFC 4724 section 2. */
static gboolean ends_rib(const struct bgp_update *update)
{
    const struct bgp_attributes *attributes = &update->attributes;

    if (update->withdrawn.at < update->withdrawn.end ||
        update->announced.at < update->announced.end)
        return FALSE;
    if (!update->raw_attributes.length)
        return TRUE;
    return attributes->present == (guint64)1 << BGP_MP_UNREACH && !attributes->malformed &&
           attributes->unreach.at == attributes->unreach.end;
}

gboolean bgp_update_parse(const guint8 *body, gsize length, const struct bgp_options *options,
                          struct bgp_update *update)
{
    static const struct bgp_nlri none = { .family = 4, .safi = BGP_UNICAST };
    const guint8 *at = body, *end = body + length;
    gsize withdrawn, attributes;

    update->withdrawn = update->announced = none;
    update->withdrawn.add_path = update->announced.add_path =
        (options->add_path & BGP_ADD_PATH_IPV4) != 0;
    update->raw_attributes = (struct bgp_span){ 0 };
    update->is_end_of_rib = FALSE;
    bgp_attributes_parse(body, 0, options, &update->attributes);
    if (length < 4 || (withdrawn = bgp_u16(at)) > length - 4) {
        bgp_judge(&update->attributes, BGP_BROKEN,
                  "the withdrawn routes are longer than the message");
        return FALSE;
    }
    update->withdrawn.at = at + 2;
    update->withdrawn.end = at = at + 2 + withdrawn;
    attributes = bgp_u16(at);
    at += 2;
    if ((gsize)(end - at) < attributes) {
        bgp_judge(&update->attributes, BGP_BROKEN, "the attributes are longer than the message");
        return FALSE;
    }
    update->raw_attributes = (struct bgp_span){ at, attributes };
    update->announced.at = at + attributes;
    update->announced.end = end;
    bgp_attributes_parse(at, attributes, options, &update->attributes);
    judge_whole(update);
    update->is_end_of_rib = ends_rib(update);
    return TRUE;
}

gboolean bgp_message_split(const guint8 *bytes, gsize length, enum bgp_message_type *type,
                           struct bgp_span *body)
{
    gsize whole;

    if (length < BGP_HEADER_SIZE)
        return FALSE;
    for (guint i = 0; i < 16; i++)
        if (bytes[i] != 0xff)
            return FALSE;
    whole = bgp_u16(bytes + 16);
    if (whole < BGP_HEADER_SIZE || whole > length)
        return FALSE;
    *type = bytes[18];
    *body = (struct bgp_span){ bytes + BGP_HEADER_SIZE, whole - BGP_HEADER_SIZE };
    return TRUE;
}

/* ---- OPEN */

static void take_capability(struct bgp_open *open, guint code, const guint8 *value, gsize length)
{
    if (code == 65 && length == 4) {
        open->as4 = TRUE;
        open->as = bgp_u32(value);
    } else if (code == 9 && length == 1) {
        open->has_role = TRUE;
        open->role = value[0];
    } else if (code == 6) {
        open->extended_message = TRUE;
    } else if (code == 69) {
        for (; length >= 4; value += 4, length -= 4) {
            if (value[2] == BGP_UNICAST && bgp_u16(value) == 1)
                open->add_path_ipv4 = value[3] & 3;
            else if (value[2] == BGP_UNICAST && bgp_u16(value) == 2)
                open->add_path_ipv6 = value[3] & 3;
        }
    }
}

static gboolean take_capabilities(struct bgp_open *open, const guint8 *at, gsize length)
{
    const guint8 *end = at + length;

    while (at < end) {
        if (end - at < 2 || end - at - 2 < at[1])
            return FALSE;
        take_capability(open, at[0], at + 2, at[1]);
        at += 2 + at[1];
    }
    return TRUE;
}

gboolean bgp_open_parse(const guint8 *body, gsize length, struct bgp_open *open)
{
    const guint8 *at, *end = body + length;
    gsize header = 2, parameters;

    *open = (struct bgp_open){ 0 };
    if (length < 10)
        return FALSE;
    open->version = body[0];
    open->as = bgp_u16(body + 1);
    open->hold_time = bgp_u16(body + 3);
    memcpy(open->identifier, body + 5, 4);
    parameters = body[9];
    at = body + 10;
    if (parameters == EXTENDED_LENGTHS && length >= 13 && body[10] == EXTENDED_LENGTHS) {
        parameters = bgp_u16(body + 11);
        at += 3;
        header = 3;
    }
    if ((gsize)(end - at) != parameters)
        return FALSE;
    while (at < end) {
        gsize size;

        if ((gsize)(end - at) < header)
            return FALSE;
        size = header == 3 ? bgp_u16(at + 1) : at[1];
        if ((gsize)(end - at) - header < size)
            return FALSE;
        if (at[0] == 2 && !take_capabilities(open, at + header, size))
            return FALSE;
        at += header + size;
    }
    return TRUE;
}
