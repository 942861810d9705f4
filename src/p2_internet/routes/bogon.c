#include "p2_internet/routes/bogon.h"

#include <string.h>

/* IPv4 is kept as IPv4-mapped bytes would be: in the first four. */
static const struct special {
    guint8 family, length;
    guint8 address[16]; /* the rest is zero */
    gboolean global;    /* within what stands above it, and may be announced */
    const char *why;
} specials[] = {
    { 4, 8, { 0 }, FALSE, "this network (RFC 791)" },
    { 4, 8, { 10 }, FALSE, "private use (RFC 1918)" },
    { 4, 10, { 100, 64 }, FALSE, "shared address space (RFC 6598)" },
    { 4, 8, { 127 }, FALSE, "loopback (RFC 1122)" },
    { 4, 16, { 169, 254 }, FALSE, "link local (RFC 3927)" },
    { 4, 12, { 172, 16 }, FALSE, "private use (RFC 1918)" },
    { 4, 24, { 192, 0, 0 }, FALSE, "IETF protocol assignments (RFC 6890)" },
    { 4, 24, { 192, 0, 2 }, FALSE, "documentation (RFC 5737)" },
    { 4, 24, { 192, 88, 99 }, FALSE, "6to4 relays, deprecated (RFC 7526)" },
    { 4, 16, { 192, 168 }, FALSE, "private use (RFC 1918)" },
    { 4, 15, { 198, 18 }, FALSE, "benchmarking (RFC 2544)" },
    { 4, 24, { 198, 51, 100 }, FALSE, "documentation (RFC 5737)" },
    { 4, 24, { 203, 0, 113 }, FALSE, "documentation (RFC 5737)" },
    { 4, 4, { 224 }, FALSE, "multicast (RFC 5771)" },
    { 4, 4, { 240 }, FALSE, "reserved (RFC 1112)" },
    { 6, 8, { 0 }, FALSE, "reserved (RFC 4291)" },
    { 6, 96, { 0x00, 0x64, 0xff, 0x9b }, FALSE, "IPv4/IPv6 translation (RFC 6052)" },
    { 6, 48, { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, FALSE, "translation (RFC 8215)" },
    { 6, 64, { 0x01 }, FALSE, "discard only (RFC 6666)" },
    { 6, 128, { 0x20, 0x01, 0x00, 0x01, [15] = 1 }, TRUE, "PCP anycast (RFC 7723)" },
    { 6, 128, { 0x20, 0x01, 0x00, 0x01, [15] = 2 }, TRUE, "TURN anycast (RFC 8155)" },
    { 6, 128, { 0x20, 0x01, 0x00, 0x01, [15] = 3 }, TRUE, "DNS-SD anycast (RFC 9665)" },
    { 6, 28, { 0x20, 0x01, 0x00, 0x20 }, TRUE, "ORCHIDv2 (RFC 7343)" },
    { 6, 28, { 0x20, 0x01, 0x00, 0x30 }, TRUE, "drone remote identification (RFC 9374)" },
    { 6, 32, { 0x20, 0x01, 0x00, 0x03 }, TRUE, "AMT (RFC 7450)" },
    { 6, 48, { 0x20, 0x01, 0x00, 0x04, 0x01, 0x12 }, TRUE, "AS112 (RFC 7535)" },
    { 6, 23, { 0x20, 0x01 }, FALSE, "IETF protocol assignments (RFC 2928)" },
    { 6, 32, { 0x20, 0x01, 0x0d, 0xb8 }, FALSE, "documentation (RFC 3849)" },
    { 6, 16, { 0x20, 0x02 }, FALSE, "6to4 (RFC 3056)" },
    { 6, 20, { 0x3f, 0xff }, FALSE, "documentation (RFC 9637)" },
    { 6, 16, { 0x5f, 0x00 }, FALSE, "segment routing (RFC 9602)" },
    { 6, 7, { 0xfc }, FALSE, "unique local (RFC 4193)" },
    { 6, 10, { 0xfe, 0x80 }, FALSE, "link local (RFC 4291)" },
    { 6, 10, { 0xfe, 0xc0 }, FALSE, "site local, deprecated (RFC 3879)" },
    { 6, 8, { 0xff }, FALSE, "multicast (RFC 4291)" },
};

static const struct ip_prefix global_unicast = { 6, 3, { 0x20 } };

static const struct {
    guint8 shortest, longest;
} lengths[] = { { 8, 24 }, { 16, 48 } }; /* IPv4, IPv6 */

static const char *const names[] = {
    [BOGON_DEFAULT] = "default-route", [BOGON_SPECIAL] = "special-purpose",
    [BOGON_UNUSED] = "not-allocated",  [BOGON_SPECIFIC] = "too-specific",
    [BOGON_BROAD] = "too-broad",
};

const char *bogon_prefix_name(enum bogon_prefix bogon)
{
    return names[bogon];
}

static const struct special *special_of(const struct ip_prefix *prefix)
{
    for (guint i = 0; i < G_N_ELEMENTS(specials); i++) {
        struct ip_prefix special = { .family = specials[i].family, .length = specials[i].length };

        memcpy(special.address, specials[i].address, sizeof specials[i].address);
        if (ip_prefix_covers(&special, prefix))
            return specials[i].global ? NULL : &specials[i];
        /* What is as short as to contain such space is broad, and said to be so. */
        if (!specials[i].global && prefix->length >= lengths[prefix->family == 6].shortest &&
            ip_prefix_covers(prefix, &special))
            return &specials[i];
    }
    return NULL;
}

enum bogon_prefix bogon_prefix_judge(const struct ip_prefix *prefix, const char **why)
{
    const gboolean is_ipv6 = prefix->family == 6;
    const struct special *special;

    if (why)
        *why = NULL;
    if (prefix->length == 0)
        return BOGON_DEFAULT;
    special = special_of(prefix);
    if (special) {
        if (why)
            *why = special->why;
        return BOGON_SPECIAL;
    }
    if (is_ipv6 && !ip_prefix_covers(&global_unicast, prefix) &&
        !ip_prefix_covers(prefix, &global_unicast))
        return BOGON_UNUSED;
    if (prefix->length < lengths[is_ipv6].shortest)
        return BOGON_BROAD;
    return prefix->length > lengths[is_ipv6].longest ? BOGON_SPECIFIC : BOGON_NONE;
}

static const struct {
    guint32 first, last;
    const char *why;
} reserved_as[] = {
    { 0, 0, "nobody (RFC 7607)" },
    { 23456, 23456, "AS_TRANS (RFC 6793)" },
    { 64496, 64511, "documentation (RFC 5398)" },
    { 64512, 65534, "private use (RFC 6996)" },
    { 65535, 65535, "last of two bytes (RFC 7300)" },
    { 65536, 65551, "documentation (RFC 5398)" },
    { 65552, 131071, "reserved (IANA)" },
    { 4200000000, 4294967294, "private use (RFC 6996)" },
    { 4294967295, 4294967295, "last of four bytes (RFC 7300)" },
};

const char *bogon_as(guint32 as)
{
    for (guint i = 0; i < G_N_ELEMENTS(reserved_as); i++)
        if (as >= reserved_as[i].first && as <= reserved_as[i].last)
            return reserved_as[i].why;
    return NULL;
}
