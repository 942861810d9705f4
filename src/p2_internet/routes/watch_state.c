#include "p2_internet/routes/watch_state.h"

#include "base/error.h"
#include "base/json.h"
#include "p2_internet/routes/watch_private.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "entente/routes-state/1"
#define DIGEST "sha256 "
#define DIGEST_LINE (strlen(DIGEST) + 64 + 1)
#define STATE_LINE_MAX ((gsize)4 << 20)
#define ASNS_MAX 65536
#define COMMUNITIES_MAX 65536 /* bytes */

/* --- to text --- */

static void add_line(GString *text, json_t *line)
{
    char *compact = json_dumps(line, JSON_COMPACT);

    g_assert(compact);
    g_string_append_printf(text, "%s\n", compact);
    free(compact);
    json_decref(line);
}

static json_t *hex_of(const guint8 *bytes, gsize length)
{
    g_autofree char *hex = g_malloc(length * 2 + 1);

    sodium_bin2hex(hex, length * 2 + 1, bytes, length);
    return json_string(hex);
}

static json_t *prefix_text(const struct ip_prefix *prefix)
{
    char text[IP_PREFIX_TEXT];

    ip_prefix_format(prefix, text);
    return json_string(text);
}

static void add_feeds(GString *text, const struct watch *watch)
{
    for (guint i = 0; i < watch->feeds->len; i++) {
        const struct feed *feed = watch->feeds->pdata[i];

        add_line(text, json_pack("{s:o, s:I}", "feed", json_safe_string(feed->name), "last",
                                 (json_int_t)feed->last_us));
    }
}

static void add_incident(GString *text, const struct incident *incident)
{
    json_t *evidence = json_array(), *line;

    for (guint i = 0; i < incident->evidence->len; i++)
        json_array_append_new(evidence, json_safe_string(incident->evidence->pdata[i]));
    line = json_pack("{s:s, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "incident",
                     watch_rows[incident->alarm].id, "ours", json_safe_string(incident->ours),
                     "open", incident->is_open, "counted", (json_int_t)incident->counted, "most",
                     (json_int_t)incident->most, "told_peers", (json_int_t)incident->told_peers,
                     "first", (json_int_t)incident->first_us, "last", (json_int_t)incident->last_us,
                     "told", (json_int_t)incident->told_us, "quiet", (json_int_t)incident->quiet_us,
                     "path", incident->path ? json_safe_string(incident->path) : json_null(),
                     "evidence", evidence);
    if (incident->has_prefix)
        json_object_set_new(line, "prefix", prefix_text(&incident->prefix));
    if (incident->has_as)
        json_object_set_new(line, "as", json_integer(incident->as));
    if (incident->has_rov) {
        json_object_set_new(line, "rov", json_integer(incident->rov));
        json_object_set_new(line, "serial", json_integer(incident->serial));
    }
    add_line(text, line);
}

static json_t *path_json(const struct bgp_path *path)
{
    json_t *segments = json_array();
    const guint32 *asn = path->asns;

    for (guint i = 0; i < path->segment_count; i++) {
        json_t *asns = json_array();

        for (guint j = 0; j < path->segments[i].count; j++)
            json_array_append_new(asns, json_integer(*asn++));
        json_array_append_new(segments, json_pack("[i, o]", path->segments[i].type, asns));
    }
    return segments;
}

static void add_route(GString *text, const struct held *held)
{
    const struct bgp_attributes *attributes = &held->attributes;

    add_line(text,
             json_pack("{s:o, s:I, s:I, s:I, s:o, s:o}", "route", prefix_text(&held->key.prefix),
                       "id", (json_int_t)held->key.path_id, "present",
                       (json_int_t)attributes->present, "otc", (json_int_t)attributes->otc, "path",
                       path_json(&attributes->path), "communities",
                       hex_of(attributes->communities.bytes, attributes->communities.length)));
}

/* A peer, and the routes that it holds behind it. */
static void add_peer(GString *text, const struct peer *peer)
{
    GHashTableIter iter;
    gpointer held;

    add_line(text,
             json_pack("{s:o, s:i, s:I, s:o, s:o, s:I}", "peer",
                       hex_of(peer->who.address, sizeof peer->who.address), "family",
                       peer->who.family, "as", (json_int_t)peer->who.as, "bgp_id",
                       hex_of(peer->who.bgp_id, sizeof peer->who.bgp_id), "feed",
                       json_safe_string(peer->feed->name), "last", (json_int_t)peer->last_us));
    g_hash_table_iter_init(&iter, peer->held);
    while (g_hash_table_iter_next(&iter, &held, NULL))
        add_route(text, held);
}

/* How many of those who see it are kept: the others are not missed after a restart. */
static void add_visible(GString *text, const struct visible *visible, guint forgotten)
{
    json_t *samples = json_array();

    for (guint i = 0; i < visible->n_samples; i++)
        json_array_append_new(
            samples, json_integer(visible->samples[i] - MIN(visible->samples[i], forgotten)));
    add_line(text, json_pack("{s:o, s:I, s:o, s:i, s:I}", "visible",
                             prefix_text(&visible->prefix->prefix), "highest",
                             (json_int_t)(visible->highest - MIN(visible->highest, forgotten)),
                             "samples", samples, "next", (int)visible->next_sample, "low",
                             (json_int_t)visible->low_since_us));
}

/* By struct visible *, how many peers of feeds that are not kept see it. */
static GHashTable *count_forgotten(const struct watch *watch, gboolean (*keeps)(const char *feed))
{
    GHashTable *forgotten = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, watch->held);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct held *held = value;
        const guint count = GPOINTER_TO_UINT(g_hash_table_lookup(forgotten, held->visible));

        if (held->visible && !keeps(held->key.peer->feed->name))
            g_hash_table_insert(forgotten, held->visible, GUINT_TO_POINTER(count + 1));
    }
    return forgotten;
}

/* Whom the watch learned to be right of the prefixes that hold our name servers. */
static void add_hosted(GString *text, const struct watch_prefix *hosted)
{
    json_t *origins = json_array();

    for (guint i = 0; i < hosted->origins->len; i++)
        json_array_append_new(origins, json_integer(g_array_index(hosted->origins, guint32, i)));
    add_line(text,
             json_pack("{s:o, s:o}", "hosted", prefix_text(&hosted->prefix), "origins", origins));
}

static void add_digest(GString *text)
{
    g_autofree char *digest =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, text->str, (gssize)text->len);

    g_string_append_printf(text, DIGEST "%s\n", digest);
}

GString *watch_state_text(const struct watch *watch, gboolean (*keeps)(const char *feed),
                          const GPtrArray *untold)
{
    g_autoptr(GHashTable) forgotten = count_forgotten(watch, keeps);
    GString *text = g_string_new(NULL);
    const GPtrArray *learned;
    GHashTableIter iter;
    gint64 until_us;
    gpointer value;

    learned = watch_hosts_learned(watch->hosts, &until_us);
    add_line(text, json_pack("{s:s, s:I, s:I}", "state", SCHEMA, "sampled",
                             (json_int_t)watch->sampled_us, "learning", (json_int_t)until_us));
    add_feeds(text, watch);
    for (guint i = 0; i < learned->len; i++)
        add_hosted(text, learned->pdata[i]);
    for (guint i = 0; i < watch->in_order->len; i++)
        add_incident(text, watch->in_order->pdata[i]);
    g_hash_table_iter_init(&iter, watch->peers);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct peer *peer = value;

        if (g_hash_table_size(peer->held) && keeps(peer->feed->name))
            add_peer(text, peer);
    }
    for (guint i = 0; i < watch->visibles->len; i++)
        add_visible(text, watch->visibles->pdata[i],
                    GPOINTER_TO_UINT(g_hash_table_lookup(forgotten, watch->visibles->pdata[i])));
    for (guint i = 0; i < untold->len; i++)
        add_line(text, json_pack("{s:o}", "untold", json_safe_string(untold->pdata[i])));
    add_digest(text);
    return text;
}

/* --- from text --- */

struct reading {
    struct watch *watch;
    gint64 now_us;
    GPtrArray *untold;
    struct peer *peer; /* whose routes follow; or NULL */
};

static gboolean bytes_of(const json_t *line, const char *member, guint8 *bytes, gsize size,
                         gsize *length)
{
    const char *hex = json_text(line, member);

    return hex && sodium_hex2bin(bytes, size, hex, strlen(hex), NULL, length, NULL) == 0 &&
           strlen(hex) == *length * 2;
}

static gboolean number_of(const json_t *line, const char *member, gint64 most, gint64 *number)
{
    *number = json_number(line, member, -1);
    return *number >= 0 && *number <= most;
}

/* A time that was: one that is yet to come is of a clock that was set back since, and is now. */
static gboolean past_of(const struct reading *reading, const json_t *line, const char *member,
                        gint64 *time_us)
{
    const gboolean is_time = number_of(line, member, G_MAXINT64, time_us);

    *time_us = MIN(*time_us, reading->now_us);
    return is_time;
}

static gboolean read_head(struct reading *reading, const json_t *line)
{
    gint64 until_us;

    if (g_strcmp0(json_text(line, "state"), SCHEMA) != 0 ||
        !past_of(reading, line, "sampled", &reading->watch->sampled_us) ||
        !number_of(line, "learning", G_MAXINT64, &until_us))
        return FALSE;
    watch_hosts_learn_until(reading->watch->hosts, until_us);
    return TRUE;
}

static gboolean read_asn(const json_t *value, GArray *asns)
{
    const gint64 number = json_is_integer(value) ? json_integer_value(value) : -1;
    const guint32 asn = (guint32)number;

    if (number < 0 || number > G_MAXUINT32)
        return FALSE;
    g_array_append_val(asns, asn);
    return TRUE;
}

static gboolean read_hosted(struct reading *reading, const json_t *line)
{
    g_autoptr(GArray) origins = g_array_new(FALSE, FALSE, sizeof(guint32));
    const json_t *list = json_object_get(line, "origins");
    const struct watch_prefix *hosted;
    struct ip_prefix prefix;

    if (!ip_prefix_parse(json_text(line, "hosted"), &prefix, NULL) || !json_is_array(list) ||
        json_array_size(list) > ASNS_MAX)
        return FALSE;
    for (gsize i = 0; i < json_array_size(list); i++)
        if (!read_asn(json_array_get(list, i), origins))
            return FALSE;
    hosted = watch_hosts_restore(reading->watch->hosts, &prefix, origins);
    if (hosted && !watch_visible_of(reading->watch, &prefix))
        watch_make_visible(reading->watch, hosted);
    return TRUE;
}

static gboolean read_feed(struct reading *reading, const json_t *line)
{
    gint64 last_us;

    if (!past_of(reading, line, "last", &last_us))
        return FALSE;
    watch_feed_of(reading->watch, json_text(line, "feed"), last_us);
    return TRUE;
}

/* The name as the profile or a feed has it: incidents borrow it. */
static const char *name_of_ours(const struct watch *watch, enum watch_alarm alarm, const char *name)
{
    const struct watch_options *options = &watch->options;
    gint64 until_us;
    const GPtrArray *learned = watch_hosts_learned(watch->hosts, &until_us);

    for (guint i = 0; alarm == WATCH_SILENCE && i < watch->feeds->len; i++)
        if (g_str_equal(((struct feed *)watch->feeds->pdata[i])->name, name))
            return ((struct feed *)watch->feeds->pdata[i])->name;
    if (alarm == WATCH_SILENCE)
        return NULL;
    for (guint i = 0; options->prefixes && i < options->prefixes->len; i++)
        if (g_str_equal(((struct watch_prefix *)options->prefixes->pdata[i])->name, name))
            return ((struct watch_prefix *)options->prefixes->pdata[i])->name;
    for (guint i = 0; options->systems && i < options->systems->len; i++)
        if (g_str_equal(((struct watch_as *)options->systems->pdata[i])->name, name))
            return ((struct watch_as *)options->systems->pdata[i])->name;
    for (guint i = 0; i < learned->len; i++)
        if (g_str_equal(((struct watch_prefix *)learned->pdata[i])->name, name))
            return ((struct watch_prefix *)learned->pdata[i])->name;
    return NULL;
}

static gboolean read_numbers(const struct reading *reading, const json_t *line,
                             struct incident *incident)
{
    gint64 counted, most, told_peers, serial = 0, rov = 0;

    if (!number_of(line, "counted", WATCH_HELD_MAX, &counted) ||
        !number_of(line, "most", WATCH_HELD_MAX, &most) ||
        !number_of(line, "told_peers", WATCH_HELD_MAX, &told_peers) ||
        !past_of(reading, line, "first", &incident->first_us) ||
        !past_of(reading, line, "last", &incident->last_us) ||
        !past_of(reading, line, "told", &incident->told_us) ||
        !past_of(reading, line, "quiet", &incident->quiet_us))
        return FALSE;
    incident->has_rov = json_object_get(line, "rov") != NULL;
    if (incident->has_rov && (!number_of(line, "rov", ROV_STATES - 1, &rov) ||
                              !number_of(line, "serial", G_MAXUINT32, &serial)))
        return FALSE;
    incident->counted = (guint)counted;
    incident->most = (guint)most;
    incident->told_peers = (guint)told_peers;
    incident->rov = (enum rov_state)rov;
    incident->serial = (guint32)serial;
    return TRUE;
}

static gboolean read_evidence(const json_t *line, struct incident *incident)
{
    const json_t *evidence = json_object_get(line, "evidence");
    const char *path = json_text(line, "path");

    if (!json_is_array(evidence) || json_array_size(evidence) > WATCH_EVIDENCE)
        return FALSE;
    for (gsize i = 0; i < json_array_size(evidence); i++) {
        const char *text = json_string_value(json_array_get(evidence, i));

        if (!text)
            return FALSE;
        g_ptr_array_add(incident->evidence, g_strdup(text));
    }
    incident->path = g_strdup(path);
    return TRUE;
}

static gboolean find_alarm(const char *id, enum watch_alarm *alarm)
{
    for (guint i = 0; id && i < WATCH_ALARMS; i++) {
        if (g_str_equal(id, watch_rows[i].id)) {
            *alarm = (enum watch_alarm)i;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean read_incident(struct reading *reading, const json_t *line)
{
    const char *ours = json_text(line, "ours"), *prefix = json_text(line, "prefix");
    struct watch_finding finding = { 0 };
    struct incident *incident;
    struct ip_prefix at;
    gint64 as = 0;

    finding.has_as = json_object_get(line, "as") != NULL;
    if (!find_alarm(json_text(line, "incident"), &finding.alarm) || !ours ||
        (prefix && !ip_prefix_parse(prefix, &at, NULL)) ||
        (finding.has_as && !number_of(line, "as", G_MAXUINT32, &as)))
        return FALSE;
    finding.as = (guint32)as;
    finding.ours = name_of_ours(reading->watch, finding.alarm, ours);
    if (!finding.ours)
        return TRUE; /* of what the profile does not have any more */
    incident = watch_incident_of(reading->watch, &finding, prefix ? &at : NULL, TRUE);
    if (!incident || incident->is_open || incident->path || incident->evidence->len)
        return FALSE; /* too many, or the same twice */
    if (!read_numbers(reading, line, incident) || !read_evidence(line, incident))
        return FALSE;
    incident->is_open = json_is_true(json_object_get(line, "open"));
    reading->watch->counts.open += incident->is_open;
    return TRUE;
}

static gboolean read_peer(struct reading *reading, const json_t *line)
{
    struct route_peer who = { 0 };
    const char *feed = json_text(line, "feed");
    gint64 family, as, last_us;
    gsize address, bgp_id;

    if (!bytes_of(line, "peer", who.address, sizeof who.address, &address) ||
        address != sizeof who.address ||
        !bytes_of(line, "bgp_id", who.bgp_id, sizeof who.bgp_id, &bgp_id) ||
        bgp_id != sizeof who.bgp_id || !number_of(line, "family", 6, &family) ||
        (family != 4 && family != 6) || !number_of(line, "as", G_MAXUINT32, &as) ||
        !past_of(reading, line, "last", &last_us) || !feed)
        return FALSE;
    who.family = (guint8)family;
    who.as = (guint32)as;
    reading->peer = watch_peer_of(reading->watch, &who);
    if (!reading->peer)
        return FALSE;
    reading->peer->last_us = last_us;
    reading->peer->feed = watch_feed_of(reading->watch, feed, reading->now_us);
    return TRUE;
}

static gboolean read_segment(const json_t *segment, GArray *asns, GArray *segments)
{
    const json_t *list = json_array_get(segment, 1);
    const gint64 type = json_integer_value(json_array_get(segment, 0));
    struct bgp_segment made = { (guint8)type, (guint16)json_array_size(list) };

    if (!json_array_size(list) || type < BGP_AS_SET || type > BGP_CONFED_SET ||
        json_array_size(list) > G_MAXUINT16 || asns->len + json_array_size(list) > ASNS_MAX)
        return FALSE;
    for (gsize i = 0; i < made.count; i++)
        if (!read_asn(json_array_get(list, i), asns))
            return FALSE;
    g_array_append_val(segments, made);
    return TRUE;
}

static gboolean read_route(struct reading *reading, const json_t *line)
{
    g_autoptr(GArray) asns = g_array_new(FALSE, FALSE, sizeof(guint32)),
                      segments = g_array_new(FALSE, FALSE, sizeof(struct bgp_segment));
    g_autofree guint8 *communities = g_malloc(COMMUNITIES_MAX);
    const json_t *path = json_object_get(line, "path");
    struct bgp_attributes attributes = { 0 };
    struct route_element element = { .kind = ROUTE_RIB,
                                     .safi = BGP_UNICAST,
                                     .time_us = reading->now_us,
                                     .attributes = &attributes };
    gint64 id, present, otc;

    if (!reading->peer || !ip_prefix_parse(json_text(line, "route"), &element.prefix, NULL) ||
        !number_of(line, "id", G_MAXUINT32, &id) ||
        !number_of(line, "present", G_MAXINT64, &present) ||
        !number_of(line, "otc", G_MAXUINT32, &otc) ||
        !bytes_of(line, "communities", communities, COMMUNITIES_MAX,
                  &attributes.communities.length) ||
        !json_is_array(path))
        return FALSE;
    for (gsize i = 0; i < json_array_size(path); i++)
        if (!read_segment(json_array_get(path, i), asns, segments))
            return FALSE;
    element.path_id = (guint32)id;
    element.peer = &reading->peer->who;
    attributes.present = (guint64)present;
    attributes.otc = (guint32)otc;
    attributes.communities.bytes = attributes.communities.length ? communities : NULL;
    attributes.path.asns = (guint32 *)asns->data;
    attributes.path.asn_count = asns->len;
    attributes.path.segments = (struct bgp_segment *)segments->data;
    attributes.path.segment_count = segments->len;
    watch_hold(reading->watch, reading->peer, &element, FALSE);
    return TRUE;
}

static gboolean read_visible(struct reading *reading, const json_t *line)
{
    const json_t *samples = json_object_get(line, "samples");
    struct visible *visible;
    struct ip_prefix prefix;
    gint64 highest, next, low_us;

    if (!ip_prefix_parse(json_text(line, "visible"), &prefix, NULL) ||
        !number_of(line, "highest", WATCH_HELD_MAX, &highest) ||
        !number_of(line, "next", SAMPLES - 1, &next) || !past_of(reading, line, "low", &low_us) ||
        !json_is_array(samples) || json_array_size(samples) > SAMPLES)
        return FALSE;
    visible = watch_visible_of(reading->watch, &prefix);
    if (!visible)
        return TRUE; /* no longer ours */
    visible->highest = MAX(visible->highest, (guint)highest);
    visible->next_sample = (guint)next;
    visible->low_since_us = low_us;
    visible->n_samples = (guint)json_array_size(samples);
    for (guint i = 0; i < visible->n_samples; i++) {
        const json_int_t sample = json_integer_value(json_array_get(samples, i));

        if (sample < 0 || sample > WATCH_HELD_MAX)
            return FALSE;
        visible->samples[i] = (guint)sample;
    }
    return TRUE;
}

static gboolean read_untold(struct reading *reading, const json_t *line)
{
    const char *text = json_text(line, "untold");

    if (text)
        g_ptr_array_add(reading->untold, g_strdup(text));
    return text != NULL;
}

/* By the member that says what a line is. */
static gboolean read_line(struct reading *reading, const char *text, gsize length)
{
    static const struct {
        const char *member;
        gboolean (*read)(struct reading *reading, const json_t *line);
    } kinds[] = {
        /* clang-format off */
        { "state", read_head },
        { "peer", read_peer }, /* also names its feed */
        { "feed", read_feed },
        { "hosted", read_hosted },
        { "incident", read_incident },
        { "route", read_route },
        { "visible", read_visible },
        { "untold", read_untold },
        /* clang-format on */
    };
    g_autoptr(json_t) line = json_parse(text, length, STATE_LINE_MAX, "state", NULL);

    for (guint i = 0; line && i < G_N_ELEMENTS(kinds); i++)
        if (json_text(line, kinds[i].member))
            return kinds[i].read(reading, line);
    return FALSE;
}

static gboolean check_digest(const char *text, gsize length, GError **error)
{
    g_autofree char *digest = NULL, *line = NULL;

    if (length < DIGEST_LINE)
        return input_error(error, "the state of the watch is cut");
    digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, (gssize)(length - DIGEST_LINE));
    line = g_strdup_printf(DIGEST "%s\n", digest);
    return memcmp(line, text + length - DIGEST_LINE, DIGEST_LINE) == 0 ||
           input_error(error,
                       "the state of the watch is cut or was changed: its digest is another");
}

/* Feeds are silent from now on, where that was not told before; so are incidents. */
static void begin_anew(struct watch *watch, gint64 now_us)
{
    watch->now_us = watch->ticked_us = now_us;
    for (guint i = 0; i < watch->feeds->len; i++) {
        struct feed *feed = watch->feeds->pdata[i];
        const struct watch_finding finding = { WATCH_SILENCE, feed->name, FALSE, 0 };

        if (!watch_incident_of(watch, &finding, NULL, FALSE))
            feed->last_us = now_us;
    }
    for (guint i = 0; i < watch->in_order->len; i++) {
        struct incident *incident = watch->in_order->pdata[i];

        if (!g_hash_table_size(incident->peers) && !incident->counted && !incident->quiet_us)
            incident->quiet_us = now_us;
    }
}

gboolean watch_state_read(struct watch *watch, const char *text, gsize length, gint64 now_us,
                          GPtrArray *untold, GError **error)
{
    struct reading reading = { watch, now_us, untold, NULL };
    const char *at = text, *end;
    guint number = 1;

    if (!check_digest(text, length, error))
        return FALSE;
    watch->now_us = now_us;
    end = text + length - DIGEST_LINE;
    for (; at < end; number++) {
        const char *stop = memchr(at, '\n', (gsize)(end - at));

        if (!stop || !read_line(&reading, at, (gsize)(stop - at)))
            return input_error(error, "the state of the watch: line %u cannot be read", number);
        at = stop + 1;
    }
    begin_anew(watch, now_us);
    return TRUE;
}
