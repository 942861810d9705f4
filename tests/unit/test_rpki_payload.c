/* Files of RPKI payloads in all their forms: rpki/payload.h and its parsers (payload_json.c,
 * payload_csv.c, payload_words.c, payload_text.c, payload_put.c). */
#include "base/error.h"
#include "rpki/payload.h"

#include <glib/gstdio.h>
#include <string.h>

#define NOW_S G_GINT64_CONSTANT(1767225600) /* 2026-01-01 */

static struct payload *empty(void)
{
    return payload_new(NOW_S * G_USEC_PER_SEC);
}

static struct payload *taken(const char *text)
{
    struct payload *payload = empty();
    g_autoptr(GError) error = NULL;

    payload_take(payload, text, strlen(text), "file", &error);
    g_assert_no_error(error);
    payload_finish(payload);
    return payload;
}

/* What the sets hold, a line each. */
static char *contents(struct payload *payload)
{
    GString *out = g_string_new(NULL);
    const guint32 *providers;
    struct vrp vrp;
    guint32 customer;
    gsize count;

    for (gsize i = 0; vrp_set_at(payload_vrps(payload), i, &vrp); i++) {
        char text[IP_PREFIX_TEXT];

        ip_prefix_format(&vrp.prefix, text);
        g_string_append_printf(out, "%s-%u AS%u", text, vrp.max_length, vrp.asn);
        if (vrp.anchor)
            g_string_append_printf(out, " %s",
                                   vrp_set_anchor_name(payload_vrps(payload), vrp.anchor));
        if (vrp.expires_s)
            g_string_append_printf(out, " %u", vrp.expires_s);
        g_string_append_c(out, '\n');
    }
    for (gsize i = 0; aspa_set_at(payload_aspas(payload), i, &customer, &providers, &count); i++) {
        g_string_append_printf(out, "AS%u:", customer);
        for (gsize j = 0; j < count; j++)
            g_string_append_printf(out, " %u", providers[j]);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static void holds(const char *text, enum payload_form form, const char *wanted)
{
    g_autoptr(payload_t) payload = taken(text);
    const struct payload_file *file = payload_files(payload)->pdata[0];
    g_autofree char *found = contents(payload);

    g_assert_cmpstr(found, ==, wanted);
    g_assert_cmpstr(payload_form_name(file->form), ==, payload_form_name(form));
}

static void refused(const char *text, const char *why)
{
    g_autoptr(payload_t) payload = empty();
    g_autoptr(GError) error = NULL;

    g_assert_false(payload_take(payload, text, strlen(text), "file", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_cmpstr(error->message, ==, why);
}

static void test_rpki_client(void)
{
    static const char text[] =
        "{\"metadata\":{\"buildmachine\":\"lab\",\"buildtime\":\"2025-12-30T00:00:00Z\"},\n"
        "\"roas\":[{\"asn\":64500,\"prefix\":\"10.0.0.0/16\",\"maxLength\":24,\"ta\":\"ripe\","
        "\"expires\":1767229200},"
        "{\"asn\":64501,\"prefix\":\"10.1.0.0/16\",\"maxLength\":16,\"ta\":\"ripe\","
        "\"expires\":1767225600}],\n"
        "\"bgpsec_keys\":[{\"asn\":1,\"ski\":\"aa\",\"pubkey\":\"bb\",\"ta\":\"ripe\"}],\n"
        "\"aspas\":[{\"customer_asid\":64500,\"expires\":1767229200,\"providers\":[64511,64510]},"
        "{\"customer_asid\":64503,\"expires\":1767229200,\"providers\":[0]}]}";
    g_autoptr(payload_t) payload = taken(text);
    const struct payload_file *file = payload_files(payload)->pdata[0];

    holds(text, PAYLOAD_RPKI_CLIENT,
          "10.0.0.0/16-24 AS64500 ripe 1767229200\nAS64500: 64510 64511\nAS64503:\n");
    g_assert_true(file->is_stale);
    g_assert_cmpint(file->built_us, ==, (NOW_S - 2 * 86400) * G_USEC_PER_SEC);
    g_assert_cmpuint(file->expired, ==, 1); /* at its last second it is over */
    g_assert_cmpuint(file->vrps, ==, 1);
    g_assert_cmpuint(file->aspas, ==, 2);
    g_assert_cmpuint(file->router_keys, ==, 1);
}

static void test_older_aspas(void)
{
    holds("{\"metadata\":{\"buildtime\":\"2026-01-01T00:00:00Z\"},\"roas\":[],"
          "\"provider_authorizations\":{\"ipv4\":[{\"customer_asid\":64500,\"expires\":4000000000,"
          "\"providers\":[64510]}],\"ipv6\":[{\"customer_asid\":64500,\"expires\":4000000000,"
          "\"providers\":[64510,64511]}]}}",
          PAYLOAD_RPKI_CLIENT, "AS64500: 64510 64511\n");
    holds("{\"metadata\":{\"generated\":1767225600},\"roas\":[],\"aspas\":[{\"customer\":\"AS1\","
          "\"afi\":\"ipv4\",\"providers\":[\"AS2\"],\"ta\":\"x\"},{\"customer\":\"AS1\",\"afi\":"
          "\"ipv6\",\"providers\":[\"AS3\"],\"ta\":\"x\"}]}",
          PAYLOAD_ROUTINATOR, "AS1: 2 3\n");
}

static void test_routinator(void)
{
    holds("{\"metadata\":{\"generated\":1767225600,\"generatedTime\":\"2026-01-01T00:00:00Z\"},"
          "\"roas\":[{\"asn\":\"AS64500\",\"prefix\":\"2001:db8::/32\",\"maxLength\":48,\"ta\":"
          "\"arin\"},{\"asn\":\"64501\",\"prefix\":\"192.0.2.0/24\",\"ta\":\"arin\"}],"
          "\"routerKeys\":[]}",
          PAYLOAD_ROUTINATOR, "192.0.2.0/24-24 AS64501 arin\n2001:db8::/32-48 AS64500 arin\n");
    /* jsonext: of several sources the one that lasts longest counts, each with its chain */
    holds(
        "{\"metadata\":{\"generated\":1767225600},\"roas\":[{\"asn\":\"AS64500\",\"prefix\":"
        "\"192.0.2.0/24\",\"maxLength\":24,\"source\":[{\"type\":\"roa\",\"tal\":\"ripe\",\"uri\":"
        "\"rsync://rpki.example/a.roa\",\"validity\":{\"notBefore\":\"2025-01-01T00:00:00Z\","
        "\"notAfter\":\"2027-01-01T00:00:00Z\"},\"chainValidity\":{\"notBefore\":"
        "\"2025-01-01T00:00:00Z\",\"notAfter\":\"2026-01-03T00:00:00Z\"},\"stale\":"
        "\"2026-01-02T00:00:00Z\"},{\"type\":\"roa\",\"tal\":\"ripe\",\"validity\":{\"notAfter\":"
        "\"2026-01-02T00:00:00Z\"}},{\"type\":\"exception\",\"path\":\"/x\"}]}]}",
        PAYLOAD_ROUTINATOR, "192.0.2.0/24-24 AS64500 ripe 1767398400\n");
}

static void test_csv(void)
{
    holds("ASN,IP Prefix,Max Length,Trust Anchor\nAS64500,10.0.0.0/16,24,ripe\r\n"
          "AS0,2001:db8::/32,32,arin\n",
          PAYLOAD_CSV, "10.0.0.0/16-24 AS64500 ripe\n2001:db8::/32-32 AS0 arin\n");
    holds("\"ASN\",\"IP Prefix\",\"Max Length\",\"Trust Anchor\"\n"
          "\"64500\",\"10.0.0.0/16\",\"24\",\"ripe\"",
          PAYLOAD_CSV, "10.0.0.0/16-24 AS64500 ripe\n");
    holds("ASN,IP Prefix,Max Length,Trust Anchor,Expires\nAS1,10.0.0.0/16,,ripe,1767225601\n"
          "AS1,10.1.0.0/16,16,ripe,1767225599\n",
          PAYLOAD_CSV, "10.0.0.0/16-16 AS1 ripe 1767225601\n");
    holds("URI,ASN,IP Prefix,Max Length,Not Before,Not After\n"
          "rsync://r/a.roa,AS1,10.0.0.0/16,24,2025-01-01 00:00:00,2026-01-03 00:00:00\n",
          PAYLOAD_CSV, "10.0.0.0/16-24 AS1 1767398400\n");
}

static void test_openbgpd(void)
{
    holds(
        "# Generated on host lab\nroa-set {\n\t10.0.0.0/16 maxlen 24 source-as 64500 expires "
        "1767229200\n\t2001:db8::/32 source-as 64501\n\t10.9.0.0/16 source-as 1 expires 5\n}\n"
        "aspa-set {\n\tcustomer-as 64500 expires 1767229200 provider-as { 64510, 64511 allow inet "
        "}\n\tcustomer-as 64501 provider-as { 0 }\n}\n",
        PAYLOAD_OPENBGPD,
        "10.0.0.0/16-24 AS64500 1767229200\n2001:db8::/32-32 AS64501\n"
        "AS64500: 64510 64511\nAS64501:\n");
    holds("roa-set { }", PAYLOAD_OPENBGPD, "");
}

static void test_bird(void)
{
    holds("define force = 1;\nroa4 table ROAS4;\nprotocol static {\n  roa4 { table ROAS4; };\n"
          "  route 10.0.0.0/16 max 24 as 64500;\n  route 10.1.0.0/16 as 1; # said twice\n}\n"
          "protocol static { aspa { table A; };\n route aspa 64500 providers 64510, 64511;\n"
          " route aspa 64501 transit;\n}\n",
          PAYLOAD_BIRD,
          "10.0.0.0/16-24 AS64500\n10.1.0.0/16-16 AS1\nAS64500: 64510 64511\nAS64501:\n");
    holds("roa table r {\n roa 2001:db8::/32 max 48 as 64500;\n}", PAYLOAD_BIRD,
          "2001:db8::/32-48 AS64500\n");
}

static void test_refusals(void)
{
    refused("", "file: is empty");
    refused("  ", "file: is empty");
    refused("{}", "file: JSON without \"roas\", \"aspas\" or \"slurmVersion\"");
    refused("[]", "file: byte 1: a list, where an object with \"roas\" belongs");
    refused("hello, world\n", "file: line 1: none of the forms that RPKI payloads are written in");
    refused("roa-set {\n 10.0.0.0/16 source-as x\n}", "file: line 2: \"x\" is not an AS number");
    refused("roa-set {\n 10.0.0.0/16 source-as 1\n", "file: line 2: ends in the middle of a set");
    refused("roa-set {\n10.0.0.0/16\n}", "file: line 3: 10.0.0.0/16: without an AS number");
    refused("route 10.0.0.0/16 max 33 as 1;",
            "file: line 1: 10.0.0.0/16: maxLength 33 (it is to be 16 to 32)");
    refused("ASN,IP Prefix\nAS1,10.0.0.0/16\nAS4294967296,10.0.0.0/16",
            "file: line 3: \"AS4294967296\" is not an AS number");
    refused("ASN,IP Prefix\nAS1,10.0.0.0/16,24", "file: line 2: more fields than the heading has");
    refused("{\"slurmVersion\":3}",
            "file: byte 17: version 3 of SLURM, of which 1 and 2 are known");
    refused("{\"roas\":[{\"asn\":1}]}", "file: byte 18: a payload without a prefix");
    refused("{\"roas\":[{\"asn\":1,\"prefix\":\"10.0.0.0/16\",\"maxLength\":8}]}",
            "file: byte 55: 10.0.0.0/16: maxLength 8 (it is to be 16 to 32)");
    refused("{\"aspas\":[{\"providers\":[1]}]}", "file: byte 27: an ASPA without its customer");
}

static void refused_somehow(const char *text, const char *part)
{
    g_autoptr(payload_t) payload = empty();
    g_autoptr(GError) error = NULL;

    g_assert_false(payload_take(payload, text, strlen(text), "file", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, part));
}

static void test_host_bits_are_refused(void)
{
    refused_somehow("{\"roas\":[{\"asn\":1,\"prefix\":\"10.0.0.1/16\"}]}", "byte 40");
    refused_somehow("roa-set { 10.0.0.1/16 source-as 1 }", "line 1");
    refused_somehow("{\"roas\":[{\"asn\":1,\"prefix\":\"10.0.0.0/16\"}", "premature EOF");
}

/* --- SLURM --- */

static const char payloads[] =
    "ASN,IP Prefix,Max Length,Trust Anchor\nAS64500,10.0.0.0/16,24,t\nAS64501,10.0.1.0/24,24,t\n"
    "AS64502,192.0.2.0/24,24,t\nAS64503,192.0.2.0/24,24,t\n";

static char *with_slurm(const char *slurm, guint64 filtered, guint64 asserted)
{
    static const guint32 providers[] = { 2, 3 };
    g_autoptr(aspa_set_t) aspas = aspa_set_new();
    g_autoptr(payload_t) payload = empty();
    g_autoptr(GError) error = NULL;

    aspa_set_add(aspas, 1, providers, 2, 0);
    aspa_set_seal(aspas);
    payload_add(payload, NULL, aspas);
    payload_take(payload, slurm, strlen(slurm), "slurm", &error);
    g_assert_no_error(error);
    payload_take(payload, payloads, strlen(payloads), "payloads", &error);
    g_assert_no_error(error);
    payload_finish(payload);
    g_assert_cmpuint(payload_filtered(payload), ==, filtered);
    g_assert_cmpuint(payload_asserted(payload), ==, asserted);
    return contents(payload);
}

static void test_slurm(void)
{
    g_autofree char *first = with_slurm(
        "{\"slurmVersion\":1,\"validationOutputFilters\":{\"prefixFilters\":[{\"prefix\":"
        "\"10.0.0.0/16\",\"comment\":\"all in it\"},{\"asn\":64502},{\"prefix\":\"192.0.0.0/16\","
        "\"asn\":64501}],\"bgpsecFilters\":[]},\"locallyAddedAssertions\":{\"prefixAssertions\":"
        "[{\"asn\":64510,\"prefix\":\"10.0.0.0/16\",\"maxPrefixLength\":20},{\"asn\":64511,"
        "\"prefix\":\"2001:db8::/32\"}],\"bgpsecAssertions\":[]}}",
        3, 2);
    g_autofree char *second = with_slurm(
        "{\"slurmVersion\":2,\"validationOutputFilters\":{\"prefixFilters\":[],\"bgpsecFilters\":"
        "[],\"aspaFilters\":[{\"customerAsn\":1}]},\"locallyAddedAssertions\":{"
        "\"prefixAssertions\":[],\"bgpsecAssertions\":[],\"aspaAssertions\":[{\"customerAsn\":7,"
        "\"providerAsns\":[8,9]}]}}",
        1, 1);

    g_assert_cmpstr(first, ==,
                    "10.0.0.0/16-20 AS64510\n192.0.2.0/24-24 AS64503 t\n2001:db8::/32-32 AS64511\n"
                    "AS1: 2 3\n");
    g_assert_cmpstr(second, ==,
                    "10.0.0.0/16-24 AS64500 t\n10.0.1.0/24-24 AS64501 t\n192.0.2.0/24-24 AS64502 "
                    "t\n192.0.2.0/24-24 AS64503 t\nAS7: 8 9\n");
}

/* --- files --- */

static void test_the_same_in_all_forms(void)
{
    static const char *const names[] = { "vrps.rpki-client.json.gz", "vrps.routinator.json.gz",
                                         "vrps.routinator.csv.gz", "vrps.openbgpd.conf.gz" };
    g_autoptr(payload_t) payload = empty();

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(g_getenv("ENTENTE_SHARED"), "data", "public_core",
                                                 "vrp", names[i], NULL);
        g_autoptr(GError) error = NULL;
        const struct payload_file *file;

        if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
            g_test_skip("no shared data");
            return;
        }
        payload_read(payload, path, &error);
        g_assert_no_error(error);
        file = payload_files(payload)->pdata[i];
        g_assert_cmpuint(file->vrps, ==, 1193);
    }
    payload_finish(payload);
    g_assert_cmpuint(vrp_set_count(payload_vrps(payload)), ==, 1193);
}

static void test_files_are_read_in_a_worker(void)
{
    g_autofree char *folder = g_dir_make_tmp("payload-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "vrps.csv", NULL);
    g_autoptr(payload_t) payload = empty();
    g_autoptr(GError) error = NULL;
    g_autofree char *found = NULL, *wanted = NULL;

    g_assert_true(g_file_set_contents(path, payloads, -1, NULL));
    payload_read(payload, path, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_set_contents(path, "ASN,IP Prefix\nAS1,10.0.0.0/33\n", -1, NULL));
    g_assert_false(payload_read(payload, path, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    wanted = g_strconcat(path, ": line 2: ", NULL);
    g_assert_true(g_str_has_prefix(error->message, wanted));
    g_clear_error(&error);
    g_remove(path);
    g_assert_false(payload_read(payload, path, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    payload_finish(payload);
    found = contents(payload);
    g_assert_true(g_str_has_prefix(found, "10.0.0.0/16-24 AS64500 t\n"));
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/payload/rpki-client", test_rpki_client);
    g_test_add_func("/payload/older-aspas", test_older_aspas);
    g_test_add_func("/payload/routinator", test_routinator);
    g_test_add_func("/payload/csv", test_csv);
    g_test_add_func("/payload/openbgpd", test_openbgpd);
    g_test_add_func("/payload/bird", test_bird);
    g_test_add_func("/payload/refusals", test_refusals);
    g_test_add_func("/payload/host-bits", test_host_bits_are_refused);
    g_test_add_func("/payload/slurm", test_slurm);
    g_test_add_func("/payload/all-forms", test_the_same_in_all_forms);
    g_test_add_func("/payload/worker", test_files_are_read_in_a_worker);
    return g_test_run();
}
