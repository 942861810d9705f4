/* egress_private.h: what the parts of the egress point share. The face is egress.h. */
#pragma once
#include "p1_resilience/intel/egress.h"

/* Counts a verdict on the object (its id or UUID, or NULL), and keeps refusals for the journal. */
void egress_note(struct egress *egress, const char *id, enum egress_verdict verdict);

/*
 * Whether what an object cannot be without is there: FALSE when a reference that its type demands
 * (section 4 and 6 of STIX 2.1) names an object that `visible` does not know.
 */
gboolean egress_references_hold(const json_t *object, egress_visible_fn visible, gpointer data);

/*
 * Calls `each` with every id that this object needs. It needs one of each group, which count from
 * 0: both ends of a relationship, any object of a report.
 */
#define EGRESS_NEEDS_MAX 2 /* groups of one object */
typedef void (*egress_needed_fn)(const char *id, guint group, gpointer data);
void egress_references_needed(const json_t *object, egress_needed_fn each, gpointer data);

/*
 * The object without references to what `visible` does not know, and without granular markings of
 * parts that went with them. NULL: there were none, the object may go as it is. Owned by the
 * caller.
 */
json_t *egress_references_strip(const json_t *object, egress_visible_fn visible, gpointer data);
