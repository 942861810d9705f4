/*
 * Sightings (sighting, sighting_write): what was seen is said, and nothing of the log; nobody
 * learns what is not for them.
 */
#include "p1_resilience/intel/sighting.h"

#include "p1_resilience/intel/stix.h"

#include <stdlib.h>
#include <string.h>

#define AUTHOR "identity--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
#define EVIL "indicator--11111111-1111-4111-8111-111111111111"
#define SECRET "indicator--22222222-2222-4222-8222-222222222222"
#define PARTIAL "indicator--33333333-3333-4333-8333-333333333333"
#define GONE "indicator--44444444-4444-4444-8444-444444444444"
#define LATE "indicator--55555555-5555-4555-8555-555555555555"
#define ATTRIBUTE "5eb75e5a-d1fc-4b7a-8d6e-0a3ac0a8016a"
#define RED "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"

#define INDICATOR(ID, PATTERN, MORE)                                                               \
    "{'type':'indicator','spec_version':'2.1','id':'" ID "','created_by_ref':'" AUTHOR             \
    "','created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00.000Z',"                \
    "'valid_from':'2020-01-01T00:00:00Z','pattern_type':'stix','pattern':\"" PATTERN "\"" MORE "}"

static const char bundle[] =
    "{'type':'bundle','id':'bundle--1b1b1b1b-1111-4111-8111-111111111111','objects':["
    "{'type':'identity','spec_version':'2.1','id':'" AUTHOR "','name':'CERT Example',"
    "'created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00.000Z'}";
static const char *const indicators[] = {
    INDICATOR(EVIL, "[domain-name:value = 'evil.example' OR domain-name:value = 'worse.example']",
              ",'object_marking_refs':['" GREEN "']"),
    INDICATOR(SECRET, "[ipv4-addr:value = '192.0.2.66']", ",'object_marking_refs':['" RED "']"),
    INDICATOR(PARTIAL, "[domain-name:value = 'half.example' AND file:size > 1]", ""),
    INDICATOR(GONE, "[domain-name:value = 'gone.example']", ",'revoked':true"),
    INDICATOR(LATE, "[domain-name:value = 'late.example']",
              ",'valid_until':'2026-11-02T00:00:00Z'"),
};

static const char event[] =
    "{'Event':{'uuid':'5eb75e5a-0000-4b7a-8d6e-0a3ac0a8016a','info':'x','date':'2020-01-01',"
    "'threat_level_id':'1','analysis':'2','timestamp':'1577836800','Orgc':{'name':'Other CERT',"
    "'uuid':'5eb75e5a-0001-4b7a-8d6e-0a3ac0a8016a'},'Tag':[{'name':'tlp:green'}],'Attribute':["
    "{'uuid':'" ATTRIBUTE "','type':'domain','category':'Network activity','to_ids':true,"
    "'value':'misp.example','timestamp':'1577836800'}]}}";

static const char hits[] =
    "{'kind':'domain','indicator':'evil.example','file':'/var/log/private.log','line':7,"
    "'token':'alice.evil.example','time':'2026-11-01T10:00:00Z'}\n"
    "{'kind':'domain','indicator':'worse.example','time':'2026-11-03T10:00:00.5Z'}\n"
    "{'kind':'domain','indicator':'evil.example','time':'2026-11-02T10:00:00Z'}\n"
    "\n"
    "{'kind':'ipv4','indicator':'192.0.2.66'}\n"
    "{'kind':'domain','indicator':'half.example'}\n"
    "{'kind':'domain','indicator':'gone.example'}\n"
    "{'kind':'domain','indicator':'late.example','time':'2026-11-01T23:59:59Z'}\n"
    "{'kind':'domain','indicator':'late.example','time':'2026-11-02T00:00:00Z'}\n"
    /* The name alone has the key of the domain, and is not asserted. */
    "{'kind':'host','indicator':'evil.example'}\n"
    "{'kind':'domain','indicator':'listed.example'}\n"
    "{'kind':'domain','indicator':'elsewhere.example'}\n"
    "{'kind':'domain','indicator':'evil.example','suppressed_by':'top sites'}\n"
    "{'kind':'domain','indicator':'misp.example','time':'2026-11-05T00:00:00Z'}\n"
    "{'summary':{'hits':9}}";

#define NOW G_GINT64_CONSTANT(1795000000000000) /* 2026-11-18 */

/* Single quotes for double ones, but within a pattern, which stands in double ones already. */
static char *json_of(const char *text)
{
    GString *out = g_string_new(NULL);
    gboolean pattern = FALSE;

    for (; *text; text++) {
        pattern ^= *text == '"';
        g_string_append_c(out, *text == '\'' && !pattern ? '"' : *text);
    }
    return g_string_free(out, FALSE);
}

static void add_feed(hunt_compiler_t *compiler, feed_report_t *report, const char *text,
                     const char *name)
{
    const struct feed_options options = { .tlp = TLP_AMBER };
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(GError) error = NULL;

    feed_read_bytes(bytes, name, &options, report, hunt_compiler_take, compiler, &error);
    g_assert_no_error(error);
}

struct fixture {
    char *folder;
    hunt_table_t *table;
    sightings_t *sightings;
};

static void set_up(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(feed_report_t) report = feed_report_new();
    g_autoptr(GString) objects = g_string_new(bundle);
    g_autofree char *path = NULL, *stix = NULL, *misp = json_of(event);
    g_autoptr(hunt_compiler_t) compiler = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(indicators); i++)
        g_string_append_printf(objects, ",%s", indicators[i]);
    stix = json_of(g_string_append(objects, "]}")->str);
    fixture->folder = g_dir_make_tmp("entente-sighting-XXXXXX", NULL);
    path = g_build_filename(fixture->folder, "intel.table", NULL);
    compiler = hunt_compiler_new(path, NOW, 0, &error);
    g_assert_no_error(error);
    add_feed(compiler, report, stix, "bundle.json");
    add_feed(compiler, report, misp, "event.json");
    add_feed(compiler, report, "listed.example\n", "list.txt");
    hunt_compiler_finish(compiler, report, NULL, &error);
    g_assert_no_error(error);
    fixture->table = hunt_table_open(path, &error);
    g_assert_no_error(error);
    fixture->sightings = sightings_new();
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *remove = g_strdup_printf("rm -rf %s", fixture->folder);

    (void)data;
    sightings_free(fixture->sightings);
    hunt_table_free(fixture->table);
    g_assert_cmpint(system(remove), ==, 0);
    g_free(fixture->folder);
}

static void count(struct fixture *fixture, gboolean false_positives, gboolean partial)
{
    const struct sighting_options options = { false_positives, partial, NOW };
    g_autofree char *text = json_of(hits);
    g_autoptr(GError) error = NULL;

    sighting_from_hits(fixture->sightings, text, strlen(text), "hits", fixture->table, &options,
                       &error);
    g_assert_no_error(error);
}

static void test_counting(struct fixture *fixture, gconstpointer data)
{
    const struct sighting *evil;

    (void)data;
    count(fixture, FALSE, FALSE);
    g_assert_cmpuint(fixture->sightings->list->len, ==, 4);
    evil = fixture->sightings->list->pdata[0];
    g_assert_cmpstr(evil->object, ==, EVIL);
    g_assert_cmpuint(evil->count, ==, 3);
    g_assert_cmpint(evil->last_us - evil->first_us, ==, 2 * G_TIME_SPAN_DAY + G_USEC_PER_SEC / 2);
    g_assert_cmpint(evil->level, ==, TLP_GREEN);
    g_assert_true(sighting_is_of(evil, "cert example"));
    g_assert_true(sighting_is_of(evil, AUTHOR));
    g_assert_false(sighting_is_of(evil, "Other CERT"));
    g_assert_cmpuint(fixture->sightings->hits, ==, 6);
    g_assert_cmpuint(fixture->sightings->suppressed, ==, 1);
    g_assert_cmpuint(fixture->sightings->partial, ==, 1);
    g_assert_cmpuint(fixture->sightings->withdrawn, ==, 1);
    g_assert_cmpuint(fixture->sightings->expired, ==, 1);
    g_assert_cmpuint(fixture->sightings->nameless, ==, 1);
    g_assert_cmpuint(fixture->sightings->unknown, ==, 1);
}

static void test_partial_ones_when_asked_for(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    count(fixture, FALSE, TRUE);
    g_assert_nonnull(g_hash_table_lookup(fixture->sightings->by_object, PARTIAL));
}

enum manner { PLAIN, ANONYMOUS, FALSE_POSITIVES, OBSERVED };

/* The bundle for a recipient as a tree; counts what was refused. */
static json_t *bundle_for(const struct fixture *fixture, const struct egress_recipient *recipient,
                          enum manner manner, guint *said, guint64 *refused)
{
    static const struct marking_context careful = { .fallback = TLP_AMBER };
    struct signatory signatory = { .name = (char *)"Our Organisation",
                                   .group = GROUP_CIVIL_SOCIETY };
    const struct sighting_report report = { .signatory = &signatory,
                                            .anonymous = manner == ANONYMOUS,
                                            .false_positives = manner == FALSE_POSITIVES,
                                            .observed = manner == OBSERVED,
                                            .level = TLP_AMBER,
                                            .now_us = NOW };
    g_autoptr(egress_t) egress = egress_new(recipient, &careful, NULL);
    g_autoptr(GBytes) bytes = sighting_bundle(fixture->sightings, &report, egress, said);
    json_t *tree =
        json_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), 1 << 20, "x", NULL);
    const json_t *object;
    size_t index;

    *refused = egress_count(egress, EGRESS_REFERENCE) + egress_count(egress, EGRESS_UNNAMED) +
               egress_count(egress, EGRESS_NOT_PUBLIC);
    json_array_foreach(json_object_get(tree, "objects"), index, object)
    {
        g_autoptr(GError) error = NULL;

        stix_check(object, NULL, &error);
        g_assert_no_error(error);
    }
    return tree;
}

static void test_the_source_gets_all_of_its_own(struct fixture *fixture, gconstpointer data)
{
    const char *const named[] = { AUTHOR, NULL };
    const struct egress_recipient recipient = {
        .kind = EGRESS_SIGNATORY, .id = AUTHOR, .ceiling = TLP_RED, .named = named
    };
    g_autoptr(json_t) tree = NULL;
    const json_t *evil;
    char *dump;
    guint said;
    guint64 refused;

    (void)data;
    count(fixture, FALSE, FALSE);
    tree = bundle_for(fixture, &recipient, PLAIN, &said, &refused);
    g_assert_cmpuint(said, ==, 3); /* the MISP attribute is no object of STIX */
    g_assert_cmpuint(refused, ==, 0);
    evil = json_array_get(json_object_get(tree, "objects"), 1);
    g_assert_cmpstr(json_text(evil, "sighting_of_ref"), ==, EVIL);
    g_assert_cmpint(json_number(evil, "count", 0), ==, 3);
    g_assert_cmpstr(json_text(evil, "first_seen"), ==, "2026-11-01T10:00:00.000Z");
    g_assert_cmpstr(json_text(evil, "last_seen"), ==, "2026-11-03T10:00:00.500Z");
    g_assert_null(json_object_get(evil, "observed_data_refs"));
    g_assert_cmpuint(json_array_size(json_object_get(evil, "where_sighted_refs")), ==, 1);
    /* Nothing of the log. */
    dump = json_dumps(tree, 0);
    g_assert_null(strstr(dump, "alice"));
    g_assert_null(strstr(dump, "private.log"));
    g_assert_null(strstr(dump, "evil.example"));
    g_assert_nonnull(strstr(dump, "Our Organisation"));
    free(dump);
}

/* Another signatory may know the GREEN indicator, and not that there are a RED and an AMBER one. */
static void test_others_get_what_they_may_know(struct fixture *fixture, gconstpointer data)
{
    const struct egress_recipient other = { .kind = EGRESS_SIGNATORY,
                                            .id = "other",
                                            .ceiling = TLP_RED };
    const struct egress_recipient public = { .kind = EGRESS_PUBLIC, .ceiling = TLP_RED };
    g_autoptr(json_t) to_other = NULL, to_public = NULL;
    char *dump;
    guint said;
    guint64 refused;

    (void)data;
    count(fixture, FALSE, FALSE);
    to_other = bundle_for(fixture, &other, PLAIN, &said, &refused);
    g_assert_cmpuint(said, ==, 1);
    g_assert_cmpuint(refused, ==, 2);
    dump = json_dumps(to_other, 0);
    g_assert_null(strstr(dump, SECRET));
    free(dump);
    to_public = bundle_for(fixture, &public, PLAIN, &said, &refused);
    g_assert_cmpuint(said, ==, 0);
    g_assert_null(json_object_get(to_public, "objects"));
}

/* The values that were seen go where the sighting goes, and nowhere else. */
static void test_observed_on_demand(struct fixture *fixture, gconstpointer data)
{
    const char *const named[] = { AUTHOR, NULL };
    const struct egress_recipient source = {
        .kind = EGRESS_SIGNATORY, .id = AUTHOR, .ceiling = TLP_RED, .named = named
    };
    const struct egress_recipient other = { .kind = EGRESS_SIGNATORY,
                                            .id = "other",
                                            .ceiling = TLP_RED };
    g_autoptr(json_t) to_source = NULL, to_other = NULL;
    guint said;
    guint64 refused;
    char *dump;

    (void)data;
    count(fixture, FALSE, FALSE);
    to_source = bundle_for(fixture, &source, OBSERVED, &said, &refused);
    g_assert_cmpuint(said, ==, 3);
    dump = json_dumps(to_source, 0);
    g_assert_nonnull(strstr(dump, "\"192.0.2.66\""));
    g_assert_nonnull(strstr(dump, "\"evil.example\""));
    g_assert_nonnull(strstr(dump, "\"worse.example\""));
    g_assert_null(strstr(dump, "alice"));
    free(dump);
    to_other = bundle_for(fixture, &other, OBSERVED, &said, &refused);
    g_assert_cmpuint(said, ==, 1);
    dump = json_dumps(to_other, 0);
    g_assert_nonnull(strstr(dump, "\"evil.example\""));
    g_assert_null(strstr(dump, "192.0.2.66"));
    g_assert_null(strstr(dump, "late.example"));
    free(dump);
}

static void test_nobody_is_named(struct fixture *fixture, gconstpointer data)
{
    const struct egress_recipient other = { .kind = EGRESS_SIGNATORY,
                                            .id = "other",
                                            .ceiling = TLP_RED };
    g_autoptr(json_t) tree = NULL;
    const json_t *identity;
    char *dump;
    guint said;
    guint64 refused;

    (void)data;
    count(fixture, FALSE, FALSE);
    tree = bundle_for(fixture, &other, ANONYMOUS, &said, &refused);
    identity = json_array_get(json_object_get(tree, "objects"), 0);
    g_assert_cmpstr(json_text(identity, "identity_class"), ==, "class");
    g_assert_cmpstr(json_text(identity, "name"), ==, "an organisation (civil-society)");
    dump = json_dumps(tree, 0);
    g_assert_null(strstr(dump, "Our Organisation"));
    free(dump);
}

static void test_false_positives(struct fixture *fixture, gconstpointer data)
{
    const struct egress_recipient source = { .kind = EGRESS_SIGNATORY,
                                             .id = "CERT Example",
                                             .ceiling = TLP_RED };
    g_autoptr(json_t) tree = NULL;
    const json_t *opinion;
    guint said;
    guint64 refused;

    (void)data;
    count(fixture, TRUE, FALSE);
    g_assert_cmpuint(fixture->sightings->hits, ==, 1);
    tree = bundle_for(fixture, &source, FALSE_POSITIVES, &said, &refused);
    opinion = json_array_get(json_object_get(tree, "objects"), 1);
    g_assert_cmpstr(json_text(opinion, "type"), ==, "opinion");
    g_assert_cmpstr(json_text(opinion, "opinion"), ==, "strongly-disagree");
}

static void test_misp(struct fixture *fixture, gconstpointer data)
{
    static const struct marking_context careful = { .fallback = TLP_AMBER };
    struct signatory signatory = { .name = (char *)"Our Organisation" };
    const struct sighting_report report = { .signatory = &signatory,
                                            .level = TLP_GREEN,
                                            .now_us = NOW };
    const struct egress_recipient public = { .kind = EGRESS_PUBLIC, .ceiling = TLP_RED };
    const struct egress_recipient source = { .kind = EGRESS_SIGNATORY,
                                             .id = "Other CERT",
                                             .ceiling = TLP_GREEN };
    g_autoptr(egress_t) to_source = egress_new(&source, &careful, NULL);
    g_autoptr(egress_t) to_public = egress_new(&public, &careful, NULL);
    g_autoptr(json_t) list = NULL, nothing = NULL;
    const json_t *sighting;

    (void)data;
    count(fixture, FALSE, FALSE);
    list = sighting_misp(fixture->sightings, &report, to_source);
    g_assert_cmpuint(json_array_size(list), ==, 1);
    sighting = json_array_get(list, 0);
    g_assert_cmpstr(json_text(sighting, "uuid"), ==, ATTRIBUTE);
    g_assert_cmpstr(json_text(sighting, "type"), ==, "0");
    g_assert_cmpint(json_number(sighting, "timestamp", 0), ==, 1793836800);
    nothing = sighting_misp(fixture->sightings, &report, to_public);
    g_assert_cmpuint(json_array_size(nothing), ==, 0);
    g_assert_cmpuint(egress_count(to_public, EGRESS_NOT_PUBLIC), ==, 1);
}

static void test_a_broken_line_is_named(struct fixture *fixture, gconstpointer data)
{
    const struct sighting_options options = { FALSE, FALSE, NOW };
    static const char text[] = "{}\n{\"kind\":\n";
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(sighting_from_hits(fixture->sightings, text, sizeof text - 1, "hits",
                                      fixture->table, &options, &error));
    g_assert_true(g_str_has_prefix(error->message, "hits:2:"));
}

#define TEST(NAME, FUNCTION)                                                                       \
    g_test_add("/sighting/" NAME, struct fixture, NULL, set_up, FUNCTION, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("counting", test_counting);
    TEST("partial", test_partial_ones_when_asked_for);
    TEST("source", test_the_source_gets_all_of_its_own);
    TEST("others", test_others_get_what_they_may_know);
    TEST("observed", test_observed_on_demand);
    TEST("anonymous", test_nobody_is_named);
    TEST("false-positives", test_false_positives);
    TEST("misp", test_misp);
    TEST("broken", test_a_broken_line_is_named);
    return g_test_run();
}
