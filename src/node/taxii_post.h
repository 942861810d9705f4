/* taxii_post.h: envelopes that are posted to a collection, read in a worker, and their status. */
#pragma once
#include "p1_resilience/intel/taxii_store.h"

/*
 * Adds the sound objects of an envelope to a collection; the status resource (section 4.3.1) says
 * of each what became of it. Owned by the caller. ENTENTE_ERROR_INPUT: it is no envelope.
 */
json_t *taxii_post(struct taxii_store *store, struct starter *workers, const char *collection,
                   GBytes *envelope, gint64 now_us, GError **error);
