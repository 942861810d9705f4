/*
 * exposure.h: how exposed a service is, 0.0 to 10.0, by the method of systemd-analyze security
 * (systemd 252), from unit files alone.
 *
 * Every setting that could confine the service has a weight and a badness; the exposure is
 * ceil(100 * sum(ceil(badness * weight / range)) / sum(weight)) tenths. What does not apply (as
 * RemoveIPC= of a root service) leaves both sums.
 */
#pragma once
#include "p7_hygiene/host/units.h"

struct exposure {
    guint tenths;         /* 96 is shown as 9.6 */
    guint bad, total;     /* the sums */
    const char *worst[5]; /* names of the settings that cost most, the most costly first */
};

struct exposure exposure_of(const struct unit *service);

/* "SAFE", "OK", "MEDIUM", "EXPOSED", "UNSAFE", "DANGEROUS", "PERFECT". */
const char *exposure_label(guint tenths);
