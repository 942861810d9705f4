/* Users, groups, homes and login records: verdicts on files that are easy to read wrongly. */
#include "p7_hygiene/host/accounts.h"
#include "p7_hygiene/host/homes.h"
#include "p7_hygiene/host/logins.h"
#include "tree.h"

#define DAY_US (86400 * (gint64)G_USEC_PER_SEC)
#define TODAY 20000 /* days since 1970 */
#define NOW_US (TODAY * DAY_US)

#define ROOT_LINE "root:x:0:0:root:/root:/bin/bash\n"
#define GROUPS "root:x:0:\nann:x:1000:\n"

static void put_accounts(struct tree *tree, const char *passwd, const char *shadow)
{
    tree_put(tree, "/etc/passwd", 0644, passwd);
    tree_put(tree, "/etc/shadow", 0640, shadow);
    tree_put(tree, "/etc/group", 0644, GROUPS);
}

static void test_schemes(void)
{
    static const struct {
        const char *field, *name;
        enum hash_strength strength;
        gboolean locked;
    } cases[] = {
        { "", "empty", HASH_EMPTY, FALSE },
        { "*", "locked", HASH_LOCKED, TRUE },
        { "!", "locked", HASH_LOCKED, TRUE },
        { "!!", "locked", HASH_LOCKED, TRUE },
        { "!$1$ab$cd", "md5crypt", HASH_WEAK, TRUE },
        { "$y$j9T$a$b", "yescrypt", HASH_STRONG, FALSE },
        { "$6$rounds=65536$a$b", "sha512crypt", HASH_STRONG, FALSE },
        { "$5$a$b", "sha256crypt", HASH_FAIR, FALSE },
        { "$3$$aa", "NT", HASH_WEAK, FALSE },
        { "abJnggxhB/yWI", "DES", HASH_WEAK, FALSE },
        { "x", "locked", HASH_LOCKED, TRUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct hash_scheme scheme = hash_scheme_of(cases[i].field);

        g_assert_cmpstr(scheme.name, ==, cases[i].name);
        g_assert_cmpint(scheme.strength, ==, cases[i].strength);
        g_assert_cmpint(scheme.locked, ==, cases[i].locked);
    }
}

static void test_second_root_and_nis(void)
{
    g_autoptr(tree_t) tree = tree_new();

    put_accounts(tree, ROOT_LINE, "root:*:1::::::\n");
    tree_expect(tree, "USER-01", OUTCOME_PASS);
    put_accounts(tree, ROOT_LINE "toor:x:00:0::/root:/bin/sh\n", "root:*:1::::::\n");
    tree_expect(tree, "USER-01", OUTCOME_FAIL);
    put_accounts(tree, ROOT_LINE "+::::::\n", "root:*:1::::::\n");
    tree_expect(tree, "USER-01", OUTCOME_FAIL);
}

static void test_empty_password(void)
{
    g_autoptr(tree_t) tree = tree_new();

    put_accounts(tree, ROOT_LINE, "root::1::::::\n");
    tree_expect(tree, "USER-02", OUTCOME_FAIL);
    put_accounts(tree, "root::0:0:root:/root:/bin/bash\n", "root:*:1::::::\n");
    tree_expect(tree, "USER-02", OUTCOME_FAIL);
    put_accounts(tree, ROOT_LINE, "root:!:1::::::\n");
    tree_expect(tree, "USER-02", OUTCOME_PASS);
}

/* A hash in the open file is told by its length and a salted digest, never by its bytes. */
static void test_hash_never_enters_the_evidence(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) open = NULL, weak = NULL;

    put_accounts(tree, ROOT_LINE "ann:abJnggxhB/yWI:1000:1000::/home/ann:/bin/sh\n",
                 "root:*:1::::::\nann:$1$salt$hash:1::::::\n");
    open = tree_judge_at(tree, "USER-03", NOW_US);
    weak = tree_judge_at(tree, "USER-04", NOW_US);
    g_assert_cmpint(open->outcome, ==, OUTCOME_FAIL);
    g_assert_cmpint(weak->outcome, ==, OUTCOME_FAIL);
    g_assert_true(finding_tells(weak, OUTCOME_FAIL, "md5crypt"));
    for (guint i = 0; i < 2; i++) {
        const struct finding *finding = i ? weak : open;

        g_assert_false(finding_tells(finding, OUTCOME_FAIL, "abJnggxhB"));
        g_assert_false(finding_tells(finding, OUTCOME_FAIL, "$hash"));
    }
}

static void test_unique_names_and_numbers(void)
{
    g_autoptr(tree_t) tree = tree_new();

    put_accounts(tree, ROOT_LINE "ann:x:1000:1000::/home/ann:/bin/sh\n", "");
    tree_expect(tree, "USER-06", OUTCOME_PASS);
    put_accounts(tree, ROOT_LINE "ann:x:1000:1000::/:/bin/sh\nbob:x:1000:1000::/:/bin/sh\n", "");
    tree_expect(tree, "USER-06", OUTCOME_FAIL);
    put_accounts(tree, ROOT_LINE "ann:x:1000:4242::/home/ann:/bin/sh\n", "");
    tree_expect(tree, "USER-06", OUTCOME_FAIL);
    put_accounts(tree, ROOT_LINE "ann:x:1000\n", "");
    tree_expect(tree, "USER-06", OUTCOME_WARN);
}

static void test_service_accounts(void)
{
    g_autoptr(tree_t) tree = tree_new();

    put_accounts(tree,
                 ROOT_LINE "sync:x:4:0::/:/bin/sync\nweb:x:33:0::/:/usr/sbin/nologin\n"
                           "nobody:x:65534:0::/:/usr/bin/false\n",
                 "web:*:1::::::\n");
    tree_expect(tree, "USER-07", OUTCOME_PASS);
    put_accounts(tree, ROOT_LINE "web:x:33:0::/:\n", "web:*:1::::::\n");
    tree_expect(tree, "USER-07", OUTCOME_FAIL);
    put_accounts(tree, ROOT_LINE "web:x:33:0::/:/usr/sbin/nologin\n", "web:$6$a$b:1::::::\n");
    tree_expect(tree, "USER-07", OUTCOME_FAIL);
}

static void test_primary_group_counts_as_membership(void)
{
    g_autoptr(tree_t) tree = tree_new();

    put_accounts(tree, ROOT_LINE "ann:x:1000:998::/home/ann:/bin/sh\n", "");
    tree_put(tree, "/etc/group", 0644, "root:x:0:\ndocker:x:998:\nsudo:x:27:ann\n");
    tree_expect(tree, "USER-08", OUTCOME_FAIL);
    put_accounts(tree, ROOT_LINE "ann:x:1000:1000::/home/ann:/bin/sh\n", "");
    tree_put(tree, "/etc/group", 0644, "root:x:0:\ndocker:x:998:\nsudo:x:27:ann\n");
    tree_expect(tree, "USER-08", OUTCOME_PASS);
}

static void test_change_in_the_future(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) today = NULL, ahead = NULL;

    put_accounts(tree, ROOT_LINE, "root:*:20001::::::\n");
    today = tree_judge_at(tree, "USER-10", NOW_US);
    put_accounts(tree, ROOT_LINE, "root:*:20002::::::\n");
    ahead = tree_judge_at(tree, "USER-10", NOW_US);
    g_assert_cmpint(today->outcome, ==, OUTCOME_PASS);
    g_assert_cmpint(ahead->outcome, ==, OUTCOME_FAIL);
}

static void put_bytes(struct tree *tree, const char *path, const guint8 *bytes, gsize length)
{
    g_autofree char *full = tree_path(tree, path);

    g_assert_true(g_file_set_contents(full, (const char *)bytes, length, NULL));
}

/* A record of wtmp: a login of `name` at `seconds`. */
static void fill_login(guint8 record[384], const char *name, guint32 seconds)
{
    memset(record, 0, 384);
    record[0] = 7;
    g_strlcpy((char *)record + 44, name, 32);
    for (guint i = 0; i < 4; i++)
        record[340 + i] = seconds >> (8 * i);
}

static enum outcome dormant(struct tree *tree)
{
    g_autoptr(finding_t) finding = tree_judge_at(tree, "USER-11", NOW_US);

    return finding->outcome;
}

static void test_dormant_accounts(void)
{
    g_autoptr(tree_t) tree = tree_new();
    guint8 wtmp[2 * 384], lastlog[1001 * 292] = { 0 };

    put_accounts(tree, ROOT_LINE "ann:x:1000:1000::/home/ann:/bin/sh\n", "ann:$y$a:1::::::\n");
    g_assert_cmpint(dormant(tree), ==, OUTCOME_NOT_MEASURED);
    fill_login(wtmp, "root", (TODAY - 200) * 86400u);
    fill_login(wtmp + 384, "ann", (TODAY - 10) * 86400u);
    put_bytes(tree, "/var/log/wtmp", wtmp, sizeof wtmp);
    g_assert_cmpint(dormant(tree), ==, OUTCOME_PASS);
    fill_login(wtmp + 384, "ann", (TODAY - 120) * 86400u);
    put_bytes(tree, "/var/log/wtmp", wtmp, sizeof wtmp);
    g_assert_cmpint(dormant(tree), ==, OUTCOME_FAIL);
    /* lastlog knows of a younger login. */
    for (guint i = 0; i < 4; i++)
        lastlog[1000 * 292 + i] = ((TODAY - 1) * 86400u) >> (8 * i);
    put_bytes(tree, "/var/log/lastlog", lastlog, sizeof lastlog);
    g_assert_cmpint(dormant(tree), ==, OUTCOME_PASS);
    /* An expired account is closed. */
    put_accounts(tree, ROOT_LINE "ann:x:1000:1000::/home/ann:/bin/sh\n", "ann:$y$a:1:::::1:\n");
    g_assert_cmpint(dormant(tree), ==, OUTCOME_NOT_APPLICABLE);
}

static void put_home(struct tree *tree)
{
    g_autofree char *passwd =
        g_strdup_printf("me:x:%u:1000::/home/me:/bin/sh\n", getuid() ? getuid() : 1000);
    g_autofree char *full = NULL;

    put_accounts(tree, passwd, "");
    tree_folder(tree, "/home/me", 0750);
    full = tree_path(tree, "/home/me");
    if (getuid() == 0)
        g_assert_cmpint(chown(full, 1000, 1000), ==, 0);
}

static void test_home_modes(void)
{
    g_autoptr(tree_t) tree = tree_new();

    put_home(tree);
    tree_expect(tree, "HOME-01", OUTCOME_PASS);
    tree_mode(tree, "/home/me", 0751);
    tree_expect(tree, "HOME-01", OUTCOME_FAIL);
}

/* A link a user made leads nowhere: what it points at is neither read nor blamed. */
static void test_links_in_homes_are_not_followed(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) keys = NULL;

    put_home(tree);
    tree_put(tree, "/etc/secret", 0644, "-----BEGIN RSA PRIVATE KEY-----\nAA==\n");
    tree_folder(tree, "/home/me/.ssh", 0700);
    tree_link(tree, "/home/me/.ssh/id_rsa", "/etc/secret");
    tree_expect(tree, "HOME-04", OUTCOME_NOT_APPLICABLE);
    tree_put(tree, "/home/me/.ssh/id_rsa.old", 0600,
             "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n");
    tree_expect(tree, "HOME-04", OUTCOME_PASS);
    tree_put(tree, "/home/me/.ssh/work", 0600,
             "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==\n"
             "-----END OPENSSH PRIVATE KEY-----\n");
    keys = tree_judge_at(tree, "HOME-04", NOW_US);
    g_assert_cmpint(keys->outcome, ==, OUTCOME_FAIL);
    g_assert_true(finding_tells(keys, OUTCOME_FAIL, "/home/me/.ssh/work"));
    tree_put(tree, "/home/me/.ssh/work", 0600,
             "-----BEGIN OPENSSH PRIVATE KEY-----\n"
             "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0\n"
             "-----END OPENSSH PRIVATE KEY-----\n");
    tree_expect(tree, "HOME-04", OUTCOME_PASS);
}

static void test_history_tells_no_secret(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) finding = NULL;

    put_home(tree);
    tree_put(tree, "/home/me/.bash_history", 0600,
             "mysql -p\nmysql -u root -p crm\nexport TOKEN=$(pass token)\ncurl -u me: x\n");
    tree_expect(tree, "HOME-05", OUTCOME_PASS);
    tree_put(tree, "/home/me/.bash_history", 0600,
             "ls\ncurl -H 'Authorization: Bearer abc.def'\nsshpass -p hunter2 ssh x\n");
    finding = tree_judge_at(tree, "HOME-05", NOW_US);
    g_assert_cmpint(finding->outcome, ==, OUTCOME_FAIL);
    g_assert_true(finding_tells(finding, OUTCOME_FAIL, "sshpass"));
    g_assert_false(finding_tells(finding, OUTCOME_FAIL, "hunter2"));
    g_assert_false(finding_tells(finding, OUTCOME_FAIL, "abc.def"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/accounts/schemes", test_schemes);
    g_test_add_func("/accounts/second-root-and-nis", test_second_root_and_nis);
    g_test_add_func("/accounts/empty-password", test_empty_password);
    g_test_add_func("/accounts/hash-stays-out", test_hash_never_enters_the_evidence);
    g_test_add_func("/accounts/unique", test_unique_names_and_numbers);
    g_test_add_func("/accounts/service", test_service_accounts);
    g_test_add_func("/accounts/primary-group", test_primary_group_counts_as_membership);
    g_test_add_func("/accounts/future-change", test_change_in_the_future);
    g_test_add_func("/accounts/dormant", test_dormant_accounts);
    g_test_add_func("/homes/modes", test_home_modes);
    g_test_add_func("/homes/links", test_links_in_homes_are_not_followed);
    g_test_add_func("/homes/history", test_history_tells_no_secret);
    return g_test_run();
}
