/*
 * watch_hosts.h: where the organisation's name servers are: a list, as lines of a file.
 *
 *     # name          address         AS numbers that may announce it (optional)
 *     ns1.example.org 192.0.2.53
 *     ns2.example.org 2001:db8::53    64500 64501
 *
 * or lines as `entente zone check --format json` writes them, of which the zone's servers count.
 *
 * The prefixes that hold them are mostly others': which these are, and who announces them, the
 * watch learns by listening (watch.h).
 */
#pragma once
#include "net/prefix.h"

struct watch_host {
    char *name;
    struct ip_prefix address; /* of /32 or /128 */
    GArray *origins;          /* guint32; empty: learned */
};
void watch_host_free(gpointer host);

/* Array of struct watch_host *; `name` stands in messages, with the line. */
GPtrArray *watch_hosts_parse(const char *text, const char *name, GError **error);
/* The same of a file. */
GPtrArray *watch_hosts_read(const char *path, GError **error);
