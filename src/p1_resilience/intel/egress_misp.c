/*
 * MISP events at the way out. An event and each attribute have a level by their TLP tags; where
 * there is no such tag, a distribution that closes counts as AMBER+STRICT, and an open one as
 * nothing: it says where MISP sends by itself. An attribute is never more open than its event.
 */
#include "p1_resilience/intel/egress_private.h"
#include <string.h>

/* Members that speak of other events, or hold what others proposed or saw: they stay here. */
static const char *const foreign_members[] = {
    "RelatedEvent",
    "RelatedAttribute",
    "ShadowAttribute",
    "Sighting",
    "SharingGroup",
    "EventReport",
    "Feed",
    "CryptographicKey",
    "extends_uuid",
    "sharing_group_id",
    "event_creator_email",
};

/* Distributions that close: to the own organisation, and to those of a sharing group. */
enum { DISTRIBUTION_OWN = 0, DISTRIBUTION_SHARING_GROUP = 4, DISTRIBUTION_INHERIT = 5 };

/* Numbers come as numbers and as text. */
static gint64 number_of(const json_t *object, const char *name, gint64 fallback)
{
    const json_t *value = json_object_get(object, name);
    gint64 number;

    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_string(value) && g_ascii_string_to_signed(json_string_value(value), 10, G_MININT64,
                                                          G_MAXINT64, &number, NULL))
        return number;
    return fallback;
}

/* What an event, object or attribute says itself. FALSE: nothing. */
static gboolean own_level(const json_t *object, enum tlp *level)
{
    gint64 distribution = number_of(object, "distribution", DISTRIBUTION_INHERIT);

    if (marking_level_of_tags(json_object_get(object, "Tag"), level))
        return TRUE;
    *level = TLP_AMBER_STRICT;
    return distribution == DISTRIBUTION_OWN || distribution == DISTRIBUTION_SHARING_GROUP;
}

/* The level of an event: its own, or the default; never more open than the collection. */
static enum tlp event_level(const json_t *event, const struct marking_context *context)
{
    enum tlp level;

    if (!own_level(event, &level))
        level = context->fallback;
    return context->collection_has_level ? MAX(level, context->collection) : level;
}

/* What stands inside something of level `outer` is as strict at least. */
static enum tlp inner_level(const json_t *object, enum tlp outer)
{
    enum tlp level;

    return own_level(object, &level) ? MAX(level, outer) : outer;
}

static void drop_foreign(json_t *object)
{
    for (guint i = 0; i < G_N_ELEMENTS(foreign_members); i++)
        json_object_del(object, foreign_members[i]);
}

/* What goes of one exchange's event. */
struct passage {
    struct egress *egress;
    gboolean onward;
    GHashTable *kept; /* UUIDs of the parts that go */
};

/* Whether a part of the event may go, inside something of level `outer`. */
static gboolean may_go(struct passage *passage, const json_t *object, enum tlp outer)
{
    const char *uuid = json_text(object, "uuid");
    enum egress_verdict verdict = egress_decide(inner_level(object, outer),
                                                egress_recipient(passage->egress), passage->onward);
    if (verdict != EGRESS_PASS) {
        egress_note(passage->egress, uuid, verdict);
        return FALSE;
    }
    if (uuid)
        g_hash_table_add(passage->kept, g_strdup(uuid));
    return TRUE;
}

static void pass_members(struct passage *passage, json_t *object, enum tlp level);

static gboolean pass_value(struct passage *passage, json_t *value, enum tlp outer);

static void pass_elements(struct passage *passage, json_t *list, enum tlp outer)
{
    g_autoptr(json_t) going = json_array();
    json_t *element;
    size_t index;

    json_array_foreach(list, index, element) if (pass_value(passage, element, outer))
        json_array_append(going, element);
    json_array_clear(list);
    json_array_extend(list, going);
}

/* A member or element of a part that goes: what it holds that may go. FALSE: it does not itself. */
static gboolean pass_value(struct passage *passage, json_t *value, enum tlp outer)
{
    if (json_is_array(value)) {
        pass_elements(passage, value, outer);
    } else if (json_is_object(value)) {
        size_t before = json_array_size(json_object_get(value, "Attribute"));

        if (!may_go(passage, value, outer))
            return FALSE;
        pass_members(passage, value, inner_level(value, outer));
        if (before > 0 && json_array_size(json_object_get(value, "Attribute")) == 0) {
            /* nothing is left of it */
            if (json_text(value, "uuid"))
                g_hash_table_remove(passage->kept, json_text(value, "uuid"));
            return FALSE;
        }
    }
    return TRUE;
}

/* Whatever stands in something of that level, at any depth: tags may stand on all of it. */
static void pass_members(struct passage *passage, json_t *object, enum tlp level)
{
    const char *name;
    json_t *member;
    void *next;

    drop_foreign(object);
    json_object_foreach_safe(object, next, name, member) if (!pass_value(passage, member, level))
        json_object_del(object, name);
}

/* References between objects of the event: only to what goes, and without what they repeat. */
static void pass_references(const struct passage *passage, json_t *references)
{
    g_autoptr(json_t) going = json_array();
    json_t *reference;
    size_t index;

    json_array_foreach(references, index, reference)
    {
        const char *to = json_text(reference, "referenced_uuid");

        json_object_del(reference, "Attribute");
        json_object_del(reference, "Object");
        if (to && g_hash_table_contains(passage->kept, to))
            json_array_append(going, reference);
    }
    json_array_clear(references);
    json_array_extend(references, going);
}

json_t *egress_misp_event(struct egress *egress, const json_t *event, gboolean onward,
                          enum egress_verdict *verdict)
{
    g_autoptr(GHashTable) kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(json_t) copy = NULL;
    struct passage passage = { egress, onward, kept };
    const json_t *inside = json_object_get(event, "Event"), *objects;
    const char *uuid;
    enum tlp level = TLP_RED;

    inside = inside ? inside : event;
    uuid = json_text(inside, "uuid");
    *verdict = EGRESS_MALFORMED;
    if (json_is_object(inside) && uuid) {
        level = event_level(inside, egress_context(egress));
        *verdict = egress_decide(level, egress_recipient(egress), onward);
    }
    egress_note(egress, uuid, *verdict);
    if (*verdict != EGRESS_PASS)
        return NULL;
    copy = json_deep_copy(inside);
    pass_members(&passage, copy, level);
    objects = json_object_get(copy, "Object");
    for (size_t i = 0; i < json_array_size(objects); i++)
        pass_references(&passage, json_object_get(json_array_get(objects, i), "ObjectReference"));
    return inside == event ? g_steal_pointer(&copy) : json_pack("{s:O}", "Event", copy);
}
