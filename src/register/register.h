/*
 * register.h: who endorsed the Call, with which keys, in which group attested by whom, and what
 * they said: folded from the entries of a log in order, and from nothing else (TRUST.md).
 *
 * Each entry is judged by the state in force at its own index. An entry that does not count keeps
 * its place and the reason. The same entries and moments give the same bytes.
 */
#pragma once
#include "base/json.h"
#include "log/history.h"
#include "profile/profile.h"
#include "register/community_policy.h"
#include "statement/predicate.h"

#define SIGNATORY_ID_SIZE 32
#define REGISTER_SCHEMA "entente/register/1"
#define REGISTER_DRAW_SCHEMA "entente/review-draw/1"

struct reg;
typedef struct reg reg_t; /* register_t is of sys/types.h */

/* A register of the community whose genesis policy this is (a copy is kept). */
struct reg *register_new(const struct community_policy *genesis);
void register_free(struct reg *reg);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(reg_t, register_free)

/*
 * The trusted checkpoints of the log (struct log_moment, in order of size): the dice by which
 * reviews are drawn. A reference is kept. They are set, or grow at their end, before the entries
 * they include are folded: dice are thrown over those willing then. A register that never gets any
 * judges reviews by their signer alone: good enough to admit entries, not to show.
 */
void register_set_moments(struct reg *reg, GArray *moments);

enum register_verdict {
    REGISTER_COUNTS,
    REGISTER_MALFORMED,   /* not canonical, not an envelope, not a whole statement */
    REGISTER_SIGNATURE,   /* no signature of a key that may say this */
    REGISTER_UNKNOWN_KEY, /* by a key that no signatory has */
    REGISTER_ROLE,        /* the key's role, or its limit to predicates, does not allow it */
    REGISTER_EXPIRED,     /* the key's delegation had run out, or not begun */
    REGISTER_REVOKED,     /* the key was revoked at an earlier index */
    REGISTER_OTHER_LOG,   /* it names another log */
    REGISTER_QUORUM,      /* a policy without the quorum of the old one */
    REGISTER_CONFLICT,    /* contradicts what counts already: a second group, a domain taken ... */
    REGISTER_EXPOSURE,    /* a predicate that never goes into a log */
    REGISTER_UNKNOWN_PREDICATE,
};
const char *register_verdict_name(enum register_verdict verdict); /* "revoked"; NULL: counts */

/*
 * Judges what an entry would be if it came next at `time_us`, without changing anything: admission
 * to the log. `message` (or NULL) says why not; owned by the caller. Safe on many threads at once,
 * while nobody folds.
 */
enum register_verdict register_judge(const struct reg *reg, GBytes *entry, gint64 time_us,
                                     char **message);

/*
 * Folds the next entry: `index` is the number folded so far. `time_us` is its log time; where there
 * is none yet (0), the times of keys are judged by the statement's own. An entry that was folded
 * without its log time is not judged again: who wants it judged folds anew.
 */
enum register_verdict register_fold(struct reg *reg, guint64 index, GBytes *entry, gint64 time_us);
guint64 register_size(const struct reg *reg);

/*
 * Folds many entries (GBytes *) as register_fold() would one after the other, with the same
 * result; forms and signatures are checked on `threads` threads (0: one a core). `times_us` has
 * one log time for each, or is NULL: none are known.
 */
void register_fold_many(struct reg *reg, const GPtrArray *entries, const gint64 *times_us,
                        guint threads);

/* The policy in force now, and for a log of `size`. Borrowed. */
const struct community_policy *register_policy(const struct reg *reg);
const struct community_policy *register_policy_at(const struct reg *reg, guint64 size);

/*
 * The whole register as one JSON document (docs/schema/register.json) in canonical form: the same
 * bytes from the same log. `now_us` decides only freshness classes and ages, and stands in it.
 */
GBytes *register_document(const struct reg *reg, gint64 now_us, GError **error);

/* The members of the document for one signatory, by id (or its beginning, at least 8 digits),
 * domain or key. NULL and ENTENTE_ERROR_INPUT: none, or several. */
json_t *register_signatory(const struct reg *reg, const char *who, gint64 now_us, GError **error);

/* The id (hex) of the signatory that is called so, as above. Owned by the caller. */
char *register_id(const struct reg *reg, const char *who, GError **error);
/* The same of whoever has one of `keys` (struct public_key *); NULL: nobody. */
char *register_id_of_keys(const struct reg *reg, const GPtrArray *keys);
/* All that were not removed. */
typedef void (*register_each_fn)(const char *id, const char *domain, gpointer data);
void register_each(const struct reg *reg, register_each_fn each, gpointer data);

/*
 * The keys (struct public_key *) that may sign statements of `predicate` for the signatory with
 * this id at `time_us`: what goes from signatory to signatory and into no log is judged by the
 * register of now, and a revoked key by the log time of the first entry that is not to be believed.
 * `hint` (or NULL) narrows to one key; `why` (or NULL) says why that one may not. NULL: no such
 * signatory, or it was removed.
 */
GPtrArray *register_signers(const struct reg *reg, const char *id,
                            const struct predicate *predicate, gint64 time_us, const char *hint,
                            enum register_verdict *why);
/* Its seal keys in force ("x25519:..."), the newest first; none: it takes no messages. */
GPtrArray *register_seal_keys(const struct reg *reg, const char *id, gint64 now_us);
/* Where it takes messages (the predicate of its mailbox:1). Borrowed; NULL: it said nothing. */
const json_t *register_mailbox(const struct reg *reg, const char *id);

/* The index of the entry with this leaf hash, the first that counts before all others. */
gboolean register_index_of(const struct reg *reg, const guint8 leaf[32], guint64 *index);

/*
 * What was drawn of the assessment at `index` (docs/schema/review-draw.json): its commitments, the
 * dice, the findings drawn with the severity each must have, the reviewers, when the answer is due;
 * "draw" is null until a trusted checkpoint includes it. NULL and ENTENTE_ERROR_INPUT: no such.
 */
json_t *register_draw(const struct reg *reg, guint64 index, GError **error);

/* What entry `index` is: {"index","verdict","type","signatory","disputed","time"...}; NULL. */
json_t *register_entry(const struct reg *reg, guint64 index);
