/* capture_private.h: between capture.c and capture_ng.c. */
#pragma once
#include "p1_resilience/hunt/capture.h"

/* How an interface says what it captures. */
struct capture_interface {
    guint32 link, cut; /* cut: bytes that it keeps of a packet; 0: all */
    guint64 units;     /* of its clock in a second */
    gint64 offset_s;   /* to be added to its clock */
};

struct capture {
    capture_fill fill;
    gpointer data;
    guint8 *block; /* what is held of the file: one record or block */
    gsize capacity;
    guint8 *ahead; /* read, and not taken yet: from `ahead_at` to `ahead_end` */
    gsize ahead_at, ahead_end;
    gboolean is_begun, is_ng, is_little;
    gsize record_size; /* pcap: of the head of a packet */
    struct capture_interface pcap;
    GArray *interfaces; /* pcapng: struct capture_interface */
    guint64 packets, passed_over;
    char *problem;
};

/* Exactly `size` bytes to `block + at`; FALSE: the file ends before, or is too short for it. */
gboolean capture_read(struct capture *capture, gsize at, gsize size);
/* The same to `block`, but that the file ends before the first byte is no problem. */
gboolean capture_read_head(struct capture *capture, gsize size);
/* Passes over them. */
gboolean capture_skip(struct capture *capture, guint64 size);
/* Sets the problem, if none is set; FALSE. */
gboolean capture_fails(struct capture *capture, const char *problem);
guint16 capture_u16(const struct capture *capture, gsize at);
guint32 capture_u32(const struct capture *capture, gsize at);

/* Nanoseconds since 1970 of a clock's count. */
gint64 capture_time(const struct capture_interface *interface, guint64 count);

/* The rest of a section header, whose first twelve bytes are in `block`. */
gboolean capture_ng_section(struct capture *capture);
gboolean capture_ng_next(struct capture *capture, struct capture_packet *packet);

#define CAPTURE_NG_SECTION 0x0a0d0d0au /* block type; the same in both byte orders */
