/*
 * routes_feed.h: routes in whatever form they come: MRT, BMP or RIS Live, recognised by content.
 *
 *     bytes of one file or stream, in any pieces -> elements, each with the name of its feed
 *
 * A message of MRT without routes is one, too (ROUTE_HEARD): who says it is not silent.
 *
 * One after another and in one thread: for replaying what was recorded, in its order. What must be
 * fast reads MRT by mrt_scan.h.
 */
#pragma once
#include "p2_internet/routes/bmp.h"
#include "p2_internet/routes/mrt.h"
#include "p2_internet/routes/ris_live.h"

enum routes_form { ROUTES_UNKNOWN, ROUTES_MRT, ROUTES_BMP, ROUTES_RIS_LIVE };

#define ROUTES_FORM_BYTES 64 /* that are enough to recognise a form */

/* By the first bytes; fewer than ROUTES_FORM_BYTES only where there are no more. */
enum routes_form routes_form_of(const void *bytes, gsize length);

struct routes_feed;
typedef struct routes_feed routes_feed_t;
/*
 * `name` stands in messages, and is the feed of what says no other: RIS Live names its collector
 * with each message, a BMP router itself. `views`: enum bmp_view.
 */
struct routes_feed *routes_feed_new(const char *name, guint views, ris_live_sink sink,
                                    gpointer data);
void routes_feed_free(struct routes_feed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(routes_feed_t, routes_feed_free)

/* FALSE with the offset: nothing that follows can be read. `now_us` is for what has no time. */
gboolean routes_feed_take(struct routes_feed *feed, const void *bytes, gsize length, gint64 now_us,
                          GError **error);
/* The end: FALSE where it comes within a message or record, or before the form was known. */
gboolean routes_feed_end(struct routes_feed *feed, gint64 now_us, GError **error);

enum routes_form routes_feed_form(const struct routes_feed *feed);

struct routes_feed_counts {
    guint64 elements; /* without those of ROUTE_HEARD */
    guint64 problems; /* records, messages and lines that could not be read, or not to their end */
};
void routes_feed_count(const struct routes_feed *feed, struct routes_feed_counts *counts);
/* The last of them, or what ended the reading: what was wrong (static), where. NULL: none. */
const char *routes_feed_problem(const struct routes_feed *feed, guint64 *offset);
