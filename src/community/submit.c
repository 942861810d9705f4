/* submit.c: hands an entry to the node, and holds the log to its answer. */
#include "base/clock.h"
#include "base/error.h"
#include "community/community_private.h"
#include "log/tlog_proof.h"

#include <string.h>

#define ENTRIES_PATH "api/v1/entries"
#define ANSWER_LIMIT (2u << 20)
#define WAIT_S 10
#define WAIT_MARGIN_S 20 /* beyond the wait we ask for */
#define STATUS_INCLUDED 200
#define STATUS_ACCEPTED 202
#define STATUS_REFUSED 403
#define MESSAGE_LIMIT 300

void submission_clear(struct submission *submission)
{
    g_clear_pointer(&submission->reason, g_free);
    g_clear_pointer(&submission->receipt, g_bytes_unref);
    g_clear_pointer(&submission->proof, g_bytes_unref);
}

/* An answer without a receipt: RFC 9457 says why, or a status alone. */
static gboolean explain(const char *url, const struct http_answer *http, const json_t *value,
                        GError **error)
{
    const char *detail = json_text(value, "detail");
    const char *title = json_text(value, "title");

    if (!detail)
        detail = title ? title : "no reason was given";
    if (http->status >= 500 || http->status == 429 || http->retry_after_us > 0)
        return system_error(error, "%s: status %u: %.*s; try again later", url, http->status,
                            MESSAGE_LIMIT, detail);
    return input_error(error, "%s: status %u: %.*s", url, http->status, MESSAGE_LIMIT, detail);
}

static gboolean is_of_entry(const struct promise *promise, GBytes *entry)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    struct merkle_hash leaf =
        merkle_leaf(merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));

    return memcmp(&leaf, &promise->leaf, sizeof leaf) == 0;
}

/* The proof must lead from the entry to a checkpoint of this log. Its quorum is not asked for: a
 * young log has none, and the next update judges that. */
static gboolean check_proof(struct community *community, const char *text, GBytes *entry,
                            const struct promise *promise, GError **error)
{
    const struct community_policy *policy = community_policy_in_force(community, error);
    g_autoptr(tlog_proof_t) proof =
        policy ? tlog_proof_parse(text, strlen(text), "proof", error) : NULL;
    struct quorum_verdict verdict = { 0 };
    gboolean good;

    if (!proof)
        return FALSE;
    if (proof->index != promise->index)
        return found_error(error, "proof: it is of another index than the receipt");
    good = tlog_proof_verify(proof, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry),
                             policy->witnesses, &verdict, error);
    quorum_verdict_clear(&verdict);
    return good;
}

static gboolean take_receipt(struct community *community, const json_t *value, GBytes *entry,
                             struct submission *submission, GError **error)
{
    const struct community_policy *policy = community_policy_in_force(community, error);
    const json_t *receipt = json_object_get(value, "receipt");
    const char *proof = json_text(value, "proof");
    struct promise promise;
    gboolean good;

    if (!policy || !promise_read(receipt, policy->origin, policy->log_keys, &promise, error))
        return FALSE;
    submission->receipt = json_canonical(receipt, error);
    good = submission->receipt != NULL;
    if (good && !is_of_entry(&promise, entry))
        good = found_error(error, "receipt: it is for another entry");
    submission->accepted = promise.status != PROMISE_REFUSED;
    submission->included = promise.status == PROMISE_INCLUDED;
    submission->index = promise.index;
    submission->by_us = promise.by_us;
    submission->reason = g_strdup(promise.reason);
    if (good && submission->included && proof) {
        good = check_proof(community, proof, entry, &promise, error);
        submission->proof = g_bytes_new(proof, strlen(proof));
    }
    /* A promise is kept even when the proof beside it is false: it may be evidence. */
    if (submission->receipt && submission->accepted && is_of_entry(&promise, entry))
        good = memory_keep_receipt(community->memory, &promise, submission->receipt, entry,
                                   good ? error : NULL) &&
               good;
    promise_clear(&promise);
    return good;
}

static gboolean read_answer(struct community *community, const char *url,
                            const struct http_answer *http, GBytes *entry,
                            struct submission *submission, GError **error)
{
    gsize length;
    const void *body = g_bytes_get_data(http->body, &length);
    g_autoptr(json_t) value =
        length ? json_parse(body, length, ANSWER_LIMIT, "the node's answer", NULL) : NULL;

    if (!json_is_object(json_object_get(value, "receipt")))
        return explain(url, http, value, error);
    if (http->status != STATUS_INCLUDED && http->status != STATUS_ACCEPTED &&
        http->status != STATUS_REFUSED)
        return explain(url, http, value, error);
    return take_receipt(community, value, entry, submission, error);
}

gboolean community_submit(struct community *community, const struct http_options *options,
                          GBytes *entry, struct submission *submission, GError **error)
{
    struct http_options own = *options;
    g_autoptr(http_t) http = NULL;
    g_autofree char *url = NULL;
    struct http_request request = { .method = "POST",
                                    .content_type = "application/json",
                                    .body = entry };
    struct http_answer answer;
    gboolean good;

    memset(submission, 0, sizeof *submission);
    if (!community->url)
        return input_error(error, "no node is known of this community: name one with \"entente "
                                  "join --node URL\"");
    own.limit = ANSWER_LIMIT;
    own.timeout_us = (WAIT_S + WAIT_MARGIN_S) * (gint64)G_USEC_PER_SEC;
    http = http_new(&own);
    request.url = url = g_strdup_printf("%s%s" ENTRIES_PATH "?wait=%d", community->url,
                                        g_str_has_suffix(community->url, "/") ? "" : "/", WAIT_S);
    if (!http_fetch(http, &request, &answer, error))
        return FALSE;
    good = read_answer(community, url, &answer, entry, submission, error);
    http_answer_clear(&answer);
    return good;
}
