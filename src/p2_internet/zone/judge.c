#include "p2_internet/zone/judge.h"

#include "base/error.h"
#include "net/address.h"
#include "sandbox/worker.h"

#include <string.h>

#define LIMIT_US (60 * (gint64)G_USEC_PER_SEC)
#define MEMORY (G_GUINT64_CONSTANT(1) << 30)
#define CPU_S 60u
#define HOSTS_MAX 64u
#define TEXT_MAX 400u
#define DIGEST_TEXT 64u /* hex digits */

static void send_json(struct worker_pipe *out, const json_t *value)
{
    g_autofree char *text = json_pretty(value);

    worker_send(out, 0, text, strlen(text));
}

static json_t *call(worker_job job, gpointer data, const char *what, GError **error)
{
    static const struct confine_limits limits = { MEMORY, CPU_S };
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    g_autoptr(GBytes) bytes =
        confinement ? worker_call(confinement, -1, &limits, LIMIT_US, job, data, error) : NULL;
    json_t *value = NULL;

    if (bytes)
        value = json_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                           WORKER_MESSAGE_MAX, what, error);
    return value;
}

/* ---- the delegation */

static void add_glue(json_t *list, const struct dns_packet *packet, const guint8 *host)
{
    static const guint16 types[] = { DNS_TYPE_A, DNS_TYPE_AAAA };

    for (gsize k = 0; k < G_N_ELEMENTS(types); k++) {
        g_autoptr(GPtrArray) found = zone_rrset(packet, DNS_ADDITIONAL, host, types[k]);

        for (guint i = 0; i < found->len && json_array_size(list) < HOSTS_MAX; i++) {
            const struct dns_record *record = found->pdata[i];
            g_autofree char *name = dns_name_text(host), *text = NULL;
            struct sockaddr_storage address;

            if (record->length != (types[k] == DNS_TYPE_A ? 4 : 16))
                continue;
            zone_address_set(&address, record->data, record->length, 0);
            text = address_text((const struct sockaddr *)&address);
            json_array_append_new(list, json_pack("{s:s, s:s}", "host", name, "address", text));
        }
    }
}

static void read_delegation(struct worker_pipe *out, gpointer data)
{
    g_autoptr(zone_view_t) view = zone_view_new(data);
    g_autoptr(json_t) value = json_pack("{s:[], s:[]}", "ns", "glue");

    for (guint i = 0; i < view->parent_ns->len && i < HOSTS_MAX; i++) {
        const guint8 *host = ((const struct dns_record *)view->parent_ns->pdata[i])->data;
        g_autofree char *name = dns_name_text(host);

        json_array_append_new(json_object_get(value, "ns"), json_string(name));
        for (guint j = 0; j < view->in->n_servers; j++)
            if (zone_packet(view, j, PROBE_PARENT_NS))
                add_glue(json_object_get(value, "glue"), zone_packet(view, j, PROBE_PARENT_NS),
                         host);
    }
    send_json(out, value);
}

/* Only names that are names. */
static gboolean is_name(const json_t *value)
{
    guint8 name[DNS_NAME_MAX];

    return json_is_string(value) && dns_name_parse(json_string_value(value), name);
}

json_t *zone_judge_delegation(const struct zone_server *servers, guint count,
                              const struct zone_names *names, const GArray *replies, GError **error)
{
    struct zone_input input = {
        .names = names, .servers = servers, .n_servers = count, .replies = replies
    };
    g_autoptr(json_t) value = call(read_delegation, &input, "delegation", error);
    const json_t *list = json_object_get(value, "ns"), *row;
    size_t index;

    if (!value)
        return NULL;
    json_array_foreach(list, index, row)
    {
        if (!is_name(row)) {
            system_error(error, "the parser of answers says what cannot be");
            return NULL;
        }
    }
    return g_steal_pointer(&value);
}

/* ---- all checks */

static void judge_all(struct worker_pipe *out, gpointer data)
{
    g_autoptr(zone_view_t) view = zone_view_new(data);
    g_autoptr(json_t) value = json_object();

    json_object_set_new(value, "checks", zone_view_judge(view));
    json_object_set_new(value, "servers", zone_view_servers(view));
    json_object_set_new(value, "keys", zone_view_keys(view));
    send_json(out, value);
}

static gboolean is_outcome(const char *text)
{
    for (enum zone_outcome outcome = ZONE_PASS; outcome <= ZONE_NOT_SEEN; outcome++)
        if (g_strcmp0(zone_outcome_name(outcome), text) == 0)
            return TRUE;
    return FALSE;
}

static gboolean are_keys(const json_t *keys)
{
    const json_t *key;
    size_t index;

    json_array_foreach(keys, index, key)
    {
        const char *digest = json_text(key, "digest");

        if (!digest || strlen(digest) != DIGEST_TEXT ||
            strspn(digest, "0123456789abcdef") != DIGEST_TEXT ||
            !json_is_integer(json_object_get(key, "tag")) ||
            !json_is_integer(json_object_get(key, "algorithm")) ||
            !json_is_boolean(json_object_get(key, "key_signing")))
            return FALSE;
    }
    return json_is_array(keys);
}

static gboolean is_sound(const json_t *value)
{
    const struct zone_check *check;

    if (!are_keys(json_object_get(value, "keys")))
        return FALSE;
    for (guint i = 0; (check = zone_check_at(i)); i++) {
        const json_t *result = json_object_get(json_object_get(value, "checks"), check->id);
        const json_t *problem;
        size_t index;

        if (!is_outcome(json_text(result, "outcome")))
            return FALSE;
        json_array_foreach(json_object_get(result, "problems"), index, problem)
        {
            const char *text = json_text(problem, "text");
            enum severity level;

            if (!text || strlen(text) > TEXT_MAX * 3 || !json_text(problem, "level") ||
                !severity_parse(json_text(problem, "level"), &level, NULL))
                return FALSE;
        }
    }
    return TRUE;
}

json_t *zone_judge(const struct zone_input *input, GError **error)
{
    g_autoptr(dnssec_library_t) library = dnssec_library_new(error);
    struct zone_input whole = *input;
    g_autoptr(json_t) value = NULL;

    if (!library)
        return NULL;
    whole.library = library;
    value = call(judge_all, &whole, "judgement", error);
    if (!value)
        return NULL;
    if (!is_sound(value)) {
        system_error(error, "the parser of answers says what cannot be");
        return NULL;
    }
    return g_steal_pointer(&value);
}
