#include "register/register.h"

#include "base/error.h"
#include "register/register_private.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <string.h>

#define ID_HASH_BYTES 4
#define CLOCK_AHEAD_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

static const char *const verdict_names[] = {
    [REGISTER_COUNTS] = NULL,           [REGISTER_MALFORMED] = "malformed",
    [REGISTER_SIGNATURE] = "signature", [REGISTER_UNKNOWN_KEY] = "unknown-key",
    [REGISTER_ROLE] = "role",           [REGISTER_EXPIRED] = "expired",
    [REGISTER_REVOKED] = "revoked",     [REGISTER_OTHER_LOG] = "other-log",
    [REGISTER_QUORUM] = "quorum",       [REGISTER_CONFLICT] = "conflict",
    [REGISTER_EXPOSURE] = "exposure",   [REGISTER_UNKNOWN_PREDICATE] = "unknown-predicate",
};

const char *register_verdict_name(enum register_verdict verdict)
{
    return verdict_names[verdict];
}

/* Digests, ids and keys are 32 bytes that look random: the first four are hash enough. */
static guint hash_32(gconstpointer bytes)
{
    guint hash;

    memcpy(&hash, bytes, ID_HASH_BYTES);
    return hash;
}

static gboolean equal_32(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, 32) == 0;
}

static void entry_state_free(gpointer data)
{
    struct reg_entry *entry = data;

    g_free(entry->message);
    json_decref(entry->said);
    reg_assessment_free(entry->assessment);
    g_clear_pointer(&entry->sightings, g_ptr_array_unref);
    g_free(entry);
}

static void policy_state_free(gpointer data)
{
    struct reg_policy *policy = data;

    community_policy_free(policy->policy);
    g_free(policy);
}

struct reg *register_new(const struct community_policy *genesis)
{
    struct reg *reg = g_new0(struct reg, 1);

    reg->entries = g_ptr_array_new_with_free_func(entry_state_free);
    reg->by_leaf = g_hash_table_new(hash_32, equal_32);
    reg->payloads = g_hash_table_new_full(hash_32, equal_32, g_free, NULL);
    reg->signatories = g_ptr_array_new_with_free_func(reg_signatory_free);
    reg->by_id = g_hash_table_new(hash_32, equal_32);
    reg->by_domain = g_hash_table_new(g_str_hash, g_str_equal);
    reg->all_keys = g_ptr_array_new_with_free_func(reg_key_free);
    reg->keys = g_hash_table_new(hash_32, equal_32);
    reg->hints =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    reg->networks = g_hash_table_new_full(reg_network_hash, reg_network_equal, g_free, NULL);
    reg->log_keys = g_ptr_array_new();
    reg->awaiting = g_ptr_array_new();
    reg->policies = g_ptr_array_new_with_free_func(policy_state_free);
    /* What was read once reads again. */
    register_apply_policy(reg, community_policy_read(genesis->predicate, NULL), 0);
    return reg;
}

void register_free(struct reg *reg)
{
    if (!reg)
        return;
    g_hash_table_unref(reg->by_leaf);
    g_hash_table_unref(reg->payloads);
    g_hash_table_unref(reg->by_id);
    g_hash_table_unref(reg->by_domain);
    g_hash_table_unref(reg->keys);
    g_hash_table_unref(reg->hints);
    g_hash_table_unref(reg->networks);
    g_ptr_array_unref(reg->log_keys);
    g_ptr_array_unref(reg->awaiting);
    g_clear_pointer(&reg->moments, g_array_unref);
    g_ptr_array_unref(reg->entries);
    g_ptr_array_unref(reg->signatories);
    g_ptr_array_unref(reg->all_keys);
    g_ptr_array_unref(reg->policies);
    g_free(reg);
}

guint64 register_size(const struct reg *reg)
{
    return reg->entries->len;
}

const struct community_policy *register_policy(const struct reg *reg)
{
    const struct reg_policy *last = reg->policies->pdata[reg->policies->len - 1];

    return last->policy;
}

const struct community_policy *register_policy_at(const struct reg *reg, guint64 size)
{
    for (guint i = reg->policies->len - 1; i; i--) {
        const struct reg_policy *policy = reg->policies->pdata[i];

        if (policy->index < size)
            return policy->policy;
    }
    return ((const struct reg_policy *)reg->policies->pdata[0])->policy;
}

enum register_verdict register_refuse(struct judged *judged, enum register_verdict verdict,
                                      const char *format, ...)
{
    va_list arguments;
    char *message;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_free(judged->message);
    judged->message = message;
    return verdict;
}

static const struct handler *handler_of(const struct predicate *predicate)
{
    static const struct handler *const handlers[] = {
        &handler_endorsement, &handler_recovery,       &handler_attestation, &handler_delegation,
        &handler_revocation,  &handler_policy,         &handler_review,      &handler_succession,
        &handler_route_alarm, &handler_route_sighting,
    };

    for (const struct handler *said = handlers_said; said->type; said++)
        if (g_str_equal(said->type, predicate->type))
            return said;
    for (guint i = 0; i < G_N_ELEMENTS(handlers); i++)
        if (g_str_equal(handlers[i]->type, predicate->type))
            return handlers[i];
    return NULL;
}

/* The registered keys whose signatures verify, each once. */
static void find_signers(struct judged *judged)
{
    for (guint i = 0; i < judged->entry->envelope->signatures->len; i++) {
        GPtrArray *keys = g_hash_table_lookup(judged->reg->hints, entry_hint(judged->entry, i));

        judged->known += keys != NULL;
        for (guint j = 0; keys && j < keys->len; j++) {
            struct reg_key *key = keys->pdata[j];

            if (entry_is_signed_by(judged->entry, i, key->bytes) &&
                !g_ptr_array_find(judged->signers, key, NULL))
                g_ptr_array_add(judged->signers, key);
        }
    }
}

static enum register_verdict judge(struct judged *judged)
{
    const struct entry *entry = judged->entry;
    const struct reg_entry *before;
    const struct handler *handler;
    const char *log;

    if (entry->verdict != REGISTER_COUNTS)
        return register_refuse(judged, entry->verdict, "%s", entry->message);
    judged->predicate = intoto_predicate(entry->statement);
    log = json_text(judged->predicate, "log");
    if (log && !g_str_equal(log, register_policy(judged->reg)->origin))
        return register_refuse(judged, REGISTER_OTHER_LOG, "it is for the log \"%s\"", log);
    before = g_hash_table_lookup(judged->reg->payloads, entry->payload_hash);
    if (before)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the same was said before, in entry %" G_GUINT64_FORMAT,
                               before->index);
    handler = handler_of(entry->predicate);
    if (!handler)
        return register_refuse(judged, REGISTER_EXPOSURE,
                               "statements of this type have no place "
                               "in a log");
    if (!judged->time_us)
        judged->time_us = predicate_time_us(judged->predicate);
    if (predicate_time_us(judged->predicate) > judged->time_us + CLOCK_AHEAD_US)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "it was said in the future: its time is more than a day ahead of "
                               "the log's");
    find_signers(judged);
    return handler->judge(judged);
}

static void judged_init(struct judged *judged, const struct reg *reg, struct entry *entry,
                        gint64 time_us)
{
    memset(judged, 0, sizeof *judged);
    judged->reg = reg;
    judged->index = reg->entries->len;
    judged->time_us = time_us;
    judged->entry = entry;
    judged->signers = g_ptr_array_new();
}

static void judged_clear(struct judged *judged)
{
    g_ptr_array_unref(judged->signers);
    g_free(judged->message);
    community_policy_free(judged->policy);
    root_keys_clear(&judged->root);
}

enum register_verdict register_judge(const struct reg *reg, GBytes *entry, gint64 time_us,
                                     char **message)
{
    g_autoptr(entry_t) parsed = entry_parse(entry);
    enum register_verdict verdict;
    struct judged judged;

    judged_init(&judged, reg, parsed, time_us);
    verdict = judge(&judged);
    if (message)
        *message = verdict == REGISTER_COUNTS ? NULL : g_steal_pointer(&judged.message);
    judged_clear(&judged);
    return verdict;
}

enum register_verdict register_fold_parsed(struct reg *reg, struct entry *parsed, gint64 time_us)
{
    struct reg_entry *entry = g_new0(struct reg_entry, 1);
    struct judged judged;

    judged_init(&judged, reg, parsed, time_us);
    entry->index = judged.index;
    entry->time_us = time_us;
    entry->predicate = parsed->predicate;
    memcpy(entry->leaf, parsed->leaf, sizeof entry->leaf);
    entry->verdict = judge(&judged);
    entry->signatory = judged.signatory;
    entry->key = judged.key;
    g_ptr_array_add(reg->entries, entry);
    if (entry->verdict == REGISTER_COUNTS) {
        handler_of(parsed->predicate)->apply(reg, &judged, entry);
        g_hash_table_insert(reg->by_leaf, entry->leaf, entry);
        g_hash_table_insert(reg->payloads, g_memdup2(parsed->payload_hash, 32), entry);
        if (judged.key && judged.key->role != KEY_ROLE_ROOT)
            g_ptr_array_add(judged.key->said, entry);
    } else {
        entry->message = g_steal_pointer(&judged.message);
    }
    judged_clear(&judged);
    reviews_settle(reg);
    return entry->verdict;
}

enum register_verdict register_fold(struct reg *reg, guint64 index, GBytes *entry, gint64 time_us)
{
    g_autoptr(entry_t) parsed = entry_parse(entry);

    g_return_val_if_fail(index == reg->entries->len, REGISTER_MALFORMED);
    return register_fold_parsed(reg, parsed, time_us);
}
