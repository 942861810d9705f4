#include "p1_resilience/hunt/dns_names.h"

#include "p1_resilience/hunt/octets.h"

#include <string.h>

#define HEADER_SIZE 12
#define OPCODE_MASK 0x7800u
#define OPCODE_UPDATE 0x2800u /* the highest but DSO, which has no such sections */
#define QUESTION_TAIL 4       /* type and class */
#define RECORD_HEAD 10        /* type, class, time to live, length */
#define NAME_OCTETS_MAX 255   /* octets */
#define LABEL_MAX 63
#define POINTER 0xc0
#define JUMPS_MAX 128
#define RECORDS_MAX 4096 /* of one message: 64 KiB hold no more that say anything */
#define OPTION_CLIENT_SUBNET 8
#define HINT_IPV4 4
#define HINT_IPV6 6

enum record_type {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_AAAA = 28,
    TYPE_SRV = 33,
    TYPE_DNAME = 39,
    TYPE_OPT = 41,
    TYPE_SVCB = 64,
    TYPE_HTTPS = 65,
};

struct message {
    const guint8 *bytes;
    gsize length;
    dns_take take;
    gpointer data;
};

static void put_label(char *text, gsize *end, const guint8 *label, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        guint8 byte = label[i];

        if (byte >= ' ' && byte < 0x7f && byte != '.' && byte != '\\') {
            text[(*end)++] = (char)byte;
            continue;
        }
        text[(*end)++] = '\\';
        text[(*end)++] = (char)('0' + byte / 100);
        text[(*end)++] = (char)('0' + byte / 10 % 10);
        text[(*end)++] = (char)('0' + byte % 10);
    }
}

/*
 * The name at *at; moves behind it. Pointers go backwards only, from where the name they end began,
 * so that none can lead in circles.
 */
static gboolean read_name(const struct message *message, gsize *at, char *text, gsize *text_length)
{
    gsize from = *at, lowest = from, octets = 1;
    guint jumps = 0;
    gboolean jumped = FALSE;

    *text_length = 0;
    while (from < message->length) {
        guint8 size = message->bytes[from];

        if (size == 0) {
            if (!jumped)
                *at = from + 1;
            if (*text_length == 0) {
                memcpy(text, "<Root>", 6);
                *text_length = 6;
            }
            return TRUE;
        }
        if ((size & POINTER) == POINTER) {
            gsize to;

            if (from + 2 > message->length || ++jumps > JUMPS_MAX)
                return FALSE;
            to = octets_be16(message->bytes + from) & ~(POINTER << 8);
            if (to >= lowest)
                return FALSE;
            if (!jumped)
                *at = from + 2;
            jumped = TRUE;
            from = lowest = to;
            continue;
        }
        octets += (gsize)size + 1;
        if (size > LABEL_MAX || octets > NAME_OCTETS_MAX || size >= message->length - from)
            return FALSE;
        if (*text_length)
            text[(*text_length)++] = '.';
        put_label(text, text_length, message->bytes + from + 1, size);
        from += (gsize)size + 1;
    }
    return FALSE;
}

static gboolean give_name(const struct message *message, enum dns_item item, gsize *at)
{
    char text[DNS_NAME_TEXT_MAX];
    gsize length;

    if (!read_name(message, at, text, &length))
        return FALSE;
    message->take(item, (const guint8 *)text, length, message->data);
    return TRUE;
}

/* ---- what records hold; `at` and `end` bound it, and lie within the message */

typedef gboolean (*read_data)(const struct message *message, enum dns_item item, gsize at,
                              gsize end);

static gboolean read_address(const struct message *message, enum dns_item item, gsize at, gsize end)
{
    if (end - at != (item == DNS_IPV4 ? 4 : 16))
        return FALSE;
    message->take(item, message->bytes + at, end - at, message->data);
    return TRUE;
}

static gboolean read_one_name(const struct message *message, enum dns_item item, gsize at,
                              gsize end)
{
    return give_name(message, item, &at) && at <= end;
}

static gboolean read_mx(const struct message *message, enum dns_item item, gsize at, gsize end)
{
    return end - at > 2 && read_one_name(message, item, at + 2, end);
}

static gboolean read_srv(const struct message *message, enum dns_item item, gsize at, gsize end)
{
    return end - at > 6 && read_one_name(message, item, at + 6, end);
}

static gboolean read_text(const struct message *message, enum dns_item item, gsize at, gsize end)
{
    struct octets rest = { message->bytes + at, end - at }, string;

    while (rest.left) {
        if (!octets_vector(&rest, 1, &string))
            return FALSE;
        if (string.left)
            message->take(item, string.at, string.left, message->data);
    }
    return TRUE;
}

static gboolean read_svcb(const struct message *message, enum dns_item item, gsize at, gsize end)
{
    struct octets rest, value;
    guint32 key;

    at += 2;
    if (at >= end || !give_name(message, item, &at) || at > end)
        return FALSE;
    rest = (struct octets){ message->bytes + at, end - at };
    while (rest.left) {
        gsize size;

        if (!octets_number(&rest, 2, &key) || !octets_vector(&rest, 2, &value))
            return FALSE;
        if (key != HINT_IPV4 && key != HINT_IPV6)
            continue;
        size = key == HINT_IPV4 ? 4 : 16;
        for (; value.left >= size; octets_skip(&value, size))
            message->take(key == HINT_IPV4 ? DNS_IPV4 : DNS_IPV6, value.at, size, message->data);
    }
    return TRUE;
}

static gboolean read_opt(const struct message *message, enum dns_item item, gsize at, gsize end)
{
    struct octets rest = { message->bytes + at, end - at }, value;
    guint32 code, family, prefixes;

    while (rest.left) {
        guint8 address[16] = { 0 };
        gsize size;

        if (!octets_number(&rest, 2, &code) || !octets_vector(&rest, 2, &value))
            return FALSE;
        if (code != OPTION_CLIENT_SUBNET)
            continue;
        if (!octets_number(&value, 2, &family) || !octets_number(&value, 2, &prefixes))
            return FALSE;
        size = family == 1 ? 4 : 16;
        if (family < 1 || family > 2 || value.left == 0 || value.left > size)
            continue;
        memcpy(address, value.at, value.left);
        message->take(item, address, size, message->data);
    }
    return TRUE;
}

static const struct {
    enum record_type type;
    enum dns_item item;
    read_data read;
} records[] = {
    { TYPE_A, DNS_IPV4, read_address },       { TYPE_NS, DNS_NS, read_one_name },
    { TYPE_CNAME, DNS_CNAME, read_one_name }, { TYPE_SOA, DNS_SOA, read_one_name },
    { TYPE_PTR, DNS_PTR, read_one_name },     { TYPE_MX, DNS_MX, read_mx },
    { TYPE_TXT, DNS_TEXT, read_text },        { TYPE_AAAA, DNS_IPV6, read_address },
    { TYPE_SRV, DNS_SRV, read_srv },          { TYPE_DNAME, DNS_DNAME, read_one_name },
    { TYPE_OPT, DNS_CLIENT, read_opt },       { TYPE_SVCB, DNS_SVCB, read_svcb },
    { TYPE_HTTPS, DNS_SVCB, read_svcb },
};

/*
 * FALSE: what follows cannot be found. A record whose data is broken does not hide those behind it;
 * one whose data is empty says nothing (RFC 2136).
 */
static gboolean read_record(const struct message *message, gsize *at, gboolean *is_fine)
{
    gsize end;
    guint type;

    if (!give_name(message, DNS_OWNER, at) || message->length - *at < RECORD_HEAD)
        return FALSE;
    type = octets_be16(message->bytes + *at);
    end = *at + RECORD_HEAD + octets_be16(message->bytes + *at + 8);
    *at += RECORD_HEAD;
    if (end > message->length)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(records) && *at < end; i++)
        if (records[i].type == type && !records[i].read(message, records[i].item, *at, end))
            *is_fine = FALSE;
    *at = end;
    return TRUE;
}

gboolean dns_message_read(const guint8 *bytes, gsize length, dns_take take, gpointer data)
{
    struct message message = { bytes, length, take, data };
    guint questions, count;
    gsize at = HEADER_SIZE;
    gboolean is_fine = TRUE;

    if (length < HEADER_SIZE || (octets_be16(bytes + 2) & OPCODE_MASK) > OPCODE_UPDATE)
        return FALSE;
    questions = octets_be16(bytes + 4);
    count = (guint)octets_be16(bytes + 6) + octets_be16(bytes + 8) + octets_be16(bytes + 10);
    if (questions + count == 0 || questions + count > RECORDS_MAX)
        return FALSE;
    for (; questions; questions--) {
        if (!give_name(&message, DNS_QUESTION, &at) || length - at < QUESTION_TAIL)
            return FALSE;
        at += QUESTION_TAIL;
    }
    for (; count; count--)
        if (!read_record(&message, &at, &is_fine))
            return FALSE;
    return is_fine;
}
