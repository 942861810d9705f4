/* reverse.h: the names that addresses lead back to (PTR records, RFC 1035 section 3.5). */
#pragma once
#include "p2_internet/zone/resolve.h"

#define REVERSE_TEXT 80 /* bytes for the longest name and its NUL */

/* "1.2.0.192.in-addr.arpa.", or 32 digits below ip6.arpa. (RFC 3596 section 2.5). */
void reverse_name(const struct sockaddr_storage *address, char text[REVERSE_TEXT]);

struct zone_reverse {
    char *host; /* whose address it is */
    struct sockaddr_storage address;
    gboolean is_unknown; /* no answer */
    GPtrArray *names;    /* as text; empty: none */
};

/* struct zone_reverse of each public address of `hosts` (struct zone_host); of all addresses with
 * `allow_private`. */
GPtrArray *zone_reverse_find(struct zone_resolver *resolver, const GPtrArray *hosts,
                             gboolean allow_private, GError **error);
