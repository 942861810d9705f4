/*
 * aspa.h: who says that who is his provider, and what that says of a path
 * (draft-ietf-sidrops-aspa-verification, its rules since version 17).
 *
 * A set is filled, sealed, and from then on only read, by any number of threads. Several records of
 * one customer count together. AS 0 alone, or an empty list, says: no provider; beside others it is
 * nothing.
 */
#pragma once
#include <glib.h>

struct aspa_set;
struct aspa_set *aspa_set_new(void);
struct aspa_set *aspa_set_ref(struct aspa_set *set);
void aspa_set_unref(struct aspa_set *set);
typedef struct aspa_set aspa_set_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(aspa_set_t, aspa_set_unref)

/* Order and repetition of the providers do not matter. `expires_s`: Unix seconds; 0: not said. */
void aspa_set_add(struct aspa_set *set, guint32 customer, const guint32 *providers, gsize count,
                  guint32 expires_s);
void aspa_set_seal(struct aspa_set *set);

gsize aspa_set_count(const struct aspa_set *set); /* customers */
/* When the first record expires, in Unix seconds; 0: none says. */
guint32 aspa_set_horizon(const struct aspa_set *set);
/* One by one, in the order of their numbers; providers in theirs, borrowed. FALSE: past the last.
 */
gboolean aspa_set_at(const struct aspa_set *set, gsize index, guint32 *customer,
                     const guint32 **providers, gsize *count);

enum aspa_hop { ASPA_HOP_NO_ATTESTATION, ASPA_HOP_PROVIDER, ASPA_HOP_NOT_PROVIDER };
/* What `customer` says of `other`. */
enum aspa_hop aspa_set_hop(const struct aspa_set *set, guint32 customer, guint32 other);

enum aspa_direction {
    ASPA_UPSTREAM,   /* received from a customer or a peer, or by or from a route server */
    ASPA_DOWNSTREAM, /* received from a provider; what a collector sees */
};
enum aspa_state { ASPA_UNKNOWN, ASPA_VALID, ASPA_INVALID, ASPA_STATES };
const char *aspa_state_name(enum aspa_state state); /* "unknown", "valid", "invalid" */

/*
 * `path` as AS_PATH has it, the neighbour first and the origin last, of `length` ASes; without
 * confederations. Repetitions are collapsed. An empty path is invalid, and one with an AS_SET too,
 * which the caller knows.
 */
enum aspa_state aspa_verify(const struct aspa_set *set, const guint32 *path, gsize length,
                            enum aspa_direction direction);

/*
 * The same, and of an invalid path the hops that make it so: `up`, nearest to the origin, where the
 * path no longer climbs, and downstream also `down`, nearest to us, where it does not descend.
 */
struct aspa_leak {
    struct {
        guint32 customer, other; /* customer 0: there is none */
    } up, down;
};
enum aspa_state aspa_verify_why(const struct aspa_set *set, const guint32 *path, gsize length,
                                enum aspa_direction direction, struct aspa_leak *leak);
