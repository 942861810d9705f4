/*
 * commitment_root.h: one padded root an hour over all events of cases, in the public log
 * (predicate case-root:1), so that a party can prove when it had what, and nobody learns how much.
 *
 * Every hour has one, also without any event. A leaf is SHA-256(0x00 || salt || event hash); salt
 * and the leaves that fill up to the next power of 4, at least 64, come from the hour's random seed
 * (DATA/delivery.db), so that only who has the seed can tell which is which. Leaves stand in the
 * order of their bytes. Events of hours in which no node ran are in the next root.
 *
 * A timeliness proof (docs/schema/case-proof.json) is {"schema", "event", "salt", "index",
 * "leaves", "path"[], "entry", "tlog_proof"}: it shows that the event existed by the log time of
 * the entry, and nothing else.
 */
#pragma once
#include "community/community.h"
#include "delivery/ledger.h"
#include "process/cases.h"

#define CASE_PROOF_SCHEMA "entente/case-proof/1"
#define CASE_PROOF_LIMIT (256u << 10) /* bytes */

struct case_root_self {
    const char *origin, *id, *domain;
};

/*
 * The statement (payload) of the hour that ended, when it is due and not logged yet; NULL without
 * an error: nothing is due. The caller signs, submits, and says when it is in the log
 * (ledger_log_hour()) or was refused for good (ledger_drop_hour()).
 */
GBytes *case_root_due(struct ledger *ledger, struct cases *cases, const struct case_root_self *self,
                      gint64 now_us, gint64 *hour_us, GError **error);

/*
 * Signs and submits the statement that is due, if one is. `made`: it is in the log, or promised to
 * be. Without a connection it stays due. A root that the log refuses for good is made anew.
 */
gboolean case_root_commit(struct ledger *ledger, struct cases *cases, struct community *community,
                          const struct case_root_self *self, const struct signing_key *key,
                          const struct http_options *http, gint64 now_us, gboolean *made,
                          GError **error);

/* Where the entry is in the log. */
gboolean case_root_entry_index(const struct reg *reg, GBytes *entry, guint64 *index);

/* The proof for one event; NULL without an error: its hour is in no trusted checkpoint yet. */
json_t *case_root_prove(struct ledger *ledger, struct community *community,
                        const struct case_hash *event, GError **error);

enum case_root_stage {
    CASE_ROOT_RUNNING, /* its hour is not over */
    CASE_ROOT_DUE,     /* over, and its root is not in the log */
    CASE_ROOT_LOGGED,  /* in the log; in a trusted checkpoint, or not yet */
};
/* How far an event is on its way to a proof; `until_us`: of one whose hour runs, when that ends. */
gboolean case_root_stage_of(struct ledger *ledger, struct cases *cases,
                            const struct case_hash *event, gint64 now_us,
                            enum case_root_stage *stage, gint64 *until_us, GError **error);

struct case_root_proven {
    struct case_hash event;
    gint64 log_time_us; /* it existed by then */
    char *author;       /* id of the signatory that committed to it */
    guint64 index;      /* of the entry */
};
void case_root_proven_clear(struct case_root_proven *proven);
typedef struct case_root_proven case_root_proven_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(case_root_proven_t, case_root_proven_clear)

/*
 * Judges a proof by the copy of the log on this machine. ENTENTE_ERROR_INPUT: malformed; _FOUND:
 * it does not lead to the root, or the entry does not count; _SYSTEM: the copy does not reach so
 * far, or no trusted checkpoint includes the entry yet.
 */
gboolean case_root_verify(const json_t *proof, struct community *community,
                          struct case_root_proven *proven, GError **error);
