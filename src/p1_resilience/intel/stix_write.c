/* Objects that this program makes, as STIX 2.1 has them. */
#include "base/clock.h"
#include "p1_resilience/hunt/marking.h"
#include "p1_resilience/intel/stix.h"
#include <string.h>

static const char *const class_names[] = {
    [STIX_INDIVIDUAL] = "individual",     [STIX_GROUP] = "group", [STIX_SYSTEM] = "system",
    [STIX_ORGANIZATION] = "organization", [STIX_CLASS] = "class", [STIX_UNKNOWN] = "unknown",
};

static void put_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_safe_string(text));
}

static void put_texts(json_t *object, const char *name, const char *const *texts)
{
    json_t *list;

    if (!texts || !texts[0])
        return;
    list = json_array();
    for (guint i = 0; texts[i]; i++)
        json_array_append_new(list, json_safe_string(texts[i]));
    json_object_set_new(object, name, list);
}

static void put_time(json_t *object, const char *name, gint64 time_us)
{
    g_autofree char *text = time_us ? stix_time(time_us) : NULL;

    put_text(object, name, text);
}

/* What all objects begin with. */
static json_t *begin(const char *type, const struct stix_common *common)
{
    json_t *object = json_object();
    g_autofree char *fresh = common->id ? NULL : stix_new_id(type);
    gint64 created_us = common->created_us ? common->created_us : clock_now_us();
    const char *const markings[] = { marking_id(common->level), NULL };

    put_text(object, "type", type);
    put_text(object, "spec_version", "2.1");
    put_text(object, "id", common->id ? common->id : fresh);
    put_text(object, "created_by_ref", common->created_by);
    put_time(object, "created", created_us);
    put_time(object, "modified", common->modified_us ? common->modified_us : created_us);
    put_texts(object, "object_marking_refs", markings);
    return object;
}

json_t *stix_identity(const struct stix_common *common, const char *name,
                      enum stix_identity_class class, const char *const *sectors)
{
    json_t *object = begin("identity", common);

    put_text(object, "name", name);
    put_text(object, "identity_class", class_names[class]);
    put_texts(object, "sectors", sectors);
    return object;
}

json_t *stix_indicator(const struct stix_common *common, const struct stix_indicator *indicator)
{
    json_t *object = begin("indicator", common);

    put_text(object, "name", indicator->name);
    put_text(object, "description", indicator->description);
    put_texts(object, "indicator_types", indicator->types);
    put_text(object, "pattern", indicator->pattern);
    put_text(object, "pattern_type", "stix");
    put_text(object, "pattern_version", "2.1");
    if (indicator->valid_from_us)
        put_time(object, "valid_from", indicator->valid_from_us);
    else
        put_text(object, "valid_from", json_text(object, "created"));
    put_time(object, "valid_until", indicator->valid_until_us);
    if (indicator->confidence >= 0)
        json_object_set_new(object, "confidence", json_integer(indicator->confidence));
    return object;
}

json_t *stix_sighting(const struct stix_common *common, const struct stix_sighting *sighting)
{
    json_t *object = begin("sighting", common);

    put_text(object, "sighting_of_ref", sighting->sighting_of);
    put_time(object, "first_seen", sighting->first_seen_us);
    put_time(object, "last_seen", sighting->last_seen_us);
    json_object_set_new(object, "count",
                        json_integer((json_int_t)MIN(sighting->count, STIX_COUNT_MAX)));
    put_texts(object, "where_sighted_refs", sighting->where_sighted);
    put_texts(object, "observed_data_refs", sighting->observed_data);
    return object;
}

json_t *stix_observed_data(const struct stix_common *common, gint64 first_us, gint64 last_us,
                           guint64 number, const char *const *object_refs)
{
    json_t *object = begin("observed-data", common);

    put_time(object, "first_observed", first_us);
    put_time(object, "last_observed", last_us);
    json_object_set_new(object, "number_observed",
                        json_integer((json_int_t)CLAMP(number, 1, STIX_COUNT_MAX)));
    put_texts(object, "object_refs", object_refs);
    return object;
}

json_t *stix_opinion(const struct stix_common *common, const char *opinion, const char *explanation,
                     const char *const *object_refs)
{
    json_t *object = begin("opinion", common);

    put_text(object, "explanation", explanation);
    put_text(object, "opinion", opinion);
    put_texts(object, "object_refs", object_refs);
    return object;
}

GBytes *stix_bytes(const json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    return g_bytes_new_with_free_func(text, strlen(text), free, text);
}

GBytes *stix_bundle(const char *id, const GPtrArray *objects)
{
    g_autofree char *fresh = id ? NULL : stix_new_id("bundle");
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "{\"type\":\"bundle\",\"id\":\"%s\"", id ? id : fresh);
    for (guint i = 0; i < objects->len; i++) {
        gsize length;
        const char *object = g_bytes_get_data(g_ptr_array_index(objects, i), &length);

        g_string_append(text, i == 0 ? ",\"objects\":[\n" : ",\n");
        g_string_append_len(text, object, (gssize)length);
    }
    g_string_append(text, objects->len ? "\n]}\n" : "}\n");
    return g_string_free_to_bytes(text);
}
