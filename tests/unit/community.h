/* community.h: a community in memory for tests: its log's key, members, others, and what they
 * sign. Keys come from seeds, so that the same test makes the same bytes. */
#pragma once
#include "base/clock.h"
#include "base/error.h"
#include "register/register.h"
#include "statement/base64.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/note.h"

#include <string.h>

#define ORIGIN "call.example/test"
#define START_US (G_GINT64_CONSTANT(1790000000) * G_USEC_PER_SEC)
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

struct actor {
    const char *domain, *name, *country;
    enum group group;
    guint threshold, n_root;
    struct signing_key *root[4], *issuer, *witness;
    char *id;
};

struct community {
    struct signing_key *log;
    GPtrArray *actors; /* struct actor * */
    struct community_policy *genesis;
    struct reg *reg;
    GPtrArray *entries; /* GBytes *: as folded */
    GArray *times;      /* gint64 */
    gint64 now_us;      /* grows with every statement */
};

static inline struct signing_key *key_of(const char *name)
{
    guint8 seed[KEY_SEED_SIZE];
    gsize size = sizeof seed;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    struct signing_key *key;

    g_checksum_update(sum, (const guint8 *)name, (gssize)strlen(name));
    g_checksum_get_digest(sum, seed, &size);
    key = signing_key_from_seed(name, seed, NULL);
    g_assert_nonnull(key);
    return key;
}

static inline struct actor *actor_new(struct community *community, const char *domain,
                                      enum group group, guint threshold, guint n_root)
{
    struct actor *actor = g_new0(struct actor, 1);
    g_autofree char *issuer = g_strconcat(domain, "/issuer/2026-11", NULL);
    g_autofree char *witness = g_strconcat(domain, "/witness", NULL);
    struct root_keys root = { threshold, g_ptr_array_new() };
    guint8 id[32];

    actor->domain = g_strdup(domain);
    actor->name = g_strdup_printf("Organisation of %s", domain);
    actor->country = "FR";
    actor->group = group;
    actor->threshold = threshold;
    actor->n_root = n_root;
    for (guint i = 0; i < n_root; i++) {
        g_autofree char *name = n_root == 1 ? g_strconcat(domain, "/root", NULL)
                                            : g_strdup_printf("%s/root-%u", domain, i + 1);

        actor->root[i] = key_of(name);
        g_ptr_array_add(root.keys, actor->root[i]->public);
    }
    actor->issuer = key_of(issuer);
    actor->witness = key_of(witness);
    root_keys_id(&root, id);
    actor->id = hex_encode(id, sizeof id);
    g_ptr_array_unref(root.keys);
    g_ptr_array_add(community->actors, actor);
    return actor;
}

static inline void actor_free(gpointer data)
{
    struct actor *actor = data;

    for (guint i = 0; i < actor->n_root; i++)
        signing_key_free(actor->root[i]);
    signing_key_free(actor->issuer);
    signing_key_free(actor->witness);
    g_free((char *)actor->domain);
    g_free((char *)actor->name);
    g_free(actor->id);
    g_free(actor);
}

static inline char *witness_vkey(const struct signing_key *key)
{
    g_autoptr(note_key_t) note = note_key_new(NOTE_KEY_COSIGNATURE, key->public);

    return note_key_text(note);
}

static inline json_t *root_json(const struct actor *actor)
{
    json_t *keys = json_array();

    for (guint i = 0; i < actor->n_root; i++) {
        g_autofree char *text = public_key_text(actor->root[i]->public);

        json_array_append_new(keys, json_string(text));
    }
    return json_pack("{s:i, s:o}", "threshold", (int)actor->threshold, "keys", keys);
}

static inline json_t *member_json(const struct actor *actor, gboolean witness)
{
    json_t *value = json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", actor->name, "domain",
                              actor->domain, "group", group_name(actor->group), "country",
                              actor->country, "root", root_json(actor));
    g_autofree char *vkey = witness_vkey(actor->witness);

    if (witness)
        json_object_set_new(value, "witness", json_pack("{s:s}", "key", vkey));
    return value;
}

/* A policy of these members, all with witnesses, and one threshold for every group. */
static inline json_t *policy_json(const struct community *community, struct actor *const *members,
                                  guint count, guint threshold)
{
    g_autofree char *log = public_key_text(community->log->public);
    json_t *list = json_array();

    for (guint i = 0; i < count; i++)
        json_array_append_new(list, member_json(members[i], threshold > 0));
    return json_pack("{s:s, s:i, s:n, s:[s], s:s, s:o, s:{s:i, s:i, s:i}}", "log", ORIGIN,
                     "version", 1, "previous", "log_keys", log, "operator", "operator.example",
                     "members", list, "quorum", "state", (int)threshold, "private-sector",
                     (int)threshold, "civil-society", (int)threshold);
}

static inline json_t *said_now(struct community *community)
{
    g_autofree char *time = NULL;

    community->now_us += G_USEC_PER_SEC;
    time = clock_format(community->now_us);
    return json_pack("{s:s, s:s}", "log", ORIGIN, "time", time);
}

/* The entry: `keys` ends with NULL. Takes the predicate over. */
static inline GBytes *entry_of(const char *name, const char *sha256, const char *type,
                               json_t *predicate, struct signing_key *const *keys)
{
    g_autoptr(json_t) owned = predicate;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) payload = intoto_build(name, sha256, type, owned, &error);
    g_autoptr(dsse_t) envelope = NULL;
    g_autoptr(json_t) value = NULL;
    GBytes *bytes;

    g_assert_no_error(error);
    envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    for (; *keys; keys++)
        dsse_sign(envelope, *keys);
    value = dsse_to_json(envelope);
    bytes = json_canonical(value, &error);
    g_assert_no_error(error);
    return bytes;
}

/* By the keys of one actor, or `keys` when they are given. */
#define KEYS(...) ((struct signing_key *const[]){ __VA_ARGS__, NULL })

static inline GBytes *entry_by_root(const struct actor *actor, const char *type, json_t *predicate)
{
    struct signing_key *keys[5] = { NULL };

    for (guint i = 0; i < actor->threshold; i++)
        keys[i] = actor->root[i];
    return entry_of(actor->domain, actor->id, type, predicate, keys);
}

static inline GBytes *policy_entry(json_t *predicate, struct signing_key *const *keys)
{
    g_autoptr(GBytes) bytes = json_canonical(predicate, NULL);
    g_autofree char *hash = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);

    return entry_of(ORIGIN, hash, PREDICATE_POLICY, predicate, keys);
}

/* Judges an entry, then folds it; both must agree. Takes the entry over. */
static inline enum register_verdict fold_at(struct community *community, GBytes *entry,
                                            gint64 time_us)
{
    g_autofree char *message = NULL;
    enum register_verdict judged = register_judge(community->reg, entry, time_us, &message);
    enum register_verdict folded =
        register_fold(community->reg, community->entries->len, entry, time_us);

    if (message)
        g_test_message("%s: %s", register_verdict_name(judged), message);
    g_assert_cmpint(judged, ==, folded);
    g_assert_cmpint(judged == REGISTER_COUNTS, ==, message == NULL);
    g_ptr_array_add(community->entries, entry);
    g_array_append_val(community->times, time_us);
    return folded;
}

static inline enum register_verdict fold_now(struct community *community, GBytes *entry)
{
    return fold_at(community, entry, community->now_us);
}

static inline json_t *endorsement_json(struct community *community, const struct actor *actor)
{
    json_t *value = said_now(community);
    json_t *more = json_pack("{s:{s:s, s:s, s:s, s:s}, s:[i, i, i], s:o, s:b}", "signatory", "name",
                             actor->name, "group", group_name(actor->group), "country",
                             actor->country, "domain", actor->domain, "principles", 1, 7, 9, "root",
                             root_json(actor), "reviewer", TRUE);

    json_object_update(value, more);
    json_decref(more);
    return value;
}

static inline enum register_verdict endorse(struct community *community, const struct actor *actor)
{
    return fold_now(
        community, entry_by_root(actor, PREDICATE_ENDORSEMENT, endorsement_json(community, actor)));
}

static inline json_t *delegation_json(struct community *community, const char *key,
                                      const char *role, gint64 days)
{
    json_t *value = said_now(community);
    g_autofree char *until = clock_format(community->now_us + days * DAY_US);

    json_object_set_new(value, "key", json_string(key));
    json_object_set_new(value, "role", json_string(role));
    json_object_set_new(value, "until", json_string(until));
    return value;
}

static inline enum register_verdict delegate_issuer(struct community *community,
                                                    const struct actor *actor)
{
    g_autofree char *vkey = public_key_text(actor->issuer->public);

    return fold_now(community, entry_by_root(actor, PREDICATE_DELEGATION,
                                             delegation_json(community, vkey, "issuer", 100)));
}

static inline json_t *attestation_json(struct community *community, const struct actor *of)
{
    json_t *value = said_now(community);
    json_t *more =
        json_pack("{s:s, s:s, s:[s, s, s]}", "signatory", of->id, "group", group_name(of->group),
                  "checked", "domain", "legal-existence", "contact");

    json_object_update(value, more);
    json_decref(more);
    return value;
}

static inline enum register_verdict attest(struct community *community, const struct actor *by,
                                           const struct actor *of)
{
    return fold_now(community, entry_of(of->domain, of->id, PREDICATE_ATTESTATION,
                                        attestation_json(community, of), KEYS(by->issuer)));
}

static inline json_t *revocation_json(struct community *community, const struct signing_key *key,
                                      const char *reason, guint64 from_index)
{
    json_t *value = said_now(community);
    g_autofree char *vkey = public_key_text(key->public);

    json_object_set_new(value, "key", json_string(vkey));
    json_object_set_new(value, "reason", json_string(reason));
    json_object_set_new(value, "from_index", json_integer((json_int_t)from_index));
    return value;
}

static inline json_t *assessment_json(struct community *community, const struct actor *actor,
                                      int band)
{
    g_autofree char *time = NULL;
    json_t *principles = json_array();

    community->now_us += G_USEC_PER_SEC;
    time = clock_format(community->now_us);
    for (int n = 1; n <= 9; n++)
        json_array_append_new(
            principles, n == 7 ? json_pack("{s:i, s:i, s:i}", "n", n, "band", band, "coverage", 80)
                               : json_pack("{s:i, s:n, s:n}", "n", n, "band", "coverage"));
    return json_pack("{s:{s:s, s:s}, s:s, s:s, s:o, s:{s:s, s:s, s:i}, s:{s:s}}", "catalogue",
                     "version", "2026.11", "digest", "sha256:00", "started", time, "ended", time,
                     "principles", principles, "commitments", "algorithm",
                     "rfc6962-sha256-salt32-jcs", "root",
                     "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9", "count",
                     20, "signatory", "domain", actor->domain);
}

static inline enum register_verdict assess(struct community *community, const struct actor *actor,
                                           struct signing_key *key, int band)
{
    g_autofree char *digest = g_strdup_printf("%064" G_GINT64_MODIFIER "x", community->now_us);

    return fold_now(community, entry_of("assessment.json", digest, PREDICATE_ASSESSMENT,
                                        assessment_json(community, actor, band), KEYS(key)));
}

/*
 * Three members with witnesses and issuers, one in each group (1-of-1, 2-of-3, 1-of-1), whose
 * genesis policy asks for one witness of each; the first entry is the policy.
 */
static inline struct community *community_of(guint threshold)
{
    struct community *community = g_new0(struct community, 1);
    struct actor *members[3];
    g_autoptr(json_t) policy = NULL;
    g_autoptr(GError) error = NULL;

    community->now_us = START_US;
    community->log = key_of(ORIGIN);
    community->actors = g_ptr_array_new_with_free_func(actor_free);
    community->entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    community->times = g_array_new(FALSE, FALSE, sizeof(gint64));
    members[0] = actor_new(community, "state.example", GROUP_STATE, 1, 1);
    members[1] = actor_new(community, "company.example", GROUP_PRIVATE_SECTOR, 2, 3);
    members[2] = actor_new(community, "society.example", GROUP_CIVIL_SOCIETY, 1, 1);
    policy = policy_json(community, members, 3, threshold);
    community->genesis = community_policy_read(policy, &error);
    g_assert_no_error(error);
    community->reg = register_new(community->genesis);
    g_assert_cmpint(fold_now(community, policy_entry(json_incref(policy), KEYS(community->log))),
                    ==, REGISTER_COUNTS);
    for (guint i = 0; i < 3; i++) {
        g_assert_cmpint(endorse(community, members[i]), ==, REGISTER_COUNTS);
        g_assert_cmpint(delegate_issuer(community, members[i]), ==, REGISTER_COUNTS);
    }
    return community;
}

static inline struct community *community_new(void)
{
    return community_of(1);
}

/* As community_new(), without witnesses. */
static inline struct community *community_new_unwitnessed(void)
{
    return community_of(0);
}

static inline struct actor *actor_at(const struct community *community, guint index)
{
    return community->actors->pdata[index];
}

static inline void community_free(struct community *community)
{
    signing_key_free(community->log);
    g_ptr_array_unref(community->actors);
    g_ptr_array_unref(community->entries);
    g_array_unref(community->times);
    community_policy_free(community->genesis);
    register_free(community->reg);
    g_free(community);
}

/* "policy", "attested", "self-declared", "removed". */
static inline char *standing_of(const struct community *community, const struct actor *actor)
{
    g_autoptr(json_t) value =
        register_signatory(community->reg, actor->id, community->now_us, NULL);

    return g_strdup(json_text(value, "attested"));
}
