#include "p2_internet/routes/ris_live_update.h"
#include "p2_internet/routes/bgp.h"

#include <string.h>

#define ATTRIBUTES_MAX 65535 /* bytes that an UPDATE has room for */
#define SEGMENT_MAX 255      /* AS numbers of a segment */

enum { WELL_KNOWN = 0x40, OPTIONAL = 0x80, TRANSITIVE = 0x40, EXTENDED = 0x10 };

static void add_number(GByteArray *to, guint32 number, guint size)
{
    guint8 bytes[4];

    for (guint i = 0; i < size; i++)
        bytes[i] = (guint8)(number >> 8 * (size - 1 - i));
    g_byte_array_append(to, bytes, size);
}

static void add_attribute(GByteArray *to, guint flags, guint code, const GByteArray *value)
{
    add_number(to, flags | EXTENDED, 1);
    add_number(to, code, 1);
    add_number(to, value->len, 2);
    g_byte_array_append(to, value->data, value->len);
}

static gboolean number_of(const json_t *value, guint32 *number)
{
    const json_int_t found = json_integer_value(value);

    *number = (guint32)found;
    return json_is_integer(value) && found >= 0 && found <= G_MAXUINT32;
}

/* ---- attributes */

/* A list of AS numbers, those of a set in a list of their own. */
static gboolean add_path(GByteArray *to, const json_t *path)
{
    g_autoptr(GByteArray) value = g_byte_array_new();
    guint open = 0, count = 0; /* where the count of the sequence stands, and that count */
    const json_t *hop;
    guint32 as;
    size_t i, j;

    json_array_foreach(path, i, hop)
    {
        if (json_is_array(hop)) {
            const json_t *member;

            if (!json_array_size(hop) || json_array_size(hop) > SEGMENT_MAX)
                return FALSE;
            add_number(value, BGP_AS_SET, 1);
            add_number(value, (guint32)json_array_size(hop), 1);
            json_array_foreach(hop, j, member)
            {
                if (!number_of(member, &as))
                    return FALSE;
                add_number(value, as, 4);
            }
            count = 0;
            continue;
        }
        if (!number_of(hop, &as))
            return FALSE;
        if (!count || count == SEGMENT_MAX) {
            add_number(value, BGP_AS_SEQUENCE, 1);
            open = value->len;
            add_number(value, 0, 1);
            count = 0;
        }
        add_number(value, as, 4);
        value->data[open] = (guint8)++count;
    }
    if (value->len > ATTRIBUTES_MAX)
        return FALSE;
    add_attribute(to, WELL_KNOWN, BGP_AS_PATH, value);
    return TRUE;
}

static gboolean add_origin(GByteArray *to, const char *name)
{
    static const char *const names[] = { "igp", "egp", "incomplete" };
    g_autoptr(GByteArray) value = g_byte_array_new();

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (name && g_ascii_strcasecmp(name, names[i]) == 0)
            add_number(value, i, 1);
    if (!value->len)
        return FALSE;
    add_attribute(to, WELL_KNOWN, BGP_ORIGIN, value);
    return TRUE;
}

static gboolean add_communities(GByteArray *to, const json_t *list)
{
    g_autoptr(GByteArray) value = g_byte_array_new();
    const json_t *pair;
    size_t i;

    json_array_foreach(list, i, pair)
    {
        guint32 high, low;

        if (json_array_size(pair) != 2 || !number_of(json_array_get(pair, 0), &high) ||
            !number_of(json_array_get(pair, 1), &low) || high > G_MAXUINT16 || low > G_MAXUINT16)
            return FALSE;
        add_number(value, high << 16 | low, 4);
    }
    if (value->len > ATTRIBUTES_MAX)
        return FALSE;
    if (value->len)
        add_attribute(to, OPTIONAL | TRANSITIVE, BGP_COMMUNITIES, value);
    return TRUE;
}

/* "64500:192.0.2.1" */
static gboolean add_aggregator(GByteArray *to, const char *text)
{
    const char *colon = strchr(text, ':');
    g_autofree char *as = colon ? g_strndup(text, (gsize)(colon - text)) : NULL;
    g_autoptr(GByteArray) value = g_byte_array_new();
    guint8 family, address[16];
    guint64 number;

    if (!as || !g_ascii_string_to_unsigned(as, 10, 0, G_MAXUINT32, &number, NULL) ||
        !ip_address_parse(colon + 1, &family, address) || family != 4)
        return FALSE;
    add_number(value, (guint32)number, 4);
    g_byte_array_append(value, address, 4);
    add_attribute(to, OPTIONAL | TRANSITIVE, BGP_AGGREGATOR, value);
    return TRUE;
}

/* The attributes that all announcements of a message share. NULL: they are not of their form. */
static GByteArray *shared_attributes(const json_t *data, const char **problem)
{
    g_autoptr(GByteArray) to = g_byte_array_new(), med = g_byte_array_new();
    const json_t *path = json_object_get(data, "path"), *cost = json_object_get(data, "med");
    const json_t *communities = json_object_get(data, "community");
    const char *aggregator = json_text(data, "aggregator");
    guint32 number = 0;

    *problem = "its origin is none of igp, egp and incomplete";
    if (!add_origin(to, json_text(data, "origin")))
        return NULL;
    *problem = "its path is no list of AS numbers";
    if (!json_is_array(path) || !add_path(to, path))
        return NULL;
    *problem = "its med is no number of 32 bits";
    if (cost && !json_is_null(cost)) {
        if (!number_of(cost, &number))
            return NULL;
        add_number(med, number, 4);
        add_attribute(to, OPTIONAL, BGP_MED, med);
    }
    *problem = "its aggregator is no AS and address";
    if (aggregator && !add_aggregator(to, aggregator))
        return NULL;
    *problem = "its communities are no pairs of numbers";
    if (communities && !json_is_null(communities) &&
        (!json_is_array(communities) || !add_communities(to, communities)))
        return NULL;
    *problem = NULL;
    return g_steal_pointer(&to);
}

/* ---- prefixes */

struct lists {
    GByteArray *ipv4, *ipv6; /* as UPDATEs have them */
};

static gboolean add_prefixes(struct lists *lists, const json_t *list)
{
    const json_t *text;
    size_t i;

    json_array_foreach(list, i, text)
    {
        struct ip_prefix prefix;

        if (!json_is_string(text) || !ip_prefix_parse(json_string_value(text), &prefix, NULL))
            return FALSE;
        add_number(prefix.family == 4 ? lists->ipv4 : lists->ipv6, prefix.length, 1);
        g_byte_array_append(prefix.family == 4 ? lists->ipv4 : lists->ipv6, prefix.address,
                            (prefix.length + 7u) / 8);
    }
    return json_is_array(list);
}

static void add_list(GByteArray *to, const GByteArray *list)
{
    g_byte_array_append(to, list->data, list->len);
}

/* FALSE: there is more than an UPDATE has room for. */
static gboolean give(const GByteArray *withdrawn, const GByteArray *attributes,
                     const GByteArray *announced, ris_live_update_sink sink, gpointer to)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    if (withdrawn->len > G_MAXUINT16 || attributes->len > ATTRIBUTES_MAX)
        return FALSE;
    add_number(body, withdrawn->len, 2);
    add_list(body, withdrawn);
    add_number(body, attributes->len, 2);
    add_list(body, attributes);
    add_list(body, announced);
    sink(body->data, body->len, to);
    return TRUE;
}

static gboolean give_withdrawals(const json_t *list, ris_live_update_sink sink, gpointer to)
{
    g_autoptr(GByteArray) ipv4 = g_byte_array_new(), ipv6 = g_byte_array_new();
    g_autoptr(GByteArray) attributes = g_byte_array_new(), unreach = g_byte_array_new();
    g_autoptr(GByteArray) nothing = g_byte_array_new();

    if (!add_prefixes(&(struct lists){ ipv4, ipv6 }, list) || ipv6->len > ATTRIBUTES_MAX - 3)
        return FALSE;
    if (ipv6->len) {
        add_number(unreach, 2, 2);
        add_number(unreach, BGP_UNICAST, 1);
        add_list(unreach, ipv6);
        add_attribute(attributes, OPTIONAL, BGP_MP_UNREACH, unreach);
    }
    return give(ipv4, attributes, nothing, sink, to);
}

/* "192.0.2.1", "2001:db8::1" or "2001:db8::1,fe80::1": 4, 16 or 32 bytes. */
static gboolean add_next_hop(GByteArray *to, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text ? text : "", ",", 3);
    guint8 family, address[16];

    for (guint i = 0; parts[i]; i++) {
        if (i == 2 || !ip_address_parse(parts[i], &family, address) || (i && family != 6))
            return FALSE;
        g_byte_array_append(to, address, family == 4 ? 4 : 16);
    }
    return to->len == 4 || to->len == 16 || to->len == 32;
}

/* Prefixes of both families may stand behind one next hop: IPv4 behind an IPv6 address (RFC 8950).
 */
static void add_reach(GByteArray *attributes, guint afi, const GByteArray *next_hop,
                      const GByteArray *prefixes)
{
    g_autoptr(GByteArray) reach = g_byte_array_new();

    add_number(reach, afi, 2);
    add_number(reach, BGP_UNICAST, 1);
    add_number(reach, next_hop->len, 1);
    add_list(reach, next_hop);
    add_number(reach, 0, 1);
    add_list(reach, prefixes);
    add_attribute(attributes, OPTIONAL, BGP_MP_REACH, reach);
}

static gboolean give_announcement(const json_t *one, const GByteArray *shared,
                                  ris_live_update_sink sink, gpointer to)
{
    g_autoptr(GByteArray) ipv4 = g_byte_array_new(), ipv6 = g_byte_array_new();
    g_autoptr(GByteArray) next_hop = g_byte_array_new(), nothing = g_byte_array_new();

    if (!add_next_hop(next_hop, json_text(one, "next_hop")) ||
        !add_prefixes(&(struct lists){ ipv4, ipv6 }, json_object_get(one, "prefixes")) ||
        MAX(ipv4->len, ipv6->len) > ATTRIBUTES_MAX / 2)
        return FALSE;
    for (guint family = 4; family <= 6; family += 2) {
        const GByteArray *prefixes = family == 4 ? ipv4 : ipv6;
        const gboolean in_body = family == 4 && next_hop->len == 4;
        g_autoptr(GByteArray) attributes = g_byte_array_new();

        if (!prefixes->len)
            continue;
        add_list(attributes, shared);
        if (in_body)
            add_attribute(attributes, WELL_KNOWN, BGP_NEXT_HOP, next_hop);
        else
            add_reach(attributes, family == 4 ? 1 : 2, next_hop, prefixes);
        if (!give(nothing, attributes, in_body ? prefixes : nothing, sink, to))
            return FALSE;
    }
    return TRUE;
}

gboolean ris_live_make_updates(const json_t *data, ris_live_update_sink sink, gpointer to,
                               const char **problem)
{
    const json_t *withdrawals = json_object_get(data, "withdrawals");
    const json_t *announcements = json_object_get(data, "announcements"), *one;
    g_autoptr(GByteArray) shared = NULL;
    size_t i;

    *problem = "its withdrawals are no list of prefixes";
    if (withdrawals && !give_withdrawals(withdrawals, sink, to))
        return FALSE;
    *problem = "its announcements are no next hops with prefixes";
    if (announcements && !json_is_array(announcements))
        return FALSE;
    if (!json_array_size(announcements))
        return TRUE;
    shared = shared_attributes(data, problem);
    if (!shared)
        return FALSE;
    *problem = "its announcements are no next hops with prefixes";
    json_array_foreach(announcements, i, one)
    {
        if (!give_announcement(one, shared, sink, to))
            return FALSE;
    }
    return TRUE;
}
