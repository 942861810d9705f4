/* Modules key, key_file, key_import, key_openssh, key_pem, key_store, secret, base64. */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "statement/base64.h"
#include "statement/key_file.h"
#include "statement/key_import.h"
#include "statement/key_openssh.h"
#include "statement/key_pem.h"
#include "statement/key_store.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PETER_PRIVATE                                                                              \
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define PETER "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PETER_TEXT                                                                                 \
    "If you think cryptography is the answer to your problem,\n"                                   \
    "then you don't know what your problem is.\n"
#define PETER_LINE                                                                                 \
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
#define ENOCH "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
#define ENOCH_LINE                                                                                 \
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
#define EXAMPLE "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define EXAMPLE_TEXT "This is an example message.\n"
#define EXAMPLE_LINE                                                                               \
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="

/* golang/mod sumdb/note and C2SP signed-note: id (4 bytes) and signature verify under the vkey. */
static void test_note_vectors_verify(void)
{
    static const struct {
        const char *vkey, *text, *line;
    } cases[] = {
        { PETER, PETER_TEXT, PETER_LINE },
        { ENOCH, PETER_TEXT, ENOCH_LINE },
        { EXAMPLE, EXAMPLE_TEXT, EXAMPLE_LINE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(public_key_t) key = public_key_parse(cases[i].vkey, &error);
        guint8 blob[KEY_ID_SIZE + KEY_SIGNATURE_SIZE], id[KEY_ID_SIZE];
        g_autofree char *vkey = NULL;

        g_assert_no_error(error);
        vkey = public_key_text(key);
        g_assert_cmpstr(vkey, ==, cases[i].vkey);
        g_assert_true(base64_decode_into(cases[i].line, -1, blob, sizeof blob));
        public_key_id(key, id);
        g_assert_cmpmem(id, sizeof id, blob, KEY_ID_SIZE);
        g_assert_true(
            public_key_verify(key, cases[i].text, strlen(cases[i].text), blob + KEY_ID_SIZE));
        g_assert_false(
            public_key_verify(key, cases[i].text, strlen(cases[i].text) - 1, blob + KEY_ID_SIZE));
    }
}

static void test_go_private_key_signs_the_same_bytes(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(signing_key_t) key = signing_key_parse(PETER_PRIVATE, &error);
    guint8 blob[KEY_ID_SIZE + KEY_SIGNATURE_SIZE], signature[KEY_SIGNATURE_SIZE];
    g_autofree char *vkey = NULL;
    g_autoptr(secret_t) text = NULL;

    g_assert_no_error(error);
    vkey = public_key_text(key->public);
    g_assert_cmpstr(vkey, ==, PETER);
    text = signing_key_text(key);
    g_assert_cmpstr((char *)text->bytes, ==, PETER_PRIVATE);
    g_assert_true(base64_decode_into(PETER_LINE, -1, blob, sizeof blob));
    signing_key_sign(key, PETER_TEXT, strlen(PETER_TEXT), signature);
    g_assert_cmpmem(signature, sizeof signature, blob + KEY_ID_SIZE, KEY_SIGNATURE_SIZE);
}

static void refuse_vkey(const char *text)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(public_key_parse(text, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

/* "Any substring or any +1 byte of a vkey must be refused", and of a private key. */
static void test_altered_keys_are_refused(void)
{
    gsize length = strlen(ENOCH);

    for (gsize from = 0; from < length; from++)
        for (gsize to = from; to <= length; to++) {
            g_autofree char *part = g_strndup(ENOCH + from, to - from);

            if (to - from < length)
                refuse_vkey(part);
        }
    for (gsize i = 0; i < length; i++) {
        g_autofree char *altered = g_strdup(ENOCH);

        altered[i]++;
        refuse_vkey(altered);
    }
    for (gsize i = 0; i < strlen(PETER_PRIVATE); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *altered = g_strdup(PETER_PRIVATE);
        g_autofree char *part = g_strndup(PETER_PRIVATE, i);

        altered[i]++;
        g_assert_null(signing_key_parse(altered, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_null(signing_key_parse(part, NULL));
    }
    refuse_vkey(ENOCH "\n");
    refuse_vkey("log.alpha.example/entente+0fa4879f7+AQpr9y76cQALPsMgiSx4b15MYJSotZRGmdvUTa7chQMM");
}

static void test_key_names(void)
{
    static const char *const bad[] = { "",
                                       "a b",
                                       "a+b",
                                       "a\xc2\xa0"
                                       "b",
                                       "a\xe3\x80\x80",
                                       "a\n",
                                       "\xff",
                                       "a\xe2\x80\xa8"
                                       "b" };

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(key_name_is_valid(bad[i]));
        g_assert_null(signing_key_generate(bad[i], NULL));
    }
    g_assert_true(key_name_is_valid("example.org/w"));
    g_assert_true(key_name_is_valid("h\xc3\xb4te.example"));
}

static json_t *vectors(const char *name)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "vectors", "tlog", name, NULL);
    g_autoptr(GError) error = NULL;
    json_t *value = json_read_file(path, 1 << 22, &error);

    g_assert_no_error(error);
    return value;
}

/* C2SP/CCTV: 914 edge cases; the verdict is libsodium's in each, 43 are accepted. */
static void test_ed25519_verdicts(void)
{
    g_autoptr(json_t) cases = vectors("ed25519vectors.json");
    g_autoptr(json_t) verdicts = vectors("ed25519-verdicts.json");
    guint accepted = 0;
    json_t *row;
    size_t index;

    g_assert_cmpuint(json_array_size(cases), ==, 914);
    g_assert_cmpuint(json_array_size(verdicts), ==, 914);
    json_array_foreach(cases, index, row)
    {
        const json_t *verdict = json_array_get(verdicts, index);
        const char *message = json_text(row, "msg");
        guint8 bytes[KEY_PUBLIC_SIZE], signature[KEY_SIGNATURE_SIZE];
        g_autoptr(public_key_t) key = NULL;
        gboolean good;

        g_assert_cmpint(json_number(row, "number", -1), ==, json_number(verdict, "number", -2));
        g_assert_true(hex_decode_into(json_text(row, "key"), bytes, sizeof bytes));
        g_assert_true(hex_decode_into(json_text(row, "sig"), signature, sizeof signature));
        key = public_key_new("vector", bytes, NULL);
        good = public_key_verify(key, message, strlen(message), signature);
        g_assert_cmpint(good, ==, json_is_true(json_object_get(verdict, "libsodium_1.0.18")));
        accepted += good;
    }
    g_assert_cmpuint(accepted, ==, 43);
}

static struct secret *passphrase_file(const char *folder, const char *text, char **path)
{
    *path = g_build_filename(folder, "passphrase", NULL);
    g_assert_true(g_file_set_contents(*path, text, -1, NULL));
    return secret_copy(text, strcspn(text, "\n"));
}

static void test_key_file_without_passphrase(void)
{
    g_autofree char *folder = g_dir_make_tmp("entente-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "a.key", NULL);
    g_autoptr(signing_key_t) key = signing_key_generate("example.org", NULL);
    g_autoptr(signing_key_t) again = NULL;
    g_autoptr(public_key_t) public = NULL;
    g_autoptr(GError) error = NULL;
    struct stat status;

    g_assert_true(key_file_create(path, key, NULL, &error));
    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0600);
    g_assert_false(key_file_create(path, key, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    again = key_import_private_file(path, "unused", NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(again->secret->bytes, 64, key->secret->bytes, 64);
    public = key_import_public_argument(path, &error);
    g_assert_cmpstr(public->name, ==, "example.org");
    g_assert_cmpint(chmod(path, 0640), ==, 0);
    g_assert_null(key_import_private_file(path, "unused", NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_unlink(path);
    g_rmdir(folder);
}

/* Every altered byte of a sealed file is noticed: by the syntax or by the authentication. */
static void test_key_file_with_passphrase(void)
{
    g_autofree char *folder = g_dir_make_tmp("entente-XXXXXX", NULL);
    g_autofree char *wrong_path = g_build_filename(folder, "wrong", NULL);
    g_autofree char *path = NULL;
    g_autoptr(secret_t) passphrase = passphrase_file(folder, "correct horse\n", &path);
    g_autoptr(signing_key_t) key = signing_key_generate("example.org", NULL);
    g_autoptr(secret_t) text = key_file_format(key, passphrase);
    struct passphrase_source source = { path, FALSE };
    g_autoptr(GError) error = NULL;
    g_autoptr(signing_key_t) again = NULL;
    g_autoptr(secret_t) seed = NULL;
    char *name;

    g_assert_null(strstr((char *)text->bytes, "PRIVATE"));
    again = key_file_private((char *)text->bytes, "a.key", &source, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(again->secret->bytes, 64, key->secret->bytes, 64);

    g_assert_true(g_file_set_contents(wrong_path, "Correct horse\n", -1, NULL));
    source.file = wrong_path;
    g_assert_null(key_file_private((char *)text->bytes, "a.key", &source, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "passphrase is wrong"));
    g_clear_error(&error);

    source.file = NULL; /* nothing to ask: the message says how to give it */
    g_assert_null(key_file_private((char *)text->bytes, "a.key", &source, &error));
    g_assert_nonnull(strstr(error->message, "--passphrase-file"));
    g_clear_error(&error);

    source.file = path; /* another name would be another identity */
    name = strstr((char *)text->bytes, "example.org");
    name[0] = 'E';
    g_assert_null(key_file_private((char *)text->bytes, "a.key", &source, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_unlink(path);
    g_unlink(wrong_path);
    g_rmdir(folder);
}

static void test_key_file_asks_for_sane_memory(void)
{
    static const char costs[] = "argon2id13 3 268435456 ";
    g_autofree char *folder = g_dir_make_tmp("entente-XXXXXX", NULL);
    g_autofree char *path = NULL;
    g_autoptr(secret_t) passphrase = passphrase_file(folder, "p", &path);
    g_autoptr(signing_key_t) key = signing_key_generate("example.org", NULL);
    g_autoptr(secret_t) text = key_file_format(key, passphrase);
    struct passphrase_source source = { path, FALSE };
    g_autoptr(GError) error = NULL;
    char *at = strstr((char *)text->bytes, costs);

    g_assert_nonnull(at);
    memcpy(at, "argon2id13 3 968435456000 ", strlen(costs)); /* 968 GB, cut to the same length */
    g_assert_null(key_file_private((char *)text->bytes, "a.key", &source, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_unlink(path);
    g_rmdir(folder);
}

static void test_pem_round_trip(void)
{
    g_autofree char *folder = g_dir_make_tmp("entente-XXXXXX", NULL);
    g_autofree char *path = NULL;
    g_autoptr(secret_t) passphrase = passphrase_file(folder, "correct horse\n", &path);
    struct passphrase_source source = { path, FALSE };
    g_autoptr(signing_key_t) key = signing_key_parse(PETER_PRIVATE, NULL);
    g_autofree char *spki = key_pem_write_public(key->public);
    g_autoptr(secret_t) plain = key_pem_write_private(key, NULL);
    g_autoptr(secret_t) sealed = key_pem_write_private(key, passphrase);
    g_autoptr(GError) error = NULL;
    g_autoptr(public_key_t) public = key_pem_public(spki, strlen(spki), "PeterNeumann", &error);
    g_autoptr(signing_key_t) from_plain =
        key_pem_private((char *)plain->bytes, plain->length, "PeterNeumann", NULL, &error);
    g_autoptr(signing_key_t) from_sealed =
        key_pem_private((char *)sealed->bytes, sealed->length, "PeterNeumann", &source, &error);
    g_autofree char *vkey = NULL;

    g_assert_no_error(error);
    vkey = public_key_text(public);
    g_assert_cmpstr(vkey, ==, PETER);
    g_assert_cmpmem(from_plain->secret->bytes, 64, key->secret->bytes, 64);
    g_assert_cmpmem(from_sealed->secret->bytes, 64, key->secret->bytes, 64);
    g_assert_true(g_str_has_prefix((char *)sealed->bytes, "-----BEGIN ENCRYPTED PRIVATE KEY"));
    g_assert_null(
        key_pem_private((char *)sealed->bytes, sealed->length, "PeterNeumann", NULL, &error));
    g_assert_nonnull(strstr(error->message, "--passphrase-file"));
    g_unlink(path);
    g_rmdir(folder);
}

/* P-256, from openssl genpkey. */
static void test_other_kinds_of_keys_are_named(void)
{
    static const char p256[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+RKDbSUPLiARpbDSWpVq2/6KRQf2\n"
                               "eTEOB1aOyn/FiSzzgMXfdpxJ0RGfukDuyAub0a8FgpWZNYcdZ/hejnATCg==\n"
                               "-----END PUBLIC KEY-----\n";
    g_autoptr(GError) error = NULL;

    g_assert_null(key_pem_public(p256, strlen(p256), "a", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_null(key_openssh_public("ssh-rsa AAAAB3NzaC1yc2E=", "a", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static char *openssh_vector(const char *name)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "vectors", "openssh", name, NULL);
    char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void test_openssh_keys(void)
{
    g_autofree char *private_text = openssh_vector("plain.pem");
    g_autofree char *public_text = openssh_vector("plain.pub");
    g_autofree char *sealed_text = openssh_vector("sealed.pem");
    g_autofree char *rsa_text = openssh_vector("rsa.pem");
    g_autoptr(GError) error = NULL;
    g_autoptr(signing_key_t) key = key_openssh_private(private_text, "example.org", &error);
    g_autoptr(public_key_t) public = key_openssh_public(public_text, "example.org", &error);

    g_assert_no_error(error);
    g_assert_cmpmem(key->public->bytes, KEY_PUBLIC_SIZE, public->bytes, KEY_PUBLIC_SIZE);
    g_assert_null(key_openssh_private(sealed_text, "example.org", &error));
    g_assert_nonnull(strstr(error->message, "ssh-keygen -p"));
    g_clear_error(&error);
    g_assert_null(key_openssh_private(rsa_text, "example.org", &error));
    g_assert_nonnull(strstr(error->message, "not one of Ed25519"));
    g_clear_error(&error);
    for (gsize cut = 0; cut < strlen(private_text); cut += 7) {
        g_autofree char *part = g_strndup(private_text, cut);

        g_assert_null(key_openssh_private(part, "example.org", NULL));
    }
}

static void test_store_keeps_the_first_key(void)
{
    g_autofree char *folder = g_dir_make_tmp("entente-XXXXXX", NULL);
    g_autofree char *path = key_store_path(folder, KEY_STORE_DEFAULT);
    g_autofree char *keys_folder = g_path_get_dirname(path);
    g_autoptr(GPtrArray) none = key_store_public_keys(folder, NULL);
    g_autoptr(GError) error = NULL;
    gboolean made = FALSE;
    g_autoptr(signing_key_t) first =
        key_store_load_or_create(folder, "example.org", NULL, &made, &error);
    g_autoptr(signing_key_t) second = NULL;
    g_autoptr(GPtrArray) keys = NULL;
    struct stat status;

    g_assert_no_error(error);
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_true(made);
    second = key_store_load_or_create(folder, "other.example", NULL, &made, &error);
    g_assert_false(made);
    g_assert_cmpstr(second->public->name, ==, "example.org");
    g_assert_cmpmem(first->public->bytes, 32, second->public->bytes, 32);
    g_assert_cmpint(stat(keys_folder, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0700);
    keys = key_store_public_keys(folder, &error);
    g_assert_cmpuint(keys->len, ==, 1);
    g_unlink(path);
    g_rmdir(keys_folder);
    g_rmdir(folder);
}

/* A worker is a forked process: it must not hold what its parent signs with. */
static void test_a_child_process_has_no_key(void)
{
    g_autoptr(signing_key_t) key = signing_key_generate("example.org", NULL);
    int status = -1;
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        guint8 any = 0;

        for (gsize i = 0; i < key->secret->length; i++)
            any |= key->secret->bytes[i];
        _exit(any ? 1 : 0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_base64_has_one_reading(void)
{
    static const char *const bad[] = { "QQ",       "QQ=",  "QR==", "Q Q=", "QQ==\n",
                                       "QQ==QQ==", "-_-_", "=",    "A" };
    g_autoptr(GBytes) standard = base64_decode_any("+/+/", -1);
    g_autoptr(GBytes) url_safe = base64_decode_any("-_-_", -1);
    g_autoptr(GBytes) unpadded = base64_decode_any("-w", -1);

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_null(base64_decode(bad[i], -1));
    g_assert_true(g_bytes_equal(standard, url_safe));
    g_assert_cmpuint(g_bytes_get_size(unpadded), ==, 1);
    g_assert_null(base64_decode_any("+_+_", -1));
}

/* Of all 256 bytes, in each place, only the 64 digits are digits: signatures have one text. */
static void test_base64_digits(void)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (guint place = 0; place < 4; place++) {
        for (guint byte = 0; byte < 256; byte++) {
            char text[] = "AAAAAAAA";
            guint8 out[6];
            g_autoptr(GBytes) decoded = NULL;
            const gboolean is_digit = memchr(alphabet, (int)byte, strlen(alphabet)) != NULL;

            text[place] = (char)byte;
            decoded = base64_decode(text, 8);
            g_assert_cmpint(decoded != NULL, ==, is_digit);
            g_assert_cmpint(base64_decode_into(text, 8, out, sizeof out), ==, is_digit);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_unsetenv("ENTENTE_PASSPHRASE_FILE");
    g_test_add_func("/key/note-vectors-verify", test_note_vectors_verify);
    g_test_add_func("/key/go-private-key", test_go_private_key_signs_the_same_bytes);
    g_test_add_func("/key/altered-keys-are-refused", test_altered_keys_are_refused);
    g_test_add_func("/key/names", test_key_names);
    g_test_add_func("/key/ed25519-verdicts", test_ed25519_verdicts);
    g_test_add_func("/key/file-without-passphrase", test_key_file_without_passphrase);
    g_test_add_func("/key/file-with-passphrase", test_key_file_with_passphrase);
    g_test_add_func("/key/file-asks-for-sane-memory", test_key_file_asks_for_sane_memory);
    g_test_add_func("/key/pem-round-trip", test_pem_round_trip);
    g_test_add_func("/key/other-kinds", test_other_kinds_of_keys_are_named);
    g_test_add_func("/key/openssh", test_openssh_keys);
    g_test_add_func("/key/store-keeps-the-first", test_store_keeps_the_first_key);
    g_test_add_func("/key/child-has-none", test_a_child_process_has_no_key);
    g_test_add_func("/key/base64", test_base64_has_one_reading);
    g_test_add_func("/key/base64-digits", test_base64_digits);
    return g_test_run();
}
