/* echo.h: contact drills of level 1 are answered, and judged, by the machine within seconds. */
#pragma once
#include "process/cases.h"

/* Answers all that wait; gives how many. A drill that cannot be answered stays for people. */
gboolean echo_drills(struct cases *cases, const char *self, const struct signing_key *key,
                     gint64 now_us, guint *echoed, GError **error);

/* Judges the echoes to our own drills: an echo with the number that was sent is what was asked for,
 * before the clock for a person's answer runs out. */
gboolean echo_judge(struct cases *cases, const char *self, const struct signing_key *key,
                    gint64 now_us, GError **error);
