#include "p2_internet/clock/ntp.h"

#include "base/error.h"

#include <string.h>

#define VERSION 4
#define VERSION_OLDEST 3 /* some servers answer with it; the packet is the same */
#define EPOCH_S G_GINT64_CONSTANT(2208988800) /* from 1900 to 1970 */
#define STRATUM_UNSYNCHRONISED 16
#define SHORT_ONE 65536 /* a second in 16.16 */
#define PAD 4u

enum {
    AT_ROOT_DELAY = 4,
    AT_ROOT_DISPERSION = 8,
    AT_REFERENCE_ID = 12,
    AT_REFERENCE = 16,
    AT_ORIGIN = 24,
    AT_RECEIVE = 32,
    AT_TRANSMIT = 40
};

const char *ntp_leap_name(enum ntp_leap leap)
{
    static const char *const names[] = { "none", "insert", "delete", "unsynchronised" };

    return names[leap];
}

static guint32 read32(const guint8 *at)
{
    return (guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3];
}

static guint64 read64(const guint8 *at)
{
    return (guint64)read32(at) << 32 | read32(at + 4);
}

/* 16.16 seconds in microseconds. */
static gint64 short_us(const guint8 *at)
{
    return (gint64)((guint64)read32(at) * G_USEC_PER_SEC / SHORT_ONE);
}

gboolean ntp_header_parse(const void *packet, gsize size, struct ntp_header *header, GError **error)
{
    const guint8 *bytes = packet;

    if (size < NTP_HEADER)
        return input_error(error,
                           "an NTP packet of %" G_GSIZE_FORMAT " bytes instead of %u or more "
                           "(RFC 5905 section 7.3)",
                           size, NTP_HEADER);
    *header = (struct ntp_header){
        .leap = bytes[0] >> 6,
        .version = bytes[0] >> 3 & 7,
        .mode = bytes[0] & 7,
        .stratum = bytes[1],
        .poll = (gint8)bytes[2],
        .precision = (gint8)bytes[3],
        .root_delay_us = short_us(bytes + AT_ROOT_DELAY),
        .root_dispersion_us = short_us(bytes + AT_ROOT_DISPERSION),
        .reference = read64(bytes + AT_REFERENCE),
        .origin = read64(bytes + AT_ORIGIN),
        .receive = read64(bytes + AT_RECEIVE),
        .transmit = read64(bytes + AT_TRANSMIT),
    };
    memcpy(header->reference_id, bytes + AT_REFERENCE_ID, sizeof header->reference_id);
    return TRUE;
}

void ntp_request(guint64 transmit, guint8 packet[NTP_HEADER])
{
    memset(packet, 0, NTP_HEADER);
    packet[0] = VERSION << 3 | NTP_MODE_CLIENT;
    for (guint i = 0; i < sizeof transmit; i++)
        packet[AT_TRANSMIT + i] = (guint8)(transmit >> (56 - 8 * i));
}

guint64 ntp_stamp(gint64 time_us)
{
    const gint64 seconds = time_us / G_USEC_PER_SEC - (time_us % G_USEC_PER_SEC < 0);
    const guint64 fraction_us = (guint64)(time_us - seconds * G_USEC_PER_SEC);

    return (guint64)(seconds + EPOCH_S) << 32 | (fraction_us << 32) / G_USEC_PER_SEC;
}

/* The distance of two stamps, modulo the era, is a signed number of half an era at most. */
gint64 ntp_time_us(guint64 stamp, gint64 near_us)
{
    const guint64 near = ntp_stamp(near_us);
    const gint64 distance = (gint64)(stamp - near);
    const gint64 seconds = distance >> 32;
    const gint64 fraction = (gint64)(((guint64)distance & G_MAXUINT32) * G_USEC_PER_SEC >> 32);

    return near_us + seconds * G_USEC_PER_SEC + fraction;
}

enum ntp_verdict ntp_judge(const struct ntp_header *header, guint64 sent)
{
    if (header->mode != NTP_MODE_SERVER || header->version < VERSION_OLDEST ||
        header->version > VERSION || header->origin != sent)
        return NTP_NOT_OURS;
    if (header->stratum == 0)
        return NTP_KISS;
    if (header->leap == NTP_LEAP_UNKNOWN || header->stratum >= STRATUM_UNSYNCHRONISED)
        return NTP_UNSYNCHRONISED;
    if (!header->receive || !header->transmit || (gint64)(header->transmit - header->receive) < 0)
        return NTP_MALFORMED;
    return NTP_GOOD;
}

void ntp_kiss_code(const struct ntp_header *header, char code[5])
{
    for (guint i = 0; i < sizeof header->reference_id; i++)
        code[i] = g_ascii_isgraph(header->reference_id[i]) ? (char)header->reference_id[i] : '?';
    code[4] = '\0';
}

gboolean ntp_field_next(const void *packet, gsize size, gsize *at, struct ntp_field *field,
                        GError **error)
{
    const guint8 *bytes = packet;
    gsize length;

    if (*at >= size)
        return FALSE;
    if (size - *at < NTP_FIELD_MIN)
        return input_error(error,
                           "byte %" G_GSIZE_FORMAT ": %" G_GSIZE_FORMAT
                           " bytes are no extension field (RFC 7822 section 3)",
                           *at, size - *at);
    length = (gsize)bytes[*at + 2] << 8 | bytes[*at + 3];
    if (length < NTP_FIELD_MIN || length % PAD || length > size - *at)
        return input_error(error,
                           "byte %" G_GSIZE_FORMAT ": an extension field of %" G_GSIZE_FORMAT
                           " bytes, where %" G_GSIZE_FORMAT " are left (RFC 7822 section 3)",
                           *at, length, size - *at);
    *field = (struct ntp_field){
        .type = (guint16)(bytes[*at] << 8 | bytes[*at + 1]),
        .offset = *at,
        .body = bytes + *at + NTP_FIELD_HEAD,
        .length = length - NTP_FIELD_HEAD,
    };
    *at += length;
    return TRUE;
}

void ntp_field_append(GByteArray *packet, guint16 type, const void *body, gsize length)
{
    static const guint8 zeros[NTP_FIELD_MIN] = { 0 };
    const gsize padded = MAX((length + PAD - 1) / PAD * PAD, NTP_FIELD_MIN - NTP_FIELD_HEAD);
    const gsize whole = padded + NTP_FIELD_HEAD;
    const guint8 head[NTP_FIELD_HEAD] = { (guint8)(type >> 8), (guint8)type, (guint8)(whole >> 8),
                                          (guint8)whole };

    g_assert(whole <= G_MAXUINT16);
    g_byte_array_append(packet, head, sizeof head);
    if (length)
        g_byte_array_append(packet, body, (guint)length);
    g_byte_array_append(packet, zeros, (guint)(padded - length));
}
