/* payload_put.c: what a file says, checked and made into messages: payload_private.h. */
#include "base/clock.h"
#include "base/decimal.h"
#include "base/error.h"
#include "rpki/payload_private.h"

#include <string.h>

struct payload_out *payload_out_new(payload_send send, gpointer to, gint64 now_us)
{
    struct payload_out *out = g_new0(struct payload_out, 1);

    out->send = send;
    out->to = to;
    out->now_s = now_us / G_USEC_PER_SEC;
    out->end.form = PAYLOAD_FORMS;
    out->anchors = g_ptr_array_new_with_free_func(g_free);
    return out;
}

void payload_out_free(struct payload_out *out)
{
    if (!out)
        return;
    g_ptr_array_unref(out->anchors);
    g_free(out);
}

void payload_record_init(struct payload_record *record)
{
    memset(record, 0, sizeof *record);
    record->providers = g_array_new(FALSE, FALSE, sizeof(guint32));
}

void payload_record_reset(struct payload_record *record)
{
    GArray *providers = record->providers;

    g_array_set_size(providers, 0);
    memset(record, 0, G_STRUCT_OFFSET(struct payload_record, anchor) + 1);
    record->providers = providers;
}

void payload_record_clear(struct payload_record *record)
{
    g_clear_pointer(&record->providers, g_array_unref);
}

/* --- members --- */

gboolean payload_read_number(const char *text, guint32 *number, GError **error)
{
    guint64 read;

    if (!decimal_parse(text, strlen(text), &read) || read > G_MAXUINT32)
        return input_error(error, "\"%s\" is not a number from 0 to 4294967295", text);
    *number = (guint32)read;
    return TRUE;
}

gboolean payload_read_asn(const char *text, guint32 *asn, GError **error)
{
    const char *digits = g_ascii_strncasecmp(text, "AS", 2) == 0 ? text + 2 : text;

    if (payload_read_number(digits, asn, NULL))
        return TRUE;
    return input_error(error, "\"%s\" is not an AS number", text);
}

gboolean payload_read_time(const char *text, gint64 *time_s, GError **error)
{
    g_autofree char *rfc3339 = NULL;
    const char *space = strchr(text, ' ');
    guint64 seconds;
    gint64 time_us;

    if (decimal_parse(text, strlen(text), &seconds)) {
        *time_s = (gint64)MIN(seconds, (guint64)G_MAXUINT32);
        return TRUE;
    }
    if (space)
        rfc3339 = g_strdup_printf("%.*sT%sZ", (int)(space - text), text, space + 1);
    if (!clock_parse(rfc3339 ? rfc3339 : text, &time_us, error))
        return FALSE;
    *time_s = CLAMP(time_us / G_USEC_PER_SEC, 1, (gint64)G_MAXUINT32);
    return TRUE;
}

gboolean payload_add_provider(struct payload_record *record, guint32 asn, GError **error)
{
    if (record->providers->len >= PAYLOAD_PROVIDERS_MAX)
        return input_error(error, "more than %u providers of one customer", PAYLOAD_PROVIDERS_MAX);
    g_array_append_val(record->providers, asn);
    return TRUE;
}

/* --- messages --- */

static gboolean flush(struct payload_out *out)
{
    const guint batched = out->batched;

    out->batched = 0;
    return !batched || out->send(out->to, PAYLOAD_VRPS, out->batch, batched * sizeof *out->batch);
}

static gboolean number_anchor(struct payload_out *out, const char *name, guint8 *number)
{
    g_autofree char *valid = NULL;

    *number = 0;
    if (!*name)
        return TRUE;
    for (guint i = out->anchors->len; i-- > 0;)
        if (strcmp(out->anchors->pdata[i], name) == 0) {
            *number = (guint8)(i + 1);
            return TRUE;
        }
    if (out->anchors->len == G_MAXUINT8)
        return TRUE;
    g_ptr_array_add(out->anchors, g_strdup(name));
    *number = (guint8)out->anchors->len;
    valid = g_utf8_make_valid(name, -1);
    return out->send(out->to, PAYLOAD_ANCHOR, valid, strlen(valid));
}

static gboolean is_expired(struct payload_out *out, gint64 expires_s)
{
    const gboolean expired = expires_s && expires_s <= out->now_s;

    out->end.expired += expired;
    return expired;
}

static gboolean make_vrp(const struct payload_record *record, struct vrp *vrp, GError **error)
{
    char text[IP_PREFIX_TEXT];

    if (!record->prefix.family)
        return input_error(error, "a payload without a prefix");
    ip_prefix_format(&record->prefix, text);
    if (!record->has_asn)
        return input_error(error, "%s: without an AS number", text);
    *vrp = (struct vrp){
        .prefix = record->prefix,
        .max_length = (guint8)(record->has_max_length ? MIN(record->max_length, G_MAXUINT8)
                                                      : record->prefix.length),
        .asn = record->asn,
        .expires_s = (guint32)CLAMP(record->expires_s, 0, (gint64)G_MAXUINT32),
    };
    return vrp_is_sound(vrp) ||
           input_error(error, "%s: maxLength %u (it is to be %u to %u)", text, record->max_length,
                       record->prefix.length, ip_family_bits(record->prefix.family));
}

gboolean payload_put_vrp(struct payload_out *out, const struct payload_record *record,
                         GError **error)
{
    struct vrp vrp;

    if (!make_vrp(record, &vrp, error))
        return FALSE;
    if (is_expired(out, record->expires_s))
        return TRUE;
    if (!number_anchor(out, record->anchor, &vrp.anchor))
        return FALSE;
    out->batch[out->batched++] = vrp;
    return out->batched < PAYLOAD_BATCH || flush(out);
}

static gboolean send_aspa(struct payload_out *out, enum payload_message kind,
                          const struct payload_record *record, GError **error)
{
    g_autofree guint32 *body = NULL;
    const gsize count = record->providers->len;

    if (!record->has_customer)
        return input_error(error, "an ASPA without its customer");
    if (is_expired(out, record->expires_s))
        return TRUE;
    body = g_new(guint32, count + 2);
    body[0] = record->customer;
    body[1] = (guint32)CLAMP(record->expires_s, 0, (gint64)G_MAXUINT32);
    if (count)
        memcpy(body + 2, record->providers->data, count * sizeof *body);
    return out->send(out->to, kind, body, (count + 2) * sizeof *body);
}

gboolean payload_put_aspa(struct payload_out *out, const struct payload_record *record,
                          GError **error)
{
    return send_aspa(out, PAYLOAD_ASPA, record, error);
}

gboolean payload_put_vrp_filter(struct payload_out *out, const struct payload_record *record,
                                GError **error)
{
    struct payload_filter filter;

    memset(&filter, 0, sizeof filter); /* its padding is sent too */
    filter.prefix = record->prefix;
    filter.asn = record->asn;
    filter.has_asn = record->has_asn;
    if (!filter.has_asn && !filter.prefix.family)
        return input_error(error, "a prefix filter with neither prefix nor asn");
    return out->send(out->to, PAYLOAD_VRP_FILTER, &filter, sizeof filter);
}

gboolean payload_put_aspa_filter(struct payload_out *out, const struct payload_record *record,
                                 GError **error)
{
    if (!record->has_customer)
        return input_error(error, "an ASPA filter without its customer");
    return out->send(out->to, PAYLOAD_ASPA_FILTER, &record->customer, sizeof record->customer);
}

gboolean payload_put_vrp_assertion(struct payload_out *out, const struct payload_record *record,
                                   GError **error)
{
    struct vrp vrp;

    return make_vrp(record, &vrp, error) &&
           out->send(out->to, PAYLOAD_VRP_ASSERTION, &vrp, sizeof vrp);
}

gboolean payload_put_aspa_assertion(struct payload_out *out, const struct payload_record *record,
                                    GError **error)
{
    return send_aspa(out, PAYLOAD_ASPA_ASSERTION, record, error);
}

gboolean payload_put_end(struct payload_out *out)
{
    return flush(out) && out->send(out->to, PAYLOAD_END, &out->end, sizeof out->end);
}
