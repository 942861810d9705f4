/* verify_log.c: what anyone can judge with a policy and without a community: offline proofs,
 * checkpoints, evidence against a log. */
#include "base/clock.h"
#include "base/file.h"
#include "cli/network.h"
#include "cli/policy_file.h"
#include "cli/verify_command.h"
#include "log/evidence.h"
#include "log/tile.h"
#include "log/tlog_proof.h"
#include "statement/base64.h"
#include "statement/dsse.h"

#include <string.h>

#define PROOF_SUFFIX ".tlog-proof"

/* The policy of --policy, or the one in force in the community of this machine. */
static gboolean find_policy(const struct context *context, const struct verify_state *state,
                            struct policy_file **file, struct community **community,
                            const struct quorum_policy **policy, GError **error)
{
    g_autofree char *folder = NULL;
    const struct reg *reg;

    if (state->policy) {
        *file = policy_file_read(state->policy, error);
        *policy = *file ? (*file)->quorum : NULL;
        return *file != NULL;
    }
    folder = cli_data_folder(context, error);
    if (!folder)
        return FALSE;
    if (!community_exists(folder))
        return input_error(error, "whom to believe is not known here: give --policy FILE (this "
                                  "machine belongs to no community)");
    *community = community_open(folder, error);
    reg = *community ? community_register(*community, error) : NULL;
    *policy = reg ? register_policy(reg)->witnesses : NULL;
    return reg != NULL;
}

/* --entry, or the files that a proof is written beside. */
static GBytes *read_entry(const struct verify_state *state, const char *path, GError **error)
{
    g_autofree char *stem = g_str_has_suffix(path, PROOF_SUFFIX)
                                ? g_strndup(path, strlen(path) - strlen(PROOF_SUFFIX))
                                : NULL;
    g_autofree char *envelope = stem ? g_strconcat(stem, ".dsse.json", NULL) : NULL;

    if (state->entry)
        return file_read(state->entry, DSSE_LIMIT, error);
    if (envelope && g_file_test(envelope, G_FILE_TEST_EXISTS))
        return file_read(envelope, DSSE_LIMIT, error);
    if (stem && g_file_test(stem, G_FILE_TEST_EXISTS))
        return file_read(stem, DSSE_LIMIT, error);
    input_error(error, "%s: give what it proves with --entry FILE", path);
    return NULL;
}

/* An envelope may lie there in another form than the log has it: then the canonical one counts. */
static GBytes *canonical(GBytes *bytes)
{
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);
    g_autoptr(dsse_t) envelope = dsse_parse(data, length, "entry", NULL);

    return envelope ? community_entry(envelope, NULL) : NULL;
}

static gboolean includes(const struct tlog_proof *proof, GBytes *entry,
                         const struct quorum_policy *policy, struct quorum_verdict *quorum,
                         GError **error)
{
    gsize length;
    const void *data = g_bytes_get_data(entry, &length);

    quorum_verdict_clear(quorum);
    return tlog_proof_verify(proof, data, length, policy, quorum, error);
}

static void judge_proof(struct verdict *verdict, const struct verify_state *state,
                        const struct tlog_proof *proof, GBytes *bytes,
                        const struct quorum_policy *policy)
{
    struct quorum_verdict quorum = { 0 };
    g_autoptr(GBytes) entry = canonical(bytes);
    g_autoptr(GError) false_proof = NULL;
    gboolean good = includes(proof, bytes, policy, &quorum, &false_proof);

    if (!good && quorum.reason == QUORUM_PROOF && entry) {
        g_clear_error(&false_proof);
        good = includes(proof, entry, policy, &quorum, &false_proof);
    }
    verdict_line(verdict, "log", "%s", proof->checkpoint->origin);
    verdict_line(verdict, "entry", "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, proof->index,
                 proof->checkpoint->size);
    json_object_set_new(verdict->details, "origin", json_safe_string(proof->checkpoint->origin));
    json_object_set_new(verdict->details, "index", json_integer((json_int_t)proof->index));
    json_object_set_new(verdict->details, "size",
                        json_integer((json_int_t)proof->checkpoint->size));
    if (good)
        verdict_take_quorum(verdict, state, policy, &quorum);
    else
        verdict_refuse(verdict, quorum_reason_name(quorum.reason), EXIT_FOUND, "%s",
                       false_proof->message);
    quorum_verdict_clear(&quorum);
}

int verify_proof(const struct context *context, const struct verify_state *state, const char *path,
                 GBytes *bytes, GError **error)
{
    g_autoptr(policy_file_t) file = NULL;
    g_autoptr(community_t) community = NULL;
    g_autoptr(tlog_proof_t) proof = NULL;
    g_autoptr(GBytes) entry = NULL;
    const struct quorum_policy *policy = NULL;
    struct verdict verdict;
    int status;
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);

    proof = tlog_proof_parse(data, length, path, error);
    entry = proof ? read_entry(state, path, error) : NULL;
    if (!entry || !find_policy(context, state, &file, &community, &policy, error))
        return EXIT_INPUT;
    verdict_init(&verdict, "proof");
    judge_proof(&verdict, state, proof, entry, policy);
    status = verdict_put(context, &verdict, path, error);
    verdict_clear(&verdict);
    return status;
}

int verify_checkpoint(const struct context *context, const struct verify_state *state,
                      const char *path, GBytes *bytes, GError **error)
{
    g_autoptr(policy_file_t) file = NULL;
    g_autoptr(community_t) community = NULL;
    g_autoptr(checkpoint_t) checkpoint = NULL;
    const struct quorum_policy *policy = NULL;
    struct quorum_verdict quorum = { 0 };
    struct verdict verdict;
    int status;
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);
    g_autoptr(note_t) note = note_parse(data, length, path, error);

    if (!note || !find_policy(context, state, &file, &community, &policy, error))
        return EXIT_INPUT;
    checkpoint = quorum_judge(policy, note, (guint64)(clock_now_us() / G_USEC_PER_SEC), &quorum);
    if (!checkpoint) {
        quorum_verdict_clear(&quorum);
        return input_error(error, "%s: the note is no checkpoint", path);
    }
    verdict_init(&verdict, "checkpoint");
    verdict_line(&verdict, "log", "%s", checkpoint->origin);
    verdict_line(&verdict, "size", "%" G_GUINT64_FORMAT, checkpoint->size);
    json_object_set_new(verdict.details, "origin", json_safe_string(checkpoint->origin));
    json_object_set_new(verdict.details, "size", json_integer((json_int_t)checkpoint->size));
    verdict_take_quorum(&verdict, state, policy, &quorum);
    status = verdict_put(context, &verdict, path, error);
    verdict_clear(&verdict);
    quorum_verdict_clear(&quorum);
    return status;
}

/* The keys that the policy knows of a log; NULL: the policy knows nothing of that log. */
static GPtrArray *log_keys(const struct quorum_policy *policy, const char *origin)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();

    for (guint i = 0; origin && i < policy->logs->len; i++) {
        const struct quorum_log *log = policy->logs->pdata[i];

        if (g_str_equal(log->key->name, origin))
            g_ptr_array_add(keys, log->key);
    }
    return keys->len ? g_steal_pointer(&keys) : NULL;
}

int verify_evidence(const struct context *context, const struct verify_state *state,
                    const char *path, GBytes *bytes, GError **error)
{
    g_autoptr(policy_file_t) file = NULL;
    g_autoptr(community_t) community = NULL;
    g_autoptr(GPtrArray) keys = NULL;
    g_autoptr(GError) untrue = NULL;
    g_autoptr(json_t) bundle = NULL;
    const struct quorum_policy *policy = NULL;
    struct evidence_verdict evidence = { 0 };
    struct verdict verdict;
    int status;
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);

    bundle = json_parse(data, length, EVIDENCE_LIMIT, path, error);
    /* Without a policy the bundle's own keys are used, and that is said. */
    if (!bundle ||
        (state->policy && !find_policy(context, state, &file, &community, &policy, error)))
        return EXIT_INPUT;
    if (!state->policy)
        find_policy(context, state, &file, &community, &policy, NULL);
    keys = policy ? log_keys(policy, json_text(bundle, "origin")) : NULL;
    verdict_init(&verdict, "evidence");
    if (evidence_judge(bundle, keys, keys ? policy : NULL, &evidence, &untrue)) {
        verdict_line(&verdict, "against", "%s", evidence.origin);
        verdict_line(&verdict, "says", "%s", evidence.explanation);
        verdict_line(&verdict, "proof", "%s",
                     evidence.proof == EVIDENCE_PROVEN
                         ? "the bundle alone proves it"
                         : "the notes are genuine; the rest is the observer's word");
        json_object_set_new(verdict.details, "evidence", json_string(evidence.kind));
        json_object_set_new(verdict.details, "origin", json_safe_string(evidence.origin));
        json_object_set_new(verdict.details, "proven",
                            json_boolean(evidence.proof == EVIDENCE_PROVEN));
        json_object_set_new(verdict.details, "explanation", json_safe_string(evidence.explanation));
        if (!evidence.key_known)
            verdict_refuse(&verdict, "unknown-key", EXIT_SYSTEM,
                           "whether the key is the log's is not known here: give --policy FILE");
    } else if (g_error_matches(untrue, ENTENTE_ERROR, ENTENTE_ERROR_INPUT)) {
        verdict_refuse(&verdict, "malformed", EXIT_INPUT, "%s", untrue->message);
    } else {
        verdict_refuse(&verdict, "signature", EXIT_FOUND, "%s", untrue->message);
    }
    status = verdict_put(context, &verdict, path, error);
    verdict_clear(&verdict);
    evidence_verdict_clear(&evidence);
    return status;
}
