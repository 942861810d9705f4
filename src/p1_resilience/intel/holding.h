/*
 * holding.h: "we hold so many objects of these types", said in public without saying which.
 *
 * TLP lets nothing but salted digests of most objects into a public log (egress.h). The statement
 * (predicate urn:entente:predicate:indicators:1) counts objects by type and commits to each
 * (statement/commitment.h); an entry is
 *
 *     {"type": "stix", "level": "red", "onward": true: somebody else made it, "object": {...}}
 *
 * Whoever published it can later show single objects to those who may see them, and the log shows
 * since when they were held. The egress point decides, by the level that the object had.
 */
#pragma once
#include "p1_resilience/intel/egress.h"
#include "statement/claim.h"

struct holding;
struct holding *holding_new(void);
void holding_free(struct holding *holding);
typedef struct holding holding_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(holding_t, holding_free)

/*
 * Adds an object by its digest: `egress` is an exchange with the public log (EGRESS_LOG). The same
 * version of an object counts once. ENTENTE_ERROR_INPUT: it has no canonical form, or is none.
 */
gboolean holding_add(struct holding *holding, struct egress *egress, const json_t *object,
                     gboolean onward, GError **error);
guint64 holding_count(const struct holding *holding);

/* The signed envelope and the private openings. `log` (or NULL): the community's. */
gboolean holding_sign(struct holding *holding, const char *log, gint64 now_us,
                      const struct signing_key *key, GBytes **envelope, GBytes **openings,
                      GError **error);

/*
 * Whether an entry may be shown to the recipient of `egress`: it goes whole, with the ids in it, or
 * not at all. FALSE: the egress point has counted why.
 */
gboolean holding_may_open(const json_t *entry, struct egress *egress);
/* The id of the object of an entry; NULL: it is none. */
const char *holding_id(const json_t *entry);
