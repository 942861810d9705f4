#include "p2_internet/zone/view.h"

#include "net/address.h"

#include <string.h>

#define PROBLEMS_MAX 20u /* of one check that are kept */
#define TEXT_MAX 300u
#define KEYS_MAX 64u /* that are told */

static struct dns_packet **place(const struct zone_view *view, guint server, enum zone_probe probe)
{
    return &view->packets[(gsize)server * PROBES + probe];
}

const struct dns_packet *zone_packet(const struct zone_view *view, guint server,
                                     enum zone_probe probe)
{
    return *place(view, server, probe);
}

const struct dns_packet *zone_answer(const struct zone_view *view, guint server,
                                     enum zone_probe probe)
{
    const struct dns_packet *packet = zone_packet(view, server, probe);

    return packet && packet->rcode == DNS_RCODE_NOERROR && packet->flags & DNS_FLAG_AA ? packet
                                                                                       : NULL;
}

const struct zone_reply *zone_reply_of(const struct zone_view *view, guint server,
                                       enum zone_probe probe)
{
    return view->replies[(gsize)server * PROBES + probe];
}

gboolean zone_next(const struct zone_view *view, guint *server)
{
    while (*server < view->in->n_servers && view->in->servers[*server].of_parent)
        ++*server;
    return *server < view->in->n_servers;
}

char *zone_server_text(const struct zone_server *server)
{
    g_autofree char *address = address_text((const struct sockaddr *)&server->address);

    return server->host ? g_strdup_printf("%s (%s)", server->host, address)
                        : g_steal_pointer(&address);
}

/* ---- records */

GPtrArray *zone_rrset(const struct dns_packet *packet, enum dns_section section,
                      const guint8 *owner, guint16 type)
{
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; packet && i < packet->records->len; i++) {
        struct dns_record *record = &g_array_index(packet->records, struct dns_record, i);

        if (record->section == section && record->type == type &&
            (!owner || dns_name_equal(record->owner, owner)))
            g_ptr_array_add(found, record);
    }
    return found;
}

GPtrArray *zone_signatures(const struct dns_packet *packet, enum dns_section section,
                           const guint8 *owner, guint16 type)
{
    GPtrArray *found = zone_rrset(packet, section, owner, DNS_TYPE_RRSIG);

    for (guint i = found->len; i-- > 0;) {
        struct dnssec_signature signature;

        if (!dnssec_signature_read(found->pdata[i], &signature) || signature.covers != type)
            g_ptr_array_remove_index(found, i);
    }
    return found;
}

const struct dns_record *zone_soa(const struct dns_packet *packet, const guint8 *apex)
{
    g_autoptr(GPtrArray) found = zone_rrset(packet, DNS_ANSWER, apex, DNS_TYPE_SOA);
    const struct dns_record *soa = found->len ? found->pdata[0] : NULL;

    return soa && soa->length >= 22 ? soa : NULL; /* two names and five numbers */
}

gboolean zone_has_record(const GPtrArray *records, const struct dns_record *record)
{
    for (guint i = 0; i < records->len; i++)
        if (dns_record_compare(records->pdata[i], record) == 0)
            return TRUE;
    return FALSE;
}

gboolean zone_same_records(const GPtrArray *a, const GPtrArray *b)
{
    for (guint i = 0; i < a->len; i++)
        if (!zone_has_record(b, a->pdata[i]))
            return FALSE;
    for (guint i = 0; i < b->len; i++)
        if (!zone_has_record(a, b->pdata[i]))
            return FALSE;
    return TRUE;
}

gboolean zone_is_signed(const struct zone_view *view)
{
    return view->keys->len > 0;
}

/* Adds what is not there yet; takes `from`. */
static void merge(GPtrArray *into, GPtrArray *from)
{
    for (guint i = 0; i < from->len; i++)
        if (!zone_has_record(into, from->pdata[i]))
            g_ptr_array_add(into, from->pdata[i]);
    g_ptr_array_unref(from);
}

/* ---- the view */

static void read_replies(struct zone_view *view)
{
    const struct zone_input *in = view->in;

    for (guint i = 0; i < in->replies->len; i++) {
        const struct zone_reply *reply = &g_array_index(in->replies, struct zone_reply, i);
        const gsize at = (gsize)reply->server * PROBES + reply->probe;
        g_autoptr(GError) error = NULL;

        view->replies[at] = reply;
        if (!reply->bytes)
            continue;
        view->packets[at] = dns_packet_read(g_bytes_get_data(reply->bytes, NULL),
                                            g_bytes_get_size(reply->bytes), &error);
        if (!view->packets[at])
            view->malformed[at] = g_strdup(error->message);
    }
}

static void gather(struct zone_view *view)
{
    const struct zone_input *in = view->in;
    const guint8 *apex = in->names->apex;

    for (guint i = 0; i < in->n_servers; i++) {
        const struct dns_packet *packet;

        if (!in->servers[i].of_parent) {
            merge(view->keys, zone_rrset(zone_answer(view, i, PROBE_DNSKEY), DNS_ANSWER, apex,
                                         DNS_TYPE_DNSKEY));
            merge(view->child_ns,
                  zone_rrset(zone_answer(view, i, PROBE_NS), DNS_ANSWER, apex, DNS_TYPE_NS));
            continue;
        }
        packet = zone_answer(view, i, PROBE_PARENT_DS);
        view->ds_seen |= packet != NULL;
        merge(view->ds, zone_rrset(packet, DNS_ANSWER, apex, DNS_TYPE_DS));
        packet = zone_packet(view, i, PROBE_PARENT_NS);
        /* An authoritative answer is of a server of the zone itself. */
        if (packet && !(packet->flags & DNS_FLAG_AA))
            merge(view->parent_ns, zone_rrset(packet, DNS_AUTHORITY, apex, DNS_TYPE_NS));
    }
}

struct zone_view *zone_view_new(const struct zone_input *input)
{
    struct zone_view *view = g_new0(struct zone_view, 1);
    const gsize cells = (gsize)MAX(input->n_servers, 1) * PROBES;

    view->in = input;
    view->packets = g_new0(struct dns_packet *, cells);
    view->replies = g_new0(const struct zone_reply *, cells);
    view->malformed = g_new0(char *, cells);
    view->keys = g_ptr_array_new();
    view->ds = g_ptr_array_new();
    view->parent_ns = g_ptr_array_new();
    view->child_ns = g_ptr_array_new();
    read_replies(view);
    gather(view);
    return view;
}

void zone_view_free(struct zone_view *view)
{
    if (!view)
        return;
    for (gsize i = 0; i < (gsize)view->in->n_servers * PROBES; i++) {
        dns_packet_free(view->packets[i]);
        g_free(view->malformed[i]);
    }
    g_free(view->packets);
    g_free(view->replies);
    g_free(view->malformed);
    g_ptr_array_unref(view->keys);
    g_ptr_array_unref(view->ds);
    g_ptr_array_unref(view->parent_ns);
    g_ptr_array_unref(view->child_ns);
    g_free(view);
}

/* ---- problems */

static void add_problem(struct zone_view *view, enum severity level, int server, char *text)
{
    if (strlen(text) > TEXT_MAX)
        text[TEXT_MAX] = '\0';
    if (json_array_size(view->problems) < PROBLEMS_MAX)
        json_array_append_new(view->problems,
                              json_pack("{s:i, s:s, s:o}", "server", server, "level",
                                        severity_name(level), "text", json_safe_string(text)));
    g_free(text);
}

void zone_problem(struct zone_view *view, int server, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_problem(view, view->level, server, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void zone_problem_at(struct zone_view *view, enum severity level, int server, const char *format,
                     ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_problem(view, level, server, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

enum zone_outcome zone_compare(struct zone_view *view, enum zone_probe probe, guint16 type,
                               gboolean *any)
{
    g_autoptr(GPtrArray) first = NULL;
    guint first_server = 0;

    *any = FALSE;
    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *packet = zone_answer(view, i, probe);
        g_autoptr(GPtrArray) found =
            packet ? zone_rrset(packet, DNS_ANSWER, view->in->names->apex, type) : NULL;

        if (!packet)
            continue;
        *any |= found->len > 0;
        if (!first) {
            first = g_steal_pointer(&found);
            first_server = i;
        } else if (!zone_same_records(first, found)) {
            g_autofree char *other = zone_server_text(&view->in->servers[first_server]);

            zone_problem(view, (int)i, "answers otherwise than %s", other);
        }
    }
    return first ? ZONE_PASS : ZONE_NOT_SEEN;
}

json_t *zone_view_judge(struct zone_view *view)
{
    json_t *results = json_object();
    const struct zone_check *check;

    for (guint i = 0; (check = zone_check_at(i)); i++) {
        enum zone_outcome outcome;
        json_t *problems = json_array();

        view->problems = problems;
        view->level = check->severity;
        outcome = check->run(view);
        if (json_array_size(problems))
            outcome = ZONE_PROBLEM;
        json_object_set_new(
            results, check->id,
            json_pack("{s:s, s:o}", "outcome", zone_outcome_name(outcome), "problems", problems));
        view->problems = NULL;
    }
    return results;
}

json_t *zone_view_keys(const struct zone_view *view)
{
    json_t *list = json_array();

    for (guint i = 0; i < view->keys->len; i++) {
        const struct dns_record *record = view->keys->pdata[i];
        g_autofree char *digest = zone_key_digest(record);
        struct dnssec_key key;

        if (dnssec_key_read(record, &key) && json_array_size(list) < KEYS_MAX)
            json_array_append_new(list,
                                  json_pack("{s:i, s:i, s:b, s:s}", "tag", (int)key.tag,
                                            "algorithm", (int)key.algorithm, "key_signing",
                                            (key.flags & DNSSEC_FLAG_SEP) != 0, "digest", digest));
    }
    return list;
}

#define OPTION_NSID 3

json_t *zone_view_servers(const struct zone_view *view)
{
    json_t *list = json_array();

    for (guint i = 0; i < view->in->n_servers; i++) {
        json_t *server = json_object();
        const struct dns_record *soa =
            zone_soa(zone_answer(view, i, PROBE_SOA_EDNS), view->in->names->apex);
        const struct dns_packet *packet = zone_packet(view, i, PROBE_IDENTITY);
        guint16 length = 0;
        const guint8 *identity = packet ? dns_packet_option(packet, OPTION_NSID, &length) : NULL;

        if (!soa)
            soa = zone_soa(zone_answer(view, i, PROBE_SOA), view->in->names->apex);
        if (!soa)
            soa = zone_soa(zone_answer(view, i, PROBE_SOA_TCP), view->in->names->apex);
        if (soa)
            json_object_set_new(server, "serial",
                                json_integer(dns_get32(soa->data + soa->length - 20)));
        if (identity && length) {
            g_autofree char *text = g_strndup((const char *)identity, MIN(length, 64));

            json_object_set_new(server, "identity", json_safe_string(text));
        }
        json_array_append_new(list, server);
    }
    return list;
}
