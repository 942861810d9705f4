/*
 * marking.h: how far an object may go, as its markings say: TLP 2.0 and 1.0 in STIX and in MISP.
 *
 * The effective level of a STIX object is the strictest of its own markings, those of any part of
 * it (granular), of the bundle and of the collection it came in. A marking that nobody explains
 * (its definition is not there) never makes an object more open than the default. Other markings
 * (PAP, IEP, statements) say nothing about the level and are carried along as they are.
 */
#pragma once
#include "base/json.h"
#include "base/tlp.h"

/* The extension by which STIX 2.1 marking definitions carry TLP 2.0 (OASIS, October 2022). */
#define MARKING_TLP_EXTENSION "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

/* The level of a well-known marking definition, of TLP 2.0 or 1.0. FALSE: another id. */
gboolean marking_level_of_id(const char *id, enum tlp *level);
/* The id of the marking definition of TLP 2.0. */
const char *marking_id(enum tlp level);
/* The marking definition itself, as OASIS published it. Owned by the caller. */
json_t *marking_definition(enum tlp level);

/* Marking definitions seen so far, for references to them. */
struct markings;
struct markings *markings_new(void);
void markings_free(struct markings *markings);
typedef struct markings markings_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(markings_t, markings_free)

/*
 * Learns what `object` defines, when it is a marking definition: a level of TLP 1.0 or 2.0, or
 * something without a level. What the well-known ids mean does not change.
 */
void markings_learn(struct markings *markings, const json_t *object);

/* What a definition says of the level, when it says nothing of it. */
#define MARKING_NO_LEVEL (-1)
/* A level of TLP, or MARKING_NO_LEVEL; FALSE: the object defines no marking. */
gboolean marking_defines(const json_t *object, int *level);
/* Learns the same of what was read elsewhere. */
void markings_add(struct markings *markings, const char *id, int level);
#define MARKINGS_MAX 65536u /* that are kept; where there are more, those not kept count as RED */

/* What an object stands in. */
struct marking_context {
    const struct markings *markings; /* or NULL: only the well-known ones */
    const struct markings *others;   /* of other documents; or NULL. The stricter of both counts */
    const json_t *bundle;            /* or NULL; its own object_marking_refs count */
    gboolean collection_has_level;
    enum tlp collection; /* the level of the collection, when it has one */
    enum tlp fallback;   /* of what carries no marking; TLP_AMBER is the careful choice */
};

/* The effective level of a STIX object. Marking definitions without markings are CLEAR. */
enum tlp marking_level(const json_t *object, const struct marking_context *context);

/*
 * The level that the name of one MISP tag says ("tlp:amber", any case); FALSE: it says none. A tag
 * of the TLP that is not known ("tlp:ex:chr") counts as RED.
 */
gboolean marking_level_of_tag(const char *name, enum tlp *level);
/*
 * The strictest level among MISP tags ([{"name":"tlp:amber"}, ...], ...]); FALSE: no tag names one.
 */
gboolean marking_level_of_tags(const json_t *tags, enum tlp *level);
/* "tlp:amber+strict" */
char *marking_tag(enum tlp level);
