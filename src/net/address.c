#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define IPV4_BYTES 4u
#define IPV6_BYTES 16u

struct block {
    const char *text; /* as the registry writes it */
    guint bits;
};

/* IANA IPv4 Special-Purpose Address Registry, multicast (RFC 5771) and class E. */
static const struct block ipv4_blocks[] = {
    { "0.0.0.0", 8 },      { "10.0.0.0", 8 },     { "100.64.0.0", 10 }, { "127.0.0.0", 8 },
    { "169.254.0.0", 16 }, { "172.16.0.0", 12 },  { "192.0.0.0", 24 },  { "192.0.2.0", 24 },
    { "192.88.99.0", 24 }, { "192.168.0.0", 16 }, { "198.18.0.0", 15 }, { "198.51.100.0", 24 },
    { "203.0.113.0", 24 }, { "224.0.0.0", 4 },    { "240.0.0.0", 4 },
};

/* Global unicast is 2000::/3 (RFC 4291 section 2.4); these parts of it are not. */
static const struct block ipv6_global = { "2000::", 3 };
static const struct block ipv6_blocks[] = {
    { "2001::", 23 },
    { "2001:db8::", 32 },
    { "3fff::", 20 },
};

/* IPv6 addresses that carry an IPv4 address, and where. */
static const struct {
    struct block block;
    guint offset;
} ipv4_carriers[] = {
    { { "::ffff:0:0", 96 }, 12 }, /* mapped, RFC 4291 section 2.5.5.2 */
    { { "64:ff9b::", 96 }, 12 },  /* NAT64, RFC 6052 */
    { { "2002::", 16 }, 2 },      /* 6to4, RFC 3056 */
};

static gboolean is_within(int family, const guint8 *address, const struct block *block)
{
    guint8 prefix[IPV6_BYTES];
    guint whole = block->bits / 8, rest = block->bits % 8;

    if (inet_pton(family, block->text, prefix) != 1)
        g_assert_not_reached();
    return memcmp(address, prefix, whole) == 0 &&
           (rest == 0 || ((address[whole] ^ prefix[whole]) >> (8 - rest)) == 0);
}

static gboolean ipv4_is_public(const guint8 *address)
{
    for (guint i = 0; i < G_N_ELEMENTS(ipv4_blocks); i++)
        if (is_within(AF_INET, address, &ipv4_blocks[i]))
            return FALSE;
    return TRUE;
}

static gboolean ipv6_is_public(const guint8 *address)
{
    for (guint i = 0; i < G_N_ELEMENTS(ipv4_carriers); i++)
        if (is_within(AF_INET6, address, &ipv4_carriers[i].block))
            return ipv4_is_public(address + ipv4_carriers[i].offset);
    for (guint i = 0; i < G_N_ELEMENTS(ipv6_blocks); i++)
        if (is_within(AF_INET6, address, &ipv6_blocks[i]))
            return FALSE;
    return is_within(AF_INET6, address, &ipv6_global);
}

static const guint8 *bytes_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (const guint8 *)&((const struct sockaddr_in *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        return (const guint8 *)&((const struct sockaddr_in6 *)address)->sin6_addr;
    return NULL;
}

gboolean address_is_public(const struct sockaddr *address)
{
    const guint8 *bytes = bytes_of(address);

    if (!bytes)
        return FALSE;
    return address->sa_family == AF_INET ? ipv4_is_public(bytes) : ipv6_is_public(bytes);
}

char *address_text(const struct sockaddr *address)
{
    const guint8 *bytes = bytes_of(address);
    char text[INET6_ADDRSTRLEN];

    if (!bytes || !inet_ntop(address->sa_family, bytes, text, sizeof text))
        return g_strdup("?");
    return g_strdup(text);
}
