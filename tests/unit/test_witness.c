/* Modules witness, witness_request. */
#include "base/error.h"
#include "forked_log.h"
#include "log/witness.h"
#include "tlog_vectors.h"

#include <glib/gstdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 33
#define NOW_S 1767139200

/* A witness with a state of its own in a folder of its own. */
struct fixture {
    char *folder, *path;
    struct signing_key *key;
    struct witness *witness;
};

static void set_up(struct fixture *fixture, gconstpointer data)
{
    static const guint8 seed[KEY_SEED_SIZE] = { 42 };

    (void)data;
    fixture->folder = g_dir_make_tmp("entente-witness-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "witness.db", NULL);
    fixture->key = signing_key_from_seed("witness.example", seed, NULL);
    fixture->witness = witness_open(fixture->path, fixture->key, NULL);
    g_assert_nonnull(fixture->witness);
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };

    (void)data;
    witness_close(fixture->witness);
    for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *path = g_strconcat(fixture->path, suffixes[i], NULL);

        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
    g_free(fixture->path);
    signing_key_free(fixture->key);
}

static void configure(struct witness *witness, const struct forked_log *log)
{
    g_autoptr(note_key_t) key = forked_log_key(log);

    g_assert_true(witness_add_log(witness, key, "https://log.example/forked", NULL));
}

static guint ask(struct witness *witness, struct forked_log *log, guint64 old_size, guint64 size)
{
    g_autofree char *body = forked_log_request(log, old_size, size);
    struct witness_answer answer;

    witness_add_checkpoint(witness, body, strlen(body), NOW_S, &answer);
    witness_answer_clear(&answer);
    return answer.status;
}

/* ---- the specification's steps ---- */

/* The line of a 200 verifies as a cosignature of the body, at the time that was given. */
static void check_cosignature(const json_t *config, const json_t *row, GBytes *line)
{
    g_autoptr(GBytes) text = vectors_bytes(row, "expect_cosigned_body_b64");
    g_autofree char *lines = g_strndup(g_bytes_get_data(line, NULL), g_bytes_get_size(line));
    g_autoptr(GBytes) bytes =
        note_assemble(g_bytes_get_data(text, NULL), g_bytes_get_size(text), lines);
    g_autoptr(note_t) note =
        note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "answer", NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    g_autoptr(GArray) signers = g_array_new(FALSE, FALSE, sizeof(struct note_signer));

    g_assert_nonnull(note);
    g_ptr_array_add(keys, note_key_parse(json_text(config, "witness_vkey"), NULL));
    g_assert_cmpint(note_verify(note, keys, signers), ==, NOTE_GOOD);
    g_assert_cmpuint(g_array_index(signers, struct note_signer, 0).time_s, ==, NOW_S);
}

/* witness-steps.jsonl: 33 requests in order, each with its exact status, body and type. */
static void test_steps(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) rows = vectors_rows("witness-steps.jsonl");
    const json_t *config = rows->pdata[0];
    g_autoptr(note_key_t) log = note_key_parse(json_text(config, "log_vkey"), NULL);
    g_autoptr(signing_key_t) key = NULL;
    guint8 seed[KEY_SEED_SIZE];
    struct witness *witness;

    (void)data;
    witness_close(fixture->witness);
    fixture->witness = NULL;
    g_assert_true(hex_decode_into(json_text(config, "witness_seed_hex"), seed, sizeof seed));
    key = signing_key_from_seed(json_text(config, "witness_name"), seed, NULL);
    witness = witness_open(fixture->path, key, NULL);
    g_assert_true(witness_add_log(witness, log, NULL, NULL));
    g_assert_cmpuint(rows->len, ==, 1 + STEPS);
    for (guint i = 1; i < rows->len; i++) {
        const json_t *row = rows->pdata[i];
        const char *body = json_text(row, "expect_body"), *request = json_text(row, "request_b64");
        g_autoptr(GBytes) bytes = *request ? base64_decode(request, -1) : g_bytes_new("", 0);
        struct witness_answer answer;
        gsize length;
        const void *data_of_request = g_bytes_get_data(bytes, &length);

        g_test_message("step %d: %s", (int)json_number(row, "step", 0), json_text(row, "why"));
        witness_add_checkpoint(witness, data_of_request, length, NOW_S, &answer);
        g_assert_cmpuint(answer.status, ==, json_number(row, "expect_status", 0));
        if (body)
            g_assert_cmpmem(g_bytes_get_data(answer.body, NULL), g_bytes_get_size(answer.body),
                            body, strlen(body));
        if (json_text(row, "expect_content_type"))
            g_assert_cmpstr(answer.content_type, ==, json_text(row, "expect_content_type"));
        if (answer.status == 200)
            check_cosignature(config, row, answer.body);
        witness_answer_clear(&answer);
    }
    witness_close(witness);
}

/* ---- what monitors see ---- */

/* The last note, with the log's line and ours and nothing a stranger added; 404 before. */
static void test_latest(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(forked_log_t) log = forked_log_new(1);
    g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, FORKED_ORIGIN, -1);
    g_autofree char *request = forked_log_request(log, 0, 5);
    g_autofree char *with_stranger =
        g_strconcat(request, "\342\200\224 stranger.example AAAAAAAA\n", NULL);
    g_autoptr(GPtrArray) logs = NULL;
    struct witness_answer answer;
    g_autoptr(note_t) note = NULL;
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    g_autoptr(GArray) signers = g_array_new(FALSE, FALSE, sizeof(struct note_signer));

    (void)data;
    witness_latest(fixture->witness, hex, &answer);
    g_assert_cmpuint(answer.status, ==, 404);
    witness_answer_clear(&answer);
    configure(fixture->witness, log);
    witness_latest(fixture->witness, hex, &answer);
    g_assert_cmpuint(answer.status, ==, 404);
    witness_answer_clear(&answer);
    witness_add_checkpoint(fixture->witness, with_stranger, strlen(with_stranger), NOW_S, &answer);
    g_assert_cmpuint(answer.status, ==, 200);
    witness_answer_clear(&answer);
    witness_latest(fixture->witness, hex, &answer);
    g_assert_cmpuint(answer.status, ==, 200);
    note = note_parse(g_bytes_get_data(answer.body, NULL), g_bytes_get_size(answer.body), "latest",
                      NULL);
    witness_answer_clear(&answer);
    g_ptr_array_add(keys, forked_log_key(log));
    g_ptr_array_add(keys, note_key_new(NOTE_KEY_COSIGNATURE, fixture->key->public));
    g_assert_cmpint(note_verify(note, keys, signers), ==, NOTE_GOOD);
    g_assert_cmpuint(signers->len, ==, 2);
    g_assert_cmpuint(note->signatures->len, ==, 2);
    logs = witness_list(fixture->witness, NULL);
    g_assert_cmpuint(logs->len, ==, 1);
    g_assert_cmpuint(((struct witness_log *)logs->pdata[0])->size, ==, 5);
    g_assert_cmpint(((struct witness_log *)logs->pdata[0])->cosigned_s, ==, NOW_S);
}

/* ---- two histories ---- */

/* The state outlives the process: a reopened witness knows what it cosigned. */
static void test_reopened(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(forked_log_t) log = forked_log_new(1), other = forked_log_new(2);

    (void)data;
    configure(fixture->witness, log);
    g_assert_cmpuint(ask(fixture->witness, log, 0, 10), ==, 200);
    witness_close(fixture->witness);
    fixture->witness = witness_open(fixture->path, fixture->key, NULL);
    g_assert_cmpuint(ask(fixture->witness, other, 0, 11), ==, 409);
    g_assert_cmpuint(ask(fixture->witness, other, 10, 11), ==, 422);
    g_assert_cmpuint(ask(fixture->witness, other, 10, 10), ==, 422);
    g_assert_cmpuint(ask(fixture->witness, log, 10, 11), ==, 200);
}

static void test_own_key_is_no_log(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(note_key_t) own = note_key_new(NOTE_KEY_ED25519, fixture->key->public);
    g_autoptr(note_key_t) cosigner = note_key_new(NOTE_KEY_COSIGNATURE, fixture->key->public);
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(witness_add_log(fixture->witness, own, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_false(witness_add_log(fixture->witness, cosigner, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

#define THREADS 8
#define LAST_SIZE 60u

struct racer {
    struct witness *witness;
    guint fork;
    gboolean cosigned[LAST_SIZE + 1];
};

/* Pushes its fork forward, size by size, asking for every `old` in turn. */
static gpointer race(gpointer data)
{
    struct racer *racer = data;
    g_autoptr(forked_log_t) log = forked_log_new(racer->fork);

    for (guint64 old_size = 0; old_size < LAST_SIZE; old_size++) {
        if (ask(racer->witness, log, old_size, old_size + 1) == 200)
            racer->cosigned[old_size + 1] = TRUE;
    }
    return NULL;
}

/* Threads that push two histories at once, over two handles of one file: beyond the common
 * beginning only one history is ever cosigned. */
static void test_racing_threads(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(forked_log_t) log = forked_log_new(1);
    struct witness *second = witness_open(fixture->path, fixture->key, NULL);
    struct racer racers[THREADS] = { 0 };
    GThread *threads[THREADS];
    gboolean cosigned[2] = { FALSE, FALSE };

    (void)data;
    configure(fixture->witness, log);
    for (guint i = 0; i < THREADS; i++) {
        racers[i].witness = i & 2 ? second : fixture->witness;
        racers[i].fork = i & 1;
        threads[i] = g_thread_new("racer", race, &racers[i]);
    }
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    for (guint i = 0; i < THREADS; i++) {
        for (guint size = FORK_AT + 1; size <= LAST_SIZE; size++)
            cosigned[racers[i].fork] |= racers[i].cosigned[size];
    }
    g_assert_true(cosigned[0] != cosigned[1]);
    witness_close(second);
}

/* ---- kill -9 ---- */

#define KILLS 20

/* In a child: pushes one history as fast as it can and tells each size that was cosigned. */
static void push(const struct fixture *fixture, guint fork, int tell)
{
    g_autoptr(forked_log_t) log = forked_log_new(fork);
    /* Keys do not survive a fork, so the child makes its own. */
    static const guint8 seed[KEY_SEED_SIZE] = { 42 };
    g_autoptr(signing_key_t) key = signing_key_from_seed("witness.example", seed, NULL);
    g_autoptr(witness_t) witness = witness_open(fixture->path, key, NULL);

    for (;;) {
        for (guint64 old_size = 0; witness && old_size < FORKED_LEAVES - 1; old_size++) {
            if (ask(witness, log, old_size, old_size + 1) == 200 &&
                write(tell, &old_size, sizeof old_size) < 0)
                _exit(1);
        }
    }
}

/*
 * Children that push different histories are killed at any moment, again and again: what they were
 * given before they died belongs to one history.
 */
static void test_killed(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(forked_log_t) log = forked_log_new(1);
    gboolean cosigned[2] = { FALSE, FALSE };

    (void)data;
    configure(fixture->witness, log);
    witness_close(fixture->witness);
    fixture->witness = NULL;
    /* On a slow machine more often, and later: until one got beyond the common beginning. */
    for (guint i = 0; i < KILLS || !(cosigned[0] || cosigned[1]); i++) {
        int ends[2];
        guint64 old_size;
        pid_t child;

        g_assert_cmpint(pipe(ends), ==, 0);
        child = fork();
        if (child == 0) {
            close(ends[0]);
            push(fixture, i & 1, ends[1]);
        }
        close(ends[1]);
        g_usleep((15000 + (i * 7919) % 20000) * (1 + i / KILLS));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &old_size, sizeof old_size) == sizeof old_size)
            cosigned[i & 1] |= old_size >= FORK_AT;
        close(ends[0]);
    }
    g_assert_false(cosigned[0] && cosigned[1]);
}

#define WITH_FIXTURE(path, test) g_test_add(path, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    WITH_FIXTURE("/witness/steps", test_steps);
    WITH_FIXTURE("/witness/latest", test_latest);
    WITH_FIXTURE("/witness/reopened", test_reopened);
    WITH_FIXTURE("/witness/own-key-is-no-log", test_own_key_is_no_log);
    WITH_FIXTURE("/witness/racing-threads", test_racing_threads);
    WITH_FIXTURE("/witness/killed", test_killed);
    return g_test_run();
}
