/* Modules quorum, quorum_groups, quorum_judge, tlog_proof, history. */
#include "base/error.h"
#include "log/history.h"
#include "log/quorum_groups.h"
#include "log/tlog_proof.h"
#include "tlog_vectors.h"

#define POLICIES 35
#define VERDICTS (11 * 26)
#define DAY_S 86400

/* ---- vectors ---- */

static gboolean met(const struct quorum_policy *policy, const json_t *names)
{
    g_autofree gboolean *cosigned = g_new0(gboolean, policy->witnesses->len + 1);

    for (gsize i = 0; i < json_array_size(names); i++) {
        for (guint j = 0; j < policy->witnesses->len; j++) {
            const struct quorum_witness *witness = policy->witnesses->pdata[j];

            if (strcmp(witness->name, json_string_value(json_array_get(names, i))) == 0)
                cosigned[j] = TRUE;
        }
    }
    return quorum_is_met(policy, cosigned);
}

/*
 * policies.jsonl: which texts are policies, and for which witnesses they are met. A policy written
 * again says the same.
 */
static void test_policy_vectors(void)
{
    g_autoptr(GPtrArray) rows = vectors_rows("policies.jsonl");
    guint verdicts = 0;

    g_assert_cmpuint(rows->len, ==, POLICIES);
    for (guint i = 0; i < rows->len; i++) {
        const json_t *row = rows->pdata[i], *text = json_object_get(row, "policy");
        const json_t *cases = json_object_get(row, "cosigned_by");
        g_autoptr(GError) error = NULL;
        g_autoptr(quorum_policy_t) policy = quorum_policy_parse(
            json_string_value(text), json_string_length(text), "policy", &error);
        g_autoptr(quorum_policy_t) again = NULL;
        g_autofree char *written = NULL;

        g_test_message("%s %s: %s", json_text(row, "id"), json_text(row, "why"),
                       error ? error->message : "good");
        g_assert_cmpint(policy != NULL, ==, json_is_true(json_object_get(row, "valid")));
        if (!policy) {
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
            continue;
        }
        written = quorum_policy_text(policy);
        again = quorum_policy_parse(written, strlen(written), "again", &error);
        g_assert_no_error(error);
        for (gsize j = 0; j < json_array_size(cases); j++) {
            const json_t *pair = json_array_get(cases, j);
            const gboolean wanted = json_is_true(json_array_get(pair, 1));

            g_assert_cmpint(met(policy, json_array_get(pair, 0)), ==, wanted);
            g_assert_cmpint(met(again, json_array_get(pair, 0)), ==, wanted);
            verdicts++;
        }
    }
    g_assert_cmpuint(verdicts, ==, VERDICTS);
}

static struct quorum_policy *read_policy(void)
{
    g_autofree char *path = vectors_path("policy.txt");
    g_autofree char *text = NULL;
    gsize length;

    g_assert_true(g_file_get_contents(path, &text, &length, NULL));
    return quorum_policy_parse(text, length, path, NULL);
}

/* tlog-proofs.jsonl: 117 offline proofs, judged by policy.txt against their entries. */
static void test_proof_vectors(void)
{
    g_autoptr(GPtrArray) rows = vectors_rows("tlog-proofs.jsonl");
    g_autoptr(quorum_policy_t) policy = read_policy();

    g_assert_nonnull(policy);
    for (guint i = 0; rows && i < rows->len; i++) {
        const json_t *row = rows->pdata[i];
        g_autofree char *path = vectors_path(json_text(row, "file"));
        g_autoptr(GBytes) entry = vectors_bytes(row, "entry_b64");
        g_autoptr(GError) error = NULL;
        g_autoptr(tlog_proof_t) proof = NULL;
        g_autofree char *text = NULL;
        gboolean good = FALSE;
        gsize length;

        g_assert_true(g_file_get_contents(path, &text, &length, NULL));
        proof = tlog_proof_parse(text, length, path, &error);
        if (proof) {
            struct quorum_verdict verdict;

            good = tlog_proof_verify(proof, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry),
                                     policy, &verdict, &error) &&
                   verdict.reason == QUORUM_GOOD;
            g_test_message("%s: %s: %s", json_text(row, "file"), json_text(row, "why"),
                           quorum_reason_name(verdict.reason) ? quorum_reason_name(verdict.reason)
                                                              : "good");
            quorum_verdict_clear(&verdict);
        }
        g_assert_cmpint(good, ==, json_is_true(json_object_get(row, "expect")));
        if (good && !proof->extra) {
            g_autofree char *again =
                tlog_proof_text(proof->index, proof->path, proof->length, proof->note->bytes);

            g_assert_cmpmem(again, strlen(again), text, length);
        }
    }
    if (rows)
        g_assert_cmpuint(rows->len, ==, 117);
}

/* ---- a policy with three groups whose keys we hold ---- */

#define WITNESSES 6

struct fixture {
    struct signing_key *log, *witnesses[WITNESSES];
    struct quorum_policy *policy;
};

static struct signing_key *key_named(const char *name, guint8 number)
{
    guint8 seed[KEY_SEED_SIZE] = { number };

    return signing_key_from_seed(name, seed, NULL);
}

/* Two witnesses a group; each group needs one, all three groups are needed. */
static void set_up(struct fixture *fixture, gconstpointer data)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *vkey = NULL;

    (void)data;
    fixture->log = key_named("log.example", 100);
    vkey = public_key_text(fixture->log->public);
    g_string_append_printf(text, "log %s\n", vkey);
    for (guint i = 0; i < WITNESSES; i++) {
        g_autofree char *name = g_strdup_printf("w%u.example", i);
        g_autoptr(note_key_t) key = NULL;
        g_autofree char *witness = NULL;

        fixture->witnesses[i] = key_named(name, (guint8)(i + 1));
        key = note_key_new(NOTE_KEY_COSIGNATURE, fixture->witnesses[i]->public);
        witness = note_key_text(key);
        g_string_append_printf(text, "witness W%u %s\n", i, witness);
    }
    g_string_append(text, "group state any W0 W1\ngroup private any W2 W3\n"
                          "group civil any W4 W5\ngroup all3 all state private civil\n"
                          "quorum all3\n");
    fixture->policy = quorum_policy_parse(text->str, text->len, "policy", &error);
    g_assert_no_error(error);
    g_string_free(text, TRUE);
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    signing_key_free(fixture->log);
    for (guint i = 0; i < WITNESSES; i++)
        signing_key_free(fixture->witnesses[i]);
    quorum_policy_free(fixture->policy);
}

/* A checkpoint of `size`, cosigned by each witness whose time is not 0. */
static GBytes *cosigned_note(const struct fixture *fixture, guint64 size,
                             const guint64 times[WITNESSES])
{
    const struct merkle_hash root = { { (guint8)size } };
    g_autofree char *text = checkpoint_text("log.example", size, &root);
    g_autofree char *own = note_sign_line(fixture->log, text, strlen(text));
    g_autoptr(GString) lines = g_string_new(own);

    for (guint i = 0; i < WITNESSES; i++) {
        g_autofree char *line =
            note_cosign_line(fixture->witnesses[i], text, strlen(text), times[i]);

        if (times[i])
            g_string_append(lines, line);
    }
    return note_assemble(text, strlen(text), lines->str);
}

static enum quorum_reason judge(const struct fixture *fixture, const guint64 times[WITNESSES],
                                guint64 now_s, struct quorum_verdict *verdict)
{
    g_autoptr(GBytes) bytes = cosigned_note(fixture, 7, times);
    g_autoptr(note_t) note =
        note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "note", NULL);
    g_autoptr(checkpoint_t) checkpoint = quorum_judge(fixture->policy, note, now_s, verdict);

    g_assert_cmpuint(checkpoint->size, ==, 7);
    return verdict->reason;
}

/* Each group's margin, its youngest cosignature, and the median as log time. */
static void test_margins(struct fixture *fixture, gconstpointer data)
{
    static const guint64 times[] = { 1000, 1010, 1020, 0, 0, 0 };
    struct quorum_verdict verdict;
    const struct quorum_margin *margins;

    (void)data;
    g_assert_cmpint(judge(fixture, times, 0, &verdict), ==, QUORUM_MISSING);
    g_assert_cmpuint(verdict.margins->len, ==, 3);
    margins = (const struct quorum_margin *)verdict.margins->data;
    g_assert_cmpstr(margins[0].group, ==, "state");
    g_assert_cmpint(margins[0].margin, ==, 1);
    g_assert_cmpuint(margins[0].youngest_time_s, ==, 1010);
    g_assert_cmpint(margins[1].margin, ==, 0);
    g_assert_cmpint(margins[2].margin, ==, -1);
    g_assert_cmpuint(margins[2].members, ==, 2);
    g_assert_cmpuint(margins[2].youngest_time_s, ==, 0);
    g_assert_cmpuint(verdict.log_time_s, ==, 1010);
    quorum_verdict_clear(&verdict);
}

/* One fresh cosignature a group keeps it fresh; a group of old ones alone makes the verdict stale,
 * and so does one that claims a time far ahead of ours. */
static void test_freshness(struct fixture *fixture, gconstpointer data)
{
    const guint64 now = 10 * DAY_S;
    const guint64 fresh[] = { now, 5, now, 0, now, 5 };
    const guint64 old[] = { now, 5, now, 0, 5, 5 };
    const guint64 ahead[] = { now, 5, now, 0, now + DAY_S, 0 };
    struct quorum_verdict verdict;

    (void)data;
    fixture->policy->max_age_s = DAY_S;
    g_assert_cmpint(judge(fixture, fresh, now, &verdict), ==, QUORUM_GOOD);
    quorum_verdict_clear(&verdict);
    g_assert_cmpint(judge(fixture, old, now, &verdict), ==, QUORUM_STALE);
    quorum_verdict_clear(&verdict);
    g_assert_cmpint(judge(fixture, ahead, now, &verdict), ==, QUORUM_STALE);
    quorum_verdict_clear(&verdict);
    g_assert_cmpint(judge(fixture, old, 0, &verdict), ==, QUORUM_GOOD);
    quorum_verdict_clear(&verdict);
    fixture->policy->max_age_s = 0;
    g_assert_cmpint(judge(fixture, old, now, &verdict), ==, QUORUM_GOOD);
    quorum_verdict_clear(&verdict);
}

/* What is not believed: another log's checkpoint, one without the log's signature, no checkpoint.
 */
static void test_reasons(struct fixture *fixture, gconstpointer data)
{
    const struct merkle_hash root = { { 1 } };
    g_autofree char *own = checkpoint_text("log.example", 7, &root);
    g_autofree char *foreign = checkpoint_text("other.example", 7, &root);
    const struct {
        const char *text;
        gboolean by_witness;
        enum quorum_reason reason;
    } cases[] = {
        { foreign, FALSE, QUORUM_UNKNOWN_LOG },
        { own, TRUE, QUORUM_SIGNATURE },
        { own, FALSE, QUORUM_MISSING },
        { "no checkpoint\n", FALSE, QUORUM_MALFORMED },
    };

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *text = cases[i].text;
        g_autofree char *line = cases[i].by_witness
                                    ? note_cosign_line(fixture->witnesses[0], text, strlen(text), 1)
                                    : note_sign_line(fixture->log, text, strlen(text));
        g_autoptr(GBytes) bytes = note_assemble(text, strlen(text), line);
        g_autoptr(note_t) note =
            note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "note", NULL);
        g_autoptr(checkpoint_t) checkpoint = NULL;
        struct quorum_verdict verdict;

        checkpoint = quorum_judge(fixture->policy, note, 0, &verdict);
        g_assert_cmpint(verdict.reason, ==, cases[i].reason);
        g_assert_cmpint(checkpoint == NULL, ==, cases[i].reason == QUORUM_MALFORMED);
        quorum_verdict_clear(&verdict);
    }
}

/* ---- what a policy bears ---- */

static void test_breaking_points(void)
{
    g_autoptr(quorum_policy_t) policy = read_policy();
    g_autofree guint64 *breaking = quorum_breaking_points(policy);
    g_autofree guint64 *smallest = quorum_smallest(policy);

    g_assert_cmpuint(breaking[0], ==, 3); /* any of three */
    g_assert_cmpuint(breaking[1], ==, 2); /* two of three */
    g_assert_cmpuint(breaking[3], ==, 2); /* all groups: the weakest decides */
    g_assert_cmpuint(smallest[3], ==, 4); /* 1 + 2 + 1 */
}

/* A policy with one organisation twice, a witness that never counts and a group of one. */
static void test_warnings(struct fixture *fixture, gconstpointer data)
{
    struct quorum_policy *policy = fixture->policy;
    struct quorum_group *state = policy->groups->pdata[0], *civil = policy->groups->pdata[2];
    g_autoptr(GPtrArray) none = quorum_policy_warnings(policy);
    g_autoptr(GPtrArray) warnings = NULL;

    (void)data;
    g_assert_cmpuint(none->len, ==, 0);
    ((struct quorum_witness *)policy->witnesses->pdata[0])->organisation = g_strdup("a.example");
    ((struct quorum_witness *)policy->witnesses->pdata[2])->organisation = g_strdup("A.example");
    g_array_set_size(civil->members, 1);
    state->threshold = 2;
    warnings = quorum_policy_warnings(policy);
    g_assert_cmpuint(warnings->len, ==, 5);
    g_assert_nonnull(strstr(warnings->pdata[0], "a.example counts twice"));
    g_assert_nonnull(strstr(warnings->pdata[1], "\"W5\" does not count"));
    g_assert_nonnull(strstr(warnings->pdata[2], "stops the group \"state\""));
    g_assert_nonnull(strstr(warnings->pdata[3], "stops the group \"civil\""));
    g_assert_nonnull(strstr(warnings->pdata[4], "stops the group \"all3\""));
}

/* Groups in groups, as deep as a policy's bytes allow, are evaluated without recursion. */
static void test_deep_nesting(void)
{
    g_autoptr(GString) text = g_string_new(
        "witness W w1.gamma.example+3461be37+BOzv8MWRocqSFQx29Es8lp9GHB6gAt/XGsh6ianSCmd6\n"
        "group 0 any W\n");
    g_autoptr(quorum_policy_t) policy = NULL;
    g_autoptr(GError) error = NULL;
    guint depth = 0;

    while (text->len < QUORUM_POLICY_LIMIT - 100) {
        g_string_append_printf(text, "group %u any %u\n", depth + 1, depth);
        depth++;
    }
    g_string_append_printf(text, "quorum %u\n", depth);
    policy = quorum_policy_parse(text->str, text->len, "deep", &error);
    g_assert_no_error(error);
    g_assert_true(quorum_is_met(policy, (gboolean[]){ TRUE }));
    g_assert_false(quorum_is_met(policy, (gboolean[]){ FALSE }));
}

/* ---- history ---- */

static const struct quorum_policy *same_policy(gpointer data, guint64 size)
{
    (void)size;
    return data;
}

/*
 * Only records with a quorum that grow in size and time count; a cut one at the end is none. An
 * entry's time is that of the first of them that holds it.
 */
static void test_history(struct fixture *fixture, gconstpointer data)
{
    static const struct {
        guint64 size, times[WITNESSES];
        gboolean counts;
    } records[] = {
        { 3, { 100, 0, 110, 0, 120, 0 }, TRUE },  { 5, { 200, 0, 200, 0, 0, 0 }, FALSE },
        { 2, { 300, 0, 300, 0, 300, 0 }, FALSE }, { 6, { 50, 0, 50, 0, 50, 0 }, FALSE },
        { 9, { 400, 0, 401, 0, 402, 0 }, TRUE },
    };
    g_autoptr(GByteArray) all = g_byte_array_new();
    g_autoptr(GBytes) whole = NULL, cut = NULL;
    g_autoptr(GArray) moments = NULL, without_last = NULL;
    guint refused;

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(records); i++) {
        g_autoptr(GBytes) note = cosigned_note(fixture, records[i].size, records[i].times);

        log_history_append(all, note);
    }
    whole = g_bytes_new(all->data, all->len);
    cut = g_bytes_new(all->data, all->len - 1);
    moments = log_history_read(whole, same_policy, fixture->policy, &refused, NULL);
    g_assert_cmpuint(moments->len, ==, 2);
    g_assert_cmpuint(refused, ==, 3);
    g_assert_cmpint(log_history_time_us(moments, 0), ==, 110 * G_USEC_PER_SEC);
    g_assert_cmpint(log_history_time_us(moments, 2), ==, 110 * G_USEC_PER_SEC);
    g_assert_cmpint(log_history_time_us(moments, 3), ==, 401 * G_USEC_PER_SEC);
    g_assert_cmpint(log_history_time_us(moments, 9), ==, 0);
    without_last = log_history_read(cut, same_policy, fixture->policy, &refused, NULL);
    g_assert_cmpuint(without_last->len, ==, 1);
}

static void test_no_history(void)
{
    g_autoptr(GBytes) text = g_bytes_new_static("log.example\n7\n", 14);
    g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) moments = NULL;
    guint refused;

    g_assert_null(log_history_read(text, same_policy, NULL, &refused, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    moments = log_history_read(nothing, same_policy, NULL, &refused, NULL);
    g_assert_cmpuint(moments->len, ==, 0);
}

#define WITH_FIXTURE(path, test) g_test_add(path, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quorum/policy-vectors", test_policy_vectors);
    g_test_add_func("/quorum/proof-vectors", test_proof_vectors);
    WITH_FIXTURE("/quorum/margins", test_margins);
    WITH_FIXTURE("/quorum/freshness", test_freshness);
    WITH_FIXTURE("/quorum/reasons", test_reasons);
    g_test_add_func("/quorum/breaking-points", test_breaking_points);
    WITH_FIXTURE("/quorum/warnings", test_warnings);
    g_test_add_func("/quorum/deep-nesting", test_deep_nesting);
    WITH_FIXTURE("/history/times", test_history);
    g_test_add_func("/history/none", test_no_history);
    return g_test_run();
}
