#include "p2_internet/routes/route_sighting.h"

#include "base/clock.h"
#include "p2_internet/routes/watch_private.h"

#include <string.h>

#define PEERS_LIMIT 100000u
#define HELD_LIMIT 500000u
#define ESTABLISHED 6 /* RFC 6396 section 4.4.1 */
/* What the collector or router says itself, of others' tables, or of nobody that is known. */
#define NOT_HEARD (ROUTE_LOCAL | ROUTE_ADJ_OUT | ROUTE_INSTANCE | ROUTE_UNKNOWN_PEER)

/* Somebody who is heard. */
struct vantage {
    struct route_peer who;
    guint32 heard;            /* a bit for each alarm in whose time it said something */
    guint32 seen;             /* likewise: it had the route */
    gint64 first_us, last_us; /* what it said */
};

/* A route of an alarm that a peer has. */
struct hold {
    struct vantage *vantage;
    guint alarm;
    guint32 path_id;
    gint64 since_us;
    char *evidence;
};

struct wanted {
    struct public_alarm alarm;
    struct route_sighting found; /* without `peers` and `of` */
};

struct route_sightings {
    struct wanted wanted[ROUTE_SIGHTING_ALARMS];
    guint count;
    GHashTable *vantages; /* struct route_peer (of struct vantage) -> struct vantage */
    GHashTable *holds;    /* struct hold, a set */
    struct watch_path path;
};

static guint hold_hash(gconstpointer key)
{
    const struct hold *hold = key;

    return g_direct_hash(hold->vantage) ^ hold->alarm * 2654435761u ^ hold->path_id * 40503u;
}

static gboolean hold_equal(gconstpointer a, gconstpointer b)
{
    const struct hold *left = a, *right = b;

    return left->vantage == right->vantage && left->alarm == right->alarm &&
           left->path_id == right->path_id;
}

static void hold_free(gpointer data)
{
    struct hold *hold = data;

    g_free(hold->evidence);
    g_free(hold);
}

struct route_sightings *route_sightings_new(const struct public_alarm *alarms, guint count)
{
    struct route_sightings *sightings = g_new0(struct route_sightings, 1);

    sightings->count = MIN(count, ROUTE_SIGHTING_ALARMS);
    for (guint i = 0; i < sightings->count; i++) {
        sightings->wanted[i].alarm = alarms[i];
        sightings->wanted[i].found.from_us = alarms[i].first_us - ROUTE_SIGHTING_MARGIN_US;
        sightings->wanted[i].found.until_us = alarms[i].last_us + ROUTE_SIGHTING_MARGIN_US;
    }
    sightings->vantages = g_hash_table_new_full(route_peer_hash, route_peer_equal, NULL, g_free);
    sightings->holds = g_hash_table_new_full(hold_hash, hold_equal, hold_free, NULL);
    sightings->path.hops = g_array_new(FALSE, FALSE, sizeof(guint32));
    return sightings;
}

void route_sightings_free(struct route_sightings *sightings)
{
    if (!sightings)
        return;
    g_hash_table_unref(sightings->holds);
    g_hash_table_unref(sightings->vantages);
    g_array_unref(sightings->path.hops);
    g_free(sightings);
}

/* --- who is heard --- */

static struct vantage *vantage_of(struct route_sightings *sightings,
                                  const struct route_element *element)
{
    struct vantage *vantage = g_hash_table_lookup(sightings->vantages, element->peer);

    if (!vantage && g_hash_table_size(sightings->vantages) < PEERS_LIMIT) {
        vantage = g_new0(struct vantage, 1);
        vantage->who = *element->peer;
        vantage->first_us = element->time_us;
        g_hash_table_insert(sightings->vantages, &vantage->who, vantage);
    }
    return vantage;
}

static void hear(struct route_sightings *sightings, struct vantage *vantage, gint64 time_us)
{
    vantage->first_us = MIN(vantage->first_us, time_us);
    vantage->last_us = MAX(vantage->last_us, time_us);
    for (guint i = 0; i < sightings->count; i++)
        if (time_us >= sightings->wanted[i].found.from_us &&
            time_us <= sightings->wanted[i].found.until_us)
            vantage->heard |= 1u << i;
}

/* --- what they had --- */

/* The first in the order of their texts, each once: the same in whatever order they come. */
static void keep_evidence(struct route_sighting *found, const char *evidence)
{
    char text[ROUTE_SIGHTING_TEXT], before[ROUTE_SIGHTING_TEXT];

    g_strlcpy(text, evidence, sizeof text);
    for (guint i = 0; i < ROUTE_SIGHTING_ROUTES && *text; i++) {
        const int order = *found->routes[i] ? strcmp(text, found->routes[i]) : -1;

        if (order == 0)
            return;
        if (order > 0)
            continue;
        memcpy(before, found->routes[i], sizeof before);
        memcpy(found->routes[i], text, sizeof text);
        memcpy(text, before, sizeof text);
    }
}

/* It had the route from `since_us` to `until_us`: seen, where that meets the time looked at. */
static void see(struct route_sightings *sightings, const struct hold *hold, gint64 until_us)
{
    struct route_sighting *found = &sightings->wanted[hold->alarm].found;
    const gint64 first_us = MAX(hold->since_us, found->from_us);
    const gint64 last_us = MIN(MAX(until_us, hold->since_us), found->until_us);

    if (first_us > last_us)
        return;
    found->first_us = found->first_us ? MIN(found->first_us, first_us) : first_us;
    found->last_us = MAX(found->last_us, last_us);
    keep_evidence(found, hold->evidence);
    hold->vantage->seen |= 1u << hold->alarm;
}

static void let_go(struct route_sightings *sightings, const struct hold *key, gint64 time_us)
{
    struct hold *hold = g_hash_table_lookup(sightings->holds, key);

    if (!hold)
        return;
    see(sightings, hold, time_us);
    g_hash_table_remove(sightings->holds, hold);
}

static void take_hold(struct route_sightings *sightings, const struct hold *key,
                      const struct route_element *element)
{
    struct hold *hold;

    if (g_hash_table_contains(sightings->holds, key) ||
        g_hash_table_size(sightings->holds) >= HELD_LIMIT)
        return;
    hold = g_memdup2(key, sizeof *key);
    hold->since_us = element->time_us;
    hold->evidence = route_evidence(element);
    g_hash_table_add(sightings->holds, hold);
}

static gboolean path_matches(const struct public_alarm *alarm, const GArray *hops)
{
    const guint32 *hop = (const guint32 *)hops->data;

    if (!alarm->anywhere)
        return hops->len >= alarm->length && memcmp(hop + hops->len - alarm->length, alarm->tail,
                                                    alarm->length * sizeof *hop) == 0;
    for (guint i = 0; i < hops->len; i++)
        if (hop[i] == alarm->tail[0])
            return TRUE;
    return FALSE;
}

/* A session that ends takes its routes along. */
static void lose_session(struct route_sightings *sightings, struct vantage *vantage, gint64 time_us)
{
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, sightings->holds);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const struct hold *hold = key;

        if (hold->vantage != vantage)
            continue;
        see(sightings, hold, time_us);
        g_hash_table_iter_remove(&iter);
    }
}

/* Whether the element says that its peer has a route by this path. */
static gboolean says_route(const struct route_element *element)
{
    return (element->kind == ROUTE_ANNOUNCE || element->kind == ROUTE_RIB) && element->attributes &&
           !(element->flags & ROUTE_TREATED);
}

void route_sightings_take(struct route_sightings *sightings, const struct route_element *element)
{
    struct vantage *vantage = element->flags & NOT_HEARD ? NULL : vantage_of(sightings, element);

    if (!vantage)
        return;
    if (element->kind == ROUTE_STATE) {
        if (element->new_state != ESTABLISHED)
            lose_session(sightings, vantage, element->time_us);
        return;
    }
    hear(sightings, vantage, element->time_us);
    for (guint i = 0; element->safi == BGP_UNICAST && i < sightings->count; i++) {
        const struct public_alarm *alarm = &sightings->wanted[i].alarm;
        const struct hold key = { .vantage = vantage, .alarm = i, .path_id = element->path_id };

        if (!ip_prefix_equal(&alarm->prefix, &element->prefix))
            continue;
        if (says_route(element))
            watch_path_of(&sightings->path, &element->attributes->path, element->peer);
        if (says_route(element) && path_matches(alarm, sightings->path.hops))
            take_hold(sightings, &key, element);
        else
            let_go(sightings, &key, element->time_us);
    }
}

/* --- what is found --- */

void route_sightings_find(struct route_sightings *sightings, struct route_sighting *found)
{
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, sightings->holds);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        see(sightings, key, ((const struct hold *)key)->vantage->last_us);
    for (guint i = 0; i < sightings->count; i++)
        found[i] = sightings->wanted[i].found;
    g_hash_table_iter_init(&iter, sightings->vantages);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct vantage *vantage = value;

        for (guint i = 0; i < sightings->count; i++) {
            const guint32 bit = 1u << i;
            const gboolean around =
                vantage->first_us <= found[i].from_us && vantage->last_us >= found[i].until_us;

            found[i].peers += (vantage->seen & bit) != 0;
            found[i].of += around || (vantage->seen | vantage->heard) & bit;
        }
    }
}

const char *route_sighting_word(const struct route_sighting *sighting)
{
    return !sighting->of ? "cannot-tell" : sighting->peers ? "seen" : "not-seen";
}

json_t *route_sighting_predicate(const struct route_sighting *sighting, const char *alarm_entry,
                                 const char *source)
{
    g_autofree char *from = clock_format(sighting->from_us),
                    *until = clock_format(sighting->until_us);
    const char *lines[ROUTE_SIGHTING_ROUTES + 1] = { NULL };
    json_t *value =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:[s]}", "alarm", alarm_entry, "seen",
                  route_sighting_word(sighting), "from", from, "until", until, "peers",
                  (json_int_t)sighting->peers, "of", (json_int_t)sighting->of, "sources", source);

    if (sighting->peers) {
        g_autofree char *first = clock_format(sighting->first_us),
                        *last = clock_format(sighting->last_us), *digest = NULL;

        for (guint i = 0; i < ROUTE_SIGHTING_ROUTES && *sighting->routes[i]; i++)
            lines[i] = sighting->routes[i];
        digest = public_alarm_digest(lines);
        json_object_set_new(value, "first", json_string(first));
        json_object_set_new(value, "last", json_string(last));
        json_object_set_new(value, "evidence", json_string(digest));
    }
    return value;
}
