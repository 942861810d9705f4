/* policy_read.c: from the predicate of a policy to its structure, with every refusal. */
#include "base/error.h"
#include "base/yaml.h"
#include "register/community_policy.h"
#include "statement/predicate.h"

#include <string.h>

#define DEFAULT_MAX_AGE_S 86400
#define DEFAULT_MERGE_DELAY_S 60
#define DEFAULT_ATTESTATIONS 2
#define DEFAULT_ATTESTATION_GROUPS 2
#define DEFAULT_REVIEW_FINDINGS 5
#define DEFAULT_REVIEW_DUE_S 1209600
#define GROUPS 3

static void member_free(gpointer data)
{
    struct community_member *member = data;

    g_free(member->name);
    g_free(member->domain);
    g_free(member->country);
    root_keys_clear(&member->root);
    note_key_free(member->witness);
    g_free(member->witness_url);
    g_free(member);
}

static gboolean read_member(const json_t *value, struct community_policy *policy, GError **error)
{
    const json_t *witness = json_object_get(value, "witness");
    struct community_member *member = g_new0(struct community_member, 1);

    g_ptr_array_add(policy->members, member);
    member->name = g_strdup(json_text(value, "name"));
    member->domain = g_strdup(json_text(value, "domain"));
    member->country = g_strdup(json_text(value, "country"));
    if (!group_parse(json_text(value, "group"), &member->group, error) ||
        !root_keys_read(json_object_get(value, "root"), &member->root, error))
        return FALSE;
    if (!json_is_object(witness))
        return TRUE;
    member->witness = note_key_parse(json_text(witness, "key"), error);
    member->witness_url = g_strdup(json_text(witness, "url"));
    return member->witness != NULL;
}

gboolean domain_is_one_organisation(const char *a, const char *b)
{
    gsize length_a = strlen(a), length_b = strlen(b);
    const char *longer = length_a > length_b ? a : b, *shorter = length_a > length_b ? b : a;
    gsize more = MAX(length_a, length_b) - MIN(length_a, length_b);

    return g_str_equal(longer + more, shorter) && (!more || longer[more - 1] == '.');
}

/* Each key once: of the log, of a witness, of a root. */
static gboolean key_is_new(GHashTable *seen, const guint8 *bytes, const char *name, GError **error)
{
    g_autoptr(GBytes) key = g_bytes_new(bytes, KEY_PUBLIC_SIZE);

    return g_hash_table_add(seen, g_steal_pointer(&key)) ||
           input_error(error,
                       "the key \"%s\" has two places in the policy; a key has one role, of one "
                       "organisation",
                       name);
}

static gboolean keys_are_distinct(const struct community_policy *policy, GError **error)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);

    for (guint i = 0; i < policy->log_keys->len; i++) {
        const struct note_key *key = policy->log_keys->pdata[i];

        if (!key_is_new(seen, key->bytes, key->name, error))
            return FALSE;
    }
    for (guint i = 0; i < policy->members->len; i++) {
        const struct community_member *member = policy->members->pdata[i];

        if (member->witness &&
            !key_is_new(seen, member->witness->bytes, member->witness->name, error))
            return FALSE;
        for (guint j = 0; j < member->root.keys->len; j++) {
            const struct public_key *key = member->root.keys->pdata[j];

            if (!key_is_new(seen, key->bytes, key->name, error))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean organisations_are_distinct(const struct community_policy *policy, GError **error)
{
    for (guint i = 0; i < policy->members->len; i++) {
        const struct community_member *member = policy->members->pdata[i];

        for (guint j = 0; j < i; j++) {
            const struct community_member *other = policy->members->pdata[j];

            if (domain_is_one_organisation(member->domain, other->domain))
                return input_error(error,
                                   "\"%s\" and \"%s\" are one organisation: it counts once, in one "
                                   "group",
                                   other->domain, member->domain);
        }
        if (member->witness && domain_is_one_organisation(member->domain, policy->operator_domain))
            return input_error(error,
                               "\"%s\" operates the log: its witness \"%s\" does not count; leave "
                               "it out",
                               policy->operator_domain, member->witness->name);
    }
    return TRUE;
}

static gboolean thresholds_fit(const struct community_policy *policy, GError **error)
{
    guint witnesses[GROUPS + 1] = { 0 }, zeros = 0;

    for (guint i = 0; i < policy->members->len; i++) {
        const struct community_member *member = policy->members->pdata[i];

        witnesses[member->group] += member->witness != NULL;
    }
    for (guint group = GROUP_STATE; group <= GROUPS; group++) {
        zeros += !policy->quorum[group];
        if (policy->quorum[group] > witnesses[group])
            return input_error(error,
                               "the quorum asks for %u of the group \"%s\", which has %u "
                               "with a witness",
                               policy->quorum[group], group_name(group), witnesses[group]);
    }
    return !zeros || zeros == GROUPS ||
           input_error(error, "the quorum leaves a group out: it asks for all three, or, for a log "
                              "without witnesses, for none");
}

static struct quorum_group *new_group(const char *name, guint threshold)
{
    struct quorum_group *group = g_new0(struct quorum_group, 1);

    group->name = g_strdup(name);
    group->threshold = threshold;
    group->members = g_array_new(FALSE, FALSE, sizeof(struct quorum_member));
    return group;
}

/* The same rules for who judges checkpoints: three groups of witnesses, and one of the three. */
static struct quorum_policy *make_witnesses(const struct community_policy *policy)
{
    struct quorum_policy *out = quorum_policy_new();
    struct quorum_group *all = new_group("quorum", GROUPS);

    for (guint i = 0; i < policy->log_keys->len; i++) {
        struct quorum_log *log = g_new0(struct quorum_log, 1);

        log->key = note_key_copy(policy->log_keys->pdata[i]);
        log->url = g_strdup(policy->url);
        g_ptr_array_add(out->logs, log);
    }
    for (guint group = GROUP_STATE; group <= GROUPS; group++) {
        const struct quorum_member place = { TRUE, group - GROUP_STATE };

        g_ptr_array_add(out->groups, new_group(group_name(group), policy->quorum[group]));
        g_array_append_val(all->members, place);
    }
    for (guint i = 0; i < policy->members->len; i++) {
        const struct community_member *member = policy->members->pdata[i];
        const struct quorum_member place = { FALSE, out->witnesses->len };
        struct quorum_group *group = out->groups->pdata[member->group - GROUP_STATE];
        struct quorum_witness *witness;

        if (!member->witness)
            continue;
        witness = g_new0(struct quorum_witness, 1);
        witness->name = g_strdup(member->witness->name);
        witness->key = note_key_copy(member->witness);
        witness->url = g_strdup(member->witness_url);
        witness->organisation = g_strdup(member->domain);
        g_ptr_array_add(out->witnesses, witness);
        g_array_append_val(group->members, place);
    }
    g_ptr_array_add(out->groups, all);
    out->quorum = (struct quorum_member){ TRUE, GROUPS };
    out->none = !policy->quorum[GROUP_STATE];
    out->max_age_s = policy->max_age_s;
    memcpy(out->digest, policy->hash, sizeof out->digest);
    return out;
}

static gboolean hash_predicate(const json_t *predicate, guint8 hash[32], GError **error)
{
    g_autoptr(GBytes) bytes = json_canonical(predicate, error);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize size = 32;

    if (!bytes)
        return FALSE;
    g_checksum_update(sum, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes));
    g_checksum_get_digest(sum, hash, &size);
    return TRUE;
}

static gboolean read_log_keys(struct community_policy *policy, GError **error)
{
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(policy->predicate, "log_keys"), index, item)
    {
        struct note_key *key = note_key_parse(json_string_value(item), error);

        if (!key)
            return FALSE;
        g_ptr_array_add(policy->log_keys, key);
        if (!g_str_equal(key->name, policy->origin))
            return input_error(error,
                               "the log's key is called \"%s\" and not as its origin, "
                               "\"%s\"",
                               key->name, policy->origin);
    }
    return TRUE;
}

static gboolean read_all(struct community_policy *policy, GError **error)
{
    const json_t *predicate = policy->predicate, *item;
    const json_t *quorum = json_object_get(predicate, "quorum");
    const json_t *attestations = json_object_get(predicate, "attestations");
    const json_t *review = json_object_get(predicate, "review");
    size_t index;

    policy->origin = g_strdup(json_text(predicate, "log"));
    policy->operator_domain = g_strdup(json_text(predicate, "operator"));
    policy->url = g_strdup(json_text(predicate, "url"));
    policy->version = (guint)json_number(predicate, "version", 0);
    policy->max_age_s = json_number(predicate, "checkpoint_max_age_s", DEFAULT_MAX_AGE_S);
    policy->merge_delay_s = json_number(predicate, "merge_delay_s", DEFAULT_MERGE_DELAY_S);
    policy->attestations = (guint)json_number(attestations, "needed", DEFAULT_ATTESTATIONS);
    policy->attestation_groups =
        (guint)json_number(attestations, "groups", DEFAULT_ATTESTATION_GROUPS);
    policy->review_findings = (guint)json_number(review, "findings", DEFAULT_REVIEW_FINDINGS);
    policy->review_due_s = json_number(review, "due_s", DEFAULT_REVIEW_DUE_S);
    for (guint group = GROUP_STATE; group <= GROUPS; group++)
        policy->quorum[group] = (guint)json_number(quorum, group_name(group), 0);
    if (!read_log_keys(policy, error))
        return FALSE;
    json_array_foreach(json_object_get(predicate, "members"), index, item)
    {
        if (!read_member(item, policy, error)) {
            g_prefix_error(error, "member %zu: ", index + 1);
            return FALSE;
        }
    }
    return organisations_are_distinct(policy, error) && keys_are_distinct(policy, error) &&
           thresholds_fit(policy, error) && hash_predicate(predicate, policy->hash, error);
}

struct community_policy *community_policy_read(const json_t *predicate, GError **error)
{
    g_autoptr(community_policy_t) policy = g_new0(struct community_policy, 1);

    policy->log_keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    policy->members = g_ptr_array_new_with_free_func(member_free);
    policy->predicate = json_deep_copy(predicate);
    if (!shape_check(predicate, predicate_find(PREDICATE_POLICY)->shape, "policy", error) ||
        !read_all(policy, error))
        return NULL;
    policy->witnesses = make_witnesses(policy);
    return g_steal_pointer(&policy);
}

struct community_policy *community_policy_parse(const void *data, gsize length, const char *name,
                                                GError **error)
{
    const char *text = data;
    g_autoptr(json_t) value = NULL;
    struct community_policy *policy;
    gsize at = 0;

    while (at < length && g_ascii_isspace(text[at]))
        at++;
    value = at < length && text[at] == '{'
                ? json_parse(data, length, COMMUNITY_POLICY_LIMIT, name, error)
                : yaml_parse(data, length, COMMUNITY_POLICY_LIMIT, name, error);
    if (!value)
        return NULL;
    if (json_is_object(value) && !json_object_get(value, "version"))
        json_object_set_new(value, "version", json_integer(1));
    if (json_number(value, "version", 0) == 1 && !json_object_get(value, "previous"))
        json_object_set_new(value, "previous", json_null());
    policy = community_policy_read(value, error);
    if (!policy)
        g_prefix_error(error, "%s: ", name);
    return policy;
}
