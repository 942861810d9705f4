/*
 * capture.h: packets from capture files: pcap and pcapng, as a stream of bytes, in one pass.
 *
 *     pcap    24-byte header | records: time, bytes held, bytes there were, packet
 *             (draft-ietf-opsawg-pcap; microseconds or nanoseconds, both byte orders, and the
 *             24-byte records of Kuznetsov's patch)
 *     pcapng  blocks: type, length, body, length again (draft-ietf-opsawg-pcapng). Section
 *             headers, interface descriptions and the three kinds of packet blocks are read, all
 *             others passed over. Each interface has its own link type and its own clock
 *
 * Nothing in a file is trusted: lengths are bounded before memory is had.
 */
#pragma once
#include <glib.h>

#define CAPTURE_PACKET_MAX (16u << 20)     /* bytes of one packet */
#define CAPTURE_INTERFACES_MAX (64u << 10) /* of one section of a pcapng file */
#define CAPTURE_NO_TIME G_MININT64

struct capture_packet {
    guint64 number;      /* from 1, over the whole file */
    gint64 time_ns;      /* since 1970, UTC; CAPTURE_NO_TIME */
    guint32 link;        /* LINKTYPE_ */
    const guint8 *bytes; /* borrowed until the next call */
    gsize length;        /* bytes held */
    gsize wire_length;   /* bytes there were */
};

/* Fills `to` with up to `size` bytes; 0: there are no more. */
typedef gsize (*capture_fill)(guint8 *to, gsize size, gpointer data);

struct capture;
struct capture *capture_new(capture_fill fill, gpointer data);
void capture_free(struct capture *capture);
typedef struct capture capture_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(capture_t, capture_free)

/* The next packet, in the order of the file; FALSE at its end, or where it cannot be read on. */
gboolean capture_next(struct capture *capture, struct capture_packet *packet);

/* After the end: why the rest is not there; NULL when the file came to its end. */
const char *capture_problem(const struct capture *capture);

/* Packets that were larger than CAPTURE_PACKET_MAX, or of an interface that is not described. */
guint64 capture_passed_over(const struct capture *capture);
