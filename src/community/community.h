/*
 * community.h: what this machine remembers of the community it belongs to, in DATA/community/:
 *
 *     policy.json     the genesis policy, as given out of band
 *     log/            verified copy of the log: tiles, checkpoint, history
 *     memory.db       the largest checkpoint ever verified, receipts, settings (memory.h)
 *     evidence/       bundles: split views, roll-backs, receipts not honoured
 *
 * Everything fetched is verified against the policy in force and against memory before it is kept.
 */
#pragma once
#include "community/memory.h"
#include "log/quorum.h"
#include "log/reader.h"
#include "net/http.h"
#include "register/register.h"

struct community;

enum freshness { FRESHNESS_DEMANDED, FRESHNESS_WAIVED /* "told otherwise aloud" */ };

/* Whether a community was joined or made on this machine. */
gboolean community_exists(const char *data_folder);

/* Keeps a genesis policy: refuses when another is there already. `hash` (hex) or NULL must match
 * (ENTENTE_ERROR_POLICY). `url`: the node to ask; or NULL: the policy's. */
gboolean community_adopt(const char *data_folder, const struct community_policy *genesis,
                         const char *hash, const char *url, GError **error);

/* ENTENTE_ERROR_INPUT when no community was joined or made on this machine. */
struct community *community_open(const char *data_folder, GError **error);
void community_close(struct community *community);
typedef struct community community_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(community_t, community_close)

const struct community_policy *community_genesis(const struct community *community);
/* The policy in force at the remembered size. Borrowed; changes with the next update. */
const struct community_policy *community_policy_in_force(struct community *community,
                                                         GError **error);
const char *community_url(const struct community *community); /* of the node asked; or NULL */
/* Where entries, checkpoint and history lie on this machine: the log itself (of `community init`),
 * which is then read instead of the node, or the verified copy. */
const char *community_log_folder(const struct community *community);
gboolean community_is_local(const struct community *community);
const char *community_evidence_folder(const struct community *community);
struct memory *community_memory(struct community *community);

struct community_state {
    struct quorum_verdict verdict;
    struct checkpoint *checkpoint; /* the one believed; NULL: nothing is remembered */
    GBytes *note;                  /* its note; or NULL */
    gboolean unwitnessed;          /* no trusted checkpoint yet: the log's word alone */
    guint64 size;
    guint64 broken_receipts; /* found broken by this update */
};
void community_state_clear(struct community_state *state);
typedef struct community_state community_state_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(community_state_t, community_state_clear)

/*
 * Fetches the newest checkpoint, judges it, demands consistency with memory, copies new entries,
 * judges receipts that are due. ENTENTE_ERROR_FOUND: a false signature, a split view or a roll-back
 * (the bundle's path is in the message); _POLICY: stale, or without a quorum where there was one;
 * _SYSTEM: nobody answered: memory stays as it was. `state` is filled as far as it went; clear it.
 */
gboolean community_update(struct community *community, const struct http_options *http,
                          enum freshness freshness, struct community_state *state, GError **error);
/* Whether a log somewhere, by its checkpoint that its key signed, continues what this machine
 * remembers; nothing is kept but evidence. ENTENTE_ERROR_FOUND: as community_update(). */
gboolean community_agrees(struct community *community, struct log_reader *reader, const char *where,
                          const struct checkpoint *checkpoint, GBytes *note, GError **error);
/* What memory holds, without the network; judged by the clock of now (verdict.reason). */
gboolean community_recall(struct community *community, struct community_state *state,
                          GError **error);

/* The register at the remembered size. Borrowed; changes with the next update. */
const struct reg *community_register(struct community *community, GError **error);
/* The log time of an entry as the register was folded with it; 0: none yet. */
gint64 community_time_us(struct community *community, guint64 index);
/* The trusted checkpoints (struct log_moment) of that register; NULL before it was folded. */
const GArray *community_moments(const struct community *community);
/* A reader of the copy, trusting what memory holds. Borrowed. */
struct log_reader *community_reader(struct community *community, GError **error);

struct submitted {
    gboolean accepted;
    guint64 index; /* when included at once */
    gboolean included;
    gboolean was_there; /* it stood in the log already: no receipt */
    char *reason;       /* of a refusal */
    gint64 by_us;       /* accepted: included by then */
    GBytes *receipt;    /* signed by the log: kept in memory; or NULL */
    GBytes *proof;      /* tlog-proof; or NULL */
};
void submitted_clear(struct submitted *submission);
typedef struct submitted submitted_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(submitted_t, submitted_clear)

/*
 * Hands an entry (canonical envelope) to the node; checks the
 * receipt's signature and what it says. A refusal is TRUE with accepted FALSE. ENTENTE_ERROR_FOUND:
 * an answer that is not the log's.
 */
gboolean community_submit(struct community *community, const struct http_options *http,
                          GBytes *entry, struct submitted *submission, GError **error);

/* The entry of an envelope: its RFC 8785 bytes. */
struct dsse;
GBytes *community_entry(const struct dsse *envelope, GError **error);
