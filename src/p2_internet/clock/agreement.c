#include "p2_internet/clock/agreement.h"

#include <stdlib.h>

enum edge_kind { EDGE_LOW = -1, EDGE_HIGH = 1 };

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
    struct edge *edges = g_new(struct edge, 2 * (gsize)count + 1); /* never NULL */

    for (guint i = 0; i < count; i++) {
        const struct clock_interval *one = &intervals[i];

        edges[2 * i] = (struct edge){ one->offset_us - one->distance_us, EDGE_LOW };
        edges[2 * i + 1] = (struct edge){ one->offset_us + one->distance_us, EDGE_HIGH };
    }
    qsort(edges, 2 * (gsize)count, sizeof *edges, compare);
    return edges;
}

/* Seen from one side (`step` 1: from below), where `wanted` intervals overlap for the first time.
 */
static gboolean find_end(const struct edge *edges, guint count, int step, guint wanted,
                         gint64 *at_us)
{
    guint overlap = 0;

    for (guint i = 0; i < count; i++) {
        const struct edge *edge = &edges[step > 0 ? i : count - 1 - i];

        overlap += (int)edge->kind == -step ? 1u : -1u;
        if (overlap == wanted) {
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

    return find_end(edges, 2 * count, 1, wanted, &agreement->low_us) &&
           find_end(edges, 2 * count, -1, wanted, &agreement->high_us);
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
