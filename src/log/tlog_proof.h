/*
 * tlog_proof.h: the offline proof of one entry (C2SP tlog-proof): index, inclusion path and the
 * cosigned checkpoint in one text file, ".tlog-proof".
 */
#pragma once
#include "log/checkpoint.h"
#include "log/quorum.h"

#define TLOG_PROOF_LIMIT (NOTE_LIMIT + 8192)

struct tlog_proof {
    guint64 index;
    GBytes *extra; /* unauthenticated; or NULL */
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    guint length;
    struct note *note;
    struct checkpoint *checkpoint;
};
typedef struct tlog_proof tlog_proof_t;

struct tlog_proof *tlog_proof_parse(const void *data, gsize length, const char *name,
                                    GError **error);
void tlog_proof_free(struct tlog_proof *proof);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tlog_proof_t, tlog_proof_free)

char *tlog_proof_text(guint64 index, const struct merkle_hash *path, guint length, GBytes *note);

/*
 * Judges a proof of `entry` under `policy`. TRUE: included under a checkpoint of the policy's log;
 * `verdict` says whether its cosignatures make the quorum, and the margins. FALSE and
 * ENTENTE_ERROR_FOUND: a signature or the path is false; `verdict->reason` names it.
 */
gboolean tlog_proof_verify(const struct tlog_proof *proof, const void *entry, gsize length,
                           const struct quorum_policy *policy, struct quorum_verdict *verdict,
                           GError **error);
