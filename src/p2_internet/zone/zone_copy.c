#include "p2_internet/zone/zone_copy.h"

#include "base/error.h"
#include "net/address.h"
#include "p2_internet/zone/dnssec.h"
#include "p2_internet/zone/zonemd.h"
#include "sandbox/worker.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_US (600 * (gint64)G_USEC_PER_SEC)
#define CONNECT_US (20 * (gint64)G_USEC_PER_SEC)
#define MEMORY (G_GUINT64_CONSTANT(8) << 30)
#define CPU_S 600u
#define TRANSFER_MAX (512u << 20)
#define ANCHOR_MAX (1u << 20)

enum answer { ANSWER_JSON, ANSWER_REFUSED };

struct job {
    const struct zone_copy_options *options;
    const struct dnssec_library *library;
    const char *name; /* in messages */
    const char *text; /* of a file; NULL: from `fd` */
    gsize length;
    int fd;
    const char *anchor;
    gsize anchor_length;
    guint8 origin[DNS_NAME_MAX];
    gboolean has_origin;
};

/* ---- in the worker */

static gboolean read_whole(int fd, guint8 *out, gsize length)
{
    while (length) {
        const ssize_t got = read(fd, out, length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return FALSE;
        out += got;
        length -= (gsize)got;
    }
    return TRUE;
}

/* How many SOA records stand in the answer; G_MAXUINT: an error, which ends the transfer. */
static guint count_soa(const guint8 *bytes, gsize length)
{
    g_autoptr(dns_packet_t) packet = dns_packet_read(bytes, length, NULL);
    guint count = 0;

    if (!packet || packet->rcode)
        return G_MAXUINT;
    for (guint i = 0; i < packet->records->len; i++)
        count += g_array_index(packet->records, struct dns_record, i).type == DNS_TYPE_SOA;
    return count;
}

static struct zone_records *receive(int fd, const char *name, GError **error)
{
    g_autoptr(GByteArray) all = g_byte_array_new();
    guint soas = 0;

    while (soas < 2) {
        const guint before = all->len;
        guint found;
        gsize size;

        g_byte_array_set_size(all, before + 2);
        if (!read_whole(fd, all->data + before, 2))
            break;
        size = dns_get16(all->data + before);
        if (before + 2 + size > TRANSFER_MAX) {
            input_error(error, "%s: a transfer of more than %u bytes", name, TRANSFER_MAX);
            return NULL;
        }
        g_byte_array_set_size(all, before + 2 + (guint)size);
        if (!read_whole(fd, all->data + before + 2, size))
            break;
        found = count_soa(all->data + before + 2, size);
        soas = found > 2 ? 2 : soas + found;
    }
    return zone_transfer_read(all->data, all->len, name, error);
}

static const struct dns_record *at(const struct zone_records *records, guint index)
{
    return &g_array_index(records->records, struct dns_record, index);
}

/* The records of a type at the apex; with `covers`, signatures over that type. */
static GPtrArray *at_apex(const struct zone_records *records, const guint8 *apex, guint16 type,
                          guint16 covers)
{
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; i < records->records->len; i++) {
        const struct dns_record *record = at(records, i);
        struct dnssec_signature signature;

        if (record->type != type || !dns_name_equal(record->owner, apex) ||
            (covers && (!dnssec_signature_read(record, &signature) || signature.covers != covers)))
            continue;
        g_ptr_array_add(found, (gpointer)record);
    }
    return found;
}

static gboolean is_signed(const struct job *job, const GPtrArray *set, const GPtrArray *signatures,
                          const GPtrArray *keys)
{
    const gint64 now_s = job->options->now_s;

    for (guint i = 0; i < signatures->len; i++) {
        struct dnssec_signature signature;

        if (!dnssec_signature_read(signatures->pdata[i], &signature) ||
            dnssec_time(signature.until, now_s) < now_s ||
            dnssec_time(signature.from, now_s) > now_s)
            continue;
        for (guint j = 0; j < keys->len; j++)
            if (dnssec_verify(job->library, signatures->pdata[i],
                              (const struct dns_record *const *)set->pdata, set->len,
                              keys->pdata[j]) == DNSSEC_VALID)
                return TRUE;
    }
    return FALSE;
}

static gboolean is_anchored(const struct dns_record *anchor, const guint8 *apex,
                            const struct dns_record *key)
{
    struct dnssec_ds ds;

    if (!dns_name_equal(anchor->owner, apex))
        return FALSE;
    if (anchor->type == DNS_TYPE_DNSKEY)
        return anchor->length == key->length && memcmp(anchor->data, key->data, key->length) == 0;
    return anchor->type == DNS_TYPE_DS && dnssec_ds_read(anchor, &ds) &&
           dnssec_ds_matches(&ds, apex, key);
}

/* Which of `keys` an anchor is of; says each anchor in `list`. */
static GPtrArray *anchored(const struct zone_records *anchors, const guint8 *apex,
                           const GPtrArray *keys, json_t *list)
{
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; i < anchors->records->len; i++) {
        const struct dns_record *anchor = at(anchors, i);
        gboolean published = FALSE;
        struct dnssec_ds ds = { 0 };
        struct dnssec_key key = { 0 };

        if (!dns_name_equal(anchor->owner, apex))
            continue;
        for (guint j = 0; j < keys->len; j++)
            if (is_anchored(anchor, apex, keys->pdata[j])) {
                g_ptr_array_add(found, keys->pdata[j]);
                published = TRUE;
            }
        if (anchor->type == DNS_TYPE_DNSKEY ? dnssec_key_read(anchor, &key)
                                            : dnssec_ds_read(anchor, &ds))
            json_array_append_new(list,
                                  json_pack("{s:i, s:b}", "tag",
                                            anchor->type == DNS_TYPE_DNSKEY ? key.tag : ds.tag,
                                            "published", published));
    }
    return found;
}

/* Whether an anchor is of this key; of a revoked one, of what it was before (RFC 5011). */
static gboolean has_anchor(const struct zone_records *anchors, const guint8 *apex,
                           const struct dns_record *key)
{
    g_autofree guint8 *data = g_memdup2(key->data, key->length);
    struct dns_record before = *key;

    before.data = data;
    if (key->length >= 2)
        data[1] &= (guint8)~DNSSEC_FLAG_REVOKED;
    for (guint i = 0; anchors && i < anchors->records->len; i++)
        if (is_anchored(at(anchors, i), apex, &before))
            return TRUE;
    return FALSE;
}

static void put_keys(json_t *document, const struct zone_records *anchors, const guint8 *apex,
                     const GPtrArray *keys)
{
    json_t *list = json_array();

    for (guint i = 0; i < keys->len; i++) {
        struct dnssec_key key;

        if (dnssec_key_read(keys->pdata[i], &key))
            json_array_append_new(
                list, json_pack("{s:i, s:i, s:b, s:b, s:b}", "tag", key.tag, "algorithm",
                                key.algorithm, "sep", (key.flags & DNSSEC_FLAG_SEP) != 0, "revoked",
                                (key.flags & DNSSEC_FLAG_REVOKED) != 0, "anchored",
                                has_anchor(anchors, apex, keys->pdata[i])));
    }
    json_object_set_new(document, "keys", list);
}

static void say(json_t *document, const char *authentic, const char *why)
{
    json_object_set_new(document, "authentic", json_string(authentic));
    if (why)
        json_object_set_new(document, "why_not", json_string(why));
}

static void judge_origin(const struct job *job, const struct zone_records *records,
                         json_t *document)
{
    const guint8 *apex = records->apex;
    g_autoptr(GPtrArray) keys = at_apex(records, apex, DNS_TYPE_DNSKEY, 0);
    g_autoptr(GPtrArray) over_keys = at_apex(records, apex, DNS_TYPE_RRSIG, DNS_TYPE_DNSKEY);
    g_autoptr(GPtrArray) digests = at_apex(records, apex, DNS_TYPE_ZONEMD, 0);
    g_autoptr(GPtrArray) over_digests = at_apex(records, apex, DNS_TYPE_RRSIG, DNS_TYPE_ZONEMD);
    g_autoptr(zone_records_t) anchors =
        zone_file_read(job->anchor, job->anchor_length, "anchor", NULL, NULL);
    json_t *list = json_array();
    g_autoptr(GPtrArray) trusted =
        anchors ? anchored(anchors, apex, keys, list) : g_ptr_array_new();

    put_keys(document, anchors, apex, keys);
    json_object_set_new(document, "anchors", list);
    if (!over_keys->len || !over_digests->len)
        say(document, "unsigned", "no signature over the keys, or over the ZONEMD records");
    else if (!json_array_size(list))
        say(document, "no-anchor", "no trust anchor is for this zone");
    else if (!trusted->len)
        say(document, "no", "no key of the zone is a trust anchor");
    else if (!is_signed(job, keys, over_keys, trusted))
        say(document, "no", "the keys are signed by no trust anchor, or not at this time");
    else if (!is_signed(job, digests, over_digests, keys))
        say(document, "no", "the ZONEMD records are signed by no key, or not at this time");
    else
        say(document, "yes", NULL);
}

static json_t *judge_copy(const struct job *job, GError **error)
{
    g_autoptr(zone_records_t) records =
        job->text ? zone_file_read(job->text, job->length, job->name,
                                   job->has_origin ? job->origin : NULL, error)
                  : receive(job->fd, job->name, error);
    struct zonemd_result result;
    g_autofree char *zone = NULL;
    json_t *document;

    if (!records)
        return NULL;
    if (!zonemd_verify(records, &result, error)) {
        g_prefix_error(error, "%s: ", job->name);
        return NULL;
    }
    zone = dns_name_text(records->apex);
    document = json_pack("{s:s, s:I, s:I, s:s}", "zone", zone, "serial", (json_int_t)result.serial,
                         "records", (json_int_t)records->records->len, "zonemd",
                         zonemd_verdict_name(result.verdict));
    if (result.why)
        json_object_set_new(document, "why", json_safe_string(result.why));
    zonemd_result_clear(&result);
    judge_origin(job, records, document);
    return document;
}

static void work(struct worker_pipe *out, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) document = judge_copy(data, &error);
    g_autofree char *text = document ? json_pretty(document) : g_strdup(error->message);

    worker_send(out, document ? ANSWER_JSON : ANSWER_REFUSED, text, strlen(text));
}

/* ---- outside */

static json_t *take(struct worker *worker, const struct job *job, GError **error)
{
    while (worker_end(worker) == WORKER_RUNS && worker_wait(&worker, 1, 0) == 0) {
        guint8 kind;
        gsize length;
        const guint8 *body = worker_next(worker, &kind, &length);

        if (body && kind == ANSWER_JSON)
            return json_parse(body, length, WORKER_MESSAGE_MAX, job->name, error);
        if (body) {
            g_autofree char *raw = g_strndup((const char *)body, length);
            g_autofree char *text = g_utf8_make_valid(raw, -1);

            if (job->text)
                input_error(error, "%s", text);
            else
                system_error(error, "%s", text);
            return NULL;
        }
    }
    system_error(error, "%s: its parser ended: %s", job->name,
                 worker_end_text(worker) ? worker_end_text(worker) : "early");
    return NULL;
}

static json_t *run(struct job *job, GError **error)
{
    static const struct confine_limits limits = { MEMORY, CPU_S };
    const char *path = job->options->anchor ? job->options->anchor : ZONE_ANCHOR_FILE;
    g_autoptr(dnssec_library_t) library = dnssec_library_new(error);
    g_autoptr(confinement_t) confinement = library ? confinement_new(0, error) : NULL;
    g_autofree char *anchor = NULL;
    g_autoptr(GString) text = NULL;
    g_autoptr(worker_t) worker = NULL;

    if (!confinement)
        return NULL;
    if (!g_file_get_contents(path, &anchor, &job->anchor_length, NULL) && job->options->anchor) {
        input_error(error, "%s: cannot be read", path);
        return NULL;
    }
    /* Anchors are written without a time to live. */
    text = g_string_new("$TTL 86400\n");
    if (anchor)
        g_string_append_len(text, anchor, (gssize)MIN(job->anchor_length, ANCHOR_MAX));
    job->anchor = text->str;
    job->anchor_length = text->len;
    job->library = library;
    worker = worker_start_keeping(confinement, -1, &job->fd, job->text ? 0 : 1, &limits,
                                  g_get_monotonic_time() + LIMIT_US, work, job, error);
    return worker ? take(worker, job, error) : NULL;
}

json_t *zone_copy_file(const char *path, const struct zone_copy_options *options, GError **error)
{
    GError *failure = NULL;
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &failure);
    struct job job = { .options = options, .name = path, .fd = -1 };

    if (!file) {
        system_error(error, "%s", failure->message);
        g_error_free(failure);
        return NULL;
    }
    job.text = g_mapped_file_get_contents(file);
    job.length = g_mapped_file_get_length(file);
    if (!job.text) /* an empty file is not mapped */
        job.text = "";
    job.has_origin = options->origin && dns_name_parse(options->origin, job.origin);
    return run(&job, error);
}

json_t *zone_copy_transfer(const struct sockaddr_storage *address, const char *zone,
                           const struct zone_copy_options *options, GError **error)
{
    g_autofree char *name = address_text((const struct sockaddr *)address);
    struct job job = { .options = options, .name = name };
    guint8 apex[DNS_NAME_MAX];
    json_t *document;

    if (!dns_name_parse(zone, apex)) {
        input_error(error, "\"%s\" is no name of a zone", zone);
        return NULL;
    }
    job.fd = zone_transfer_start(address, apex, CONNECT_US, error);
    if (job.fd < 0) {
        g_prefix_error(error, "%s: ", name);
        return NULL;
    }
    document = run(&job, error);
    close(job.fd);
    return document;
}
