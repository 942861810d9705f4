/*
 * routes_merge.h: what several recordings say, in order of time.
 *
 *     file 1 (MRT) ──┐
 *     file 2 (BMP) ──┼─ the one whose next element is the oldest ─> elements
 *     file 3 (RIS) ──┘
 *
 * Each file keeps its own order: where its times go back, the latest before counts. Of several that
 * are as old, the first file's comes first. So the same files give the same elements.
 */
#pragma once
#include "p2_internet/routes/routes_feed.h"
#include "stream/input.h"

#define ROUTES_MERGE_FEED "files" /* the feed of what does not say which it is of */
#define ROUTES_MERGE_PROBLEMS 3   /* of an input that are told in full; others are counted */

struct routes_merge_calls {
    /* FALSE stops. `feed` and the element are borrowed during the call. */
    gboolean (*put)(const char *feed, const struct route_element *element, gpointer data);
    /* What cannot be read, at which byte of the unpacked file. */
    void (*tell)(const struct input *input, guint64 offset, const char *problem, gpointer data);
    gpointer data;
};

struct routes_merge_summary {
    guint64 files, bytes; /* bytes: unpacked */
    guint64 problems;     /* told or not */
    gboolean stopped;
};

/* Inputs (struct input) are open; those that are not are passed over. `views`: enum bmp_view. */
void routes_merge(const GPtrArray *inputs, guint views, const struct routes_merge_calls *calls,
                  struct routes_merge_summary *summary);
