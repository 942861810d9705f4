/*
 * replay.h: the register of a log with its log times, from its entries and its history.
 *
 * A record of the history is a moment when a quorum of the policy in force had cosigned the log,
 * and when its root is that of the log at its size. The entries that it is the first to include
 * get its time. A record that includes a change of the policy is judged by the new policy: that
 * one carries the signatures of the old one's quorum.
 */
#pragma once
#include "log/history.h"
#include "log/reader.h"
#include "register/register.h"

struct replay {
    struct reg *reg;
    GArray *moments; /* struct log_moment: the trusted ones */
    guint refused;   /* records that are not */
};
void replay_clear(struct replay *replay);

/*
 * Folds the entries [0, size) of a log that `reader` trusts at least up to `size`. `history` may
 * be NULL. ENTENTE_ERROR_FOUND, _SYSTEM: as the reader says.
 */
gboolean replay_log(const struct community_policy *genesis, struct log_reader *reader, guint64 size,
                    GBytes *history, struct replay *replay, GError **error);

/* Whether an entry says that it is a policy. Pure; it may be refused all the same. */
gboolean replay_is_policy(GBytes *entry);

struct community;
/* The same of the first `size` entries of a community's copy. */
gboolean community_replay(struct community *community, guint64 size, struct replay *replay,
                          GError **error);
