/* capture_ng.c: the blocks of pcapng files; see capture.h. */
#include "p1_resilience/hunt/capture_private.h"

#include <string.h>

#define BLOCK_HEAD 8 /* type and length */
#define BLOCK_MIN 12 /* with the length again at its end */
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define SECTION_BODY_MIN 16 /* magic, version, length of the section */
#define INTERFACE_BODY_MIN 8
#define INTERFACE_OPTIONS_MAX (64u << 10) /* bytes of the block: more of it is no interface */
#define OPTION_END 0
#define OPTION_RESOLUTION 9
#define OPTION_OFFSET 14
#define RESOLUTION_IS_BINARY 0x80 /* a power of two, else of ten */
#define DECIMAL_MAX 18            /* digits that fit a count */
#define BINARY_MAX 62
#define MICROSECONDS 1000000u

enum { BLOCK_INTERFACE = 1, BLOCK_PACKET = 2, BLOCK_SIMPLE = 3, BLOCK_ENHANCED = 6 };

/* The fixed part of a packet block: where its fields are in the body. */
struct layout {
    guint32 type;
    gsize size; /* of the fixed part */
    gsize time, held, wire;
    gboolean has_short_interface; /* 16 bits, and drops behind it */
};
static const struct layout layouts[] = {
    { BLOCK_ENHANCED, 20, 4, 12, 16, FALSE },
    { BLOCK_PACKET, 20, 4, 12, 16, TRUE },
};

static guint64 padded(guint64 length)
{
    return (length + 3) & ~(guint64)3;
}

gboolean capture_ng_section(struct capture *capture)
{
    guint32 length;

    capture->is_little = FALSE;
    if (capture_u32(capture, 8) != BYTE_ORDER_MAGIC) {
        capture->is_little = TRUE;
        if (capture_u32(capture, 8) != BYTE_ORDER_MAGIC)
            return capture_fails(capture, "it is damaged: a section without a byte order");
    }
    length = capture_u32(capture, 4);
    if (length < BLOCK_MIN + SECTION_BODY_MIN)
        return capture_fails(capture, "it is damaged: a section header that is too short");
    g_array_set_size(capture->interfaces, 0);
    return capture_skip(capture, padded(length) - 12);
}

static guint64 resolution(guint8 code)
{
    guint exponent = code & ~RESOLUTION_IS_BINARY;
    guint64 units = 1;

    if (code & RESOLUTION_IS_BINARY)
        return G_GUINT64_CONSTANT(1) << MIN(exponent, BINARY_MAX);
    for (guint i = 0; i < MIN(exponent, DECIMAL_MAX); i++)
        units *= 10;
    return units;
}

static void read_options(const struct capture *capture, gsize at, gsize end,
                         struct capture_interface *interface)
{
    while (end - at >= 4) {
        guint16 code = capture_u16(capture, at), length = capture_u16(capture, at + 2);

        at += 4;
        if (code == OPTION_END || length > end - at)
            return;
        if (code == OPTION_RESOLUTION && length >= 1)
            interface->units = resolution(capture->block[at]);
        if (code == OPTION_OFFSET && length >= 8) {
            guint64 offset;

            memcpy(&offset, capture->block + at, sizeof offset);
            interface->offset_s =
                (gint64)(capture->is_little ? GUINT64_FROM_LE(offset) : GUINT64_FROM_BE(offset));
        }
        at += (gsize)MIN(padded(length), end - at);
    }
}

/* Reads the body, `length` bytes, and the block's length behind it. */
static gboolean read_body(struct capture *capture, gsize length, guint32 total)
{
    if (!capture_read(capture, 0, length + 4))
        return FALSE;
    if (capture_u32(capture, length) != total)
        return capture_fails(capture, "it is damaged: a block whose two lengths differ");
    return TRUE;
}

static gboolean read_interface(struct capture *capture, gsize length, guint32 total)
{
    struct capture_interface interface = { .units = MICROSECONDS };

    if (length < INTERFACE_BODY_MIN || length > INTERFACE_OPTIONS_MAX ||
        capture->interfaces->len >= CAPTURE_INTERFACES_MAX)
        return capture_fails(capture, "it is damaged: an impossible interface");
    if (!read_body(capture, length, total))
        return FALSE;
    interface.link = capture_u16(capture, 0);
    interface.cut = capture_u32(capture, 4);
    read_options(capture, INTERFACE_BODY_MIN, length, &interface);
    g_array_append_val(capture->interfaces, interface);
    return TRUE;
}

/* A packet without interface and time: of the first interface. */
static gboolean take_simple(struct capture *capture, gsize length, struct capture_packet *packet)
{
    const struct capture_interface *interface;
    guint32 wire;

    if (!capture->interfaces->len || length < 4)
        return FALSE;
    interface = &g_array_index(capture->interfaces, struct capture_interface, 0);
    wire = capture_u32(capture, 0);
    *packet = (struct capture_packet){
        .time_ns = CAPTURE_NO_TIME,
        .link = interface->link,
        .bytes = capture->block + 4,
        .length = MIN(wire, length - 4),
        .wire_length = wire,
    };
    if (interface->cut)
        packet->length = MIN(packet->length, interface->cut);
    return TRUE;
}

static gboolean take_packet(struct capture *capture, const struct layout *layout, gsize length,
                            struct capture_packet *packet)
{
    const struct capture_interface *interface;
    guint32 index, held;
    guint64 count;

    if (length < layout->size)
        return FALSE;
    index = layout->has_short_interface ? capture_u16(capture, 0) : capture_u32(capture, 0);
    held = capture_u32(capture, layout->held);
    if (index >= capture->interfaces->len || held > length - layout->size)
        return FALSE;
    interface = &g_array_index(capture->interfaces, struct capture_interface, index);
    count =
        (guint64)capture_u32(capture, layout->time) << 32 | capture_u32(capture, layout->time + 4);
    *packet = (struct capture_packet){
        .time_ns = capture_time(interface, count),
        .link = interface->link,
        .bytes = capture->block + layout->size,
        .length = held,
        .wire_length = MAX(held, capture_u32(capture, layout->wire)),
    };
    return TRUE;
}

static const struct layout *layout_of(guint32 type)
{
    for (guint i = 0; i < G_N_ELEMENTS(layouts); i++)
        if (layouts[i].type == type)
            return &layouts[i];
    return NULL;
}

/* TRUE: a packet. Else the block was passed over, or there is a problem. */
static gboolean read_packet(struct capture *capture, guint32 type, gsize length, guint32 total,
                            struct capture_packet *packet)
{
    const struct layout *layout = layout_of(type);
    gboolean is_taken;

    if (length > CAPTURE_PACKET_MAX) {
        capture->packets++;
        capture->passed_over++;
        capture_skip(capture, (guint64)length + 4);
        return FALSE;
    }
    if (!read_body(capture, length, total))
        return FALSE;
    is_taken = layout ? take_packet(capture, layout, length, packet)
                      : take_simple(capture, length, packet);
    capture->packets++;
    if (!is_taken)
        capture->passed_over++;
    packet->number = capture->packets;
    return is_taken;
}

gboolean capture_ng_next(struct capture *capture, struct capture_packet *packet)
{
    while (!capture->problem) {
        guint32 type, total;
        gsize length;

        if (!capture_read_head(capture, BLOCK_HEAD))
            return FALSE;
        type = capture_u32(capture, 0);
        if (type == CAPTURE_NG_SECTION) {
            if (!capture_read(capture, BLOCK_HEAD, 4) || !capture_ng_section(capture))
                return FALSE;
            continue;
        }
        total = capture_u32(capture, 4);
        if (total < BLOCK_MIN)
            return capture_fails(capture, "it is damaged: a block that is too short");
        length = (gsize)(padded(total) - BLOCK_MIN);
        if (type == BLOCK_INTERFACE)
            read_interface(capture, length, total);
        else if (type == BLOCK_PACKET || type == BLOCK_SIMPLE || type == BLOCK_ENHANCED) {
            if (read_packet(capture, type, length, total, packet))
                return TRUE;
        } else {
            capture_skip(capture, (guint64)length + 4);
        }
    }
    return FALSE;
}
