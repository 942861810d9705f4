/*
 * diff.h: what changed from one assessment to another.
 *
 * Findings are matched by measure, asset and source. A measure that the older catalogue did not
 * have is new, whatever it says: it was not looked at before, so nothing about it got worse.
 */
#pragma once
#include "assess/assessment.h"

#include <glib.h>

enum change_kind {
    CHANGE_FAILING,     /* fails now, and did not */
    CHANGE_FIXED,       /* failed or warned, and passes now or no longer applies */
    CHANGE_OUTCOME,     /* another change of the outcome: warns now, was not measured, ... */
    CHANGE_UNSEEN,      /* was judged, and is not measured or an error now */
    CHANGE_EVIDENCE,    /* still fails or warns, for something else */
    CHANGE_ADDED,       /* a new measure of the catalogue */
    CHANGE_REMOVED,     /* the catalogue no longer has the measure */
    CHANGE_ASSET_ADDED, /* an asset that was not assessed before */
    CHANGE_ASSET_REMOVED,
    CHANGE_KINDS,
};
const char *change_kind_name(enum change_kind kind); /* "failing", "fixed", ... */

struct change {
    enum change_kind kind;
    const struct measure *measure;
    const char *asset;            /* "host:web1" */
    const struct finding *before; /* NULL when it was not there */
    const struct finding *after;  /* NULL when it is gone */
    gboolean rejudged; /* the measure's version changed: perhaps only the judgement did */
};

/* Borrows from both assessments, which must outlive it. */
struct diff {
    const struct assessment *before, *after;
    gboolean catalogue_changed;
    GArray *changes; /* of struct change, by kind, then severity (highest first), measure, asset */
    guint counts[CHANGE_KINDS];
};

struct diff *diff_new(const struct assessment *before, const struct assessment *after);
void diff_free(struct diff *diff);
typedef struct diff diff_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(diff_t, diff_free)

/* Whether something of at least `least` is newly failing, on old assets or new ones. */
gboolean diff_has_failing(const struct diff *diff, enum severity least);

/* For the terminal (everything escaped), and as a document "entente/diff/1". Owned by the caller.
 */
char *diff_format_text(const struct diff *diff, gboolean french, gboolean colour, guint width);
char *diff_format_json(const struct diff *diff);
