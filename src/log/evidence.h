/*
 * evidence.h: bundles that prove to anyone what a log did wrong.
 *
 *     { "schema": "entente/evidence/1", "kind": KIND, "origin", "log_keys": [VKEY],
 *       "observed": TIME, "notes": [{"note": verbatim, "from": where}, ...], ... }
 *
 * split-view    two notes signed by the log: of one size with different roots, or of two sizes,
 *               with "prefix" (the root that the larger tree had at the smaller size) and "path"
 *               (its consistency proof): the larger tree does not begin with the smaller one
 * rolled-back   the log showed less than it had signed before; the notes prove what it signed, that
 *               the smaller one was shown later is the observer's word
 * receipt       "receipt" and "entry" (envelopes): the log promised to include the entry by a time;
 *               "notes" holds a checkpoint whose cosignatures are later. With "index" and "leaf"
 *               and "path": another entry stands where the receipt says. Without: the checkpoint's
 *               tree does not hold the entry, as anyone who has the log can see
 *
 * A bundle is written once and never changed.
 */
#pragma once
#include "base/json.h"
#include "log/checkpoint.h"
#include "log/quorum.h"

#define EVIDENCE_SCHEMA "entente/evidence/1"
#define EVIDENCE_LIMIT (8u << 20) /* bytes of a bundle */

/* A note and where it was seen ("https://...", "witness NAME", a file). */
struct evidence_note {
    GBytes *note;
    const char *from;
};

/*
 * `prefix` NULL: both have one size. `log_keys`: struct note_key *, of the origin. Notes are UTF-8
 * by their definition.
 */
json_t *evidence_split_view(const char *origin, const GPtrArray *log_keys,
                            const struct evidence_note notes[2], const struct merkle_hash *prefix,
                            const struct merkle_hash *path, guint length);
json_t *evidence_rolled_back(const char *origin, const GPtrArray *log_keys,
                             const struct evidence_note notes[2]);
/* `path` NULL: the entry is nowhere; else `leaf` stands at `index` instead. */
json_t *evidence_receipt(const char *origin, const GPtrArray *log_keys, const json_t *receipt,
                         const json_t *entry, const struct evidence_note *checkpoint, guint64 index,
                         const struct merkle_hash *leaf, const struct merkle_hash *path,
                         guint length);

/* Writes FOLDER/KIND-HEX.json, named by its digest without "observed". Gives the path. */
char *evidence_write(const char *folder, const json_t *bundle, GError **error);

enum evidence_proof {
    EVIDENCE_PROVEN,   /* the bundle alone proves it */
    EVIDENCE_OBSERVED, /* the notes are genuine; the rest is the observer's word, or in the log */
};

struct evidence_verdict {
    enum evidence_proof proof;
    const char *kind; /* static: "split-view" ... */
    char *origin;
    gboolean key_known; /* the log's key is one of those given */
    guint64 sizes[2];
    gint64 observed_us;
    char *explanation; /* one sentence for people */
};
void evidence_verdict_clear(struct evidence_verdict *verdict);

/*
 * Judges a bundle. `log_keys` (struct note_key *; or NULL): the keys that the judge knows to be
 * the log's; without, the bundle's own are used and `key_known` is FALSE. `policy` (or NULL)
 * judges the cosignatures that a receipt's due date is measured by. FALSE and
 * ENTENTE_ERROR_INPUT: malformed; _FOUND: it does not prove what it says.
 */
gboolean evidence_judge(const json_t *bundle, const GPtrArray *log_keys,
                        const struct quorum_policy *policy, struct evidence_verdict *verdict,
                        GError **error);
