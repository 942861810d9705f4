/* sudo rules: how they are read, and which are dangerous. */
#include "p7_hygiene/host/sudoers.h"
#include "tree.h"

#define SUDOERS "/etc/sudoers"

static void test_continuations_aliases_and_tags(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(host_t) host = NULL;
    const struct sudoers *sudoers;
    const struct sudo_rule *rule;

    tree_put(tree, SUDOERS, 0440,
             "User_Alias ADMINS = ann, \\\n  bob : OPS = #1002\n"
             "ADMINS,OPS ALL = (www:web) NOPASSWD: WEB, /bin/ls, PASSWD: !/bin/sh : \\\n"
             "  host2 = NOEXEC: /usr/bin/less /var/log/a\\,b # tail\n"
             "Cmnd_Alias WEB = /usr/sbin/apachectl graceful, /bin/true\n");
    host = host_new(tree->root, NULL, NULL);
    sudoers = sudoers_of(host);
    g_assert_cmpuint(sudoers->rules->len, ==, 5);
    rule = sudoers->rules->pdata[0];
    g_assert_cmpstr(rule->command, ==, "/usr/sbin/apachectl graceful");
    g_assert_cmpstr(rule->runas, ==, "www:web");
    g_assert_true(rule->no_password);
    g_assert_cmpuint(rule->line, ==, 3);
    rule = sudoers->rules->pdata[2];
    g_assert_cmpstr(rule->command, ==, "/bin/ls");
    g_assert_true(rule->no_password);
    rule = sudoers->rules->pdata[3];
    g_assert_cmpstr(rule->command, ==, "/bin/sh");
    g_assert_true(rule->negated);
    g_assert_false(rule->no_password);
    rule = sudoers->rules->pdata[4];
    g_assert_cmpstr(rule->command, ==, "/usr/bin/less /var/log/a,b");
    g_assert_cmpstr(rule->runas, ==, "root");
    g_assert_true(rule->no_exec);
    {
        g_auto(GStrv) users = sudoers_users(sudoers, rule->users);
        g_autofree char *joined = g_strjoinv(" ", users);

        g_assert_cmpstr(joined, ==, "ann bob #1002");
    }
}

/* `#includedir` is no comment; names with a dot and backups are not read. */
static void test_includes(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, SUDOERS, 0440, "# a comment\n#includedir /etc/sudoers.d\n");
    tree_put(tree, SUDOERS ".d/old.bak", 0440, "bob ALL=(ALL) NOPASSWD: ALL\n");
    tree_put(tree, SUDOERS ".d/old~", 0440, "bob ALL=(ALL) NOPASSWD: ALL\n");
    tree_expect(tree, "USER-18", OUTCOME_PASS);
    tree_put(tree, SUDOERS ".d/90-bob", 0440, "bob ALL=(ALL) NOPASSWD: ALL\n");
    tree_expect(tree, "USER-18", OUTCOME_FAIL);
    tree_put(tree, SUDOERS, 0440, "#include sudoers\n#include sudoers\n");
    tree_expect(tree, "USER-18", OUTCOME_NOT_MEASURED);
}

static void test_who_is_asked(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/passwd", 0644,
             "root:x:0:0::/root:/bin/sh\nbackup:x:34:34::/:/usr/sbin/nologin\n");
    tree_put(tree, SUDOERS, 0440, "root ALL=(ALL:ALL) NOPASSWD: ALL\n%sudo ALL=(ALL:ALL) ALL\n");
    tree_expect(tree, "USER-18", OUTCOME_PASS);
    tree_put(tree, SUDOERS, 0440, "backup ALL=(root) NOPASSWD: ALL\n");
    tree_expect(tree, "USER-18", OUTCOME_WARN);
    tree_put(tree, SUDOERS, 0440, "%sudo ALL=(ALL) ALL\nDefaults:%sudo !authenticate\n");
    tree_expect(tree, "USER-18", OUTCOME_FAIL);
    tree_put(tree, SUDOERS, 0440, "bob ALL=(root) NOPASSWD: /usr/bin/apt-get update\n");
    tree_expect(tree, "USER-18", OUTCOME_PASS);
    /* An alias that comes after its use. */
    tree_put(tree, SUDOERS, 0440,
             "bob ALL=(root) NOPASSWD: EVERYTHING\nCmnd_Alias EVERYTHING = ALL\n");
    tree_expect(tree, "USER-18", OUTCOME_FAIL);
}

static void test_defaults(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, SUDOERS, 0440, "Defaults use_pty, logfile=\"/var/log/a,b.log\"\n");
    tree_expect(tree, "USER-19", OUTCOME_PASS);
    tree_put(tree, SUDOERS, 0440, "Defaults use_pty, logfile=/x\nDefaults !use_pty\n");
    tree_expect(tree, "USER-19", OUTCOME_FAIL);
    tree_put(tree, SUDOERS, 0440, "Defaults use_pty, logfile=/x, timestamp_timeout=-1\n");
    tree_expect(tree, "USER-19", OUTCOME_FAIL);
    tree_put(tree, SUDOERS, 0440, "Defaults use_pty, logfile=/x\nDefaults:bob !use_pty\n");
    tree_expect(tree, "USER-19", OUTCOME_WARN);
}

static void test_commands(void)
{
    static const struct {
        const char *command;
        enum outcome outcome;
    } cases[] = {
        { "/usr/bin/systemctl restart nginx", OUTCOME_PASS },
        { "ALL", OUTCOME_PASS },
        { "ALL, !/bin/sh", OUTCOME_FAIL },
        { "/bin/cat /var/log/*", OUTCOME_FAIL },
        { "/usr/bin/*", OUTCOME_FAIL },
        { "/usr/local/bin/", OUTCOME_FAIL },
        { "/usr/bin/vim /etc/motd", OUTCOME_FAIL },
        { "NOEXEC: /usr/bin/less /etc/motd", OUTCOME_PASS },
        { "sha256:YWJj /usr/bin/id", OUTCOME_PASS },
        { "sudoedit /etc/motd", OUTCOME_PASS },
    };
    g_autoptr(tree_t) tree = tree_new();

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("bob ALL=(root) %s\n", cases[i].command);

        g_test_message("%s", cases[i].command);
        tree_put(tree, SUDOERS, 0440, text);
        tree_expect(tree, "USER-20", cases[i].outcome);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sudoers/continuations", test_continuations_aliases_and_tags);
    g_test_add_func("/sudoers/includes", test_includes);
    g_test_add_func("/sudoers/who-is-asked", test_who_is_asked);
    g_test_add_func("/sudoers/defaults", test_defaults);
    g_test_add_func("/sudoers/commands", test_commands);
    return g_test_run();
}
