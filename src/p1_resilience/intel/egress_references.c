/*
 * References between STIX objects at the way out: they are the members whose names end in _ref and
 * _refs, at any depth. An id tells that an object exists, and the id of an observable can be
 * computed from its value: references to what does not go are taken out.
 */
#include "p1_resilience/intel/egress_private.h"
#include <string.h>

/*
 * What a type cannot be without: one id, or at least one of a list. The two ends of network
 * traffic stand in for one another.
 */
static const struct {
    const char *type, *property, *other;
} needs[] = {
    { "relationship", "source_ref", NULL },     { "relationship", "target_ref", NULL },
    { "sighting", "sighting_of_ref", NULL },    { "report", "object_refs", NULL },
    { "grouping", "object_refs", NULL },        { "note", "object_refs", NULL },
    { "opinion", "object_refs", NULL },         { "observed-data", "object_refs", NULL },
    { "language-content", "object_ref", NULL }, { "network-traffic", "src_ref", "dst_ref" },
};

/* Markings are restrictions, never taken away; they reveal no object. */
static gboolean is_reference(const char *name)
{
    return (g_str_has_suffix(name, "_ref") || g_str_has_suffix(name, "_refs")) &&
           strcmp(name, "object_marking_refs") != 0 && strcmp(name, "marking_ref") != 0;
}

/* Whether a property refers to anything, and to something that `visible` knows. */
static void look_at(const json_t *value, egress_visible_fn visible, gpointer data, gboolean *any,
                    gboolean *known)
{
    const json_t *element;
    size_t index;

    if (json_is_string(value)) {
        *any = TRUE;
        *known |= visible && visible(json_string_value(value), data);
    }
    json_array_foreach(value, index, element) look_at(element, visible, data, any, known);
}

gboolean egress_references_hold(const json_t *object, egress_visible_fn visible, gpointer data)
{
    const char *type = json_text(object, "type");

    for (guint i = 0; i < G_N_ELEMENTS(needs); i++) {
        gboolean any = FALSE, known = FALSE;

        if (g_strcmp0(type, needs[i].type) != 0)
            continue;
        look_at(json_object_get(object, needs[i].property), visible, data, &any, &known);
        if (needs[i].other)
            look_at(json_object_get(object, needs[i].other), visible, data, &any, &known);
        if (any && !known)
            return FALSE;
    }
    return TRUE;
}

static void each_id(const json_t *value, void (*each)(const char *id, gpointer data), gpointer data)
{
    const json_t *element;
    size_t index;

    if (json_is_string(value))
        each(json_string_value(value), data);
    json_array_foreach(value, index, element) each_id(element, each, data);
}

void egress_references_needed(const json_t *object, void (*each)(const char *id, gpointer data),
                              gpointer data)
{
    const char *type = json_text(object, "type");

    for (guint i = 0; i < G_N_ELEMENTS(needs); i++) {
        if (g_strcmp0(type, needs[i].type) != 0)
            continue;
        each_id(json_object_get(object, needs[i].property), each, data);
        if (needs[i].other)
            each_id(json_object_get(object, needs[i].other), each, data);
    }
}

struct stripping {
    egress_visible_fn visible;
    gpointer data;
    guint taken; /* references taken out so far */
};

static gboolean stays(const struct stripping *stripping, const json_t *reference)
{
    return json_is_string(reference) && stripping->visible &&
           stripping->visible(json_string_value(reference), stripping->data);
}

/* A list of references: those that stay. TRUE: the property stays. */
static gboolean strip_list(struct stripping *stripping, json_t *list)
{
    for (size_t i = json_array_size(list); i-- > 0;)
        if (!stays(stripping, json_array_get(list, i))) {
            json_array_remove(list, i);
            stripping->taken++;
        }
    return json_array_size(list) > 0; /* STIX knows no empty lists */
}

static void strip_value(struct stripping *stripping, json_t *value)
{
    json_t *member;
    const char *name;
    size_t index;
    void *next;

    json_array_foreach(value, index, member) strip_value(stripping, member);
    json_object_foreach_safe(value, next, name, member)
    {
        gboolean kept = TRUE;

        if (!is_reference(name)) {
            strip_value(stripping, member);
        } else if (json_is_array(member)) {
            kept = strip_list(stripping, member);
        } else if (!stays(stripping, member)) {
            kept = FALSE;
            stripping->taken++;
        }
        if (!kept)
            json_object_del(value, name);
    }
}

/* Whether a selector ("where_sighted_refs.[0]") speaks of that property. */
static gboolean selects(const char *selector, const char *property)
{
    gsize length = strlen(property);

    return selector && strncmp(selector, property, length) == 0 &&
           (selector[length] == 0 || selector[length] == '.');
}

/*
 * Selectors of a property that changed: none when it went, else the whole of it, since positions
 * in it moved.
 */
static void mend_selectors(json_t *selectors, const char *property, gboolean there)
{
    for (size_t i = json_array_size(selectors); i-- > 0;) {
        if (!selects(json_string_value(json_array_get(selectors, i)), property))
            continue;
        if (there)
            json_array_set_new(selectors, i, json_string(property));
        else
            json_array_remove(selectors, i);
    }
}

static void mend_markings(json_t *object, const char *property)
{
    json_t *markings = json_object_get(object, "granular_markings");
    gboolean there = json_object_get(object, property) != NULL;

    for (size_t i = json_array_size(markings); i-- > 0;) {
        json_t *selectors = json_object_get(json_array_get(markings, i), "selectors");

        mend_selectors(selectors, property, there);
        if (json_is_array(selectors) && json_array_size(selectors) == 0)
            json_array_remove(markings, i);
    }
    if (json_is_array(markings) && json_array_size(markings) == 0)
        json_object_del(object, "granular_markings");
}

json_t *egress_references_strip(const json_t *object, egress_visible_fn visible, gpointer data)
{
    g_autoptr(json_t) copy = json_deep_copy(object);
    struct stripping stripping = { visible, data, 0 };
    const json_t *before;
    const char *name;

    strip_value(&stripping, copy);
    if (!stripping.taken)
        return NULL;
    json_object_foreach((json_t *)object, name,
                        before) if (!json_equal(before, json_object_get(copy, name)) &&
                                    strcmp(name, "granular_markings") != 0)
        mend_markings(copy, name);
    return g_steal_pointer(&copy);
}
