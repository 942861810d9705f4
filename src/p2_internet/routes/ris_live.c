#include "p2_internet/routes/ris_live.h"
#include "base/json.h"
#include "p2_internet/routes/ris_live_update.h"

#include <math.h>
#include <string.h>

#define TIME_LIMIT 17179869184.0 /* seconds, the year 2514: later ones are no times */

enum session_state { SESSION_IDLE = 1, SESSION_ESTABLISHED = 6 }; /* RFC 6396 section 4.4.1 */

struct ris_live {
    ris_live_sink sink;
    gpointer data;
    GByteArray *held; /* of a line whose end did not come yet */
    gboolean is_long; /* the line went past RIS_LINE_MAX: what comes of it is left out */
    guint64 line_at;  /* where the line begins */
    guint64 offset;   /* of the next byte */
    struct bgp_update update;
    struct ris_live_counts counts;
    char *problem;
    guint64 problem_at;
    char *error;
};

/* One message on its way. */
struct passage {
    struct ris_live *live;
    const json_t *data;
    char host[RIS_HOST_MAX + 1];
    struct route_peer peer;
    gint64 time_us;
    gboolean is_made; /* of members: its bytes are no evidence */
};

struct ris_live *ris_live_new(ris_live_sink sink, gpointer data)
{
    struct ris_live *live = g_new0(struct ris_live, 1);

    live->sink = sink;
    live->data = data;
    live->held = g_byte_array_new();
    return live;
}

void ris_live_free(struct ris_live *live)
{
    if (!live)
        return;
    g_byte_array_unref(live->held);
    bgp_attributes_clear(&live->update.attributes);
    g_free(live->problem);
    g_free(live->error);
    g_free(live);
}

static void is_broken(struct ris_live *live, const char *problem)
{
    live->counts.broken++;
    live->problem_at = live->line_at;
    g_free(live->problem);
    live->problem = g_strdup(problem);
}

/* ---- elements */

static void pass_on(const struct route_element *element, gpointer data)
{
    struct passage *passage = data;
    struct route_element out = *element;

    if (passage->is_made)
        out.raw = (struct bgp_span){ 0 };
    passage->live->counts.elements++;
    passage->live->sink(passage->host, &out, passage->live->data);
}

static void pass_update(struct passage *passage)
{
    const struct route_source source = { &passage->peer, passage->time_us, 0 };
    const struct bgp_update *update = &passage->live->update;
    struct ris_live_counts *counts = &passage->live->counts;

    counts->discarded += update->attributes.verdict == BGP_DISCARDED;
    counts->withdrawn += update->attributes.withdrawn;
    counts->malformed += update->attributes.verdict == BGP_BROKEN;
    if (!update->is_end_of_rib)
        route_elements_of(update, &source, pass_on, passage);
}

static void take_made(const guint8 *body, gsize length, gpointer data)
{
    static const struct bgp_options options = { .as4 = TRUE };
    struct passage *passage = data;

    if (bgp_update_parse(body, length, &options, &passage->live->update))
        pass_update(passage);
}

/* ---- raw */

static gsize count_prefixes(struct bgp_nlri nlri)
{
    struct ip_prefix prefix;
    guint32 path_id;
    gsize count = 0;

    while (nlri.family && bgp_nlri_next(&nlri, &prefix, &path_id, NULL) == BGP_NLRI_PREFIX)
        count++;
    return count;
}

static gsize count_of_update(const struct bgp_update *update)
{
    return count_prefixes(update->withdrawn) + count_prefixes(update->announced) +
           count_prefixes(update->attributes.reach) + count_prefixes(update->attributes.unreach);
}

static gsize count_of_members(const json_t *data)
{
    gsize count = json_array_size(json_object_get(data, "withdrawals"));
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(data, "announcements"), i, one)
    {
        count += json_array_size(json_object_get(one, "prefixes"));
    }
    return count;
}

static guint8 *bytes_of(const char *hex, gsize *length)
{
    const gsize digits = hex ? strlen(hex) : 0;
    g_autofree guint8 *bytes = g_malloc(digits / 2 + 1);

    if (!digits || digits % 2)
        return NULL;
    for (gsize i = 0; i < digits; i += 2) {
        const int high = g_ascii_xdigit_value(hex[i]), low = g_ascii_xdigit_value(hex[i + 1]);

        if (high < 0 || low < 0)
            return NULL;
        bytes[i / 2] = (guint8)(high << 4 | low);
    }
    *length = digits / 2;
    return g_steal_pointer(&bytes);
}

/*
 * No member says whether prefixes have path identifiers (RFC 7911): they do where the members list
 * as many prefixes as are found so, and not as many as are found otherwise.
 */
static gboolean take_raw(struct passage *passage, const guint8 *bytes, gsize length)
{
    struct bgp_update *update = &passage->live->update;
    struct bgp_options options = { .as4 = TRUE };
    const gsize listed = count_of_members(passage->data);
    enum bgp_message_type type;
    struct bgp_span body;

    if (!bgp_message_split(bytes, length, &type, &body) || type != BGP_UPDATE ||
        !bgp_update_parse(body.bytes, body.length, &options, update))
        return FALSE;
    if (listed && count_of_update(update) != listed) {
        options.add_path = BGP_ADD_PATH_ALL;
        if (!bgp_update_parse(body.bytes, body.length, &options, update) ||
            count_of_update(update) != listed) {
            options.add_path = 0;
            bgp_update_parse(body.bytes, body.length, &options, update);
        }
    }
    pass_update(passage);
    return TRUE;
}

/* ---- messages */

static gboolean take_update(struct passage *passage, const char **problem)
{
    gsize length = 0;
    g_autofree guint8 *raw = bytes_of(json_text(passage->data, "raw"), &length);

    passage->live->counts.updates++;
    if (raw && take_raw(passage, raw, length))
        return TRUE;
    passage->live->counts.made++;
    passage->is_made = TRUE;
    return ris_live_make_updates(passage->data, take_made, passage, problem);
}

static gboolean take_state(struct passage *passage, const char **problem)
{
    static const char *const ups[] = { "connected", "established", "up" };
    const char *state = json_text(passage->data, "state");
    struct route_element element = {
        .time_us = passage->time_us,
        .originated_us = passage->time_us,
        .kind = ROUTE_STATE,
        .peer = &passage->peer,
        .old_state = SESSION_ESTABLISHED,
        .new_state = SESSION_IDLE,
    };

    *problem = "it has no state";
    if (!state)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(ups); i++) {
        if (g_ascii_strcasecmp(state, ups[i]) == 0) {
            element.old_state = SESSION_IDLE;
            element.new_state = SESSION_ESTABLISHED;
        }
    }
    passage->live->counts.states++;
    pass_on(&element, passage);
    return TRUE;
}

static gboolean take_session(struct passage *passage, const char **problem)
{
    *problem = NULL;
    passage->live->counts.sessions++;
    return TRUE;
}

/* "rrc00" or "rrc00.ripe.net". */
static gboolean read_host(struct passage *passage)
{
    const char *host = json_text(passage->data, "host");
    gsize length = host ? strcspn(host, ".") : 0;

    if (!length || length > RIS_HOST_MAX)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isalnum(host[i]) && host[i] != '-')
            return FALSE;
    memcpy(passage->host, host, length);
    return TRUE;
}

static gboolean read_peer(struct passage *passage)
{
    const json_t *as = json_object_get(passage->data, "peer_asn");
    const char *address = json_text(passage->data, "peer");
    guint64 number = json_is_integer(as) ? (guint64)json_integer_value(as) : G_MAXUINT64;

    if (json_is_string(as) &&
        !g_ascii_string_to_unsigned(json_string_value(as), 10, 0, G_MAXUINT32, &number, NULL))
        return FALSE;
    passage->peer.as = (guint32)number;
    return number <= G_MAXUINT32 && address &&
           ip_address_parse(address, &passage->peer.family, passage->peer.address);
}

static gboolean read_time(struct passage *passage)
{
    const json_t *time = json_object_get(passage->data, "timestamp");
    const double seconds = json_is_number(time) ? json_number_value(time) : -1;

    if (!(seconds >= 0 && seconds < TIME_LIMIT))
        return FALSE;
    passage->time_us = (gint64)llround(seconds * G_USEC_PER_SEC);
    return TRUE;
}

static gboolean take_message(struct passage *passage, const char **problem)
{
    static const struct {
        const char *name;
        gboolean (*take)(struct passage *passage, const char **problem);
    } kinds[] = {
        { "UPDATE", take_update },     { "RIS_PEER_STATE", take_state }, { "OPEN", take_session },
        { "KEEPALIVE", take_session }, { "NOTIFICATION", take_session },
    };
    const char *kind = json_text(passage->data, "type");

    passage->live->counts.messages++;
    *problem = "its host is no name of a collector";
    if (!read_host(passage))
        return FALSE;
    *problem = "its peer is no address with an AS number";
    if (!read_peer(passage))
        return FALSE;
    *problem = "its timestamp is no time";
    if (!read_time(passage))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_strcmp0(kind, kinds[i].name) == 0)
            return kinds[i].take(passage, problem);
    passage->live->counts.others++;
    return TRUE;
}

static void take_error(struct ris_live *live, const json_t *data)
{
    const char *message = json_text(data, "message");

    live->counts.errors++;
    g_free(live->error);
    live->error = g_strdup(message ? message : "");
}

static void take_line(struct ris_live *live, const char *line, gsize length)
{
    struct passage passage = { .live = live };
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) document = NULL;
    const char *type, *problem = NULL;

    while (length && g_ascii_isspace(line[length - 1]))
        length--;
    if (!length)
        return;
    live->counts.lines++;
    document = json_parse(line, length, RIS_LINE_MAX, "line", &error);
    if (!document) {
        is_broken(live, error->message);
        return;
    }
    type = json_text(document, "type");
    passage.data = json_object_get(document, "data");
    if (!type)
        is_broken(live, "it is no object with a type");
    else if (strcmp(type, "ris_error") == 0)
        take_error(live, passage.data);
    else if (strcmp(type, "ris_message") != 0)
        live->counts.others++;
    else if (!take_message(&passage, &problem))
        is_broken(live, problem);
}

/* ---- the stream */

static void end_line(struct ris_live *live)
{
    if (live->is_long) {
        live->counts.lines++;
        is_broken(live, "it is longer than lines may be");
    } else {
        take_line(live, (const char *)live->held->data, live->held->len);
    }
    live->is_long = FALSE;
    g_byte_array_set_size(live->held, 0);
    live->line_at = live->offset;
}

void ris_live_feed(struct ris_live *live, const void *bytes, gsize length)
{
    const guint8 *at = bytes, *end = at + length;

    while (at < end) {
        const guint8 *feed = memchr(at, '\n', (gsize)(end - at));
        const gsize size = (gsize)((feed ? feed : end) - at);

        if (live->held->len + size > RIS_LINE_MAX) {
            live->is_long = TRUE;
            g_byte_array_set_size(live->held, 0);
        }
        if (!live->is_long)
            g_byte_array_append(live->held, at, (guint)size);
        at += size + (feed ? 1 : 0);
        live->offset += size + (feed ? 1 : 0);
        if (feed)
            end_line(live);
    }
}

void ris_live_end(struct ris_live *live)
{
    if (live->held->len || live->is_long)
        end_line(live);
}

const struct ris_live_counts *ris_live_counts(const struct ris_live *live)
{
    return &live->counts;
}

const char *ris_live_problem(const struct ris_live *live, guint64 *offset)
{
    *offset = live->problem_at;
    return live->problem;
}

const char *ris_live_error(const struct ris_live *live)
{
    return live->error;
}

/* The first line may be longer than what is there: its first member must be the type. */
gboolean ris_live_is_stream(const void *bytes, gsize length)
{
    static const char *const begins = "{\"type\":\"ris_";
    const char *at = bytes;
    gsize found = 0;

    for (gsize i = 0; i < length && begins[found]; i++) {
        if (g_ascii_isspace(at[i]))
            continue;
        if (at[i] != begins[found])
            return FALSE;
        found++;
    }
    return !begins[found];
}
