#include "p1_resilience/intel/sighting.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "p1_resilience/intel/stix.h"
#include <string.h>

/*
 * When identities were made, the day of the Call: an id that follows from a name needs one content
 * for ever. That an organisation exists is no secret; that it saw something stands elsewhere.
 */
#define IDENTITY_US (G_GINT64_CONSTANT(1541980800) * G_USEC_PER_SEC)
#define HIT_LIMIT (1u << 20) /* bytes of one hit's line */

static void sighting_free(struct sighting *sighting)
{
    g_free(sighting->object);
    g_free(sighting->source);
    g_free(sighting->source_id);
    g_free(sighting);
}

struct sightings *sightings_new(void)
{
    struct sightings *sightings = g_new0(struct sightings, 1);

    sightings->list = g_ptr_array_new_with_free_func((GDestroyNotify)sighting_free);
    sightings->by_object = g_hash_table_new(g_str_hash, g_str_equal);
    return sightings;
}

void sightings_free(struct sightings *sightings)
{
    if (!sightings)
        return;
    g_hash_table_unref(sightings->by_object);
    g_ptr_array_unref(sightings->list);
    g_free(sightings);
}

/* The entry of an object, made when it is the first time. */
static struct sighting *entry_of(struct sightings *sightings, const struct hunt_table *table,
                                 const struct assertion *assertion, gint64 time_us)
{
    struct sighting *entry = g_hash_table_lookup(sightings->by_object, assertion->object);
    struct hunt_source source;

    if (entry)
        return entry;
    entry = g_new0(struct sighting, 1);
    entry->object = g_strdup(assertion->object);
    entry->first_us = entry->last_us = time_us;
    if (hunt_table_source(table, assertion->source, &source)) {
        entry->source = g_strdup(source.name);
        entry->source_id = g_strdup(source.id);
    }
    g_ptr_array_add(sightings->list, entry);
    g_hash_table_insert(sightings->by_object, entry->object, entry);
    return entry;
}

/* One key holds several indicators: a domain and a host, an address and its /32. */
static gboolean is_about(const struct assertion *assertion, const struct indicator *indicator)
{
    return assertion->indicator.kind == indicator->kind &&
           strcmp(assertion->indicator.text, indicator->text) == 0;
}

static gboolean is_in_time(const struct assertion *assertion, gint64 time_us)
{
    return time_us >= assertion->valid_from_us &&
           (!assertion->valid_until_us || time_us < assertion->valid_until_us);
}

/* Counts one hit for each object that asserts its indicator; TRUE: for one at least. */
static gboolean count_assertions(struct sightings *sightings, const struct hunt_table *table,
                                 struct hunt_cursor *cursor, const struct indicator *indicator,
                                 gint64 time_us, const struct sighting_options *options)
{
    g_autoptr(GHashTable) counted = g_hash_table_new(g_direct_hash, g_direct_equal);
    struct assertion assertion;

    while (hunt_table_next(table, cursor, &assertion)) {
        struct sighting *entry;

        if (!is_about(&assertion, indicator))
            continue;
        if (assertion.flags & ASSERTION_WITHDRAWN) {
            sightings->withdrawn++;
        } else if (!is_in_time(&assertion, time_us)) {
            sightings->expired++;
        } else if ((assertion.flags & ASSERTION_PARTIAL) && !options->partial) {
            sightings->partial++;
        } else if (!assertion.object) {
            sightings->nameless++;
        } else {
            entry = entry_of(sightings, table, &assertion, time_us);
            entry->level = MAX(entry->level, assertion.tlp);
            entry->first_us = MIN(entry->first_us, time_us);
            entry->last_us = MAX(entry->last_us, time_us);
            /* One object may assert one value twice; that is still one hit. */
            entry->count += g_hash_table_add(counted, entry) ? 1 : 0;
        }
    }
    return g_hash_table_size(counted) > 0;
}

/* One hit as the scanner wrote it. */
static void count_hit(struct sightings *sightings, const json_t *hit,
                      const struct hunt_table *table, const struct sighting_options *options)
{
    const char *text = json_text(hit, "indicator"), *time = json_text(hit, "time");
    gboolean suppressed =
        json_is_true(json_object_get(hit, "suppressed")) || json_text(hit, "suppressed_by") != NULL;
    g_auto(indicator_t) indicator = { 0 };
    g_auto(hunt_cursor_t) cursor = { 0 };
    enum indicator_kind kind;
    enum indicator_why why;
    struct hunt_key key;
    gint64 time_us = options->now_us;

    if (suppressed != options->false_positives) {
        sightings->suppressed++;
        return;
    }
    if (!indicator_kind_parse(json_text(hit, "kind"), &kind) ||
        !indicator_parse(text, strlen(text),
                         INDICATOR_VERBATIM | INDICATOR_FORCE | INDICATOR_ONLY(kind), &indicator,
                         &why) ||
        !hunt_key_of(&indicator, &key) ||
        !hunt_table_find(table, key.hash, key.bytes, key.length, &cursor)) {
        sightings->unknown++;
        return;
    }
    if (time)
        clock_parse(time, &time_us, NULL);
    if (count_assertions(sightings, table, &cursor, &indicator, time_us, options))
        sightings->hits++;
}

gboolean sighting_from_hits(struct sightings *sightings, const char *text, gsize length,
                            const char *name, const struct hunt_table *table,
                            const struct sighting_options *options, GError **error)
{
    const char *end = text + length;

    for (guint64 number = 1; text < end; number++) {
        const char *line = text, *stop = memchr(text, '\n', end - text);
        gsize size = (stop ? stop : end) - line;
        g_autofree char *place = NULL;
        g_autoptr(json_t) hit = NULL;

        text = stop ? stop + 1 : end;
        if (size == 0)
            continue;
        place = g_strdup_printf("%s:%" G_GUINT64_FORMAT, name, number);
        hit = json_parse(line, size, HIT_LIMIT, place, error);
        if (!hit)
            return FALSE;
        if (json_text(hit, "kind") && json_text(hit, "indicator"))
            count_hit(sightings, hit, table, options);
    }
    return TRUE;
}

gboolean sighting_is_of(const struct sighting *sighting, const char *who)
{
    return who && ((sighting->source && g_ascii_strcasecmp(sighting->source, who) == 0) ||
                   g_strcmp0(sighting->source_id, who) == 0);
}

/* --- What leaves ------------------------------------------------------------------------------ */

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

static json_t *make_sighting(const struct sighting *sighting, const struct sighting_report *report,
                             const char *identity)
{
    const char *const where[] = { identity, NULL }, *const objects[] = { sighting->object, NULL };
    const struct stix_common common = { .created_us = report->now_us,
                                        .created_by = identity,
                                        .level = MAX(sighting->level, report->level) };
    const struct stix_sighting said = { .sighting_of = sighting->object,
                                        .where_sighted = where,
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

GBytes *sighting_bundle(const struct sightings *sightings, const struct sighting_report *report,
                        struct egress *egress, guint *said)
{
    struct audience audience = { sightings, egress_recipient(egress) };
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(struct egress_item));
    g_autoptr(GPtrArray) sent = g_ptr_array_new();
    json_t *identity = make_identity(report);

    g_array_set_clear_func(items, (GDestroyNotify)clear_item);
    add_item(items, identity);
    for (guint i = 0; i < sightings->list->len; i++) {
        const struct sighting *sighting = sightings->list->pdata[i];

        if (stix_is_id(sighting->object, NULL))
            add_item(items, make_sighting(sighting, report, json_text(identity, "id")));
    }
    if (items->len > 1) /* somebody saw something */
        egress_objects(egress, (struct egress_item *)(void *)items->data, items->len, may_know,
                       &audience);
    for (guint i = 0; i < items->len; i++)
        if (g_array_index(items, struct egress_item, i).sent)
            g_ptr_array_add(sent, g_array_index(items, struct egress_item, i).sent);
    if (sent->len <= 1) /* nobody says who saw nothing */
        g_ptr_array_set_size(sent, 0);
    *said = sent->len ? sent->len - 1 : 0;
    return stix_bundle(NULL, sent);
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
