/*
 * networks.h: in which announced prefix each server of a zone stands, of which AS, and whether the
 * RPKI allows that. From tables of routes that the caller has, or from the payloads of RPKI alone:
 * nobody else is asked.
 */
#pragma once
#include "p2_internet/zone/probe.h"
#include "rpki/vrp.h"

struct zone_network_source {
    const struct vrp_set *vrps; /* NULL: none */
    char **routes;              /* MRT files; NULL: what the payloads say is taken */
    /* What of them cannot be read; `has_offset`: where. */
    void (*problem)(const char *file, gboolean has_offset, guint64 offset, const char *problem,
                    gpointer unused);
};

struct zone_origin {
    guint32 as;
    enum rov_state rov; /* of an announced prefix, where there are payloads */
};

/* The longest prefix around one server's address. */
struct zone_network {
    gboolean is_there;     /* else nothing covers the address */
    gboolean is_announced; /* by a table; else `prefix` is that of a payload */
    gboolean has_rov;
    struct ip_prefix prefix;
    GArray *origins; /* struct zone_origin, by AS, each once; those that are known */
};

/* struct zone_network of each server. A process with one thread: the tables are read in a worker.
 */
GArray *zone_networks_find(const struct zone_network_source *source,
                           const struct zone_server *servers, guint count, GError **error);
