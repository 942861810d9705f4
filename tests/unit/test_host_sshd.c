/*
 * Modules sshd, ssh_statements and ssh_crypto: what an SSH server does, from configurations that
 * are easy to read wrongly.
 */
#include "p7_hygiene/host/ssh_key.h"
#include "p7_hygiene/host/sshd.h"
#include "tree.h"

#define CONFIG "/etc/ssh/sshd_config"

static void assert_value(struct tree *tree, const char *keyword, const char *value,
                         const char *path, guint line)
{
    g_autoptr(host_t) host = host_new(tree->root, NULL, NULL);
    g_autoptr(sshd_setting_t) setting = sshd_get(sshd_of(host), keyword);

    g_assert_cmpstr(setting->value, ==, value);
    g_assert_cmpstr(setting->path, ==, path);
    g_assert_cmpuint(setting->line, ==, line);
}

static void test_first_value_wins_across_includes(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, CONFIG, 0600,
             "MaxSessions 3\nInclude sshd_config.d/*.conf\nPermitRootLogin no\nMaxSessions 9\n");
    tree_put(tree, CONFIG ".d/20-b.conf", 0600, "PermitRootLogin yes\nMaxSessions 7\n");
    tree_put(tree, CONFIG ".d/10-a.conf", 0600, "permitrootlogin=prohibit-password\n");
    tree_put(tree, CONFIG ".d/05-a.txt", 0600, "PermitRootLogin no\n");
    assert_value(tree, "PermitRootLogin", "prohibit-password", CONFIG ".d/10-a.conf", 1);
    assert_value(tree, "MaxSessions", "3", CONFIG, 1);
    assert_value(tree, "LogLevel", "INFO", NULL, 0);
    tree_expect(tree, "SSHD-01", OUTCOME_WARN);
}

static void test_quotes_case_and_comments(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, CONFIG, 0600,
             "\t LOGLEVEL = \"VERBOSE\" # more\n"
             "# Banner /none\n"
             "Banner \"/etc/a \\\"b\\\"\"\r\n"
             "ClientAliveInterval 5m\n");
    assert_value(tree, "LogLevel", "VERBOSE", CONFIG, 1);
    assert_value(tree, "Banner", "/etc/a \"b\"", CONFIG, 3);
    g_assert_cmpint(sshd_seconds("5m"), ==, 300);
    g_assert_cmpint(sshd_seconds("1h30"), ==, 3630);
    g_assert_cmpint(sshd_seconds("x"), ==, -1);
    g_assert_cmpint(sshd_seconds("99999999999w"), ==, -1);
}

static void test_match_all_overrides_what_stands_before(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, CONFIG, 0600, "PermitRootLogin no\nMatch all\nPermitRootLogin yes\n");
    assert_value(tree, "PermitRootLogin", "yes", CONFIG, 3);
    tree_put(tree, CONFIG, 0600, "PermitRootLogin no\nMatch User *\nPermitRootLogin yes\n");
    assert_value(tree, "PermitRootLogin", "yes", CONFIG, 3);
    tree_put(tree, CONFIG, 0600, "PermitRootLogin no\nMatch User *,!root\nPermitRootLogin yes\n");
    assert_value(tree, "PermitRootLogin", "no", CONFIG, 1);
}

static void test_weaker_value_for_some_counts(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) finding = NULL;

    tree_put(tree, CONFIG, 0600,
             "PermitRootLogin no\nMatch Address 10.0.0.0/8 User admin\n  PermitRootLogin yes\n");
    finding = tree_judge_at(tree, "SSHD-01", 0);
    g_assert_cmpint(finding->outcome, ==, OUTCOME_FAIL);
    g_assert_true(finding_tells(finding, OUTCOME_FAIL, "Match Address 10.0.0.0/8 User admin"));
    g_assert_true(finding_tells(finding, OUTCOME_PASS, "no"));
}

/* What a file included inside a block says holds for that block, even after its own Match all. */
static void test_include_inside_match(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(host_t) host = NULL;
    g_autoptr(GPtrArray) some = NULL;

    tree_put(tree, CONFIG, 0600,
             "Match User bob\nInclude /etc/ssh/bob.conf\nX11Forwarding yes\n"
             "Match all\nMaxAuthTries 2\n");
    tree_put(tree, "/etc/ssh/bob.conf", 0600,
             "PasswordAuthentication no\nMatch all\nPermitEmptyPasswords yes\n");
    assert_value(tree, "PasswordAuthentication", "yes", NULL, 0);
    assert_value(tree, "PermitEmptyPasswords", "no", NULL, 0);
    assert_value(tree, "X11Forwarding", "no", NULL, 0);
    assert_value(tree, "MaxAuthTries", "2", CONFIG, 5);
    host = host_new(tree->root, NULL, NULL);
    some = sshd_conditional(sshd_of(host), "PermitEmptyPasswords");
    g_assert_cmpuint(some->len, ==, 1);
    g_assert_cmpstr(((struct sshd_setting *)some->pdata[0])->condition, ==,
                    "Match User bob and Match all");
    tree_expect(tree, "SSHD-02", OUTCOME_FAIL);
}

static void test_include_loop_is_bounded_and_told(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) finding = NULL;

    tree_put(tree, CONFIG, 0600, "PermitRootLogin no\nInclude " CONFIG " " CONFIG "\n");
    finding = tree_judge_at(tree, "SSHD-01", 0);
    g_assert_cmpint(finding->outcome, ==, OUTCOME_NOT_MEASURED);
    g_assert_cmpint(finding->reason, ==, REASON_UNREADABLE);
}

static void assert_algorithms(const char *keyword, const char *value, const char *expected)
{
    g_auto(GStrv) names = sshd_algorithms(keyword, value);
    g_autofree char *joined = g_strjoinv(",", names);

    g_assert_cmpstr(joined, ==, expected);
}

static void test_lists_build_on_the_defaults(void)
{
    assert_algorithms("Ciphers", "-*gcm*,aes1*", "chacha20-poly1305@openssh.com,aes256-ctr");
    assert_algorithms("Ciphers", "^aes256-ctr",
                      "aes256-ctr,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,"
                      "aes128-gcm@openssh.com,aes256-gcm@openssh.com");
    assert_algorithms("Ciphers", "aes*-cbc", "aes128-cbc,aes192-cbc,aes256-cbc");
    assert_algorithms("Ciphers", "+3des-cbc",
                      "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,"
                      "aes128-gcm@openssh.com,aes256-gcm@openssh.com,3des-cbc");
}

static void test_weak_names_in_a_list(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, CONFIG, 0600, "Ciphers +aes128-cbc\nMACs -*sha1*,umac-64*\n");
    tree_expect(tree, "SSHD-04", OUTCOME_FAIL);
    tree_expect(tree, "SSHD-05", OUTCOME_PASS);
    tree_expect(tree, "SSHD-06", OUTCOME_PASS);
    tree_put(tree, CONFIG, 0600, "KexAlgorithms curve25519-sha256\n");
    tree_expect(tree, "SSHD-06", OUTCOME_WARN);
}

static void test_second_factor_makes_a_password_right(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, CONFIG, 0600, "UsePAM yes\n");
    tree_expect(tree, "SSHD-03", OUTCOME_FAIL);
    tree_put(tree, CONFIG, 0600, "UsePAM yes\nAuthenticationMethods publickey,password\n");
    tree_expect(tree, "SSHD-03", OUTCOME_PASS);
    tree_put(tree, CONFIG, 0600, "UsePAM yes\nAuthenticationMethods publickey password\n");
    tree_expect(tree, "SSHD-03", OUTCOME_FAIL);
}

static void test_options_of_the_unit_come_first(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, CONFIG, 0600, "PermitRootLogin no\n");
    tree_put(tree, "/etc/default/ssh", 0644,
             "# x\nSSHD_OPTS='-4 -o PermitRootLogin=yes -p 2222'\n");
    assert_value(tree, "PermitRootLogin", "yes", "/etc/default/ssh", 2);
    assert_value(tree, "Port", "2222", "/etc/default/ssh", 2);
}

static void test_no_server_is_not_applicable(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) finding = tree_judge_at(tree, "SSHD-01", 0);

    g_assert_cmpint(finding->outcome, ==, OUTCOME_NOT_APPLICABLE);
    g_assert_cmpint(finding->reason, ==, REASON_NOT_INSTALLED);
}

static void test_client_takes_the_first_value(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(
        tree, "/etc/ssh/ssh_config", 0644,
        "Include ssh_config.d/*.conf\nHost *\n HashKnownHosts yes\n StrictHostKeyChecking no\n");
    tree_expect(tree, "SSHD-15", OUTCOME_FAIL);
    tree_put(tree, "/etc/ssh/ssh_config.d/a.conf", 0644, "Host *\n StrictHostKeyChecking ask\n");
    tree_expect(tree, "SSHD-15", OUTCOME_PASS);
    tree_put(tree, "/etc/ssh/ssh_config.d/a.conf", 0644,
             "Host lab\n StrictHostKeyChecking no\nHost *\n StrictHostKeyChecking ask\n");
    tree_expect(tree, "SSHD-15", OUTCOME_WARN);
}

static void test_public_keys(void)
{
    struct ssh_public_key key;
    g_autofree char *from = NULL, *missing = NULL;

    g_assert_true(ssh_public_key_parse(
        "no-pty,command=\"/bin/x \\\"a b\\\"\",from=\"10.0.0.0/8,*.example\" ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g a robot",
        &key));
    g_assert_cmpstr(key.type, ==, "ssh-ed25519");
    g_assert_cmpstr(key.comment, ==, "a robot");
    from = ssh_public_key_option(&key, "from");
    missing = ssh_public_key_option(&key, "restrict");
    g_assert_cmpstr(from, ==, "10.0.0.0/8,*.example");
    g_assert_null(missing);
    ssh_public_key_clear(&key);
    g_assert_false(ssh_public_key_parse("# ssh-rsa AAAA", &key));
    g_assert_false(ssh_public_key_parse("hello world", &key));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sshd/first-value-wins-across-includes",
                    test_first_value_wins_across_includes);
    g_test_add_func("/sshd/quotes-case-and-comments", test_quotes_case_and_comments);
    g_test_add_func("/sshd/match-all-overrides", test_match_all_overrides_what_stands_before);
    g_test_add_func("/sshd/weaker-value-for-some", test_weaker_value_for_some_counts);
    g_test_add_func("/sshd/include-inside-match", test_include_inside_match);
    g_test_add_func("/sshd/include-loop", test_include_loop_is_bounded_and_told);
    g_test_add_func("/sshd/lists", test_lists_build_on_the_defaults);
    g_test_add_func("/sshd/weak-names", test_weak_names_in_a_list);
    g_test_add_func("/sshd/second-factor", test_second_factor_makes_a_password_right);
    g_test_add_func("/sshd/unit-options", test_options_of_the_unit_come_first);
    g_test_add_func("/sshd/not-installed", test_no_server_is_not_applicable);
    g_test_add_func("/sshd/client", test_client_takes_the_first_value);
    g_test_add_func("/sshd/public-keys", test_public_keys);
    return g_test_run();
}
