#include "p7_hygiene/host/secrets.h"

#include "tree.h"

static gboolean note(const char *rule, guint line, const char *secret, gsize length, gpointer data)
{
    g_string_append_printf(data, "%s:%u:%" G_GSIZE_FORMAT " ", rule, line, length);
    return TRUE;
}

static void expect(const char *text, gboolean bare, const char *wanted)
{
    g_autoptr(GString) found = g_string_new(NULL);

    secrets_scan(text, strlen(text), bare, note, found);
    g_assert_cmpstr(found->str, ==, wanted);
}

static void test_rules(void)
{
    expect("key = AKIAIOSFODNN7EXAMPLE\n", TRUE, "aws-access-key:1:20 ");
    expect("XAKIAIOSFODNN7EXAMPLE AKIAIOSFODNN7EXAMPLE9\n", TRUE, "");
    expect("\n-----BEGIN OPENSSH PRIVATE KEY-----\n", TRUE, "private-key:2:35 ");
    expect("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", TRUE, "");
    expect("<?php $db_password = \"P@ssw0rd-lab\"; ?>", FALSE, "password:1:12 ");
    expect("'password' => 'hunter22',", FALSE, "password:1:8 ");
    expect("DB_PASS=hunter22\n", TRUE, "pass:1:8 ");
    expect("requirepass: x\nsmtp_password: s3cretValue\n", TRUE, "password:2:11 ");
    expect("client_secret = 9fK2pQ7xLm4Z1vB8\n", TRUE, "secret:1:16 ");
}

/* Each beginning of a token is found, at the start of a text, at its end and behind prose. */
static void test_every_token(void)
{
    static const struct {
        const char *rule, *start;
        gsize signs;
    } tokens[] = {
        { "aws-access-key", "AKIA", 16 }, { "github-token", "ghp_", 36 },
        { "github-token", "gho_", 36 },   { "github-token", "ghs_", 36 },
        { "gitlab-token", "glpat-", 20 }, { "github-token", "github_pat_", 60 },
        { "slack-token", "xoxb-", 10 },   { "slack-token", "xoxp-", 10 },
        { "google-api-key", "AIza", 35 }, { "stripe-key", "sk_live_", 24 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(tokens); i++) {
        const gsize length = strlen(tokens[i].start) + tokens[i].signs;
        g_autofree char *signs = g_strnfill(tokens[i].signs, 'B');
        g_autofree char *alone = g_strconcat(tokens[i].start, signs, NULL);
        g_autofree char *prose = g_strconcat("-- sk xo gh AI\n", alone, "\n", NULL);
        g_autofree char *first =
            g_strdup_printf("%s:1:%" G_GSIZE_FORMAT " ", tokens[i].rule, length);
        g_autofree char *second =
            g_strdup_printf("%s:2:%" G_GSIZE_FORMAT " ", tokens[i].rule, length);

        expect(alone, FALSE, first);
        expect(prose, FALSE, second);
    }
}

static void test_what_is_no_secret(void)
{
    expect("password = os.environ['X']\n", FALSE, "");
    expect("password = get_password(user)\n", TRUE, "");
    expect("PasswordAuthentication = yes\n", TRUE, "");
    expect("password: ${DB_PASSWORD}\n", TRUE, "");
    expect("# password = hunter22\n", TRUE, "");
    expect("passwd:         files systemd\n", TRUE, "");
    expect("challengePassword = A challenge password\n", TRUE, "");
    expect("client_secret = aaaaaaaaaaaaaaaaaaaa\n", TRUE, ""); /* not random */
    expect("password_file = /etc/secret\n", TRUE, "");
    expect("permfile=/etc/passwd:rw-r--r--,root\n", TRUE, "");
    expect("", TRUE, "");
}

static void test_bounds(void)
{
    g_autoptr(GString) found = g_string_new(NULL);
    g_autofree char *line = g_strnfill(1 << 20, '=');
    const char all[] = { 'p', 'a', 's', 's', 'w', 'o', 'r', 'd', '=', '"' };

    secrets_scan(line, 1 << 20, TRUE, note, found);
    for (gsize cut = 0; cut <= sizeof all; cut++) {
        g_autofree char *exact = g_memdup2(all, cut ? cut : 1);

        secrets_scan(exact, cut, TRUE, note, found);
    }
    g_assert_cmpstr(found->str, ==, "");
}

static void test_measure_shows_no_secret(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) finding = NULL;

    tree_file(tree, "/opt/app/config.ini", "password = hunter22\n");
    finding = tree_judge_at(tree, "host.crypto.secrets-in-files", g_get_real_time());
    g_assert_cmpint(finding->outcome, ==, OUTCOME_FAIL);
    for (guint i = 0; i < finding->evidence->len; i++) {
        const struct evidence *line = finding->evidence->pdata[i];

        g_assert_cmpint(line->kind, ==, EVIDENCE_REDACTED);
        g_assert_null(strstr(line->found, "hunter22"));
        g_assert_cmpstr(line->path, ==, "/opt/app/config.ini");
    }
}

static void test_only_what_others_read(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *fifo = tree_path(tree, "/etc/fifo.conf");

    g_assert_cmpint(mkfifo(fifo, 0644), ==, 0);
    tree_link(tree, "/etc/loop.conf", "loop.conf");
    tree_file(tree, "/opt/app/config.ini", "password = hunter22\n");
    tree_mode(tree, "/opt/app/config.ini", 0640);
    tree_expect(tree, "host.crypto.secrets-in-files", OUTCOME_PASS);
    tree_mode(tree, "/opt/app/config.ini", 0644);
    tree_mode(tree, "/opt/app", 0750); /* others do not get there */
    tree_expect(tree, "host.crypto.secrets-in-files", OUTCOME_PASS);
    tree_mode(tree, "/opt/app", 0755);
    tree_expect(tree, "host.crypto.secrets-in-files", OUTCOME_FAIL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/secrets/rules", test_rules);
    g_test_add_func("/host/secrets/every-token", test_every_token);
    g_test_add_func("/host/secrets/what-is-no-secret", test_what_is_no_secret);
    g_test_add_func("/host/secrets/bounds", test_bounds);
    g_test_add_func("/host/secrets/measure-shows-no-secret", test_measure_shows_no_secret);
    g_test_add_func("/host/secrets/only-what-others-read", test_only_what_others_read);
    return g_test_run();
}
