#include "p1_resilience/hunt/marking.h"
#include <string.h>

static const struct well_known {
    const char *id;
    enum tlp level;
} well_known[] = {
    /* TLP 2.0, in order of levels */
    { "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", TLP_CLEAR },
    { "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", TLP_GREEN },
    { "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", TLP_AMBER },
    { "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", TLP_AMBER_STRICT },
    { "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", TLP_RED },
    /* TLP 1.0 */
    { "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", TLP_CLEAR },
    { "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", TLP_GREEN },
    { "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", TLP_AMBER },
    { "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", TLP_RED },
};
/* When OASIS made the definitions of TLP 2.0. */
#define DEFINITIONS_CREATED "2022-10-01T00:00:00.000Z"

/* What a definition that is not well known says: a level, or nothing about it. */
#define TLP_PREFIX "tlp:"

struct markings {
    GHashTable *levels; /* id -> level, or MARKING_NO_LEVEL */
    gboolean full;      /* not all were kept */
};

gboolean marking_level_of_id(const char *id, enum tlp *level)
{
    for (guint i = 0; i < G_N_ELEMENTS(well_known); i++)
        if (g_strcmp0(id, well_known[i].id) == 0) {
            *level = well_known[i].level;
            return TRUE;
        }
    return FALSE;
}

const char *marking_id(enum tlp level)
{
    return well_known[level].id;
}

json_t *marking_definition(enum tlp level)
{
    g_autofree char *upper = g_ascii_strup(tlp_name(level), -1);
    g_autofree char *name = g_strconcat("TLP:", upper, NULL);

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:{s:s, s:s}}}", "type", "marking-definition",
                     "spec_version", "2.1", "id", marking_id(level), "created", DEFINITIONS_CREATED,
                     "name", name, "extensions", MARKING_TLP_EXTENSION, "extension_type",
                     "property-extension", "tlp_2_0", tlp_name(level));
}

struct markings *markings_new(void)
{
    struct markings *markings = g_new0(struct markings, 1);

    markings->levels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return markings;
}

void markings_free(struct markings *markings)
{
    if (!markings)
        return;
    g_hash_table_unref(markings->levels);
    g_free(markings);
}

gboolean marking_level_of_tag(const char *name, enum tlp *level)
{
    if (!name || g_ascii_strncasecmp(name, TLP_PREFIX, strlen(TLP_PREFIX)) != 0)
        return FALSE;
    if (!tlp_parse(name, level))
        *level = TLP_RED;
    return TRUE;
}

/* The level that a definition names: by the extension of TLP 2.0, as TLP 1.0, or by its name. */
static int defined_level(const json_t *object)
{
    const json_t *extension =
        json_object_get(json_object_get(object, "extensions"), MARKING_TLP_EXTENSION);
    gboolean of_tlp = extension || g_strcmp0(json_text(object, "definition_type"), "tlp") == 0;
    enum tlp level;

    if (tlp_parse(json_text(extension, "tlp_2_0"), &level) ||
        tlp_parse(json_text(json_object_get(object, "definition"), "tlp"), &level))
        return level;
    if (marking_level_of_tag(json_text(object, "name"), &level))
        return level;
    return of_tlp ? TLP_RED : MARKING_NO_LEVEL; /* of the TLP, but no level that is known */
}

gboolean marking_defines(const json_t *object, int *level)
{
    if (!json_text(object, "id") || g_strcmp0(json_text(object, "type"), "marking-definition") != 0)
        return FALSE;
    *level = defined_level(object);
    return TRUE;
}

void markings_add(struct markings *markings, const char *id, int level)
{
    gpointer before;

    /* Two definitions under one id: the stricter one counts. */
    if (g_hash_table_lookup_extended(markings->levels, id, NULL, &before))
        level = MAX(level, GPOINTER_TO_INT(before));
    else if (g_hash_table_size(markings->levels) >= MARKINGS_MAX)
        markings->full = TRUE;
    if (g_hash_table_size(markings->levels) < MARKINGS_MAX ||
        g_hash_table_contains(markings->levels, id))
        g_hash_table_insert(markings->levels, g_strdup(id), GINT_TO_POINTER(level));
}

void markings_learn(struct markings *markings, const json_t *object)
{
    int level;

    if (marking_defines(object, &level))
        markings_add(markings, json_text(object, "id"), level);
}

/* The level of one reference; one that is not explained counts as the default. */
static int reference_level(const char *id, const struct marking_context *context)
{
    const struct markings *const all[] = { context->markings, context->others };
    int strictest = MARKING_NO_LEVEL;
    gboolean explained = FALSE, full = FALSE;
    enum tlp level;

    if (marking_level_of_id(id, &level))
        return level;
    for (guint i = 0; id && i < G_N_ELEMENTS(all); i++) {
        gpointer learned;

        full |= all[i] && all[i]->full;
        if (!all[i] || !g_hash_table_lookup_extended(all[i]->levels, id, NULL, &learned))
            continue;
        strictest = MAX(strictest, GPOINTER_TO_INT(learned));
        explained = TRUE;
    }
    if (explained)
        return strictest;
    return full ? (int)TLP_RED : (int)context->fallback;
}

/* The strictest of a list of references; `strictest` when none is stricter. */
static int references_level(const json_t *references, const struct marking_context *context,
                            int strictest)
{
    const json_t *reference;
    size_t index;

    json_array_foreach(references, index, reference) strictest =
        MAX(strictest, reference_level(json_string_value(reference), context));
    return strictest;
}

/* What an object says itself, in whole or in part. */
static int own_level(const json_t *object, const struct marking_context *context)
{
    int level =
        references_level(json_object_get(object, "object_marking_refs"), context, MARKING_NO_LEVEL);
    const json_t *part;
    size_t index;

    json_array_foreach(json_object_get(object, "granular_markings"), index,
                       part) if (json_text(part, "marking_ref")) /* else it says a language */
        level = MAX(level, reference_level(json_text(part, "marking_ref"), context));
    return level;
}

enum tlp marking_level(const json_t *object, const struct marking_context *context)
{
    gboolean definition = g_strcmp0(json_text(object, "type"), "marking-definition") == 0;
    int level = own_level(object, context);

    if (definition && level == MARKING_NO_LEVEL)
        return TLP_CLEAR;
    level =
        references_level(json_object_get(context->bundle, "object_marking_refs"), context, level);
    if (context->collection_has_level)
        level = MAX(level, (int)context->collection);
    return level == MARKING_NO_LEVEL ? context->fallback : (enum tlp)level;
}

gboolean marking_level_of_tags(const json_t *tags, enum tlp *level)
{
    gboolean found = FALSE;
    const json_t *tag;
    size_t index;

    json_array_foreach(tags, index, tag)
    {
        enum tlp of_tag;

        if (!marking_level_of_tag(json_text(tag, "name"), &of_tag))
            continue;
        *level = found ? MAX(*level, of_tag) : of_tag;
        found = TRUE;
    }
    return found;
}

char *marking_tag(enum tlp level)
{
    return g_strconcat("tlp:", tlp_name(level), NULL);
}
