/*
 * STIX objects: ids and times (stix_id), checks; reading without a byte lost,
 * writing soundly (stix_write).
 */
#include "p1_resilience/intel/stix.h"

#include "p1_resilience/hunt/marking.h"

#include <string.h>

#define UUID4 "--11111111-1111-4111-8111-111111111111"
#define OTHER "--22222222-2222-4222-8222-222222222222"
#define CREATED "'created':'2020-01-01T00:00:00.000Z','modified':'2020-01-02T00:00:00.000Z'"
#define COMMON "'spec_version':'2.1'," CREATED
#define INDICATOR(MORE)                                                                            \
    "{'type':'indicator','id':'indicator" UUID4 "'," COMMON ",'pattern_type':'stix','pattern':"    \
    "'[a:b = 1]','valid_from':'2020-01-01T00:00:00Z'" MORE "}"

/* JSON with ' for ". */
static json_t *object_of(const char *text)
{
    g_autofree char *quoted = g_strdelimit(g_strdup(text), "'", '"');
    json_error_t problem;
    json_t *object = json_loads(quoted, 0, &problem);

    if (!object)
        g_error("%s: %s", text, problem.text);
    return object;
}

/* The ids that the reference digest lists. */
static void test_observable_ids(void)
{
    static const struct {
        const char *object, *id;
    } rows[] = {
        { "{'type':'ipv4-addr','value':'198.51.100.3','x_more':1}",
          "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4" },
        { "{'value':'example.com','type':'domain-name','resolves_to_refs':['a']}",
          "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7" },
        { "{'type':'url','value':'https://example.com/research/index.html'}",
          "url--47c3cf9a-5027-5bf0-997a-017c7edc7c55" },
        { "{'type':'email-addr','value':'john@example.com','display_name':'John'}",
          "email-addr--7165e2a9-671f-585d-b1e1-ca59c671d934" },
        { "{'type':'file','hashes':{'SHA-256':"
          "'ceafbfd424be2ca4a5f0402cae090dda2fb0526cf521b60b60077c0f622b285a'}}",
          "file--70221dbf-52fd-5377-9619-c0ce6b3ffc8c" },
        /* Of several hashes SHA-1 comes before SHA-256 and whatever is not listed. */
        { "{'type':'file','hashes':{'AAA':'x','SHA-256':"
          "'ceafbfd424be2ca4a5f0402cae090dda2fb0526cf521b60b60077c0f622b285a'}}",
          "file--70221dbf-52fd-5377-9619-c0ce6b3ffc8c" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_t) object = object_of(rows[i].object);
        g_autofree char *id = stix_observable_id(object, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(id, ==, rows[i].id);
    }
}

static void test_other_ids(void)
{
    g_autoptr(json_t) process = object_of("{'type':'process','pid':1}");
    g_autoptr(json_t) malware = object_of("{'type':'malware'}");
    g_autofree char *one = stix_observable_id(process, NULL);
    g_autofree char *two = stix_observable_id(process, NULL);

    g_assert_true(stix_is_id(one, "process"));
    g_assert_cmpstr(one, !=, two);
    g_assert_null(stix_observable_id(malware, NULL));
    g_assert_true(stix_is_id("x-own-type" UUID4, NULL));
    g_assert_false(stix_is_id("malware" UUID4, "malware-analysis"));
    g_assert_false(stix_is_id("malware-analysis" UUID4, "malware"));
    g_assert_false(stix_is_id("Malware" UUID4, NULL));
    g_assert_false(stix_is_id("malware--1", NULL));
    g_assert_false(stix_is_id("malware" UUID4 "0", NULL));
    g_assert_false(stix_is_id(NULL, NULL));
}

static void test_times(void)
{
    static const char *const none[] = { "2020-01-01",
                                        "2020-01-01T00:00:00",
                                        "2020-01-01T00:00:00+00:00",
                                        "2020-01-01T00:00:00.Z",
                                        "2020-01-01 00:00:00Z",
                                        "2020-01-01T00:00:00.5z",
                                        "2020-02-30T00:00:00Z",
                                        "" };
    const gint64 moment = G_GINT64_CONSTANT(1577836800123000);
    gint64 time_us;
    g_autofree char *written = stix_time(moment), *whole = stix_time(moment / 1000000 * 1000000);
    g_autofree char *fine = stix_time(moment + 7);

    g_assert_cmpstr(written, ==, "2020-01-01T00:00:00.123Z");
    g_assert_cmpstr(whole, ==, "2020-01-01T00:00:00.000Z");
    g_assert_cmpstr(fine, ==, "2020-01-01T00:00:00.123007Z");
    g_assert_true(stix_time_parse("2020-01-01T00:00:00.123999999Z", &time_us));
    g_assert_cmpint(time_us, ==, moment + 999);
    g_assert_true(stix_time_parse("2020-01-01T00:00:00Z", &time_us));
    for (guint i = 0; i < G_N_ELEMENTS(none); i++)
        g_assert_false(stix_time_parse(none[i], &time_us));
    g_assert_cmpint(stix_time_compare("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z"), ==, 0);
    g_assert_cmpint(
        stix_time_compare("2020-01-01T00:00:00.1234567Z", "2020-01-01T00:00:00.12345678Z"), <, 0);
    g_assert_cmpint(stix_time_compare("2020-01-01T00:00:00.2Z", "2020-01-01T00:00:00.10Z"), >, 0);
}

static const char *const sound[] = {
    INDICATOR(""),
    INDICATOR(",'valid_until':'2020-01-01T00:00:00.001Z','confidence':100,'revoked':true,"
              "'labels':['x'],'x_own':{'a':1},'object_marking_refs':['marking-definition" UUID4
              "'],'extensions':{'extension-definition" UUID4 "':{'a':1}}"),
    /* 2.0 has no spec_version and no pattern_type, and its own form of START and STOP. */
    "{'type':'indicator','id':'indicator" UUID4 "'," CREATED
    ",'labels':['x'],'pattern':'[a:b = 1]','valid_from':'2020-01-01T00:00:00Z'}",
    "{'type':'malware','id':'malware" UUID4 "'," CREATED ",'name':'x','labels':['y']}",
    "{'type':'indicator','id':'indicator" UUID4 "'," COMMON ",'pattern_type':'yara','pattern':"
    "'rule x','valid_from':'2020-01-01T00:00:00Z'}",
    "{'type':'ipv4-addr','id':'ipv4-addr" UUID4 "','value':'198.51.100.3'}",
    "{'type':'x-own','id':'x-own" UUID4 "'," COMMON ",'anything':[[1]]}",
    "{'type':'sighting','id':'sighting" UUID4 "'," COMMON ",'sighting_of_ref':'indicator" UUID4
    "','count':0,'where_sighted_refs':['identity" UUID4 "','location" UUID4 "']}",
    "{'type':'file','id':'file" UUID4 "','hashes':{'MD5':'d41d8cd98f00b204e9800998ecf8427e',"
    "'X-OWN':'1'}}",
    "{'type':'marking-definition','id':'marking-definition" UUID4 "','spec_version':'2.1',"
    "'created':'2020-01-01T00:00:00Z','definition_type':'statement','definition':{}}",
};

static const struct {
    const char *object, *property; /* that the message names */
} unsound[] = {
    { "[]", "no object" },
    { "{'id':'x'}", "type: " },
    { "{'type':'malware'}", "id: " },
    { "{'type':'malware','id':'malware--1'}", "id: " },
    { "{'type':'malware','id':'tool" UUID4 "'," COMMON ",'is_family':true}", "id: " },
    { "{'type':'malware','id':'malware" UUID4 "','spec_version':'3.0'}", "spec_version: " },
    { "{'type':'malware','id':'malware" UUID4 "'," COMMON "}", "is_family: " },
    { "{'type':'malware','id':'malware" UUID4 "','spec_version':'2.1','is_family':true}",
      "created: " },
    { "{'type':'tool','id':'tool" UUID4 "','spec_version':'2.1','name':'x',"
      "'created':'2020-01-01T00:00:00Z'}",
      "modified: " },
    { "{'type':'tool','id':'tool" UUID4 "','spec_version':'2.1','name':'x',"
      "'created':'2020-01-02T00:00:00Z','modified':'2020-01-01T00:00:00Z'}",
      "modified: " },
    { "{'type':'tool','id':'tool" UUID4 "','spec_version':'2.1','name':'x',"
      "'created':'2020-01-02T00:00:00+01:00','modified':'2020-01-03T00:00:00Z'}",
      "created: " },
    { INDICATOR(",'Name':'x'"), "Name: " },
    { INDICATOR(",'ab':'x'"), "ab: " },
    { INDICATOR(",'_abc':'x'"), "_abc: " },
    { INDICATOR(",'a-bc':'x'"), "a-bc: " },
    { INDICATOR(",'name':null"), "name: " },
    { INDICATOR(",'labels':[]"), "labels: " },
    { INDICATOR(",'x_deep':{'a':[{'b':[]}]}"), "x_deep: " },
    { INDICATOR(",'confidence':101"), "confidence: " },
    { INDICATOR(",'confidence':-1"), "confidence: " },
    { INDICATOR(",'confidence':'50'"), "confidence: " },
    { INDICATOR(",'revoked':'yes'"), "revoked: " },
    { INDICATOR(",'valid_until':'2020-01-01T00:00:00.000Z'"), "valid_until: " },
    { INDICATOR(",'valid_until':'2019-01-01T00:00:00Z'"), "valid_until: " },
    { INDICATOR(",'created_by_ref':'malware" UUID4 "'"), "created_by_ref: " },
    { INDICATOR(",'created_by_ref':'identity'"), "created_by_ref: " },
    { INDICATOR(",'created_by_ref':5"), "created_by_ref: " },
    { INDICATOR(",'object_marking_refs':'marking-definition" UUID4 "'"), "object_marking_refs: " },
    { INDICATOR(",'object_marking_refs':['identity" UUID4 "']"), "object_marking_refs: " },
    { "{'type':'indicator','id':'indicator" UUID4 "'," COMMON ",'pattern_type':'stix','pattern':"
      "'[a.b = 1]','valid_from':'2020-01-01T00:00:00Z'}",
      "pattern: position 3: " },
    { "{'type':'sighting','id':'sighting" UUID4 "'," COMMON "}", "sighting_of_ref: " },
    { "{'type':'sighting','id':'sighting" UUID4 "'," COMMON ",'sighting_of_ref':'sighting" OTHER
      "'}",
      "sighting_of_ref: " },
    { "{'type':'sighting','id':'sighting" UUID4 "'," COMMON ",'sighting_of_ref':'indicator" OTHER
      "','count':1000000000}",
      "count: " },
    { "{'type':'sighting','id':'sighting" UUID4 "'," COMMON ",'sighting_of_ref':'indicator" OTHER
      "','first_seen':'2020-01-02T00:00:00Z','last_seen':'2020-01-01T00:00:00Z'}",
      "last_seen: " },
    { "{'type':'sighting','id':'sighting" UUID4 "'," COMMON ",'sighting_of_ref':'indicator" OTHER
      "','where_sighted_refs':['malware" UUID4 "']}",
      "where_sighted_refs: " },
    { "{'type':'relationship','id':'relationship" UUID4 "'," COMMON
      ",'relationship_type':'x','source_ref':'marking-definition" UUID4
      "','target_ref':'malware" UUID4 "'}",
      "source_ref: " },
    { "{'type':'observed-data','id':'observed-data" UUID4 "'," COMMON
      ",'first_observed':'2020-01-01T00:00:00Z','last_observed':'2020-01-01T00:00:00Z',"
      "'number_observed':0,'object_refs':['file" UUID4 "']}",
      "number_observed: " },
    { "{'type':'file','id':'file" UUID4 "','hashes':{'MD5':'d41d'}}", "hashes: " },
    { "{'type':'file','id':'file" UUID4 "','hashes':{'SHA256':'x'}}", "hashes: " },
    { "{'type':'file','id':'file" UUID4 "','parent_directory_ref':'file" UUID4 "'}",
      "parent_directory_ref: " },
    { "{'type':'ipv4-addr','id':'ipv4-addr" UUID4 "'}", "value: " },
};

static void test_checks(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(sound); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_t) object = object_of(sound[i]);

        stix_check(object, NULL, &error);
        g_assert_no_error(error);
    }
    for (guint i = 0; i < G_N_ELEMENTS(unsound); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_t) object = object_of(unsound[i].object);

        if (stix_check(object, NULL, &error) || !strstr(error->message, unsound[i].property))
            g_error("%s: %s", unsound[i].object, error ? error->message : "taken");
    }
}

static void test_advice(void)
{
    static const struct {
        const char *object;
        guint advice;
    } rows[] = {
        { INDICATOR(""), 0 },
        { "{'type':'ipv4-addr','id':'ipv4-addr" UUID4 "','value':'x'}", 1 },
        { "{'type':'ipv4-addr','id':'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4',"
          "'value':'198.51.100.3'}",
          0 },
        { "{'type':'ipv4-addr','id':'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4',"
          "'value':'198.51.100.4'}",
          1 },
        { "{'type':'tool','id':'tool--28bb3599-77cd-5a82-a950-b5bc3caf07c4'," COMMON ",'name':'x'}",
          1 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) advice = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(json_t) object = object_of(rows[i].object);

        g_assert_true(stix_check(object, advice, NULL));
        g_assert_cmpuint(advice->len, ==, rows[i].advice);
    }
}

static gboolean gather(const struct stix_object *object, gpointer data, GError **error)
{
    (void)error;
    g_assert_cmpstr(json_text(object->json, "type"), !=, NULL);
    g_string_append_len(data, object->text, (gssize)object->length);
    g_string_append_c(data, '|');
    return TRUE;
}

static void test_reading(void)
{
    static const struct {
        const char *text, *objects; /* NULL: refused */
    } rows[] = {
        { "{'type':'bundle','id':'bundle--1','objects':[ {'id':'a--1',  'type':'a'} ,\n"
          "{'type':'b','id':'b--1','n':1.50e1,'s':'}]\\'{[','o':{'x':[1,{}]}}]}",
          "{'id':'a--1',  'type':'a'}|{'type':'b','id':'b--1','n':1.50e1,'s':'}]\\'{[',"
          "'o':{'x':[1,{}]}}|" },
        /* Behind, and among, other members that look alike. */
        { " {'x':{'objects':[1]},'y':['objects'],'s':'objects','obj\\u0065cts':[{'type':'a',"
          "'id':'b'}],'more':true}",
          "{'type':'a','id':'b'}|" },
        { "{'type':'x-own','id':'x-own--1','objects':{'0':{}}}",
          "{'type':'x-own','id':'x-own--1','objects':{'0':{}}}|" },
        { " {'type':'a','id':'b'} \n", "{'type':'a','id':'b'}|" },
        { "{}", "" }, /* TAXII: an empty envelope */
        { "{'type':'bundle','id':'bundle--1'}", "" },
        { "{'objects':[]}", "" },
        { "{'objects':[1]}", NULL },
        { "{'objects':[{'type':'a'}]}", NULL },
        { "{'objects':5}", NULL },
        { "{'more':true}", NULL },
        { "[]", NULL },
        { "5", NULL },
        { "{'type':'a'}", NULL },
        { "{'objects':[{'type':'a','id':'b','id':'c'}]}", NULL },
        { "{'objects':[]", NULL },
        { "", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) objects = g_string_new(NULL);
        g_auto(stix_document_t) document = { 0 };
        g_autofree char *quoted = NULL;
        gboolean taken;

        /* \' is the escaped quote of JSON. */
        quoted = g_strdelimit(g_strdup(rows[i].text), "'", '"');
        taken = stix_read(quoted, strlen(quoted), "x", &document, gather, objects, &error);
        g_strdelimit(objects->str, "\"", '\'');
        if (taken != (rows[i].objects != NULL))
            g_error("%s: %s", rows[i].text, error ? error->message : "taken");
        if (taken)
            g_assert_cmpstr(objects->str, ==, rows[i].objects);
    }
}

static void test_the_document_around(void)
{
    static const char text[] = "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[],"
                               "\"object_marking_refs\":[\"x\"]}";
    g_auto(stix_document_t) document = { 0 };
    g_autoptr(GString) objects = g_string_new(NULL);

    g_assert_true(stix_read(text, sizeof text - 1, "x", &document, gather, objects, NULL));
    g_assert_cmpstr(document.id, ==, "bundle--1");
    g_assert_nonnull(json_object_get(document.around, "object_marking_refs"));
    g_assert_null(json_object_get(document.around, "objects"));
}

/* All that is written passes the checks, without advice. */
static void test_writing(void)
{
    const gint64 now = G_GINT64_CONSTANT(1577836800000000);
    const struct stix_common common = { .created_us = now,
                                        .created_by = "identity" UUID4,
                                        .level = TLP_AMBER_STRICT };
    const char *const sectors[] = { "technology", NULL };
    const char *const identities[] = { "identity" UUID4, NULL };
    const char *const files[] = { "file--70221dbf-52fd-5377-9619-c0ce6b3ffc8c", NULL };
    const char *const kinds[] = { "malicious-activity", NULL };
    const struct stix_indicator indicator = { .name = "bad \xff name",
                                              .pattern = "[domain-name:value = 'evil.example']",
                                              .types = kinds,
                                              .valid_until_us = now + 1000000,
                                              .confidence = 0 };
    const struct stix_sighting sighting = { .sighting_of = "indicator" UUID4,
                                            .where_sighted = identities,
                                            .first_seen_us = now,
                                            .last_seen_us = now,
                                            .count = G_MAXUINT64 };
    json_t *objects[] = { stix_identity(&common, "An organisation", STIX_ORGANIZATION, sectors),
                          stix_indicator(&common, &indicator), stix_sighting(&common, &sighting),
                          stix_observed_data(&common, now, now, 0, files),
                          marking_definition(TLP_AMBER_STRICT) };
    g_autoptr(GPtrArray) bytes = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GPtrArray) advice = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GBytes) bundle = NULL;
    g_autoptr(GString) read = g_string_new(NULL);
    const struct marking_context context = { .fallback = TLP_CLEAR };

    for (guint i = 0; i < G_N_ELEMENTS(objects); i++) {
        g_autoptr(GError) error = NULL;

        stix_check(objects[i], advice, &error);
        g_assert_no_error(error);
        if (i < 4)
            g_assert_cmpint(marking_level(objects[i], &context), ==, TLP_AMBER_STRICT);
        g_ptr_array_add(bytes, stix_bytes(objects[i]));
    }
    g_assert_cmpuint(advice->len, ==, 0);
    g_assert_cmpint(json_number(objects[2], "count", 0), ==, 999999999);
    g_assert_cmpint(json_number(objects[3], "number_observed", 0), ==, 1);
    g_assert_cmpstr(json_text(objects[1], "created"), ==, "2020-01-01T00:00:00.000Z");
    bundle = stix_bundle(NULL, bytes);
    g_assert_true(stix_read(g_bytes_get_data(bundle, NULL), g_bytes_get_size(bundle), "x", NULL,
                            gather, read, NULL));
    g_assert_cmpuint(strlen(read->str), >, 0);
    for (guint i = 0; i < G_N_ELEMENTS(objects); i++)
        json_decref(objects[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stix/observable-ids", test_observable_ids);
    g_test_add_func("/stix/ids", test_other_ids);
    g_test_add_func("/stix/times", test_times);
    g_test_add_func("/stix/checks", test_checks);
    g_test_add_func("/stix/advice", test_advice);
    g_test_add_func("/stix/reading", test_reading);
    g_test_add_func("/stix/around", test_the_document_around);
    g_test_add_func("/stix/writing", test_writing);
    return g_test_run();
}
