/* Modules rsyslog, audit and logging_audit: what is logged, kept, audited and sent away. */
#include "p7_hygiene/host/audit.h"
#include "p7_hygiene/host/rsyslog.h"

#include "tree.h"

static const struct rsyslog_statement *find(const struct rsyslog *rsyslog, enum rsyslog_kind kind,
                                            const char *name)
{
    for (guint i = 0; i < rsyslog->statements->len; i++) {
        const struct rsyslog_statement *statement = rsyslog->statements->pdata[i];

        if (statement->kind == kind && g_str_equal(statement->name, name))
            return statement;
    }
    return NULL;
}

static void test_rsyslog_both_languages(void)
{
    static const char text[] =
        "# @@comment\n"
        "$FileCreateMode 0640 # c\n"
        "*.*  @@(o)logs.example:6514;RSYSLOG_Format\n"
        "mail.* -/var/log/a@b\n"
        "if $msg contains \"@x\" then {\n"
        "  action(type=\"omfwd\" Target=\"h\\\"x\"\n    port='514' # c\n  )\n}\n"
        "& @udp.example\n";
    struct rsyslog *rsyslog = rsyslog_new();
    const struct rsyslog_statement *statement;

    rsyslog_add(rsyslog, "/r", text, strlen(text));
    g_assert_cmpstr(rsyslog_directive(rsyslog, "filecreatemode")->value, ==, "0640");
    statement = find(rsyslog, RSYSLOG_FORWARD, "@@");
    g_assert_cmpstr(statement->value, ==, "logs.example:6514");
    g_assert_cmpuint(statement->line, ==, 3);
    g_assert_cmpstr(find(rsyslog, RSYSLOG_FORWARD, "@")->value, ==, "udp.example");
    statement = find(rsyslog, RSYSLOG_OBJECT, "action");
    g_assert_cmpstr(rsyslog_parameter(statement, "target"), ==, "h\"x");
    g_assert_cmpstr(rsyslog_parameter(statement, "port"), ==, "514");
    g_assert_cmpuint(rsyslog->statements->len, ==, 4);
    rsyslog_free(rsyslog);
}

static void test_sent_away_needs_tls(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/etc/rsyslog.conf", "$IncludeConfig /etc/rsyslog.d/*.conf\n");
    tree_expect(tree, "host.log.sent-away", OUTCOME_FAIL);
    tree_file(tree, "/etc/rsyslog.d/f.conf", "*.* @@logs.example:514\n");
    tree_expect(tree, "host.log.sent-away", OUTCOME_FAIL);
    tree_file(tree, "/etc/rsyslog.d/a.conf",
              "$DefaultNetstreamDriver gtls\n$ActionSendStreamDriverMode 1\n");
    tree_expect(tree, "host.log.sent-away", OUTCOME_PASS);
    tree_file(tree, "/etc/rsyslog.d/f.conf", "*.* @@127.0.0.1:514\n"); /* goes nowhere */
    tree_expect(tree, "host.log.sent-away", OUTCOME_FAIL);
}

static void test_include_loops_end(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/etc/rsyslog.conf",
              "include(file=\"/etc/rsyslog.conf\")\n$FileCreateMode 0600");
    tree_expect(tree, "host.log.rsyslog-modes", OUTCOME_PASS);
}

static void test_journal_drop_ins(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/etc/systemd/journald.conf", "[Journal]\nStorage=volatile\nSystemMaxUse=1G\n");
    tree_expect(tree, "host.log.journal-kept", OUTCOME_FAIL);
    tree_file(tree, "/usr/lib/systemd/journald.conf.d/50.conf", "[Journal]\nStorage=persistent\n");
    tree_expect(tree, "host.log.journal-kept", OUTCOME_PASS);
    tree_file(tree, "/etc/systemd/journald.conf.d/50.conf",
              "[Journal]\n"); /* masks the same name */
    tree_expect(tree, "host.log.journal-kept", OUTCOME_FAIL);
    tree_file(tree, "/etc/systemd/journald.conf", "[Journal]\nSystemMaxUse=1G\n");
    tree_expect(tree, "host.log.journal-kept", OUTCOME_FAIL); /* auto, without the folder */
    tree_folder(tree, "/var/log/journal", 0755);
    tree_expect(tree, "host.log.journal-kept", OUTCOME_PASS);
}

static void test_audit_rules(void)
{
    static const char all[] =
        "-w /etc/ -p wa -k etc\n-a always,exit -F arch=b64 -S adjtimex,mount\n"
        "-a always,exit -S init_module\n-w /var/log/wtmp -p wa\n";
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *locked = g_strconcat(all, "-e 2\n", NULL);
    g_autofree char *late = g_strconcat("-e 2\n", all, NULL);
    g_autofree char *reads = g_strconcat("-w /etc/ -p r\n", strchr(all, '\n') + 1, "-e 2\n", NULL);

    tree_expect(tree, "host.log.audit-rules", OUTCOME_NOT_APPLICABLE);
    tree_file(tree, "/etc/audit/rules.d/a.rules", locked);
    tree_expect(tree, "host.log.audit-rules", OUTCOME_PASS);
    tree_file(tree, "/etc/audit/rules.d/z.rules", "-w /root -p wa\n"); /* refused after -e 2 */
    tree_expect(tree, "host.log.audit-rules", OUTCOME_FAIL);
    tree_file(tree, "/etc/audit/rules.d/z.rules", "# nothing\n");
    tree_file(tree, "/etc/audit/rules.d/a.rules", all); /* not locked */
    tree_expect(tree, "host.log.audit-rules", OUTCOME_FAIL);
    tree_file(tree, "/etc/audit/rules.d/a.rules", late);
    tree_expect(tree, "host.log.audit-rules", OUTCOME_FAIL);
    tree_file(tree, "/etc/audit/rules.d/a.rules", reads); /* watches reads only */
    tree_expect(tree, "host.log.audit-rules", OUTCOME_FAIL);
}

static void test_log_modes(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "host.log.file-modes", OUTCOME_NOT_MEASURED);
    tree_file(tree, "/var/log/wtmp", "x");
    tree_file(tree, "/var/log/apt/history.log.1.gz", "x");
    tree_expect(tree, "host.log.file-modes", OUTCOME_PASS);
    tree_file(tree, "/var/log/app/a\nb.log", "x");
    tree_expect(tree, "host.log.file-modes", OUTCOME_FAIL);
    tree_mode(tree, "/var/log/app/a\nb.log", 0640);
    tree_expect(tree, "host.log.file-modes", OUTCOME_PASS);
}

static void test_rotation(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/etc/cron.daily/logrotate", "x");
    tree_file(tree, "/etc/logrotate.conf", "weekly\nrotate 4\ninclude /etc/logrotate.d\n");
    tree_file(tree, "/etc/logrotate.d/rsyslog",
              "/var/log/syslog\n/var/log/mail.log\n{\n rotate 13\n postrotate\n  daily\n"
              " endscript\n}\n");
    tree_expect(tree, "host.log.rotation", OUTCOME_PASS);
    tree_file(tree, "/etc/logrotate.d/rsyslog", "/var/log/auth.log { \n missingok\n}\n");
    tree_expect(tree, "host.log.rotation", OUTCOME_FAIL);
}

static void test_banners(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/etc/issue", "Authorised use only.\n");
    tree_expect(tree, "host.log.banners", OUTCOME_FAIL); /* issue.net is absent */
    tree_file(tree, "/etc/issue.net", "Authorised use only.\n");
    tree_expect(tree, "host.log.banners", OUTCOME_PASS);
    tree_file(tree, "/etc/issue", "Kernel \\r\n");
    tree_expect(tree, "host.log.banners", OUTCOME_FAIL);
    tree_file(tree, "/etc/issue", "Welcome to DEBIAN\n");
    tree_expect(tree, "host.log.banners", OUTCOME_FAIL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/logs/rsyslog-both-languages", test_rsyslog_both_languages);
    g_test_add_func("/host/logs/sent-away-needs-tls", test_sent_away_needs_tls);
    g_test_add_func("/host/logs/include-loops-end", test_include_loops_end);
    g_test_add_func("/host/logs/journal-drop-ins", test_journal_drop_ins);
    g_test_add_func("/host/logs/audit-rules", test_audit_rules);
    g_test_add_func("/host/logs/log-modes", test_log_modes);
    g_test_add_func("/host/logs/rotation", test_rotation);
    g_test_add_func("/host/logs/banners", test_banners);
    return g_test_run();
}
