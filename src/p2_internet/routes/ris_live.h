/*
 * ris_live.h: RIS Live (RIPE NCC), as JSON Lines: what the collectors' peers say, as route
 * elements.
 *
 *     bytes of a stream, in any pieces -> lines -> ris_message -> elements
 *
 * Where a message holds the UPDATE itself (`raw`), that is read: the other members do not tell all
 * attributes. Else an UPDATE is made of the members, and read likewise. A line that is no message
 * is counted, and the next is read: a stream may be cut at any place.
 */
#pragma once
#include "p2_internet/routes/route.h"

#define RIS_LINE_MAX ((gsize)1 << 20) /* bytes; of a longer line nothing is read */
#define RIS_HOST_MAX 32               /* bytes of a collector's name */

/* `host` is the collector ("rrc00"); it and the element are borrowed during the call. */
typedef void (*ris_live_sink)(const char *host, const struct route_element *element, gpointer data);

struct ris_live_counts {
    guint64 lines;    /* that were not empty */
    guint64 messages; /* ris_message */
    guint64 updates, states;
    guint64 sessions; /* OPEN, NOTIFICATION, KEEPALIVE */
    guint64 errors;   /* ris_error: what the service complains of */
    guint64 others;   /* pong, ris_subscribe_ok and the like */
    guint64 broken;   /* lines that could not be read */
    guint64 elements;
    guint64 made;      /* UPDATEs without readable `raw`, made of their members */
    guint64 discarded; /* attributes left out, by UPDATEs (RFC 7606) */
    guint64 withdrawn; /* announcements treated as withdrawn (RFC 7606) */
    guint64 malformed; /* UPDATEs that could not be taken apart to their end */
};

struct ris_live;
typedef struct ris_live ris_live_t;
struct ris_live *ris_live_new(ris_live_sink sink, gpointer data);
void ris_live_free(struct ris_live *live);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ris_live_t, ris_live_free)

void ris_live_feed(struct ris_live *live, const void *bytes, gsize length);
/* The stream is over: a last line without line feed is read, too. The next may begin anew. */
void ris_live_end(struct ris_live *live);

const struct ris_live_counts *ris_live_counts(const struct ris_live *live);
/* The last broken line: what was wrong with it, and where it began. NULL: none. */
const char *ris_live_problem(const struct ris_live *live, guint64 *offset);
/* What the service said last in an error; not escaped. NULL: none. */
const char *ris_live_error(const struct ris_live *live);

/* Whether a file begins as JSON Lines of RIS Live do: with an object whose type is one of theirs.
 */
gboolean ris_live_is_stream(const void *bytes, gsize length);
