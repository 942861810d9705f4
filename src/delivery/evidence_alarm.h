/*
 * evidence_alarm.h: evidence against a log becomes an alarm.
 *
 * Bundles (log/evidence.h) are written where something is verified: DATA/community/evidence and
 * DATA/follow/LOG/evidence. Who may write cases looks there: the node, `entente log follow`,
 * `entente alarm` and `entente inbox`. A bundle opens one alarm in its life, whoever looks first;
 * further ones of the same kind against the same log are added to it while it is open.
 */
#pragma once
#include "process/cases.h"

/* Bundles not looked at before; gives how many. A file that is no bundle is passed over. */
gboolean evidence_alarms(struct cases *cases, const char *data_folder,
                         const struct signing_key *key, gint64 now_us, guint *raised,
                         GError **error);

/* Whether there may be some: cheap, and opens no database. */
gboolean evidence_waits(const char *data_folder);
