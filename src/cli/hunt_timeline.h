/*
 * hunt_timeline.h: hits over time, as one HTML page: a row for each indicator, the most frequent
 * first, and a bar for each part of the time in which its lines were written.
 *
 * The page runs nothing and loads nothing (its CSP allows its own style sheet alone); what comes
 * from logs and feeds stands in text nodes only, escaped. Tokens, no lines.
 */
#pragma once
#include "p1_resilience/hunt/scan_files.h"

struct hunt_timeline;
typedef struct hunt_timeline hunt_timeline_t;
struct hunt_timeline *hunt_timeline_new(void);
void hunt_timeline_free(struct hunt_timeline *timeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hunt_timeline_t, hunt_timeline_free)

void hunt_timeline_add(struct hunt_timeline *timeline, const struct hunt_hit *hit);

/* Owned by the caller. */
char *hunt_timeline_html(const struct hunt_timeline *timeline,
                         const struct hunt_scan_summary *summary, gboolean french);
