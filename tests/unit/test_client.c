/* What a client believes, remembers and accuses: a log of its community in a folder, good and bad.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "community/community.h"
#include "log/evidence.h"
#include "log/receipt.h"
#include "log/writer.h"
#include "statement/dsse.h"
#include "statement/intoto.h"

#include <glib/gstdio.h>
#include <string.h>

#define ORIGIN "call.example/test"
#define GROUPS 3u
#define DAY_S (24 * 3600)
#define MAX_AGE_S (24 * 3600)

struct world {
    char *folder, *data, *log_folder;
    struct signing_key *log, *witnesses[GROUPS];
    struct community_policy *policy;
    struct log_writer *writer;
    struct log_writer_options options;
    struct community *community;
    struct http_options http;
};

static struct signing_key *new_key(const char *name)
{
    g_autoptr(GError) error = NULL;
    struct signing_key *key = signing_key_generate(name, &error);

    g_assert_no_error(error);
    return key;
}

static struct community_policy *make_policy(struct world *world)
{
    static const char *const groups[GROUPS] = { "state", "private-sector", "civil-society" };
    g_autofree char *log = public_key_text(world->log->public);
    json_t *members = json_array();
    g_autoptr(json_t) policy = NULL;
    g_autoptr(GError) error = NULL;
    struct community_policy *read;

    for (guint i = 0; i < GROUPS; i++) {
        g_autofree char *domain = g_strdup_printf("m%u.example", i);
        g_autofree char *root_name = g_strconcat(domain, "/root", NULL);
        g_autofree char *witness_name = g_strconcat(domain, "/witness", NULL);
        struct signing_key *root = new_key(root_name);
        g_autofree char *root_text = public_key_text(root->public), *witness = NULL;
        g_autoptr(note_key_t) key = NULL;

        world->witnesses[i] = new_key(witness_name);
        key = note_key_new(NOTE_KEY_COSIGNATURE, world->witnesses[i]->public);
        witness = note_key_text(key);
        json_array_append_new(members, json_pack("{s:s, s:s, s:s, s:s, s:{s:i, s:[s]}, s:{s:s}}",
                                                 "name", domain, "domain", domain, "group",
                                                 groups[i], "country", "FR", "root", "threshold", 1,
                                                 "keys", root_text, "witness", "key", witness));
        signing_key_free(root);
    }
    policy = json_pack("{s:s, s:i, s:n, s:[s], s:s, s:o, s:{s:i, s:i, s:i}, s:i}", "log", ORIGIN,
                       "version", 1, "previous", "log_keys", log, "operator", "op.example",
                       "members", members, "quorum", groups[0], 1, groups[1], 1, groups[2], 1,
                       "checkpoint_max_age_s", MAX_AGE_S);
    read = community_policy_read(policy, &error);
    g_assert_no_error(error);
    return read;
}

static GBytes *make_entry(const struct signing_key *key, const char *type, json_t *predicate,
                          const char *subject)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, subject, -1);
    g_autoptr(GBytes) payload = intoto_build(subject, digest, type, predicate, NULL);
    g_autoptr(dsse_t) envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    GBytes *entry;

    dsse_sign(envelope, key);
    entry = community_entry(envelope, NULL);
    g_assert_nonnull(entry);
    return entry;
}

static GBytes *genesis_entry(struct world *world)
{
    g_autofree char *hash = g_malloc0(65);
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(dsse_t) envelope = NULL;

    for (guint i = 0; i < 32; i++)
        g_snprintf(hash + 2 * i, 3, "%02x", world->policy->hash[i]);
    payload = intoto_build(ORIGIN, hash, PREDICATE_POLICY, world->policy->predicate, NULL);
    envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(envelope, world->log);
    return community_entry(envelope, NULL);
}

/* An entry that the register refuses, and that stands in the log all the same. */
static GBytes *some_entry(struct world *world, const char *text)
{
    g_autoptr(json_t) predicate = json_pack("{s:i}", "size", 1);

    return make_entry(world->log, PREDICATE_DOCUMENT, predicate, text);
}

static void open_log(struct world *world)
{
    g_autoptr(GError) error = NULL;

    world->options = (struct log_writer_options){ .folder = world->log_folder, .key = world->log };
    g_assert_true(log_create(&world->options, &error));
    world->writer = log_writer_open(&world->options, &error);
    g_assert_no_error(error);
}

static guint64 add(struct world *world, GBytes *taken)
{
    g_autoptr(GBytes) entry = taken;
    g_autoptr(GError) error = NULL;
    guint64 index;

    log_writer_add(world->writer, entry, &index, &error);
    g_assert_no_error(error);
    return index;
}

/* Publishes what is there, cosigned by all (or but the first) at a time. */
static void publish(struct world *world, gint64 time_s, guint first)
{
    g_autoptr(GBytes) plain = log_writer_checkpoint(world->writer);
    g_autoptr(note_t) note =
        note_parse(g_bytes_get_data(plain, NULL), g_bytes_get_size(plain), "note", NULL);
    g_autoptr(GString) text =
        g_string_new_len(g_bytes_get_data(plain, NULL), (gssize)g_bytes_get_size(plain));
    g_autoptr(GBytes) cosigned = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = first; i < GROUPS; i++) {
        g_autofree char *line =
            note_cosign_line(world->witnesses[i], g_bytes_get_data(note->text, NULL),
                             g_bytes_get_size(note->text), (guint64)time_s);

        g_string_append(text, line);
    }
    cosigned = g_bytes_new(text->str, text->len);
    g_assert_true(log_writer_publish(world->writer, cosigned, first == 0, &error));
    g_assert_no_error(error);
}

static gint64 now_s(void)
{
    return clock_now_us() / G_USEC_PER_SEC;
}

static void set_up(struct world *world, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    world->folder = g_dir_make_tmp("entente-client-XXXXXX", NULL);
    world->data = g_build_filename(world->folder, "data", NULL);
    world->log_folder = g_build_filename(world->data, "log", NULL);
    g_assert_true(file_make_folder(world->data, 0700, NULL));
    world->log = new_key(ORIGIN);
    world->policy = make_policy(world);
    open_log(world);
    g_assert_cmpuint(add(world, genesis_entry(world)), ==, 0);
    publish(world, now_s(), 0);
    g_assert_true(community_adopt(world->data, world->policy, NULL, NULL, &error));
    world->community = community_open(world->data, &error);
    g_assert_no_error(error);
    g_assert_true(community_is_local(world->community));
}

static void tear_down(struct world *world, gconstpointer data)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", world->folder);

    community_close(world->community);
    log_writer_close(world->writer);
    community_policy_free(world->policy);
    for (guint i = 0; i < GROUPS; i++)
        signing_key_free(world->witnesses[i]);
    signing_key_free(world->log);
    g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL);
    g_free(world->log_folder);
    g_free(world->data);
    g_free(world->folder);
}

/* An update that is good, or fails as the code says (-1: good). */
static void update(struct world *world, enum freshness freshness, int code, const char *reason,
                   struct community_state *state)
{
    g_autoptr(GError) error = NULL;
    gboolean good = community_update(world->community, &world->http, freshness, state, &error);

    if (code < 0) {
        g_assert_no_error(error);
        g_assert_true(good);
        return;
    }
    g_assert_false(good);
    g_assert_error(error, ENTENTE_ERROR, code);
    g_assert_true(g_str_has_prefix(error->message, reason));
}

/* The only bundle, judged. */
static gboolean judge_evidence(struct world *world, const struct quorum_policy *policy,
                               struct evidence_verdict *verdict, GError **error)
{
    const char *folder = community_evidence_folder(world->community);
    GDir *dir = g_dir_open(folder, 0, NULL);
    g_autofree char *path = NULL;
    g_autoptr(json_t) bundle = NULL;
    gboolean good;

    g_assert_nonnull(dir);
    path = g_build_filename(folder, g_dir_read_name(dir), NULL);
    g_assert_null(g_dir_read_name(dir));
    g_dir_close(dir);
    bundle = json_read_file(path, EVIDENCE_LIMIT, NULL);
    g_assert_nonnull(bundle);
    good = evidence_judge(bundle, world->policy->log_keys, policy, verdict, error);
    if (good && json_object_get(bundle, "path")) {
        /* A proof with another hash in it proves nothing. */
        struct evidence_verdict other = { 0 };
        json_t *hashes = json_object_get(bundle, "path");
        g_autoptr(GError) refused = NULL;

        if (json_array_size(hashes) > 0) {
            json_array_set_new(hashes, 0,
                               json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
            g_assert_false(
                evidence_judge(bundle, world->policy->log_keys, policy, &other, &refused));
            g_assert_error(refused, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
            evidence_verdict_clear(&other);
        }
    }
    return good;
}

static void test_witnessed(struct world *world, gconstpointer data)
{
    g_auto(community_state_t) first = { 0 }, second = { 0 }, recalled = { 0 };
    g_autoptr(GError) error = NULL;
    gint64 time_s = now_s();

    update(world, FRESHNESS_DEMANDED, -1, NULL, &first);
    g_assert_false(first.unwitnessed);
    add(world, some_entry(world, "one"));
    add(world, some_entry(world, "two"));
    publish(world, time_s + 5, 0);
    update(world, FRESHNESS_DEMANDED, -1, NULL, &second);
    g_assert_cmpuint(second.size, ==, 3);
    g_assert_cmpuint(second.verdict.log_time_s, ==, time_s + 5);
    g_assert_nonnull(community_register(world->community, &error));
    g_assert_no_error(error);
    /* The genesis policy was there before the others. */
    g_assert_cmpint(community_time_us(world->community, 0), <,
                    community_time_us(world->community, 1));
    g_assert_cmpint(community_time_us(world->community, 2), ==, (time_s + 5) * G_USEC_PER_SEC);
    g_assert_true(community_recall(world->community, &recalled, &error));
    g_assert_cmpuint(recalled.size, ==, 3);
}

static void test_frozen_log_is_stale(struct world *world, gconstpointer data)
{
    g_auto(community_state_t) refused = { 0 }, waived = { 0 }, recalled = { 0 };
    g_autoptr(GError) error = NULL;

    add(world, some_entry(world, "one"));
    publish(world, now_s() - 2 * DAY_S, 0);
    update(world, FRESHNESS_DEMANDED, ENTENTE_ERROR_POLICY, "stale", &refused);
    g_assert_true(community_recall(world->community, &recalled, &error));
    g_assert_cmpuint(recalled.size, ==, 0); /* nothing was believed */
    update(world, FRESHNESS_WAIVED, -1, NULL, &waived);
    g_assert_cmpint(waived.verdict.reason, ==, QUORUM_STALE);
    g_assert_false(waived.unwitnessed);
}

static void test_missing_quorum(struct world *world, gconstpointer data)
{
    g_auto(community_state_t) first = { 0 }, second = { 0 };

    update(world, FRESHNESS_DEMANDED, -1, NULL, &first);
    add(world, some_entry(world, "one"));
    publish(world, now_s(), 1); /* the state's witness is missing */
    update(world, FRESHNESS_DEMANDED, ENTENTE_ERROR_POLICY, "quorum", &second);
}

/* Another history under the same key, that has grown beyond the first. */
static void replace_log(struct world *world, guint entries)
{
    g_autofree char *old = g_strconcat(world->log_folder, "-old", NULL);

    log_writer_close(world->writer);
    g_assert_cmpint(g_rename(world->log_folder, old), ==, 0);
    open_log(world);
    add(world, genesis_entry(world));
    for (guint i = 0; i < entries; i++) {
        g_autofree char *text = g_strdup_printf("other %u", i);

        add(world, some_entry(world, text));
    }
    publish(world, now_s(), 0);
}

static void test_split_view_of_two_sizes(struct world *world, gconstpointer data)
{
    g_auto(community_state_t) first = { 0 }, second = { 0 };
    struct evidence_verdict verdict = { 0 };
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 4; i++) {
        g_autofree char *text = g_strdup_printf("entry %u", i);

        add(world, some_entry(world, text));
    }
    publish(world, now_s(), 0);
    update(world, FRESHNESS_DEMANDED, -1, NULL, &first);
    replace_log(world, 10);
    update(world, FRESHNESS_DEMANDED, ENTENTE_ERROR_FOUND, "split-view", &second);
    g_assert_true(judge_evidence(world, NULL, &verdict, &error));
    g_assert_cmpint(verdict.proof, ==, EVIDENCE_PROVEN);
    g_assert_true(verdict.key_known);
    evidence_verdict_clear(&verdict);
}

static void test_rolled_back(struct world *world, gconstpointer data)
{
    g_auto(community_state_t) first = { 0 }, second = { 0 }, recalled = { 0 };
    struct evidence_verdict verdict = { 0 };
    g_autoptr(GError) error = NULL;

    add(world, some_entry(world, "one"));
    publish(world, now_s(), 0);
    update(world, FRESHNESS_DEMANDED, -1, NULL, &first);
    replace_log(world, 0);
    update(world, FRESHNESS_DEMANDED, ENTENTE_ERROR_FOUND, "rolled-back", &second);
    g_assert_true(judge_evidence(world, NULL, &verdict, &error));
    g_assert_cmpint(verdict.proof, ==, EVIDENCE_OBSERVED);
    evidence_verdict_clear(&verdict);
    g_assert_true(community_recall(world->community, &recalled, &error));
    g_assert_cmpuint(recalled.size, ==, 2);
}

/* The log promises something about an entry that it does not hold. */
static void promise(struct world *world, const struct receipt *what, GBytes *entry)
{
    struct receipt receipt = *what;
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(GBytes) envelope = NULL;
    g_autoptr(GError) error = NULL;

    receipt.entry = merkle_leaf(merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    receipt.log = (char *)ORIGIN;
    envelope = receipt_sign(&receipt, world->log, &error);
    g_assert_no_error(error);
    g_assert_true(
        memory_keep_receipt(community_memory(world->community), &receipt, envelope, entry, &error));
}

static void test_receipt_of_an_index_is_broken(struct world *world, gconstpointer data)
{
    g_auto(community_state_t) state = { 0 }, again = { 0 };
    struct evidence_verdict verdict = { 0 };
    const struct receipt included = { .status = RECEIPT_INCLUDED,
                                      .time_us = (now_s() - 10) * G_USEC_PER_SEC,
                                      .index = 1 };
    g_autoptr(GBytes) mine = some_entry(world, "mine");
    g_autoptr(GError) error = NULL;

    add(world, some_entry(world, "not mine"));
    add(world, some_entry(world, "neither"));
    publish(world, now_s(), 0);
    promise(world, &included, mine);
    update(world, FRESHNESS_DEMANDED, -1, NULL, &state);
    g_assert_cmpuint(state.broken_receipts, ==, 1);
    g_assert_true(judge_evidence(world, world->policy->witnesses, &verdict, &error));
    g_assert_cmpint(verdict.proof, ==, EVIDENCE_PROVEN);
    evidence_verdict_clear(&verdict);
    update(world, FRESHNESS_DEMANDED, -1, NULL, &again);
    g_assert_cmpuint(again.broken_receipts, ==, 0); /* said once */
}

static void test_promise_to_include(struct world *world, gconstpointer data)
{
    g_auto(community_state_t) early = { 0 }, late = { 0 };
    struct evidence_verdict verdict = { 0 };
    gint64 time_s = now_s();
    const struct receipt accepted = { .status = RECEIPT_ACCEPTED,
                                      .time_us = (time_s - 10) * G_USEC_PER_SEC,
                                      .by_us = (time_s + 20) * G_USEC_PER_SEC };
    g_autoptr(GBytes) mine = some_entry(world, "mine");
    g_autoptr(GBytes) kept = some_entry(world, "kept");
    g_autoptr(GError) error = NULL;

    promise(world, &accepted, mine);
    promise(world, &accepted, kept);
    add(world, g_bytes_ref(kept));
    publish(world, time_s, 0);
    update(world, FRESHNESS_DEMANDED, -1, NULL, &early);
    g_assert_cmpuint(early.broken_receipts, ==, 0); /* not due yet */
    add(world, some_entry(world, "another"));
    publish(world, time_s + 30, 0);
    update(world, FRESHNESS_DEMANDED, -1, NULL, &late);
    g_assert_cmpuint(late.broken_receipts, ==, 1);
    g_assert_true(judge_evidence(world, world->policy->witnesses, &verdict, &error));
    g_assert_cmpint(verdict.proof, ==, EVIDENCE_OBSERVED);
    evidence_verdict_clear(&verdict);
}

static void test_wrong_policy(struct world *world, gconstpointer data)
{
    g_autofree char *other = g_build_filename(world->folder, "other", NULL);
    g_autofree char *zeros = g_strnfill(64, '0');
    g_autoptr(GError) error = NULL;

    g_assert_false(community_adopt(other, world->policy, zeros, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_false(community_exists(other));
    /* The same again is fine; another one is not. */
    g_clear_error(&error);
    g_assert_true(community_adopt(world->data, world->policy, NULL, NULL, &error));
    world->policy->hash[0] ^= 1;
    g_assert_false(community_adopt(world->data, world->policy, NULL, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(struct world *world, gconstpointer data);
    } tests[] = {
        { "/client/witnessed", test_witnessed },
        { "/client/frozen-log-is-stale", test_frozen_log_is_stale },
        { "/client/missing-quorum", test_missing_quorum },
        { "/client/split-view-of-two-sizes", test_split_view_of_two_sizes },
        { "/client/rolled-back", test_rolled_back },
        { "/client/receipt-of-an-index-is-broken", test_receipt_of_an_index_is_broken },
        { "/client/promise-to-include", test_promise_to_include },
        { "/client/wrong-policy", test_wrong_policy },
    };

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, struct world, NULL, set_up, tests[i].test, tear_down);
    return g_test_run();
}
