/*
 * cooperation.h: how this organisation keeps what it promised others, read before judging.
 *
 * A judge runs in a worker that can open no database; so the parent reads the facts once, when a
 * measure about them is asked for, and the worker inherits them (asset_view.cooperation):
 *
 *     { "cases": case numbers of the last year (process/cases.h), or null: no case ever,
 *       "contacts": the clocks of DATA/contacts.json (p9_norms/contacts.h), or null: none kept,
 *       "community": { "origin", "checkpoint_age_s"?, "max_age_s", "signatory": ID or null,
 *         "witness": { "cosigned": bool, "age_s" } or null: we are no witness of it,
 *         "assessment": what was drawn of our latest (register_draw()), or null,
 *         "to_review": [ draws in which we come first, not reviewed yet ] } or null: none joined,
 *       "hunt": how logs are searched (hunting.h), or null: no log is named, no table installed,
 *       "errors": { member: why it could not be read } }
 */
#pragma once
#include "base/json.h"
#include "profile/profile.h"

/* Of the measures that need the facts; ends with NULL. */
extern const char *const cooperation_prefixes[];

/* Never NULL; owned by the caller. `data_folder` NULL: nothing is known. `profile`: ours. */
json_t *cooperation_read(const char *data_folder, const struct profile *profile, gint64 now_us);
