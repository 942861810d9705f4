/*
 * resolve.h: what a resolver says of a zone: whether it validates (libunbound's verdict), where
 * its parent is, and where the servers and other hosts are that it names.
 *
 * Two resolvers are asked: one that validates, for the verdicts, and one that gives what does not
 * validate, too, since of a bogus zone the first gives nothing, not even the servers to look at.
 */
#pragma once
#include "net/dns.h"
#include "p2_internet/zone/probe.h"

/* RFC 4035 section 4.3; ZONE_NONE, of the apex only: whatever was proven, there is no zone. */
enum zone_security { ZONE_SECURE, ZONE_INSECURE, ZONE_BOGUS, ZONE_INDETERMINATE, ZONE_NONE };
const char *zone_security_name(enum zone_security security); /* "secure", ... */

struct zone_verdict {
    const char *what; /* "apex", "keys", "www", "absent name" */
    char *name, *why; /* why: NULL when secure */
    guint16 type;
    enum zone_security security;
};

/* A host that the zone names: as server, mail exchanger, ... */
struct zone_host {
    char *name;                               /* as text, with the last dot */
    gboolean is_alias, is_absent, is_unknown; /* CNAME; NXDOMAIN; no answer */
    char *target;                             /* of an alias: what it leads to; else NULL */
    guint aliases;      /* how many lead on from it, each to the next; zone_chains_find() */
    gboolean is_circle; /* and back to one of them */
    char *absent;       /* zone_absent_find(); NULL: nothing that others could register */
    GArray *addresses;  /* struct sockaddr_storage */
};
void zone_host_free(struct zone_host *host);

struct zone_resolver;
struct zone_resolver *zone_resolver_new(const struct dns_options *options, GError **error);
void zone_resolver_free(struct zone_resolver *resolver);
typedef struct zone_resolver zone_resolver_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(zone_resolver_t, zone_resolver_free)

/* struct zone_verdict of the apex, its keys, www and a name that is not there. */
GArray *zone_verdicts(struct zone_resolver *resolver, const struct zone_names *names,
                      GError **error);

/* struct dns_answer for each of `names` (char *), NULL where there was none in time. */
GPtrArray *zone_answers(struct zone_resolver *resolver, const GPtrArray *names, guint16 type,
                        GError **error);
/* The name in the data of an answer, behind `skip` bytes, as text; NULL: none. */
char *zone_name_in(GBytes *data, gsize skip);

/* Names (as text) that a resolver finds in records of `name`: of NS, MX, or SOA (MNAME). Empty:
 * none, or no answer. */
GPtrArray *zone_names_in(struct zone_resolver *resolver, const char *name, guint16 type,
                         GError **error);

/* The zone above `name`: "." at last. */
char *zone_parent(struct zone_resolver *resolver, const char *name, GError **error);

/* struct zone_host for each of `names` (char *), with addresses at `port`. */
GPtrArray *zone_hosts(struct zone_resolver *resolver, const GPtrArray *names, guint16 port,
                      GError **error);
