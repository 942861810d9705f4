/*
 * watch_state.h: what the watch knows, as text for a file: a restart forgets no incident, and tells
 * none anew.
 *
 *     {"state": "entente/routes-state/1", ...}
 *     {"feed": ...}  {"hosted": ...}  {"peer": ...}  {"visible": ...}  {"incident": ...}  {"route":
 * ...}
 *     {"untold": ...}
 *     sha256 HEX of all before
 *
 * Routes are judged anew when they are read back, by the profile and the payloads of then. What
 * the profile does not have any more is forgotten.
 */
#pragma once
#include "p2_internet/routes/watch.h"

#define WATCH_STATE_MAX ((gsize)256 << 20) /* bytes */

/*
 * `keeps`: whether the routes of the peers of a feed hold beyond this run; where a feed tells all
 * of them again in its next, they do not. `untold` (char *): lines, one report each, that nobody
 * took yet.
 */
GString *watch_state_text(const struct watch *watch, gboolean (*keeps)(const char *feed),
                          const GPtrArray *untold);

/*
 * Into a new watch. Reports that nobody took are added to `untold`. ENTENTE_ERROR_INPUT with the
 * line: cut, changed, or not such a text; then the watch is to be made anew.
 */
gboolean watch_state_read(struct watch *watch, const char *text, gsize length, gint64 now_us,
                          GPtrArray *untold, GError **error);
