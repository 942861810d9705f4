/*
 * submission.h: one entry on its way: from the request through domain control and the writer to
 * publication and the answer.
 */
#pragma once
#include "node/service.h"
#include "statement/merkle.h"

enum submission_end {
    SUBMISSION_ADDED, /* or was there: at `index` */
    SUBMISSION_REFUSED,
    SUBMISSION_FULL,
    SUBMISSION_FAILED,
};

struct submission_job {
    gpointer log;
    struct node_later *later;
    GBytes *entry;
    struct merkle_hash leaf;
    char *domain, *id; /* claimed, and to be shown first; or NULL */
    gint64 until_us;   /* monotonic: when the answer is due */
    enum submission_end end;
    gboolean is_new;  /* not folded yet */
    gboolean is_hint; /* `index` is where it may be: only a path that verifies says so */
    guint64 index;
    char *reason, *detail; /* of a refusal */
};
