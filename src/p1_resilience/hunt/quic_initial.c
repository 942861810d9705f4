#include "p1_resilience/hunt/quic_private.h"

#include "p1_resilience/hunt/octets.h"
#include "p1_resilience/hunt/tls_hello.h"

#define LONG_HEADER 0x80
#define FIXED 0xc0       /* a long header, and the bit that is always set */
#define INITIAL_MIN 1200 /* bytes of a client's first datagram */
#define TYPE_SHIFT 4
#define TYPE_MASK 3
#define NEGOTIATION 0           /* version 0: the server names those it has */
#define GREASE_MASK 0x0f0f0f0fu /* versions of the form ?a?a?a?a are none */
#define GREASE 0x0a0a0a0au
#define DATAGRAM_MAX G_MAXUINT16
#define RANGES_MAX 256 /* pieces of the hello that may lie apart */

enum frame {
    FRAME_PADDING = 0,
    FRAME_PING = 1,
    FRAME_ACK = 2,
    FRAME_ACK_ECN = 3,
    FRAME_CRYPTO = 6,
};

struct range {
    gsize start, end;
};

struct quic_reader {
    const struct quic_library *library;
    const struct quic_version *version; /* NULL: no packet was opened */
    struct quic_keys keys;
    guint8 *hello;  /* TLS_HELLO_MAX bytes */
    GArray *ranges; /* struct range: bytes of the hello that are there, in order, apart */
    gboolean is_whole;
};

/* One packet of a datagram. */
struct packet {
    const guint8 *bytes;
    gsize length, head; /* head: before the packet number */
    const struct quic_version *version;
    const guint8 *id;
    gsize id_length;
};

/* RFC 9000 section 16 */
static gboolean read_variable(struct octets *from, guint64 *number)
{
    struct octets taken;
    guint64 value;

    if (!from->left || !octets_take(from, (gsize)1 << (from->at[0] >> 6), &taken))
        return FALSE;
    value = taken.at[0] & 0x3f;
    for (gsize i = 1; i < taken.left; i++)
        value = value << 8 | taken.at[i];
    *number = value;
    return TRUE;
}

/*
 * The packet at the front. FALSE: none of a known version with a long header. `is_initial` FALSE:
 * of another type; it is passed over.
 */
static gboolean next_packet(struct octets *datagram, struct packet *packet, gboolean *is_initial)
{
    struct octets rest = *datagram, id;
    guint32 first, version;
    guint64 length;

    *packet = (struct packet){ .bytes = datagram->at };
    if (!octets_number(&rest, 1, &first) || !(first & LONG_HEADER) ||
        !octets_number(&rest, 4, &version))
        return FALSE;
    packet->version = quic_version_of(version);
    if (!packet->version || !octets_vector(&rest, 1, &id) || id.left > QUIC_ID_MAX)
        return FALSE;
    packet->id = id.at;
    packet->id_length = id.left;
    if (!octets_vector(&rest, 1, &id) || id.left > QUIC_ID_MAX)
        return FALSE;
    *is_initial = (first >> TYPE_SHIFT & TYPE_MASK) == packet->version->initial_type;
    if (*is_initial && (!read_variable(&rest, &length) || length > rest.left ||
                        !octets_skip(&rest, (gsize)length)))
        return FALSE;
    if (!read_variable(&rest, &length) || length > rest.left)
        return FALSE;
    packet->head = (gsize)(rest.at - packet->bytes);
    packet->length = packet->head + (gsize)length;
    return octets_skip(datagram, packet->length);
}

/* A client's first datagram in any version (RFC 8999 section 5.1, RFC 9000 section 14.1). */
static gboolean is_unknown_version(const guint8 *bytes, gsize length)
{
    struct octets rest = { bytes, length }, id;
    guint32 first, version;

    return length >= INITIAL_MIN && octets_number(&rest, 1, &first) && (first & FIXED) == FIXED &&
           octets_number(&rest, 4, &version) && version != NEGOTIATION &&
           (version & GREASE_MASK) != GREASE && !quic_version_of(version) &&
           octets_vector(&rest, 1, &id) && id.left > 0 && id.left <= QUIC_ID_MAX &&
           octets_vector(&rest, 1, &id) && id.left <= QUIC_ID_MAX;
}

gboolean quic_is_initial(const guint8 *bytes, gsize length, gboolean *is_unknown)
{
    struct octets datagram = { bytes, length };
    struct packet packet;
    gboolean is_initial = FALSE;

    *is_unknown = is_unknown_version(bytes, length);
    return next_packet(&datagram, &packet, &is_initial);
}

struct quic_reader *quic_reader_new(const struct quic_library *library)
{
    struct quic_reader *reader = g_new0(struct quic_reader, 1);

    reader->library = library;
    reader->ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
    return reader;
}

void quic_reader_free(struct quic_reader *reader)
{
    if (!reader)
        return;
    g_array_unref(reader->ranges);
    g_free(reader->hello);
    g_free(reader);
}

/* Bytes of the hello; those that are there already stay. */
static void put_hello(struct quic_reader *reader, gsize offset, struct octets bytes)
{
    struct range added = { offset, offset + bytes.left };
    GArray *ranges = reader->ranges;
    guint i = 0;

    if (reader->is_whole || !bytes.left || added.end > TLS_HELLO_MAX || ranges->len >= RANGES_MAX)
        return;
    if (!reader->hello)
        reader->hello = g_malloc(TLS_HELLO_MAX);
    for (gsize at = added.start; at < added.end; at++) {
        const struct range *held;

        while (i < ranges->len && g_array_index(ranges, struct range, i).end <= at)
            i++;
        held = i < ranges->len ? &g_array_index(ranges, struct range, i) : NULL;
        if (!held || at < held->start)
            reader->hello[at] = bytes.at[at - offset];
    }
    for (i = 0; i < ranges->len;) {
        struct range held = g_array_index(ranges, struct range, i);

        if (held.end < added.start) {
            i++;
        } else if (held.start > added.end) {
            break;
        } else {
            added.start = MIN(added.start, held.start);
            added.end = MAX(added.end, held.end);
            g_array_remove_index(ranges, i);
        }
    }
    g_array_insert_val(ranges, i, added);
}

static gsize hello_length(const struct quic_reader *reader)
{
    struct range first;

    if (!reader->ranges->len)
        return 0;
    first = g_array_index(reader->ranges, struct range, 0);
    return first.start == 0 ? first.end : 0;
}

/* RFC 9000 section 19.3 */
static gboolean skip_ack(struct octets *frames, gboolean has_counts)
{
    guint64 number, ranges;

    if (!read_variable(frames, &number) || !read_variable(frames, &number) ||
        !read_variable(frames, &ranges) || !read_variable(frames, &number))
        return FALSE;
    for (; ranges; ranges--)
        if (!read_variable(frames, &number) || !read_variable(frames, &number))
            return FALSE;
    for (guint i = 0; has_counts && i < 3; i++)
        if (!read_variable(frames, &number))
            return FALSE;
    return TRUE;
}

/* The frames that Initial packets have (RFC 9000 section 17.2.2); CONNECTION_CLOSE ends them. */
static void read_frames(struct quic_reader *reader, struct octets frames)
{
    guint64 type, offset, length;
    struct octets bytes;

    while (read_variable(&frames, &type))
        switch (type) {
        case FRAME_PADDING:
        case FRAME_PING:
            break;
        case FRAME_ACK:
        case FRAME_ACK_ECN:
            if (!skip_ack(&frames, type == FRAME_ACK_ECN))
                return;
            break;
        case FRAME_CRYPTO:
            if (!read_variable(&frames, &offset) || !read_variable(&frames, &length) ||
                length > frames.left || !octets_take(&frames, (gsize)length, &bytes) ||
                offset > TLS_HELLO_MAX)
                return;
            put_hello(reader, (gsize)offset, bytes);
            break;
        default:
            return;
        }
}

/* Under the keys in use, or under its own: another connection, or the first. */
static gboolean open_packet(struct quic_reader *reader, const struct packet *packet)
{
    g_autofree guint8 *open = g_malloc(packet->length);
    struct quic_keys keys;
    gsize length;

    if (reader->version != packet->version ||
        !quic_open(reader->library, &reader->keys, packet->bytes, packet->head, packet->length,
                   open, &length)) {
        quic_keys_make(packet->version, packet->id, packet->id_length, &keys);
        if (!quic_open(reader->library, &keys, packet->bytes, packet->head, packet->length, open,
                       &length))
            return FALSE;
        reader->version = packet->version;
        reader->keys = keys;
        reader->is_whole = FALSE;
        g_array_set_size(reader->ranges, 0);
    }
    read_frames(reader, (struct octets){ open, length });
    return TRUE;
}

enum quic_progress quic_reader_add(struct quic_reader *reader, const guint8 *datagram, gsize length)
{
    struct octets rest = { datagram, MIN(length, DATAGRAM_MAX) };
    gboolean is_initial, is_open = FALSE, was_whole;
    struct packet packet;
    gsize have;

    while (next_packet(&rest, &packet, &is_initial))
        if (is_initial)
            is_open |= open_packet(reader, &packet);
    if (!is_open)
        return QUIC_CLOSED;
    was_whole = reader->is_whole;
    have = hello_length(reader);
    reader->is_whole = have >= 4 && tls_hello_length(reader->hello) != 0 &&
                       have >= tls_hello_length(reader->hello);
    return reader->is_whole && !was_whole ? QUIC_WHOLE : QUIC_MORE;
}

const guint8 *quic_reader_message(const struct quic_reader *reader, gsize *length)
{
    *length = hello_length(reader);
    return reader->hello;
}
