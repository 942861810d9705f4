#include "p1_resilience/intel/holding.h"

#include "base/clock.h"
#include "base/error.h"
#include "p1_resilience/intel/stix.h"

#define ENTRY_TYPE "stix"

struct holding {
    struct commitment *commitment;
    GHashTable *seen; /* "ID VERSION" */
    json_t *types;    /* type -> number */
};

struct holding *holding_new(void)
{
    struct holding *holding = g_new(struct holding, 1);

    holding->commitment = commitment_new();
    holding->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    holding->types = json_object();
    return holding;
}

void holding_free(struct holding *holding)
{
    if (!holding)
        return;
    commitment_free(holding->commitment);
    g_hash_table_unref(holding->seen);
    json_decref(holding->types);
    g_free(holding);
}

gboolean holding_add(struct holding *holding, struct egress *egress, const json_t *object,
                     gboolean onward, GError **error)
{
    const char *id = json_text(object, "id"), *type = json_text(object, "type");
    const char *version = stix_version(object);
    g_autoptr(json_t) entry = NULL;
    enum tlp level;

    if (!id || !type)
        return input_error(error, "an object of STIX has a type and an id");
    if (!g_hash_table_add(holding->seen, g_strconcat(id, " ", version, NULL)))
        return TRUE;
    level = marking_level(object, egress_context(egress));
    egress_pass(egress, id, level, onward);
    entry = json_pack("{s:s, s:s, s:b, s:O}", "type", ENTRY_TYPE, "level", tlp_name(level),
                      "onward", onward, "object", object);
    if (!commitment_add(holding->commitment, entry, error)) {
        g_prefix_error(error, "%s: ", id);
        return FALSE;
    }
    json_object_set_new(holding->types, type,
                        json_integer(json_number(holding->types, type, 0) + 1));
    return TRUE;
}

guint64 holding_count(const struct holding *holding)
{
    return commitment_count(holding->commitment);
}

gboolean holding_sign(struct holding *holding, const char *log, gint64 now_us,
                      const struct signing_key *key, GBytes **envelope, GBytes **openings,
                      GError **error)
{
    g_autofree char *time = clock_format(now_us);
    g_autoptr(json_t) predicate = json_pack("{s:s, s:O}", "time", time, "types", holding->types);

    if (log)
        json_object_set_new(predicate, "log", json_safe_string(log));
    return claim_sign("indicators", predicate, holding->commitment, key, envelope, openings, error);
}

const char *holding_id(const json_t *entry)
{
    return g_strcmp0(json_text(entry, "type"), ENTRY_TYPE) == 0
               ? json_text(json_object_get(entry, "object"), "id")
               : NULL;
}

gboolean holding_may_open(const json_t *entry, struct egress *egress)
{
    const json_t *object = json_object_get(entry, "object");
    const char *name = json_text(entry, "level");
    enum tlp level, own;

    /* The stricter of what was known of it then, and what it says itself. */
    if (!name || !tlp_parse(name, &level))
        level = TLP_RED;
    own = marking_level(object, egress_context(egress));
    return egress_pass(egress, holding_id(entry), MAX(level, own),
                       json_is_true(json_object_get(entry, "onward"))) == EGRESS_PASS;
}
