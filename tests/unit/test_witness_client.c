/* A log and its witnesses, some of which fail in the ways witnesses do. */
#include "base/error.h"
#include "log/tree.h"
#include "log/witness_client.h"
#include "peer.h"

#include <stdlib.h>

#define LOG_SIZE 40u
#define ORIGIN "call.example/test"
#define LIMIT_US (60 * (gint64)G_USEC_PER_SEC)
#define LOOK_US 20000 /* between two looks at what comes in its own time */
#define LOOKS (LIMIT_US / LOOK_US)

/* A witness as the specification wants it, but for what `fault` says. */
enum fault { FAULT_NONE, FAULT_SLOW, FAULT_FALSE, FAULT_UNKNOWN_LOG, FAULT_LARGER, FAULT_NO_SIZE };

struct witness_peer {
    enum fault fault;
    struct signing_key *key;
    struct peer *peer;
    int size;     /* atomic: cosigned so far */
    int requests; /* atomic */
    int let_go;   /* atomic: the slow one answers from now on */
    int proofs;   /* atomic: hashes received in all */
};

static char *cosign(struct witness_peer *witness, const char *note)
{
    g_autoptr(note_t) parsed = note_parse(note, strlen(note), "request", NULL);
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autofree char *line = NULL;
    gsize length;
    const void *text;

    g_assert_nonnull(parsed);
    text = g_bytes_get_data(parsed->text, &length);
    checkpoint = checkpoint_parse(text, length, NULL);
    g_assert_nonnull(checkpoint);
    g_atomic_int_set(&witness->size, (int)checkpoint->size);
    line =
        note_cosign_line(witness->key, text, length, (guint64)(g_get_real_time() / G_USEC_PER_SEC));
    if (witness->fault == FAULT_FALSE)
        line[strlen(line) - 20] ^= 1;
    return peer_reply(200, NULL, line);
}

static char *answer(const struct peer_request *request, gpointer data)
{
    struct witness_peer *witness = data;
    const char *body = g_bytes_get_data(request->body, NULL);
    const char *note = strstr(body, "\n\n");
    guint64 old = strtoull(body + strlen("old "), NULL, 10);
    int known = g_atomic_int_get(&witness->size);

    g_atomic_int_inc(&witness->requests);
    g_assert_cmpstr(request->path, ==, "/witness/add-checkpoint");
    g_assert_true(g_str_has_prefix(body, "old ") && note);
    for (const char *at = strchr(body, '\n'); at < note; at = strchr(at + 1, '\n'))
        g_atomic_int_inc(&witness->proofs);
    if (witness->fault == FAULT_UNKNOWN_LOG)
        return peer_reply(404, NULL, "no such log\n");
    if (witness->fault == FAULT_NO_SIZE)
        return peer_reply(409, NULL, "");
    for (guint i = 0; i < LOOKS && witness->fault == FAULT_SLOW; i++) {
        if (g_atomic_int_get(&witness->let_go))
            break;
        g_usleep(LOOK_US);
    }
    if (old != (guint64)known) {
        g_autofree char *size = g_strdup_printf("%d\n", known);

        return peer_reply(409, "Content-Type: text/x.tlog.size\r\n", size);
    }
    return cosign(witness, note + 2);
}

#define WITNESSES 3u

struct world {
    struct merkle *merkle;
    struct merkle_hash leaves[LOG_SIZE];
    struct signing_key *log;
    struct witness_peer witnesses[WITNESSES];
    struct quorum_policy *policy;
    struct witness_client *client;
    int alarms; /* atomic */
    guint64 alarm_size;
};

static gboolean node(gpointer data, guint level, guint64 index, struct merkle_hash *hash,
                     GError **error)
{
    struct world *world = data;

    *hash = merkle_root(world->merkle, world->leaves + (index << level), (gsize)1 << level);
    return TRUE;
}

static gboolean consistency(guint64 old_size, guint64 size, struct merkle_hash *path, guint *length,
                            gpointer data, GError **error)
{
    struct world *world = data;
    g_autoptr(merkle_t) merkle = merkle_new();

    return tree_consistency(merkle, old_size, size, node, world, path, length, error);
}

static void alarm_raised(const char *witness, guint64 size, const char *message, gpointer data)
{
    struct world *world = data;

    world->alarm_size = size;
    g_atomic_int_inc(&world->alarms);
}

/* One witness in each of three groups; `quorum` of them are needed. */
static struct world *world_new(const enum fault faults[WITNESSES], guint quorum)
{
    struct world *world = g_new0(struct world, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *vkey = NULL;
    const struct witness_client_options options = {
        .http = { .allow_plain = TRUE, .allow_private = TRUE, .timeout_us = LIMIT_US },
        .consistency = consistency,
        .alarm = alarm_raised,
        .data = world,
    };
    g_autoptr(GError) error = NULL;

    world->merkle = merkle_new();
    for (guint i = 0; i < LOG_SIZE; i++)
        world->leaves[i] = merkle_leaf(world->merkle, &i, sizeof i);
    world->log = signing_key_generate(ORIGIN, NULL);
    vkey = public_key_text(world->log->public);
    g_string_append_printf(text, "log %s\n", vkey);
    for (guint i = 0; i < WITNESSES; i++) {
        struct witness_peer *witness = &world->witnesses[i];
        g_autofree char *name = g_strdup_printf("w%u.example/witness", i);
        g_autoptr(note_key_t) key = NULL;
        g_autofree char *witness_vkey = NULL, *url = NULL;

        witness->fault = faults[i];
        witness->key = signing_key_generate(name, NULL);
        witness->peer = peer_start(answer, witness);
        key = note_key_new(NOTE_KEY_COSIGNATURE, witness->key->public);
        witness_vkey = note_key_text(key);
        url = peer_url(witness->peer, i % 2 ? "/witness/" : "/witness");
        g_string_append_printf(text, "witness w%u %s %s\n", i, witness_vkey, url);
    }
    g_string_append_printf(text, "group all %u w0 w1 w2\nquorum all\n", quorum);
    world->policy = quorum_policy_parse(text->str, text->len, "policy", &error);
    g_assert_no_error(error);
    world->client = witness_client_new(&options);
    witness_client_set_policy(world->client, world->policy);
    return world;
}

static void world_free(struct world *world)
{
    witness_client_free(world->client);
    quorum_policy_free(world->policy);
    for (guint i = 0; i < WITNESSES; i++) {
        peer_stop(world->witnesses[i].peer);
        signing_key_free(world->witnesses[i].key);
    }
    signing_key_free(world->log);
    merkle_free(world->merkle);
    g_free(world);
}

static void ask(struct world *world, guint size)
{
    struct merkle_hash root = merkle_root(world->merkle, world->leaves, size);
    g_autoptr(GBytes) note = checkpoint_sign(world->log, size, &root);
    g_autoptr(GError) error = NULL;

    witness_client_ask(world->client, note, &error);
    g_assert_no_error(error);
}

/* Gives the number of cosignatures; the note must be good under the policy as `quorum` says. */
static guint collect(struct world *world, gint64 limit_us, guint64 size, gboolean quorum)
{
    guint cosignatures;
    gboolean met;
    g_autoptr(GBytes) bytes = witness_client_collect(world->client, limit_us, &cosignatures, &met);
    g_autoptr(note_t) note =
        note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "collected", NULL);
    struct quorum_verdict verdict = { 0 };
    g_autoptr(checkpoint_t) checkpoint =
        quorum_judge(world->policy, note, (guint64)(g_get_real_time() / G_USEC_PER_SEC), &verdict);

    g_assert_nonnull(checkpoint);
    g_assert_cmpuint(checkpoint->size, ==, size);
    g_assert_cmpint(met, ==, quorum);
    g_assert_cmpint(verdict.reason, ==, quorum ? QUORUM_GOOD : QUORUM_MISSING);
    quorum_verdict_clear(&verdict);
    return cosignatures;
}

static enum witness_state state_of(struct world *world, guint index)
{
    g_autoptr(GPtrArray) all = witness_client_numbers(world->client);

    return ((struct witness_numbers *)all->pdata[index])->state;
}

static const enum fault all_good[WITNESSES] = { FAULT_NONE, FAULT_NONE, FAULT_NONE };

static void test_growing_log(void)
{
    struct world *world = world_new(all_good, 3);
    static const guint sizes[] = { 1, 1, 2, 7, 8, 8, 33, LOG_SIZE };

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        ask(world, sizes[i]);
        g_assert_cmpuint(collect(world, LIMIT_US, sizes[i], TRUE), ==, 3);
    }
    for (guint i = 0; i < WITNESSES; i++) {
        /* Kept alive, and asked from the size it was known to hold: no 409 at all. (A repeated
         * checkpoint keeps its cosignatures, so the collector may be done before it is asked.) */
        g_assert_cmpint(g_atomic_int_get(&world->witnesses[i].peer->connections), ==, 1);
        g_assert_cmpint(g_atomic_int_get(&world->witnesses[i].requests), <=, G_N_ELEMENTS(sizes));
        g_assert_cmpint(g_atomic_int_get(&world->witnesses[i].proofs), >, 4);
    }
    world_free(world);
}

/* A log that starts again does not know what its witnesses hold. */
static void test_409_is_followed(void)
{
    struct world *world = world_new(all_good, 3);

    for (guint i = 0; i < WITNESSES; i++)
        g_atomic_int_set(&world->witnesses[i].size, 5 + (int)i);
    ask(world, 20);
    g_assert_cmpuint(collect(world, LIMIT_US, 20, TRUE), ==, 3);
    g_assert_cmpint(g_atomic_int_get(&world->witnesses[1].requests), ==, 2);
    g_assert_cmpint(g_atomic_int_get(&world->alarms), ==, 0);
    world_free(world);
}

static void test_larger_tree_raises_the_alarm(void)
{
    struct world *world = world_new(all_good, 2);
    int requests;

    g_atomic_int_set(&world->witnesses[2].size, 30);
    ask(world, 20);
    collect(world, LIMIT_US, 20, TRUE);
    for (guint i = 0; i < LOOKS && state_of(world, 2) != WITNESS_CONFLICT; i++)
        g_usleep(LOOK_US);
    for (guint i = 0; i < LOOKS && !g_atomic_int_get(&world->alarms); i++)
        g_usleep(LOOK_US);
    g_assert_cmpint(state_of(world, 2), ==, WITNESS_CONFLICT);
    g_assert_cmpint(g_atomic_int_get(&world->alarms), ==, 1);
    g_assert_cmpuint(world->alarm_size, ==, 30);
    requests = g_atomic_int_get(&world->witnesses[2].requests);
    ask(world, 25);
    collect(world, LIMIT_US, 25, TRUE);
    g_assert_cmpint(g_atomic_int_get(&world->witnesses[2].requests), ==, requests);
    world_free(world);
}

static void test_late_cosignature_is_kept(void)
{
    static const enum fault faults[WITNESSES] = { FAULT_NONE, FAULT_SLOW, FAULT_NONE };
    struct world *world = world_new(faults, 2);
    guint late = 0;

    ask(world, 10);
    g_assert_cmpuint(collect(world, LIMIT_US, 10, TRUE), ==, 2);
    g_atomic_int_set(&world->witnesses[1].let_go, 1); /* nobody waited for it */
    for (guint i = 0; i < LOOKS && late < 3; i++) {
        g_usleep(LOOK_US);
        late = collect(world, 0, 10, TRUE);
    }
    g_assert_cmpuint(late, ==, 3);
    world_free(world);
}

static void test_faults(void)
{
    static const struct {
        enum fault fault;
        enum witness_state state;
    } rows[] = {
        { FAULT_FALSE, WITNESS_UNREACHABLE },
        { FAULT_UNKNOWN_LOG, WITNESS_NOT_ACCEPTED },
        { FAULT_NO_SIZE, WITNESS_CONFLICT },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const enum fault faults[WITNESSES] = { FAULT_NONE, rows[i].fault, FAULT_NONE };
        struct world *world = world_new(faults, 3);
        gint64 start_us = g_get_monotonic_time();

        ask(world, 3);
        /* Nobody waits for a witness that has failed. */
        g_assert_cmpuint(collect(world, LIMIT_US, 3, FALSE), ==, 2);
        g_assert_cmpint(g_get_monotonic_time() - start_us, <, LIMIT_US / 2);
        g_assert_cmpint(state_of(world, 1), ==, rows[i].state);
        /* The alarm is raised by the witness' own thread, right after its state is set. */
        for (guint n = 0; n < LOOKS && rows[i].fault == FAULT_NO_SIZE; n++) {
            if (g_atomic_int_get(&world->alarms))
                break;
            g_usleep(LOOK_US);
        }
        g_assert_cmpint(g_atomic_int_get(&world->alarms), ==, rows[i].fault == FAULT_NO_SIZE);
        world_free(world);
    }
}

static void test_unreachable(void)
{
    struct world *world = world_new(all_good, 2);

    peer_stop(world->witnesses[0].peer);
    ask(world, 3);
    g_assert_cmpuint(collect(world, LIMIT_US, 3, TRUE), ==, 2);
    world->witnesses[0].peer = peer_start(answer, &world->witnesses[0]);
    for (guint i = 0; i < LOOKS && state_of(world, 0) != WITNESS_UNREACHABLE; i++)
        g_usleep(LOOK_US);
    g_assert_cmpint(state_of(world, 0), ==, WITNESS_UNREACHABLE);
    world_free(world);
}

static void test_smaller_is_refused(void)
{
    struct world *world = world_new(all_good, 2);
    struct merkle_hash root = merkle_root(world->merkle, world->leaves, 4);
    g_autoptr(GBytes) smaller = checkpoint_sign(world->log, 4, &root);
    g_autoptr(GBytes) nothing = g_bytes_new_static("no note", 7);
    g_autoptr(GError) error = NULL;

    ask(world, 5);
    g_assert_false(witness_client_ask(world->client, smaller, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_false(witness_client_ask(world->client, nothing, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    world_free(world);
}

int main(int argc, char **argv)
{
    struct peer_loop loop;
    int status;

    g_test_init(&argc, &argv, NULL);
    loop = peer_loop_start();
    g_test_add_func("/witness-client/growing-log", test_growing_log);
    g_test_add_func("/witness-client/409-is-followed", test_409_is_followed);
    g_test_add_func("/witness-client/larger-tree-raises-the-alarm",
                    test_larger_tree_raises_the_alarm);
    g_test_add_func("/witness-client/late-cosignature-is-kept", test_late_cosignature_is_kept);
    g_test_add_func("/witness-client/faults", test_faults);
    g_test_add_func("/witness-client/unreachable", test_unreachable);
    g_test_add_func("/witness-client/smaller-is-refused", test_smaller_is_refused);
    status = g_test_run();
    peer_loop_stop(&loop);
    return status;
}
