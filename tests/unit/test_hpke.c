/* Modules hpke, hkdf, aead, padme: against the vectors of RFC 9180 and of RFC 5869. */
#include "base/error.h"
#include "base/json.h"
#include "seal/hkdf.h"
#include "seal/hpke.h"
#include "seal/padme.h"

#include <string.h>

#define VECTOR "vectors/seal/hpke-base-x25519-sha256-aes256gcm.json"

struct bytes {
    guint8 at[512];
    gsize length;
};

static struct bytes unhex(const char *digits)
{
    struct bytes bytes = { .length = strlen(digits) / 2 };

    g_assert_cmpuint(bytes.length, <=, sizeof bytes.at);
    for (gsize i = 0; i < bytes.length; i++)
        bytes.at[i] = (guint8)(g_ascii_xdigit_value(digits[2 * i]) << 4 |
                               g_ascii_xdigit_value(digits[2 * i + 1]));
    return bytes;
}

static struct bytes member(const json_t *object, const char *name)
{
    return unhex(json_text(object, name));
}

static json_t *vector(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, VECTOR, NULL);
    g_autoptr(GError) error = NULL;
    json_t *value = json_read_file(path, 1u << 22, &error);

    g_assert_no_error(error);
    return value;
}

static void setup(const json_t *value, struct hpke *sender, struct hpke *receiver)
{
    struct bytes info = member(value, "info"), wanted = member(value, "enc");
    g_autofree char *text = g_strndup((const char *)info.at, info.length);
    g_autoptr(GError) error = NULL;
    guint8 enc[HPKE_ENC_SIZE];

    g_assert_true(hpke_setup_sender_with(member(value, "skEm").at, member(value, "pkRm").at, text,
                                         enc, sender, &error));
    g_assert_cmpmem(enc, sizeof enc, wanted.at, wanted.length);
    g_assert_true(hpke_setup_receiver(enc, member(value, "skRm").at, text, receiver, &error));
    g_assert_no_error(error);
}

/* Encryption `i` of the official vectors has the sequence number `i`, or is at 255 and 256. */
static void test_rfc9180_vector(void)
{
    g_autoptr(json_t) value = vector();
    g_auto(hpke_t) sender = { 0 }, receiver = { 0 };
    struct bytes wanted;
    json_t *list, *item;
    guint64 with_large = 0;
    gsize i;

    setup(value, &sender, &receiver);
    wanted = member(value, "key");
    g_assert_cmpmem(sender.key, sizeof sender.key, wanted.at, wanted.length);
    wanted = member(value, "base_nonce");
    g_assert_cmpmem(sender.base_nonce, sizeof sender.base_nonce, wanted.at, wanted.length);
    wanted = member(value, "exporter_secret");
    g_assert_cmpmem(sender.exporter, sizeof sender.exporter, wanted.at, wanted.length);

    list = json_object_get(value, "encryptions");
    g_assert_cmpuint(json_array_size(list), >=, 10);
    json_array_foreach(list, i, item)
    {
        struct bytes aad = member(item, "aad"), text = member(item, "pt"), sealed;
        struct bytes out = { 0 }, nonce = member(item, "nonce");
        guint64 sequence = 0;
        g_autoptr(GError) error = NULL;

        for (guint k = 0; k < AEAD_NONCE_SIZE; k++)
            sequence = sequence << 8 | (nonce.at[k] ^ sender.base_nonce[k]);
        with_large += sequence > 254;
        sender.sequence = receiver.sequence = sequence;
        sealed = member(item, "ct");
        g_assert_true(hpke_seal(&sender, aad.at, aad.length, text.at, text.length, out.at, &error));
        g_assert_cmpmem(out.at, text.length + AEAD_TAG_SIZE, sealed.at, sealed.length);
        g_assert_true(
            hpke_open(&receiver, aad.at, aad.length, sealed.at, sealed.length, out.at, &error));
        g_assert_cmpmem(out.at, text.length, text.at, text.length);
        g_assert_cmpuint(receiver.sequence, ==, sequence + 1);
    }
    g_assert_cmpuint(with_large, >=, 2);

    list = json_object_get(value, "exports");
    g_assert_cmpuint(json_array_size(list), >=, 3);
    json_array_foreach(list, i, item)
    {
        struct bytes label = member(item, "exporter_context"), out = { 0 };
        gsize length = (gsize)json_number(item, "L", 0);

        wanted = member(item, "exported_value");
        hpke_export(&receiver, label.at, label.length, out.at, length);
        g_assert_cmpmem(out.at, length, wanted.at, wanted.length);
    }
}

/* RFC 9180 appendix A.1.1: the same KEM, with another AEAD behind it. */
static void test_rfc9180_a1_kem(void)
{
    struct bytes enc = unhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
    struct bytes private =
        unhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
    struct bytes wanted = unhex("fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc");
    guint8 shared[HPKE_SECRET_SIZE];

    g_assert_true(hpke_decap(enc.at, private.at, shared, NULL));
    g_assert_cmpmem(shared, sizeof shared, wanted.at, wanted.length);
}

/* RFC 5869 appendix A.3: no salt, no info, two blocks. */
static void test_rfc5869_vector(void)
{
    struct bytes ikm = unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    struct bytes wanted = unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                                "9d201395faa4b61a96c8");
    const struct hkdf_part halves[] = { { ikm.at, 10 }, { ikm.at + 10, ikm.length - 10 } };
    guint8 prk[HKDF_HASH_SIZE], out[42];

    hkdf_extract(NULL, halves, 2, prk);
    hkdf_expand(prk, NULL, 0, out, sizeof out);
    g_assert_cmpmem(out, sizeof out, wanted.at, wanted.length);
}

/* RFC 7748 section 6.1: the points that take every scalar to zero. */
static void test_small_order_is_refused(void)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct bytes private =
        unhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");

    for (guint i = 0; i < G_N_ELEMENTS(points); i++) {
        struct bytes point = unhex(points[i]);
        g_auto(hpke_t) context = { 0 };
        g_autoptr(GError) error = NULL;
        guint8 enc[HPKE_ENC_SIZE];

        g_assert_false(hpke_setup_sender(point.at, "", enc, &context, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_clear_error(&error);
        g_assert_false(hpke_setup_receiver(point.at, private.at, "", &context, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

/* A message out of order, with another aad or one bit changed is refused, and can be repeated. */
static void test_what_does_not_authenticate_is_refused(void)
{
    g_autoptr(json_t) value = vector();
    g_auto(hpke_t) sender = { 0 }, receiver = { 0 };
    guint8 first[4 + AEAD_TAG_SIZE], second[4 + AEAD_TAG_SIZE], out[4];

    setup(value, &sender, &receiver);
    g_assert_true(hpke_seal(&sender, NULL, 0, (const guint8 *)"one.", 4, first, NULL));
    g_assert_true(hpke_seal(&sender, NULL, 0, (const guint8 *)"two.", 4, second, NULL));
    g_assert_false(hpke_open(&receiver, NULL, 0, second, sizeof second, out, NULL));
    g_assert_false(hpke_open(&receiver, (const guint8 *)"x", 1, first, sizeof first, out, NULL));
    g_assert_false(hpke_open(&receiver, NULL, 0, first, AEAD_TAG_SIZE - 1, out, NULL));
    for (guint bit = 0; bit < 8 * sizeof first; bit++) {
        g_autoptr(GError) error = NULL;

        first[bit / 8] ^= (guint8)(1u << bit % 8);
        memset(out, 'x', sizeof out);
        g_assert_false(hpke_open(&receiver, NULL, 0, first, sizeof first, out, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
        g_assert_cmpmem(out, sizeof out, "\0\0\0\0", 4);
        first[bit / 8] ^= (guint8)(1u << bit % 8);
    }
    g_assert_true(hpke_open(&receiver, NULL, 0, first, sizeof first, out, NULL));
    g_assert_cmpmem(out, sizeof out, "one.", 4);
    g_assert_true(hpke_open(&receiver, NULL, 0, second, sizeof second, out, NULL));
    g_assert_cmpmem(out, sizeof out, "two.", 4);
}

static void test_context_runs_out_before_a_nonce_repeats(void)
{
    g_autoptr(json_t) value = vector();
    g_auto(hpke_t) sender = { 0 }, receiver = { 0 };
    g_autoptr(GError) error = NULL;
    guint8 out[AEAD_TAG_SIZE];

    setup(value, &sender, &receiver);
    sender.sequence = G_MAXUINT64;
    g_assert_false(hpke_seal(&sender, NULL, 0, NULL, 0, out, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
}

/* By the definition: E = floor(log2 L), S = floor(log2 E) + 1, the last E - S bits are zero. */
static void test_padme(void)
{
    static const struct {
        guint64 length, padded;
    } cases[] = {
        { 0, 0 },
        { 1, 1 },
        { 2, 2 },
        { 8, 8 },
        { 9, 10 },
        { 10, 10 },
        { 100, 104 },
        { 1000, 1024 },
        { 10000, 10240 },
        { 1048576, 1048576 },
        { 1048577, 1081344 },
        { 1u << 31, 1u << 31 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(padme(cases[i].length), ==, cases[i].padded);
    for (guint64 length = 2; length < (G_GUINT64_CONSTANT(1) << 48); length += length / 7 + 1) {
        g_assert_cmpuint(padme(length), >=, length);
        g_assert_cmpuint(padme(length) - length, <=, length / 8);
        g_assert_cmpuint(padme(padme(length)), ==, padme(length));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hpke/rfc9180-vector", test_rfc9180_vector);
    g_test_add_func("/hpke/rfc9180-a1-kem", test_rfc9180_a1_kem);
    g_test_add_func("/hpke/rfc5869-vector", test_rfc5869_vector);
    g_test_add_func("/hpke/small-order-is-refused", test_small_order_is_refused);
    g_test_add_func("/hpke/refused", test_what_does_not_authenticate_is_refused);
    g_test_add_func("/hpke/runs-out", test_context_runs_out_before_a_nonce_repeats);
    g_test_add_func("/hpke/padme", test_padme);
    return g_test_run();
}
