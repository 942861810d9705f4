#include "p2_internet/zone/zone_check.h"

#include "base/clock.h"
#include "base/error.h"
#include "net/address.h"
#include "p2_internet/zone/absent.h"
#include "p2_internet/zone/chain.h"
#include "p2_internet/zone/judge.h"
#include "p2_internet/zone/networks.h"
#include "p2_internet/zone/reverse.h"
#include "p2_internet/zone/verdicts.h"

#include <string.h>

#define SERVERS_MAX 64u
#define PARENTS_MAX 4u
#define MICROSECONDS 1000

/* All that is known of a zone on the way to its document. */
struct looking {
    const struct zone_check_options *options;
    struct zone_resolver *resolver;
    struct zone_names names;
    char *name, *parent;
    GArray *servers; /* struct zone_server */
    GArray *replies;
    GArray *verdicts;
    GPtrArray *hosts, *mail, *origin, *www;
    GPtrArray *reverse, *mail_reverse;
    GArray *networks;
    struct zone_past *past;
    json_t *not_asked;
};

static void looking_clear(struct looking *looking)
{
    g_clear_pointer(&looking->resolver, zone_resolver_free);
    g_free(looking->name);
    g_free(looking->parent);
    g_clear_pointer(&looking->servers, g_array_unref);
    g_clear_pointer(&looking->replies, g_array_unref);
    g_clear_pointer(&looking->verdicts, g_array_unref);
    g_clear_pointer(&looking->hosts, g_ptr_array_unref);
    g_clear_pointer(&looking->mail, g_ptr_array_unref);
    g_clear_pointer(&looking->origin, g_ptr_array_unref);
    g_clear_pointer(&looking->www, g_ptr_array_unref);
    g_clear_pointer(&looking->reverse, g_ptr_array_unref);
    g_clear_pointer(&looking->mail_reverse, g_ptr_array_unref);
    g_clear_pointer(&looking->networks, g_array_unref);
    zone_past_free(looking->past);
    json_decref(looking->not_asked);
}
typedef struct looking looking_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(looking_t, looking_clear)

static guint16 port_of(const struct zone_check_options *options)
{
    return options->port ? options->port : DNS_PORT;
}

/* ---- servers */

static gboolean is_there(const GArray *servers, const struct sockaddr_storage *address)
{
    for (guint i = 0; i < servers->len; i++)
        if (memcmp(&g_array_index(servers, struct zone_server, i).address, address,
                   zone_address_size(address)) == 0)
            return TRUE;
    return FALSE;
}

static GArray *servers_new(void)
{
    GArray *servers = g_array_new(FALSE, TRUE, sizeof(struct zone_server));

    g_array_set_clear_func(servers, (GDestroyNotify)zone_server_clear);
    return servers;
}

static void add_server(GArray *servers, const char *host, const struct sockaddr_storage *address,
                       gboolean of_parent)
{
    const struct zone_server server = { .host = g_strdup(host),
                                        .address = *address,
                                        .of_parent = of_parent };

    g_array_append_val(servers, server);
}

/* Each address once; those that may not be asked go into the list. */
static void add_servers(GArray *servers, const GPtrArray *hosts, gboolean allow_private,
                        gboolean of_parent, guint most, json_t *not_asked)
{
    for (guint i = 0; i < hosts->len; i++) {
        const struct zone_host *host = hosts->pdata[i];

        for (guint j = 0; j < host->addresses->len; j++) {
            const struct sockaddr_storage *address =
                &g_array_index(host->addresses, struct sockaddr_storage, j);
            g_autofree char *text = address_text((const struct sockaddr *)address);

            if (!allow_private && !address_is_public((const struct sockaddr *)address))
                json_array_append_new(not_asked, json_safe_string(text));
            else if (servers->len < most && !is_there(servers, address))
                add_server(servers, host->name, address, of_parent);
        }
    }
}

GArray *zone_servers_of(struct zone_resolver *resolver, const char *zone, guint16 port,
                        gboolean allow_private, gboolean of_parent, guint most, json_t *not_asked,
                        GError **error)
{
    g_autoptr(GPtrArray) names = zone_names_in(resolver, zone, DNS_TYPE_NS, error);
    g_autoptr(GPtrArray) hosts = names ? zone_hosts(resolver, names, port, error) : NULL;
    GArray *servers;

    if (!hosts)
        return NULL;
    servers = servers_new();
    add_servers(servers, hosts, allow_private, of_parent, most, not_asked);
    return servers;
}

/* ---- the steps */

static gboolean ask_parent(struct looking *looking, GError **error)
{
    const struct zone_check_options *options = looking->options;
    const struct ask_options asking = {
        .try_us = options->try_us,
        .probes = G_GUINT64_CONSTANT(1) << PROBE_PARENT_NS | G_GUINT64_CONSTANT(1)
                                                                 << PROBE_PARENT_DS,
    };

    if (!*looking->names.apex) { /* nothing is above the root */
        looking->servers = servers_new();
        looking->replies = g_array_new(FALSE, TRUE, sizeof(struct zone_reply));
        g_array_set_clear_func(looking->replies, (GDestroyNotify)zone_reply_clear);
        return TRUE;
    }
    looking->servers =
        zone_servers_of(looking->resolver, looking->parent, port_of(options),
                        options->allow_private, TRUE, PARENTS_MAX, looking->not_asked, error);
    if (!looking->servers)
        return FALSE;
    looking->replies = zone_ask((const struct zone_server *)(gpointer)looking->servers->data,
                                looking->servers->len, &looking->names, &asking, error);
    return looking->replies != NULL;
}

static void add_name(GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++)
        if (g_ascii_strcasecmp(names->pdata[i], name) == 0)
            return;
    g_ptr_array_add(names, g_strdup(name));
}

/* Addresses that the parent gives, for hosts of which no resolver finds any. */
static void add_glue(const GPtrArray *hosts, const json_t *delegation, guint16 port)
{
    for (guint i = 0; i < hosts->len; i++) {
        struct zone_host *host = hosts->pdata[i];
        const json_t *row;
        size_t index;

        if (host->addresses->len || !host->is_unknown)
            continue;
        json_array_foreach(json_object_get(delegation, "glue"), index, row)
        {
            struct sockaddr_storage address;
            const char *text = json_text(row, "address");

            if (g_strcmp0(json_text(row, "host"), host->name) == 0 && text &&
                zone_address_parse(text, port, &address, NULL))
                g_array_append_val(host->addresses, address);
        }
    }
}

static gboolean find_servers(struct looking *looking, GError **error)
{
    const guint16 port = port_of(looking->options);
    g_autoptr(json_t) delegation =
        zone_judge_delegation((const struct zone_server *)(gpointer)looking->servers->data,
                              looking->servers->len, &looking->names, looking->replies, error);
    g_autoptr(GPtrArray) names =
        delegation ? zone_names_in(looking->resolver, looking->name, DNS_TYPE_NS, error) : NULL;
    const json_t *row;
    size_t index;

    if (!names)
        return FALSE;
    json_array_foreach(json_object_get(delegation, "ns"), index, row)
    {
        add_name(names, json_string_value(row));
    }
    looking->hosts = zone_hosts(looking->resolver, names, port, error);
    if (!looking->hosts)
        return FALSE;
    add_glue(looking->hosts, delegation, port);
    return TRUE;
}

static gboolean ask_servers(struct looking *looking, GError **error)
{
    const struct ask_options asking = { .try_us = looking->options->try_us };
    const guint parents = looking->servers->len;
    g_autoptr(GArray) own = servers_new();
    g_autoptr(GArray) replies = NULL;

    add_servers(own, looking->hosts, looking->options->allow_private, FALSE, SERVERS_MAX,
                looking->not_asked);
    replies = zone_ask((const struct zone_server *)(gpointer)own->data, own->len, &looking->names,
                       &asking, error);
    if (!replies)
        return FALSE;
    for (guint i = 0; i < replies->len; i++)
        g_array_index(replies, struct zone_reply, i).server += parents;
    g_array_set_clear_func(own, NULL); /* they move */
    g_array_set_clear_func(replies, NULL);
    g_array_append_vals(looking->servers, own->data, own->len);
    g_array_append_vals(looking->replies, replies->data, replies->len);
    return TRUE;
}

static GPtrArray *hosts_in(struct looking *looking, guint16 type, GError **error)
{
    g_autoptr(GPtrArray) names = zone_names_in(looking->resolver, looking->name, type, error);

    return names ? zone_hosts(looking->resolver, names, DNS_PORT, error) : NULL;
}

static gboolean resolve_others(struct looking *looking, GError **error)
{
    g_autoptr(GPtrArray) www = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(www, dns_name_text(looking->names.www));
    for (char **name = looking->options->names; name && *name; name++) {
        guint8 wire[DNS_NAME_MAX];

        if (!dns_name_parse(*name, wire))
            return input_error(error, "\"%s\" is no name", *name);
        if (dns_name_within(wire, looking->names.apex))
            g_ptr_array_add(www, dns_name_text(wire));
    }
    looking->mail = hosts_in(looking, DNS_TYPE_MX, error);
    looking->origin = looking->mail ? hosts_in(looking, DNS_TYPE_SOA, error) : NULL;
    looking->www = looking->origin ? zone_hosts(looking->resolver, www, DNS_PORT, error) : NULL;
    return looking->www != NULL;
}

/* A resolver only says that there is no answer: the servers do answer, with aliases of aliases. */
static void explain_aliases(struct looking *looking)
{
    for (guint i = 0; i < looking->verdicts->len; i++) {
        struct zone_verdict *verdict = &g_array_index(looking->verdicts, struct zone_verdict, i);

        for (guint j = 0; j < looking->www->len; j++) {
            const struct zone_host *host = looking->www->pdata[j];

            if (verdict->security != ZONE_INDETERMINATE || !host->is_unknown || !host->aliases ||
                g_ascii_strcasecmp(verdict->name, host->name) != 0)
                continue;
            g_free(verdict->why);
            verdict->why = g_strdup(host->is_circle ? "its aliases lead in a circle"
                                                    : "its aliases lead to no answer");
        }
    }
}

/* What the DNS says of the hosts in other places: back from their addresses, and above them. */
static gboolean look_around(struct looking *looking, GError **error)
{
    struct zone_resolver *resolver = looking->resolver;
    const gboolean allow_private = looking->options->allow_private;
    const guint8 *apex = looking->names.apex;

    looking->reverse = zone_reverse_find(resolver, looking->hosts, allow_private, error);
    looking->mail_reverse =
        looking->reverse ? zone_reverse_find(resolver, looking->mail, allow_private, error) : NULL;
    if (!looking->mail_reverse || !zone_absent_find(resolver, looking->hosts, apex, error) ||
        !zone_absent_find(resolver, looking->mail, apex, error) ||
        !zone_absent_find(resolver, looking->www, apex, error) ||
        !zone_chains_find(resolver, looking->www, error))
        return FALSE;
    explain_aliases(looking);
    return TRUE;
}

static gboolean find_networks(struct looking *looking, GError **error)
{
    if (!looking->options->networks)
        return TRUE;
    looking->networks = zone_networks_find(
        looking->options->networks, (const struct zone_server *)(gpointer)looking->servers->data,
        looking->servers->len, error);
    return looking->networks != NULL;
}

/* ---- the document */

static void put_transport(json_t *row, const char *member, const struct zone_reply *reply)
{
    json_object_set_new(row, member,
                        reply->bytes ? json_string("answers") : json_safe_string(reply->failure));
}

static json_t *servers_json(const struct looking *looking, json_t *said)
{
    json_t *list = json_array();

    for (guint i = 0; i < looking->servers->len; i++) {
        const struct zone_server *server = &g_array_index(looking->servers, struct zone_server, i);
        g_autofree char *address = address_text((const struct sockaddr *)&server->address);
        json_t *row = json_pack("{s:o, s:s, s:b}", "host", json_safe_string(server->host),
                                "address", address, "of_parent", server->of_parent);

        for (guint j = 0; j < looking->replies->len; j++) {
            const struct zone_reply *reply = &g_array_index(looking->replies, struct zone_reply, j);

            if (reply->server != i)
                continue;
            if (reply->probe == PROBE_SOA) {
                put_transport(row, "udp", reply);
                json_object_set_new(row, "took_ms", json_integer(reply->took_us / MICROSECONDS));
            } else if (reply->probe == PROBE_SOA_TCP) {
                put_transport(row, "tcp", reply);
            }
        }
        json_object_update_missing(row, json_array_get(said, i));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *problems_json(const struct looking *looking, const json_t *problems,
                             enum severity *worst, gboolean *any)
{
    json_t *list = json_array();
    const json_t *problem;
    size_t index;

    json_array_foreach(problems, index, problem)
    {
        const gint64 server = json_number(problem, "server", ZONE_NO_SERVER);
        enum severity level = SEVERITY_HIGH;
        json_t *row;

        severity_parse(json_text(problem, "level"), &level, NULL);
        row = json_pack("{s:s, s:O}", "level", severity_name(level), "text",
                        json_object_get(problem, "text"));
        if (server >= 0 && server < looking->servers->len) {
            const struct zone_server *asked =
                &g_array_index(looking->servers, struct zone_server, server);
            g_autofree char *address = address_text((const struct sockaddr *)&asked->address);

            json_object_set_new(row, "host", json_safe_string(asked->host));
            json_object_set_new(row, "address", json_safe_string(address));
        }
        *worst = *any ? MAX(*worst, level) : level;
        *any = TRUE;
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *texts(const struct text *text)
{
    return json_pack("{s:s, s:s}", "en", text->en, "fr", text->fr);
}

static void put_checks(json_t *document, const struct looking *looking, const json_t *results)
{
    json_t *list = json_array(), *counts = json_object();
    enum severity worst = SEVERITY_INFO;
    gboolean any = FALSE;
    const struct zone_check *check;

    for (enum zone_outcome outcome = ZONE_PASS; outcome <= ZONE_NOT_SEEN; outcome++)
        json_object_set_new(counts, zone_outcome_name(outcome), json_integer(0));
    for (guint i = 0; (check = zone_check_at(i)); i++) {
        const json_t *result = json_object_get(results, check->id);
        const char *outcome = json_text(result, "outcome");

        json_object_set_new(counts, outcome, json_integer(json_number(counts, outcome, 0) + 1));
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:o}", "id", check->id, "source",
                      check->source, "severity", severity_name(check->severity), "title",
                      texts(&check->title), "fix", texts(&check->fix), "outcome", outcome,
                      "problems",
                      problems_json(looking, json_object_get(result, "problems"), &worst, &any)));
    }
    json_object_set_new(document, "checks", list);
    json_object_set_new(document, "counts", counts);
    if (any)
        json_object_set_new(document, "worst", json_string(severity_name(worst)));
}

static json_t *make_document(const struct looking *looking, const json_t *judged)
{
    const struct zone_verdict *apex = &g_array_index(looking->verdicts, struct zone_verdict, 0);
    g_autofree char *time = clock_format(looking->options->now_s * G_USEC_PER_SEC);
    const json_t *pending;
    json_t *document = json_pack(
        "{s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:O}", "schema", ZONE_CHECK_SCHEMA, "zone",
        json_safe_string(looking->name), "parent", json_safe_string(looking->parent), "time", time,
        "verdict", zone_security_name(apex->security), "verdicts",
        zone_verdicts_json(looking->verdicts), "servers",
        servers_json(looking, json_object_get(judged, "servers")), "not_asked", looking->not_asked);

    put_checks(document, looking, json_object_get(judged, "checks"));
    pending = json_object_get(json_object_get(judged, "checks"), "cds.pending");
    zone_past_put(looking->past, document, json_object_get(judged, "keys"),
                  g_strcmp0(json_text(pending, "outcome"), zone_outcome_name(ZONE_PROBLEM)) == 0,
                  looking->options->now_s);
    return document;
}

static gboolean look(struct looking *looking, GError **error)
{
    looking->resolver = zone_resolver_new(&looking->options->dns, error);
    if (!looking->resolver)
        return FALSE;
    looking->verdicts = zone_verdicts(looking->resolver, &looking->names, error);
    looking->parent =
        looking->verdicts ? zone_parent(looking->resolver, looking->name, error) : NULL;
    return looking->parent && ask_parent(looking, error) && find_servers(looking, error) &&
           ask_servers(looking, error) && resolve_others(looking, error) &&
           look_around(looking, error);
}

json_t *zone_check_run(const char *name, const struct zone_check_options *options, GError **error)
{
    g_auto(looking_t) looking = { .options = options, .not_asked = json_array() };
    guint8 apex[DNS_NAME_MAX];
    g_autoptr(json_t) judged = NULL;
    struct zone_input input;

    if (!dns_name_parse(name, apex) || !zone_names_set(&looking.names, apex)) {
        input_error(error, "\"%s\" is no name of a zone", name);
        return NULL;
    }
    looking.name = dns_name_text(apex);
    if (!look(&looking, error))
        return NULL;
    /* The resolver's threads end before a worker is forked. */
    g_clear_pointer(&looking.resolver, zone_resolver_free);
    if (!find_networks(&looking, error))
        return NULL;
    looking.past = zone_past_new(options->before);
    input = (struct zone_input){
        .names = &looking.names,
        .servers = (const struct zone_server *)(gpointer)looking.servers->data,
        .n_servers = looking.servers->len,
        .replies = looking.replies,
        .hosts = looking.hosts,
        .mail = looking.mail,
        .origin = looking.origin,
        .www = looking.www,
        .reverse = looking.reverse,
        .mail_reverse = looking.mail_reverse,
        .networks = looking.networks,
        .past = looking.past,
        .verdicts = looking.verdicts,
        .now_s = options->now_s,
        .horizon_s = options->horizon_s ? options->horizon_s : ZONE_HORIZON_S,
    };
    judged = zone_judge(&input, error);
    return judged ? make_document(&looking, judged) : NULL;
}
