#include "p7_hygiene/host/certificates.h"
#include "p7_hygiene/host/x509.h"

#include "tree.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* A self-signed certificate of `key`, which is freed, and the key in PEM; owned by the caller. */
static char *make_with(EVP_PKEY *key, const EVP_MD *digest, int days, char **key_text)
{
    X509 *certificate = X509_new();
    BIO *bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
    char *data, *text;
    long length;

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400L);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * days + 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const guchar *)"www.example.org", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    g_assert_cmpint(X509_sign(certificate, key, digest), >, 0);
    PEM_write_bio_X509(bio, certificate);
    PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
    length = BIO_get_mem_data(bio, &data);
    text = g_strndup(data, length);
    length = BIO_get_mem_data(key_bio, &data);
    *key_text = g_strndup(data, length);
    BIO_free(bio);
    BIO_free(key_bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return text;
}

static char *make(int bits, const char *digest, int days, char **key_text)
{
    return make_with(EVP_RSA_gen(bits), EVP_get_digestbyname(digest), days, key_text);
}

static void expect(int bits, const char *digest, int days, enum outcome wanted)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *key = NULL, *certificate = make(bits, digest, days, &key);

    tree_file(
        tree, "/etc/nginx/sites-enabled/www",
        "server { ssl_certificate /etc/ssl/www.crt; ssl_certificate_key /etc/ssl/www.key; }\n");
    tree_file(tree, "/etc/ssl/www.crt", certificate);
    tree_file(tree, "/etc/ssl/www.key", key);
    tree_expect(tree, "host.crypto.certificates", wanted);
}

static void test_expiry_and_strength(void)
{
    expect(2048, "SHA256", 90, OUTCOME_PASS);
    expect(2048, "SHA256", 20, OUTCOME_WARN);
    expect(2048, "SHA256", 3, OUTCOME_FAIL);
    expect(2048, "SHA256", -1, OUTCOME_FAIL);
    expect(1024, "SHA256", 90, OUTCOME_FAIL);
    expect(2048, "SHA1", 90, OUTCOME_FAIL);
}

static void test_key_must_match(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *key = NULL, *other = NULL;
    g_autofree char *certificate = make(2048, "SHA256", 90, &key);
    g_autofree char *unused = make(2048, "SHA256", 90, &other);

    tree_file(tree, "/etc/apache2/sites-available/off", "SSLCertificateFile /etc/ssl/none.crt\n");
    tree_expect(tree, "host.crypto.certificates", OUTCOME_NOT_APPLICABLE);
    tree_file(tree, "/etc/apache2/sites-enabled/on",
              "SSLCertificateFile \"/etc/ssl/a.crt\"\nSSLCertificateKeyFile /etc/ssl/a.key\n");
    tree_expect(tree, "host.crypto.certificates", OUTCOME_FAIL); /* no such file */
    tree_file(tree, "/etc/ssl/a.crt", certificate);
    tree_file(tree, "/etc/ssl/a.key", other);
    tree_expect(tree, "host.crypto.certificates", OUTCOME_FAIL);
    tree_file(tree, "/etc/ssl/a.key", key);
    tree_expect(tree, "host.crypto.certificates", OUTCOME_PASS);
    tree_file(tree, "/etc/ssl/a.crt", "no certificate");
    tree_expect(tree, "host.crypto.certificates", OUTCOME_FAIL);
}

/* Every kind of key by its own encoding, and one of another kind. */
static void test_kinds_of_keys(void)
{
    const struct {
        EVP_PKEY *key;
        const EVP_MD *digest;
        const char *name;
        enum x509_key_kind kind;
    } rows[] = {
        { EVP_RSA_gen(2048), EVP_sha512(), "SHA512", X509_KEY_RSA },
        { EVP_EC_gen("P-256"), EVP_sha256(), "SHA256", X509_KEY_EC },
        { EVP_EC_gen("P-384"), EVP_sha1(), "SHA1", X509_KEY_EC },
        { EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, NULL, X509_KEY_ED25519 },
    };
    char *certificates[G_N_ELEMENTS(rows)], *keys[G_N_ELEMENTS(rows)];

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        certificates[i] = make_with(rows[i].key, rows[i].digest, 1, &keys[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat("Subject: a\n", keys[i], certificates[i], NULL);
        g_auto(x509_t) read = { 0 };

        g_assert_true(x509_read(&read, text, strlen(text)));
        g_assert_cmpint(read.key.kind, ==, rows[i].kind);
        g_assert_cmpstr(read.digest, ==, rows[i].name);
        g_assert_cmpint(read.is_weak, ==, g_strcmp0(rows[i].name, "SHA1") == 0);
        for (gsize j = 0; j < G_N_ELEMENTS(rows); j++)
            g_assert_cmpint(x509_match_key(&read, keys[j], strlen(keys[j])), ==,
                            i == j ? X509_MATCHES : X509_DIFFERS);
        g_assert_cmpint(x509_match_key(&read, certificates[i], strlen(certificates[i])), ==,
                        X509_UNKNOWN);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_free(certificates[i]);
        g_free(keys[i]);
    }
}

/* Cut anywhere, or with any byte changed, it is refused or read as something; never past its end.
 */
static void test_damaged_certificates(void)
{
    g_autofree char *key = NULL, *whole = make(2048, "SHA256", 90, &key);
    gsize length = strlen(whole);

    for (gsize i = 0; i < length; i++) {
        g_autofree char *cut = g_memdup2(whole, MAX(i, 1)), *changed = g_memdup2(whole, length);
        g_auto(x509_t) first = { 0 }, second = { 0 };

        g_assert_false(x509_read(&first, cut, i) && i < length - strlen("CERTIFICATE-----\n"));
        changed[i] ^= 1;
        x509_read(&second, changed, length);
    }
}

static void test_configurations(void)
{
    static const char text[] =
        "smtpd_tls_cert_file=/a.pem\nsmtpd_tls_key_file = /a.key\n"
        "# ssl_certificate /no.pem;\nssl_cert = </b.pem\nssl_key = < /b.key\n"
        "bind :443 ssl crt /c.pem alpn h2\nssl_certificate $dynamic;\n";
    g_autoptr(GPtrArray) uses = certificates_new();
    const struct certificate_use *use;

    certificates_read(uses, "/conf", text, strlen(text));
    g_assert_cmpuint(uses->len, ==, 3);
    use = uses->pdata[0];
    g_assert_cmpstr(use->certificate, ==, "/a.pem");
    g_assert_cmpstr(use->key, ==, "/a.key");
    use = uses->pdata[1];
    g_assert_cmpstr(use->certificate, ==, "/b.pem");
    g_assert_cmpstr(use->key, ==, "/b.key");
    use = uses->pdata[2];
    g_assert_cmpstr(use->certificate, ==, "/c.pem");
    g_assert_null(use->key);
    g_assert_cmpuint(use->line, ==, 6);
}

static void test_private_keys(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "host.crypto.private-keys", OUTCOME_NOT_APPLICABLE);
    tree_file(tree, "/etc/ssl/private/a.key", "-----BEGIN PRIVATE KEY-----\nx\n");
    tree_mode(tree, "/etc/ssl/private/a.key", 0640);
    tree_expect(tree, "host.crypto.private-keys",
                geteuid() < 1000 ? OUTCOME_PASS : OUTCOME_FAIL); /* a person's file */
    tree_mode(tree, "/etc/ssl/private/a.key", 0644);
    tree_expect(tree, "host.crypto.private-keys", OUTCOME_FAIL);
}

static void test_openssl_policy(void)
{
    static const char start[] = "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\n"
                                "system_default = sys\n[sys]\n";
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *good =
        g_strconcat(start, "MinProtocol = TLSv1.2\nCipherString = DEFAULT@SECLEVEL=2\n", NULL);
    g_autofree char *old =
        g_strconcat(start, "MinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=2\n", NULL);
    g_autofree char *weak =
        g_strconcat(start, "MinProtocol = TLSv1.2\nCipherString = ALL@SECLEVEL=0\n", NULL);
    g_autofree char *unused = g_strconcat("[sys]\nMinProtocol = TLSv1.2\n", NULL);

    tree_file(tree, "/etc/ssl/openssl.cnf", good);
    tree_expect(tree, "host.crypto.openssl-policy", OUTCOME_PASS);
    tree_file(tree, "/etc/ssl/openssl.cnf", old);
    tree_expect(tree, "host.crypto.openssl-policy", OUTCOME_FAIL);
    tree_file(tree, "/etc/ssl/openssl.cnf", weak);
    tree_expect(tree, "host.crypto.openssl-policy", OUTCOME_FAIL);
    tree_file(tree, "/etc/ssl/openssl.cnf", unused); /* the section is not linked to */
    tree_expect(tree, "host.crypto.openssl-policy", OUTCOME_WARN);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/x509/expiry-and-strength", test_expiry_and_strength);
    g_test_add_func("/host/x509/key-must-match", test_key_must_match);
    g_test_add_func("/host/x509/kinds-of-keys", test_kinds_of_keys);
    g_test_add_func("/host/x509/damaged-certificates", test_damaged_certificates);
    g_test_add_func("/host/x509/configurations", test_configurations);
    g_test_add_func("/host/x509/private-keys", test_private_keys);
    g_test_add_func("/host/x509/openssl-policy", test_openssl_policy);
    return g_test_run();
}
