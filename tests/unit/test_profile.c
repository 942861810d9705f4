/* Modules profile and yaml_places: what a profile says, and where in its text a fault is. */
#include "base/clock.h"
#include "base/error.h"
#include "profile/profile.h"

#include <string.h>

static struct profile *load(const char *name, GError **error)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "vectors", "profile", name, NULL);

    return profile_load(path, error);
}

static const struct asset *wanted(const struct profile *profile, enum asset_kind kind,
                                  const char *name)
{
    const struct asset *asset = profile_asset(profile, kind, name);

    g_assert_nonnull(asset);
    return asset;
}

static void test_every_kind_has_its_place(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(profile_t) profile = load("full.yaml", &error);
    const struct asset *asset;
    const struct contact *contact;

    g_assert_no_error(error);
    g_assert_cmpstr(profile->signatory.name, ==, "Hôpital d'Exemple");
    g_assert_cmpstr(group_name(profile->signatory.group), ==, "civil-society");
    g_assert_cmpstr(profile->signatory.country, ==, "FR");
    g_assert_cmpuint(profile->signatory.contacts->len, ==, 2);
    contact = profile->signatory.contacts->pdata[1];
    g_assert_cmpstr(contact->address, ==, "https://hospital.example/abuse");
    g_assert_cmpuint(strlen(profile->sha256), ==, 64);

    asset = wanted(profile, ASSET_HOST, "web1.hospital.example");
    g_assert_cmpint(asset->criticality, ==, CRITICALITY_HIGH);
    g_assert_true(asset_has_role(asset, "web"));
    g_assert_cmpstr(asset->listeners[3], ==, "udp/443");
    g_assert_null(asset->listeners[4]);
    g_assert_cmpstr(asset->root_ca[0], ==, "hospital-ca.crt");
    asset = wanted(profile, ASSET_HOST, "desk7");
    g_assert_cmpint(asset->criticality, ==, CRITICALITY_NORMAL);
    g_assert_null(asset->listeners);
    asset = wanted(profile, ASSET_DOMAIN, "hospital.example");
    g_assert_true(asset->mail && asset->web);
    g_assert_cmpstr(asset->certificates[0], ==, "/etc/ssl/hospital.pem");
    g_assert_cmpstr(asset->issuers[0], ==, "Let's Encrypt");
    g_assert_cmpstr(asset->caa[0], ==, "letsencrypt.org");
    g_assert_true(g_str_has_prefix(asset->keys[0], "sha256:0123"));
    g_assert_null(asset->keys[1]);
    asset = wanted(profile, ASSET_PREFIX, "192.0.2.0/24");
    g_assert_cmpuint(asset->origins->len, ==, 2);
    g_assert_cmpuint(g_array_index(asset->origins, guint32, 0), ==, 64500);
    g_assert_cmpuint(g_array_index(asset->origins, guint32, 1), ==, 64501);
    g_assert_cmpuint(g_array_index(asset->neighbours, guint32, 0), ==, 64510);
    g_assert_cmpuint(asset->max_length, ==, 25);
    g_assert_true(wanted(profile, ASSET_PREFIX, "198.51.100.0/24")->dormant);
    g_assert_cmpstr(wanted(profile, ASSET_PREFIX, "everything")->prefix, ==, "2001:db8::/32");
    asset = wanted(profile, ASSET_AS, "AS64500");
    g_assert_cmpuint(asset->as_number, ==, 64500);
    g_assert_cmpuint(g_array_index(asset->upstreams, guint32, 0), ==, 64510);
    g_assert_cmpuint(asset->peers->len, ==, 2);
    g_assert_null(asset->downstreams);
    g_assert_cmpstr(wanted(profile, ASSET_LOG, "/var/log/auth.log")->format, ==, "syslog");
    asset = wanted(profile, ASSET_BACKUP, "nightly");
    g_assert_cmpint(asset->rpo_us, ==, G_GINT64_CONSTANT(26) * 3600 * G_USEC_PER_SEC);
    g_assert_cmpint(asset->rto_us, ==, G_GINT64_CONSTANT(4) * 3600 * G_USEC_PER_SEC);
    g_assert_cmpint(asset->drill_every_us, ==, G_GINT64_CONSTANT(28) * 86400 * G_USEC_PER_SEC);
    g_assert_cmpstr(asset->paths[1], ==, "/etc");
    g_assert_cmpstr(asset->password_file, ==, "/etc/entente/restic.password");
    g_assert_true(asset->append_only && !asset->object_lock && !asset->off_host);
    wanted(profile, ASSET_DOCUMENTS, "/srv/documents");
    g_assert_cmpstr(wanted(profile, ASSET_SOFTWARE, "openssl")->purl, ==, "pkg:deb/debian/openssl");
    g_assert_cmpint(wanted(profile, ASSET_ELECTION, "Council 2027")->date_us, >, 0);
    asset = wanted(profile, ASSET_ENGAGEMENT, "Red team");
    g_assert_cmpint(asset->until_us - asset->from_us, ==, 30 * 86400 * G_GINT64_CONSTANT(1000000));
    g_assert_cmpint(profile_self(profile)->kind, ==, ASSET_SIGNATORY);
    g_assert_cmpstr(profile_self(profile)->name, ==, "Hôpital d'Exemple");
}

/* profile_watch.h: what is watched and is no asset. */
static void test_what_is_watched(void)
{
    static const char *const wrong[] = {
        "time: {sources: [time.example.org]}",
        "time: {servers: [\"http://ntp.example\"]}",
        "time: {source: []}",
        "transparency: {logs: [{log: x}]}",
        "assets: {domains: [{name: a.example, keys: [\"sha256:00\"]}]}",
    };
    g_autoptr(profile_t) profile = load("full.yaml", NULL), small = load("small.yaml", NULL);
    const struct certificate_log *log;

    g_assert_cmpstr(profile->time_sources[0], ==, "nts://time.example.org");
    g_assert_cmpstr(profile->time_sources[1], ==, "ntp://192.0.2.1:123");
    g_assert_null(profile->time_sources[2]);
    g_assert_cmpstr(profile->time_servers[0], ==, "ntp://ntp.hospital.example");
    g_assert_cmpuint(profile->certificate_logs->len, ==, 1);
    log = profile->certificate_logs->pdata[0];
    g_assert_cmpstr(log->place, ==, "https://ct.example/2026h2");
    g_assert_cmpstr(log->key, ==, "/etc/entente/ct.pem");
    g_assert_null(small->time_sources);
    g_assert_cmpuint(small->certificate_logs->len, ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *text = g_strconcat("signatory: {name: A, group: state}\n", wrong[i], NULL);
        g_autoptr(GError) error = NULL;

        g_assert_null(profile_parse(text, strlen(text), "test", &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_true(g_str_has_prefix(error->message, "test:2:"));
    }
}

static void test_without_hosts_this_one_is_assessed(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(profile_t) small = load("small.yaml", &error);
    g_autoptr(profile_t) none = profile_default();

    g_assert_no_error(error);
    g_assert_cmpuint(small->assets->len, ==, 2);
    g_assert_cmpuint(none->assets->len, ==, 2);
    g_assert_true(profile_this_host(small) == small->assets->pdata[0]);
    g_assert_cmpuint(small->assets->len, ==, 2);
}

/* A listed machine that is another one is no reason to judge this one under its name. */
static void test_this_host_is_not_mistaken_for_another(void)
{
    static const char text[] = "signatory: {name: A, group: state}\n"
                               "assets: {hosts: [{name: other.invalid}]}\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(profile_t) profile = profile_parse(text, strlen(text), "p", &error);

    g_assert_no_error(error);
    g_assert_cmpuint(profile->assets->len, ==, 2);
    g_assert_cmpstr(profile_this_host(profile)->name, !=, "other.invalid");
    g_assert_cmpuint(profile->assets->len, ==, 3);
}

#define SIGNATORY "signatory: {name: A, group: state}\n"

static void test_mistakes_are_named_with_their_place(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        { "", "p:1:1: the file is empty" },
        { "signatory:\n  nam: A\n  group: state\n",
          "p:2:3: unknown key \"nam\"; did you mean \"name\"?" },
        { SIGNATORY "assets:\n  hosts:\n    - name: a\n      colour: red\n",
          "p:5:7: unknown key \"colour\" (known here: name, criticality" },
        { "signatory:\n  name: A\n  group: stat\n",
          "p:3:10: unknown word \"stat\"; did you mean \"state\"?" },
        { "signatory: {name: A}\n", "p:1:12: \"group\" is missing here" },
        { "assets: {}\n", "p:1:1: \"signatory\" is missing here" },
        { "signatory: [A]\n", "p:1:12: members (key: value) is wanted here, not a list" },
        { SIGNATORY "assets:\n  hosts: web1\n",
          "p:3:10: a list (- item) is wanted here, not a text" },
        { SIGNATORY "assets:\n  hosts:\n", "p:3:9: a list (- item) is wanted here, not nothing" },
        { "signatory: {name: A, name: B, group: state}\n", "p:1:22: \"name\" stands here twice" },
        { "signatory: {name: \"\", group: state}\n", "p:1:19: a text is wanted here" },
        { "signatory: &a {name: A, group: state}\nassets: *a\n",
          "p:2:9: aliases (*) are not used" },
        { "signatory: {name: !!str A, group: state}\n", "p:1:19: tags (!) are not used" },
        { SIGNATORY "---\n" SIGNATORY, "p:2:1: a second document" },
        { "signatory: {name: A, group: state\n", "p:2:1: " },
        { "signatory:\n\tname: A\n", "p:2:1: " },
        { SIGNATORY "assets: {domains: [{name: example.org, mail: maybe}]}\n",
          "p:2:46: \"maybe\" is neither true nor false" },
        { SIGNATORY "assets: {domains: [{name: hôpital.example}]}\n",
          "p:2:27: \"hôpital.example\" is not in A-label form" },
        { SIGNATORY "assets: {domains: [{name: example}]}\n",
          "p:2:27: \"example\" is not a domain" },
        { SIGNATORY "assets: {domains: [{name: -a.example}]}\n", "p:2:27: " },
        { SIGNATORY "assets: {prefixes: [{prefix: 10.0.0.0/33}]}\n",
          "p:2:30: \"10.0.0.0/33\" is not a prefix (length is 0..32)" },
        { SIGNATORY "assets: {prefixes: [{prefix: 192.0.2.1/24}]}\n",
          "p:2:30: \"192.0.2.1/24\" has bits set beyond its length" },
        { SIGNATORY "assets: {prefixes: [{prefix: 192.0.2.0/24, origins: [AS0]}]}\n",
          "p:2:54: AS0 is reserved" },
        { SIGNATORY "assets: {prefixes: [{prefix: 192.0.2.0/24, max_length: 20}]}\n",
          "p:2:56: \"20\" is no length within 192.0.2.0/24 (24 to 32)" },
        { SIGNATORY "assets: {prefixes: [{prefix: 192.0.2.0/24, max_length: 33}]}\n", "p:2:56: " },
        { SIGNATORY "assets: {as: [{number: 4294967296}]}\n", "p:2:24: " },
        { SIGNATORY "assets: {as: [{number: 64500, peers: [AS23456]}]}\n", "p:2:39: " },
        { SIGNATORY "assets:\n  hosts:\n  - name: a\n    listeners: [tcp/22, tcp/65536]\n",
          "p:5:25: \"tcp/65536\" is not a listener" },
        { SIGNATORY "assets:\n  hosts:\n  - name: a\n    roles: [sever]\n",
          "p:5:13: \"sever\" is not a role" },
        { SIGNATORY "assets:\n  hosts:\n  - name: a\n  - name: a\n",
          "p:5:11: there is already a host called \"a\"" },
        { SIGNATORY "assets: {as: [{number: AS64500}, {number: 64500}]}\n",
          "p:2:34: there is already a as called \"AS64500\"" },
        { SIGNATORY "assets: {backups: [{name: a, tool: borg, repository: r, rpo: 1y}]}\n",
          "p:2:62: \"1y\" is not a duration" },
        { SIGNATORY "assets: {backups: [{name: a, tool: tar, repository: r}]}\n",
          "p:2:36: \"tar\" is not a backup tool" },
        { SIGNATORY "assets: {backups: [{name: a, tool: borg, repository: r, paths: [etc]}]}\n",
          "p:2:65: \"etc\" is not an absolute path" },
        { SIGNATORY "assets: {backups: [{name: a, tool: borg, repository: r, password_file: /a, "
                    "password_command: b}]}\n",
          "p:2:94: the password comes from a file or from a command, not both" },
        { SIGNATORY "assets: {elections: [{name: a, date: 2027-02-30}]}\n", "p:2:38: " },
        { SIGNATORY "assets: {software: [{name: a, purl: openssl}]}\n", "p:2:37: " },
        { SIGNATORY "assets: {engagements: [{name: a, client: b, from: 2026-02-01, "
                    "until: 2026-01-01}]}\n",
          "p:2:70: the end is before the beginning" },
        { "signatory: {name: A, group: state, country: UK}\n", "p:1:45: \"UK\" is not a country" },
        { "signatory: {name: A, group: state, contacts: [{role: a, address: someone}]}\n",
          "p:1:66: \"someone\" is not a URI" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(profile_t) profile =
            profile_parse(rows[i].text, strlen(rows[i].text), "p", &error);

        g_test_message("%s", rows[i].text);
        g_assert_null(profile);
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        if (!g_str_has_prefix(error->message, rows[i].message))
            g_error("wanted \"%s\", got \"%s\"", rows[i].message, error->message);
    }
}

/* An expansion bomb and endless depth are refused before they cost anything. */
static void test_bombs_are_refused(void)
{
    g_autoptr(GString) deep = g_string_new("signatory: ");
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 100000; i++)
        g_string_append_c(deep, '[');
    g_assert_null(profile_parse(deep->str, deep->len, "p", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/profile/every-kind-has-its-place", test_every_kind_has_its_place);
    g_test_add_func("/profile/watched", test_what_is_watched);
    g_test_add_func("/profile/without-hosts", test_without_hosts_this_one_is_assessed);
    g_test_add_func("/profile/this-host", test_this_host_is_not_mistaken_for_another);
    g_test_add_func("/profile/mistakes", test_mistakes_are_named_with_their_place);
    g_test_add_func("/profile/bombs", test_bombs_are_refused);
    return g_test_run();
}
