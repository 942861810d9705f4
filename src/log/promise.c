#include "log/promise.h"

#include "base/clock.h"
#include "base/error.h"
#include "statement/base64.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <string.h>

static const char *const status_names[] = { "included", "accepted", "refused" };

void promise_clear(struct promise *promise)
{
    g_clear_pointer(&promise->reason, g_free);
}

static GPtrArray *public_keys(const GPtrArray *log_keys)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);

    for (guint i = 0; i < log_keys->len; i++) {
        const struct note_key *key = log_keys->pdata[i];

        if (key->type == NOTE_KEY_ED25519)
            g_ptr_array_add(keys, public_key_new(key->name, key->bytes, NULL));
    }
    return keys;
}

/* Its shape was checked: what is there is of the right type. */
static gboolean read_predicate(const json_t *predicate, struct promise *promise, GError **error)
{
    const char *status = json_text(predicate, "status");
    const char *by = json_text(predicate, "by");

    for (guint i = 0; i < G_N_ELEMENTS(status_names); i++)
        if (g_strcmp0(status, status_names[i]) == 0)
            promise->status = (enum promise_status)i;
    if (!hex_decode_into(json_text(predicate, "entry"), promise->leaf.bytes, MERKLE_HASH_SIZE))
        return input_error(error, "a receipt names no entry");
    promise->index = (guint64)json_number(predicate, "index", 0);
    promise->time_us = predicate_time_us(predicate);
    promise->reason = g_strdup(json_text(predicate, "reason"));
    return !by || clock_parse(by, &promise->by_us, error);
}

gboolean promise_read(const json_t *envelope, const char *origin, const GPtrArray *log_keys,
                      struct promise *promise, GError **error)
{
    g_autoptr(dsse_t) signed_by_log = dsse_from_json(envelope, "receipt", error);
    g_autoptr(json_t) statement = NULL;
    g_autoptr(GPtrArray) keys = public_keys(log_keys);
    g_autofree struct dsse_result *results = NULL;
    const json_t *predicate;

    memset(promise, 0, sizeof *promise);
    if (!signed_by_log)
        return FALSE;
    if (!g_str_equal(signed_by_log->payload_type, INTOTO_PAYLOAD_TYPE))
        return input_error(error, "a receipt is an in-toto statement");
    statement = intoto_read(signed_by_log->payload, error);
    if (!statement)
        return FALSE;
    if (g_strcmp0(intoto_predicate_type(statement), PREDICATE_RECEIPT) != 0)
        return input_error(error, "not a receipt but \"%s\"", intoto_predicate_type(statement));
    if (!predicate_verify(predicate_find(PREDICATE_RECEIPT), statement, error))
        return FALSE;
    results = g_new0(struct dsse_result, signed_by_log->signatures->len + 1);
    if (dsse_verify(signed_by_log, keys, results) == 0)
        return found_error(error, "the receipt is not signed by the log's key");
    predicate = intoto_predicate(statement);
    if (g_strcmp0(json_text(predicate, "log"), origin) != 0)
        return found_error(error, "the receipt is of another log");
    return read_predicate(predicate, promise, error);
}
