/*
 * intoto.h: in-toto Statement v1, the payload of every envelope we make.
 *
 *     {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name", "digest": {"sha256":
 * HEX}}], "predicateType": URI, "predicate": {...}}
 */
#pragma once
#include "base/json.h"

#define INTOTO_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define INTOTO_STATEMENT_TYPE "https://in-toto.io/Statement/v1"

/*
 * The RFC 8785 bytes of a statement about one subject. `predicate` is borrowed. NULL and
 * ENTENTE_ERROR_INPUT when it has no canonical form.
 */
GBytes *intoto_build(const char *subject_name, const char *sha256_hex, const char *predicate_type,
                     json_t *predicate, GError **error);

/*
 * Reads a payload and checks its shape: the type; at least one subject, each with a digest map of
 * algorithm to lower-case hex and no name or one of text; a predicate type; an object as predicate
 * or none. Unknown members are ignored. NULL and ENTENTE_ERROR_INPUT.
 */
json_t *intoto_read(GBytes *payload, GError **error);

const char *intoto_predicate_type(const json_t *statement);
const json_t *intoto_predicate(const json_t *statement); /* NULL when there is none */

/* The first subject's name ("" when it has none) and sha256 (NULL when it has none). */
const char *intoto_subject_name(const json_t *statement);
const char *intoto_subject_sha256(const json_t *statement);
