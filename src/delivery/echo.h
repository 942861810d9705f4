/* echo.h: contact drills of level 1 are answered by the machine, within seconds. */
#pragma once
#include "process/cases.h"

/* Answers all that wait; gives how many. A drill that cannot be answered stays for people. */
gboolean echo_drills(struct cases *cases, const char *self, const struct signing_key *key,
                     gint64 now_us, guint *echoed, GError **error);
