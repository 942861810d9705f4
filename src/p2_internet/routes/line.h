/*
 * line.h: routes as lines of text, the form of `bgpdump -m` that tools exchange.
 *
 *     TYPE|time|FLAG|peer|AS|prefix|[path id|]path|origin|next hop|local pref|MED|communities|
 *     [large communities|]AG or NAG|aggregator|
 *
 * There are two readings of the same bytes: that of bgpdump 1.6.2 (Debian's), byte for byte, and
 * that of the RFCs. docs/man/entente-routes.1.scd lists where they differ.
 */
#pragma once
#include "p2_internet/routes/mrt.h"
#include "p2_internet/routes/text_out.h"

struct line_options {
    gboolean by_rfc;     /* instead of bgpdump's reading */
    gboolean large;      /* large communities in a column of their own, as bgpdump -l */
    gboolean originated; /* the time of a table's entry, not of the dump, as bgpdump -t change */
};

/* What writes lines holds: memory that is used again, and texts that came before. Of one thread. */
struct line_writer;
typedef struct line_writer line_writer_t;
/* Borrows the filter, which may be NULL. */
struct line_writer *line_writer_new(const struct line_options *options,
                                    const struct route_filter *filter);
void line_writer_free(struct line_writer *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(line_writer_t, line_writer_free)

/* Appends the lines of a record. What could not be read (static text), or NULL. */
const char *line_record(struct line_writer *writer, const struct mrt_record *record,
                        struct mrt_peers *peers, struct text_out *out);
const struct mrt_counts *line_counts(const struct line_writer *writer);
