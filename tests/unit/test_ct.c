/*
 * Certificates in logs: ct_leaf.h, ct_name.h, ct_key.h, ct_certificate.h. Reading whole logs
 * (ct_log.c), what is known (ct_known.c) and what is kept (ct_record.c) is tried with logs of an
 * independent generator in tests/e2e/test_ct.py.
 */
#include "base/error.h"
#include "p2_internet/ct/ct_certificate.h"
#include "p2_internet/ct/ct_key.h"

#include <string.h>

/* Time, type, certificate "abc", extension leaf_index 7, a chain of one fingerprint. */
static GByteArray *leaf_bytes(void)
{
    static const guint8 entry[] = { 0,   0,   1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 3, 'a',
                                    'b', 'c', 0, 8, 0, 0, 5, 0, 0, 0, 0, 7, 0, 32 };
    static const guint8 chain[32] = { 1 };
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(bytes, entry, sizeof entry);
    g_byte_array_append(bytes, chain, sizeof chain);
    return bytes;
}

static void test_a_leaf_is_read_whole_or_not(void)
{
    g_autoptr(GByteArray) bytes = leaf_bytes();
    struct ct_leaf leaf;
    gsize at = 0;

    g_assert_true(ct_leaf_next(bytes->data, bytes->len, &at, &leaf, NULL));
    g_assert_cmpuint(at, ==, bytes->len);
    g_assert_cmpuint(leaf.index, ==, 7);
    g_assert_cmpmem(leaf.der, leaf.length, "abc", 3);
    g_assert_false(leaf.precertificate);
    g_assert_cmpuint(leaf.entry_length, ==, bytes->len - 34);
    g_assert_cmpuint(leaf.chain_count, ==, 1);
    g_assert_true(leaf.chain == bytes->data + bytes->len - 32);
    for (gsize length = 0; length < bytes->len; length++) {
        g_autoptr(GError) error = NULL;

        at = 0;
        g_assert_false(ct_leaf_next(bytes->data, length, &at, &leaf, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, "byte "));
    }
}

static void test_what_is_no_leaf(void)
{
    static const struct {
        guint at;
        guint8 value;
        const char *words;
    } changes[] = {
        { 9, 2, "neither certificate nor precertificate" },
        { 12, 0, "a certificate of no bytes" },
        { 20, 4, "no leaf_index" },
        { 27, 31, "not of fingerprints" },
        { 10, 255, "the tile ends in an entry" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autoptr(GByteArray) bytes = leaf_bytes();
        g_autoptr(GError) error = NULL;
        struct ct_leaf leaf;
        gsize at = 0;

        bytes->data[changes[i].at] = changes[i].value;
        g_assert_false(ct_leaf_next(bytes->data, bytes->len, &at, &leaf, &error));
        if (!strstr(error->message, changes[i].words))
            g_error("\"%s\" does not say \"%s\"", error->message, changes[i].words);
    }
}

static void test_names(void)
{
    static const struct {
        const char *domain, *name;
        enum ct_match match;
    } cases[] = {
        { "example.org", "example.org", CT_EXACT },
        { "example.org", "EXAMPLE.org.", CT_EXACT },
        { "example.org", "a.b.example.org", CT_SUBDOMAIN },
        { "example.org", "*.example.org", CT_WILDCARD },
        { "example.org", "*.a.example.org", CT_WILDCARD },
        { "www.example.org", "*.example.org", CT_WILDCARD },
        { "a.www.example.org", "*.example.org", CT_NO },
        { "example.org", "examp1e.org", CT_LOOK_ALIKE },
        { "example.org", "*.www.exarnple.org", CT_LOOK_ALIKE },
        { "example.org", "*.www.exarriple.org", CT_NO },
        { "modern.org", "www.rnodem.org", CT_LOOK_ALIKE },
        { "example.org", "notexample.org", CT_NO },
        { "example.org", "example.org.evil.test", CT_NO },
        { "example.org", "org", CT_NO },
        { "example.org", "", CT_NO },
        { "example.org", "*.", CT_NO },
        { "example.org", "\xff\xfe.org", CT_NO },
        { "paypal.test", "xn--pypal-4ve.test", CT_LOOK_ALIKE }, /* a Cyrillic a */
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *skeleton = ct_skeleton(cases[i].domain);
        const enum ct_match match = ct_match(cases[i].domain, skeleton, cases[i].name);

        if (match != cases[i].match)
            g_error("%s of %s: %s", cases[i].name, cases[i].domain, ct_match_name(match));
    }
}

static void test_what_openssl_cannot_read(void)
{
    g_autoptr(ct_x509_t) x509 = ct_x509_new(NULL);
    g_autoptr(GPtrArray) domains = ct_domains_new();
    g_autoptr(json_t) seen = NULL;
    struct ct_entry entry = { .index = 5,
                              .leaf = { .der = (const guint8 *)"xx Example.ORG", .length = 14 } };
    gboolean readable = TRUE;

    ct_domains_add(domains, "Example.org");
    seen = ct_x509_read(x509, &entry, domains, &readable);
    g_assert_false(readable);
    g_assert_cmpstr(json_text(seen, "match"), ==, "unreadable");
    g_assert_cmpstr(json_text(seen, "domain"), ==, "example.org");
    entry.leaf.length = 8;
    g_assert_null(ct_x509_read(x509, &entry, domains, &readable));
}

static void test_keys_of_logs(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ct_key_t) key = ct_key_load("AAEC", NULL), none = NULL;

    g_assert_cmpuint(g_bytes_get_size(key->spki), ==, 3);
    none = ct_key_load("/nowhere/log.pem", &error);
    g_assert_null(none);
    g_assert_nonnull(strstr(error->message, "base64 or a PEM file"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ct/leaf", test_a_leaf_is_read_whole_or_not);
    g_test_add_func("/ct/no-leaf", test_what_is_no_leaf);
    g_test_add_func("/ct/names", test_names);
    g_test_add_func("/ct/unreadable", test_what_openssl_cannot_read);
    g_test_add_func("/ct/key", test_keys_of_logs);
    return g_test_run();
}
