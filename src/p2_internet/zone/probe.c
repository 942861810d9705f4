#include "p2_internet/zone/probe.h"

#include "base/error.h"
#include "p2_internet/zone/probe_list.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <string.h>

#define EDNS_SIZE 1232 /* RFC 9715 */
#define EDNS_SMALL 512
#define OPTION_UNKNOWN 65001 /* for local use: no server knows it (RFC 6891) */
#define OPTION_NSID 3
#define OPTION_COOKIE 10
#define FLAG_UNKNOWN 0x0040
#define RANDOM_BYTES 12u
#define FOREIGN "www.example.org" /* RFC 2606: nobody's traffic */

#define APEX offsetof(struct zone_names, apex)

static const struct probe_row {
    enum zone_probe probe;
    guint16 type;
    guint flags;
    gsize name; /* offset in struct zone_names */
    guint8 edns_version;
    guint16 edns_flags, option;
} rows[] = {
    { PROBE_SOA, DNS_TYPE_SOA, 0, APEX, 0, 0, 0 },
    { PROBE_SOA_TCP, DNS_TYPE_SOA, PROBE_TCP, APEX, 0, 0, 0 },
    { PROBE_SOA_EDNS, DNS_TYPE_SOA, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_NS, DNS_TYPE_NS, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_DNSKEY, DNS_TYPE_DNSKEY, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_DNSKEY_SMALL, DNS_TYPE_DNSKEY, PROBE_EDNS | PROBE_DO | PROBE_UDP_ONLY, APEX, 0, 0, 0 },
    { PROBE_EDNS_VERSION, DNS_TYPE_SOA, PROBE_EDNS, APEX, 1, 0, 0 },
    { PROBE_EDNS_OPTION, DNS_TYPE_SOA, PROBE_EDNS, APEX, 0, 0, OPTION_UNKNOWN },
    { PROBE_EDNS_FLAG, DNS_TYPE_SOA, PROBE_EDNS, APEX, 0, FLAG_UNKNOWN, 0 },
    { PROBE_COOKIE, DNS_TYPE_SOA, PROBE_EDNS, APEX, 0, 0, OPTION_COOKIE },
    { PROBE_CASE, DNS_TYPE_SOA, 0, offsetof(struct zone_names, mixed), 0, 0, 0 },
    { PROBE_RANDOM, DNS_TYPE_A, PROBE_EDNS | PROBE_DO, offsetof(struct zone_names, random), 0, 0,
      0 },
    { PROBE_NODATA, DNS_TYPE_SPF, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_AAAA, DNS_TYPE_AAAA, 0, APEX, 0, 0, 0 },
    { PROBE_NSEC3PARAM, DNS_TYPE_NSEC3PARAM, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_CDS, DNS_TYPE_CDS, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_CDNSKEY, DNS_TYPE_CDNSKEY, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_CSYNC, DNS_TYPE_CSYNC, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_CAA, DNS_TYPE_CAA, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_MX, DNS_TYPE_MX, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_TXT, DNS_TYPE_TXT, PROBE_EDNS | PROBE_DO, APEX, 0, 0, 0 },
    { PROBE_WWW, DNS_TYPE_A, PROBE_EDNS | PROBE_DO, offsetof(struct zone_names, www), 0, 0, 0 },
    { PROBE_FOREIGN, DNS_TYPE_A, PROBE_RECURSIVE, offsetof(struct zone_names, foreign), 0, 0, 0 },
    { PROBE_VERSION, DNS_TYPE_TXT, PROBE_CHAOS, offsetof(struct zone_names, version), 0, 0, 0 },
    { PROBE_IDENTITY, DNS_TYPE_SOA, PROBE_EDNS, APEX, 0, 0, OPTION_NSID },
    { PROBE_AXFR, DNS_TYPE_AXFR, PROBE_TCP, APEX, 0, 0, 0 },
    { PROBE_PARENT_NS, DNS_TYPE_NS, PROBE_EDNS | PROBE_DO | PROBE_OF_PARENT, APEX, 0, 0, 0 },
    { PROBE_PARENT_DS, DNS_TYPE_DS, PROBE_EDNS | PROBE_DO | PROBE_OF_PARENT, APEX, 0, 0, 0 },
};
G_STATIC_ASSERT(G_N_ELEMENTS(rows) == PROBES);

guint probe_flags_of(enum zone_probe probe)
{
    return rows[probe].flags;
}

void zone_server_clear(struct zone_server *server)
{
    g_clear_pointer(&server->host, g_free);
}

void zone_reply_clear(struct zone_reply *reply)
{
    g_clear_pointer(&reply->bytes, g_bytes_unref);
}

socklen_t zone_address_size(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

void zone_address_set(struct sockaddr_storage *address, const guint8 *bytes, gsize length,
                      guint16 port)
{
    memset(address, 0, sizeof *address);
    if (length == sizeof(struct in_addr)) {
        struct sockaddr_in *four = (struct sockaddr_in *)address;

        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        memcpy(&four->sin_addr, bytes, length);
    } else {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;

        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        memcpy(&six->sin6_addr, bytes, sizeof(struct in6_addr));
    }
}

gboolean zone_address_parse(const char *text, guint16 port, struct sockaddr_storage *address,
                            GError **error)
{
    g_autofree char *host = g_strdup(*text == '[' ? text + 1 : text);
    char *colon = *text == '[' ? strchr(host, ']') : strchr(host, ':');
    guint8 bytes[sizeof(struct in6_addr)];
    guint64 number = port;

    if (colon && (*text == '[' || !strchr(colon + 1, ':'))) { /* else an IPv6 address alone */
        const gboolean bracket = *colon == ']';

        *colon++ = '\0';
        if (bracket && *colon == ':')
            colon++;
        if ((*colon || !bracket) &&
            !g_ascii_string_to_unsigned(colon, 10, 1, G_MAXUINT16, &number, NULL))
            return input_error(error, "\"%s\" is no port", colon);
    }
    if (inet_pton(AF_INET, host, bytes) == 1)
        zone_address_set(address, bytes, sizeof(struct in_addr), (guint16)number);
    else if (inet_pton(AF_INET6, host, bytes) == 1)
        zone_address_set(address, bytes, sizeof(struct in6_addr), (guint16)number);
    else
        return input_error(error, "\"%s\" is no address", host);
    return TRUE;
}

/* `label` before `name`. */
static gboolean prepend(guint8 out[DNS_NAME_MAX], const char *label, const guint8 *name)
{
    const gsize length = strlen(label);

    if (1 + length + dns_name_length(name) > DNS_NAME_MAX)
        return FALSE;
    out[0] = (guint8)length;
    memcpy(out + 1, label, length);
    memcpy(out + 1 + length, name, dns_name_length(name));
    return TRUE;
}

gboolean zone_names_set(struct zone_names *names, const guint8 *apex)
{
    guint8 bytes[RANDOM_BYTES];
    GString *label = g_string_new("entente-");
    gboolean good;

    memset(names, 0, sizeof *names);
    memcpy(names->apex, apex, dns_name_length(apex));
    memcpy(names->mixed, apex, dns_name_length(apex));
    for (guint i = 0; i < dns_name_length(apex); i += 2)
        names->mixed[i] = (guint8)g_ascii_toupper((char)names->mixed[i]);
    randombytes_buf(bytes, sizeof bytes);
    randombytes_buf(names->cookie, sizeof names->cookie);
    for (guint i = 0; i < sizeof bytes; i++)
        g_string_append_printf(label, "%02x", bytes[i]);
    good = prepend(names->random, label->str, apex) && prepend(names->www, "www", apex);
    g_string_free(label, TRUE);
    dns_name_parse(FOREIGN, names->foreign);
    dns_name_parse("version.bind", names->version);
    return good;
}

/* Code, length, body. */
static void put_option(GByteArray *out, const struct probe_row *row, const struct zone_names *names)
{
    const guint16 length = row->option == OPTION_COOKIE ? sizeof names->cookie : 0;

    if (!row->option)
        return;
    dns_put16(out, row->option);
    dns_put16(out, length);
    g_byte_array_append(out, names->cookie, length);
}

GByteArray *probe_message(enum zone_probe probe, const struct zone_server *server,
                          const struct zone_names *names, guint16 id)
{
    const struct probe_row *row = &rows[probe];
    g_autoptr(GByteArray) option = g_byte_array_new();
    struct dns_query query = {
        .name = (const guint8 *)names + row->name,
        .id = id,
        .type = row->type,
        .class = row->flags & PROBE_CHAOS ? DNS_CLASS_CHAOS : DNS_CLASS_IN,
        .recursion = (row->flags & PROBE_RECURSIVE) != 0,
        .edns = (row->flags & PROBE_EDNS) != 0,
        .dnssec = (row->flags & PROBE_DO) != 0,
        .edns_version = row->edns_version,
        .edns_size = probe == PROBE_DNSKEY_SMALL ? EDNS_SMALL : EDNS_SIZE,
        .edns_flags = row->edns_flags,
    };

    if (!(row->flags & PROBE_OF_PARENT) != !server->of_parent)
        return NULL;
    put_option(option, row, names);
    if (option->len) {
        query.option = option->data;
        query.option_length = (guint16)option->len;
    }
    return dns_query_build(&query);
}
