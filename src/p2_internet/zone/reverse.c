#include "p2_internet/zone/reverse.h"

#include "net/address.h"

#include <netinet/in.h>

#define ADDRESSES_MAX 64u

static void reverse_free(gpointer data)
{
    struct zone_reverse *reverse = data;

    g_free(reverse->host);
    g_ptr_array_unref(reverse->names);
    g_free(reverse);
}

void reverse_name(const struct sockaddr_storage *address, char text[REVERSE_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    const guint8 *bytes;
    char *at = text;

    if (address->ss_family == AF_INET) {
        bytes = (const guint8 *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
        g_snprintf(text, REVERSE_TEXT, "%u.%u.%u.%u.in-addr.arpa.", bytes[3], bytes[2], bytes[1],
                   bytes[0]);
        return;
    }
    bytes = (const guint8 *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    for (guint i = sizeof(struct in6_addr); i-- > 0;) {
        *at++ = digits[bytes[i] & 0xf];
        *at++ = '.';
        *at++ = digits[bytes[i] >> 4];
        *at++ = '.';
    }
    g_strlcpy(at, "ip6.arpa.", REVERSE_TEXT - (gsize)(at - text));
}

static void add_all(GPtrArray *found, const struct zone_host *host, gboolean allow_private)
{
    for (guint i = 0; i < host->addresses->len && found->len < ADDRESSES_MAX; i++) {
        const struct sockaddr_storage *address =
            &g_array_index(host->addresses, struct sockaddr_storage, i);
        struct zone_reverse *reverse;

        if (!allow_private && !address_is_public((const struct sockaddr *)address))
            continue;
        reverse = g_new0(struct zone_reverse, 1);
        reverse->host = g_strdup(host->name);
        reverse->address = *address;
        reverse->names = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(found, reverse);
    }
}

static void take(struct zone_reverse *reverse, const struct dns_answer *answer)
{
    reverse->is_unknown =
        !answer || (answer->rcode != DNS_RCODE_NOERROR && answer->rcode != DNS_RCODE_NXDOMAIN);
    for (guint i = 0; answer && i < answer->data->len; i++) {
        char *name = zone_name_in(answer->data->pdata[i], 0);

        if (name)
            g_ptr_array_add(reverse->names, name);
    }
}

GPtrArray *zone_reverse_find(struct zone_resolver *resolver, const GPtrArray *hosts,
                             gboolean allow_private, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(reverse_free);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free), answers = NULL;

    for (guint i = 0; i < hosts->len; i++)
        add_all(found, hosts->pdata[i], allow_private);
    for (guint i = 0; i < found->len; i++) {
        char *name = g_malloc(REVERSE_TEXT);

        reverse_name(&((const struct zone_reverse *)found->pdata[i])->address, name);
        g_ptr_array_add(names, name);
    }
    answers = zone_answers(resolver, names, DNS_TYPE_PTR, error);
    if (!answers)
        return NULL;
    for (guint i = 0; i < found->len; i++)
        take(found->pdata[i], answers->pdata[i]);
    return g_steal_pointer(&found);
}
