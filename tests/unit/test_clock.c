/*
 * Time sources: siv.h, ntp.h, nts.h, agreement.h, source.h, local.h. The sockets (reach.h,
 * measure.h, nts_ke.h, amplify.h) and the judgements (clock_judge.c, clock_json.c) are tried with
 * real servers in tests/e2e/test_clock.py.
 */
#include "base/error.h"
#include "p2_internet/clock/agreement.h"
#include "p2_internet/clock/local.h"
#include "p2_internet/clock/ntp.h"
#include "p2_internet/clock/nts.h"
#include "p2_internet/clock/source.h"

#include <openssl/evp.h>
#include <string.h>

#define NOW_US (G_GINT64_CONSTANT(1795000000) * G_USEC_PER_SEC)

/* ---- siv.h ---- */

static gsize bytes_of(const char *hex, guint8 *out)
{
    gsize length = 0;

    for (; hex[0] && hex[1]; hex += 2)
        out[length++] = (guint8)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
    return length;
}

/* RFC 5297 appendix A. */
static void test_siv_seals_as_the_rfc_does(void)
{
    static const struct {
        const char *key, *parts[3], *text, *sealed;
    } vectors[] = {
        { "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
          { "101112131415161718191a1b1c1d1e1f2021222324252627" },
          "112233445566778899aabbccddee",
          "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c" },
        { "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
          { "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
            "102030405060708090a0", "09f911029d74e35bd84156c5635688c0" },
          "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d"
          "414553",
          "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748"
          "ba8af829ea64ad544a272e9c485b62a3fd5c0d" },
    };
    g_autoptr(siv_t) siv = siv_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(vectors); i++) {
        guint8 key[SIV_KEY], data[3][64] = { { 0 } }, text[64], sealed[96];
        struct siv_part parts[3];
        guint count = 0;
        gsize length = bytes_of(vectors[i].text, text);
        g_autofree guint8 *made = NULL, *opened = NULL;

        bytes_of(vectors[i].key, key);
        for (; count < 3 && vectors[i].parts[count]; count++)
            parts[count] =
                (struct siv_part){ data[count], bytes_of(vectors[i].parts[count], data[count]) };
        g_assert_cmpuint(bytes_of(vectors[i].sealed, sealed), ==, length + SIV_TAG);
        made = siv_seal(siv, key, parts, count, text, length);
        g_assert_cmpmem(made, length + SIV_TAG, sealed, length + SIV_TAG);
        opened = siv_open(siv, key, parts, count, sealed, length + SIV_TAG);
        g_assert_nonnull(opened);
        g_assert_cmpmem(opened, length, text, length);
        for (gsize at = 0; at < length + SIV_TAG; at++) {
            sealed[at] ^= 1;
            g_assert_null(siv_open(siv, key, parts, count, sealed, length + SIV_TAG));
            sealed[at] ^= 1;
        }
        g_assert_null(siv_open(siv, key, parts, count - 1, sealed, length + SIV_TAG));
    }
}

/* OpenSSL's own SIV, which cannot seal an empty text, says the same of all others. */
static void test_siv_is_that_of_openssl(void)
{
    g_autoptr(siv_t) siv = siv_new(NULL);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-128-SIV", NULL);
    guint8 key[SIV_KEY], ad[40], nonce[16], text[80];

    g_assert_nonnull(cipher);
    for (gsize length = 1; length <= sizeof text; length++) {
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        const struct siv_part parts[] = { { ad, length % sizeof ad + 1 }, { nonce, 16 } };
        guint8 tag[SIV_TAG], out[sizeof text];
        g_autofree guint8 *made = NULL;
        int written;

        for (gsize i = 0; i < sizeof text; i++)
            key[i % SIV_KEY] = ad[i % sizeof ad] = nonce[i % 16] = text[i] = (guint8)g_random_int();
        g_assert_cmpint(EVP_EncryptInit_ex2(context, cipher, key, NULL, NULL), ==, 1);
        for (guint i = 0; i < 2; i++)
            g_assert_cmpint(
                EVP_EncryptUpdate(context, NULL, &written, parts[i].data, (int)parts[i].length), ==,
                1);
        g_assert_cmpint(EVP_EncryptUpdate(context, out, &written, text, (int)length), ==, 1);
        g_assert_cmpint(EVP_EncryptFinal_ex(context, out + written, &written), ==, 1);
        g_assert_cmpint(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SIV_TAG, tag), ==, 1);
        made = siv_seal(siv, key, parts, 2, text, length);
        g_assert_cmpmem(made, SIV_TAG, tag, SIV_TAG);
        g_assert_cmpmem(made + SIV_TAG, length, out, length);
        EVP_CIPHER_CTX_free(context);
    }
    EVP_CIPHER_free(cipher);
}

/* By RFC 5297 with another implementation of CMAC. */
static void test_siv_of_an_empty_text(void)
{
    g_autoptr(siv_t) siv = siv_new(NULL);
    guint8 key[SIV_KEY], nonce[16] = { 1 }, tag[SIV_TAG];
    const struct siv_part parts[] = { { "abcd", 4 }, { nonce, sizeof nonce } };
    g_autofree guint8 *sealed = NULL, *opened = NULL;

    for (guint i = 0; i < SIV_KEY; i++)
        key[i] = (guint8)i;
    bytes_of("a05b4462031574a0db98a709e1ca1ab4", tag);
    sealed = siv_seal(siv, key, parts, 2, "", 0);
    g_assert_cmpmem(sealed, SIV_TAG, tag, SIV_TAG);
    opened = siv_open(siv, key, parts, 2, sealed, SIV_TAG);
    g_assert_nonnull(opened);
    g_assert_null(siv_open(siv, key, parts, 2, sealed, SIV_TAG - 1));
}

/* ---- ntp.h ---- */

static void test_times_in_both_eras(void)
{
    const gint64 roll_us = G_GINT64_CONSTANT(2085978496) * G_USEC_PER_SEC; /* 2036-02-07 06:28:16 */

    g_assert_cmpuint(ntp_stamp(0), ==, G_GUINT64_CONSTANT(2208988800) << 32);
    g_assert_cmpuint(ntp_stamp(roll_us), ==, 0);
    for (gint64 at = -2; at <= 2; at++) {
        const gint64 time_us = roll_us + at * 1500000;

        for (gint64 near = -1; near <= 1; near++)
            g_assert_cmpint(
                ABS(ntp_time_us(ntp_stamp(time_us), time_us + near * 68 * 365 * 86400LL * 900000) -
                    time_us),
                <=, 1);
    }
    g_assert_cmpint(ABS(ntp_time_us(ntp_stamp(NOW_US + 123456), 0) - NOW_US - 123456), <=, 1);
}

static void test_a_request_tells_nothing(void)
{
    guint8 packet[NTP_HEADER];
    struct ntp_header header;

    ntp_request(G_GUINT64_CONSTANT(0x0123456789abcdef), packet);
    g_assert_cmpuint(packet[0], ==, 0x23);
    for (guint i = 1; i < 40; i++)
        g_assert_cmpuint(packet[i], ==, 0);
    g_assert_true(ntp_header_parse(packet, sizeof packet, &header, NULL));
    g_assert_cmpuint(header.transmit, ==, G_GUINT64_CONSTANT(0x0123456789abcdef));
    g_assert_cmpint(ntp_judge(&header, header.transmit), ==, NTP_NOT_OURS);
    g_assert_false(ntp_header_parse(packet, NTP_HEADER - 1, &header, NULL));
}

static void test_which_answers_count(void)
{
    struct ntp_header header = { .version = 4,
                                 .mode = NTP_MODE_SERVER,
                                 .stratum = 1,
                                 .origin = 7,
                                 .receive = 100,
                                 .transmit = 101 };
    struct ntp_header other = header;
    char code[5];

    g_assert_cmpint(ntp_judge(&header, 7), ==, NTP_GOOD);
    g_assert_cmpint(ntp_judge(&header, 8), ==, NTP_NOT_OURS);
    other.transmit = 99;
    g_assert_cmpint(ntp_judge(&other, 7), ==, NTP_MALFORMED);
    other.transmit = 0;
    g_assert_cmpint(ntp_judge(&other, 7), ==, NTP_MALFORMED);
    other = header;
    other.leap = NTP_LEAP_UNKNOWN;
    g_assert_cmpint(ntp_judge(&other, 7), ==, NTP_UNSYNCHRONISED);
    other.stratum = 0;
    memcpy(other.reference_id, "RA\x1b\0", 4);
    g_assert_cmpint(ntp_judge(&other, 7), ==, NTP_KISS);
    ntp_kiss_code(&other, code);
    g_assert_cmpstr(code, ==, "RA??");
}

static void test_fields_stay_in_their_packet(void)
{
    g_autoptr(GByteArray) packet = g_byte_array_new();
    struct ntp_field field;
    guint8 header[NTP_HEADER];
    gsize at = NTP_HEADER;

    ntp_request(1, header);
    g_byte_array_append(packet, header, sizeof header);
    ntp_field_append(packet, 0x0104, "abc", 3);
    ntp_field_append(packet, 0x0204, "0123456789abcdef0", 17);
    g_assert_cmpuint(packet->len, ==, NTP_HEADER + 16 + 24);
    g_assert_true(ntp_field_next(packet->data, packet->len, &at, &field, NULL));
    g_assert_cmpuint(field.type, ==, 0x0104);
    g_assert_cmpmem(field.body, field.length, "abc\0\0\0\0\0\0\0\0\0", 12);
    g_assert_true(ntp_field_next(packet->data, packet->len, &at, &field, NULL));
    g_assert_cmpuint(field.length, ==, 20);
    g_assert_false(ntp_field_next(packet->data, packet->len, &at, &field, NULL));
    for (gsize cut = 1; cut < 24; cut++) { /* a packet that ends within the second field */
        g_autoptr(GError) error = NULL;

        at = NTP_HEADER + 16;
        g_assert_false(ntp_field_next(packet->data, packet->len - cut, &at, &field, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, "byte 64"));
    }
}

/* ---- nts.h ---- */

#define PROTOCOL "\x80\x01\0\x02\0\0"
#define AEAD "\x80\x04\0\x02\0\x0f"
#define COOKIE                                                                                     \
    "\0\x05\0\x10"                                                                                 \
    "0123456789abcdef"
#define END "\x80\0\0\0"

static void test_what_a_server_may_answer(void)
{
    static const char good[] = PROTOCOL AEAD COOKIE COOKIE "\0\x06\0\x07"
                                                           "a.test."
                                                           "\0\x07\0\x02\x10\x01"
                                                           "\x12\x34\0\x01?" END;
    g_auto(nts_answer_t) answer = { 0 };

    g_assert_cmpmem(nts_ke_request, 16, PROTOCOL AEAD END, 16);
    g_assert_true(nts_ke_parse(good, sizeof good - 1, &answer, NULL));
    g_assert_cmpuint(answer.cookies->len, ==, 2);
    g_assert_cmpstr(answer.server, ==, "a.test.");
    g_assert_cmpuint(answer.port, ==, 0x1001);
    for (gsize length = 0; length < sizeof good - 1; length++) {
        g_auto(nts_answer_t) cut = { 0 };

        g_assert_false(nts_ke_is_whole(good, length));
        g_assert_false(nts_ke_parse(good, length, &cut, NULL));
    }
    g_assert_true(nts_ke_is_whole(good, sizeof good - 1));
}

static void test_what_a_server_may_not_answer(void)
{
    static const struct {
        const char *bytes;
        gsize length;
        const char *words;
    } bad[] = {
#define BAD(TEXT, WORDS) { TEXT, sizeof TEXT - 1, WORDS }
        BAD(PROTOCOL COOKIE END, "chose no algorithm"),
        BAD(AEAD COOKIE END, "chose no protocol"),
        BAD(PROTOCOL AEAD END, "no cookie"),
        BAD(PROTOCOL PROTOCOL AEAD COOKIE END, "byte 6: a second choice of protocol"),
        BAD(PROTOCOL "\x80\x04\0\x02\0\x1e" COOKIE END, "byte 6: the server chose a algorithm"),
        BAD(PROTOCOL "\x80\x04\0\0" COOKIE END, "supports no algorithm"),
        BAD("\x80\x02\0\x02\0\x01", "error 1: it finds our request bad"),
        BAD("\x80\x03\0\x02\0\x07", "warning 7: unknown"),
        BAD("\x80\x02\0\x01\0", "byte 0: error without a code"),
        BAD("\xff\xff\0\0" END, "unknown type 32767"),
        BAD(PROTOCOL AEAD "\0\x05\0\x03"
                          "abc" END,
            "byte 12: a cookie of 3 bytes"),
        BAD("\0\x06\0\x03"
            "a b" END,
            "no name or address"),
        BAD("\0\x06\0\0" END, "name of a server of 0 bytes"),
        BAD("\0\x07\0\x02\0\0" END, "no port"),
        BAD(PROTOCOL AEAD COOKIE END "x", "is not its end"),
        BAD(PROTOCOL AEAD COOKIE "\x80\0\0\x01x", "is not its end"),
    };

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_auto(nts_answer_t) answer = { 0 };
        g_autoptr(GError) error = NULL;

        g_assert_false(nts_ke_parse(bad[i].bytes, bad[i].length, &answer, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        if (!strstr(error->message, bad[i].words))
            g_error("\"%s\" does not say \"%s\"", error->message, bad[i].words);
    }
}

/* An answer as a server makes it: identifier, then authenticator over sealed fields. */
static GByteArray *answer_of(struct siv *siv, const guint8 *key, const guint8 *unique,
                             const GByteArray *sealed_fields)
{
    GByteArray *packet = g_byte_array_new();
    g_autoptr(GByteArray) body = g_byte_array_new();
    guint8 header[NTP_HEADER], nonce[16] = { 5 };
    const guint16 size = (guint16)(sealed_fields->len + SIV_TAG);
    const guint8 head[] = { 0, sizeof nonce, (guint8)(size >> 8), (guint8)size };
    g_autofree guint8 *sealed = NULL;

    ntp_request(3, header);
    g_byte_array_append(packet, header, sizeof header);
    ntp_field_append(packet, NTS_FIELD_UNIQUE, unique, NTS_UNIQUE);
    sealed = siv_seal(siv, key, (struct siv_part[]){ { packet->data, packet->len }, { nonce, 16 } },
                      2, sealed_fields->data, sealed_fields->len);
    g_byte_array_append(body, head, sizeof head);
    g_byte_array_append(body, nonce, sizeof nonce);
    g_byte_array_append(body, sealed, size);
    ntp_field_append(packet, NTS_FIELD_AUTHENTICATOR, body->data, body->len);
    return packet;
}

static void test_only_the_key_holder_answers(void)
{
    g_autoptr(siv_t) siv = siv_new(NULL);
    const struct nts_keys keys = { .to_server = { 1 }, .to_client = { 2 } };
    const struct nts_keys others = { .to_server = { 2 }, .to_client = { 1 } };
    const guint8 unique[NTS_UNIQUE] = { 9 }, another[NTS_UNIQUE] = { 8 };
    g_autoptr(GPtrArray) cookies = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GByteArray) fields = g_byte_array_new(), packet = NULL, broken = NULL;
    g_autoptr(GError) error = NULL;

    ntp_field_append(fields, NTS_FIELD_COOKIE, "a fresh cookie of 24 byt", 24);
    packet = answer_of(siv, keys.to_client, unique, fields);
    g_assert_cmpint(nts_verify(siv, &keys, unique, packet->data, packet->len, cookies, NULL), ==,
                    NTS_GOOD);
    g_assert_cmpuint(cookies->len, ==, 1);
    g_assert_cmpmem(g_bytes_get_data(cookies->pdata[0], NULL), 24, "a fresh cookie of 24 byt", 24);
    g_assert_cmpint(nts_verify(siv, &others, unique, packet->data, packet->len, cookies, NULL), ==,
                    NTS_FORGED);
    g_assert_cmpint(nts_verify(siv, &keys, another, packet->data, packet->len, cookies, NULL), ==,
                    NTS_NOT_OURS);
    for (gsize at = 0; at < packet->len; at++) { /* every byte counts */
        packet->data[at] ^= 4;
        g_assert_cmpint(nts_verify(siv, &keys, unique, packet->data, packet->len, cookies, NULL),
                        !=, NTS_GOOD);
        packet->data[at] ^= 4;
    }
    for (gsize length = NTP_HEADER; length < packet->len; length++)
        g_assert_cmpint(nts_verify(siv, &keys, unique, packet->data, length, cookies, NULL), !=,
                        NTS_GOOD);
    g_assert_cmpuint(cookies->len, ==, 1);
    g_byte_array_set_size(fields, fields->len - 4); /* what the server sealed is cut */
    broken = answer_of(siv, keys.to_client, unique, fields);
    g_assert_cmpint(nts_verify(siv, &keys, unique, broken->data, broken->len, cookies, &error), ==,
                    NTS_MALFORMED);
    g_assert_nonnull(strstr(error->message, "in what was sealed"));
}

/* ---- agreement.h ---- */

static void test_who_tells_the_truth(void)
{
    struct clock_interval three[] = { { 0, 10 }, { 5, 10 }, { 1000, 10 } };
    struct clock_interval none[] = { { 0, 10 }, { 100, 10 }, { 200, 10 }, { 300, 10 } };
    struct clock_interval touching[] = { { 0, 10 }, { 20, 10 } };
    struct clock_interval wide[] = { { 0, 10 }, { 2, 10 }, { 4, 1000 }, { 500, 10 }, { 3, 5 } };
    struct clock_agreement agreement;

    clock_agree(three, 3, &agreement);
    g_assert_true(agreement.majority && three[0].agrees && three[1].agrees && !three[2].agrees);
    g_assert_cmpint(agreement.low_us, ==, -5);
    g_assert_cmpint(agreement.high_us, ==, 10);
    g_assert_cmpint(agreement.offset_us, ==, 2);
    clock_agree(none, 4, &agreement);
    g_assert_false(agreement.majority || none[0].agrees);
    clock_agree(touching, 2, &agreement);
    g_assert_false(agreement.majority && agreement.low_us != agreement.high_us);
    clock_agree(wide, 5, &agreement);
    g_assert_true(agreement.majority && !wide[3].agrees);
    g_assert_cmpuint(agreement.agreeing, ==, 4);
    clock_agree(wide, 1, &agreement);
    g_assert_true(agreement.majority);
    clock_agree(wide, 0, &agreement);
    g_assert_false(agreement.majority);
}

/* Two of four against two of four is no majority, whoever comes first. */
static void test_halves_are_no_majority(void)
{
    struct clock_interval halves[] = { { 0, 10 }, { 100, 10 }, { 1, 10 }, { 101, 10 } };
    struct clock_agreement agreement;

    clock_agree(halves, 4, &agreement);
    g_assert_false(agreement.majority);
}

/* ---- source.h ---- */

static void test_sources(void)
{
    static const struct {
        const char *text, *host;
        guint16 port;
        gboolean nts;
        const char *runner;
    } good[] = {
        { "nts://time.example.org", "time.example.org", 4460, TRUE, "example.org" },
        { "nts://a.b.Example.ORG:99", "a.b.Example.ORG", 99, TRUE, "example.org" },
        { "ntp://192.0.2.1", "192.0.2.1", 123, FALSE, "192.0.2.1" },
        { "ntp://[2001:db8::1]:1123", "2001:db8::1", 1123, FALSE, "2001:db8::1" },
        { "ntp://2001:db8::1", "2001:db8::1", 123, FALSE, "2001:db8::1" },
        { "clock", "clock", 123, FALSE, "clock" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(clock_source_t) source = clock_source_parse(good[i].text, NULL);
        g_autofree char *runner = NULL;

        g_assert_nonnull(source);
        g_assert_cmpstr(source->host, ==, good[i].host);
        g_assert_cmpuint(source->port, ==, good[i].port);
        g_assert_cmpint(source->nts, ==, good[i].nts);
        runner = clock_source_operator(source);
        g_assert_cmpstr(runner, ==, good[i].runner);
    }
}

/* ---- local.h ---- */

static void test_what_daemons_say(void)
{
    struct local_clock local = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_true(local_read_tracking("C0000201,192.0.2.1,3,1795000000.1,-0.000123,0.0,0.0,1.5,0.0,"
                                      "0.1,0.012,0.0034,64.0,Normal\n",
                                      &local, NULL));
    g_assert_cmpstr(local.reference, ==, "192.0.2.1");
    g_assert_cmpuint(local.stratum, ==, 3);
    g_assert_cmpint(local.offset_us, ==, -123);
    g_assert_cmpint(local.root_delay_us, ==, 12000);
    g_assert_true(local_read_sources("^,*,192.0.2.1,2,6,377,10,0.1,0.1,0.1\n"
                                     "^,x,192.0.2.2,2,6,0,10,0.1,0.1,0.1\n",
                                     &local, NULL));
    g_assert_cmpuint(local.sources, ==, 2);
    g_assert_cmpuint(local.selectable, ==, 1);
    g_assert_cmpuint(local.reachable, ==, 1);
    g_assert_false(local_read_tracking("506 Cannot talk to daemon", &local, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_false(local_read_tracking("a,b,3,1,nan,0,0,0,0,0,0,0,0,Normal", &local, NULL));
    g_assert_false(local_read_sources("^,*", &local, NULL));
    local_clock_clear(&local);
    g_assert_true(local_read_variables("associd=0 status=0615 leap_none, sync_ntp, 1 event, "
                                       "clock_sync,\nversion=\"ntpd 1.2\", leap=00, stratum=2,\n"
                                       "rootdelay=1.5, rootdisp=12.25, refid=192.0.2.9,\n"
                                       "offset=-0.5, sys_jitter=0.1\n",
                                       &local, NULL));
    g_assert_cmpstr(local.reference, ==, "192.0.2.9");
    g_assert_cmpint(local.offset_us, ==, -500);
    g_assert_cmpint(local.root_dispersion_us, ==, 12250);
    local_clock_clear(&local);
    g_assert_false(local_read_variables("stratum=17", &local, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/siv/rfc", test_siv_seals_as_the_rfc_does);
    g_test_add_func("/siv/openssl", test_siv_is_that_of_openssl);
    g_test_add_func("/siv/empty", test_siv_of_an_empty_text);
    g_test_add_func("/ntp/eras", test_times_in_both_eras);
    g_test_add_func("/ntp/request", test_a_request_tells_nothing);
    g_test_add_func("/ntp/answers", test_which_answers_count);
    g_test_add_func("/ntp/fields", test_fields_stay_in_their_packet);
    g_test_add_func("/nts/answer", test_what_a_server_may_answer);
    g_test_add_func("/nts/refused", test_what_a_server_may_not_answer);
    g_test_add_func("/nts/forged", test_only_the_key_holder_answers);
    g_test_add_func("/agreement/truth", test_who_tells_the_truth);
    g_test_add_func("/agreement/halves", test_halves_are_no_majority);
    g_test_add_func("/source", test_sources);
    g_test_add_func("/local", test_what_daemons_say);
    return g_test_run();
}
