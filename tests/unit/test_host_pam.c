/* PAM stacks: who gets through, and what the judges say of it. */
#include "p7_hygiene/host/pam.h"
#include "tree.h"

#define DEBIAN_AUTH                                                                                \
    "auth [success=1 default=ignore] pam_unix.so\n"                                                \
    "auth requisite pam_deny.so\n"                                                                 \
    "auth required pam_permit.so\n"

/* pam_NAME.so yes|no: modules answer what their first argument says; pam_permit and pam_deny. */
static enum pam_answer scripted(const struct pam_rule *rule, gpointer data)
{
    if (g_str_equal(rule->module, "pam_permit") || pam_argument(rule, "yes"))
        return PAM_SAYS_SUCCESS;
    return pam_argument(rule, "ignore") ? PAM_SAYS_IGNORE : PAM_SAYS_AUTH_ERR;
}

static gboolean runs(struct tree *tree, const char *text)
{
    g_autoptr(host_t) host = NULL;
    g_autoptr(pam_stack_t) stack = NULL;

    tree_put(tree, "/etc/pam.d/x", 0644, text);
    host = host_new(tree->root, NULL, NULL);
    stack = pam_stack_read(host, "x", PAM_AUTH);
    return pam_run(stack, scripted, NULL);
}

static void test_controls(void)
{
    g_autoptr(tree_t) tree = tree_new();

    g_assert_true(runs(tree, "auth required a.so yes\n"));
    g_assert_false(runs(tree, "auth required a.so no\nauth required b.so yes\n"));
    g_assert_false(runs(tree, "auth required a.so no\nauth sufficient b.so yes\n"));
    g_assert_true(runs(tree, "auth sufficient a.so yes\nauth required b.so no\n"));
    g_assert_false(runs(tree, "auth sufficient a.so no\n"));
    g_assert_false(runs(tree, "auth required a.so ignore\n"));
    g_assert_true(runs(tree, "auth optional a.so yes\n"));
    g_assert_false(runs(tree, "auth requisite a.so no\nauth sufficient b.so yes\n"));
}

static void test_jumps_and_brackets(void)
{
    g_autoptr(tree_t) tree = tree_new();

    g_assert_true(runs(tree, "auth [success=1 default=ignore] a.so yes\nauth requisite d.so no\n"
                             "auth required pam_permit.so\n"));
    g_assert_false(runs(tree, "auth [success=1 default=ignore] a.so no\nauth requisite d.so no\n"
                              "auth required pam_permit.so\n"));
    /* A jump alone proves nothing: the stack needs a module that says yes. */
    g_assert_false(
        runs(tree, "auth [success=1 default=ignore] a.so yes\nauth requisite d.so no\n"));
    /* What brackets do not name is bad. */
    g_assert_false(runs(tree, "auth [success=ok] a.so no\nauth sufficient b.so yes\n"));
    g_assert_true(runs(tree, "auth [default=reset] a.so no\nauth required b.so yes\n"));
}

static void test_substack_keeps_done_inside(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/pam.d/inner", 0644, "auth sufficient a.so yes\n");
    g_assert_false(runs(tree, "auth substack inner\nauth required b.so no\n"));
    g_assert_true(runs(tree, "auth include inner\nauth required b.so no\n"));
    g_assert_true(runs(tree, "@include inner\nauth required b.so no\n"));
}

static void test_lines(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(host_t) host = NULL;
    g_autoptr(pam_stack_t) stack = NULL;
    const struct pam_rule *rule;

    tree_put(tree, "/etc/pam.d/x", 0644,
             "# auth required no.so\nsession required s.so\n"
             "-AUTH  Required \\\n  /lib/security/pam_a.so one=[1 2] two # tail\n");
    host = host_new(tree->root, NULL, NULL);
    stack = pam_stack_read(host, "x", PAM_AUTH);
    g_assert_cmpuint(stack->rules->len, ==, 1);
    rule = stack->rules->pdata[0];
    g_assert_cmpstr(rule->module, ==, "pam_a");
    g_assert_cmpuint(rule->line, ==, 3);
    g_assert_true(rule->may_miss);
    g_assert_cmpstr(pam_argument(rule, "two"), ==, "");
    g_assert_null(pam_argument(rule, "tail"));
}

static void test_include_loop(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/pam.d/login", 0644, "auth include login\nauth include login\n");
    tree_expect(tree, "USER-15", OUTCOME_NOT_MEASURED);
}

static void test_strangers(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/pam.d/login", 0644, DEBIAN_AUTH);
    tree_expect(tree, "USER-15", OUTCOME_PASS);
    /* The jump that should step over the deny line steps over nothing: everybody gets in. */
    tree_put(tree, "/etc/pam.d/login", 0644,
             "auth [success=1 default=1] pam_unix.so\nauth requisite pam_deny.so\n"
             "auth required pam_permit.so\n");
    tree_expect(tree, "USER-15", OUTCOME_FAIL);
    tree_put(tree, "/etc/pam.d/login", 0644,
             "auth optional pam_unix.so\nauth required pam_permit.so\n");
    tree_expect(tree, "USER-15", OUTCOME_FAIL);
    tree_put(tree, "/etc/pam.d/login", 0644,
             "auth sufficient pam_succeed_if.so uid >= 1000\n" DEBIAN_AUTH);
    tree_expect(tree, "USER-15", OUTCOME_WARN);
    tree_put(tree, "/etc/pam.d/login", 0644, "auth required pam_unix.so nullok\n");
    tree_expect(tree, "USER-15", OUTCOME_FAIL);
}

static void test_lockout(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/security/faillock.conf", 0644, "deny = 5 # five\nunlock_time=0\n");
    tree_put(tree, "/etc/pam.d/common-auth", 0644,
             "auth required pam_faillock.so preauth\n"
             "auth [success=2 default=ignore] pam_unix.so\n"
             "auth [default=die] pam_faillock.so authfail\n"
             "auth requisite pam_deny.so\nauth required pam_permit.so\n");
    tree_expect(tree, "USER-13", OUTCOME_PASS);
    tree_put(tree, "/etc/security/faillock.conf", 0644, "deny = 50\nunlock_time=900\n");
    tree_expect(tree, "USER-13", OUTCOME_FAIL);
    /* authfail stands where no wrong password ever gets to. */
    tree_put(tree, "/etc/security/faillock.conf", 0644, "unlock_time=900\n");
    tree_put(tree, "/etc/pam.d/common-auth", 0644,
             "auth required pam_faillock.so preauth\n"
             "auth requisite pam_unix.so\n"
             "auth [default=die] pam_faillock.so authfail\n");
    tree_expect(tree, "USER-13", OUTCOME_FAIL);
}

static void test_password_quality(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/pam.d/common-password", 0644,
             "password requisite pam_pwquality.so retry=3 minlen=16\npassword required pam_unix.so "
             "use_authtok yescrypt\n");
    tree_put(tree, "/etc/security/pwquality.conf.d/a.conf", 0644, "difok = 3\nminclass = 1\n");
    tree_put(
        tree, "/etc/security/pwquality.conf", 0644,
        "minlen = 8\ndcredit = -1\nucredit = -1\nlcredit = -1\nmaxrepeat=3\nenforce_for_root\n");
    tree_expect(tree, "USER-12", OUTCOME_PASS);
    tree_put(tree, "/etc/pam.d/common-password", 0644,
             "password optional pam_pwquality.so minlen=16\npassword required pam_unix.so\n");
    tree_expect(tree, "USER-12", OUTCOME_FAIL);
}

static void test_su_for_a_group(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/group", 0644, "root:x:0:\nadmins:x:1500:\n");
    tree_put(tree, "/etc/pam.d/common-auth", 0644, DEBIAN_AUTH);
    tree_put(tree, "/etc/pam.d/su", 0644,
             "auth sufficient pam_rootok.so\nauth required pam_wheel.so use_uid group=admins\n"
             "@include common-auth\n");
    tree_expect(tree, "USER-22", OUTCOME_PASS);
    /* After the password has been accepted as sufficient nobody asks for the group. */
    tree_put(tree, "/etc/pam.d/su", 0644,
             "auth sufficient pam_rootok.so\nauth sufficient pam_unix.so\n"
             "auth required pam_wheel.so use_uid group=admins\n");
    tree_expect(tree, "USER-22", OUTCOME_FAIL);
    tree_put(tree, "/etc/pam.d/su", 0644,
             "auth sufficient pam_rootok.so\n# auth required pam_wheel.so\n@include common-auth\n");
    tree_expect(tree, "USER-22", OUTCOME_FAIL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pam/controls", test_controls);
    g_test_add_func("/pam/jumps-and-brackets", test_jumps_and_brackets);
    g_test_add_func("/pam/substack", test_substack_keeps_done_inside);
    g_test_add_func("/pam/lines", test_lines);
    g_test_add_func("/pam/include-loop", test_include_loop);
    g_test_add_func("/pam/strangers", test_strangers);
    g_test_add_func("/pam/lockout", test_lockout);
    g_test_add_func("/pam/password-quality", test_password_quality);
    g_test_add_func("/pam/su", test_su_for_a_group);
    return g_test_run();
}
