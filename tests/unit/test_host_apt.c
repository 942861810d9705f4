/* Modules apt_conf, apt_lists, apt_sources, openpgp, lz4 and update_sources: where updates come
 * from. */
#include "base/error.h"
#include "p7_hygiene/host/apt_conf.h"
#include "p7_hygiene/host/apt_lists.h"
#include "p7_hygiene/host/apt_sources.h"
#include "p7_hygiene/host/lz4.h"
#include "p7_hygiene/host/openpgp.h"

#include "tree.h"

static const char *value(const struct apt_conf *conf, const char *name)
{
    const struct apt_item *item = apt_conf_find(conf, name);

    return item ? item->value : NULL;
}

static void test_conf_syntax(void)
{
    static const char text[] = "// comment\n"
                               "APT::Periodic::Enable \"1\"; # comment\n"
                               "APT { Periodic { Update-Package-Lists \"1\"; /* not\n"
                               "  Enable \"0\"; */ Unattended-Upgrade 7; } }\n"
                               "U::Origins { \"a;b\"; \"c // d\"; };\n"
                               "U::Origins:: \"e\";\n"
                               "Acquire::http::Proxy \"http://host/\";\n";
    static const char later[] =
        "apt::periodic::enable \"0\";\n#clear U::Origins;\nU::Origins {\"z\";}";
    struct apt_conf *conf = apt_conf_new();
    guint origins = 0;

    apt_conf_add(conf, "/a", text, strlen(text));
    g_assert_cmpstr(value(conf, "APT::Periodic::Enable"), ==, "1");
    g_assert_cmpstr(value(conf, "APT::Periodic::Update-Package-Lists"), ==, "1");
    g_assert_cmpstr(value(conf, "APT::Periodic::Unattended-Upgrade"), ==, "7");
    g_assert_cmpstr(value(conf, "Acquire::http::Proxy"), ==, "http://host/");
    g_assert_cmpuint(apt_conf_find(conf, "APT::Periodic::Enable")->line, ==, 2);
    g_assert_cmpuint(apt_conf_find(conf, "APT::Periodic::Unattended-Upgrade")->line, ==, 4);
    for (guint i = 0; i < conf->items->len; i++)
        origins += g_str_equal(((struct apt_item *)conf->items->pdata[i])->name, "U::Origins::");
    g_assert_cmpuint(origins, ==, 3);
    apt_conf_add(conf, "/b", later, strlen(later));
    g_assert_cmpstr(value(conf, "APT::Periodic::Enable"), ==, "0");
    g_assert_cmpstr(value(conf, "U::Origins::"), ==, "z");
    g_assert_cmpstr(value(conf, "Acquire::http::Proxy"), ==, "http://host/");
    apt_conf_free(conf);
}

static void test_sources_of_both_forms(void)
{
    static const char list[] =
        "# deb http://no.example/ x main\n"
        "deb [ arch=amd64 trusted=yes signed-by=/k/a.gpg,/k/b.asc ] http://a.example/ ./ # c\n"
        "deb-src https://b.example/debian bookworm main contrib\nnonsense\n";
    static const char deb822[] = "Types: deb deb-src\nURIs: http://c.example/\n"
                                 "Suites: bookworm\n bookworm-updates\nComponents: main\n"
                                 "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n\n"
                                 "Types: deb\nURIs: x\nSuites: y\nEnabled: no\nTrusted: yes\n";
    struct apt_sources *sources = apt_sources_new();
    const struct apt_source *source;

    apt_sources_add_list(sources, "/l", list, strlen(list));
    g_assert_cmpuint(sources->sources->len, ==, 2);
    g_assert_cmpuint(sources->problems->len, ==, 1);
    source = sources->sources->pdata[0];
    g_assert_cmpstr(source->trusted, ==, "yes");
    g_assert_cmpstr(source->signed_by_paths[1], ==, "/k/b.asc");
    g_assert_cmpstr(source->suites[0], ==, "./");
    g_assert_cmpuint(source->line, ==, 2);
    apt_sources_add_deb822(sources, "/s", deb822, strlen(deb822));
    g_assert_cmpuint(sources->sources->len, ==, 4);
    source = sources->sources->pdata[2];
    g_assert_cmpstr(source->suites[1], ==, "bookworm-updates");
    g_assert_cmpstr(source->signed_by, ==, "embedded");
    source = sources->sources->pdata[3];
    g_assert_false(source->enabled);
    g_assert_cmpuint(source->line, ==, 11);
    apt_sources_free(sources);
}

static void test_distribution_or_foreign(void)
{
    g_assert_true(apt_uri_is_distribution("http://mirror.debian.org/debian"));
    g_assert_true(apt_uri_is_distribution("https://mirror.example/debian/"));
    g_assert_true(apt_uri_is_distribution("http://mirror.example/pub/ubuntu"));
    g_assert_false(apt_uri_is_distribution("https://download.example/linux/debian"));
    g_assert_false(apt_uri_is_distribution("https://debian.org.example/x"));
}

static void test_updates(void)
{
    static const char status[] = "Package: a\nStatus: install ok installed\nVersion: 1.0-1\n"
                                 "Architecture: amd64\n\n"
                                 "Package: b\nStatus: install ok installed\nVersion: 2:1\n"
                                 "Architecture: amd64\n\n"
                                 "Package: c\nStatus: deinstall ok config-files\nVersion: 1\n";
    static const char list[] = "Package: a\nVersion: 1.0-1+deb12u1\nArchitecture: amd64\n\n"
                               "Package: a\nVersion: 1.0-1+deb12u2\nArchitecture: amd64\n\n"
                               "Package: a\nVersion: 9\nArchitecture: arm64\n\n"
                               "Package: b\nVersion: 9\nArchitecture: amd64\n\n"
                               "Package: c\nVersion: 9\nArchitecture: amd64\n";
    struct dpkg *dpkg = dpkg_parse(status, strlen(status));
    struct apt_updates *updates = apt_updates_new();

    apt_updates_add(updates, dpkg, list, strlen(list));
    g_assert_cmpuint(updates->pending->len, ==, 1);
    g_assert_cmpstr(g_array_index(updates->pending, struct apt_update, 0).version, ==,
                    "1.0-1+deb12u2");
    apt_updates_free(updates);
    dpkg_free(dpkg);
}

static void test_security_updates_measure(void)
{
    static const char list[] = "/var/lib/apt/lists/mirror.debian.org_debian-security_dists_"
                               "bookworm-security_main_binary-amd64_Packages";
    static const char packed[] = "/var/lib/apt/lists/mirror.debian.org_debian-security_dists_"
                                 "bookworm-security_contrib_binary-amd64_Packages.xz";
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/var/lib/dpkg/status",
              "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n");
    tree_expect(tree, "host.update.security-updates", OUTCOME_NOT_MEASURED);
    tree_file(tree, list, "Package: a\nVersion: 1\nArchitecture: all\n");
    tree_expect(tree, "host.update.security-updates", OUTCOME_PASS);
    tree_file(tree, packed, "not read");
    tree_expect(tree, "host.update.security-updates", OUTCOME_NOT_MEASURED);
    tree_file(tree, list, "Package: a\nVersion: 2\nArchitecture: all\n");
    tree_expect(tree, "host.update.security-updates", OUTCOME_FAIL);
}

/* "a", then a match of 9 at distance 1 that overlaps itself, then "bcdef". */
static const guint8 frame[] = { 0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 0x0a, 0, 0, 0, 0x15, 'a',
                                0x01, 0x00, 0x50, 'b',  'c',  'd',  'e',  'f',  0, 0, 0, 0 };

static void add_piece(const guint8 *bytes, gsize length, gpointer data)
{
    g_byte_array_append(data, bytes, length);
}

static GByteArray *unpack(const void *packed, gsize length, gsize limit, GError **error)
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    return lz4_each_piece(packed, length, limit, add_piece, out, error) ? g_steal_pointer(&out)
                                                                        : NULL;
}

static void test_lz4(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) out = unpack(frame, sizeof frame, 100, &error);
    guint8 broken[sizeof frame];

    g_assert_no_error(error);
    g_assert_cmpuint(out->len, ==, 15);
    g_assert_true(memcmp(out->data, "aaaaaaaaaabcdef", 15) == 0);
    g_assert_null(unpack(frame, sizeof frame, 14, NULL));
    memcpy(broken, frame, sizeof frame);
    broken[13] = 2; /* a match from before the start */
    g_assert_null(unpack(broken, sizeof broken, 100, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    for (gsize cut = 5; cut < sizeof frame; cut++)
        g_assert_null(unpack(frame, cut, 100, NULL));
}

#define BLOCK (1u << 16)

/*
 * A frame of `count` linked blocks of 64 KiB, each but the first made of one match at `distance`
 * that reaches into the blocks before; the first is kept as it is.
 */
static GByteArray *linked_frame(const guint8 *first, guint count, guint16 distance)
{
    static const guint8 head[] = { 0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0 };
    static const guint8 raw[] = { 0, 0, 1, 0x80 }, end[4] = { 0 };
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(bytes, head, sizeof head);
    g_byte_array_append(bytes, raw, sizeof raw);
    g_byte_array_append(bytes, first, BLOCK);
    for (guint i = 1; i < count; i++) {
        /* A match of 15 + 4 bytes, lengthened by 255 each, and the rest; then no literals. */
        const guint more = (BLOCK - 19) / 255, rest = (BLOCK - 19) % 255;
        const guint8 token[] = { 0x0f, distance & 0xff, distance >> 8 }, tail[] = { rest, 0x00 };
        const guint32 length = GUINT32_TO_LE(sizeof token + more + sizeof tail);

        g_byte_array_append(bytes, (const guint8 *)&length, sizeof length);
        g_byte_array_append(bytes, token, sizeof token);
        for (guint j = 0; j < more; j++)
            g_byte_array_append(bytes, &(guint8){ 255 }, 1);
        g_byte_array_append(bytes, tail, sizeof tail);
    }
    g_byte_array_append(bytes, end, sizeof end);
    return bytes;
}

/* Matches reach over several blocks, at every distance at which copies differ. */
static void test_lz4_linked_blocks(void)
{
    static const guint16 distances[] = { 1, 2, 7, 8, 9, 15, 16, 17, 31, 255, 4096, 65535 };
    g_autofree guint8 *first = g_malloc(BLOCK);
    const guint count = 7;

    for (guint i = 0; i < BLOCK; i++)
        first[i] = i * 2654435761u >> 24;
    for (gsize d = 0; d < G_N_ELEMENTS(distances); d++) {
        g_autoptr(GByteArray) packed = linked_frame(first, count, distances[d]);
        g_autoptr(GByteArray) out = unpack(packed->data, packed->len, count * BLOCK, NULL);

        g_assert_nonnull(out);
        g_assert_cmpuint(out->len, ==, count * BLOCK);
        g_assert_true(memcmp(out->data, first, BLOCK) == 0);
        for (guint i = BLOCK; i < out->len; i++)
            if (out->data[i] != out->data[i - distances[d]])
                g_error("byte %u at distance %u", i, distances[d]);
        g_assert_null(unpack(packed->data, packed->len, count * BLOCK - 1, NULL));
    }
}

/* A frame of two blocks that are kept as they are: `text` up to `cut`, and the rest. */
static GByteArray *raw_frame(const char *text, gsize cut)
{
    static const guint8 head[] = { 0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0 }, end[4] = { 0 };
    const gsize lengths[] = { cut, strlen(text) - cut };
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(bytes, head, sizeof head);
    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
        const guint32 length = GUINT32_TO_LE(lengths[i] | 0x80000000u);

        g_byte_array_append(bytes, (const guint8 *)&length, sizeof length);
        g_byte_array_append(bytes, (const guint8 *)text + (i ? cut : 0), lengths[i]);
    }
    g_byte_array_append(bytes, end, sizeof end);
    return bytes;
}

/* Wherever a block ends, a list says the same; one that breaks off says nothing. */
static void test_packed_list(void)
{
    static const char name[] = "/var/lib/apt/lists/mirror_dists_bookworm-security_main_"
                               "binary-amd64_Packages.lz4";
    static const char text[] = "Package: b\nVersion: 3\n\nPackage: a\nVersion: 2\n"
                               "Architecture: all\n\nPackage: c\nVersion: 4\n";
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *path = NULL;

    tree_file(tree, "/var/lib/dpkg/status",
              "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n");
    tree_file(tree, name, "");
    path = tree_path(tree, name);
    for (gsize cut = 1; cut < strlen(text); cut++) {
        g_autoptr(GByteArray) packed = raw_frame(text, cut);

        g_assert_true(g_file_set_contents(path, (const char *)packed->data, packed->len, NULL));
        tree_expect(tree, "host.update.security-updates", OUTCOME_FAIL);
        g_assert_true(g_file_set_contents(path, (const char *)packed->data, packed->len - 1, NULL));
        tree_expect(tree, "host.update.security-updates", OUTCOME_NOT_MEASURED);
    }
}

/* A version 4 RSA key of 1024 bits (its numbers left out), and a self-signature: expires in 1 day.
 */
static const guint8 ring[] = {
    0x99, 0, 10, 4,  0x60, 0, 0,    0, 1, 0x04, 0x00, 0, 0, 0x89, 0,    20,   4, 0x13,
    1,    8, 0,  12, 5,    2, 0x60, 0, 0, 1,    5,    9, 0, 1,    0x51, 0x80, 0, 0,
};

static void test_openpgp(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) keys = openpgp_read(ring, sizeof ring, &error);
    const struct openpgp_key *key;

    g_assert_no_error(error);
    g_assert_cmpuint(keys->len, ==, 1);
    key = &g_array_index(keys, struct openpgp_key, 0);
    g_assert_cmpstr(key->algorithm, ==, "RSA");
    g_assert_cmpuint(key->bits, ==, 1024);
    g_assert_cmpint(key->expires_s, ==, 0x60000000 + 86400);
    g_assert_null(openpgp_read("hello", 5, NULL));
    for (gsize cut = 1; cut < sizeof ring; cut++) {
        GArray *part = openpgp_read(ring, cut, NULL);

        if (part)
            g_array_unref(part);
    }
}

static void test_debian_archive_keys(void)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "..", "usr", "share", "keyrings",
                                             "debian-archive-bookworm-stable.gpg", NULL);
    g_autofree char *data = NULL;
    g_autoptr(GArray) keys = NULL;
    gsize length;

    if (!g_file_get_contents(path, &data, &length, NULL)) {
        g_test_skip("debian-archive-keyring is not installed");
        return;
    }
    keys = openpgp_read(data, length, NULL);
    g_assert_cmpstr(g_array_index(keys, struct openpgp_key, 0).fingerprint, ==,
                    "4D64FEC119C2029067D6E791F8D2585B8783D481");
    g_assert_cmpstr(g_array_index(keys, struct openpgp_key, 0).algorithm, ==, "EdDSA");
}

static void test_sources_measure(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/etc/apt/sources.list", "deb http://mirror.debian.org/debian bookworm main\n");
    tree_expect(tree, "host.update.sources-signed", OUTCOME_FAIL);
    tree_file(tree, "/etc/apt/sources.list.d/s.sources",
              "Types: deb\nURIs: http://mirror.debian.org/debian-security\n"
              "Suites: bookworm-security\nComponents: main\n");
    tree_expect(tree, "host.update.sources-signed", OUTCOME_PASS);
    tree_file(tree, "/etc/apt/apt.conf.d/99x", "APT::Get { AllowUnauthenticated \"true\"; };");
    tree_expect(tree, "host.update.sources-signed", OUTCOME_FAIL);
    tree_file(tree, "/etc/apt/apt.conf.d/99y", "#clear APT::Get;");
    tree_expect(tree, "host.update.sources-signed", OUTCOME_PASS);
}

static void test_pins_measure(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "host.update.pins", OUTCOME_NOT_APPLICABLE);
    tree_file(tree, "/etc/apt/preferences.d/x",
              "Package: *\nPin: origin repo.example.net\nPin-Priority: 1000\n");
    tree_expect(tree, "host.update.pins", OUTCOME_PASS);
    tree_file(tree, "/etc/apt/preferences.d/x",
              "Package: *\nPin: origin repo.example.net\nPin-Priority: 1001\n");
    tree_expect(tree, "host.update.pins", OUTCOME_FAIL);
}

static void test_release_measure(void)
{
    const gint64 day_us = G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC;
    const struct {
        gint64 days; /* since 1970 */
        enum outcome outcome;
    } cases[] = {
        { 19700, OUTCOME_PASS }, /* 2023-12-09 */
        { 20700, OUTCOME_WARN }, /* 2026-09-04: LTS */
        { 21500, OUTCOME_FAIL }, /* 2028-11-12 */
    };
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/usr/lib/os-release", "ID=debian\nVERSION_CODENAME=\"bookworm\"\n");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(finding_t) finding =
            tree_judge_at(tree, "host.update.supported-release", cases[i].days * day_us);

        g_assert_cmpint(finding->outcome, ==, cases[i].outcome);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/apt/conf-syntax", test_conf_syntax);
    g_test_add_func("/host/apt/sources-of-both-forms", test_sources_of_both_forms);
    g_test_add_func("/host/apt/distribution-or-foreign", test_distribution_or_foreign);
    g_test_add_func("/host/apt/updates", test_updates);
    g_test_add_func("/host/apt/security-updates-measure", test_security_updates_measure);
    g_test_add_func("/host/apt/lz4", test_lz4);
    g_test_add_func("/host/apt/lz4-linked-blocks", test_lz4_linked_blocks);
    g_test_add_func("/host/apt/packed-list", test_packed_list);
    g_test_add_func("/host/apt/openpgp", test_openpgp);
    g_test_add_func("/host/apt/debian-archive-keys", test_debian_archive_keys);
    g_test_add_func("/host/apt/sources-measure", test_sources_measure);
    g_test_add_func("/host/apt/pins-measure", test_pins_measure);
    g_test_add_func("/host/apt/release-measure", test_release_measure);
    return g_test_run();
}
