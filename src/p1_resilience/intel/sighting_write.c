/* What leaves of sightings: objects of STIX, and what MISP takes. */
#include "base/uuid.h"
#include "p1_resilience/intel/sighting.h"
#include "p1_resilience/intel/stix.h"
#include <string.h>

/*
 * When identities were made, the day of the Call: an id that follows from a name needs one content
 * for ever. That an organisation exists is no secret; that it saw something stands elsewhere.
 */
#define IDENTITY_US (G_GINT64_CONSTANT(1541980800) * G_USEC_PER_SEC)
/*
 * Who saw it. The id follows from the name, so that all sightings of one organisation have one; of
 * who does not want to be named, all organisations of its group share one.
 */
static json_t *make_identity(const struct sighting_report *report)
{
    const struct signatory *signatory = report->signatory;
    const char *group = group_name(signatory->group);
    g_autofree char *kind = g_strdup_printf("an organisation (%s)", group ? group : "any group");
    const char *name = report->anonymous || !signatory->name ? kind : signatory->name;
    g_autofree char *seed = g_strdup_printf("stix identity\n%s", name);
    g_autofree char *uuid = uuid_from_name(seed);
    g_autofree char *id = g_strconcat("identity--", uuid, NULL);
    gboolean named = name != kind;
    const struct stix_common common = { .id = id, .created_us = IDENTITY_US, .level = TLP_CLEAR };

    return stix_identity(&common, name, named ? STIX_ORGANIZATION : STIX_CLASS, NULL);
}

/* As what observables a value is seen; a digest's algorithm follows from its length. */
static const struct {
    enum indicator_kind kind;
    guint8 family;  /* of a network; else 0 */
    guint16 length; /* of a digest; else 0 */
    const char *type;
    const char *hash; /* of a file; else its value */
} observables[] = {
    { INDICATOR_IPV4, 0, 0, "ipv4-addr", NULL },
    { INDICATOR_IPV6, 0, 0, "ipv6-addr", NULL },
    { INDICATOR_CIDR, 4, 0, "ipv4-addr", NULL },
    { INDICATOR_CIDR, 6, 0, "ipv6-addr", NULL },
    { INDICATOR_DOMAIN, 0, 0, "domain-name", NULL },
    { INDICATOR_HOST, 0, 0, "domain-name", NULL },
    { INDICATOR_URL, 0, 0, "url", NULL },
    { INDICATOR_EMAIL, 0, 0, "email-addr", NULL },
    { INDICATOR_HASH, 0, 32, "file", "MD5" },
    { INDICATOR_HASH, 0, 40, "file", "SHA-1" },
    { INDICATOR_HASH, 0, 64, "file", "SHA-256" },
    { INDICATOR_HASH, 0, 128, "file", "SHA-512" },
};

/* The observable of a value, with its deterministic id; NULL: there is none. */
static json_t *make_observable(const struct indicator *value, enum tlp level)
{
    for (guint i = 0; i < G_N_ELEMENTS(observables); i++) {
        g_autofree char *id = NULL;
        json_t *object;

        if (observables[i].kind != value->kind ||
            (observables[i].family && observables[i].family != value->family) ||
            (observables[i].length && observables[i].length != strlen(value->text)))
            continue;
        object = observables[i].hash
                     ? json_pack("{s:s, s:s, s:{s:s}}", "type", observables[i].type, "spec_version",
                                 "2.1", "hashes", observables[i].hash, value->text)
                     : json_pack("{s:s, s:s, s:s}", "type", observables[i].type, "spec_version",
                                 "2.1", "value", value->text);
        id = stix_observable_id(object, NULL);
        json_object_set_new(object, "id", json_string(id));
        json_object_set_new(object, "object_marking_refs", json_pack("[s]", marking_id(level)));
        return object;
    }
    return NULL;
}

static json_t *make_sighting(const struct sighting *sighting, const struct sighting_report *report,
                             const char *identity, const char *observed)
{
    const char *const where[] = { identity, NULL }, *const objects[] = { sighting->object, NULL };
    const char *const data[] = { observed, NULL };
    const struct stix_common common = { .created_us = report->now_us,
                                        .created_by = identity,
                                        .level = MAX(sighting->level, report->level) };
    const struct stix_sighting said = { .sighting_of = sighting->object,
                                        .where_sighted = where,
                                        .observed_data = data,
                                        .first_seen_us = sighting->first_us,
                                        .last_seen_us = sighting->last_us,
                                        .count = sighting->count };

    return report->false_positives
               ? stix_opinion(&common, "strongly-disagree", "false positive", objects)
               : stix_sighting(&common, &said);
}

/* Whom what leaves goes to, and what was sighted. */
struct audience {
    const struct sightings *sightings;
    const struct egress_recipient *recipient;
};

/* Whether the recipient may know the indicator: its source does, and whom TLP lets know it. */
static gboolean may_know(const char *object, gpointer data)
{
    const struct audience *audience = data;
    const struct sighting *sighting = g_hash_table_lookup(audience->sightings->by_object, object);

    return sighting && (sighting_is_of(sighting, audience->recipient->id) ||
                        egress_decide(sighting->level, audience->recipient, TRUE) == EGRESS_PASS);
}

static void add_item(GArray *items, json_t *object)
{
    struct egress_item item = { .object = object };
    GBytes *bytes = stix_bytes(object);

    item.text = g_bytes_unref_to_data(bytes, &item.length);
    g_array_append_val(items, item);
}

static void clear_item(struct egress_item *item)
{
    g_free((char *)item->text);
    json_decref((json_t *)item->object);
    g_clear_pointer(&item->sent, g_bytes_unref);
}

/* What goes into one bundle. */
struct filling {
    const struct sighting_report *report;
    struct audience audience;
    const char *identity;
    GArray *items;           /* struct egress_item */
    GHashTable *observables; /* ids of those that are in it */
};

/*
 * The values that were seen, as observables and one observation; its id, or NULL. Only for who may
 * have the sighting: an observable would tell what was refused.
 */
static const char *add_observed(struct filling *filling, const struct sighting *sighting)
{
    const struct stix_common common = { .created_us = filling->report->now_us,
                                        .created_by = filling->identity,
                                        .level = MAX(sighting->level, filling->report->level) };
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    json_t *observed;

    if (!filling->report->observed || !may_know(sighting->object, &filling->audience) ||
        egress_decide(common.level, filling->audience.recipient, FALSE) != EGRESS_PASS)
        return NULL;
    for (guint i = 0; i < sighting->values->len; i++) {
        json_t *object = make_observable(sighting->values->pdata[i], common.level);
        char *id = object ? g_strdup(json_text(object, "id")) : NULL;
        gpointer known;

        if (!object)
            continue;
        if (g_hash_table_lookup_extended(filling->observables, id, &known, NULL)) {
            json_decref(object);
            g_free(id);
            id = known;
        } else {
            g_hash_table_add(filling->observables, id);
            add_item(filling->items, object);
        }
        g_ptr_array_add(ids, id);
    }
    if (ids->len == 0)
        return NULL;
    g_ptr_array_add(ids, NULL);
    observed = stix_observed_data(&common, sighting->first_us, sighting->last_us, sighting->count,
                                  (const char *const *)ids->pdata);
    add_item(filling->items, observed);
    return json_text(observed, "id");
}

/* The definitions of the levels that are used: not everybody knows those of TLP 2.0. */
static void add_definitions(GPtrArray *sent, const GArray *items)
{
    const struct marking_context plain = { .fallback = TLP_RED };
    gboolean used[TLP_RED + 1] = { FALSE };

    for (guint i = 0; i < items->len; i++) {
        const struct egress_item *item = &g_array_index(items, struct egress_item, i);

        if (item->sent)
            used[marking_level(item->object, &plain)] = TRUE;
    }
    for (enum tlp level = TLP_CLEAR; level <= TLP_RED; level++) {
        g_autoptr(json_t) definition = used[level] ? marking_definition(level) : NULL;

        if (definition)
            g_ptr_array_add(sent, stix_bytes(definition));
    }
}

/* The items that go, in their order; `said` is set to the number of sightings among them. */
static GPtrArray *gather_sent(const GArray *items, guint *said)
{
    GPtrArray *sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    *said = 0;
    for (guint i = 0; i < items->len; i++) {
        const struct egress_item *item = &g_array_index(items, struct egress_item, i);
        const char *type = json_text(item->object, "type");

        if (!item->sent)
            continue;
        g_ptr_array_add(sent, g_bytes_ref(item->sent));
        *said += g_str_equal(type, "sighting") || g_str_equal(type, "opinion");
    }
    if (*said == 0) /* nobody says who saw nothing */
        g_ptr_array_set_size(sent, 0);
    else
        add_definitions(sent, items);
    return sent;
}

GBytes *sighting_bundle(const struct sightings *sightings, const struct sighting_report *report,
                        struct egress *egress, guint *said)
{
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(struct egress_item));
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) sent = NULL;
    json_t *identity = make_identity(report);
    struct filling filling = { .report = report,
                               .audience = { sightings, egress_recipient(egress) },
                               .identity = json_text(identity, "id"),
                               .items = items,
                               .observables = known };

    g_array_set_clear_func(items, (GDestroyNotify)clear_item);
    add_item(items, identity);
    for (guint i = 0; i < sightings->list->len; i++) {
        const struct sighting *sighting = sightings->list->pdata[i];
        const char *observed;

        if (!stix_is_id(sighting->object, NULL))
            continue;
        observed = report->false_positives ? NULL : add_observed(&filling, sighting);
        add_item(items, make_sighting(sighting, report, filling.identity, observed));
    }
    if (items->len > 1) /* somebody saw something */
        egress_objects(egress, (struct egress_item *)(void *)items->data, items->len, may_know,
                       &filling.audience);
    sent = gather_sent(items, said);
    return stix_bundle(NULL, sent);
}

guint sighting_objects(const struct sightings *sightings, gboolean is_stix)
{
    guint count = 0;

    for (guint i = 0; i < sightings->list->len; i++) {
        const struct sighting *sighting = sightings->list->pdata[i];

        count += stix_is_id(sighting->object, NULL) == is_stix;
    }
    return count;
}

json_t *sighting_misp(const struct sightings *sightings, const struct sighting_report *report,
                      struct egress *egress)
{
    struct audience audience = { sightings, egress_recipient(egress) };
    g_autoptr(json_t) identity = make_identity(report);
    json_t *list = json_array();

    for (guint i = 0; i < sightings->list->len; i++) {
        const struct sighting *sighting = sightings->list->pdata[i];
        enum tlp level = MAX(sighting->level, report->level);

        if (stix_is_id(sighting->object, NULL) ||
            egress_level(egress, sighting->object, level, may_know(sighting->object, &audience)) !=
                EGRESS_PASS)
            continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I}", "uuid", sighting->object,
                                              "type", report->false_positives ? "1" : "0", "source",
                                              json_text(identity, "name"), "timestamp",
                                              (json_int_t)(sighting->last_us / G_USEC_PER_SEC)));
    }
    return list;
}
