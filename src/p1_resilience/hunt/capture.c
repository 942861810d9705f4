#include "p1_resilience/hunt/capture_private.h"

#include <string.h>

#define FILE_HEADER_SIZE 24
#define RECORD_SIZE 16
#define RECORD_SIZE_PATCHED 24
#define LINK_MASK 0xffffu /* above: the length of the frame check sequence */
#define MICROSECONDS 1000000u
#define NANOSECONDS 1000000000u
#define SKIP_STEP (64u << 10)
#define AHEAD_SIZE ((gsize)256 << 10) /* bytes asked for at a time: packets are small */

static const struct {
    guint32 magic;
    guint32 units;
    gsize record_size;
} kinds[] = {
    { 0xa1b2c3d4, MICROSECONDS, RECORD_SIZE },
    { 0xa1b23c4d, NANOSECONDS, RECORD_SIZE },
    { 0xa1b2cd34, MICROSECONDS, RECORD_SIZE_PATCHED },
};

struct capture *capture_new(capture_fill fill, gpointer data)
{
    struct capture *capture = g_new0(struct capture, 1);

    capture->fill = fill;
    capture->data = data;
    capture->ahead = g_malloc(AHEAD_SIZE);
    capture->interfaces = g_array_new(FALSE, FALSE, sizeof(struct capture_interface));
    return capture;
}

void capture_free(struct capture *capture)
{
    if (!capture)
        return;
    g_array_unref(capture->interfaces);
    g_free(capture->block);
    g_free(capture->ahead);
    g_free(capture->problem);
    g_free(capture);
}

gboolean capture_fails(struct capture *capture, const char *problem)
{
    if (!capture->problem)
        capture->problem = g_strdup(problem);
    return FALSE;
}

const char *capture_problem(const struct capture *capture)
{
    return capture->problem;
}

guint64 capture_passed_over(const struct capture *capture)
{
    return capture->passed_over;
}

guint16 capture_u16(const struct capture *capture, gsize at)
{
    guint16 number;

    memcpy(&number, capture->block + at, sizeof number);
    return capture->is_little ? GUINT16_FROM_LE(number) : GUINT16_FROM_BE(number);
}

guint32 capture_u32(const struct capture *capture, gsize at)
{
    guint32 number;

    memcpy(&number, capture->block + at, sizeof number);
    return capture->is_little ? GUINT32_FROM_LE(number) : GUINT32_FROM_BE(number);
}

/* Some bytes of the file; 0 at its end. */
static gsize take_ahead(struct capture *capture, guint8 *to, gsize size)
{
    if (capture->ahead_at == capture->ahead_end) {
        capture->ahead_at = 0;
        capture->ahead_end = capture->fill(capture->ahead, AHEAD_SIZE, capture->data);
    }
    size = MIN(size, capture->ahead_end - capture->ahead_at);
    memcpy(to, capture->ahead + capture->ahead_at, size);
    capture->ahead_at += size;
    return size;
}

/* What there is of `size` bytes. */
static gsize read_some(struct capture *capture, gsize at, gsize size)
{
    gsize done = 0, got = 1;

    if (at + size > capture->capacity) {
        capture->capacity = MAX(at + size, SKIP_STEP);
        capture->block = g_realloc(capture->block, capture->capacity);
    }
    while (done < size && got) {
        got = take_ahead(capture, capture->block + at + done, size - done);
        done += got;
    }
    return done;
}

gboolean capture_read(struct capture *capture, gsize at, gsize size)
{
    if (read_some(capture, at, size) < size)
        return capture_fails(capture, "it is cut: it ends within a packet");
    return TRUE;
}

gboolean capture_read_head(struct capture *capture, gsize size)
{
    gsize got = read_some(capture, 0, size);

    if (got > 0 && got < size)
        capture_fails(capture, "it is cut: it ends within a packet");
    return got == size;
}

gboolean capture_skip(struct capture *capture, guint64 size)
{
    while (size) {
        gsize step = (gsize)MIN(size, SKIP_STEP);

        if (!capture_read(capture, 0, step))
            return FALSE;
        size -= step;
    }
    return TRUE;
}

gint64 capture_time(const struct capture_interface *interface, guint64 count)
{
    unsigned __int128 fraction = count % interface->units;
    guint64 seconds = count / interface->units;
    gint64 time_ns;

    if (seconds > G_MAXINT64 / NANOSECONDS ||
        __builtin_mul_overflow((gint64)seconds + interface->offset_s, (gint64)NANOSECONDS,
                               &time_ns) ||
        __builtin_add_overflow(time_ns, (gint64)(fraction * NANOSECONDS / interface->units),
                               &time_ns))
        return CAPTURE_NO_TIME;
    return time_ns;
}

/* The first bytes of the file say what it is. */
static gboolean begin(struct capture *capture)
{
    gsize got = read_some(capture, 0, 12);

    capture->is_begun = TRUE;
    if (got == 12 && capture_u32(capture, 0) == CAPTURE_NG_SECTION) {
        capture->is_ng = TRUE;
        return capture_ng_section(capture);
    }
    for (guint little = 0; got == 12 && little < 2; little++)
        for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
            capture->is_little = little;
            if (capture_u32(capture, 0) != kinds[i].magic)
                continue;
            capture->record_size = kinds[i].record_size;
            if (!capture_read(capture, 12, FILE_HEADER_SIZE - 12))
                return FALSE;
            capture->pcap = (struct capture_interface){
                .link = capture_u32(capture, 20) & LINK_MASK,
                .units = kinds[i].units,
            };
            return TRUE;
        }
    return capture_fails(capture, "it is no capture: neither pcap nor pcapng");
}

static gboolean pcap_next(struct capture *capture, struct capture_packet *packet)
{
    while (TRUE) {
        guint64 count;
        guint32 held;

        if (!capture_read_head(capture, capture->record_size))
            return FALSE;
        held = capture_u32(capture, 8);
        count = (guint64)capture_u32(capture, 0) * capture->pcap.units + capture_u32(capture, 4);
        *packet = (struct capture_packet){
            .number = ++capture->packets,
            .time_ns = capture_time(&capture->pcap, count),
            .link = capture->pcap.link,
            .length = held,
            .wire_length = MAX(held, capture_u32(capture, 12)),
        };
        if (held <= CAPTURE_PACKET_MAX) {
            if (!capture_read(capture, 0, held))
                return FALSE;
            packet->bytes = capture->block;
            return TRUE;
        }
        capture->passed_over++;
        if (!capture_skip(capture, held))
            return FALSE;
    }
}

gboolean capture_next(struct capture *capture, struct capture_packet *packet)
{
    if (capture->problem || (!capture->is_begun && !begin(capture)))
        return FALSE;
    return capture->is_ng ? capture_ng_next(capture, packet) : pcap_next(capture, packet);
}
