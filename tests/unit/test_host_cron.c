/*
 * Modules cron and schedule: how tables of jobs and their commands are read, and what root must not
 * run.
 */
#include "p7_hygiene/host/cron.h"
#include "tree.h"

#define CRONTAB "/etc/crontab"

static char *describe(const char *text)
{
    g_autoptr(GPtrArray) commands = cron_commands(text);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < commands->len; i++) {
        const GPtrArray *words = commands->pdata[i];

        g_string_append(out, i ? " | " : "");
        for (guint k = 0; k < words->len; k++)
            g_string_append_printf(out, "%s%s", k ? " " : "", (char *)words->pdata[k]);
    }
    return g_strdelimit(g_string_free(out, FALSE), "\001", '*');
}

static void assert_commands(const char *text, const char *expected)
{
    g_autofree char *found = describe(text);

    g_assert_cmpstr(found, ==, expected);
}

static void test_commands(void)
{
    assert_commands("cd / && run-parts --report /etc/cron.hourly",
                    "cd / | run-parts --report /etc/cron.hourly");
    assert_commands("test -x /a || { nice -n 10 /b 'c d' >/dev/null 2>&1; }",
                    "test -x /a | /b c d");
    assert_commands("A=1 B=\"x y\" /bin/x \"$HOME\" # no", "/bin/x $HOME");
    assert_commands("if [ -x /a ]; then /a; fi", "[ -x /a ] | /a");
    assert_commands("tar cf /b.tar *; echo '*'", "tar cf /b.tar * | echo *");
}

static void test_table(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func((GDestroyNotify)cron_job_free);
    const struct cron_job *job;

    tree_put(tree, CRONTAB, 0600,
             "# x\nPATH = \"/sbin:/bin\"\n*/5 * * * * root /bin/a %input\n"
             "@daily bob /bin/b 10\\%\n1 2 3\n");
    cron_read_table(host_read(tree->host, CRONTAB), NULL, jobs);
    g_assert_cmpuint(jobs->len, ==, 2);
    job = jobs->pdata[0];
    g_assert_cmpstr(job->user, ==, "root");
    g_assert_cmpstr(job->search, ==, "/sbin:/bin");
    g_assert_true(g_str_has_prefix(job->command, "/bin/a"));
    g_assert_null(strstr(job->command, "input"));
    job = jobs->pdata[1];
    g_assert_cmpstr(job->user, ==, "bob");
    g_assert_cmpuint(job->line, ==, 4);
}

static void put_table(struct tree *tree, const char *job)
{
    g_autofree char *text = g_strdup_printf("PATH=/usr/sbin:/usr/bin\n0 1 * * * %s\n", job);

    tree_put(tree, CRONTAB, 0600, text);
}

static void test_what_root_runs(void)
{
    g_autoptr(tree_t) tree = tree_new();

    if (getuid() != 0) {
        g_test_skip("files of root are needed");
        return;
    }
    g_assert_cmpint(chmod(tree->root, 0755), ==, 0);
    tree_put(tree, "/usr/local/bin/good.sh", 0755, "#!/bin/sh\n");
    tree_put(tree, "/usr/local/bin/bad.sh", 0777, "#!/bin/sh\n");
    tree_put(tree, "/usr/bin/tool", 0755, "x");
    put_table(tree, "root /usr/local/bin/good.sh && tool");
    tree_expect(tree, "CRON-03", OUTCOME_PASS);
    put_table(tree, "root /usr/local/bin/bad.sh");
    tree_expect(tree, "CRON-03", OUTCOME_FAIL);
    put_table(tree, "bob /usr/local/bin/bad.sh");
    tree_expect(tree, "CRON-03", OUTCOME_NOT_APPLICABLE);
    put_table(tree, "root /bin/sh -e /usr/local/bin/bad.sh");
    tree_expect(tree, "CRON-03", OUTCOME_FAIL);
    put_table(tree, "root cd /srv && tar czf /b.tgz *");
    tree_expect(tree, "CRON-03", OUTCOME_FAIL);
    put_table(tree, "root cd /srv && tar czf /b.tgz -- *");
    tree_expect(tree, "CRON-03", OUTCOME_PASS);
    /* The script is root's, its folder is not. */
    tree_put(tree, "/opt/job/run", 0755, "x");
    tree_folder(tree, "/opt/job", 0777);
    put_table(tree, "root /opt/job/run");
    tree_expect(tree, "CRON-03", OUTCOME_FAIL);
}

static void test_odd_path(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_folder(tree, "/tmp", 01777);
    tree_put(tree, CRONTAB, 0600, "PATH=/tmp:/usr/bin\n0 1 * * * root tool\n");
    tree_expect(tree, "CRON-03", OUTCOME_FAIL);
    tree_put(tree, CRONTAB, 0600, "PATH=.:/usr/bin\n0 1 * * * root tool\n");
    tree_expect(tree, "CRON-03", OUTCOME_FAIL);
}

static void test_lists(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "CRON-02", OUTCOME_NOT_APPLICABLE);
    tree_put(tree, CRONTAB, 0600, "");
    tree_expect(tree, "CRON-02", OUTCOME_FAIL);
    if (getuid() == 0) {
        tree_put(tree, "/etc/cron.allow", 0640, "root\n");
        tree_expect(tree, "CRON-02", OUTCOME_PASS);
        tree_put(tree, "/etc/at.deny", 0640, "");
        tree_expect(tree, "CRON-02", OUTCOME_FAIL);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cron/commands", test_commands);
    g_test_add_func("/cron/table", test_table);
    g_test_add_func("/cron/what-root-runs", test_what_root_runs);
    g_test_add_func("/cron/odd-path", test_odd_path);
    g_test_add_func("/cron/lists", test_lists);
    return g_test_run();
}
