/*
 * hit_line.h: the matches of a log, as they come, made hits: where a table has patterns that ask
 * for several values, those of a line are kept until its end, so that each hit is told with the
 * knowledge of all of them (hit_terms.h). Other tables' hits are told at once.
 */
#pragma once
#include "p1_resilience/hunt/hit.h"

struct hit_line;
typedef struct hit_line hit_line_t;

/* Borrows the table and the rule. */
struct hit_line *hit_line_new(const struct hunt_table *table, const struct hit_rule *rule,
                              hunt_hit_function take, gpointer data);
void hit_line_free(struct hit_line *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hit_line_t, hit_line_free)

/*
 * The next match, in the order of (file, line); `hit`, `whole` and `repeated` as in hunt_hits().
 * hit->file has to stay; its address says which file it is. What comes with another line ends the
 * one before.
 */
void hit_line_add(struct hit_line *line, const struct hunt_hit *hit, gboolean whole,
                  gboolean repeated);
/* Tells what is kept: nothing more comes of this line. */
void hit_line_end(struct hit_line *line);

/* Assertions that were out of their time, so far. */
guint64 hit_line_out_of_time(const struct hit_line *line);
