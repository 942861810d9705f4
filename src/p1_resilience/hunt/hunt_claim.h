/*
 * hunt_claim.h: a hunt as a signed statement: "we looked there, with this, and found so much".
 *
 * In public (predicate urn:entente:predicate:hunt:1): digests of the tables, times, how many files,
 * bytes, lines and hits. Private, in salted commitments that are opened one by one or all:
 *
 *     {"type": "file", "file", "size", "sha256" (null: not opened), "bytes", "lines", "hits",
 *      "first", "problem"?}                     every file, by the bytes that were read of it
 *     {"type": "hit", "of": index of its file, and the members of a hit without "file"}
 *
 * A file's "hits" entries (suppressed ones too) begin at the entry "first" and stand one after
 * another, so that who opens a file cannot leave one out. A reviewer who has a file and the tables
 * repeats the hunt and compares (hunt_claim_file_differs()).
 */
#pragma once
#include "p1_resilience/hunt/scan_files.h"
#include "statement/commitment.h"
#include "statement/key.h"

struct hunt_claim;
typedef struct hunt_claim hunt_claim_t;

/* The table and the rule of the hunt are borrowed. */
struct hunt_claim *hunt_claim_new(const struct hunt_table *table,
                                  const struct hunt_scan_options *options);
void hunt_claim_free(struct hunt_claim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hunt_claim_t, hunt_claim_free)

/* As hunt_scan_files() tells them. */
void hunt_claim_hit(struct hunt_claim *claim, const struct hunt_hit *hit);
void hunt_claim_scanned(struct hunt_claim *claim, const struct hunt_scanned *input);

/*
 * The signed envelope and the private openings, as the texts of their files. `log` (or NULL): the
 * community's. ENTENTE_ERROR_INPUT: nothing was hunted, or more than a statement commits to.
 */
gboolean hunt_claim_sign(struct hunt_claim *claim, const struct hunt_scan_summary *summary,
                         const char *log, gint64 started_us, gint64 ended_us,
                         const struct signing_key *key, GBytes **envelope, GBytes **openings,
                         GError **error);

/* The entries of the claim, in order: an array, borrowed. */
const json_t *hunt_claim_entries(struct hunt_claim *claim);

/* Whether the hunt that `claim` repeats used the tables that `statement`'s predicate names.
 * ENTENTE_ERROR_FOUND says which one is another. */
gboolean hunt_claim_same_tables(const struct hunt_table *table, const json_t *predicate,
                                GError **error);

/* The rule under which the hunt was made. ENTENTE_ERROR_INPUT. */
gboolean hunt_claim_rule(const json_t *predicate, struct hunt_scan_options *options,
                         GError **error);

/*
 * Compares file `index` of `entries` (as committed; JSON null: not opened) with `again`, a claim
 * over this one file: NULL when they agree, else what does not. Owned by the caller.
 */
char *hunt_claim_file_differs(const json_t *entries, guint64 index, struct hunt_claim *again);
