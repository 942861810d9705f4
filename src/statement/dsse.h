/*
 * dsse.h: signed envelopes (secure-systems-lab DSSE v1.0.2).
 *
 *     {"payload": base64, "payloadType": TYPE, "signatures": [{"keyid": hint, "sig": base64}]}
 *
 * What is signed is the pre-authentication encoding of type and payload. A keyid is a hint that
 * nothing vouches for. Use the verified payload bytes; never read the envelope again.
 */
#pragma once
#include "base/json.h"
#include "statement/key.h"

#define DSSE_LIMIT (4 * 1024 * 1024) /* bytes of an envelope */
#define DSSE_SIGNATURES_LIMIT 100

struct dsse_signature {
    char *keyid;   /* "" when the envelope gives none */
    GBytes *bytes; /* of any length: other algorithms may stand beside ours */
};

struct dsse {
    char *payload_type;
    GBytes *payload;
    GPtrArray *signatures; /* struct dsse_signature * */
};
typedef struct dsse dsse_t;

struct dsse *dsse_new(const char *payload_type, GBytes *payload);
void dsse_free(struct dsse *envelope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(dsse_t, dsse_free)

/* "DSSEv1" SP length(type) SP type SP length(body) SP body; lengths in bytes. */
GBytes *dsse_pae(const char *payload_type, GBytes *payload);

/*
 * Reads an envelope: standard or URL-safe base64; unknown members are ignored; duplicate ones and
 * anything after the value are refused. NULL and ENTENTE_ERROR_INPUT.
 */
struct dsse *dsse_parse(const void *data, gsize length, const char *name, GError **error);
struct dsse *dsse_from_json(const json_t *value, const char *name, GError **error);

/*
 * Reads an envelope in its canonical form (RFC 8785 of what dsse_to_json() gives), without a JSON
 * parser; NULL for any other form, also of a good envelope, and for texts that JSON escapes: a type
 * or hint of ours has none.
 */
struct dsse *dsse_parse_canonical(const void *data, gsize length);

json_t *dsse_to_json(const struct dsse *envelope);

/* Adds a signature that was made elsewhere. Both are copied or referenced. */
void dsse_add(struct dsse *envelope, const char *keyid, GBytes *bytes);

/* Adds a signature; the hint is the key's name and id. */
void dsse_sign(struct dsse *envelope, const struct signing_key *key);

/* How one signature fares against a set of keys. */
enum dsse_outcome {
    DSSE_GOOD,    /* it verifies under a key of the set */
    DSSE_BAD,     /* it names a key of the set, or none, and does not verify */
    DSSE_UNKNOWN, /* it names a key that is not in the set */
};

struct dsse_result {
    enum dsse_outcome outcome;
    guint key; /* DSSE_GOOD: index into the set */
};

/*
 * Judges every signature against `keys` (struct public_key *); `results` has room for one each. A
 * signature that fails is skipped. Gives the number of distinct public keys that signed, whatever
 * names they go by.
 */
guint dsse_verify(const struct dsse *envelope, const GPtrArray *keys, struct dsse_result *results);
