/*
 * payload_json.c: payloads and SLURM as JSON.
 *
 * Half a million small objects: members are read as they pass by, no tree is made of them. Where a
 * record lies is a row of a table; what its members are, too.
 */
#include "base/error.h"
#include "base/json.h"
#include "rpki/payload_private.h"

#include <string.h>
#include <yajl/yajl_parse.h>

enum key {
    KEY_OTHER,
    KEY_ANY, /* an element of an array */
    KEY_AFI4,
    KEY_AFI6,
    KEY_ASN,
    KEY_ASPAS,
    KEY_ASPA_ASSERTIONS,
    KEY_ASPA_FILTERS,
    KEY_ASSERTIONS,
    KEY_BUILT,
    KEY_CHAIN,
    KEY_CUSTOMER,
    KEY_EXPIRES,
    KEY_FILTERS,
    KEY_GENERATED,
    KEY_MAX_LENGTH,
    KEY_METADATA,
    KEY_NOT_AFTER,
    KEY_PREFIX,
    KEY_PREFIX_ASSERTIONS,
    KEY_PREFIX_FILTERS,
    KEY_PROVIDERS,
    KEY_PROVIDER_AUTHORIZATIONS,
    KEY_ROAS,
    KEY_ROUTER_KEYS,
    KEY_SLURM,
    KEY_SOURCE,
    KEY_TRUST_ANCHOR,
    KEY_VALIDITY,
};

static const struct {
    const char *name;
    enum key key;
} keys[] = {
    { "asn", KEY_ASN },
    { "prefix", KEY_PREFIX },
    { "maxLength", KEY_MAX_LENGTH },
    { "ta", KEY_TRUST_ANCHOR },
    { "expires", KEY_EXPIRES },
    { "maxlength", KEY_MAX_LENGTH },
    { "max_length", KEY_MAX_LENGTH },
    { "maxPrefixLength", KEY_MAX_LENGTH },
    { "customer_asid", KEY_CUSTOMER },
    { "customer", KEY_CUSTOMER },
    { "customerAsn", KEY_CUSTOMER },
    { "providers", KEY_PROVIDERS },
    { "providerAsns", KEY_PROVIDERS },
    { "source", KEY_SOURCE },
    { "tal", KEY_TRUST_ANCHOR },
    { "validity", KEY_VALIDITY },
    { "chainValidity", KEY_CHAIN },
    { "notAfter", KEY_NOT_AFTER },
    { "roas", KEY_ROAS },
    { "aspas", KEY_ASPAS },
    { "provider_authorizations", KEY_PROVIDER_AUTHORIZATIONS },
    { "ipv4", KEY_AFI4 },
    { "ipv6", KEY_AFI6 },
    { "routerKeys", KEY_ROUTER_KEYS },
    { "bgpsec_keys", KEY_ROUTER_KEYS },
    { "metadata", KEY_METADATA },
    { "buildtime", KEY_BUILT },
    { "generated", KEY_GENERATED },
    { "slurmVersion", KEY_SLURM },
    { "validationOutputFilters", KEY_FILTERS },
    { "locallyAddedAssertions", KEY_ASSERTIONS },
    { "prefixFilters", KEY_PREFIX_FILTERS },
    { "aspaFilters", KEY_ASPA_FILTERS },
    { "prefixAssertions", KEY_PREFIX_ASSERTIONS },
    { "aspaAssertions", KEY_ASPA_ASSERTIONS },
};

static gboolean put_router_key(struct payload_out *out, const struct payload_record *record,
                               GError **error)
{
    out->end.router_keys++;
    return TRUE;
}

/* Where records lie: their array's name, and that of the object around it. */
struct section {
    enum key around, list;
    gboolean (*put)(struct payload_out *out, const struct payload_record *record, GError **error);
};
static const struct section sections[] = {
    { KEY_ANY, KEY_ROAS, payload_put_vrp },
    { KEY_ANY, KEY_ASPAS, payload_put_aspa },
    { KEY_ANY, KEY_ROUTER_KEYS, put_router_key },
    { KEY_PROVIDER_AUTHORIZATIONS, KEY_AFI4, payload_put_aspa },
    { KEY_PROVIDER_AUTHORIZATIONS, KEY_AFI6, payload_put_aspa },
    { KEY_FILTERS, KEY_PREFIX_FILTERS, payload_put_vrp_filter },
    { KEY_FILTERS, KEY_ASPA_FILTERS, payload_put_aspa_filter },
    { KEY_ASSERTIONS, KEY_PREFIX_ASSERTIONS, payload_put_vrp_assertion },
    { KEY_ASSERTIONS, KEY_ASPA_ASSERTIONS, payload_put_aspa_assertion },
};

/* One open object or array: under which name, and the member that is being read. */
struct frame {
    gboolean is_array;
    enum key name, member;
};

struct json {
    struct payload_out *out;
    yajl_handle parser;
    GArray *frames; /* struct frame */
    const struct section *section;
    guint section_depth; /* frames open inside its record */
    struct payload_record record;
    gint64 source_s, chain_s; /* when a source of the record ends, and its chain */
    guint64 fed;              /* bytes, with those of the piece at hand */
    gboolean has_list, is_gone;
    GError *error;
};

static struct frame *top(const struct json *json)
{
    return json->frames->len ? &g_array_index(json->frames, struct frame, json->frames->len - 1)
                             : NULL;
}

/* The name under which a value that comes now stands. */
static enum key place(const struct json *json)
{
    const struct frame *frame = top(json);

    return !frame || frame->is_array ? KEY_ANY : frame->member;
}

static gboolean inside(const struct json *json, enum key name)
{
    const struct frame *frame = top(json);

    return frame && frame->name == name;
}

/* --- records --- */

static const struct section *section_here(const struct json *json)
{
    const struct frame *frames = (const struct frame *)json->frames->data;
    const guint depth = json->frames->len;
    const enum key around = depth == 3 ? frames[1].name : KEY_ANY;

    if ((depth != 2 && depth != 3) || !frames[depth - 1].is_array)
        return NULL;
    for (guint i = 0; i < G_N_ELEMENTS(sections); i++)
        if (sections[i].list == frames[depth - 1].name && sections[i].around == around)
            return &sections[i];
    return NULL;
}

static gboolean finish_record(struct json *json)
{
    const struct section *section = g_steal_pointer(&json->section);

    if (section->put(json->out, &json->record, &json->error))
        return TRUE;
    json->is_gone = !json->error;
    return FALSE;
}

/* Of several sources the last to end counts; each ends with its chain, where that is known. */
static void finish_source(struct json *json)
{
    const gint64 ends_s = json->chain_s ? json->chain_s : json->source_s;

    if (ends_s && (!json->record.expires_s || ends_s > json->record.expires_s))
        json->record.expires_s = ends_s;
    json->source_s = json->chain_s = 0;
}

/* --- members --- */

static gboolean is_number(const char *text)
{
    return g_ascii_isdigit(*text);
}

static gboolean take_member(struct json *json, enum key key, const char *text)
{
    struct payload_record *record = &json->record;

    switch (key) {
    case KEY_ASN:
        record->has_asn = TRUE;
        return payload_read_asn(text, &record->asn, &json->error);
    case KEY_PREFIX:
        return ip_prefix_parse(text, &record->prefix, &json->error);
    case KEY_MAX_LENGTH:
        record->has_max_length = TRUE;
        return payload_read_number(text, &record->max_length, &json->error);
    case KEY_TRUST_ANCHOR:
        g_strlcpy(record->anchor, text, sizeof record->anchor);
        return TRUE;
    case KEY_EXPIRES:
        return payload_read_time(text, &record->expires_s, &json->error);
    case KEY_CUSTOMER:
        record->has_customer = TRUE;
        return payload_read_asn(text, &record->customer, &json->error);
    default:
        return TRUE;
    }
}

static gboolean take_provider(struct json *json, const char *text)
{
    guint32 asn;

    return payload_read_asn(text, &asn, &json->error) &&
           payload_add_provider(&json->record, asn, &json->error);
}

/* A scalar inside a record: of the record, of its providers, or of one of its sources. */
static gboolean take_in_record(struct json *json, const char *text)
{
    const guint depth = json->frames->len - json->section_depth;
    const enum key key = place(json);

    if (!depth)
        return take_member(json, key, text);
    if (depth == 1 && inside(json, KEY_PROVIDERS))
        return take_provider(json, text);
    if (key == KEY_TRUST_ANCHOR && depth == 2)
        return take_member(json, key, text);
    if (key == KEY_NOT_AFTER && inside(json, KEY_CHAIN))
        return payload_read_time(text, &json->chain_s, &json->error);
    if (key == KEY_NOT_AFTER && inside(json, KEY_VALIDITY))
        return payload_read_time(text, &json->source_s, &json->error);
    return TRUE;
}

static gboolean take_built(struct json *json, enum payload_form form, const char *text)
{
    gint64 built_s;

    if (!payload_read_time(text, &built_s, &json->error))
        return FALSE;
    json->out->end.form = form;
    json->out->end.built_us = built_s * G_USEC_PER_SEC;
    return TRUE;
}

static gboolean take_slurm_version(struct json *json, const char *text)
{
    json->out->end.form = PAYLOAD_SLURM;
    return g_str_equal(text, "1") || g_str_equal(text, "2") ||
           input_error(&json->error, "version %s of SLURM, of which 1 and 2 are known", text);
}

static gboolean take_scalar(struct json *json, const char *text)
{
    const enum key key = place(json);

    if (json->section)
        return take_in_record(json, text);
    if (json->frames->len == 2 && inside(json, KEY_METADATA) && key == KEY_BUILT)
        return take_built(json, PAYLOAD_RPKI_CLIENT, text);
    if (json->frames->len == 2 && inside(json, KEY_METADATA) && key == KEY_GENERATED &&
        is_number(text))
        return take_built(json, PAYLOAD_ROUTINATOR, text);
    if (json->frames->len == 1 && key == KEY_SLURM)
        return take_slurm_version(json, text);
    return TRUE;
}

/* --- what yajl says --- */

static int on_text(void *data, const char *text, size_t length)
{
    struct json *json = data;
    char copy[PAYLOAD_TEXT_MAX];

    if (place(json) == KEY_OTHER && !json->section)
        return 1;
    /* What is longer is none of the members that are read: a public key, a URI. */
    if (length >= sizeof copy)
        return place(json) == KEY_OTHER || place(json) == KEY_ANY ||
               input_error(&json->error, "a text of %zu bytes where a short one belongs", length);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return take_scalar(json, copy);
}

static int on_string(void *data, const unsigned char *text, size_t length)
{
    return on_text(data, (const char *)text, length);
}

static int open_container(struct json *json, gboolean is_array)
{
    const struct frame frame = { is_array, place(json), KEY_OTHER };

    if (json->frames->len >= JSON_DEPTH)
        return input_error(&json->error, "nested too deeply");
    if (!json->frames->len && is_array)
        return input_error(&json->error, "a list, where an object with \"roas\" belongs");
    if (!is_array && !json->section && (json->section = section_here(json))) {
        payload_record_reset(&json->record);
        json->section_depth = json->frames->len + 1;
    }
    json->has_list |=
        is_array && json->frames->len == 1 && (frame.name == KEY_ROAS || frame.name == KEY_ASPAS);
    g_array_append_val(json->frames, frame);
    return 1;
}

static int on_open_object(void *data)
{
    return open_container(data, FALSE);
}

static int on_open_array(void *data)
{
    return open_container(data, TRUE);
}

static int on_close(void *data)
{
    struct json *json = data;
    const guint depth = json->frames->len;

    g_array_set_size(json->frames, depth - 1);
    if (json->section && depth == json->section_depth)
        return finish_record(json);
    if (json->section && depth == json->section_depth + 2 && inside(json, KEY_SOURCE))
        finish_source(json);
    return 1;
}

static int on_key(void *data, const unsigned char *text, size_t length)
{
    struct frame *frame = top(data);

    frame->member = KEY_OTHER;
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        if (strlen(keys[i].name) == length && memcmp(keys[i].name, text, length) == 0) {
            frame->member = keys[i].key;
            break;
        }
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_number = on_text,
    .yajl_string = on_string,
    .yajl_start_map = on_open_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_close,
    .yajl_start_array = on_open_array,
    .yajl_end_array = on_close,
};

/* --- the parser --- */

static gpointer begin(struct payload_out *out)
{
    struct json *json = g_new0(struct json, 1);

    json->out = out;
    json->frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
    payload_record_init(&json->record);
    json->parser = yajl_alloc(&callbacks, NULL, json);
    return json;
}

static gboolean judge(struct json *json, yajl_status status, const char *bytes, gsize length,
                      guint64 before, GError **error)
{
    const guint64 at = before + yajl_get_bytes_consumed(json->parser);

    if (status == yajl_status_ok)
        return TRUE;
    if (json->is_gone)
        return FALSE;
    if (!json->error) {
        unsigned char *text = yajl_get_error(json->parser, 0, (const unsigned char *)bytes, length);

        g_strchomp((char *)text);
        input_error(&json->error, "%s", (const char *)text);
        yajl_free_error(json->parser, text);
    }
    g_prefix_error(&json->error, "byte %" G_GUINT64_FORMAT ": ", at);
    g_propagate_error(error, g_steal_pointer(&json->error));
    return FALSE;
}

static gboolean feed(gpointer state, const char *bytes, gsize length, GError **error)
{
    struct json *json = state;

    json->fed += length;
    return judge(json, yajl_parse(json->parser, (const unsigned char *)bytes, length), bytes,
                 length, json->fed - length, error);
}

static gboolean finish(gpointer state, GError **error)
{
    struct json *json = state;

    if (!judge(json, yajl_complete_parse(json->parser), "", 0, json->fed, error))
        return FALSE;
    if (json->out->end.form == PAYLOAD_FORMS && !json->has_list)
        return input_error(error, "JSON without \"roas\", \"aspas\" or \"slurmVersion\"");
    if (json->out->end.form == PAYLOAD_FORMS)
        json->out->end.form = PAYLOAD_ROUTINATOR; /* validators that say nothing of themselves */
    return TRUE;
}

static void end(gpointer state)
{
    struct json *json = state;

    yajl_free(json->parser);
    payload_record_clear(&json->record);
    g_array_unref(json->frames);
    g_clear_error(&json->error);
    g_free(json);
}

const struct payload_parser payload_json = { begin, feed, finish, end };
