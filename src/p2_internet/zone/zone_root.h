/*
 * zone_root.h: the root zone: its chain, the serial that each letter has, and a copy of it
 * verified by its digest and signatures.
 *
 *     { "schema": "entente/zone-root/1", "time", "verdict", "verdicts": as zone_check.h,
 *       "servers": [ { "host", "address", "serial"?, "identity"?, "udp", "behind" } ],
 *       "serial"?: the newest, "copy"?: zone_copy.h, "copy_from"?, "copy_error"?,
 *       "problems": [ { "level", "text" } ] }
 *
 * "behind": the server's serial is older than the newest.
 */
#pragma once
#include "p2_internet/zone/zone_check.h"

#define ZONE_ROOT_SCHEMA "entente/zone-root/1"

struct zone_root_options {
    struct zone_check_options check; /* dns, port, allow_private, try_us, now_s */
    const char *file;                /* a copy of the zone; NULL: by transfer */
    const char *transfer_from;       /* "ADDRESS[:PORT]"; NULL: the first server that gives it */
};

json_t *zone_root_run(const struct zone_root_options *options, GError **error);
