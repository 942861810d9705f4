/* Modules seal_key, seal_key_store, reporter, key_form. */
#include "base/clock.h"
#include "base/error.h"
#include "seal/reporter.h"
#include "seal/seal.h"
#include "seal/seal_key_store.h"
#include "statement/base64.h"
#include "statement/key_store.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The receiver's key of RFC 9180 appendix A.1.1. */
#define PRIVATE_HEX "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"
#define PUBLIC_HEX "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"
#define PUBLIC_TEXT "x25519:OUjP4K0d22ldeA5ZB3GV2mxWUGsCcyl5SrAryoCBXE0="

static const struct passphrase_source nothing = { NULL, FALSE };

static void test_public_text(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL, *digits = NULL, *fingerprint = NULL;
    struct seal_public key;
    guint8 id[SEAL_KEY_ID_SIZE];

    g_assert_true(seal_public_parse(PUBLIC_TEXT, &key, &error));
    digits = hex_encode(key.bytes, sizeof key.bytes);
    g_assert_cmpstr(digits, ==, PUBLIC_HEX);
    text = seal_public_text(&key);
    g_assert_cmpstr(text, ==, PUBLIC_TEXT);
    fingerprint = seal_public_fingerprint(&key);
    g_assert_cmpuint(strlen(fingerprint), ==, 8 * 4 + 7);
    seal_public_id(&key, id);
    g_assert_cmpint(g_ascii_xdigit_value(fingerprint[0]), ==, id[0] >> 4);
}

static void test_public_keys_that_nobody_should_seal_to(void)
{
    static const char *const texts[] = {
        "",
        "x25519:",
        "OUjP4K0d22ldeA5ZB3GV2mxWUGsCcyl5SrAryoCBXE0=",
        "x25519:OUjP4K0d22ldeA5ZB3GV2mxWUGsCcyl5SrAryoCBXE0",
        "x25519:OUjP4K0d22ldeA5ZB3GV2mxWUGsCcyl5SrAryoCBXE1=", /* spare bits set */
        "x25519:OUjP4K0d22ldeA5ZB3GV2mxWUGsCcyl5SrArygBBXE0= ",
        "X25519:OUjP4K0d22ldeA5ZB3GV2mxWUGsCcyl5SrArygBBXE0=",
        "x25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* zero: of small order */
        "x25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* one: of small order */
        "x25519:OUjP4K0d22ldeA5ZB3GV2mxWUGsCcyl5SrArygBBXM0=", /* top bit set */
        "x25519:8P///////////////////////////////////////38=", /* p + 3 */
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        struct seal_public key;

        g_assert_false(seal_public_parse(texts[i], &key, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

static struct seal_secret *rfc_secret(void)
{
    guint8 bytes[SEAL_KEY_SIZE];

    g_assert_true(hex_decode_into(PRIVATE_HEX, bytes, sizeof bytes));
    return seal_secret_new(bytes);
}

static void test_file_form(void)
{
    g_autoptr(seal_secret_t) secret = rfc_secret(), again = NULL;
    g_autoptr(secret_t) text = seal_key_format(secret, NULL);
    g_autofree char *altered = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpstr((const char *)text->bytes, ==,
                    "entente/seal-key/1\npublic " PUBLIC_TEXT "\nprivate "
                    "PRIVATE+x25519:RhLFUCY/yK1YN13z9VeqxTHSaFCQPlWp8j8h2FNOisg=\n");
    again = seal_key_read((const char *)text->bytes, "k", &nothing, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(again->private->bytes, SEAL_KEY_SIZE, secret->private->bytes, SEAL_KEY_SIZE);
    altered = g_strdup((const char *)text->bytes);
    altered[strlen("entente/seal-key/1\npublic x25519:")] = 'P'; /* another public key */
    g_assert_null(seal_key_read(altered, "k", &nothing, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void remove_folder(const char *folder)
{
    g_autofree char *keys = g_build_filename(folder, "keys", NULL);
    g_autoptr(GDir) entries = g_dir_open(keys, 0, NULL);
    const char *name;

    while (entries && (name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(keys, name, NULL);

        g_remove(path);
    }
    g_rmdir(keys);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

/* What was sealed to an old key opens after the key was replaced, twice in a day. */
static void test_old_keys_stay(void)
{
    g_autofree char *data = g_dir_make_tmp("entente-keys-XXXXXX", NULL);
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func((GDestroyNotify)seal_secret_free);
    g_autoptr(GBytes) content = g_bytes_new_static("to the first key", 16);
    g_autoptr(GPtrArray) to = g_ptr_array_new(), loaded = NULL, public = NULL, signing = NULL;
    g_autoptr(GBytes) sealed = NULL, opened = NULL;
    g_autoptr(signing_key_t) issuer = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = seal_key_path(data);
    struct stat status;

    loaded = seal_keys_load(data, &nothing, &error);
    g_assert_cmpuint(loaded->len, ==, 0);
    g_clear_pointer(&loaded, g_ptr_array_unref);
    for (guint i = 0; i < 3; i++) {
        g_ptr_array_add(made, seal_secret_generate());
        g_assert_true(seal_key_keep(data, made->pdata[i], NULL, &error));
    }
    g_assert_cmpint(g_stat(path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0600);
    g_ptr_array_add(to, &((struct seal_secret *)made->pdata[0])->public);
    sealed = seal_bytes(content, to, NULL);
    loaded = seal_keys_load(data, &nothing, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(loaded->len, ==, 3);
    g_assert_cmpmem(loaded->pdata[0], sizeof(struct seal_public), made->pdata[2],
                    sizeof(struct seal_public));
    opened = seal_open(sealed, loaded, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(content, opened));
    public = seal_keys_public(data, &error);
    g_assert_cmpuint(public->len, ==, 3);

    /* They are no signing keys, and a signing key called "seal-..." is none of them. */
    issuer = key_store_load_or_create(data, "example.org", &nothing, NULL, &error);
    g_assert_nonnull(issuer);
    {
        g_autofree char *from = key_store_path(data, KEY_STORE_DEFAULT);
        g_autofree char *as = key_store_path(data, "seal-x.example");

        g_assert_cmpint(g_rename(from, as), ==, 0);
    }
    signing = key_store_public_keys(data, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(signing->len, ==, 1);
    g_clear_pointer(&public, g_ptr_array_unref);
    public = seal_keys_public(data, &error);
    g_assert_cmpuint(public->len, ==, 3);
    g_assert_cmpint(g_chmod(path, 0644), ==, 0);
    g_assert_null(seal_keys_load(data, &nothing, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    remove_folder(data);
}

/* When the folder of the keys says that something was made or taken away in it. */
static void set_time_of_folder(const char *key_path, gint64 from_now_us)
{
    g_autofree char *folder = g_path_get_dirname(key_path);
    const gint64 time_s = (clock_now_us() + from_now_us) / G_USEC_PER_SEC;
    const struct timespec times[] = { { .tv_sec = time_s }, { .tv_sec = time_s } };

    g_assert_cmpint(utimensat(AT_FDCWD, folder, times, 0), ==, 0);
}

/* A node looks every two seconds, and reads what changed. */
static void test_a_change_is_noticed(void)
{
    g_autofree char *data = g_dir_make_tmp("entente-keys-XXXXXX", NULL);
    g_autoptr(seal_secret_t) first = seal_secret_generate(), second = seal_secret_generate();
    g_autofree char *path = seal_key_path(data);
    struct seal_keys_seen seen = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_true(seal_keys_changed(data, &seen));
    g_assert_false(seal_keys_changed(data, &seen)); /* there are none */
    g_assert_true(seal_key_keep(data, first, NULL, &error));
    g_assert_true(seal_keys_changed(data, &seen));
    /* What is done in the second of a look is looked at again, as often as that may be. */
    set_time_of_folder(path, G_TIME_SPAN_HOUR);
    for (guint i = 0; i < 3; i++)
        g_assert_true(seal_keys_changed(data, &seen));
    set_time_of_folder(path, -G_TIME_SPAN_HOUR);
    g_assert_true(seal_keys_changed(data, &seen));
    g_usleep(1100000);
    seal_keys_changed(data, &seen);
    g_assert_false(seal_keys_changed(data, &seen));
    g_assert_true(seal_key_keep(data, second, NULL, &error));
    g_assert_true(seal_keys_changed(data, &seen));
    g_usleep(1100000);
    seal_keys_changed(data, &seen);
    g_assert_false(seal_keys_changed(data, &seen));
    g_assert_cmpint(g_chmod(path, 0400), ==, 0);
    g_assert_true(seal_keys_changed(data, &seen));
    remove_folder(data);
}

static void test_passphrase(void)
{
    g_autofree char *folder = g_dir_make_tmp("entente-keys-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(folder, "passphrase", NULL);
    g_autoptr(seal_secret_t) secret = seal_secret_generate(), again = NULL;
    g_autoptr(secret_t) passphrase = secret_copy("correct horse", 13), text = NULL;
    struct passphrase_source source = { file, FALSE };
    g_autofree char *private = g_base64_encode(secret->private->bytes, SEAL_KEY_SIZE);
    g_autoptr(GError) error = NULL;

    text = seal_key_format(secret, passphrase);
    g_assert_null(strstr((const char *)text->bytes, private));
    g_file_set_contents(file, "correct horse\n", -1, NULL);
    again = seal_key_read((const char *)text->bytes, "k", &source, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(again->private->bytes, SEAL_KEY_SIZE, secret->private->bytes, SEAL_KEY_SIZE);
    g_file_set_contents(file, "wrong horse\n", -1, NULL);
    g_assert_null(seal_key_read((const char *)text->bytes, "k", &source, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_remove(file);
    g_rmdir(folder);
}

/* The examples of the paper on proquints: IPv4 addresses of 32 bits. */
static void test_proquints(void)
{
    static const struct {
        guint8 address[4];
        const char *text;
    } cases[] = {
        { { 127, 0, 0, 1 }, "lusab-babad" },      { { 63, 84, 220, 193 }, "gutih-tugad" },
        { { 63, 118, 7, 35 }, "gutuk-bisog" },    { { 140, 98, 193, 141 }, "mudof-sakat" },
        { { 64, 255, 6, 200 }, "haguz-biram" },   { { 128, 30, 52, 45 }, "mabiv-gibot" },
        { { 147, 67, 119, 2 }, "natag-lisaf" },   { { 212, 58, 253, 68 }, "tibup-zujah" },
        { { 216, 35, 68, 215 }, "tobog-higil" },  { { 216, 68, 232, 21 }, "todah-vobij" },
        { { 198, 81, 129, 136 }, "sinid-makam" }, { { 12, 110, 110, 204 }, "budov-kuras" },
    };

    for (guint i = 0; i + 4 <= G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strjoin("-", cases[i].text, cases[i + 1].text, cases[i + 2].text,
                                          cases[i + 3].text, NULL);
        g_autoptr(secret_t) bits = reporter_parse(text, NULL), again = NULL;

        g_assert_nonnull(bits);
        for (guint j = 0; j < 4; j++)
            g_assert_cmpmem(bits->bytes + 4 * j, 4, cases[i + j].address, 4);
        again = reporter_words(bits);
        g_assert_cmpstr((const char *)again->bytes, ==, text);
    }
}

#define RECEIPT "lusab-babad-gutih-tugad-gutuk-bisog-mudof-sakat"

static void test_receipt_as_people_type_it(void)
{
    static const struct {
        const char *text;
        gboolean good;
    } cases[] = {
        { RECEIPT, TRUE },
        { "  LUSAB babad  Gutih-tugad\ngutuk - bisog\tmudof sakat\n", TRUE },
        { "lusab-babad-gutih-tugad-gutuk-bisog-mudof", FALSE },
        { RECEIPT "-lusab", FALSE },
        { "lusab-babad-gutih-tugad-gutuk-bisog-mudof-sakax", FALSE },
        { "lusabbabad-gutih-tugad-gutuk-bisog-mudof-sakat", FALSE },
        { "lusab-babad-gutih-tugad-gutuk-bisog-mudof-saka", FALSE },
        { "", FALSE },
    };
    g_autoptr(secret_t) wanted = reporter_parse(RECEIPT, NULL);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(secret_t) bits = reporter_parse(cases[i].text, &error);

        g_assert_true(!!bits == cases[i].good);
        if (bits)
            g_assert_cmpmem(bits->bytes, bits->length, wanted->bytes, wanted->length);
        else
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

/* Reckoned with Python's hmac and hashlib; the browser's derivation is held to the same. */
static void test_what_follows_of_a_receipt(void)
{
    g_autoptr(secret_t) bits = reporter_parse(RECEIPT, NULL);
    g_autoptr(reporter_t) reporter = reporter_new(bits);
    g_autofree char *private = hex_encode(reporter->seal->private->bytes, SEAL_KEY_SIZE);
    g_autofree char *seed = hex_encode(reporter->key->secret->bytes, KEY_SEED_SIZE);
    g_autofree char *box = reporter_box(&reporter->seal->public);

    g_assert_cmpstr(private, ==,
                    "5d42a9a594d29712425807c07008dff0b42563c7116433af394308abff9ef0dd");
    g_assert_cmpstr(seed, ==, "ad7fef862fac389bfe339f4d8ff404559678c311ef6e2ad7a6f989c0a9f93f36");
    g_assert_cmpstr(reporter->box, ==, box);
    g_assert_cmpuint(strlen(box), ==, REPORTER_BOX_LENGTH);
    g_assert_cmpuint(strlen(reporter->number), ==, REPORTER_NUMBER_LENGTH);
    g_assert_true(g_str_has_prefix(box, reporter->number));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/seal-key/public-text", test_public_text);
    g_test_add_func("/seal-key/refused", test_public_keys_that_nobody_should_seal_to);
    g_test_add_func("/seal-key/file", test_file_form);
    g_test_add_func("/seal-key/old-keys", test_old_keys_stay);
    g_test_add_func("/seal-key/change", test_a_change_is_noticed);
    g_test_add_func("/seal-key/passphrase", test_passphrase);
    g_test_add_func("/receipt/proquints", test_proquints);
    g_test_add_func("/receipt/typed", test_receipt_as_people_type_it);
    g_test_add_func("/receipt/derived", test_what_follows_of_a_receipt);
    return g_test_run();
}
