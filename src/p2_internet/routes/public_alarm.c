#include "p2_internet/routes/public_alarm.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/terminal.h"

#include <string.h>

#define PATH_LIMIT 64u /* hops that are published */

char *public_alarm_digest(const char *const *lines)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    for (; *lines; lines++) {
        g_checksum_update(sum, (const guchar *)*lines, (gssize)strlen(*lines));
        g_checksum_update(sum, (const guchar *)"\n", 1);
    }
    return g_strdup(g_checksum_get_string(sum));
}

/* --- of our own --- */

/* The network that the report names, as text; NULL: the profile does not have it. The caller's. */
static char *own_network(const struct watch_report *report, const struct profile *profile)
{
    const struct asset *asset = profile_asset(profile, ASSET_PREFIX, report->ours);

    if (asset)
        return g_strdup(asset->prefix);
    asset = profile_asset(profile, ASSET_AS, report->ours);
    return asset ? g_strdup_printf("AS%u", asset->as_number) : NULL;
}

/* The hops of a path's text (bgp_path_append_text()); repetitions once, confederations left out. */
static json_t *path_json(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    json_t *path = json_array();
    gboolean inside = FALSE;
    gint64 last = -1;

    for (char **word = words; *word && json_array_size(path) < PATH_LIMIT; word++) {
        const gint64 hop = **word == '{' ? 0 : (gint64)g_ascii_strtoull(*word, NULL, 10);
        const gboolean begins = **word == '(' || **word == '[';

        if (!inside && !begins && **word && hop != last) {
            json_array_append_new(path, json_integer(hop));
            last = hop;
        }
        inside = (inside || begins) && !strpbrk(*word, ")]");
    }
    return path;
}

static json_t *evidence_json(const struct watch_report *report, gboolean raw)
{
    g_autofree char *digest = public_alarm_digest((const char *const *)report->evidence);
    json_t *evidence = json_pack("{s:s}", "sha256", digest), *routes = json_array();

    for (char *const *line = report->evidence; *line; line++)
        json_array_append_new(routes, json_safe_string(*line));
    if (raw && json_array_size(routes))
        json_object_set(evidence, "routes", routes);
    json_decref(routes);
    return evidence;
}

json_t *public_alarm_of(const struct watch_report *report, const struct profile *profile,
                        gboolean raw, GError **error)
{
    g_autofree char *own = own_network(report, profile), *first = clock_format(report->first_us),
                    *last = clock_format(report->last_us);
    const char *kind = watch_rows[report->alarm].id;
    char prefix[IP_PREFIX_TEXT];
    json_t *alarm, *path;

    if (!report->has_prefix || !report->has_as || report->alarm == WATCH_RPKI_NOTFOUND) {
        policy_error(error,
                     "an alarm of the kind \"%s\" is not for others: it names no route that "
                     "they could look for",
                     kind);
        return NULL;
    }
    if (!own) {
        g_autofree char *ours = terminal_escape(report->ours);

        policy_error(error,
                     "\"%s\" is no prefix or AS of the profile: alarms are published about "
                     "one's own networks alone",
                     ours);
        return NULL;
    }
    ip_prefix_format(&report->prefix, prefix);
    alarm = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:i, s:o}", "tlp", "clear", "alarm",
                      kind, "own", own, "prefix", prefix, "as", (json_int_t)report->as, "first",
                      first, "last", last, "peers", (int)MAX(report->most_peers, 1), "evidence",
                      evidence_json(report, raw));
    path = path_json(report->path);
    if (json_array_size(path))
        json_object_set(alarm, "path", path);
    json_decref(path);
    if (report->has_rov)
        json_object_set_new(alarm, "rov", json_string(rov_state_name(report->rov)));
    if (report->has_rov && report->serial)
        json_object_set_new(alarm, "serial", json_integer(report->serial));
    return alarm;
}

/* --- of another --- */

/* Where the other AS stands last in the path; its length: nowhere. */
static gsize last_place(const json_t *path, json_int_t as)
{
    const gsize count = json_array_size(path);

    for (gsize i = count; i > 0; i--)
        if (json_integer_value(json_array_get(path, i - 1)) == as)
            return i - 1;
    return count;
}

/*
 * What is wrong stands from the other AS on to the origin; where that AS is the publisher's own,
 * the one before it is of it, too, for what follows it is as it should be.
 */
static void set_tail(const json_t *predicate, json_int_t as, struct public_alarm *alarm)
{
    const json_t *path = json_object_get(predicate, "path");
    const char *own = json_text(predicate, "own");
    g_autofree char *as_text = g_strdup_printf("AS%" JSON_INTEGER_FORMAT, as);
    gsize from = last_place(path, as);

    if (from == json_array_size(path) || json_array_size(path) - from > PUBLIC_ALARM_TAIL) {
        alarm->anywhere = TRUE;
        alarm->tail[0] = (guint32)as;
        alarm->length = 1;
        return;
    }
    if (from > 0 && from + 1 < json_array_size(path) && g_strcmp0(own, as_text) == 0)
        from--;
    for (gsize i = from; i < json_array_size(path) && alarm->length < PUBLIC_ALARM_TAIL; i++)
        alarm->tail[alarm->length++] = (guint32)json_integer_value(json_array_get(path, i));
}

gboolean public_alarm_read(const json_t *predicate, struct public_alarm *alarm, GError **error)
{
    const char *prefix = json_text(predicate, "prefix");
    const gint64 as = json_number(predicate, "as", -1);

    *alarm = (struct public_alarm){ 0 };
    if (!prefix || as < 0 || as > G_MAXUINT32)
        return input_error(error, "the alarm names no prefix and AS");
    if (!ip_prefix_parse(prefix, &alarm->prefix, error) ||
        !clock_parse(json_text(predicate, "first"), &alarm->first_us, error) ||
        !clock_parse(json_text(predicate, "last"), &alarm->last_us, error))
        return FALSE;
    set_tail(predicate, as, alarm);
    return TRUE;
}

/* --- from the register --- */

static void add_of(json_t *list, const json_t *signatory)
{
    const json_t *alarm;
    size_t i;

    json_array_foreach(json_object_get(signatory, "route_alarms"), i, alarm)
    {
        json_t *row = json_copy((json_t *)alarm);

        json_object_set(row, "publisher", json_object_get(signatory, "id"));
        json_object_set(row, "publisher_domain", json_object_get(signatory, "domain"));
        json_array_append_new(list, row);
    }
}

struct collecting {
    const struct reg *reg;
    gint64 now_us;
    json_t *list;
};

static void collect(const char *id, const char *domain, gpointer data)
{
    const struct collecting *collecting = data;
    g_autoptr(json_t) signatory = register_signatory(collecting->reg, id, collecting->now_us, NULL);

    (void)domain;
    add_of(collecting->list, signatory);
}

static gint compare_index(gconstpointer a, gconstpointer b)
{
    const gint64 left = json_number(*(json_t *const *)a, "index", 0),
                 right = json_number(*(json_t *const *)b, "index", 0);

    return (left > right) - (left < right);
}

static json_t *sorted(json_t *list)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    json_t *row, *value = json_array();
    size_t i;

    json_array_foreach(list, i, row) g_ptr_array_add(rows, row);
    g_ptr_array_sort(rows, compare_index);
    for (guint j = 0; j < rows->len; j++)
        json_array_append(value, rows->pdata[j]);
    json_decref(list);
    return value;
}

json_t *public_alarms_of(const struct reg *reg, const char *who, gint64 now_us, GError **error)
{
    struct collecting collecting = { reg, now_us, NULL };
    g_autoptr(json_t) signatory = NULL;

    if (who) {
        signatory = register_signatory(reg, who, now_us, error);
        if (!signatory)
            return NULL;
    }
    collecting.list = json_array();
    if (signatory)
        add_of(collecting.list, signatory);
    else
        register_each(reg, collect, &collecting);
    return sorted(collecting.list);
}

const json_t *public_alarm_named(const json_t *list, const char *named, GError **error)
{
    const json_t *alarm;
    guint64 index;
    const gboolean by_index = decimal_parse(named, strlen(named), &index);
    size_t i;

    json_array_foreach(list, i, alarm)
    {
        if (by_index ? (guint64)json_number(alarm, "index", -1) == index
                     : g_str_equal(json_text(alarm, "entry"), named))
            return alarm;
    }
    input_error(error, "%s: the log has no route alarm there, as it is known here", named);
    return NULL;
}
