#include "p1_resilience/intel/sighting.h"
#include "base/clock.h"
#include <string.h>

#define HIT_LIMIT (1u << 20) /* bytes of one hit's line */

static void sighting_free(struct sighting *sighting)
{
    g_free(sighting->object);
    g_free(sighting->source);
    g_free(sighting->source_id);
    g_ptr_array_unref(sighting->values);
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
    entry->values = g_ptr_array_new_with_free_func((GDestroyNotify)indicator_free);
    if (hunt_table_source(table, assertion->source, &source)) {
        entry->source = g_strdup(source.name);
        entry->source_id = g_strdup(source.id);
    }
    g_ptr_array_add(sightings->list, entry);
    g_hash_table_insert(sightings->by_object, entry->object, entry);
    return entry;
}

/* Keeps a value that was seen, once each, up to a bound. */
static void add_value(struct sighting *entry, const struct indicator *indicator)
{
    struct indicator *copy;

    for (guint i = 0; i < entry->values->len; i++) {
        const struct indicator *known = entry->values->pdata[i];

        if (known->kind == indicator->kind && strcmp(known->text, indicator->text) == 0)
            return;
    }
    if (entry->values->len == SIGHTING_VALUES_MAX)
        return;
    copy = g_memdup2(indicator, sizeof *indicator);
    copy->text = g_strdup(indicator->text);
    g_ptr_array_add(entry->values, copy);
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

/* Whether the object asks for more than the line of the hit had; of hits that do not say, it may.
 */
static gboolean is_in_part(const struct assertion *assertion, const json_t *hit)
{
    const json_t *id;
    size_t index;

    if (!(assertion->flags & ASSERTION_PARTIAL))
        return FALSE;
    if (!json_is_false(json_object_get(hit, "partial")))
        return TRUE;
    json_array_foreach(json_object_get(hit, "in_part"), index, id)
    {
        if (g_strcmp0(json_string_value(id), assertion->object) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Counts one hit for each object that asserts its indicator; TRUE: for one at least. */
static gboolean count_assertions(struct sightings *sightings, const json_t *hit,
                                 const struct hunt_table *table, struct hunt_cursor *cursor,
                                 const struct indicator *indicator, gint64 time_us,
                                 const struct sighting_options *options)
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
        } else if (is_in_part(&assertion, hit) && !options->partial) {
            sightings->partial++;
        } else if (!assertion.object) {
            sightings->nameless++;
        } else {
            entry = entry_of(sightings, table, &assertion, time_us);
            entry->level = MAX(entry->level, assertion.tlp);
            add_value(entry, indicator);
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
    if (count_assertions(sightings, hit, table, &cursor, &indicator, time_us, options))
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
