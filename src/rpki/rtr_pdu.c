#include "rpki/rtr_pdu.h"

#include <string.h>

#define PREFIX4_SIZE 20u
#define PREFIX6_SIZE 32u
#define SERIAL_SIZE 12u
#define TIMERS_SIZE 24u
#define ROUTER_KEY_MIN 32u /* SKI 20, AS 4, behind the header */
#define ERROR_MIN 16u
#define ASPA_MIN 12u
#define ASPA_OLD_MIN 16u
#define CULPRIT_MAX 1024u /* bytes of a PDU that are sent back: its head says what it is */

static const char *const error_names[] = {
    [RTR_CORRUPT_DATA] = "corrupt data",
    [RTR_INTERNAL_ERROR] = "internal error",
    [RTR_NO_DATA] = "no data available",
    [RTR_INVALID_REQUEST] = "invalid request",
    [RTR_UNSUPPORTED_VERSION] = "unsupported protocol version",
    [RTR_UNSUPPORTED_PDU] = "unsupported PDU type",
    [RTR_WITHDRAWAL_OF_UNKNOWN] = "withdrawal of unknown record",
    [RTR_DUPLICATE_ANNOUNCEMENT] = "duplicate announcement received",
    [RTR_UNEXPECTED_VERSION] = "unexpected protocol version",
    [RTR_ASPA_PROVIDERS] = "ASPA provider list error",
};

const char *rtr_error_name(guint code)
{
    return code < G_N_ELEMENTS(error_names) ? error_names[code] : "unknown error";
}

static guint16 read_u16(const guint8 *at)
{
    return (guint16)(at[0] << 8 | at[1]);
}

static guint32 read_u32(const guint8 *at)
{
    return (guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3];
}

guint32 rtr_provider(const struct rtr_pdu *pdu, gsize index)
{
    return read_u32(pdu->providers + index * sizeof(guint32));
}

gboolean rtr_serial_after(guint32 a, guint32 b)
{
    return (gint32)(a - b) > 0;
}

/* --- reading --- */

/* What is being read, and what is wrong with it. */
struct reading {
    const guint8 *bytes;
    gsize length; /* of this PDU */
    struct rtr_pdu *pdu;
    enum rtr_error code;
    const char *problem;
};

static gboolean refuse(struct reading *reading, enum rtr_error code, const char *problem)
{
    reading->code = code;
    reading->problem = problem;
    return FALSE;
}

static gboolean read_serial(struct reading *reading)
{
    reading->pdu->serial = read_u32(reading->bytes + RTR_HEADER_SIZE);
    return TRUE;
}

static gboolean read_nothing(struct reading *reading)
{
    return TRUE;
}

static gboolean read_end(struct reading *reading)
{
    struct rtr_pdu *pdu = reading->pdu;
    const guint8 *timers = reading->bytes + SERIAL_SIZE;

    read_serial(reading);
    pdu->has_timers = reading->length == TIMERS_SIZE;
    if (pdu->has_timers != (pdu->version > 0))
        return refuse(reading, RTR_CORRUPT_DATA, "an end of data of another version's length");
    if (pdu->has_timers) {
        pdu->refresh_s = read_u32(timers);
        pdu->retry_s = read_u32(timers + 4);
        pdu->expire_s = read_u32(timers + 8);
    }
    return TRUE;
}

static gboolean read_prefix(struct reading *reading, guint8 family)
{
    struct rtr_pdu *pdu = reading->pdu;
    const guint8 *body = reading->bytes + RTR_HEADER_SIZE;
    const gsize size = family == 6 ? 16 : 4;

    pdu->is_withdrawn = !(body[0] & 1);
    pdu->vrp.prefix.family = family;
    pdu->vrp.prefix.length = body[1];
    pdu->vrp.max_length = body[2];
    memcpy(pdu->vrp.prefix.address, body + 4, size);
    pdu->vrp.asn = read_u32(body + 4 + size);
    return vrp_is_sound(&pdu->vrp) ||
           refuse(reading, RTR_CORRUPT_DATA, "a prefix with lengths or host bits that cannot be");
}

static gboolean read_prefix4(struct reading *reading)
{
    return read_prefix(reading, 4);
}

static gboolean read_prefix6(struct reading *reading)
{
    return read_prefix(reading, 6);
}

static gboolean read_router_key(struct reading *reading)
{
    reading->pdu->is_withdrawn = !(reading->bytes[2] & 1);
    return TRUE;
}

/* The older layout says how many providers follow, and its flags stand behind the header. */
static gboolean is_old_aspa(const struct reading *reading)
{
    const guint8 *bytes = reading->bytes;

    return bytes[2] != 1 && reading->length >= ASPA_OLD_MIN &&
           reading->length == ASPA_OLD_MIN + sizeof(guint32) * read_u16(bytes + 10) &&
           bytes[8] <= 1 && bytes[9] <= 3;
}

static gboolean read_aspa(struct reading *reading)
{
    struct rtr_pdu *pdu = reading->pdu;
    const guint8 *bytes = reading->bytes;
    const gsize head = is_old_aspa(reading) ? ASPA_OLD_MIN : ASPA_MIN;

    if (pdu->version < 2)
        return refuse(reading, RTR_UNSUPPORTED_PDU, "an ASPA before version 2");
    if (reading->length % sizeof(guint32))
        return refuse(reading, RTR_CORRUPT_DATA, "an ASPA with half a provider");
    if (head == ASPA_OLD_MIN) {
        pdu->is_withdrawn = !(bytes[8] & 1);
        pdu->afi = bytes[9] & 1;
    } else {
        pdu->is_withdrawn = !(bytes[2] & 1);
    }
    pdu->customer = read_u32(bytes + head - sizeof(guint32));
    pdu->providers = bytes + head;
    pdu->provider_count = (reading->length - head) / sizeof(guint32);
    if (pdu->is_withdrawn)
        return TRUE;
    if (!pdu->provider_count)
        return refuse(reading, RTR_ASPA_PROVIDERS, "an ASPA announced without providers");
    for (gsize i = 0; pdu->provider_count > 1 && i < pdu->provider_count; i++)
        if (!rtr_provider(pdu, i))
            return refuse(reading, RTR_ASPA_PROVIDERS, "an ASPA with AS 0 beside others");
    return TRUE;
}

static gboolean read_error(struct reading *reading)
{
    struct rtr_pdu *pdu = reading->pdu;
    const guint8 *bytes = reading->bytes;
    const gsize room = reading->length - ERROR_MIN; /* for the PDU and the text */
    const gsize culprit = read_u32(bytes + RTR_HEADER_SIZE);
    gsize text;

    if (culprit > room)
        return refuse(reading, RTR_CORRUPT_DATA, "an error report shorter than the PDU in it");
    text = read_u32(bytes + SERIAL_SIZE + culprit);
    if (text > room - culprit)
        return refuse(reading, RTR_CORRUPT_DATA, "an error report shorter than its text");
    pdu->text = bytes + ERROR_MIN + culprit;
    pdu->text_length = text;
    return TRUE;
}

static const struct form {
    gsize least, most;
    gboolean (*read)(struct reading *reading);
} forms[] = {
    [RTR_SERIAL_NOTIFY] = { SERIAL_SIZE, SERIAL_SIZE, read_serial },
    [RTR_SERIAL_QUERY] = { SERIAL_SIZE, SERIAL_SIZE, read_serial },
    [RTR_RESET_QUERY] = { RTR_HEADER_SIZE, RTR_HEADER_SIZE, read_nothing },
    [RTR_CACHE_RESPONSE] = { RTR_HEADER_SIZE, RTR_HEADER_SIZE, read_nothing },
    [RTR_IPV4_PREFIX] = { PREFIX4_SIZE, PREFIX4_SIZE, read_prefix4 },
    [RTR_IPV6_PREFIX] = { PREFIX6_SIZE, PREFIX6_SIZE, read_prefix6 },
    [RTR_END_OF_DATA] = { SERIAL_SIZE, TIMERS_SIZE, read_end },
    [RTR_CACHE_RESET] = { RTR_HEADER_SIZE, RTR_HEADER_SIZE, read_nothing },
    [RTR_ROUTER_KEY] = { ROUTER_KEY_MIN, RTR_PDU_MAX, read_router_key },
    [RTR_ERROR_REPORT] = { ERROR_MIN, RTR_PDU_MAX, read_error },
    [RTR_ASPA] = { ASPA_MIN, RTR_PDU_MAX, read_aspa },
};

static gboolean read_pdu(struct reading *reading)
{
    const struct form *form =
        reading->pdu->type < G_N_ELEMENTS(forms) ? &forms[reading->pdu->type] : NULL;

    if (!form || !form->read)
        return refuse(reading, RTR_UNSUPPORTED_PDU, "a PDU of a type that is not known");
    if (reading->length < form->least || reading->length > form->most)
        return refuse(reading, RTR_CORRUPT_DATA, "a PDU of a length that its type does not have");
    return form->read(reading);
}

enum rtr_step rtr_pdu_parse(const guint8 *bytes, gsize length, struct rtr_pdu *pdu, gsize *size,
                            enum rtr_error *code, const char **problem)
{
    struct reading reading = { .bytes = bytes, .pdu = pdu };
    gboolean is_sound;

    memset(pdu, 0, sizeof *pdu);
    if (length < RTR_HEADER_SIZE)
        return RTR_MORE;
    pdu->version = bytes[0];
    pdu->type = bytes[1];
    pdu->session = read_u16(bytes + 2);
    reading.length = read_u32(bytes + 4);
    if (reading.length < RTR_HEADER_SIZE || reading.length > RTR_PDU_MAX) {
        *size = RTR_HEADER_SIZE;
        is_sound = refuse(&reading, RTR_CORRUPT_DATA, "a PDU of a length that cannot be");
    } else {
        *size = reading.length;
        if (length < reading.length)
            return RTR_MORE;
        is_sound = read_pdu(&reading);
    }
    if (is_sound)
        return RTR_PDU;
    *code = reading.code;
    *problem = reading.problem;
    return RTR_BAD;
}

/* --- writing --- */

static void put_u32(GByteArray *out, guint32 number)
{
    const guint32 sent = GUINT32_TO_BE(number);

    g_byte_array_append(out, (const guint8 *)&sent, sizeof sent);
}

static void put_header(GByteArray *out, guint8 version, enum rtr_type type, guint16 session,
                       guint32 length)
{
    const guint8 head[] = { version, (guint8)type, (guint8)(session >> 8), (guint8)session };

    g_byte_array_append(out, head, sizeof head);
    put_u32(out, length);
}

void rtr_put_reset_query(GByteArray *out, guint8 version)
{
    put_header(out, version, RTR_RESET_QUERY, 0, RTR_HEADER_SIZE);
}

void rtr_put_serial_query(GByteArray *out, guint8 version, guint16 session, guint32 serial)
{
    put_header(out, version, RTR_SERIAL_QUERY, session, SERIAL_SIZE);
    put_u32(out, serial);
}

void rtr_put_error(GByteArray *out, guint8 version, enum rtr_error code, const guint8 *culprit,
                   gsize culprit_length, const char *text)
{
    const gsize kept = MIN(culprit_length, CULPRIT_MAX), text_length = strlen(text);

    put_header(out, version, RTR_ERROR_REPORT, (guint16)code,
               (guint32)(ERROR_MIN + kept + text_length));
    put_u32(out, (guint32)kept);
    if (kept)
        g_byte_array_append(out, culprit, (guint)kept);
    put_u32(out, (guint32)text_length);
    g_byte_array_append(out, (const guint8 *)text, (guint)text_length);
}
