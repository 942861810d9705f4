/* zone_file.h, zone_data.h, zonemd.h and net/dns_wire.h: zones as text, and their digests. */
#include "base/error.h"
#include "p2_internet/zone/zonemd.h"

#include <string.h>

#define HEAD                                                                                       \
    "$ORIGIN example.\n$TTL 86400\n"                                                               \
    "@ SOA ns1 admin 2018031900 1800 900 604800 86400\n@ NS ns1\n@ NS ns2\n"                       \
    "ns1 3600 A 203.0.113.63\nns2 3600 AAAA 2001:db8::63\n"
#define DIGEST                                                                                     \
    "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e73"  \
    "0044c"

static struct zone_records *read_text(const char *text)
{
    GError *error = NULL;
    struct zone_records *records = zone_file_read(text, strlen(text), "test", NULL, &error);

    g_assert_no_error(error);
    return records;
}

static enum zonemd_verdict verdict_of(const char *text)
{
    g_autoptr(zone_records_t) records = read_text(text);
    struct zonemd_result result;
    enum zonemd_verdict verdict;
    GError *error = NULL;

    g_assert_true(zonemd_verify(records, &result, &error));
    g_assert_no_error(error);
    verdict = result.verdict;
    g_assert_true((verdict == ZONEMD_VERIFIED) == (result.why == NULL));
    zonemd_result_clear(&result);
    return verdict;
}

static void test_published_zones(void)
{
    static const char *const files[] = { "rfc8976-example.zone", "good.test.zonemd.zone" };

    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *text = NULL;
        g_autofree char *path =
            g_test_build_filename(G_TEST_DIST, "vectors", "zone", files[i], NULL);

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpint(verdict_of(text), ==, ZONEMD_VERIFIED);
    }
}

static void test_verdicts(void)
{
    static const struct {
        const char *more;
        enum zonemd_verdict verdict;
    } cases[] = {
        { "", ZONEMD_NONE },
        { "@ ZONEMD 2018031900 1 1 " DIGEST "\n", ZONEMD_VERIFIED },
        /* In upper case, over two lines, a record twice, one outside of the zone. */
        { "@ 0 ZONEMD 2018031900 1 1 (\n" DIGEST " ) ; that is all\nNS1 3600 A 203.0.113.63\n"
          "other.test. 1 A 192.0.2.1\n",
          ZONEMD_VERIFIED },
        { "@ ZONEMD 2018031900 1 1 " DIGEST "\nnew A 192.0.2.1\n", ZONEMD_MISMATCH },
        /* Not at the apex: a record as any other. */
        { "@ ZONEMD 2018031900 1 1 " DIGEST "\nsub ZONEMD 2018031900 1 1 " DIGEST "\n",
          ZONEMD_MISMATCH },
        { "@ ZONEMD 2018031901 1 1 " DIGEST "\n", ZONEMD_UNUSABLE },
        { "@ ZONEMD 2018031900 2 1 " DIGEST "\n", ZONEMD_UNUSABLE },
        { "@ ZONEMD 2018031900 1 240 " DIGEST "\n", ZONEMD_UNUSABLE },
        { "@ ZONEMD 2018031900 1 2 " DIGEST "\n", ZONEMD_UNUSABLE },
        { "@ ZONEMD 2018031900 1 1 c68090d90a7aed716bc4\n", ZONEMD_UNUSABLE },
        { "@ ZONEMD 2018031900 1 1 " DIGEST "\n@ ZONEMD 2018031900 1 1 00" DIGEST "\n",
          ZONEMD_UNUSABLE },
        /* Another, unknown one beside it changes nothing. */
        { "@ ZONEMD 2018031900 1 240 00" DIGEST "\n@ ZONEMD 2018031900 1 1 " DIGEST "\n",
          ZONEMD_VERIFIED },
        { "@ TYPE63 \\# 54 7848b91c 01 01 " DIGEST "\n", ZONEMD_VERIFIED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(HEAD, cases[i].more, NULL);

        g_test_message("%s", cases[i].more);
        g_assert_cmpint(verdict_of(text), ==, cases[i].verdict);
    }
}

static void test_what_is_refused(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "a.test. A 192.0.2.1\n", "test:1: no time to live" },
        { "$TTL 1\nA 192.0.2.1\n", "test:2: \"A\" is relative" },
        { "$TTL 1\na.test. A 192.0.2.256\n", "test:2: \"192.0.2.256\" is no address" },
        { "$TTL 1\na.test. CH A 192.0.2.1\n", "class other than IN" },
        { "$TTL 1\na..test. A 192.0.2.1\n", "\"a..test.\" is no name" },
        { "$TTL 1\na.test. TXT \"open\n", "does not end" },
        { "$TTL 1\na.test. TXT ( \"open\"\n", "test:3: a parenthesis does not close" },
        { "$TTL 1\na.test. MX 10\n", "ends too early" },
        { "$TTL 1\na.test. MX 10 b.test. c.test.\n", "\"c.test.\" is too much" },
        { "$TTL 1\na.test. TYPE999 1\n", "read as \\#" },
        { "$TTL 1\na.test. TYPE999 \\# 2 00\n", "has not the length" },
        { "$INCLUDE other\n", "$INCLUDE is not read" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(zone_file_read(cases[i].text, strlen(cases[i].text), "test", NULL, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        if (!strstr(error->message, cases[i].why))
            g_error("%s: %s", cases[i].text, error->message);
    }
}

static void test_names(void)
{
    static const char *const order[] = { /* RFC 4034 section 6.1 */
                                         "example",         "a.example",      "yljkjljk.a.example",
                                         "Z.a.example",     "zABC.a.EXAMPLE", "z.example",
                                         "\\001.z.example", "*.z.example",    "\\200.z.example"
    };
    guint8 a[DNS_NAME_MAX], b[DNS_NAME_MAX];
    g_autofree char *text = NULL;
    g_autofree char *label = g_strnfill(64, 'a');

    for (gsize i = 1; i < G_N_ELEMENTS(order); i++) {
        g_assert_cmpuint(dns_name_parse(order[i - 1], a), >, 0);
        g_assert_cmpuint(dns_name_parse(order[i], b), >, 0);
        g_assert_cmpint(dns_name_compare(a, b), <, 0);
        g_assert_cmpint(dns_name_compare(b, a), >, 0);
    }
    g_assert_cmpuint(dns_name_parse("A\\.b.ex\\032ample.", a), ==, 14);
    text = dns_name_text(a);
    g_assert_cmpstr(text, ==, "A\\.b.ex\\032ample.");
    g_assert_cmpuint(dns_name_parse("a\\.B.EX\\032AMPLE", b), ==, 14);
    g_assert_true(dns_name_equal(a, b));
    g_assert_true(dns_name_within(a, dns_name_parent(b)));
    g_assert_false(dns_name_within(dns_name_parent(a), b));
    g_assert_cmpuint(dns_name_parse(".", a), ==, 1);
    g_assert_cmpuint(dns_name_parse("", a), ==, 0);
    g_assert_cmpuint(dns_name_parse("..", a), ==, 0);
    g_assert_cmpuint(dns_name_parse("a\\256", a), ==, 0);
    g_assert_cmpuint(dns_name_parse(label, a), ==, 0);
    label[63] = '\0';
    g_assert_cmpuint(dns_name_parse(label, a), ==, 65);
}

static void test_messages(void)
{
    static const guint8 answer[] = {
        0x12, 0x34, 0x84, 0x00, 0,    1, 0,    1,    0,   0,   0, 1, /* QR AA, one answer, one OPT
                                                                      */
        4,    'M',  'a',  'i',  'l',  4, 't',  'e',  's', 't', 0, 0,  15, 0,   1,   0xc0, 12,
        0,    15,   0,    1,    0,    0, 0x0e, 0x10, 0,   7,   0, 10, 2,  'm', 'x', 0xc0, 17,
        0,    0,    41,   0x04, 0xd0, 1, 0,    0x80, 0,   0,   6, 0,  3,  0,   2,   'i',  'd',
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(dns_packet_t) packet = dns_packet_read(answer, sizeof answer, &error);
    const struct dns_record *record;
    g_autofree char *owner = NULL;
    guint16 length;

    g_assert_no_error(error);
    g_assert_cmpuint(packet->rcode, ==, 16); /* BADVERS: its upper bits stand in the OPT record */
    g_assert_cmpuint(packet->edns_size, ==, 1232);
    g_assert_cmpuint(packet->edns_flags, ==, 0x8000);
    g_assert_cmpmem(dns_packet_option(packet, 3, &length), 2, "id", 2);
    g_assert_null(dns_packet_option(packet, 10, &length));
    g_assert_cmpuint(packet->records->len, ==, 1);
    record = &g_array_index(packet->records, struct dns_record, 0);
    owner = dns_name_text(record->owner);
    g_assert_cmpstr(owner, ==, "Mail.test.");
    g_assert_cmpmem(record->data, record->length, "\0\012\2mx\4test", 11);
    for (gsize length_cut = 0; length_cut < sizeof answer; length_cut++) {
        g_autofree guint8 *cut = g_memdup2(answer, MAX(length_cut, 1));

        g_assert_null(dns_packet_read(cut, length_cut, NULL));
    }
}

/* A name that points at itself, or forwards, is no name. */
static void test_pointers_that_loop(void)
{
    static const guint8 loops[][18] = {
        { 0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1 },
        { 0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 14, 0, 1, 0, 1 },
        { 0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 1, 0, 1 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(loops); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(dns_packet_read(loops[i], sizeof loops[i], &error));
        g_assert_nonnull(strstr(error->message, "byte 12"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zonemd/published", test_published_zones);
    g_test_add_func("/zonemd/verdicts", test_verdicts);
    g_test_add_func("/zone-file/refused", test_what_is_refused);
    g_test_add_func("/dns/names", test_names);
    g_test_add_func("/dns/messages", test_messages);
    g_test_add_func("/dns/pointers", test_pointers_that_loop);
    return g_test_run();
}
