/*
 * agreement.h: which of several clocks tell the truth, and what it is: the intersection algorithm
 * of RFC 5905 section 11.2.1. The true time lies in the interval of each good clock; the largest
 * group whose intervals have a point in common, if it is a majority, is believed.
 */
#pragma once
#include <glib.h>

struct clock_interval {
    gint64 offset_us, distance_us; /* offset +- distance */
    gboolean agrees;               /* set: it shares the interval that was found */
};

struct clock_agreement {
    gboolean majority; /* more than half of the clocks agree; else nothing below is set */
    guint agreeing;
    gint64 low_us, high_us; /* the interval that they share */
    gint64 offset_us;       /* their mean, weighted by 1 / distance */
};

void clock_agree(struct clock_interval *intervals, guint count, struct clock_agreement *agreement);
