/*
 * line_attributes.h: path attributes as bgpdump 1.6.2 reads them, for text that is the same as its
 * own.
 *
 * It reads what is short as if zeros followed, keeps what is malformed, and merges AS4_PATH in its
 * own way; each place says so. What it would crash at (an attribute that comes twice) is read as
 * RFC 7606 says: the first counts. bgp.h is how attributes are to be understood otherwise.
 */
#pragma once
#include "p2_internet/routes/bgp.h"
#include "p2_internet/routes/text_out.h"

#define LINE_AFIS 3
#define LINE_SAFIS 4 /* 3: unicast and multicast, of RFC 2858 */

/* Bytes of which zeros follow the last. */
struct line_cursor {
    const guint8 *at, *end;
};
void line_take(struct line_cursor *cursor, guint8 *to, gsize size);
guint8 line_u8(struct line_cursor *cursor);
guint16 line_u16(struct line_cursor *cursor);
guint32 line_u32(struct line_cursor *cursor);
/* The next `size` bytes, or what there is of them. */
struct line_cursor line_part(struct line_cursor *cursor, gsize size);

struct line_reach {
    gboolean is_there;
    guint8 next_hop_length;
    guint8 next_hop[16];
    struct line_cursor prefixes;
};

struct line_attributes {
    guint32 flags; /* bit N-1: attribute N came, and was not longer than what is there */
    int origin;
    guint8 next_hop[4];
    guint32 med, local_pref, aggregator_as;
    guint8 aggregator[4]; /* 255.255.255.255: none is shown */
    guint as_width;
    struct bgp_span as_path, communities, large_communities;
    GByteArray *merged; /* AS_PATH with AS4_PATH, if it came to that */
    struct line_reach reach[LINE_AFIS][LINE_SAFIS], unreach[LINE_AFIS][LINE_SAFIS];
};

#define LINE_HAS(ATTRIBUTES, CODE) (((ATTRIBUTES)->flags >> ((CODE)-1)) & 1)

/* `merged` is to be freed by line_attributes_clear(). */
void line_attributes_read(const guint8 *bytes, gsize length, guint as_width,
                          struct line_attributes *attributes);
void line_attributes_clear(struct line_attributes *attributes);

/* "64500 {64501,64502}", or "! Error !". At most LINE_PATH bytes. */
char *line_put_path(char *to, const struct line_attributes *attributes);
#define LINE_PATH 8192

/* Separated by spaces, cut after 8190 bytes. At most LINE_COMMUNITIES bytes. */
char *line_put_communities(char *to, struct bgp_span communities);
char *line_put_large_communities(char *to, struct bgp_span communities);
#define LINE_COMMUNITIES 8192
