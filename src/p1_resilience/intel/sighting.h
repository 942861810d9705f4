/*
 * sighting.h: telling who shared an indicator that it was seen, and nothing about the log.
 *
 * Hits (JSON Lines of `entente hunt scan`) are counted by the object that asserts the indicator.
 * What leaves is which indicator, how often, when first and last, and by whom: no line, no file, no
 * token, no address beside the indicator, no observed data.
 */
#pragma once
#include "p1_resilience/hunt/hunt_table.h"
#include "p1_resilience/intel/egress.h"
#include "profile/profile.h"

/* One object that was seen. */
struct sighting {
    char *object;             /* STIX id of the indicator, or UUID of the MISP attribute */
    char *source, *source_id; /* who asserts it: name, and STIX id or MISP UUID; may be NULL */
    enum tlp level;           /* the strictest of its assertions */
    guint64 count;            /* of hits */
    gint64 first_us, last_us;
    GPtrArray
        *values; /* struct indicator: those of its values that were seen, SIGHTING_VALUES_MAX */
};
#define SIGHTING_VALUES_MAX 100

/* What was counted, and what was not. */
struct sightings {
    GPtrArray *list;       /* struct sighting, in the order in which they were first seen */
    GHashTable *by_object; /* of the same */
    guint64 hits;          /* that gave at least one sighting */
    guint64 suppressed; /* not taken: a warning list explains them (or does not, for the others) */
    guint64 partial;    /* not taken: the pattern asks for more than the value */
    guint64 withdrawn;  /* not taken: the source took the indicator back */
    guint64 expired;    /* not taken: seen outside the time in which the source holds it valid */
    guint64 nameless;   /* not taken: the feed gives the indicator no id, as lists do */
    guint64 unknown;    /* not taken: the table does not have the indicator */
};
struct sightings *sightings_new(void);
void sightings_free(struct sightings *sightings);
typedef struct sightings sightings_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sightings_t, sightings_free)

struct sighting_options {
    gboolean false_positives; /* take the hits that warning lists suppressed, and only them */
    gboolean partial;         /* also indicators of which the pattern asks for more */
    gint64 now_us;            /* time of hits that have none */
};

/*
 * Counts the hits in `text`; `name` stands in messages ("hits.jsonl:12: ..."). Lines that are no
 * hits (the summary) are passed over. May be called for several files. ENTENTE_ERROR_INPUT: a line
 * that is not JSON.
 */
gboolean sighting_from_hits(struct sightings *sightings, const char *text, gsize length,
                            const char *name, const struct hunt_table *table,
                            const struct sighting_options *options, GError **error);

/* How many of the objects are STIX (`is_stix`), or of MISP and other lists. */
guint sighting_objects(const struct sightings *sightings, gboolean is_stix);

/* Whether `who` is the source of the sighted object: by its name or id. */
gboolean sighting_is_of(const struct sighting *sighting, const char *who);

struct sighting_report {
    const struct signatory *signatory;
    gboolean anonymous; /* only the kind of organisation is said */
    gboolean false_positives;
    gboolean observed; /* also which values of the indicator were seen, as observed data */
    enum tlp level;    /* at least */
    gint64 now_us;
};

/*
 * The sightings that may go to the recipient of `egress`, as a STIX bundle: who saw it, and one
 * sighting an object (for false positives, an opinion). Objects of MISP are left to
 * sighting_misp(). `said` is set to their number. Owned by the caller.
 */
GBytes *sighting_bundle(const struct sightings *sightings, const struct sighting_report *report,
                        struct egress *egress, guint *said);

/*
 * The same for MISP: a list of what POST /sightings/add takes, one an attribute, at the time when
 * it was last seen (type 0; 1 for false positives). Owned by the caller.
 */
json_t *sighting_misp(const struct sightings *sightings, const struct sighting_report *report,
                      struct egress *egress);
