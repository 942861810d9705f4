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

static void each_id(const json_t *value, guint group, egress_needed_fn each, gpointer data)
{
    const json_t *element;
    size_t index;

    if (json_is_string(value))
        each(json_string_value(value), group, data);
    json_array_foreach(value, index, element) each_id(element, group, each, data);
}

void egress_references_needed(const json_t *object, egress_needed_fn each, gpointer data)
{
    const char *type = json_text(object, "type");
    guint group = 0;

    for (guint i = 0; i < G_N_ELEMENTS(needs); i++) {
        if (g_strcmp0(type, needs[i].type) != 0)
            continue;
        each_id(json_object_get(object, needs[i].property), group, each, data);
        if (needs[i].other)
            each_id(json_object_get(object, needs[i].other), group, each, data);
        group++;
    }
}

/* The needs of an object: whether there are any, and whether one of them is met. */
struct meeting {
    egress_visible_fn visible;
    gpointer data;
    gboolean any[EGRESS_NEEDS_MAX], met[EGRESS_NEEDS_MAX];
};

static void meet(const char *id, guint group, gpointer data)
{
    struct meeting *meeting = data;

    meeting->any[group] = TRUE;
    meeting->met[group] |= meeting->visible && meeting->visible(id, meeting->data);
}

gboolean egress_references_hold(const json_t *object, egress_visible_fn visible, gpointer data)
{
    struct meeting meeting = { .visible = visible, .data = data };

    egress_references_needed(object, meet, &meeting);
    for (guint i = 0; i < EGRESS_NEEDS_MAX; i++)
        if (meeting.any[i] && !meeting.met[i])
            return FALSE;
    return TRUE;
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
    g_autoptr(json_t) staying = json_array();
    json_t *reference;
    size_t index;

    json_array_foreach(list, index, reference) if (stays(stripping, reference))
        json_array_append(staying, reference);
    stripping->taken += (guint)(json_array_size(list) - json_array_size(staying));
    json_array_clear(list);
    json_array_extend(list, staying);
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

/* The properties of `object` that differ in `copy`, by name; the names are borrowed. */
static GHashTable *changed_properties(const json_t *object, const json_t *copy)
{
    GHashTable *changed = g_hash_table_new(g_str_hash, g_str_equal);
    const json_t *before;
    const char *name;

    json_object_foreach((json_t *)object, name,
                        before) if (!json_equal(before, json_object_get(copy, name)))
        g_hash_table_add(changed, (gpointer)name);
    return changed;
}

/*
 * Selectors ("where_sighted_refs.[0]") of properties that changed: none where it went, else the
 * whole of it, since positions in it moved. Owned by the caller.
 */
static json_t *mend_selectors(const json_t *selectors, GHashTable *changed, const json_t *object)
{
    json_t *mended = json_array();
    json_t *selector;
    size_t index;

    json_array_foreach(selectors, index, selector)
    {
        const char *text = json_is_string(selector) ? json_string_value(selector) : "";
        g_autofree char *property = g_strndup(text, strcspn(text, "."));

        if (!g_hash_table_contains(changed, property))
            json_array_append(mended, selector);
        else if (json_object_get(object, property))
            json_array_append_new(mended, json_string(property));
    }
    return mended;
}

/* Granular markings without the parts that went. */
static void mend_markings(json_t *object, GHashTable *changed)
{
    const json_t *markings = json_object_get(object, "granular_markings");
    g_autoptr(json_t) mended = json_array();
    json_t *marking;
    size_t index;

    if (!json_is_array(markings))
        return;
    json_array_foreach(markings, index, marking)
    {
        json_t *selectors = mend_selectors(json_object_get(marking, "selectors"), changed, object);

        if (json_array_size(selectors) > 0)
            json_array_append(mended, marking);
        json_object_set_new(marking, "selectors", selectors);
    }
    if (json_array_size(mended) > 0)
        json_object_set(object, "granular_markings", mended);
    else
        json_object_del(object, "granular_markings");
}

json_t *egress_references_strip(const json_t *object, egress_visible_fn visible, gpointer data)
{
    g_autoptr(json_t) copy = json_deep_copy(object);
    g_autoptr(GHashTable) changed = NULL;
    struct stripping stripping = { visible, data, 0 };

    strip_value(&stripping, copy);
    if (!stripping.taken)
        return NULL;
    changed = changed_properties(object, copy);
    mend_markings(copy, changed);
    return g_steal_pointer(&copy);
}
