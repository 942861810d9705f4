#include "statement/verifier.h"

#include "base/error.h"
#include "base/file.h"
#include "statement/base64.h"
#include "statement/commitment.h"
#include "statement/intoto.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE (256 * 1024)

static const struct {
    const char *name;
    int status;
} reasons[] = {
    [VERIFY_GOOD] = { NULL, EXIT_DONE },
    [VERIFY_MALFORMED] = { "malformed", EXIT_INPUT },
    [VERIFY_SIGNATURE] = { "signature", EXIT_FOUND },
    [VERIFY_UNKNOWN_KEY] = { "unknown-key", EXIT_SYSTEM },
    [VERIFY_THRESHOLD] = { "threshold", EXIT_SYSTEM },
    [VERIFY_UNKNOWN_PREDICATE] = { "unknown-predicate", EXIT_SYSTEM },
    [VERIFY_DIGEST] = { "digest", EXIT_FOUND },
    [VERIFY_OPENING] = { "opening", EXIT_FOUND },
    [VERIFY_REVOKED] = { "revoked", EXIT_FOUND },
    [VERIFY_EXPIRED] = { "expired", EXIT_FOUND },
    [VERIFY_DISPUTED] = { "disputed", EXIT_FOUND },
    [VERIFY_NOT_COUNTED] = { "not-counted", EXIT_FOUND },
};

const char *verify_reason_name(enum verify_reason reason)
{
    return reasons[reason].name;
}

int verify_reason_status(enum verify_reason reason)
{
    return reasons[reason].status;
}

void verification_free(struct verification *verification)
{
    if (!verification)
        return;
    g_free(verification->message);
    dsse_free(verification->envelope);
    g_free(verification->results);
    json_decref(verification->statement);
    g_free(verification);
}

/* Sets the first reason that is found; always FALSE. */
static gboolean refuse(struct verification *v, enum verify_reason reason, char *message)
{
    if (v->reason == VERIFY_GOOD) {
        v->reason = reason;
        v->message = g_steal_pointer(&message);
    }
    g_free(message);
    return FALSE;
}

static gboolean refuse_error(struct verification *v, enum verify_reason reason, GError *error)
{
    gboolean never = refuse(v, reason, g_strdup(error->message));

    g_error_free(error);
    return never;
}

static gboolean enough_signed(struct verification *v, const GPtrArray *keys, guint threshold)
{
    guint count = v->envelope->signatures->len, bad = 0, unknown = 0;

    v->results = g_new0(struct dsse_result, count + 1);
    v->signers = dsse_verify(v->envelope, keys, v->results);
    if (v->signers >= threshold)
        return TRUE;
    for (guint i = 0; i < count; i++) {
        bad += v->results[i].outcome == DSSE_BAD;
        unknown += v->results[i].outcome == DSSE_UNKNOWN;
    }
    if (!count)
        return refuse(v, VERIFY_SIGNATURE, g_strdup("the envelope carries no signature"));
    if (bad)
        return refuse(
            v, VERIFY_SIGNATURE,
            g_strdup_printf("%u of %u signatures %s not verify: the envelope was altered, "
                            "or it was signed by another key",
                            bad, count, bad == 1 ? "does" : "do"));
    if (unknown == count)
        return refuse(v, VERIFY_UNKNOWN_KEY,
                      g_strdup("signed only by keys that are not known here; give those you trust "
                               "with --key"));
    return refuse(v, VERIFY_THRESHOLD,
                  g_strdup_printf("signed by %u known key%s; %u are asked for", v->signers,
                                  v->signers == 1 ? "" : "s", threshold));
}

static void judge(struct verification *v, const void *data, gsize length, const char *name,
                  const GPtrArray *keys, guint threshold, gboolean any_predicate)
{
    GError *error = NULL;

    v->envelope = dsse_parse(data, length, name, &error);
    if (!v->envelope) {
        refuse_error(v, VERIFY_MALFORMED, error);
        return;
    }
    if (!enough_signed(v, keys, threshold))
        return;
    if (!g_str_equal(v->envelope->payload_type, INTOTO_PAYLOAD_TYPE)) {
        refuse(v, VERIFY_MALFORMED,
               g_strdup_printf("signed, but its payload is \"%s\" and not " INTOTO_PAYLOAD_TYPE,
                               v->envelope->payload_type));
        return;
    }
    v->statement = intoto_read(v->envelope->payload, &error);
    if (!v->statement) {
        refuse_error(v, VERIFY_MALFORMED, error);
        return;
    }
    v->predicate = predicate_find(intoto_predicate_type(v->statement));
    if (v->predicate && !predicate_verify(v->predicate, v->statement, &error))
        refuse_error(v, VERIFY_MALFORMED, error);
    else if (!v->predicate && !any_predicate)
        refuse(v, VERIFY_UNKNOWN_PREDICATE,
               g_strdup_printf("signed, but of a type that is not known here: \"%s\"",
                               intoto_predicate_type(v->statement)));
}

struct verification *verify_envelope(const void *data, gsize length, const char *name,
                                     const GPtrArray *keys, guint threshold, gboolean any_predicate)
{
    struct verification *v = g_new0(struct verification, 1);

    judge(v, data, length, name, keys, threshold, any_predicate);
    return v;
}

gboolean verify_document_digest(struct verification *verification, const char *sha256_hex,
                                const char *name)
{
    const char *wanted = intoto_subject_sha256(verification->statement);

    if (wanted && g_str_equal(wanted, sha256_hex))
        return TRUE;
    return refuse(verification, VERIFY_DIGEST,
                  g_strdup_printf("%s is not what was signed (its SHA-256 is %s, signed was %s)",
                                  name, sha256_hex, wanted ? wanted : "none"));
}

gboolean verify_openings(struct verification *verification, const json_t *openings)
{
    const json_t *predicate = intoto_predicate(verification->statement), *opening;
    struct commitment_root root;
    GError *error = NULL;
    size_t index;

    if (!commitment_root_read(json_object_get(predicate, "commitments"), &root, &error))
        return refuse_error(verification, VERIFY_MALFORMED, error);
    if (!json_array_size(openings))
        return refuse(verification, VERIFY_MALFORMED, g_strdup("the disclosure opens nothing"));
    json_array_foreach(
        openings, index,
        opening) if (!commitment_verify(opening, &root,
                                        &error)) return refuse_error(verification,
                                                                     g_error_matches(
                                                                         error, ENTENTE_ERROR,
                                                                         ENTENTE_ERROR_FOUND)
                                                                         ? VERIFY_OPENING
                                                                         : VERIFY_MALFORMED,
                                                                     error);
    return TRUE;
}

char *verify_file_sha256(const char *path, guint64 *size, GError **error)
{
    struct stat status;
    const int fd = file_open_regular(path, &status, error);
    g_autofree guint8 *buffer = g_malloc(READ_SIZE);
    guint8 digest[MERKLE_HASH_SIZE];
    crypto_hash_sha256_state state;
    ssize_t got;

    *size = 0;
    if (fd < 0)
        return NULL;
    crypto_hash_sha256_init(&state);
    while ((got = read(fd, buffer, READ_SIZE)) > 0 || (got < 0 && errno == EINTR)) {
        if (got < 0)
            continue;
        crypto_hash_sha256_update(&state, buffer, (gsize)got);
        *size += (guint64)got;
    }
    if (got < 0)
        errno_error(error, errno, "%s: cannot be read", path);
    crypto_hash_sha256_final(&state, digest);
    close(fd);
    return got < 0 ? NULL : hex_encode(digest, MERKLE_HASH_SIZE);
}

json_t *disclosure_build(json_t *envelope, json_t *entries)
{
    return json_pack("{s:s, s:O, s:O}", "schema", DISCLOSURE_SCHEMA, "envelope", envelope,
                     "entries", entries);
}
