#include "p2_internet/clock/agreement.h"

#include <string.h>

enum edge_kind { EDGE_LOW = -1, EDGE_MIDDLE, EDGE_HIGH };

struct edge {
    gint64 at_us;
    enum edge_kind kind;
};

static int compare(const void *a, const void *b)
{
    const struct edge *first = a, *second = b;

    if (first->at_us != second->at_us)
        return first->at_us < second->at_us ? -1 : 1;
    return (int)first->kind - (int)second->kind;
}

static struct edge *sorted_edges(const struct clock_interval *intervals, guint count)
{
    struct edge *edges = g_new(struct edge, 3 * (gsize)count);

    for (guint i = 0; i < count; i++)
        for (int kind = EDGE_LOW; kind <= EDGE_HIGH; kind++)
            edges[3 * i + (guint)(kind + 1)] =
                (struct edge){ intervals[i].offset_us + kind * intervals[i].distance_us, kind };
    qsort(edges, 3 * (gsize)count, sizeof *edges, compare);
    return edges;
}

/*
 * Seen from one side (`step` 1: from below), where `wanted` intervals overlap for the first time;
 * `passed` grows by the midpoints that lie outside.
 */
static gboolean find_end(const struct edge *edges, guint count, int step, guint wanted,
                         gint64 *at_us, guint *passed)
{
    guint overlap = 0;

    for (guint i = 0; i < count; i++) {
        const struct edge *edge = &edges[step > 0 ? i : count - 1 - i];

        if (edge->kind == EDGE_MIDDLE)
            ++*passed;
        else if ((int)edge->kind == -step)
            overlap++;
        else
            overlap--;
        if (overlap >= wanted) {
            *at_us = edge->at_us;
            return TRUE;
        }
    }
    return FALSE;
}

/* With at most `false_ones` that lie. */
static gboolean find(const struct edge *edges, guint count, guint false_ones,
                     struct clock_agreement *agreement)
{
    const guint wanted = count - false_ones;
    guint passed = 0;

    return find_end(edges, 3 * count, 1, wanted, &agreement->low_us, &passed) &&
           find_end(edges, 3 * count, -1, wanted, &agreement->high_us, &passed) &&
           passed <= false_ones && agreement->low_us <= agreement->high_us;
}

static void average(struct clock_interval *intervals, guint count,
                    struct clock_agreement *agreement)
{
    double sum = 0, weights = 0;

    for (guint i = 0; i < count; i++) {
        struct clock_interval *one = &intervals[i];
        const double weight = 1.0 / (double)MAX(one->distance_us, 1);

        one->agrees = one->offset_us + one->distance_us >= agreement->low_us &&
                      one->offset_us - one->distance_us <= agreement->high_us;
        if (!one->agrees)
            continue;
        agreement->agreeing++;
        sum += weight * (double)one->offset_us;
        weights += weight;
    }
    agreement->offset_us = (gint64)(sum / weights);
}

void clock_agree(struct clock_interval *intervals, guint count, struct clock_agreement *agreement)
{
    g_autofree struct edge *edges = sorted_edges(intervals, count);

    *agreement = (struct clock_agreement){ 0 };
    for (guint i = 0; i < count; i++)
        intervals[i].agrees = FALSE;
    for (guint i = 0; 2 * i < count && !agreement->majority; i++)
        agreement->majority = find(edges, count, i, agreement);
    if (agreement->majority)
        average(intervals, count, agreement);
    else
        agreement->low_us = agreement->high_us = 0;
}
