/* Levels by markings: the strictest of all that stand anywhere counts. */
#include "p1_resilience/hunt/marking.h"

#include <string.h>

#define AMBER1 "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
#define WHITE1 "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
#define GREEN2 "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define STRICT2 "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
#define OWN_RED "marking-definition--00000000-0000-4000-8000-000000000001"
#define PAP "marking-definition--00000000-0000-4000-8000-000000000002"
#define ODD "marking-definition--00000000-0000-4000-8000-000000000003"
#define NOWHERE "marking-definition--00000000-0000-4000-8000-000000000004"

static json_t *json_of(const char *text)
{
    g_autofree char *quoted = g_strdelimit(g_strdup(text), "'", '"');
    json_t *value = json_loads(quoted, 0, NULL);

    g_assert_nonnull(value);
    return value;
}

static const char *const definitions[] = {
    "{'type':'marking-definition','id':'" OWN_RED "','definition_type':'tlp',"
    "'definition':{'tlp':'red'}}",
    "{'type':'marking-definition','id':'" PAP "','definition_type':'statement','definition':{}}",
    "{'type':'marking-definition','id':'" ODD "','extensions':{'" MARKING_TLP_EXTENSION
    "':{'tlp_2_0':'mauve'}}}",
    /* Nobody opens what is well known. */
    "{'type':'marking-definition','id':'" STRICT2 "','definition_type':'tlp',"
    "'definition':{'tlp':'white'}}",
    "{'type':'indicator','id':'" NOWHERE "','definition_type':'tlp','definition':{'tlp':'white'}}",
};

static const struct {
    const char *object;
    enum tlp level; /* where nothing else says one and the default is AMBER */
} rows[] = {
    { "{}", TLP_AMBER },
    { "{'object_marking_refs':['" WHITE1 "']}", TLP_CLEAR },
    { "{'object_marking_refs':['" GREEN2 "']}", TLP_GREEN },
    { "{'object_marking_refs':['" GREEN2 "','" AMBER1 "']}", TLP_AMBER },
    { "{'object_marking_refs':['" STRICT2 "','" WHITE1 "']}", TLP_AMBER_STRICT },
    { "{'object_marking_refs':['" WHITE1 "'],'granular_markings':[{'lang':'fr','selectors':['a']},"
      "{'marking_ref':'" OWN_RED "','selectors':['name']}]}",
      TLP_RED },
    { "{'granular_markings':[{'marking_ref':'" GREEN2 "','selectors':['name']}]}", TLP_GREEN },
    { "{'object_marking_refs':['" PAP "']}", TLP_AMBER },
    { "{'object_marking_refs':['" PAP "','" WHITE1 "']}", TLP_CLEAR },
    { "{'object_marking_refs':['" ODD "']}", TLP_RED },
    { "{'object_marking_refs':['" NOWHERE "','" WHITE1 "']}", TLP_AMBER },
    { "{'object_marking_refs':[5]}", TLP_AMBER },
    { "{'type':'marking-definition','id':'x'}", TLP_CLEAR },
    { "{'type':'marking-definition','id':'x','object_marking_refs':['" GREEN2 "']}", TLP_GREEN },
};

static markings_t *learn(void)
{
    markings_t *markings = markings_new();

    for (guint i = 0; i < G_N_ELEMENTS(definitions); i++) {
        g_autoptr(json_t) definition = json_of(definitions[i]);

        markings_learn(markings, definition);
    }
    return markings;
}

static void test_levels(void)
{
    g_autoptr(markings_t) markings = learn();
    const struct marking_context context = { .markings = markings, .fallback = TLP_AMBER };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(json_t) object = json_of(rows[i].object);

        if (marking_level(object, &context) != rows[i].level)
            g_error("%s: %s", rows[i].object, tlp_name(marking_level(object, &context)));
    }
}

static void test_bundle_and_collection(void)
{
    g_autoptr(json_t) bundle = json_of("{'object_marking_refs':['" GREEN2 "']}");
    g_autoptr(json_t) plain = json_of("{}");
    g_autoptr(json_t) white = json_of("{'object_marking_refs':['" WHITE1 "']}");
    struct marking_context context = { .bundle = bundle, .fallback = TLP_RED };

    g_assert_cmpint(marking_level(plain, &context), ==, TLP_GREEN);
    g_assert_cmpint(marking_level(white, &context), ==, TLP_GREEN);
    context.collection_has_level = TRUE;
    context.collection = TLP_AMBER;
    g_assert_cmpint(marking_level(white, &context), ==, TLP_AMBER);
    context.bundle = NULL;
    g_assert_cmpint(marking_level(plain, &context), ==, TLP_AMBER);
}

static void test_definitions(void)
{
    for (enum tlp level = TLP_CLEAR; level <= TLP_RED; level++) {
        g_autoptr(json_t) definition = marking_definition(level);
        enum tlp read;
        const json_t *extension =
            json_object_get(json_object_get(definition, "extensions"), MARKING_TLP_EXTENSION);

        g_assert_true(marking_level_of_id(json_text(definition, "id"), &read));
        g_assert_cmpint(read, ==, level);
        g_assert_cmpstr(json_text(extension, "tlp_2_0"), ==, tlp_name(level));
    }
}

static void test_tags(void)
{
    g_autoptr(json_t) several =
        json_of("[{'name':'osint:x'},{'name':'TLP:WHITE'},{'name':'tlp:green'},{'colour':'#fff'}]");
    g_autoptr(json_t) unknown = json_of("[{'name':'tlp:unclear'}]");
    g_autoptr(json_t) none = json_of("[{'name':'type:OSINT'}]");
    g_autofree char *tag = marking_tag(TLP_AMBER_STRICT);
    enum tlp level;

    g_assert_true(marking_level_of_tags(several, &level));
    g_assert_cmpint(level, ==, TLP_GREEN);
    g_assert_true(marking_level_of_tags(unknown, &level));
    g_assert_cmpint(level, ==, TLP_RED);
    g_assert_false(marking_level_of_tags(none, &level));
    g_assert_false(marking_level_of_tags(NULL, &level));
    g_assert_cmpstr(tag, ==, "tlp:amber+strict");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/marking/levels", test_levels);
    g_test_add_func("/marking/around", test_bundle_and_collection);
    g_test_add_func("/marking/definitions", test_definitions);
    g_test_add_func("/marking/tags", test_tags);
    return g_test_run();
}
