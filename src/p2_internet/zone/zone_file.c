#include "p2_internet/zone/zone_file.h"

#include "base/error.h"
#include "p2_internet/zone/zone_data.h"

#include <string.h>

#define MEMORY_BLOCK 65536

struct zone_records *zone_records_new(void)
{
    struct zone_records *records = g_new0(struct zone_records, 1);

    records->records = g_array_new(FALSE, FALSE, sizeof(struct dns_record));
    records->memory = g_string_chunk_new(MEMORY_BLOCK);
    return records;
}

void zone_records_free(struct zone_records *records)
{
    if (!records)
        return;
    g_array_unref(records->records);
    g_string_chunk_free(records->memory);
    g_free(records);
}

static const guint8 *keep(struct zone_records *records, const guint8 *bytes, gsize length)
{
    return (const guint8 *)g_string_chunk_insert_len(
        records->memory, bytes ? (const char *)bytes : "", (gssize)length);
}

void zone_records_add(struct zone_records *records, const struct dns_record *record)
{
    const struct dns_record *last =
        records->records->len
            ? &g_array_index(records->records, struct dns_record, records->records->len - 1)
            : NULL;
    const guint length = dns_name_length(record->owner);
    struct dns_record copy = *record;

    copy.owner = last && memcmp(last->owner, record->owner, length) == 0
                     ? last->owner
                     : keep(records, record->owner, length);
    copy.data = keep(records, record->data, record->length);
    if (record->type == DNS_TYPE_SOA && !records->apex)
        records->apex = copy.owner;
    g_array_append_val(records->records, copy);
}

/* ---- text */

struct zone_text {
    const char *at, *end, *name;
    guint line, depth; /* of parentheses */
    gboolean blank;    /* the entry begins with white space: the owner is the last one */
    GString *store;    /* texts of the words, each with its NUL */
    GArray *places;    /* gsize: where each word begins in `store` */
    GArray *words;     /* struct zone_word */
    guint8 origin[DNS_NAME_MAX], owner[DNS_NAME_MAX];
    gboolean has_origin, has_owner, has_ttl, has_last_ttl;
    guint32 ttl_s, last_ttl_s;
    struct zone_records *records;
};

static gboolean wrong(const struct zone_text *text, const char *what, GError **error)
{
    return input_error(error, "%s:%u: %s", text->name, text->line, what);
}

static gboolean read_word(struct zone_text *text, GError **error)
{
    struct zone_word word = { NULL, *text->at == '"' };
    const gsize place = text->store->len;

    text->at += word.quoted;
    while (text->at < text->end) {
        const char byte = *text->at;

        if (byte == '\0')
            return wrong(text, "a NUL byte", error);
        if (word.quoted ? byte == '"' : strchr(" \t\r\n;()\"", byte) != NULL)
            break;
        if (byte == '\n')
            return wrong(text, "a string does not end in its line", error);
        g_string_append_c(text->store, byte);
        text->at++;
        if (byte == '\\' && text->at < text->end && *text->at && *text->at != '\n')
            g_string_append_c(text->store, *text->at++);
    }
    if (word.quoted && (text->at == text->end || *text->at++ != '"'))
        return wrong(text, "a string does not end", error);
    g_string_append_c(text->store, '\0');
    g_array_append_val(text->places, place);
    g_array_append_val(text->words, word);
    return TRUE;
}

/* The words up to the end of the line, or of the line in which the last parenthesis closes. */
static gboolean read_entry(struct zone_text *text, GError **error)
{
    g_string_truncate(text->store, 0);
    g_array_set_size(text->places, 0);
    g_array_set_size(text->words, 0);
    text->blank = text->at < text->end && strchr(" \t", *text->at);
    while (text->at < text->end) {
        const char byte = *text->at;

        if (byte == '\n' && !text->depth)
            break;
        if (byte == ';') {
            while (text->at < text->end && *text->at != '\n')
                text->at++;
        } else if (byte == '(' || byte == ')') {
            if (byte == ')' && !text->depth)
                return wrong(text, "a parenthesis closes that was not open", error);
            text->depth += byte == '(' ? 1 : -1u;
            text->at++;
        } else if (byte != '\0' && strchr(" \t\r\n", byte)) {
            text->line += byte == '\n';
            text->at++;
        } else if (!read_word(text, error)) {
            return FALSE;
        }
    }
    if (text->depth && text->at == text->end)
        return wrong(text, "a parenthesis does not close", error);
    for (guint i = 0; i < text->words->len; i++)
        g_array_index(text->words, struct zone_word, i).text =
            text->store->str + g_array_index(text->places, gsize, i);
    return TRUE;
}

static gboolean read_control(struct zone_text *text, GError **error)
{
    const struct zone_word *words = (const struct zone_word *)(gpointer)text->words->data;
    guint8 name[DNS_NAME_MAX];

    if (text->words->len != 2)
        return wrong(text, "a directive with one value is wanted", error);
    if (g_ascii_strcasecmp(words[0].text, "$TTL") == 0) {
        text->has_ttl = zone_ttl_parse(words[1].text, &text->ttl_s);
        return text->has_ttl || wrong(text, "no time to live", error);
    }
    if (g_ascii_strcasecmp(words[0].text, "$ORIGIN") != 0)
        return input_error(error, "%s:%u: %s is not read", text->name, text->line, words[0].text);
    if (!zone_name_parse(words[1].text, text->has_origin ? text->origin : NULL, name, error)) {
        g_prefix_error(error, "%s:%u: ", text->name, text->line);
        return FALSE;
    }
    memcpy(text->origin, name, sizeof name);
    text->has_origin = TRUE;
    return TRUE;
}

/* [TTL] [class] type data, or [class] [TTL] type data. */
static gboolean read_record(struct zone_text *text, guint at, GError **error)
{
    const struct zone_word *words = (const struct zone_word *)(gpointer)text->words->data;
    struct dns_record record = { .owner = text->owner, .class = DNS_CLASS_IN };
    g_autoptr(GByteArray) data = g_byte_array_new();
    gboolean has_ttl = FALSE, has_class = FALSE;

    for (; at < text->words->len; at++) {
        if (!has_class && g_ascii_strcasecmp(words[at].text, "IN") == 0)
            has_class = TRUE;
        else if (!has_ttl && zone_ttl_parse(words[at].text, &record.ttl_s))
            has_ttl = TRUE;
        else
            break;
    }
    if (at == text->words->len || !dns_type_parse(words[at].text, &record.type))
        return wrong(text, "no type of record, or a class other than IN", error);
    if (!zone_data_parse(record.type, words + at + 1, text->words->len - at - 1,
                         text->has_origin ? text->origin : NULL, data, error)) {
        g_prefix_error(error, "%s:%u: ", text->name, text->line);
        return FALSE;
    }
    if (data->len > G_MAXUINT16)
        return wrong(text, "more than 65535 bytes of data", error);
    if (!has_ttl && !text->has_ttl && !text->has_last_ttl)
        return wrong(text, "no time to live, and no $TTL", error);
    if (!has_ttl)
        record.ttl_s = text->has_ttl ? text->ttl_s : text->last_ttl_s;
    text->last_ttl_s = record.ttl_s;
    text->has_last_ttl = TRUE;
    record.data = data->data;
    record.length = (guint16)data->len;
    if (text->records->records->len >= ZONE_RECORDS_MAX)
        return wrong(text, "more records than this program takes", error);
    zone_records_add(text->records, &record);
    return TRUE;
}

static gboolean take_entry(struct zone_text *text, GError **error)
{
    const struct zone_word *words = (const struct zone_word *)(gpointer)text->words->data;

    if (text->words->len == 0)
        return TRUE;
    if (words[0].text[0] == '$' && !words[0].quoted && !text->blank)
        return read_control(text, error);
    if (!text->blank) {
        text->has_owner = zone_name_parse(words[0].text, text->has_origin ? text->origin : NULL,
                                          text->owner, error);
        if (!text->has_owner) {
            g_prefix_error(error, "%s:%u: ", text->name, text->line);
            return FALSE;
        }
    }
    if (!text->has_owner)
        return wrong(text, "a record without an owner", error);
    return read_record(text, text->blank ? 0 : 1, error);
}

struct zone_records *zone_file_read(const char *bytes, gsize length, const char *name,
                                    const guint8 *origin, GError **error)
{
    g_autoptr(zone_records_t) records = zone_records_new();
    g_autoptr(GString) store = g_string_new(NULL);
    g_autoptr(GArray) words = g_array_new(FALSE, TRUE, sizeof(struct zone_word));
    g_autoptr(GArray) places = g_array_new(FALSE, TRUE, sizeof(gsize));
    struct zone_text text = {
        .at = bytes,
        .end = bytes + length,
        .name = name,
        .line = 1,
        .store = store,
        .places = places,
        .words = words,
        .records = records,
    };

    if (origin) {
        memcpy(text.origin, origin, dns_name_length(origin));
        text.has_origin = TRUE;
    }
    while (text.at < text.end) {
        if (!read_entry(&text, error) || !take_entry(&text, error))
            return NULL;
        if (text.at < text.end) { /* the line feed */
            text.at++;
            text.line++;
        }
    }
    return g_steal_pointer(&records);
}

/* ---- transfers */

static gboolean take_message(struct zone_records *records, const struct dns_packet *packet,
                             gboolean *ended, const char *name, GError **error)
{
    if (packet->rcode != 0)
        return input_error(error, "%s: the transfer is refused (RCODE %u)", name, packet->rcode);
    for (guint i = 0; i < packet->records->len; i++) {
        const struct dns_record *record = &g_array_index(packet->records, struct dns_record, i);

        if (record->section != DNS_ANSWER)
            continue;
        if (*ended || (!records->apex && record->type != DNS_TYPE_SOA))
            return input_error(error, "%s: records outside of the transfer's SOA", name);
        if (records->apex && record->type == DNS_TYPE_SOA &&
            dns_name_equal(record->owner, records->apex)) {
            *ended = TRUE;
            continue;
        }
        if (records->records->len >= ZONE_RECORDS_MAX)
            return input_error(error, "%s: more records than this program takes", name);
        zone_records_add(records, record);
    }
    return TRUE;
}

struct zone_records *zone_transfer_read(const guint8 *bytes, gsize length, const char *name,
                                        GError **error)
{
    g_autoptr(zone_records_t) records = zone_records_new();
    gboolean ended = FALSE;

    while (length >= 2) {
        const gsize size = dns_get16(bytes);
        g_autoptr(dns_packet_t) packet = NULL;

        if (size > length - 2)
            break;
        packet = dns_packet_read(bytes + 2, size, error);
        if (!packet) {
            g_prefix_error(error, "%s: ", name);
            return NULL;
        }
        if (!take_message(records, packet, &ended, name, error))
            return NULL;
        bytes += 2 + size;
        length -= 2 + size;
    }
    if (!ended || length) {
        input_error(error, "%s: the transfer does not end with its SOA", name);
        return NULL;
    }
    return g_steal_pointer(&records);
}
