/*
 * predicate.h: the one table of what statements may say: type, exposure, who may sign, what must
 * hold. A changed meaning is a new number in the type.
 */
#pragma once
#include "base/json.h"

#define PREDICATE_PREFIX "urn:entente:predicate:"
#define PREDICATE_ASSESSMENT PREDICATE_PREFIX "assessment:1"
#define PREDICATE_DOCUMENT PREDICATE_PREFIX "document:1"

#define PREDICATE_PRINCIPLES 9
#define PREDICATE_BANDS 5 /* scores are published as one of five bands */

enum exposure {
    EXPOSURE_LOCAL,     /* goes to whom its signer hands it; never into the public log */
    EXPOSURE_COMMITTED, /* into the log, with salted commitments to what stays private */
    EXPOSURE_PUBLIC,    /* into the log, whole */
};

/* The roles that root delegates to keys; a predicate names those that may sign it. */
enum key_role {
    KEY_ROLE_ROOT = 1 << 0,
    KEY_ROLE_ISSUER = 1 << 1,
    KEY_ROLE_WITNESS = 1 << 2,
    KEY_ROLE_LOG = 1 << 3,
    KEY_ROLE_SEAL = 1 << 4,
    KEY_ROLE_OWNER = 1 << 5,
    KEY_ROLE_OPERATOR = 1 << 6,
    KEY_ROLE_OFFICER = 1 << 7,
};

struct predicate {
    const char *name; /* "assessment" */
    const char *type; /* "urn:entente:predicate:assessment:1" */
    enum exposure exposure;
    guint key_roles; /* any of these */
    /* Whether a statement of this type is whole; ENTENTE_ERROR_INPUT says what is not. */
    gboolean (*verify)(const json_t *statement, GError **error);
};

/* The table, ending with a NULL name. */
extern const struct predicate predicates[];

/* NULL when the type is not known. */
const struct predicate *predicate_find(const char *type);

/* "local", "committed", "public". */
const char *exposure_name(enum exposure exposure);
