#include "net/dns_wire.h"

#include "base/error.h"

#include <string.h>

#define HEADER 12u
#define POINTER 0xc0u
#define TYPE_PREFIX "TYPE"

/*
 * What the data of a type begins with, for those whose names are expanded and, where `lower`, are
 * signed in lower case: `skip` bytes, then `names` names; the rest as it is.
 */
struct layout {
    guint16 type;
    guint8 skip, names;
    gboolean strings; /* NAPTR: three character strings stand between */
};
static const struct layout layouts[] = {
    { DNS_TYPE_NS, 0, 1, FALSE },
    { 3, 0, 1, FALSE },
    { 4, 0, 1, FALSE },
    { DNS_TYPE_CNAME, 0, 1, FALSE },
    { 6, 0, 2, FALSE },
    { 7, 0, 1, FALSE },
    { 8, 0, 1, FALSE },
    { 9, 0, 1, FALSE },
    { 12, 0, 1, FALSE },
    { 14, 0, 2, FALSE },
    { 15, 2, 1, FALSE },
    { 17, 0, 2, FALSE },
    { 18, 2, 1, FALSE },
    { 21, 2, 1, FALSE },
    { 24, 18, 1, FALSE },
    { 26, 2, 2, FALSE },
    { 33, 6, 1, FALSE },
    { 35, 4, 1, TRUE },
    { 36, 2, 1, FALSE },
    { 39, 0, 1, FALSE },
    { DNS_TYPE_RRSIG, 18, 1, FALSE },
};

static const struct {
    guint16 type;
    const char *name;
} type_names[] = {
    { DNS_TYPE_A, "A" },
    { DNS_TYPE_NS, "NS" },
    { DNS_TYPE_CNAME, "CNAME" },
    { DNS_TYPE_SOA, "SOA" },
    { 12, "PTR" },
    { 13, "HINFO" },
    { DNS_TYPE_MX, "MX" },
    { DNS_TYPE_TXT, "TXT" },
    { 17, "RP" },
    { 18, "AFSDB" },
    { DNS_TYPE_AAAA, "AAAA" },
    { 29, "LOC" },
    { 33, "SRV" },
    { 35, "NAPTR" },
    { 36, "KX" },
    { 37, "CERT" },
    { DNS_TYPE_DNAME, "DNAME" },
    { DNS_TYPE_DS, "DS" },
    { 44, "SSHFP" },
    { DNS_TYPE_RRSIG, "RRSIG" },
    { DNS_TYPE_NSEC, "NSEC" },
    { DNS_TYPE_DNSKEY, "DNSKEY" },
    { DNS_TYPE_NSEC3, "NSEC3" },
    { DNS_TYPE_NSEC3PARAM, "NSEC3PARAM" },
    { 52, "TLSA" },
    { 53, "SMIMEA" },
    { DNS_TYPE_CDS, "CDS" },
    { 60, "CDNSKEY" },
    { 61, "OPENPGPKEY" },
    { DNS_TYPE_CSYNC, "CSYNC" },
    { 63, "ZONEMD" },
    { 64, "SVCB" },
    { 65, "HTTPS" },
    { DNS_TYPE_SPF, "SPF" },
    { DNS_TYPE_AXFR, "AXFR" },
    { 256, "URI" },
    { DNS_TYPE_CAA, "CAA" },
};

guint16 dns_get16(const guint8 *at)
{
    return (guint16)(at[0] << 8 | at[1]);
}

guint32 dns_get32(const guint8 *at)
{
    return (guint32)dns_get16(at) << 16 | dns_get16(at + 2);
}

void dns_put16(GByteArray *out, guint16 number)
{
    const guint8 bytes[] = { (guint8)(number >> 8), (guint8)number };

    g_byte_array_append(out, bytes, sizeof bytes);
}

void dns_put32(GByteArray *out, guint32 number)
{
    dns_put16(out, (guint16)(number >> 16));
    dns_put16(out, (guint16)number);
}

char *dns_type_text(guint16 type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(type_names); i++)
        if (type_names[i].type == type)
            return g_strdup(type_names[i].name);
    return g_strdup_printf(TYPE_PREFIX "%u", type);
}

gboolean dns_type_parse(const char *text, guint16 *type)
{
    guint64 number;

    for (gsize i = 0; i < G_N_ELEMENTS(type_names); i++)
        if (g_ascii_strcasecmp(type_names[i].name, text) == 0) {
            *type = type_names[i].type;
            return TRUE;
        }
    if (g_ascii_strncasecmp(text, TYPE_PREFIX, strlen(TYPE_PREFIX)) != 0 ||
        !g_ascii_string_to_unsigned(text + strlen(TYPE_PREFIX), 10, 0, G_MAXUINT16, &number, NULL))
        return FALSE;
    *type = (guint16)number;
    return TRUE;
}

/* ---- names */

/* One byte of a label as written; 0: the text is no name. */
static guint read_written_byte(const char *text, guint8 *byte)
{
    if (*text != '\\') {
        *byte = (guint8)*text;
        return 1;
    }
    if (!g_ascii_isdigit(text[1])) {
        *byte = (guint8)text[1];
        return text[1] ? 2 : 0;
    }
    if (!g_ascii_isdigit(text[2]) || !g_ascii_isdigit(text[3]))
        return 0;
    {
        guint number =
            (guint)(text[1] - '0') * 100 + (guint)(text[2] - '0') * 10 + (guint)(text[3] - '0');

        *byte = (guint8)number;
        return number <= G_MAXUINT8 ? 4 : 0;
    }
}

guint dns_name_parse(const char *text, guint8 name[DNS_NAME_MAX])
{
    guint label = 0, at = 1; /* of the length byte; of the next byte */

    if (g_str_equal(text, ".")) {
        name[0] = 0;
        return 1;
    }
    while (*text) {
        guint taken;

        if (*text == '.') {
            if (at == label + 1)
                return 0;
            name[label] = (guint8)(at - label - 1);
            label = at++;
            text++;
            if (at > DNS_NAME_MAX)
                return 0;
            continue;
        }
        if (at >= DNS_NAME_MAX || at - label > DNS_LABEL_MAX)
            return 0;
        taken = read_written_byte(text, &name[at]);
        if (!taken)
            return 0;
        at++;
        text += taken;
    }
    if (at > label + 1) { /* no dot at the end */
        if (at >= DNS_NAME_MAX)
            return 0;
        name[label] = (guint8)(at - label - 1);
        label = at;
    }
    if (label == 0)
        return 0;
    name[label] = 0;
    return label + 1;
}

char *dns_name_text(const guint8 *name)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!*name)
        return g_strdup(".");
    for (; *name; name += 1 + *name) {
        for (guint i = 1; i <= *name; i++) {
            const guint8 byte = name[i];

            if (byte <= ' ' || byte > '~')
                g_string_append_printf(text, "\\%03u", byte);
            else if (strchr(".\\\"();@$", byte))
                g_string_append_printf(text, "\\%c", byte);
            else
                g_string_append_c(text, (char)byte);
        }
        g_string_append_c(text, '.');
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

guint dns_name_length(const guint8 *name)
{
    const guint8 *at = name;

    while (*at)
        at += 1 + *at;
    return (guint)(at - name) + 1;
}

guint dns_name_labels(const guint8 *name)
{
    guint labels = 0;

    for (; *name; name += 1 + *name)
        labels++;
    return labels;
}

const guint8 *dns_name_parent(const guint8 *name)
{
    return *name ? name + 1 + *name : name;
}

/* Lengths are below 'A', so the whole name may be lowered. */
gboolean dns_name_equal(const guint8 *a, const guint8 *b)
{
    const guint length = dns_name_length(a);

    if (length != dns_name_length(b))
        return FALSE;
    for (guint i = 0; i < length; i++)
        if (g_ascii_tolower((char)a[i]) != g_ascii_tolower((char)b[i]))
            return FALSE;
    return TRUE;
}

gboolean dns_name_within(const guint8 *name, const guint8 *zone)
{
    guint labels = dns_name_labels(name);
    const guint wanted = dns_name_labels(zone);

    if (labels < wanted)
        return FALSE;
    for (; labels > wanted; labels--)
        name = dns_name_parent(name);
    return dns_name_equal(name, zone);
}

static int compare_labels(const guint8 *a, const guint8 *b)
{
    const guint both = MIN(a[0], b[0]);

    for (guint i = 1; i <= both; i++) {
        int difference = (guint8)g_ascii_tolower((char)a[i]) - (guint8)g_ascii_tolower((char)b[i]);

        if (difference)
            return difference;
    }
    return a[0] - b[0];
}

static guint labels_of(const guint8 *name, const guint8 *labels[128])
{
    guint count = 0;

    for (; *name; name += 1 + *name)
        labels[count++] = name;
    return count;
}

int dns_name_compare(const guint8 *a, const guint8 *b)
{
    const guint8 *of_a[128], *of_b[128];
    guint at_a = labels_of(a, of_a), at_b = labels_of(b, of_b);

    while (at_a && at_b) {
        int difference = compare_labels(of_a[--at_a], of_b[--at_b]);

        if (difference)
            return difference;
    }
    return (int)at_a - (int)at_b;
}

/* ---- records */

static const struct layout *layout_of(guint16 type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(layouts); i++)
        if (layouts[i].type == type)
            return &layouts[i];
    return NULL;
}

static gsize skip_strings(const guint8 *data, gsize length, gsize at)
{
    for (guint i = 0; i < 3 && at < length; i++)
        at += 1 + (gsize)data[at];
    return MIN(at, length);
}

static void append_lower(GByteArray *out, const guint8 *bytes, gsize length)
{
    const guint start = out->len;

    g_byte_array_append(out, bytes, (guint)length);
    for (guint i = start; i < out->len; i++)
        out->data[i] = (guint8)g_ascii_tolower((char)out->data[i]);
}

/* Length of the uncompressed name at `at`, or 0 when none fits. */
static gsize name_within(const guint8 *data, gsize length, gsize at)
{
    const gsize start = at;

    while (at < length && data[at] && data[at] <= DNS_LABEL_MAX)
        at += 1 + (gsize)data[at];
    return at < length && !data[at] && at - start < DNS_NAME_MAX ? at - start + 1 : 0;
}

void dns_data_canonical(const struct dns_record *record, GByteArray *out)
{
    const struct layout *layout = layout_of(record->type);
    gsize at;

    if (!layout || layout->skip > record->length) {
        g_byte_array_append(out, record->data, record->length);
        return;
    }
    at = layout->skip;
    if (layout->strings)
        at = skip_strings(record->data, record->length, at);
    g_byte_array_append(out, record->data, (guint)at);
    for (guint i = 0; i < layout->names; i++) {
        const gsize length = name_within(record->data, record->length, at);

        append_lower(out, record->data + at, length);
        at += length;
    }
    g_byte_array_append(out, record->data + at, (guint)(record->length - at));
}

void dns_record_canonical(const struct dns_record *record, guint32 ttl_s, GByteArray *out)
{
    guint length_at;

    append_lower(out, record->owner, dns_name_length(record->owner));
    dns_put16(out, record->type);
    dns_put16(out, record->class);
    dns_put32(out, ttl_s);
    length_at = out->len;
    dns_put16(out, 0);
    dns_data_canonical(record, out);
    out->data[length_at] = (guint8)((out->len - length_at - 2) >> 8);
    out->data[length_at + 1] = (guint8)(out->len - length_at - 2);
}

int dns_record_compare(const struct dns_record *a, const struct dns_record *b)
{
    int difference = dns_name_compare(a->owner, b->owner);
    g_autoptr(GByteArray) of_a = NULL, of_b = NULL;

    if (!difference)
        difference = (int)a->type - (int)b->type;
    if (difference)
        return difference;
    of_a = g_byte_array_new();
    of_b = g_byte_array_new();
    dns_data_canonical(a, of_a);
    dns_data_canonical(b, of_b);
    difference = memcmp(of_a->data ? of_a->data : (const guint8 *)"",
                        of_b->data ? of_b->data : (const guint8 *)"", MIN(of_a->len, of_b->len));
    return difference ? difference : (int)of_a->len - (int)of_b->len;
}

/* ---- messages */

struct reader {
    const guint8 *bytes;
    gsize length, at;
    struct dns_packet *packet;
};

void dns_packet_free(struct dns_packet *packet)
{
    if (!packet)
        return;
    g_array_unref(packet->records);
    g_string_chunk_free(packet->memory);
    g_free(packet);
}

static const guint8 *keep(struct dns_packet *packet, const guint8 *bytes, gsize length)
{
    return (const guint8 *)g_string_chunk_insert_len(packet->memory, (const char *)bytes,
                                                     (gssize)length);
}

static gboolean malformed(const struct reader *reader, const char *what, GError **error)
{
    return input_error(error, "DNS message, byte %" G_GSIZE_FORMAT ": %s", reader->at, what);
}

static gboolean need(const struct reader *reader, gsize count, GError **error)
{
    return count <= reader->length - reader->at || malformed(reader, "it ends here", error);
}

/* A name, expanded: each pointer must lead before the place it stands at (no loops). */
static gboolean read_name(struct reader *reader, guint8 name[DNS_NAME_MAX], guint *length,
                          GError **error)
{
    gsize at = reader->at, before = reader->at, end = 0;
    guint filled = 0;

    for (;;) {
        guint8 byte;

        if (at >= reader->length)
            return malformed(reader, "a name does not end", error);
        byte = reader->bytes[at];
        if (byte >= POINTER) {
            if (at + 1 >= reader->length)
                return malformed(reader, "a name does not end", error);
            if (!end)
                end = at + 2;
            at = (gsize)(byte & ~POINTER) << 8 | reader->bytes[at + 1];
            if (at >= before)
                return malformed(reader, "a name points forwards", error);
            before = at;
            continue;
        }
        if (byte > DNS_LABEL_MAX)
            return malformed(reader, "a label of an unknown kind", error);
        if (byte >= reader->length - at)
            return malformed(reader, "a label does not end", error);
        if (filled + 1 + byte > DNS_NAME_MAX - (byte ? 1 : 0))
            return malformed(reader, "a name of more than 255 bytes", error);
        memcpy(name + filled, reader->bytes + at, 1 + (gsize)byte);
        filled += 1u + byte;
        at += 1 + (gsize)byte;
        if (!byte)
            break;
    }
    reader->at = end ? end : at;
    *length = filled;
    return TRUE;
}

/* The data from reader->at to `end`, its names expanded. */
static gboolean read_data(struct reader *reader, gsize end, struct dns_record *record,
                          GError **error)
{
    const struct layout *layout = layout_of(record->type);
    const gsize start = reader->at, whole = end - start;
    g_autoptr(GByteArray) data = g_byte_array_new();

    if (layout && whole > 0) {
        gsize skip = layout->skip;

        if (layout->strings)
            skip = skip_strings(reader->bytes + start, whole, skip);
        if (skip > whole)
            return malformed(reader, "the data of a record is too short", error);
        g_byte_array_append(data, reader->bytes + start, (guint)skip);
        reader->at += skip;
        for (guint i = 0; i < layout->names; i++) {
            guint8 name[DNS_NAME_MAX];
            guint length;

            if (!read_name(reader, name, &length, error))
                return FALSE;
            if (reader->at > end)
                return malformed(reader, "a name leaves its record", error);
            g_byte_array_append(data, name, length);
        }
    }
    g_byte_array_append(data, reader->bytes + reader->at, (guint)(end - reader->at));
    if (data->len > G_MAXUINT16)
        return malformed(reader, "the data of a record is too long", error);
    record->length = (guint16)data->len;
    record->data = keep(reader->packet, data->data ? data->data : (const guint8 *)"", data->len);
    reader->at = end;
    return TRUE;
}

static void take_edns(struct dns_packet *packet, const struct dns_record *record)
{
    packet->has_edns = TRUE;
    packet->edns_size = record->class;
    packet->rcode |= record->ttl_s >> 24 << 4;
    packet->edns_version = record->ttl_s >> 16 & 0xff;
    packet->edns_flags = record->ttl_s & 0xffff;
    packet->edns_options = record->data;
    packet->edns_options_length = record->length;
}

static gboolean read_record(struct reader *reader, enum dns_section section, GError **error)
{
    struct dns_record record = { .section = (guint8)section };
    guint8 owner[DNS_NAME_MAX];
    const guint8 *fixed;
    guint length;

    if (!read_name(reader, owner, &length, error) || !need(reader, 10, error))
        return FALSE;
    fixed = reader->bytes + reader->at;
    record.type = dns_get16(fixed);
    record.class = dns_get16(fixed + 2);
    record.ttl_s = dns_get32(fixed + 4);
    reader->at += 10;
    if (!need(reader, dns_get16(fixed + 8), error) ||
        !read_data(reader, reader->at + dns_get16(fixed + 8), &record, error))
        return FALSE;
    record.owner = keep(reader->packet, owner, length);
    if (record.type != DNS_TYPE_OPT) {
        g_array_append_val(reader->packet->records, record);
        return TRUE;
    }
    if (reader->packet->has_edns || owner[0])
        return malformed(reader, "a second OPT, or one with a name", error);
    take_edns(reader->packet, &record);
    return TRUE;
}

static gboolean read_question(struct reader *reader, GError **error)
{
    struct dns_packet *packet = reader->packet;
    guint8 name[DNS_NAME_MAX];
    guint length;

    if (!read_name(reader, name, &length, error) || !need(reader, 4, error))
        return FALSE;
    packet->has_question = TRUE;
    packet->question = keep(packet, name, length);
    packet->question_type = dns_get16(reader->bytes + reader->at);
    packet->question_class = dns_get16(reader->bytes + reader->at + 2);
    reader->at += 4;
    return TRUE;
}

struct dns_packet *dns_packet_read(const guint8 *bytes, gsize length, GError **error)
{
    g_autoptr(dns_packet_t) packet = g_new0(struct dns_packet, 1);
    struct reader reader = { bytes, length, 0, packet };
    guint counts[4];

    packet->records = g_array_new(FALSE, TRUE, sizeof(struct dns_record));
    packet->memory = g_string_chunk_new(2048);
    packet->size = length;
    if (!need(&reader, HEADER, error))
        return NULL;
    packet->id = dns_get16(bytes);
    packet->flags = dns_get16(bytes + 2);
    packet->rcode = packet->flags & 0xf;
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
        counts[i] = dns_get16(bytes + 4 + (gsize)2 * i);
    reader.at = HEADER;
    if (counts[0] > 1) {
        malformed(&reader, "more than one question", error);
        return NULL;
    }
    if (counts[0] && !read_question(&reader, error))
        return NULL;
    for (guint section = 0; section < 3; section++)
        for (guint i = 0; i < counts[section + 1]; i++)
            if (!read_record(&reader, (enum dns_section)section, error))
                return NULL;
    if (reader.at != length) {
        malformed(&reader, "bytes after the last record", error);
        return NULL;
    }
    return g_steal_pointer(&packet);
}

const guint8 *dns_packet_option(const struct dns_packet *packet, guint16 code, guint16 *length)
{
    const guint8 *at = packet->edns_options;
    gsize left = packet->edns_options_length;

    while (left >= 4) {
        *length = dns_get16(at + 2);
        if (*length > left - 4)
            return NULL;
        if (dns_get16(at) == code)
            return at + 4;
        at += 4 + (gsize)*length;
        left -= 4 + (gsize)*length;
    }
    return NULL;
}

GByteArray *dns_query_build(const struct dns_query *query)
{
    GByteArray *out = g_byte_array_new();

    dns_put16(out, query->id);
    dns_put16(out, query->recursion ? DNS_FLAG_RD : 0);
    dns_put16(out, 1);
    dns_put16(out, 0);
    dns_put16(out, 0);
    dns_put16(out, query->edns ? 1 : 0);
    g_byte_array_append(out, query->name, dns_name_length(query->name));
    dns_put16(out, query->type);
    dns_put16(out, query->class);
    if (!query->edns)
        return out;
    g_byte_array_append(out, (const guint8 *)"", 1);
    dns_put16(out, DNS_TYPE_OPT);
    dns_put16(out, query->edns_size);
    dns_put16(out, query->edns_version); /* the upper byte of RCODE is 0 */
    dns_put16(out, (guint16)(query->edns_flags | (query->dnssec ? 0x8000 : 0)));
    dns_put16(out, query->option_length);
    if (query->option)
        g_byte_array_append(out, query->option, query->option_length);
    return out;
}
