/* Feeds in JSON: what STIX and MISP say about a value stays with it, and what is not hunted counts.
 */
#include "base/clock.h"
#include "feed_reading.h"
#include "p1_resilience/hunt/feed_json.h"

/* ---- STIX */

#define INDICATOR_OBJECT(ID, MORE)                                                                 \
    "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" ID "\","               \
    "\"created\":\"2024-01-01T00:00:00.000Z\",\"pattern_type\":\"stix\"," MORE "}"
#define TLP_GREEN_ID "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define OWN_MARKING_ID "marking-definition--0b8f3d5e-6a2c-4d5b-8f38-0f6d0f1f2a11"

static guint64 sort_count(const struct read *read, guint skip, const char *name)
{
    const struct feed_sort *sorts = read->report->skipped[skip].sorts;

    for (guint i = 0; i < FEED_SORTS; i++)
        if (g_strcmp0(sorts[i].name, name) == 0)
            return sorts[i].count;
    return 0;
}

/* A bundle of these objects. */
static char *bundle(const char *const *objects, guint count)
{
    g_autoptr(GString) text =
        g_string_new("{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[");

    for (guint i = 0; i < count; i++)
        g_string_append_printf(text, "%s%s", i ? "," : "", objects[i]);
    g_string_append(text, "]}");
    return g_string_free(g_steal_pointer(&text), FALSE);
}
#define BUNDLE(...)                                                                                \
    bundle((const char *const[]){ __VA_ARGS__ },                                                   \
           G_N_ELEMENTS(((const char *const[]){ __VA_ARGS__ })))

static void test_stix(void)
{
    static const char indicator[] = INDICATOR_OBJECT(
        "a", "\"modified\":\"2024-01-02T00:00:00.000Z\",\"valid_from\":\"2024-01-01T00:00:00Z\","
             "\"valid_until\":\"2025-01-01T00:00:00Z\",\"confidence\":70,\"labels\":[\"c2\"],"
             "\"indicator_types\":[\"malicious-activity\"],\"created_by_ref\":\"identity--x\","
             "\"object_marking_refs\":[\"" TLP_GREEN_ID "\"],"
             "\"pattern\":\"[domain-name:value = 'evil.example']\"");
    g_autofree char *text =
        BUNDLE(indicator, "{\"type\":\"identity\",\"id\":\"identity--x\",\"name\":\"CERT\"}");
    g_auto(read_t) read = read_text(text);
    g_autofree char *until = clock_format(read.last.valid_until_us);

    g_assert_cmpstr(read.lines->str, ==, "domain evil.example\n");
    g_assert_cmpstr(only_source(&read)->name, ==, "CERT");
    g_assert_cmpstr(only_source(&read)->id, ==, "identity--x");
    g_assert_cmpint(only_source(&read)->format, ==, FEED_STIX);
    g_assert_cmpstr(read.object, ==, "indicator--a");
    g_assert_cmpstr(read.labels, ==, "malicious-activity\nc2");
    g_assert_cmpint(read.last.confidence, ==, 70);
    g_assert_cmpint(read.last.tlp, ==, TLP_GREEN);
    g_assert_cmpstr(until, ==, "2025-01-01T00:00:00Z");
    g_assert_cmpuint(skipped(&read, "not-an-indicator"), ==, 1);
}

static void test_stix_takes_the_strictest_marking(void)
{
    static const char marking[] =
        "{\"type\":\"marking-definition\",\"id\":\"" OWN_MARKING_ID "\",\"extensions\":{"
        "\"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d\":"
        "{\"tlp_2_0\":\"amber+strict\"}}}";
    static const char indicator[] = INDICATOR_OBJECT(
        "a", "\"modified\":\"2024-01-02T00:00:00Z\",\"object_marking_refs\":[\"" TLP_GREEN_ID "\"],"
             "\"granular_markings\":[{\"selectors\":[\"pattern\"],"
             "\"marking_ref\":\"" OWN_MARKING_ID "\"}],"
             "\"pattern\":\"[ipv4-addr:value = '203.0.113.7']\"");
    g_autofree char *text = BUNDLE(marking, indicator);
    g_auto(read_t) read = read_text(text);

    g_assert_cmpint(read.last.tlp, ==, TLP_AMBER_STRICT);
}

static void test_stix_newest_version_counts(void)
{
    static const char newer[] =
        INDICATOR_OBJECT("a", "\"modified\":\"2024-01-03T00:00:00Z\",\"revoked\":true,"
                              "\"pattern\":\"[domain-name:value = 'evil.example']\"");
    static const char older[] =
        INDICATOR_OBJECT("a", "\"modified\":\"2024-01-02T00:00:00Z\","
                              "\"pattern\":\"[domain-name:value = 'old.example']\"");
    g_autofree char *text = BUNDLE(newer, older);
    g_auto(read_t) read = read_text(text);

    g_assert_cmpstr(read.lines->str, ==, "domain evil.example\n");
    g_assert_true(read.last.flags & ASSERTION_WITHDRAWN);
    g_assert_cmpuint(skipped(&read, "old-version"), ==, 1);
    g_assert_cmpint(read.last.tlp, ==, TLP_AMBER); /* unmarked: the default */
}

static void test_stix_what_cannot_be_hunted_is_counted(void)
{
    static const char other[] = INDICATOR_OBJECT("a", "\"pattern\":\"[file:name = 'x.exe']\"");
    static const char partial[] =
        INDICATOR_OBJECT("b", "\"pattern\":\"[domain-name:value = 'evil.example' AND "
                              "file:name = 'x']\"");
    static const char broken[] = INDICATOR_OBJECT("c", "\"pattern\":\"no pattern\"");
    static const char yara[] = "{\"type\":\"indicator\",\"id\":\"indicator--d\","
                               "\"pattern\":\"rule x {}\",\"pattern_type\":\"yara\"}";
    static const char without[] = "{\"type\":\"indicator\",\"id\":\"indicator--e\"}";
    g_autofree char *text = BUNDLE(other, partial, broken, yara, without);
    g_auto(read_t) read = read_text(text);

    g_assert_cmpstr(read.lines->str, ==, "domain evil.example\n");
    g_assert_true(read.last.flags & ASSERTION_PARTIAL);
    g_assert_cmpstr(read.original, ==, "[domain-name:value = 'evil.example' AND file:name = 'x']");
    g_assert_cmpuint(skipped(&read, "not-huntable"), ==, 1);
    g_assert_cmpuint(sort_count(&read, FEED_SKIP_UNHUNTABLE, "other-path"), ==, 1);
    g_assert_cmpuint(skipped(&read, "pattern"), ==, 1);
    g_assert_cmpuint(skipped(&read, "pattern-type"), ==, 1);
    g_assert_cmpuint(skipped(&read, "malformed"), ==, 1);
}

/* What else a pattern asks for goes with its value, unless any name would do for it. */
static void test_stix_terms(void)
{
    static const char both[] =
        INDICATOR_OBJECT("a", "\"pattern\":\"[ipv4-addr:value = '192.0.2.1' AND "
                              "domain-name:value = 'evil.example']\"");
    static const char any[] = INDICATOR_OBJECT("b", "\"pattern\":\"[ipv4-addr:value = '192.0.2.1' "
                                                    "AND domain-name:value = 'co.uk']\"");
    g_autofree char *text = BUNDLE(both), *other = BUNDLE(any);
    g_auto(read_t) read = read_text(text);
    g_auto(read_t) suffix = read_text(other);

    g_assert_cmpstr(read.lines->str, ==, "ipv4 192.0.2.1\n");
    g_assert_true(read.last.flags & ASSERTION_PARTIAL);
    g_assert_cmpstr(read.terms, ==, "6e6576696c2e6578616d706c65"); /* "nevil.example" */
    g_assert_cmpstr(suffix.lines->str, ==, "ipv4 192.0.2.1\n");
    g_assert_true(suffix.last.flags & ASSERTION_PARTIAL);
    g_assert_null(suffix.terms);
}

static void test_taxii_envelope(void)
{
    g_auto(read_t) read = read_text("{\"more\":true,\"next\":\"x\",\"objects\":[" INDICATOR_OBJECT(
        "a", "\"pattern\":\"[url:value = "
             "'http://evil.example/a']\"") "]}");
    g_auto(read_t) empty = read_text("{}");

    g_assert_cmpstr(read.lines->str, ==, "url http://evil.example/a\n");
    g_assert_cmpuint(skipped(&read, "more"), ==, 1);
    g_assert_cmpuint(empty.report->assertions, ==, 0);
}

/* ---- MISP */

#define UUID "5c6c7a64-ec9c-425a-a081-2c570a016219"
#define EVENT_BEGIN                                                                                \
    "{\"Event\":{\"uuid\":\"" UUID                                                                 \
    "\",\"info\":\"a campaign\",\"timestamp\":\"1700000000\",\"Attribute\":["
#define EVENT_END                                                                                  \
    "],\"Orgc\":{\"name\":\"CERT\"},\"Tag\":[{\"name\":\"tlp:green\"},{\"name\":\"type:OSINT\"}]}" \
    "}"

struct row {
    const char *type, *value;
    const char *to_ids; /* JSON */
    const char *more;   /* members, each after a comma; NULL: none */
};

static struct read read_event(const struct row *rows, guint count,
                              const struct feed_options *options)
{
    g_autoptr(GString) text = g_string_new(EVENT_BEGIN);

    for (guint i = 0; i < count; i++)
        g_string_append_printf(text,
                               "%s{\"uuid\":\"" UUID "\",\"type\":\"%s\",\"value\":\"%s\","
                               "\"to_ids\":%s%s}",
                               i ? "," : "", rows[i].type, rows[i].value, rows[i].to_ids,
                               rows[i].more ? rows[i].more : "");
    g_string_append(text, EVENT_END);
    return read_with(text->str, -1, options);
}

static void test_misp_types(void)
{
    static const struct row rows[] = {
        { "domain|ip", "evil.example|203.0.113.7", "true", NULL },
        { "ip-dst|port", "203.0.113.8|443", "1", NULL },
        { "ip-src", "192.0.2.0/24", "\"1\"", NULL },
        { "filename|md5", "b.exe|d41d8cd98f00b204e9800998ecf8427e", "true", NULL },
        { "url", "http://evil.example/a|b", "true", NULL },
        { "url", "hxxp://evil[.]example/a", "true", NULL },
        { "url", "evil.example", "true", NULL },
        { "link", "https://vendor.example/", "false", NULL },
        { "imphash", "d41d8cd98f00b204e9800998ecf8427e", "true", NULL },
        { "domain", "context.example", "false", NULL },
        { "domain", "gone.example", "true", ",\"deleted\":\"1\"" },
    };
    struct feed_options options = defaults();
    g_auto(read_t) read = read_event(rows, G_N_ELEMENTS(rows), &options);

    g_assert_cmpstr(read.lines->str, ==,
                    "domain evil.example\nipv4 203.0.113.7\nipv4 203.0.113.8\ncidr 192.0.2.0/24\n"
                    "hash d41d8cd98f00b204e9800998ecf8427e\nurl http://evil.example/a\n"
                    "url evil.example/\n");
    g_assert_cmpuint(skipped(&read, "type"), ==, 2); /* imphash, and a link for reading */
    g_assert_cmpuint(sort_count(&read, FEED_SKIP_TYPE, "imphash"), ==, 1);
    g_assert_cmpuint(sort_count(&read, FEED_SKIP_TYPE, "link"), ==, 1);
    g_assert_cmpuint(skipped(&read, "not-to-ids"), ==, 1);
    g_assert_cmpuint(skipped(&read, "deleted"), ==, 1);
    g_assert_cmpuint(skipped(&read, "bad-url"), ==, 1); /* a scan of a log ends URLs at a bar */
    g_assert_cmpstr(only_source(&read)->name, ==, "CERT");
    g_assert_cmpstr(only_source(&read)->title, ==, "a campaign");
    g_assert_cmpstr(only_source(&read)->id, ==, UUID);
    g_assert_cmpint(read.last.tlp, ==, TLP_GREEN);
    g_assert_cmpstr(read.labels, ==, "type:OSINT");
    g_assert_cmpstr(read.object, ==, UUID);
}

static void test_misp_attribute_says_more(void)
{
    static const struct row row = {
        "domain", "evil.example", "true",
        ",\"category\":\"Network activity\",\"first_seen\":\"2021-06-10T00:00:00.000000+00:00\","
        "\"Tag\":[{\"name\":\"tlp:red\"},"
        "{\"name\":\"misp:confidence-level=\\\"usually-confident\\\"\"}],"
        "\"Sighting\":[{\"type\":\"1\",\"date_sighting\":\"1700000000\"},"
        "{\"type\":\"2\",\"date_sighting\":\"1700000000\"}]"
    };
    struct feed_options options = defaults();
    g_auto(read_t) read = read_event(&row, 1, &options);
    g_autofree char *from = clock_format(read.last.valid_from_us);
    g_autofree char *until = clock_format(read.last.valid_until_us);

    g_assert_cmpint(read.last.tlp, ==, TLP_RED);
    g_assert_cmpint(read.last.confidence, ==, 75);
    g_assert_cmpstr(from, ==, "2021-06-10T00:00:00Z");
    g_assert_cmpstr(until, ==, "2023-11-14T22:13:20Z");
    g_assert_true(read.last.flags & ASSERTION_FALSE_POSITIVE);
    g_assert_true(g_str_has_prefix(read.labels, "Network activity\n"));
}

static void test_misp_non_ids_on_demand(void)
{
    static const struct row rows[] = {
        { "domain", "context.example", "false", NULL },
        { "link", "https://vendor.example/", "false", NULL },
    };
    struct feed_options options = { .tlp = TLP_AMBER, .include_non_ids = TRUE };
    g_auto(read_t) read = read_event(rows, G_N_ELEMENTS(rows), &options);

    g_assert_cmpstr(read.lines->str, ==, "domain context.example\n");
    g_assert_false(read.last.flags & ASSERTION_TO_IDS);
}

static void test_misp_search_names_the_events(void)
{
    g_auto(read_t) read = read_text(
        "{\"response\":{\"Attribute\":["
        "{\"type\":\"domain\",\"value\":\"a.example\",\"to_ids\":true,\"Event\":{\"info\":\"one\"}}"
        ","
        "{\"type\":\"domain\",\"value\":\"b.example\",\"to_ids\":true,\"Event\":{\"info\":\"two\"}}"
        ","
        "{\"type\":\"domain\",\"value\":\"c.example\",\"to_ids\":true,\"Event\":{\"info\":\"one\"}}"
        "]}}");
    const struct feed_source *one, *two;

    g_assert_cmpuint(read.report->sources->len, ==, 2);
    one = read.report->sources->pdata[0];
    two = read.report->sources->pdata[1];
    g_assert_cmpstr(one->title, ==, "one");
    g_assert_cmpuint(one->assertions, ==, 2);
    g_assert_cmpstr(two->title, ==, "two");
}

static void test_too_many_sorts_are_counted_together(void)
{
    struct row rows[FEED_SORTS + 6];
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    struct feed_options options = defaults();

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_ptr_array_add(names, g_strdup_printf("type-%u", i));
        rows[i] = (struct row){ names->pdata[i], "x", "true", NULL };
    }
    {
        g_auto(read_t) read = read_event(rows, G_N_ELEMENTS(rows), &options);

        g_assert_cmpuint(skipped(&read, "type"), ==, G_N_ELEMENTS(rows));
        g_assert_cmpuint(sort_count(&read, FEED_SKIP_TYPE, "type-0"), ==, 1);
        g_assert_cmpuint(sort_count(&read, FEED_SKIP_TYPE, "others"), ==, 7);
    }
}

static gboolean print_attribute(const struct misp_attribute *attribute, gpointer data,
                                GError **error)
{
    g_string_append_printf(data, "%s\t%s%s\t%s\t%s\t%s\n", attribute->event->uuid,
                           attribute->object ? "obj:" : "attr",
                           attribute->object ? attribute->object : "", attribute->type,
                           attribute->to_ids ? "true" : "false", attribute->value);
    return TRUE;
}

/* Real events: exactly the attributes that are listed beside each. */
static void test_misp_events_of_the_wild(void)
{
    g_autofree char *folder = shared("misp");
    g_autoptr(GDir) entries = folder ? g_dir_open(folder, 0, NULL) : NULL;
    const char *name;
    guint events = 0;

    if (!entries) {
        g_test_skip("ENTENTE_SHARED is not set");
        return;
    }
    while ((name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *beside = g_strconcat(path, ".attrs.tsv", NULL);
        g_autofree char *text = NULL, *listed = NULL;
        g_autoptr(GString) got = g_string_new("#event_uuid\twhere\ttype\tto_ids\tvalue\n");
        g_autoptr(GError) error = NULL;
        struct feed_json json = { .name = name };

        if (!g_str_has_suffix(name, ".json"))
            continue;
        g_assert_true(g_file_get_contents(path, &text, &json.length, NULL));
        json.text = text;
        g_assert_true(g_file_get_contents(beside, &listed, NULL, NULL));
        g_assert_true(misp_read(&json, print_attribute, got, &error));
        g_assert_cmpstr(got->str, ==, listed);
        events++;
    }
    g_assert_cmpuint(events, ==, 6);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feed/stix", test_stix);
    g_test_add_func("/feed/stix-markings", test_stix_takes_the_strictest_marking);
    g_test_add_func("/feed/stix-versions", test_stix_newest_version_counts);
    g_test_add_func("/feed/stix-terms", test_stix_terms);
    g_test_add_func("/feed/stix-unhuntable", test_stix_what_cannot_be_hunted_is_counted);
    g_test_add_func("/feed/taxii", test_taxii_envelope);
    g_test_add_func("/feed/misp-types", test_misp_types);
    g_test_add_func("/feed/misp-attribute", test_misp_attribute_says_more);
    g_test_add_func("/feed/misp-non-ids", test_misp_non_ids_on_demand);
    g_test_add_func("/feed/misp-search", test_misp_search_names_the_events);
    g_test_add_func("/feed/sorts", test_too_many_sorts_are_counted_together);
    g_test_add_func("/feed/misp-wild", test_misp_events_of_the_wild);
    return g_test_run();
}
