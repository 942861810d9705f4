/*
 * office.h: the cases of this signatory, opened with what its copy of the log says: who may sign,
 * when a commitment was in the log, which checkpoints are the log's.
 *
 *     community ── register ──> keys        ledger ── proven commitments ──> witnessed times
 *               ── moments  ──> anchors     both ──────────────────────────> cases
 *
 * The node has one on its courier's thread, a command one for its run. Not thread-safe.
 */
#pragma once
#include "community/community.h"
#include "delivery/ledger.h"
#include "process/cases.h"

#define OFFICE_LOCAL "local" /* who did not endorse (yet): only kinds of one's own */

struct office {
    char *data_folder;
    struct community *community; /* NULL: none was joined */
    struct ledger *ledger;
    const GPtrArray *keys; /* own public keys; borrowed */
    const struct reg *reg; /* borrowed from the community; NULL without one */
    char *self;            /* signatory id, or OFFICE_LOCAL */
    char *domain;          /* or NULL */
    struct cases *cases;
};
typedef struct office office_t;

/* `keys` (borrowed): own public keys (struct public_key *), by which the own signatory is found. */
struct office *office_open(const char *data_folder, const GPtrArray *keys, GError **error);
void office_close(struct office *office);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(office_t, office_close)

/* After the community changed: the register anew, and the cases when it became another party. */
gboolean office_refresh(struct office *office, GError **error);
gboolean office_is_signatory(const struct office *office);
