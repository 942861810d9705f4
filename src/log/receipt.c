#include "log/receipt.h"

#include "base/clock.h"
#include "base/error.h"
#include "statement/base64.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"
#include "statement/verifier.h"

#include <string.h>

static const char *const status_names[] = {
    [RECEIPT_INCLUDED] = "included",
    [RECEIPT_ACCEPTED] = "accepted",
    [RECEIPT_REFUSED] = "refused",
};

void receipt_free(struct receipt *receipt)
{
    if (!receipt)
        return;
    g_free(receipt->log);
    g_free(receipt->reason);
    g_free(receipt);
}

static void put_time(json_t *object, const char *key, gint64 time_us)
{
    g_autofree char *text = clock_format(time_us);

    json_object_set_new(object, key, json_string(text));
}

static json_t *predicate_of(const struct receipt *receipt, const char *log, const char *entry)
{
    json_t *predicate = json_pack("{s:s, s:s, s:s}", "log", log, "entry", entry, "status",
                                  status_names[receipt->status]);

    put_time(predicate, "time", receipt->time_us);
    if (receipt->status == RECEIPT_INCLUDED)
        json_object_set_new(predicate, "index", json_integer((json_int_t)receipt->index));
    if (receipt->status == RECEIPT_ACCEPTED)
        put_time(predicate, "by", receipt->by_us);
    if (receipt->status == RECEIPT_REFUSED && receipt->reason)
        json_object_set_new(predicate, "reason", json_safe_string(receipt->reason));
    return predicate;
}

GBytes *receipt_sign(const struct receipt *receipt, const struct signing_key *log, GError **error)
{
    const char *origin = log->public->name;
    g_autofree char *entry = hex_encode(receipt->entry.bytes, MERKLE_HASH_SIZE);
    g_autoptr(json_t) predicate = predicate_of(receipt, origin, entry);
    g_autoptr(GBytes) payload = intoto_build("entry", entry, PREDICATE_RECEIPT, predicate, error);
    g_autoptr(json_t) statement = payload ? intoto_read(payload, error) : NULL;
    g_autoptr(dsse_t) envelope = NULL;
    g_autoptr(json_t) json = NULL;

    if (!statement || !predicate_verify(predicate_find(PREDICATE_RECEIPT), statement, error))
        return NULL;
    envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(envelope, log);
    json = dsse_to_json(envelope);
    return json_canonical(json, error);
}

static gboolean read_status(const json_t *predicate, enum receipt_status *status)
{
    for (guint i = 0; i < G_N_ELEMENTS(status_names); i++)
        if (g_strcmp0(json_text(predicate, "status"), status_names[i]) == 0) {
            *status = i;
            return TRUE;
        }
    return FALSE;
}

/* The shape was verified with the signature. */
static struct receipt *read_predicate(const json_t *predicate, const char *name, GError **error)
{
    g_autoptr(receipt_t) receipt = g_new0(struct receipt, 1);
    const char *by = json_text(predicate, "by");

    if (!read_status(predicate, &receipt->status) ||
        !hex_decode_into(json_text(predicate, "entry"), receipt->entry.bytes, MERKLE_HASH_SIZE)) {
        input_error(error, "%s: not a receipt", name);
        return NULL;
    }
    if (!clock_parse(json_text(predicate, "time"), &receipt->time_us, error) ||
        (by && !clock_parse(by, &receipt->by_us, error)))
        return NULL;
    receipt->log = g_strdup(json_text(predicate, "log"));
    receipt->index = (guint64)json_number(predicate, "index", 0);
    receipt->reason = g_strdup(json_text(predicate, "reason"));
    return g_steal_pointer(&receipt);
}

static gboolean is_of_log(const struct verification *verification, const GPtrArray *keys,
                          const char *log)
{
    for (guint i = 0; i < verification->envelope->signatures->len; i++) {
        const struct dsse_result *result = &verification->results[i];

        if (result->outcome == DSSE_GOOD &&
            g_str_equal(((const struct public_key *)keys->pdata[result->key])->name, log))
            return TRUE;
    }
    return FALSE;
}

struct receipt *receipt_read(const void *data, gsize length, const char *name,
                             const GPtrArray *keys, GError **error)
{
    g_autoptr(verification_t) verification = NULL;
    g_autoptr(receipt_t) receipt = NULL;

    if (length > RECEIPT_LIMIT) {
        input_error(error, "%s: larger than a receipt (%d bytes)", name, RECEIPT_LIMIT);
        return NULL;
    }
    verification = verify_envelope(data, length, name, keys, 1, FALSE);
    if (verification->reason != VERIFY_GOOD) {
        (verification->reason == VERIFY_MALFORMED ? input_error : found_error)(
            error, "%s: %s", name, verification->message);
        return NULL;
    }
    if (g_strcmp0(verification->predicate->type, PREDICATE_RECEIPT) != 0) {
        input_error(error, "%s: is no receipt, but a statement of the type %s", name,
                    verification->predicate->name);
        return NULL;
    }
    receipt = read_predicate(intoto_predicate(verification->statement), name, error);
    if (receipt && !is_of_log(verification, keys, receipt->log)) {
        found_error(error, "%s: names another log than the one that signed it", name);
        return NULL;
    }
    return g_steal_pointer(&receipt);
}

gboolean receipt_is_for(const struct receipt *receipt, const void *entry, gsize length)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    const struct merkle_hash leaf = merkle_leaf(merkle, entry, length);

    return memcmp(&leaf, &receipt->entry, sizeof leaf) == 0;
}

/* ---- was it honoured? ---- */

struct search {
    const struct receipt *receipt;
    struct merkle *merkle;
    gboolean found;
    guint64 index;
};

static gboolean look(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct search *search = data;
    gsize length;
    const void *bytes = g_bytes_get_data(entry, &length);
    const struct merkle_hash leaf = merkle_leaf(search->merkle, bytes, length);

    search->found = memcmp(&leaf, &search->receipt->entry, sizeof leaf) == 0;
    search->index = index;
    return !search->found;
}

gboolean receipt_judge(const struct receipt *receipt, struct log_reader *reader, guint64 size,
                       gint64 log_time_us, enum receipt_verdict *verdict, guint64 *index,
                       GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    struct search search = { receipt, merkle, FALSE, 0 };
    const gboolean has_index = receipt->status == RECEIPT_INCLUDED;
    /* What is included was committed when the receipt was made. */
    const gint64 due_us = has_index ? receipt->time_us : receipt->by_us;
    g_autoptr(GError) trouble = NULL;
    guint64 first = 0, end = size;

    *verdict = RECEIPT_IDLE;
    *index = receipt->index;
    if (receipt->status == RECEIPT_REFUSED)
        return TRUE;
    if (has_index) {
        first = receipt->index;
        end = MIN(first + 1, size);
    }
    /* The search ends it early, without an error. */
    if (first < end && !log_reader_each(reader, first, end, look, &search, &trouble) && trouble) {
        g_propagate_error(error, g_steal_pointer(&trouble));
        return FALSE;
    }
    if (search.found)
        *index = search.index;
    *verdict = search.found ? RECEIPT_HONOURED
               : (has_index && first < size) || (log_time_us && log_time_us > due_us)
                   ? RECEIPT_BROKEN
                   : RECEIPT_PENDING;
    return TRUE;
}
