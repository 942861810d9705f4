/* line_by_rfc.c: elements in the columns of line.h: what bgp.h and mrt.h understand. */
#include "p2_internet/routes/line_private.h"

struct put {
    struct line_writer *writer;
    const struct mrt_record *record;
    struct text_out *out;
};

static char *put_next_hop(char *to, const struct route_element *element)
{
    const struct bgp_attributes *attributes = element->attributes;
    const struct bgp_span *reach = &attributes->reach_next_hop;

    if (element->prefix.family == 4 && BGP_HAS(attributes, BGP_NEXT_HOP))
        return text_put_ipv4(to, attributes->next_hop);
    if (reach->length == 4)
        return text_put_ipv4(to, reach->bytes);
    if (reach->length == 16 || reach->length == 32)
        return text_put_ipv6(to, reach->bytes);
    return to;
}

/* Everything behind the prefix and the path identifier. */
static void put_tail(struct put *put, const struct route_element *element)
{
    static const char *const origins[] = { "IGP", "EGP", "INCOMPLETE" };
    const struct bgp_attributes *attributes = element->attributes;
    GString *path = put->writer->path;
    char *to;

    g_string_truncate(path, 0);
    if (BGP_HAS(attributes, BGP_AS_PATH))
        bgp_path_append_text(&attributes->path, path);
    text_append(put->out, path->str, path->len);
    to = text_reserve(put->out, TEXT_IPV6 + 3 * TEXT_U32 + 2 * LINE_COMMUNITIES + 64);
    *to++ = '|';
    to = text_put(to, origins[BGP_HAS(attributes, BGP_ORIGIN) ? attributes->origin : 2]);
    *to++ = '|';
    to = put_next_hop(to, element);
    *to++ = '|';
    to = text_put_u32(to, attributes->local_pref);
    *to++ = '|';
    to = text_put_u32(to, attributes->med);
    *to++ = '|';
    if (BGP_HAS(attributes, BGP_COMMUNITIES))
        to = line_put_communities(to, attributes->communities);
    *to++ = '|';
    if (put->writer->options.large) {
        if (BGP_HAS(attributes, BGP_LARGE_COMMUNITIES))
            to = line_put_large_communities(to, attributes->large_communities);
        *to++ = '|';
    }
    to = text_put(to, BGP_HAS(attributes, BGP_ATOMIC_AGGREGATE) ? "AG|" : "NAG|");
    if (BGP_HAS(attributes, BGP_AGGREGATOR)) {
        to = text_put_u32(to, attributes->aggregator_as);
        *to++ = ' ';
        to = text_put_ipv4(to, attributes->aggregator);
    }
    to = text_put(to, "|\n");
    put->out->length = (gsize)(to - put->out->bytes);
}

static void put_element(const struct route_element *element, gpointer data)
{
    static const char *const flags[] = { "A", "W", "B", "STATE" };
    struct put *put = data;
    gboolean originated = put->writer->options.originated && element->kind == ROUTE_RIB;
    guint32 seconds =
        originated ? (guint32)(element->originated_us / G_USEC_PER_SEC) : put->record->seconds;
    char *to = text_reserve(put->out, LINE_HEAD + LINE_PEER + TEXT_IPV6 + 2 * TEXT_U32 + 8);

    if (put->writer->filter && element->kind == ROUTE_STATE)
        return;
    to = line_put_head(to, put->record, line_type(put->record), seconds, flags[element->kind]);
    to = line_put_peer(to, element->peer->family == 6, element->peer->address, element->peer->as);
    if (element->kind == ROUTE_STATE) {
        to = text_put_u32(to, element->old_state);
        *to++ = '|';
        to = text_put_u32(to, element->new_state);
    } else {
        to = element->prefix.family == 6 ? text_put_ipv6(to, element->prefix.address)
                                         : text_put_ipv4(to, element->prefix.address);
        *to++ = '/';
        to = text_put_u32(to, element->prefix.length);
    }
    if (element->flags & ROUTE_HAS_PATH_ID) {
        *to++ = '|';
        to = text_put_u32(to, element->path_id);
    }
    *to++ = element->kind == ROUTE_STATE || element->kind == ROUTE_WITHDRAW ? '\n' : '|';
    put->out->length = (gsize)(to - put->out->bytes);
    if (element->kind == ROUTE_ANNOUNCE || element->kind == ROUTE_RIB)
        put_tail(put, element);
}

const char *line_record_by_rfc(struct line_writer *writer, const struct mrt_record *record,
                               const struct mrt_peers *peers, struct text_out *out)
{
    struct put put = { writer, record, out };
    const char *problem = NULL;

    mrt_elements(writer->reader, record, peers, put_element, &put, &problem);
    return problem;
}
