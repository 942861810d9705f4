/* submit.c: hands an entry to the node, and holds the log to its answer. */
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

void submitted_clear(struct submitted *submission)
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

/* The proof must lead from the entry to a checkpoint of this log. Its quorum is not asked for: a
 * young log has none, and the next update judges that. */
static gboolean check_proof(struct community *community, const char *text, GBytes *entry,
                            const struct receipt *receipt, GError **error)
{
    const struct community_policy *policy = community_policy_in_force(community, error);
    g_autoptr(tlog_proof_t) proof =
        policy ? tlog_proof_parse(text, strlen(text), "proof", error) : NULL;
    struct quorum_verdict verdict = { 0 };
    gboolean good;

    if (!proof)
        return FALSE;
    if (proof->index != receipt->index)
        return found_error(error, "proof: it is of another index than the receipt");
    good = tlog_proof_verify(proof, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry),
                             policy->witnesses, &verdict, error);
    quorum_verdict_clear(&verdict);
    return good;
}

/* A promise is kept whatever stands beside it: it may be evidence. */
static gboolean keep(struct community *community, const struct receipt *receipt, GBytes *entry,
                     const struct submitted *submission, GError **error)
{
    return receipt->status == RECEIPT_REFUSED ||
           memory_keep_receipt(community->memory, receipt, submission->receipt, entry, error);
}

static gboolean take_receipt(struct community *community, const json_t *value, GBytes *entry,
                             struct submitted *submission, GError **error)
{
    const struct community_policy *policy = community_policy_in_force(community, error);
    const char *proof = json_text(value, "proof");
    g_autoptr(GPtrArray) keys = NULL;
    g_autoptr(receipt_t) receipt = NULL;

    submission->receipt = policy ? json_canonical(json_object_get(value, "receipt"), error) : NULL;
    if (!submission->receipt)
        return FALSE;
    keys = note_public_keys(policy->log_keys);
    receipt = receipt_read(g_bytes_get_data(submission->receipt, NULL),
                           g_bytes_get_size(submission->receipt), "receipt", keys, error);
    if (!receipt)
        return FALSE;
    if (!g_str_equal(receipt->log, policy->origin) ||
        !receipt_is_for(receipt, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry)))
        return found_error(error, "receipt: it is for another entry, or by another log");
    submission->accepted = receipt->status != RECEIPT_REFUSED;
    submission->included = receipt->status == RECEIPT_INCLUDED;
    submission->index = receipt->index;
    submission->by_us = receipt->by_us;
    submission->reason = g_strdup(receipt->reason);
    if (!keep(community, receipt, entry, submission, error))
        return FALSE;
    if (!submission->included || !proof)
        return TRUE;
    submission->proof = g_bytes_new(proof, strlen(proof));
    return check_proof(community, proof, entry, receipt, error);
}

static gboolean read_answer(struct community *community, const char *url,
                            const struct http_answer *http, GBytes *entry,
                            struct submitted *submission, GError **error)
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

/* --- an entry that is there already --- */

struct search {
    GBytes *wanted;
    guint64 index;
    gboolean found;
};

static gboolean compare(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct search *search = data;

    search->index = index;
    search->found = g_bytes_equal(entry, search->wanted);
    return !search->found;
}

/* The proof of an entry of the copy, under the remembered checkpoint. */
static GBytes *prove(struct community *community, struct log_reader *reader, guint64 index,
                     GError **error)
{
    g_auto(remembered_t) largest = { 0 };
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    guint length;
    char *text;

    if (!memory_largest(community->memory, &largest, error) ||
        !log_reader_inclusion(reader, index, largest.size, path, &length, error))
        return NULL;
    text = tlog_proof_text(index, path, length, largest.note);
    return g_bytes_new_take(text, strlen(text));
}

/*
 * A log refuses what it holds already. Then the answer is where it stands, and no refusal. FALSE
 * with an error: the copy could not be read.
 */
static gboolean find(struct community *community, GBytes *entry, struct submitted *submission,
                     GError **error)
{
    struct log_reader *reader = community_reader(community, error);
    struct search search = { entry, 0, FALSE };
    g_auto(remembered_t) largest = { 0 };
    g_autoptr(GError) problem = NULL;

    if (!reader || !memory_largest(community->memory, &largest, error))
        return FALSE;
    if (!log_reader_each(reader, 0, largest.size, compare, &search, &problem) && problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    if (!search.found)
        return TRUE;
    submitted_clear(submission);
    submission->accepted = submission->included = submission->was_there = TRUE;
    submission->index = search.index;
    submission->proof = prove(community, reader, search.index, error);
    return submission->proof != NULL;
}

gboolean community_submit(struct community *community, const struct http_options *options,
                          GBytes *entry, struct submitted *submission, GError **error)
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
    return good && (submission->accepted || find(community, entry, submission, error));
}
