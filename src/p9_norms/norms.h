/*
 * norms.h: the norms and confidence-building measures that commitments name, and the published
 * figures of the Call's supporters (data/norms.yaml, data/supporters.csv).
 */
#pragma once
#include "finding/measure.h"

#include <glib.h>

enum norm_system_id { NORM_UN, NORM_GCSC, NORM_OSCE, NORM_UN_CBM, NORM_SYSTEMS };
#define NORMS 43 /* 11 + 8 + 16 + 8 */

struct norm_system {
    const char *name;      /* "un" */
    const char *reference; /* "A/70/174 paragraph 13" */
    struct text title;
};
extern const struct norm_system norm_systems[NORM_SYSTEMS];

struct norm {
    enum norm_system_id system;
    const char *id; /* "a".."k", or a number */
    struct text title;
    guint16 principles; /* bit n: principle n */
    gboolean unchecked; /* its wording was not compared with the source */
};
extern const struct norm norms[NORMS];

/* "un:g", "gcsc:1", "osce:16", "un-cbm:8"; NULL: there is none such. */
const struct norm *norm_find(const char *reference);

/* Figures as they were published ("1200+", "~350", ""): sourced statements, none of them ours. */
struct supporters {
    const char *date, *total, *states, *public_authorities, *civil_society, *companies, *source;
};
extern const struct supporters supporters[];
extern const gsize supporters_count;
