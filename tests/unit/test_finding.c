#include "finding/finding.h"
#include "finding/scrub.h"

#include <string.h>

static void test_worst_evidence_decides(void)
{
    g_autoptr(finding_t) finding = finding_new("host.ssh.root-login", 0);

    finding_pass(finding, "/a", 1, "Key", "yes", "yes");
    g_assert_cmpint(finding->outcome, ==, OUTCOME_PASS);
    finding_fail(finding, "/a", 2, "Key", "no", "yes");
    finding_warn(finding, "/a", 3, "Key", "maybe", "yes");
    g_assert_cmpint(finding->outcome, ==, OUTCOME_FAIL);
}

static void test_unread_file_is_no_pass(void)
{
    g_autoptr(finding_t) finding = finding_new("m", 0);

    finding_pass(finding, "/a", 1, "Key", "yes", "yes");
    finding_incomplete(finding, REASON_NEEDS_ROOT, "%s", "/b");
    g_assert_cmpint(finding->outcome, ==, OUTCOME_NOT_MEASURED);
    finding_pass(finding, "/c", 1, "Key", "yes", "yes");
    g_assert_cmpint(finding->outcome, ==, OUTCOME_NOT_MEASURED);
    finding_fail(finding, "/d", 1, "Key", "no", "yes");
    g_assert_cmpint(finding->outcome, ==, OUTCOME_FAIL);
}

static void test_failures_survive_the_limit(void)
{
    g_autoptr(finding_t) finding = finding_new("m", 0);
    gboolean kept = FALSE;

    for (guint i = 0; i < EVIDENCE_MAX + 5; i++)
        finding_pass(finding, "/a", i, NULL, "x", NULL);
    finding_fail(finding, "/bad", 1, NULL, "x", NULL);
    g_assert_cmpuint(finding->evidence->len, ==, EVIDENCE_MAX);
    g_assert_cmpuint(finding->omitted, ==, 6);
    for (guint i = 0; i < finding->evidence->len; i++)
        kept |= g_str_equal(((struct evidence *)finding->evidence->pdata[i])->path, "/bad");
    g_assert_true(kept);
}

static void test_secrets_are_not_kept(void)
{
    g_autoptr(finding_t) finding = finding_new("m", 0);
    const struct evidence *line;

    finding_redacted(finding, OUTCOME_FAIL, "/a", 7, "aws-key", 20);
    line = finding->evidence->pdata[0];
    g_assert_cmpstr(line->found, ==, "20 bytes");
}

static void test_packed_and_back(void)
{
    g_autoptr(finding_t) finding = finding_new("m", 3);
    g_autoptr(finding_t) copy = NULL;
    g_autoptr(GByteArray) bytes = NULL;
    const struct evidence *line;

    finding_fail(finding, "/a", 9, NULL, "caf\xe9", "x");
    finding_pass(finding, "/b", 0, "key", "", NULL);
    finding->omitted = 7;
    bytes = finding_pack(finding);
    copy = finding_unpack(bytes->data, bytes->len, "m", 3);
    g_assert_nonnull(copy);
    g_assert_cmpint(copy->outcome, ==, OUTCOME_FAIL);
    g_assert_cmpuint(copy->omitted, ==, 7);
    g_assert_null(copy->detail);
    g_assert_cmpuint(copy->evidence->len, ==, 2);
    line = copy->evidence->pdata[0];
    g_assert_cmpstr(line->path, ==, "/a");
    g_assert_cmpuint(line->line, ==, 9);
    g_assert_null(line->key);
    g_assert_true(g_utf8_validate(line->found, -1, NULL));
    line = copy->evidence->pdata[1];
    g_assert_cmpint(line->outcome, ==, OUTCOME_PASS);
    g_assert_cmpstr(line->found, ==, "");
    g_assert_null(line->wanted);
}

/* A worker that was taken over can send anything. */
static void test_malformed_is_refused(void)
{
    g_autoptr(finding_t) finding = finding_new("m", 3);
    g_autoptr(GByteArray) bytes = NULL;

    finding_fail(finding, "/a", 9, "key", "found", "wanted");
    bytes = finding_pack(finding);
    for (guint length = 0; length < bytes->len; length++) {
        g_autofree guint8 *exact = g_memdup2(bytes->data, length);

        g_assert_null(finding_unpack(exact, length, "m", 3));
    }
    bytes->data[bytes->len - 1] = 0xff; /* no UTF-8 */
    g_assert_null(finding_unpack(bytes->data, bytes->len, "m", 3));
    bytes->data[bytes->len - 1] = 0;
    g_assert_null(finding_unpack(bytes->data, bytes->len, "m", 3));
    bytes->data[bytes->len - 1] = 'd';
    bytes->data[0] = OUTCOME_ERROR + 1;
    g_assert_null(finding_unpack(bytes->data, bytes->len, "m", 3));
    bytes->data[0] = OUTCOME_FAIL;
    g_byte_array_append(bytes, (const guint8 *)"", 1);
    g_assert_null(finding_unpack(bytes->data, bytes->len, "m", 3));
}

/* It would fill the document with what no reader of it takes. */
static void test_boundless_text_is_refused(void)
{
    g_autofree char *text = g_strnfill(100000, 'x');
    g_autoptr(finding_t) honest = finding_new("m", 0), lying = finding_new("m", 0), copy = NULL;
    g_autoptr(GByteArray) bytes = NULL, lie = NULL;

    memset(text, 0xff, 1000); /* each becomes three bytes */
    finding_fail(honest, text, 1, text, text, text);
    bytes = finding_pack(honest);
    copy = finding_unpack(bytes->data, bytes->len, "m", 0);
    g_assert_nonnull(copy);
    memset(text, 'x', 1000);
    lying->detail = g_strdup(text);
    lie = finding_pack(lying);
    g_assert_null(finding_unpack(lie->data, lie->len, "m", 0));
}

static void test_secrets_are_scrubbed_from_evidence(void)
{
    static const struct {
        const char *text, *scrubbed;
    } cases[] = {
        { "(ALL) NOPASSWD: /usr/bin/mysql -u root -pHunter2x",
          "(ALL) NOPASSWD: /usr/bin/mysql -u root -p***" },
        { "(ALL) NOPASSWD: ALL", "(ALL) NOPASSWD: ALL" },
        { "/bin/sh -c PASSWORD=Hunter2 x", "/bin/sh -c PASSWORD=*** x" },
        { "/usr/bin/curl -u admin:Hunter2 *", "/usr/bin/curl -u admin:*** *" },
        { "docker run -u 1000:1000 x", "docker run -u 1000:1000 x" },
        { "http://u:Hunter2@deb.example/debian", "http://u:***@deb.example/debian" },
        { "http://u:a@b:Hunter2@deb.example/", "http://u:***@deb.example/" },
        { "ssh://borg@host:22/./r", "ssh://borg@host:22/./r" },
        { "rw,password=Hunter2,uid=5", "rw,password=***,uid=5" },
        { "{\"splunk-token\":\"Hunter2\",\"a\":1}", "{\"splunk-token\":\"***\",\"a\":1}" },
        { "|/x --pw=Hunter2 %p", "|/x --pw=*** %p" },
        { "/x --password Hunter2 --port 5", "/x --password *** --port 5" },
        { "LD_PRELOAD=/a.so DB_PASSWORD='Hunter two' y", "LD_PRELOAD=/a.so DB_PASSWORD='***' y" },
        { "curl -H Authorization: Bearer Hunter2 z", "curl -H Authorization: Bearer *** z" },
        { "auth required pam_ldap.so bindpw=Hunter2 md5",
          "auth required pam_ldap.so bindpw=*** md5" },
        { "passwd: files systemd", "passwd: files systemd" },
        { "PasswordAuthentication=yes", "PasswordAuthentication=yes" },
        { "password=", "password=" },
        { "token=$TOKEN", "token=$TOKEN" },
        { "password=\"unended", "password=\"***" },
        { "", "" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(finding_t) finding = finding_new("m", 0);
        const struct evidence *line;

        finding_fail(finding, "/etc/x", 1, cases[i].text, cases[i].text, NULL);
        line = finding->evidence->pdata[0];
        g_assert_cmpstr(line->found, ==, cases[i].scrubbed);
        g_assert_cmpstr(line->key, ==, cases[i].scrubbed);
    }
}

static void test_passwords_in_commands_are_scrubbed(void)
{
    static const char *const texts[] = {
        "mysqldump -u root -pHunter2xx shop",
        "restic -r rest:https://backup:Hunter2xx@host/x snapshots",
        "curl -u admin:Hunter2xx https://host/",
        "PGPASSWORD=Hunter2xx pg_dump shop",
        "tool --password Hunter2xx --verbose",
        "Authorization: Bearer Hunter2xxHunter2xx",
    };
    g_autofree char *harmless = scrub_secrets("/usr/bin/rsync -a /srv/ host:/srv/");

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *clean = scrub_secrets(texts[i]);

        g_assert_null(strstr(clean, "Hunter2xx"));
        g_assert_nonnull(strstr(clean, SCRUBBED));
    }
    g_assert_cmpstr(harmless, ==, "/usr/bin/rsync -a /srv/ host:/srv/");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/finding/worst-evidence-decides", test_worst_evidence_decides);
    g_test_add_func("/finding/unread-file-is-no-pass", test_unread_file_is_no_pass);
    g_test_add_func("/finding/failures-survive-the-limit", test_failures_survive_the_limit);
    g_test_add_func("/finding/secrets-are-not-kept", test_secrets_are_not_kept);
    g_test_add_func("/finding/boundless-text-is-refused", test_boundless_text_is_refused);
    g_test_add_func("/finding/secrets-are-scrubbed-from-evidence",
                    test_secrets_are_scrubbed_from_evidence);
    g_test_add_func("/finding/packed-and-back", test_packed_and_back);
    g_test_add_func("/finding/malformed-is-refused", test_malformed_is_refused);
    g_test_add_func("/finding/scrub", test_passwords_in_commands_are_scrubbed);
    return g_test_run();
}
