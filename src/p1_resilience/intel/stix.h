/*
 * stix.h: STIX 2.1 objects (OASIS Standard, June 2021): ids, checks, reading and writing.
 *
 * Objects of any type are carried with the bytes they came in; only what this program makes, or
 * must change, is written anew.
 */
#pragma once
#include "base/json.h"
#include "base/tlp.h"

#define STIX_LIMIT (256u << 20)       /* bytes of one document */
#define STIX_OBJECT_LIMIT (16u << 20) /* bytes of one object */

/* --- Ids -------------------------------------------------------------------------------------- */

/* Whether `type` is one of the observable objects (SCO) that STIX 2.1 defines. */
gboolean stix_is_observable(const char *type);

/*
 * The id of an observable: UUIDv5 of the canonical JSON of its contributing properties (section
 * 2.9), or a random one where it has none. NULL and ENTENTE_ERROR_INPUT: no observable, or no
 * canonical form. Owned by the caller.
 */
char *stix_observable_id(const json_t *object, GError **error);

/* A fresh id of that type. Owned by the caller. */
char *stix_new_id(const char *type);

/* "type--uuid": whether it is an id, of `type` unless that is NULL. */
gboolean stix_is_id(const char *id, const char *type);

/* The version of an object: modified, created, or NULL for observables without either. Borrowed. */
const char *stix_version(const json_t *object);

/* --- Times ------------------------------------------------------------------------------------ */

/* With milliseconds at least, as section 3.2 wants: "2026-11-22T13:00:00.000Z". */
char *stix_time(gint64 time_us);
/* As written there: "Z", and any number of digits, of which six count. */
gboolean stix_time_parse(const char *text, gint64 *time_us);
/* -1, 0, 1; digits beyond microseconds count. Both are times of STIX. */
int stix_time_compare(const char *one, const char *other);

/* --- Checks ----------------------------------------------------------------------------------- */

/*
 * Checks one object of STIX 2.1, or 2.0 (no spec_version): ids, times and their order, numbers in
 * range, references to allowed types, names of properties, hashes, the pattern of an indicator.
 * Types beyond the standard get the common checks. ENTENTE_ERROR_INPUT names the object, the
 * property and the rule. What the standard only advises is added to `advice` (char *, owned by the
 * array) unless it is NULL: UUIDs of another version than 4, or 5 for observables, whose ids follow
 * from what they are.
 */
gboolean stix_check(const json_t *object, GPtrArray *advice, GError **error);

/* --- Reading ---------------------------------------------------------------------------------- */

/* One object of a document; borrowed for the call. FALSE with `error` stops. */
struct stix_object {
    const char *text; /* as it came, byte for byte */
    gsize length;
    const json_t *json;
};
typedef gboolean (*stix_each_fn)(const struct stix_object *object, gpointer data, GError **error);

/* What stands around the objects. */
struct stix_document {
    char *id;       /* of a bundle; NULL: a TAXII envelope, or one object alone */
    json_t *around; /* the document without its objects */
};
void stix_document_clear(struct stix_document *document);
typedef struct stix_document stix_document_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(stix_document_t, stix_document_clear)

/*
 * Reads a bundle, a TAXII envelope or one object. All of it is parsed here: what comes from
 * others belongs into a worker. `name` stands in messages; `document` may be NULL.
 */
gboolean stix_read(const void *bytes, gsize length, const char *name,
                   struct stix_document *document, stix_each_fn each, gpointer data,
                   GError **error);

/* --- Writing ---------------------------------------------------------------------------------- */

enum stix_identity_class {
    STIX_INDIVIDUAL,
    STIX_GROUP,
    STIX_SYSTEM,
    STIX_ORGANIZATION,
    STIX_CLASS,
    STIX_UNKNOWN,
};

/* Common to what is written; members that are NULL or 0 are left out. */
struct stix_common {
    const char *id;         /* NULL: a fresh one */
    gint64 created_us;      /* 0: now */
    gint64 modified_us;     /* 0: as created */
    const char *created_by; /* id of an identity */
    enum tlp level;         /* becomes the marking of TLP 2.0 */
};

/* Each gives an object that passes stix_check(). Owned by the caller. */
json_t *stix_identity(const struct stix_common *common, const char *name,
                      enum stix_identity_class class, const char *const *sectors);

struct stix_indicator {
    const char *name, *description, *pattern; /* the pattern is needed */
    const char *const *types;                 /* "malicious-activity" */
    gint64 valid_from_us, valid_until_us;     /* from 0: as created */
    int confidence;                           /* 0..100; below: not said */
};
json_t *stix_indicator(const struct stix_common *common, const struct stix_indicator *indicator);

#define STIX_COUNT_MAX 999999999 /* of sightings and of observations */

struct stix_sighting {
    const char *sighting_of; /* needed */
    const char *const *where_sighted;
    const char *const *observed_data;
    gint64 first_seen_us, last_seen_us; /* 0: not said */
    guint64 count;                      /* cut at STIX_COUNT_MAX */
};
json_t *stix_sighting(const struct stix_common *common, const struct stix_sighting *sighting);

json_t *stix_observed_data(const struct stix_common *common, gint64 first_us, gint64 last_us,
                           guint64 number, const char *const *object_refs);

/* `opinion`: strongly-disagree, disagree, neutral, agree, strongly-agree. */
json_t *stix_opinion(const struct stix_common *common, const char *opinion, const char *explanation,
                     const char *const *object_refs);

/* A bundle of objects, each as its bytes are. `objects`: GBytes. Owned by the caller. */
GBytes *stix_bundle(const char *id, const GPtrArray *objects);
/* The bytes of an object that was made here. */
GBytes *stix_bytes(const json_t *object);
