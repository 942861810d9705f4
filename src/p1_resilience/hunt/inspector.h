/*
 * inspector.h: hunting in bytes that are at hand: the text of a message, of a document, of a member
 * of an archive. For whoever takes content apart, in the process that does it.
 *
 *     bytes, name ──> inspector ──> hits (hit.h), in order
 *
 * It opens nothing, starts nothing and holds no state between two contents; the table must be open
 * before a process is confined. Its memory is bounded by INSPECTOR_LINE_MAX, what it tells by the
 * caller's limit. The rules are those of scan.h. Belongs to one thread; the table may be shared.
 */
#pragma once
#include "p1_resilience/hunt/hit.h"

#define INSPECTOR_LINE_MAX ((gsize)64 << 20) /* bytes without the end of a line, or a space */

struct hunt_inspector_options {
    gboolean defanged; /* also what is written so that nobody clicks on it */
    struct hit_rule rule;
    guint64 hits_max; /* of one content; more are counted only; 0: no limit */
};

/* What came of one content. */
struct hunt_inspected {
    guint64 lines, hits, suppressed; /* hits: with those that were not told, without suppressed */
    guint64 untold;                  /* of both, above the limit */
    guint64 out_of_time;             /* assertions */
    guint64 passed_over;             /* bytes of runs longer than INSPECTOR_LINE_MAX: not hunted */
};

struct hunt_inspector;
typedef struct hunt_inspector hunt_inspector_t;

/* Borrows the table. */
struct hunt_inspector *hunt_inspector_new(const struct hunt_table *table,
                                          const struct hunt_inspector_options *options);
void hunt_inspector_free(struct hunt_inspector *inspector);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hunt_inspector_t, hunt_inspector_free)

/*
 * Hunts through one content, of any length; UTF-16 with its byte order mark is known. A hit's file
 * is `name`, its offset one of `bytes`; it is valid during the call of `take`, suppressed ones are
 * told too.
 */
void hunt_inspect(struct hunt_inspector *inspector, const char *name, const guint8 *bytes,
                  gsize length, hunt_hit_function take, gpointer data,
                  struct hunt_inspected *result);
