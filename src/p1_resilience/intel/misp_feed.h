/*
 * misp_feed.h: a folder that MISP fetches from: UUID.json for each event, manifest.json, hashes.csv
 * (MD5 of each value, by which a server finds what it has in common with the feed).
 */
#pragma once
#include "base/json.h"

/*
 * Adds events (json_t *: what the egress point let pass, the inside of "Event") to the feed in
 * `folder`; those that it has are replaced. The manifest is written last.
 */
gboolean misp_feed_add(const char *folder, const GPtrArray *events, GError **error);

/* What manifest.json says of one event; the caller owns it. NULL: no UUID. */
json_t *misp_feed_entry(const json_t *event);
/* Appends the event's lines of hashes.csv. */
void misp_feed_hashes(const json_t *event, GString *lines);
