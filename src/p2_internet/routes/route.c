#include "p2_internet/routes/route.h"

#include "base/clock.h"

#include <string.h>

#define EVIDENCE_BYTES 1024

const char *route_kind_name(enum route_kind kind)
{
    static const char *const names[] = { "announce", "withdraw", "rib", "state", "heard" };

    return names[kind];
}

gboolean route_origin(const struct bgp_path *path, const struct route_peer *peer, guint32 *asn)
{
    if (path->segment_count && path->segments[path->segment_count - 1].type <= BGP_AS_SEQUENCE)
        return bgp_path_origin(path, asn);
    if (!peer || !peer->as || bgp_path_has_member(path, peer->as))
        return FALSE;
    *asn = peer->as;
    return TRUE;
}

guint route_peer_hash(gconstpointer key)
{
    const struct route_peer *peer = key;
    guint32 word[4];

    memcpy(word, peer->address, sizeof word);
    return (word[0] ^ word[1] * 31 ^ word[2] * 131 ^ word[3] * 1031) * 2654435761u ^ peer->as;
}

gboolean route_peer_equal(gconstpointer a, gconstpointer b)
{
    const struct route_peer *left = a, *right = b;

    return left->family == right->family && left->as == right->as &&
           memcmp(left->address, right->address, sizeof left->address) == 0;
}

char *route_evidence(const struct route_element *element)
{
    g_autofree char *time = clock_format(element->time_us);
    g_autoptr(GString) text = g_string_new(NULL);
    char address[IP_PREFIX_TEXT];

    ip_address_format(element->peer->family, element->peer->address, address);
    g_string_append_printf(text, "%s AS%u %s ", address, element->peer->as, time);
    for (gsize i = 0; element->raw.bytes && i < MIN(element->raw.length, EVIDENCE_BYTES); i++)
        g_string_append_printf(text, "%02x", element->raw.bytes[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- from an UPDATE */

struct emission {
    const struct route_source *source;
    route_sink sink;
    gpointer data;
    guint count;
};

static void emit(struct emission *emission, struct bgp_nlri nlri, const struct bgp_update *update,
                 enum route_kind kind, guint flags)
{
    const struct route_source *source = emission->source;
    struct route_element element = {
        .time_us = source->time_us,
        .originated_us = source->time_us,
        .kind = kind,
        .safi = nlri.safi,
        .peer = source->peer,
    };
    gboolean masked = FALSE;

    if (!nlri.family)
        return;
    if (kind == ROUTE_ANNOUNCE || flags & ROUTE_TREATED) {
        element.attributes = &update->attributes;
        element.raw = update->raw_attributes;
    }
    while (bgp_nlri_next(&nlri, &element.prefix, &element.path_id, &masked) == BGP_NLRI_PREFIX) {
        element.flags = flags | source->flags | (masked ? ROUTE_MASKED : 0) |
                        (nlri.add_path ? ROUTE_HAS_PATH_ID : 0);
        emission->count++;
        emission->sink(&element, emission->data);
    }
}

guint route_elements_of(const struct bgp_update *update, const struct route_source *source,
                        route_sink sink, gpointer data)
{
    const struct bgp_attributes *attributes = &update->attributes;
    struct emission emission = { source, sink, data, 0 };
    gboolean treated = attributes->withdrawn;
    enum route_kind kind = treated ? ROUTE_WITHDRAW : ROUTE_ANNOUNCE;
    guint flags = treated ? ROUTE_TREATED : 0;

    emit(&emission, update->withdrawn, update, ROUTE_WITHDRAW, 0);
    emit(&emission, attributes->unreach, update, ROUTE_WITHDRAW, 0);
    emit(&emission, update->announced, update, kind, flags);
    emit(&emission, attributes->reach, update, kind, flags);
    return emission.count;
}

/* ---- the filter: disjoint ranges of addresses, since of two prefixes that meet one holds the
 * other, and what the inner one takes the outer one takes too */

typedef unsigned __int128 address;

struct range {
    address first, last;
};

struct route_filter {
    GArray *ranges[2]; /* of struct range, IPv4 and IPv6, in order when ready */
};

struct route_filter *route_filter_new(void)
{
    struct route_filter *filter = g_new0(struct route_filter, 1);

    for (guint i = 0; i < G_N_ELEMENTS(filter->ranges); i++)
        filter->ranges[i] = g_array_new(FALSE, FALSE, sizeof(struct range));
    return filter;
}

void route_filter_free(struct route_filter *filter)
{
    if (!filter)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(filter->ranges); i++)
        g_array_unref(filter->ranges[i]);
    g_free(filter);
}

static struct range range_of(const struct ip_prefix *prefix)
{
    struct range range;
    guint64 high, low;

    memcpy(&high, prefix->address, 8);
    memcpy(&low, prefix->address + 8, 8);
    range.first = (address)GUINT64_FROM_BE(high) << 64 | GUINT64_FROM_BE(low);
    range.last = range.first | (prefix->length < 128 ? ~(address)0 >> prefix->length : 0);
    return range;
}

void route_filter_add(struct route_filter *filter, const struct ip_prefix *prefix)
{
    struct range range = range_of(prefix);

    g_array_append_val(filter->ranges[prefix->family == 6], range);
}

/* The wider first, of those that begin at one place. */
static int by_first(gconstpointer a, gconstpointer b)
{
    const struct range *one = a, *other = b;

    if (one->first != other->first)
        return one->first < other->first ? -1 : 1;
    return one->last > other->last ? -1 : one->last < other->last;
}

void route_filter_ready(struct route_filter *filter)
{
    for (guint family = 0; family < G_N_ELEMENTS(filter->ranges); family++) {
        GArray *ranges = filter->ranges[family];
        guint kept = 0;

        g_array_sort(ranges, by_first);
        for (guint i = 0; i < ranges->len; i++) {
            const struct range *range = &g_array_index(ranges, struct range, i);

            if (!kept || range->first > g_array_index(ranges, struct range, kept - 1).last)
                g_array_index(ranges, struct range, kept++) = *range;
        }
        g_array_set_size(ranges, kept);
    }
}

gboolean route_filter_is_empty(const struct route_filter *filter)
{
    return !filter->ranges[0]->len && !filter->ranges[1]->len;
}

gboolean route_filter_takes(const struct route_filter *filter, const struct ip_prefix *prefix)
{
    const GArray *ranges = filter->ranges[prefix->family == 6];
    struct range range;
    guint low = 0, high = ranges->len;

    if (!high)
        return route_filter_is_empty(filter);
    range = range_of(prefix);
    while (low < high) { /* the first range that does not end before this one begins */
        guint middle = low + (high - low) / 2;

        if (g_array_index(ranges, struct range, middle).last < range.first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ranges->len && g_array_index(ranges, struct range, low).first <= range.last;
}
