/* probe_list.h: what each question of probe.h is, for probe.c (built) and ask.c (sent). */
#pragma once
#include "p2_internet/zone/probe.h"

enum probe_flags {
    PROBE_EDNS = 1 << 0,
    PROBE_DO = 1 << 1, /* DNSSEC OK */
    PROBE_TCP = 1 << 2,
    PROBE_RECURSIVE = 1 << 3,
    PROBE_UDP_ONLY = 1 << 4, /* truncated is an answer */
    PROBE_OF_PARENT = 1 << 5,
    PROBE_CHAOS = 1 << 6,
};

guint probe_flags_of(enum zone_probe probe);
/* The message; NULL: this server is not asked that. */
GByteArray *probe_message(enum zone_probe probe, const struct zone_server *server,
                          const struct zone_names *names, guint16 id);
