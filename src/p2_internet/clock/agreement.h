/*
 * agreement.h: which of several clocks tell the truth, and what it is: Marzullo's algorithm, on
 * which the selection of RFC 5905 section 11.2.1 builds. The true time lies in the interval of each
 * good clock; the largest group whose intervals have a point in common, if it is a majority, is
 * believed. The RFC also wants the middles of all intervals in what they share: that would refuse a
 * near clock beside far ones, whose intervals are wide and whose middles mean nothing.
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
