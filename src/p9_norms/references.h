/*
 * references.h: the norms that a statement names, from what people write ("un:g", "gcsc:1",
 * "osce:8", "un-cbm:2") into the members of predicates:
 *
 *     un -> "norms": ["g"]    gcsc -> "gcsc": [1]    osce, un-cbm -> "cbms": ["OSCE-8", "UN-2"]
 */
#pragma once
#include "base/json.h"

enum norm_members {
    NORM_MEMBERS_ALL, /* of a commitment */
    NORM_MEMBERS_UN,  /* of a legal position or a report: "norms" alone */
};

/*
 * Sets the members that there are (empty lists where nothing is named), each without repetition and
 * in the order of the table. `references` ends with NULL, or is NULL. ENTENTE_ERROR_INPUT: one is
 * not known, with the nearest; or it has no place in such a statement.
 */
gboolean norm_references_set(json_t *predicate, char **references, enum norm_members members,
                             GError **error);

/* The members of a predicate as people write them, "un:g osce:8". Owned by the caller. */
char *norm_references_text(const json_t *predicate);
