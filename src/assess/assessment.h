/*
 * assessment.h: all findings of one run under a stated catalogue, with scores: what reports show,
 * what is signed, what is compared with an earlier one.
 *
 * Made by assess_run() (assess.h) or read back from its document (assessment_json.h). Texts are
 * owned by the assessment unless said otherwise; measures are borrowed from the catalogue or, in
 * one read back, owned by it and without judges.
 */
#pragma once
#include "assess/score.h"
#include "finding/finding.h"
#include "finding/measure.h"

#include <glib.h>

#define ASSESSMENT_SCHEMA "entente/assessment/1"
#define ASSESSMENT_NONCE_SIZE 32

/* Members that nobody stated are NULL. */
struct assessment_signatory {
    char *id, *name, *group, *country, *domain;
};

struct assessment_run {
    char *id; /* "20261122T041500.123456Z-3f9a1c": also the folder's name under reports/ */
    gint64 started_us, ended_us;
    char *version;           /* of the program */
    char *catalogue;         /* "sha256:HEX" */
    char *catalogue_version; /* "2026.11" */
    char *signer;            /* who will sign the document: "NAME+HEX8"; or NULL */
    char *profile_sha256;    /* hex, or NULL */
    char *root;              /* the tree given with --root, or NULL: the running machine */
    guint8 nonce[ASSESSMENT_NONCE_SIZE]; /* salts of the commitments are derived from it */
};

struct assessed_asset {
    char *id;   /* "host:NAME" */
    char *kind; /* "host", "signatory", ... */
    char *name;
    guint criticality; /* enum criticality */
};

/* Beside the real outcome, which it never changes. */
struct waiver {
    char *by, *reason; /* `by` may be NULL */
    gint64 until_us;
    gboolean expired; /* when the assessment was made */
};

struct assessed_finding {
    struct finding *finding;               /* owned */
    const struct measure *measure;         /* of finding->measure */
    struct waiver *waiver;                 /* owned, or NULL */
    gint64 first_seen_us, last_changed_us; /* 0: unknown */
};

/* One earlier run, for the trend; SCORE_NONE where nothing was measured. */
struct trend_point {
    gint64 time_us;
    int score[PRINCIPLES], coverage[PRINCIPLES];
    guint failing[PRINCIPLES];
};

struct assessment {
    struct assessment_run run;
    struct assessment_signatory signatory;
    GPtrArray *measures; /* const struct measure *, ordered by id */
    GPtrArray *assets;   /* struct assessed_asset */
    GPtrArray *findings; /* struct assessed_finding, ordered by measure, then asset */
    GArray *trend;       /* struct trend_point, newest last */
    struct score scores[PRINCIPLES];
    struct json_t *hunts;    /* which logs were searched, and found (hunt_record.h); or NULL */
    GStringChunk *texts;     /* of measures read back; or NULL */
    GPtrArray *own_measures; /* measures read back; or NULL */
};

struct assessment *assessment_new(void);
void assessment_free(struct assessment *assessment);
typedef struct assessment assessment_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(assessment_t, assessment_free)

/* An asset; gives its index. */
guint assessment_add_asset(struct assessment *assessment, const char *kind, const char *name,
                           guint criticality);

/* Takes `finding`; its measure and asset must be there already. Borrowed result. */
struct assessed_finding *assessment_add_finding(struct assessment *assessment,
                                                const struct measure *measure,
                                                struct finding *finding);

void waiver_free(struct waiver *waiver);

/* By id; NULL when the run did not have it. */
const struct measure *assessment_measure(const struct assessment *assessment, const char *id);

/* Computes `scores` from the findings of our own (not the imported ones). */
void assessment_score(struct assessment *assessment);

/* Failing findings of our own on any asset, grouped by measure, the most valuable first. */
struct fix_value {
    const struct measure *measure;
    guint assets;  /* on how many it fails */
    guint64 value; /* twice severity weight times criticality, summed; once for a warning */
};
/* GArray of struct fix_value, owned by the caller. Waivers in force take a finding out. */
GArray *assessment_fixes(const struct assessment *assessment);
