#include "delivery/commitment_root.h"

#include "base/clock.h"
#include "base/error.h"
#include "log/tlog_proof.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/merkle.h"
#include "statement/predicate.h"

#include <sodium.h>
#include <string.h>

#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define LEAVES_LOW 64u
#define LEAVES_STEP 4u
#define SALT_SIZE 32
#define PATH_LIMIT 15u /* 4^15 leaves */
#define PATH_HASHES (2 * PATH_LIMIT)

void case_root_proven_clear(struct case_root_proven *proven)
{
    g_clear_pointer(&proven->author, g_free);
}

/* --- the tree of an hour --- */

/* HMAC-SHA256 under the hour's seed; `use` keeps salts and padding apart. */
static void derive(const struct ledger_hour *hour, const char *use, const void *bytes, gsize length,
                   guint8 out[SALT_SIZE])
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, hour->seed, sizeof hour->seed);
    crypto_auth_hmacsha256_update(&state, (const guint8 *)use, strlen(use));
    crypto_auth_hmacsha256_update(&state, bytes, length);
    crypto_auth_hmacsha256_final(&state, out);
}

static struct merkle_hash leaf_of(struct merkle *merkle, const struct ledger_hour *hour,
                                  const struct case_hash *event, guint8 salt[SALT_SIZE])
{
    guint8 salted[SALT_SIZE + CASE_HASH_SIZE];

    derive(hour, "salt", event->bytes, sizeof event->bytes, salt);
    memcpy(salted, salt, SALT_SIZE);
    memcpy(salted + SALT_SIZE, event->bytes, CASE_HASH_SIZE);
    return merkle_leaf(merkle, salted, sizeof salted);
}

static gint compare_hashes(gconstpointer left, gconstpointer right)
{
    return memcmp(left, right, MERKLE_HASH_SIZE);
}

/* All leaves of an hour (struct merkle_hash), in their order. */
static GArray *leaves_of(struct merkle *merkle, const struct ledger_hour *hour,
                         const GArray *events)
{
    GArray *leaves =
        g_array_sized_new(FALSE, FALSE, sizeof(struct merkle_hash), (guint)hour->leaves);

    for (guint i = 0; i < events->len; i++) {
        guint8 salt[SALT_SIZE];
        struct merkle_hash leaf =
            leaf_of(merkle, hour, &g_array_index(events, struct case_hash, i), salt);

        g_array_append_val(leaves, leaf);
    }
    for (guint64 i = events->len; i < hour->leaves; i++) {
        const guint64 number = GUINT64_TO_BE(i);
        struct merkle_hash leaf;

        derive(hour, "fill", &number, sizeof number, leaf.bytes);
        g_array_append_val(leaves, leaf);
    }
    g_array_sort(leaves, compare_hashes);
    return leaves;
}

static guint64 padded(guint count)
{
    guint64 leaves = LEAVES_LOW;

    while (leaves < count)
        leaves *= LEAVES_STEP;
    return leaves;
}

/* --- making a root --- */

/* Makes the hour that ended, with all events since the last one that was made. */
static gboolean make_hour(struct ledger *ledger, struct cases *cases, gint64 last_us,
                          struct ledger_hour *hour, GError **error)
{
    const gint64 from_us = last_us ? last_us + HOUR_US : 0;
    g_autoptr(GArray) events = cases_events_between(cases, from_us, hour->hour_us + HOUR_US, error);

    if (!events)
        return FALSE;
    hour->leaves = padded(events->len);
    randombytes_buf(hour->seed, sizeof hour->seed);
    return ledger_add_hour(ledger, hour, events, error);
}

static GBytes *statement_of(struct ledger *ledger, const struct ledger_hour *hour,
                            const struct case_root_self *self, gint64 now_us, GError **error)
{
    g_autoptr(GArray) events = ledger_events(ledger, hour->hour_us, error);
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autofree char *hour_text = clock_format(hour->hour_us), *now = clock_format(now_us);
    g_autofree char *root_hex = NULL;
    g_autoptr(GArray) leaves = NULL;
    g_autoptr(json_t) predicate = NULL;
    struct merkle_hash root;

    if (!events)
        return NULL;
    leaves = leaves_of(merkle, hour, events);
    root = merkle_root(merkle, (const struct merkle_hash *)leaves->data, leaves->len);
    root_hex = hex_encode(root.bytes, sizeof root.bytes);
    predicate = json_pack("{s:s, s:s, s:s, s:s, s:I}", "log", self->origin, "time", now, "hour",
                          hour_text, "root", root_hex, "leaves", (json_int_t)hour->leaves);
    return intoto_build(self->domain, self->id, PREDICATE_CASE_ROOT, predicate, error);
}

GBytes *case_root_due(struct ledger *ledger, struct cases *cases, const struct case_root_self *self,
                      gint64 now_us, gint64 *hour_us, GError **error)
{
    const gint64 ended_us = now_us - now_us % HOUR_US - HOUR_US;
    g_auto(ledger_hour_t) hour = { 0 };

    if (!ledger_last_hour(ledger, &hour, error))
        return NULL;
    if (hour.hour_us >= ended_us && hour.entry)
        return NULL;
    if (!hour.hour_us || (hour.entry && hour.hour_us < ended_us)) {
        const gint64 last_us = hour.hour_us;

        ledger_hour_clear(&hour);
        hour = (struct ledger_hour){ .hour_us = ended_us };
        if (!make_hour(ledger, cases, last_us, &hour, error))
            return NULL;
    }
    /* One that was made and not logged comes first, whatever hour it is now. */
    *hour_us = hour.hour_us;
    return statement_of(ledger, &hour, self, now_us, error);
}

static gboolean submit(struct ledger *ledger, struct community *community, gint64 hour_us,
                       GBytes *entry, const struct http_options *http, gboolean *made,
                       GError **error)
{
    g_auto(submitted_t) submission = { 0 };
    g_autoptr(GError) failure = NULL;

    if (!community_submit(community, http, entry, &submission, &failure)) {
        g_debug("the hour's root waits: %s", failure->message);
        return TRUE;
    }
    *made = submission.accepted;
    if (submission.accepted)
        return ledger_log_hour(ledger, hour_us, entry, error);
    g_debug("the hour's root is refused: %s", submission.reason);
    return ledger_drop_hour(ledger, hour_us, error);
}

gboolean case_root_commit(struct ledger *ledger, struct cases *cases, struct community *community,
                          const struct case_root_self *self, const struct signing_key *key,
                          const struct http_options *http, gint64 now_us, gboolean *made,
                          GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) payload = NULL, entry = NULL;
    g_autoptr(dsse_t) envelope = NULL;
    gint64 hour_us;

    *made = FALSE;
    payload = case_root_due(ledger, cases, self, now_us, &hour_us, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (!payload)
        return TRUE;
    envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(envelope, key);
    entry = community_entry(envelope, error);
    return entry && submit(ledger, community, hour_us, entry, http, made, error);
}

/* --- proofs --- */

static json_t *hash_string(const struct merkle_hash *hash)
{
    g_autofree char *hex = hex_encode(hash->bytes, sizeof hash->bytes);

    return json_string(hex);
}

gboolean case_root_entry_index(const struct reg *reg, GBytes *entry, guint64 *index)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    const struct merkle_hash leaf =
        merkle_leaf(merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));

    return register_index_of(reg, leaf.bytes, index);
}

/* The entry's proof under the checkpoint that this machine believes; NULL without an error: none
 * that is trusted includes it yet. */
static char *prove_entry(struct community *community, GBytes *entry, guint64 *index, GError **error)
{
    const struct reg *reg = community_register(community, error);
    g_auto(community_state_t) state = { 0 };
    struct log_reader *reader;
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    guint length;

    if (!reg || !case_root_entry_index(reg, entry, index) ||
        !community_time_us(community, *index) || !community_recall(community, &state, error) ||
        !state.note || *index >= state.size)
        return NULL;
    reader = community_reader(community, error);
    return reader && log_reader_inclusion(reader, *index, state.size, path, &length, error)
               ? tlog_proof_text(*index, path, length, state.note)
               : NULL;
}

static json_t *proof_json(const struct ledger_hour *hour, const GArray *events,
                          const struct case_hash *event, const json_t *entry, const char *proof,
                          GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(GArray) leaves = leaves_of(merkle, hour, events);
    g_autofree char *event_hex = hex_encode(event->bytes, sizeof event->bytes), *salt_hex = NULL;
    struct merkle_hash path[MERKLE_PATH_LIMIT], leaf;
    guint8 salt[SALT_SIZE];
    json_t *list;
    guint index, length;

    leaf = leaf_of(merkle, hour, event, salt);
    salt_hex = hex_encode(salt, sizeof salt);
    if (!g_array_binary_search(leaves, &leaf, compare_hashes, &index)) {
        found_error(error, "the ledger does not hold the event of its own hour");
        return NULL;
    }
    length =
        merkle_path(merkle, (const struct merkle_hash *)leaves->data, leaves->len, index, path);
    list = json_array();
    for (guint i = 0; i < length; i++)
        json_array_append_new(list, hash_string(&path[i]));
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:O, s:s}", "schema", CASE_PROOF_SCHEMA,
                     "event", event_hex, "salt", salt_hex, "index", (json_int_t)index, "leaves",
                     (json_int_t)leaves->len, "path", list, "entry", (json_t *)entry, "tlog_proof",
                     proof);
}

json_t *case_root_prove(struct ledger *ledger, struct community *community,
                        const struct case_hash *event, GError **error)
{
    g_auto(ledger_hour_t) hour = { 0 };
    g_autoptr(GArray) events = NULL;
    g_autofree char *proof = NULL;
    g_autoptr(json_t) entry = NULL;
    guint64 index;
    gsize length;
    const void *bytes;

    if (!ledger_hour_of(ledger, event, &hour, error) || !hour.entry)
        return NULL;
    proof = prove_entry(community, hour.entry, &index, error);
    events = proof ? ledger_events(ledger, hour.hour_us, error) : NULL;
    if (!events)
        return NULL;
    bytes = g_bytes_get_data(hour.entry, &length);
    entry = json_parse(bytes, length, length, "entry", error);
    return entry ? proof_json(&hour, events, event, entry, proof, error) : NULL;
}

gboolean case_root_stage_of(struct ledger *ledger, struct cases *cases,
                            const struct case_hash *event, gint64 now_us,
                            enum case_root_stage *stage, gint64 *until_us, GError **error)
{
    const gint64 began_us = now_us - now_us % HOUR_US;
    g_auto(ledger_hour_t) hour = { 0 };
    g_autoptr(GArray) events = NULL;

    *until_us = began_us + HOUR_US;
    if (!ledger_hour_of(ledger, event, &hour, error))
        return FALSE;
    *stage = hour.entry ? CASE_ROOT_LOGGED : CASE_ROOT_DUE;
    if (hour.hour_us)
        return TRUE;
    events = cases_events_between(cases, began_us, *until_us, error);
    for (guint i = 0; events && i < events->len; i++)
        if (memcmp(&g_array_index(events, struct case_hash, i), event, sizeof *event) == 0)
            *stage = CASE_ROOT_RUNNING;
    return events != NULL;
}

/* --- judging --- */

struct proof {
    struct case_hash event;
    guint8 salt[SALT_SIZE];
    guint64 index, leaves;
    struct merkle_hash path[PATH_HASHES];
    guint length;
    GBytes *entry;     /* canonical */
    json_t *statement; /* of the entry */
};

static void proof_clear(struct proof *proof)
{
    g_clear_pointer(&proof->entry, g_bytes_unref);
    g_clear_pointer(&proof->statement, json_decref);
}

static gboolean read_hex(const json_t *value, const char *member, guint8 *out, gsize size)
{
    const char *text = json_text(value, member);

    return text && hex_decode_into(text, out, size);
}

static gboolean read_path(const json_t *value, struct proof *proof)
{
    const json_t *list = json_object_get(value, "path"), *item;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) > PATH_HASHES)
        return FALSE;
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);

        if (!text || !hex_decode_into(text, proof->path[i].bytes, MERKLE_HASH_SIZE))
            return FALSE;
    }
    proof->length = (guint)json_array_size(list);
    return TRUE;
}

static gboolean read_proof(const json_t *value, struct proof *proof, GError **error)
{
    const gint64 index = json_number(value, "index", -1), leaves = json_number(value, "leaves", 0);
    g_autoptr(dsse_t) envelope = NULL;

    if (g_strcmp0(json_text(value, "schema"), CASE_PROOF_SCHEMA) != 0 ||
        !read_hex(value, "event", proof->event.bytes, sizeof proof->event.bytes) ||
        !read_hex(value, "salt", proof->salt, sizeof proof->salt) || index < 0 || leaves <= index ||
        !read_path(value, proof))
        return input_error(error, "not a proof of when an event was there");
    proof->index = (guint64)index;
    proof->leaves = (guint64)leaves;
    envelope = dsse_from_json(json_object_get(value, "entry"), "entry", error);
    proof->entry = envelope ? community_entry(envelope, error) : NULL;
    proof->statement = proof->entry ? intoto_read(envelope->payload, error) : NULL;
    return proof->statement != NULL;
}

/* Whether the event's leaf leads to the root that the entry says. */
static gboolean leads_to_root(const struct proof *proof, GError **error)
{
    const json_t *predicate = intoto_predicate(proof->statement);
    guint8 salted[SALT_SIZE + CASE_HASH_SIZE];
    g_autoptr(merkle_t) merkle = merkle_new();
    struct merkle_hash leaf, root;

    memcpy(salted, proof->salt, SALT_SIZE);
    memcpy(salted + SALT_SIZE, proof->event.bytes, CASE_HASH_SIZE);
    leaf = merkle_leaf(merkle, salted, sizeof salted);
    return (g_strcmp0(intoto_predicate_type(proof->statement), PREDICATE_CASE_ROOT) == 0 &&
            read_hex(predicate, "root", root.bytes, sizeof root.bytes) &&
            (guint64)json_number(predicate, "leaves", 0) == proof->leaves &&
            merkle_includes(merkle, &leaf, proof->index, proof->leaves, proof->path, proof->length,
                            &root)) ||
           found_error(error, "the event does not lead to the root of the entry");
}

/* The part of a proof that is for who has no copy of the log: not false where it is there. */
static gboolean tlog_proof_holds(const json_t *value, const struct proof *proof,
                                 struct community *community, GError **error)
{
    const char *text = json_text(value, "tlog_proof");
    const struct community_policy *policy = community_policy_in_force(community, error);
    g_autoptr(tlog_proof_t) read = NULL;
    struct quorum_verdict verdict = { 0 };
    gboolean good;
    gsize length;
    const void *entry = g_bytes_get_data(proof->entry, &length);

    if (!policy)
        return FALSE;
    if (!text)
        return TRUE;
    read = tlog_proof_parse(text, strlen(text), "tlog_proof", error);
    good = read && tlog_proof_verify(read, entry, length, policy->witnesses, &verdict, error);
    quorum_verdict_clear(&verdict);
    return good;
}

static gboolean find_entry(const struct proof *proof, struct community *community,
                           struct case_root_proven *proven, GError **error)
{
    const struct reg *reg = community_register(community, error);
    g_autoptr(merkle_t) merkle = merkle_new();
    const struct merkle_hash leaf =
        merkle_leaf(merkle, g_bytes_get_data(proof->entry, NULL), g_bytes_get_size(proof->entry));
    g_autoptr(json_t) entry = NULL;

    if (!reg)
        return FALSE;
    if (!register_index_of(reg, leaf.bytes, &proven->index))
        return system_error(error, "the copy of the log here does not hold the entry (yet)");
    entry = register_entry(reg, proven->index);
    if (!json_is_true(json_object_get(entry, "counts")))
        return found_error(error, "the entry does not count in the log: %s",
                           json_text(entry, "verdict"));
    proven->author = g_strdup(json_text(entry, "signatory"));
    proven->log_time_us = community_time_us(community, proven->index);
    return proven->log_time_us != 0 ||
           system_error(error, "no trusted checkpoint includes the entry yet");
}

gboolean case_root_verify(const json_t *value, struct community *community,
                          struct case_root_proven *proven, GError **error)
{
    struct proof proof = { 0 };
    gboolean good;

    *proven = (struct case_root_proven){ 0 };
    good = read_proof(value, &proof, error) && leads_to_root(&proof, error) &&
           tlog_proof_holds(value, &proof, community, error) &&
           find_entry(&proof, community, proven, error);
    proven->event = proof.event;
    proof_clear(&proof);
    return good;
}
