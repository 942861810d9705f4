#include "p2_internet/routes/watch_private.h"

#include <stdlib.h>
#include <string.h>

#define LOW_FOR_US ((gint64)60 * G_USEC_PER_SEC) /* visibility: while routes settle */
#define SETTLED_SAMPLES 3 /* fewer tell less than the highest that was seen */

/* --- visibility --- */

struct visible *watch_visible_of(const struct watch *watch, const struct ip_prefix *prefix)
{
    return g_hash_table_lookup(watch->by_prefix, prefix);
}

static gint compare_counts(gconstpointer a, gconstpointer b)
{
    const guint left = *(const guint *)a, right = *(const guint *)b;

    return (left > right) - (left < right);
}

/* How many peers had it: the median of a day's hours, or the most that were seen. */
static guint visible_before(const struct visible *visible)
{
    guint sorted[SAMPLES];

    if (visible->n_samples < SETTLED_SAMPLES)
        return visible->highest;
    memcpy(sorted, visible->samples, visible->n_samples * sizeof *sorted);
    qsort(sorted, visible->n_samples, sizeof *sorted, compare_counts);
    return sorted[visible->n_samples / 2];
}

/* A peer that is gone sees nothing, and is no longer one of those who had it. */
void watch_visible_without_peer(struct visible *visible)
{
    visible->highest -= visible->highest > 0;
    for (guint i = 0; i < visible->n_samples; i++)
        visible->samples[i] -= visible->samples[i] > 0;
}

void watch_visible_with_peer(struct visible *visible)
{
    visible->highest++;
    for (guint i = 0; i < visible->n_samples; i++)
        visible->samples[i]++;
}

void watch_visible_sample(struct visible *visible)
{
    visible->samples[visible->next_sample] = visible->count;
    visible->next_sample = (visible->next_sample + 1) % SAMPLES;
    visible->n_samples = MIN(visible->n_samples + 1, SAMPLES);
}

/* Since when it is low is kept by the way. */
gboolean watch_visible_is_low(const struct watch *watch, struct visible *visible)
{
    const guint before = visible_before(visible);
    const gboolean is_low = before && (guint64)visible->count * 100 <
                                          (guint64)before * watch->options.visibility_percent;

    if (!is_low)
        visible->low_since_us = 0;
    else if (!visible->low_since_us)
        visible->low_since_us = watch->now_us;
    return is_low;
}

void watch_visible_weigh(struct watch *watch, struct visible *visible)
{
    const gboolean is_low = watch_visible_is_low(watch, visible);
    const struct watch_finding finding = { WATCH_VISIBILITY, visible->prefix->name, FALSE, 0 };
    struct incident *incident;

    if (is_low && watch->now_us - visible->low_since_us < LOW_FOR_US)
        return;
    incident = watch_incident_of(watch, &finding, &visible->prefix->prefix, is_low);
    if (!incident)
        return;
    if (is_low && !incident->is_open)
        incident->first_us = visible->low_since_us;
    incident->counted = is_low ? visible_before(visible) - visible->count : 0;
    incident->last_us = is_low ? watch->now_us : incident->last_us;
    watch_incident_weigh(watch, incident);
}

/* --- feeds --- */

struct feed *watch_feed_of(struct watch *watch, const char *name, gint64 now_us)
{
    struct feed *feed;

    for (guint i = 0; i < watch->feeds->len; i++) {
        feed = watch->feeds->pdata[i];
        if (g_str_equal(feed->name, name))
            return feed;
    }
    feed = g_new0(struct feed, 1);
    feed->name = g_strdup(name);
    feed->last_us = now_us;
    g_ptr_array_add(watch->feeds, feed);
    return feed;
}

void watch_expect(struct watch *watch, const char *name, gint64 now_us)
{
    watch_feed_of(watch, name, now_us);
}

void watch_expect_only(struct watch *watch, gboolean (*is_used)(const char *feed, gpointer data),
                       gpointer data)
{
    for (guint i = 0; i < watch->feeds->len; i++) {
        struct feed *feed = watch->feeds->pdata[i];

        feed->is_unused = !is_used(feed->name, data);
    }
}

void watch_hear(struct watch *watch, const char *name, gint64 now_us)
{
    struct feed *feed = watch_feed_of(watch, name, now_us);

    feed->last_us = MAX(feed->last_us, now_us);
}

void watch_feed_weigh(struct watch *watch, struct feed *feed)
{
    const gboolean is_silent =
        !feed->is_unused && watch->now_us - feed->last_us > watch->options.silence_us;
    const struct watch_finding finding = { WATCH_SILENCE, feed->name, FALSE, 0 };
    struct incident *incident;

    incident = watch_incident_of(watch, &finding, NULL, is_silent);
    if (!incident)
        return;
    if (is_silent && !incident->counted)
        incident->first_us = feed->last_us;
    incident->counted = is_silent;
    incident->last_us = watch->now_us;
    watch_incident_weigh(watch, incident);
    if (!is_silent) /* it speaks: over at once */
        incident->quiet_us = 1;
}
