#include "p2_internet/routes/element_json.h"

#include "base/json.h"
#include "p2_internet/routes/bgp_private.h"

static void add(struct text_out *out, const char *text)
{
    text_append(out, text, strlen(text));
}

static void add_number(struct text_out *out, guint32 number)
{
    char *to = text_reserve(out, TEXT_U32);

    out->length = (gsize)(text_put_u32(to, number) - out->bytes);
}

static void add_field(struct text_out *out, const char *name, guint32 number)
{
    add(out, ",\"");
    add(out, name);
    add(out, "\":");
    add_number(out, number);
}

static void add_address(struct text_out *out, guint8 family, const guint8 *address)
{
    char text[IP_PREFIX_TEXT];
    gsize length = ip_address_format(family, address, text);

    add(out, "\"");
    text_append(out, text, length);
    add(out, "\"");
}

/* Seconds, with microseconds where there are some. */
static void add_time(struct text_out *out, const char *name, gint64 time_us)
{
    char text[64];
    int length =
        g_snprintf(text, sizeof text, "\"%s\":%" G_GINT64_FORMAT, name, time_us / G_USEC_PER_SEC);

    if (time_us % G_USEC_PER_SEC)
        length += g_snprintf(text + length, sizeof text - (gsize)length, ".%06d",
                             (int)(time_us % G_USEC_PER_SEC));
    text_append(out, text, (gsize)length);
}

/* ASNs; a set is an array in it, a confederation an object. */
static void add_path(struct text_out *out, const struct bgp_path *path)
{
    static const char *const opening[] = { "", "[", "", "{\"confed_sequence\":[",
                                           "{\"confed_set\":[" };
    static const char *const closing[] = { "", "]", "", "]}", "]}" };
    const guint32 *asn = path->asns;

    add(out, ",\"path\":[");
    for (guint i = 0; i < path->segment_count; i++) {
        const struct bgp_segment *segment = &path->segments[i];

        if (i)
            add(out, ",");
        add(out, opening[segment->type]);
        for (guint k = 0; k < segment->count; k++) {
            if (k)
                add(out, ",");
            add_number(out, *asn++);
        }
        add(out, closing[segment->type]);
    }
    add(out, "]");
}

/* "64500:1"; `parts` numbers of `width` bytes each. */
static void add_communities(struct text_out *out, const char *name, struct bgp_span span,
                            guint parts, guint width)
{
    add(out, ",\"");
    add(out, name);
    add(out, "\":[");
    for (gsize at = 0; at + (gsize)parts * width <= span.length; at += (gsize)parts * width) {
        add(out, at ? ",\"" : "\"");
        for (guint i = 0; i < parts; i++) {
            const guint8 *part = span.bytes + at + (gsize)i * width;

            if (i)
                add(out, ":");
            add_number(out, width == 4 ? bgp_u32(part) : bgp_u16(part));
        }
        add(out, "\"");
    }
    add(out, "]");
}

/* Eight bytes each, in hexadecimal: their kinds are many. */
static void add_extended(struct text_out *out, struct bgp_span span)
{
    static const char hex[] = "0123456789abcdef";

    add(out, ",\"extended_communities\":[");
    for (gsize at = 0; at + 8 <= span.length; at += 8) {
        char *to;

        add(out, at ? ",\"" : "\"");
        to = text_reserve(out, 16);
        for (guint i = 0; i < 8; i++) {
            *to++ = hex[span.bytes[at + i] >> 4];
            *to++ = hex[span.bytes[at + i] & 15];
        }
        out->length += 16;
        add(out, "\"");
    }
    add(out, "]");
}

static void add_next_hop(struct text_out *out, const struct route_element *element)
{
    const struct bgp_attributes *attributes = element->attributes;
    const struct bgp_span *reach = &attributes->reach_next_hop;

    if (element->prefix.family == 4 && BGP_HAS(attributes, BGP_NEXT_HOP)) {
        add(out, ",\"next_hop\":");
        add_address(out, 4, attributes->next_hop);
    } else if (reach->length == 4 || reach->length == 16 || reach->length == 32) {
        add(out, ",\"next_hop\":");
        add_address(out, reach->length == 4 ? 4 : 6, reach->bytes);
    }
    if (reach->length == 32) {
        add(out, ",\"next_hop_link_local\":");
        add_address(out, 6, reach->bytes + 16);
    }
}

static void add_attributes(struct text_out *out, const struct route_element *element)
{
    static const char *const origins[] = { "igp", "egp", "incomplete" };
    const struct bgp_attributes *attributes = element->attributes;

    if (BGP_HAS(attributes, BGP_AS_PATH))
        add_path(out, &attributes->path);
    if (BGP_HAS(attributes, BGP_ORIGIN)) {
        add(out, ",\"origin\":\"");
        add(out, origins[attributes->origin]);
        add(out, "\"");
    }
    add_next_hop(out, element);
    if (BGP_HAS(attributes, BGP_LOCAL_PREF))
        add_field(out, "local_pref", attributes->local_pref);
    if (BGP_HAS(attributes, BGP_MED))
        add_field(out, "med", attributes->med);
    if (BGP_HAS(attributes, BGP_COMMUNITIES))
        add_communities(out, "communities", attributes->communities, 2, 2);
    if (BGP_HAS(attributes, BGP_LARGE_COMMUNITIES))
        add_communities(out, "large_communities", attributes->large_communities, 3, 4);
    if (BGP_HAS(attributes, BGP_EXTENDED_COMMUNITIES))
        add_extended(out, attributes->extended_communities);
    if (BGP_HAS(attributes, BGP_ATOMIC_AGGREGATE))
        add(out, ",\"atomic_aggregate\":true");
    if (BGP_HAS(attributes, BGP_AGGREGATOR)) {
        add(out, ",\"aggregator\":{\"as\":");
        add_number(out, attributes->aggregator_as);
        add(out, ",\"address\":");
        add_address(out, 4, attributes->aggregator);
        add(out, "}");
    }
    if (BGP_HAS(attributes, BGP_OTC))
        add_field(out, "otc", attributes->otc);
    if (attributes->verdict != BGP_FINE) {
        add(out, ",\"verdict\":\"");
        add(out, bgp_verdict_name(attributes->verdict));
        add(out, "\",\"problem\":\"");
        add(out, attributes->problem);
        add(out, "\"");
    }
}

/* A router may call itself what it likes. */
static void add_feed(struct text_out *out, const char *feed)
{
    g_autofree char *text = NULL;
    json_t *string = json_safe_string(feed);

    text = json_dumps(string, JSON_COMPACT | JSON_ENCODE_ANY);
    add(out, ",\"feed\":");
    add(out, text);
    json_decref(string);
}

/* Of BMP: which of a router's tables. */
static void add_view(struct text_out *out, guint flags)
{
    if (flags & ROUTE_LOC_RIB)
        add(out, ",\"view\":\"loc-rib\"");
    else if (flags & ROUTE_ADJ_OUT)
        add(out, flags & ROUTE_POST_POLICY ? ",\"view\":\"adj-out-post-policy\""
                                           : ",\"view\":\"adj-out\"");
    else if (flags & ROUTE_POST_POLICY)
        add(out, ",\"view\":\"post-policy\"");
    if (flags & ROUTE_INSTANCE)
        add(out, ",\"instance\":true");
}

static void add_prefix(struct text_out *out, const struct route_element *element)
{
    char text[IP_PREFIX_TEXT];
    gsize length = ip_prefix_format(&element->prefix, text);

    add(out, ",\"prefix\":\"");
    text_append(out, text, length);
    add(out, "\"");
    if (element->safi == BGP_MULTICAST)
        add(out, ",\"multicast\":true");
    if (element->flags & ROUTE_HAS_PATH_ID)
        add_field(out, "path_id", element->path_id);
    if (element->flags & ROUTE_MASKED)
        add(out, ",\"masked\":true");
    if (element->flags & ROUTE_TREATED)
        add(out, ",\"treated_as_withdrawn\":true");
}

void element_json(const char *feed, const struct route_element *element, struct text_out *out)
{
    add(out, "{\"kind\":\"");
    add(out, route_kind_name(element->kind));
    add(out, "\",");
    add_time(out, "time", element->time_us);
    if (feed)
        add_feed(out, feed);
    if (element->kind == ROUTE_RIB) {
        add(out, ",");
        add_time(out, "originated", element->originated_us);
    }
    if (!(element->flags & ROUTE_UNKNOWN_PEER)) {
        add(out, ",\"peer\":");
        add_address(out, element->peer->family, element->peer->address);
        add_field(out, "peer_as", element->peer->as);
    }
    if (element->flags & ROUTE_LOCAL)
        add(out, ",\"local\":true");
    add_view(out, element->flags);
    if (element->kind == ROUTE_STATE) {
        add_field(out, "old_state", element->old_state);
        add_field(out, "new_state", element->new_state);
    } else {
        add_prefix(out, element);
    }
    if (element->attributes)
        add_attributes(out, element);
    add(out, "}\n");
}
