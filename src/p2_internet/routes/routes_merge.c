#include "p2_internet/routes/routes_merge.h"

#include "p2_internet/routes/route_queue.h"
#include "stream/input_stream.h"

#define PIECE ((gsize)64 << 10) /* bytes of an input that are read at a time */

struct merge {
    guint views;
    const struct routes_merge_calls *calls;
    struct routes_merge_summary *summary;
    guint8 *piece;
    gboolean alone; /* all inputs but one have nothing more: it need not wait for others */
};

struct source {
    struct merge *merge;
    struct input *input;
    struct input_stream *stream;
    struct routes_feed *feed;
    struct route_queue *queue;
    gint64 last_us; /* the latest time of what was put */
    guint64 bytes, problems;
    gboolean is_over;
};

static void source_free(gpointer data)
{
    struct source *source = data;

    input_stream_free(source->stream);
    routes_feed_free(source->feed);
    route_queue_free(source->queue);
    g_free(source);
}

/* ---- one input */

static void put(struct source *source, const char *feed, const struct route_element *element)
{
    struct merge *merge = source->merge;

    source->last_us = MAX(source->last_us, element->time_us);
    if (!merge->summary->stopped && !merge->calls->put(feed, element, merge->calls->data))
        merge->summary->stopped = TRUE;
}

static void hear(const char *feed, const struct route_element *element, gpointer data)
{
    struct source *source = data;
    const char *unused;

    if (source->merge->alone && !route_queue_first(source->queue, &unused))
        put(source, feed, element);
    else
        route_queue_add(source->queue, feed, element);
}

static void tell(struct source *source, guint64 offset, const char *problem)
{
    const struct routes_merge_calls *calls = source->merge->calls;

    source->merge->summary->problems++;
    if (source->problems++ < ROUTES_MERGE_PROBLEMS)
        calls->tell(source->input, offset, problem, calls->data);
}

/* Of those that a piece had the last is told, and all are counted. */
static void tell_of_piece(struct source *source)
{
    struct routes_feed_counts counts;
    const char *problem;
    guint64 offset, new;

    routes_feed_count(source->feed, &counts);
    new = counts.problems > source->problems ? counts.problems - source->problems : 0;
    if (!new)
        return;
    source->merge->summary->problems += new - 1;
    source->problems += new - 1;
    problem = routes_feed_problem(source->feed, &offset);
    tell(source, offset, problem ? problem : "cannot be read");
}

static void finish(struct source *source, gboolean is_broken)
{
    const char *packing = input_stream_problem(source->stream), *problem;
    guint64 offset;

    if (!is_broken && source->bytes)
        is_broken = !routes_feed_end(source->feed, source->last_us, NULL);
    if (packing)
        tell(source, source->bytes, packing);
    else if (is_broken && (problem = routes_feed_problem(source->feed, &offset)) != NULL)
        tell(source, offset, problem);
    source->is_over = TRUE;
    source->merge->summary->files++;
    source->merge->summary->bytes += source->bytes;
}

/* Until it has something to say, or nothing more. */
static void read_on(struct source *source)
{
    struct merge *merge = source->merge;
    const char *unused;

    while (!source->is_over && !merge->summary->stopped &&
           !route_queue_first(source->queue, &unused)) {
        const gsize length = input_stream_fill(source->stream, merge->piece, PIECE);

        if (length) {
            const gboolean reads =
                routes_feed_take(source->feed, merge->piece, length, source->last_us, NULL);

            source->bytes += length;
            tell_of_piece(source);
            if (!reads)
                finish(source, TRUE);
        } else {
            finish(source, FALSE);
        }
    }
}

/* ---- all */

/* When the next of it counts as said. FALSE: it has nothing more. */
static gboolean next_time(const struct source *source, gint64 *time_us)
{
    const char *unused;
    const struct route_element *element = route_queue_first(source->queue, &unused);

    if (!element)
        return FALSE;
    *time_us = MAX(source->last_us, element->time_us);
    return TRUE;
}

/* Puts what `source` says before anybody else's turn: up to `until_us`, with that or without. */
static void put_run(struct source *source, gint64 until_us, gboolean inclusive)
{
    const struct route_element *element;
    const char *feed;
    gint64 time_us;

    while (next_time(source, &time_us) &&
           (time_us < until_us || (inclusive && time_us == until_us))) {
        element = route_queue_first(source->queue, &feed);
        put(source, feed, element);
        route_queue_drop(source->queue);
        read_on(source);
    }
}

/* The one whose turn it is, and until when; NULL: all are over. */
static struct source *choose(const GPtrArray *sources, gint64 *until_us, gboolean *inclusive)
{
    struct source *chosen = NULL;
    gint64 chosen_us = G_MAXINT64, time_us;
    guint waiting = 0;

    *until_us = G_MAXINT64;
    *inclusive = TRUE;
    for (guint i = 0; i < sources->len; i++) {
        struct source *source = sources->pdata[i];

        if (!next_time(source, &time_us))
            continue;
        waiting++;
        if (!chosen || time_us < chosen_us) {
            if (chosen) {
                *until_us = chosen_us;
                *inclusive = FALSE; /* the other stands before it */
            }
            chosen = source;
            chosen_us = time_us;
        } else if (time_us < *until_us) {
            *until_us = time_us;
            *inclusive = TRUE;
        }
    }
    if (chosen)
        chosen->merge->alone = waiting == 1;
    return chosen;
}

void routes_merge(const GPtrArray *inputs, guint views, const struct routes_merge_calls *calls,
                  struct routes_merge_summary *summary)
{
    g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(source_free);
    g_autofree guint8 *piece = g_malloc(PIECE);
    struct merge merge = { .views = views, .calls = calls, .summary = summary, .piece = piece };
    struct source *source;
    gboolean inclusive;
    gint64 until_us;

    *summary = (struct routes_merge_summary){ 0 };
    for (guint i = 0; i < inputs->len; i++) {
        struct input *input = inputs->pdata[i];

        if (input->fd < 0)
            continue;
        source = g_new0(struct source, 1);
        source->merge = &merge;
        source->input = input;
        source->stream = input_stream_new(input);
        source->feed = routes_feed_new(ROUTES_MERGE_FEED, views, hear, source);
        source->queue = route_queue_new();
        g_ptr_array_add(sources, source);
    }
    for (guint i = 0; i < sources->len; i++)
        read_on(sources->pdata[i]);
    while (!summary->stopped && (source = choose(sources, &until_us, &inclusive)) != NULL)
        put_run(source, until_us, inclusive);
}
