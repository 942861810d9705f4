#include "p2_internet/zone/zone_root.h"

#include "base/clock.h"
#include "base/error.h"
#include "net/address.h"
#include "p2_internet/zone/judge.h"
#include "p2_internet/zone/verdicts.h"
#include "p2_internet/zone/zone_copy.h"

#define SERVERS_MAX 64u /* 13 letters, two addresses each */
#define BIT(PROBE) (G_GUINT64_CONSTANT(1) << (PROBE))
/* How far serials may differ: the root is published twice a day or more, as YYYYMMDDNN. */
#define SERIAL_DAY 100

static void add_problem(json_t *document, enum severity level, char *text)
{
    json_array_append_new(
        json_object_get(document, "problems"),
        json_pack("{s:s, s:o}", "level", severity_name(level), "text", json_safe_string(text)));
    g_free(text);
}

static guint32 newest_serial(const json_t *said, gboolean *any)
{
    const json_t *row;
    guint32 newest = 0;
    size_t index;

    *any = FALSE;
    json_array_foreach(said, index, row)
    {
        const json_t *serial = json_object_get(row, "serial");
        const guint32 number = (guint32)json_integer_value(serial);

        if (!json_is_integer(serial))
            continue;
        if (!*any || (gint32)(number - newest) > 0)
            newest = number;
        *any = TRUE;
    }
    return newest;
}

static const struct zone_reply *reply_of(const GArray *replies, guint server, enum zone_probe probe)
{
    for (guint i = 0; i < replies->len; i++) {
        const struct zone_reply *reply = &g_array_index(replies, struct zone_reply, i);

        if (reply->server == server && reply->probe == probe)
            return reply;
    }
    return NULL;
}

static void put_server(json_t *document, const struct zone_server *server,
                       const struct zone_reply *reply, json_t *said, guint32 newest, gboolean any,
                       json_t *list)
{
    g_autofree char *address = address_text((const struct sockaddr *)&server->address);
    const json_t *serial = json_object_get(said, "serial");
    const gint32 behind = (gint32)(newest - (guint32)json_integer_value(serial));
    json_t *row =
        json_pack("{s:o, s:s}", "host", json_safe_string(server->host), "address", address);

    if (reply)
        json_object_set_new(row, "udp",
                            json_safe_string(reply->bytes ? "answers" : reply->failure));
    if (reply && !reply->bytes && any)
        add_problem(document, SEVERITY_MEDIUM,
                    g_strdup_printf("%s (%s): %s", server->host, address, reply->failure));
    json_object_set_new(row, "behind", json_boolean(json_is_integer(serial) && behind > 0));
    json_object_update_missing(row, said);
    if (json_is_integer(serial) && behind >= SERIAL_DAY)
        add_problem(document, SEVERITY_HIGH,
                    g_strdup_printf("%s (%s) is a day or more behind: serial %u, the newest is %u",
                                    server->host, address, (guint32)json_integer_value(serial),
                                    newest));
    json_array_append_new(list, row);
}

static gboolean ask_letters(json_t *document, const GArray *servers, const struct zone_names *names,
                            GArray *verdicts, const struct zone_check_options *check,
                            GError **error)
{
    const struct ask_options asking = {
        .try_us = check->try_us,
        .probes = BIT(PROBE_SOA) | BIT(PROBE_SOA_EDNS) | BIT(PROBE_IDENTITY),
    };
    const struct zone_server *list = (const struct zone_server *)(gpointer)servers->data;
    g_autoptr(GArray) replies = zone_ask(list, servers->len, names, &asking, error);
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    const struct zone_input input = {
        .names = names,
        .servers = list,
        .n_servers = servers->len,
        .replies = replies,
        .hosts = none,
        .mail = none,
        .origin = none,
        .www = none,
        .verdicts = verdicts,
        .now_s = check->now_s,
    };
    g_autoptr(json_t) judged = replies ? zone_judge(&input, error) : NULL;
    json_t *said = json_object_get(judged, "servers"), *rows = json_array();
    gboolean any;
    const guint32 newest = newest_serial(said, &any);

    json_object_set_new(document, "servers", rows);
    if (!judged)
        return FALSE;
    for (guint i = 0; i < servers->len; i++)
        put_server(document, &list[i], reply_of(replies, i, PROBE_SOA), json_array_get(said, i),
                   newest, any, rows);
    if (any)
        json_object_set_new(document, "serial", json_integer(newest));
    else
        add_problem(document, SEVERITY_LOW, g_strdup("no root server gives the SOA record"));
    return TRUE;
}

/* ---- the copy */

static json_t *get_copy(const struct zone_root_options *options, const GArray *servers, char **from,
                        GError **error)
{
    const struct zone_copy_options copy = { options->check.dns.trust_anchor, options->check.now_s,
                                            "." };
    struct sockaddr_storage address;
    json_t *document = NULL;

    if (options->file) {
        *from = g_strdup(options->file);
        return zone_copy_file(options->file, &copy, error);
    }
    if (options->transfer_from) {
        *from = g_strdup(options->transfer_from);
        return zone_address_parse(options->transfer_from,
                                  options->check.port ? options->check.port : DNS_PORT, &address,
                                  error)
                   ? zone_copy_transfer(&address, ".", &copy, error)
                   : NULL;
    }
    for (guint i = 0; i < servers->len && !document; i++) {
        const struct zone_server *server = &g_array_index(servers, struct zone_server, i);

        g_clear_error(error);
        document = zone_copy_transfer(&server->address, ".", &copy, error);
        if (document)
            *from = address_text((const struct sockaddr *)&server->address);
    }
    if (!document && error && !*error)
        system_error(error, "no root server is known");
    return document;
}

static void judge_anchors(json_t *document, const json_t *copy)
{
    const json_t *row;
    size_t index;

    json_array_foreach(json_object_get(copy, "anchors"), index, row)
    {
        if (!json_is_true(json_object_get(row, "published")))
            add_problem(document, SEVERITY_LOW,
                        g_strdup_printf("trust anchor %d is not among the published keys (RFC "
                                        "5011: it is new, or was withdrawn)",
                                        (int)json_number(row, "tag", 0)));
    }
}

/* What the root has begun, and resolvers that follow RFC 5011 learn by themselves. */
static void judge_rollover(json_t *document, const json_t *copy)
{
    const json_t *key;
    size_t index;

    json_array_foreach(json_object_get(copy, "keys"), index, key)
    {
        const gboolean anchored = json_is_true(json_object_get(key, "anchored"));
        const int tag = (int)json_number(key, "tag", 0);

        if (json_is_true(json_object_get(key, "revoked"))) {
            if (anchored)
                add_problem(
                    document, SEVERITY_HIGH,
                    g_strdup_printf("a trust anchor is revoked by its key (now %d): take it "
                                    "out (RFC 5011)",
                                    tag));
        } else if (json_is_true(json_object_get(key, "sep")) && !anchored) {
            add_problem(document, SEVERITY_MEDIUM,
                        g_strdup_printf("key-signing key %d is published and no trust anchor here: "
                                        "a rollover has begun (RFC 5011); update the anchors",
                                        tag));
        }
    }
}

static void judge_copy(json_t *document, const json_t *copy)
{
    const char *zonemd = json_text(copy, "zonemd"), *authentic = json_text(copy, "authentic");
    const json_t *newest = json_object_get(document, "serial");
    const guint32 serial = (guint32)json_number(copy, "serial", 0);

    if (g_strcmp0(zonemd, "verified") != 0)
        add_problem(
            document, g_strcmp0(zonemd, "mismatch") == 0 ? SEVERITY_CRITICAL : SEVERITY_HIGH,
            g_strdup_printf("the copy's digest (ZONEMD): %s: %s", zonemd, json_text(copy, "why")));
    if (g_strcmp0(authentic, "yes") != 0)
        add_problem(document, SEVERITY_CRITICAL,
                    g_strdup_printf("the copy is not shown to be the publisher's: %s",
                                    json_text(copy, "why_not")));
    if (json_is_integer(newest) && (gint32)((guint32)json_integer_value(newest) - serial) > 0)
        add_problem(document, SEVERITY_LOW,
                    g_strdup_printf("the copy has serial %u, the servers have %u", serial,
                                    (guint32)json_integer_value(newest)));
    judge_anchors(document, copy);
    judge_rollover(document, copy);
}

static void put_copy(json_t *document, const struct zone_root_options *options,
                     const GArray *servers)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *from = NULL;
    g_autoptr(json_t) copy = get_copy(options, servers, &from, &error);

    if (from)
        json_object_set_new(document, "copy_from", json_safe_string(from));
    if (!copy) {
        json_object_set_new(document, "copy_error", json_safe_string(error->message));
        return;
    }
    json_object_set(document, "copy", copy);
    judge_copy(document, copy);
}

static void put_verdicts(json_t *document, const GArray *verdicts)
{
    const struct zone_verdict *apex = &g_array_index(verdicts, struct zone_verdict, 0);

    json_object_set_new(document, "verdict", json_string(zone_security_name(apex->security)));
    json_object_set_new(document, "verdicts", zone_verdicts_json(verdicts));
    for (guint i = 0; i < verdicts->len; i++) {
        const struct zone_verdict *verdict = &g_array_index(verdicts, struct zone_verdict, i);

        if (verdict->security != ZONE_SECURE)
            add_problem(document,
                        verdict->security == ZONE_BOGUS           ? SEVERITY_CRITICAL
                        : verdict->security == ZONE_INDETERMINATE ? SEVERITY_LOW
                                                                  : SEVERITY_HIGH,
                        g_strdup_printf("%s: %s: %s", verdict->what,
                                        zone_security_name(verdict->security), verdict->why));
    }
}

json_t *zone_root_run(const struct zone_root_options *options, GError **error)
{
    const struct zone_check_options *check = &options->check;
    g_autofree char *time = clock_format(check->now_s * G_USEC_PER_SEC);
    g_autoptr(json_t) document =
        json_pack("{s:s, s:s, s:[]}", "schema", ZONE_ROOT_SCHEMA, "time", time, "problems");
    g_autoptr(json_t) not_asked = json_array();
    g_autoptr(zone_resolver_t) resolver = zone_resolver_new(&check->dns, error);
    g_autoptr(GArray) verdicts = NULL, servers = NULL;
    struct zone_names names;

    zone_names_set(&names, (const guint8 *)"");
    verdicts = resolver ? zone_verdicts(resolver, &names, error) : NULL;
    servers = verdicts ? zone_servers_of(resolver, ".", check->port ? check->port : DNS_PORT,
                                         check->allow_private, FALSE, SERVERS_MAX, not_asked, error)
                       : NULL;
    if (!servers)
        return NULL;
    /* The resolver's threads end before a worker is forked. */
    g_clear_pointer(&resolver, zone_resolver_free);
    put_verdicts(document, verdicts);
    if (!ask_letters(document, servers, &names, verdicts, check, error))
        return NULL;
    put_copy(document, options, servers);
    return g_steal_pointer(&document);
}
