/*
 * commitment.h: a salted commitment to many JSON values, which can be opened one by one.
 *
 *     entry = 32 random bytes (salt) || RFC 8785 bytes of the value
 *     leaf  = SHA-256(0x00 || entry), in the tree of merkle.h, in the order of addition
 *
 * The root and the count are published; the salts and values are the openings, and private. An
 * opening shows one value and its inclusion path, and nothing of the others: the salt keeps a
 * value that can be guessed from being tried.
 */
#pragma once
#include "base/json.h"
#include "statement/merkle.h"

#define COMMITMENT_ALGORITHM "rfc6962-sha256-salt32-jcs"
#define COMMITMENT_SALT_SIZE 32
#define COMMITMENT_COUNT_LIMIT (1 << 24)

struct commitment_root {
    struct merkle_hash hash;
    guint64 count;
};

struct commitment;
typedef struct commitment commitment_t;
struct commitment *commitment_new(void);
void commitment_free(struct commitment *commitment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(commitment_t, commitment_free)

/* Adds a value (borrowed) under a fresh salt. ENTENTE_ERROR_INPUT: it has no canonical form. */
gboolean commitment_add(struct commitment *commitment, json_t *value, GError **error);

gsize commitment_count(const struct commitment *commitment);
const json_t *commitment_value(const struct commitment *commitment, gsize index);
struct commitment_root commitment_root(const struct commitment *commitment);

/* What is published: {"algorithm", "root": hex, "count"}. */
json_t *commitment_root_json(const struct commitment_root *root);
gboolean commitment_root_read(const json_t *value, struct commitment_root *root, GError **error);

/* The private file: {"schema": "entente/openings/1", the root's members, "entries": [{"salt",
 * "value"}]}; read back, the root must recompute (ENTENTE_ERROR_INPUT). */
#define COMMITMENT_OPENINGS_SCHEMA "entente/openings/1"
json_t *commitment_openings(const struct commitment *commitment);
struct commitment *commitment_from_openings(const json_t *openings, GError **error);

/* One opening: {"index", "salt": hex, "value", "path": [hex]}. */
json_t *commitment_open(const struct commitment *commitment, gsize index);

/*
 * Whether an opening is committed by `root`. ENTENTE_ERROR_FOUND when it is not,
 * ENTENTE_ERROR_INPUT when it is malformed.
 */
gboolean commitment_verify(const json_t *opening, const struct commitment_root *root,
                           GError **error);
