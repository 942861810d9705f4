/*
 * verifier.h: the one verifier: an envelope against keys and a threshold, its statement against
 * the table of predicates, a document against the digest, openings against the commitments.
 */
#pragma once
#include "statement/dsse.h"
#include "statement/predicate.h"

enum verify_reason {
    VERIFY_GOOD,
    VERIFY_MALFORMED,         /* not an envelope, a statement or a disclosure */
    VERIFY_SIGNATURE,         /* a signature does not verify */
    VERIFY_UNKNOWN_KEY,       /* all signatures are by keys that are not trusted here */
    VERIFY_THRESHOLD,         /* fewer distinct keys signed than asked for */
    VERIFY_UNKNOWN_PREDICATE, /* signed, but of a type this program does not know */
    VERIFY_DIGEST,            /* the document is not the one that was signed */
    VERIFY_OPENING,           /* a disclosed entry is not committed by the statement */
    /* By those who know a community's log; verify_envelope() does not give them. */
    VERIFY_REVOKED,     /* by a key that was revoked before */
    VERIFY_EXPIRED,     /* by a key outside the time it was delegated for */
    VERIFY_DISPUTED,    /* in the log, and disputed by its signatory since */
    VERIFY_NOT_COUNTED, /* in the log, where it does not count */
};

/* "malformed", "signature", "unknown-key" ...; NULL for VERIFY_GOOD. */
const char *verify_reason_name(enum verify_reason reason);
/* The exit status of a reason: EXIT_FOUND for what is false, EXIT_SYSTEM for what is undecided. */
int verify_reason_status(enum verify_reason reason);

struct verification {
    enum verify_reason reason;
    char *message; /* why not, in a sentence; NULL when good */
    struct dsse *envelope;
    struct dsse_result *results; /* one for each signature */
    guint signers;               /* distinct keys that signed */
    json_t *statement;           /* NULL unless enough keys signed it */
    const struct predicate *predicate;
};
typedef struct verification verification_t;
void verification_free(struct verification *verification);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(verification_t, verification_free)

/*
 * Judges an envelope; `keys` (struct public_key *) are those trusted. Never NULL: what is wrong is
 * the reason. With `any_predicate`, a type outside the table is good too.
 */
struct verification *verify_envelope(const void *data, gsize length, const char *name,
                                     const GPtrArray *keys, guint threshold,
                                     gboolean any_predicate);

/* Compares a document's SHA-256 with the first subject's; sets the reason. FALSE when it differs.
 */
gboolean verify_document_digest(struct verification *verification, const char *sha256_hex,
                                const char *name);

/* Checks a disclosure's openings (an array) against a good verification; sets the reason. */
gboolean verify_openings(struct verification *verification, const json_t *openings);

/* SHA-256 of a file of any size, in lower-case hex, and its size. NULL and ENTENTE_ERROR_SYSTEM. */
char *verify_file_sha256(const char *path, guint64 *size, GError **error);

/* The self-contained disclosure: {"schema", "envelope", "entries": [commitment_open()]}. */
#define DISCLOSURE_SCHEMA "entente/disclosure/1"
json_t *disclosure_build(json_t *envelope, json_t *entries);
