/*
 * community.h: what this machine remembers of the community it belongs to, in DATA/community/:
 *
 *     policy.json     the genesis policy, as given out of band
 *     log/            verified copy of the log: tiles, checkpoint, history
 *     memory.db       the largest checkpoint ever verified, and every note seen that conflicts
 *     evidence/       bundles: split views, roll-backs, receipts not honoured
 *     register.json   made anew from log/ whenever that grows
 *
 * Everything fetched is verified against the genesis policy and against memory before it is kept.
 */
#pragma once
#include "log/reader.h"
#include "net/http.h"
#include "register/register.h"

struct community;

enum freshness { FRESHNESS_DEMANDED, FRESHNESS_WAIVED /* "told otherwise aloud" */ };

/* Keeps a genesis policy: refuses when another is there already. `hash` (hex) or NULL must match
 * (ENTENTE_ERROR_POLICY). */
gboolean community_adopt(const char *data_folder, const struct community_policy *genesis,
                         const char *hash, const char *url, GError **error);

/* ENTENTE_ERROR_INPUT when no community was joined or made on this machine. */
struct community *community_open(const char *data_folder, GError **error);
void community_close(struct community *community);
typedef struct community community_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(community_t, community_close)

const struct community_policy *community_genesis(const struct community *community);
const char *community_url(const struct community *community); /* of the node asked; or NULL */
/* A local log folder (of `community init`, or a mirror) is read instead of the node. */
const char *community_log_folder(const struct community *community);

struct community_state {
    struct quorum_verdict verdict;
    struct checkpoint *checkpoint; /* the one believed */
    gboolean unwitnessed;          /* no trusted checkpoint yet: the log's word alone */
    guint64 size;
};
void community_state_clear(struct community_state *state);

/*
 * Fetches the newest checkpoint, judges it, demands consistency with memory, copies new entries,
 * folds them. ENTENTE_ERROR_FOUND: split view or roll-back (the bundle's path is in the message);
 * _POLICY: stale or without quorum; _SYSTEM: nobody answered: memory stays as it was.
 */
gboolean community_update(struct community *community, const struct http_options *http,
                          enum freshness freshness, struct community_state *state, GError **error);
/* What memory holds, without the network. */
gboolean community_recall(struct community *community, struct community_state *state,
                          GError **error);

/* The register at the remembered size. Borrowed; changes with the next update. */
const struct reg *community_register(struct community *community, GError **error);

struct submission {
    gboolean accepted;
    guint64 index; /* when included at once */
    gboolean included;
    char *reason;    /* of a refusal */
    GBytes *receipt; /* signed by the log: kept in DATA/community/receipts/ */
    GBytes *proof;   /* tlog-proof; or NULL */
};
void submission_clear(struct submission *submission);

/* Hands an envelope to the node; checks the receipt's signature and what it says. */
gboolean community_submit(struct community *community, const struct http_options *http,
                          GBytes *envelope, struct submission *submission, GError **error);
