/*
 * ct_log.h: reads a log of certificates from where the last run ended, and believes none of it
 * unverified: the checkpoint is signed, the log begins with what was seen before, every entry is in
 * the tree of the checkpoint.
 *
 *     DATA/ct/LOG/state.json     where reading goes on, the last checkpoint, what was seen of ours
 *     DATA/ct/LOG/fork-HEX.json  two checkpoints that cannot both be true
 *
 * LOG is the first 16 hex digits of the log's id.
 */
#pragma once
#include "base/json.h"
#include "log/reader.h"
#include "p2_internet/ct/ct_certificate.h"
#include "p2_internet/ct/ct_key.h"

enum ct_consistency {
    CT_FIRST,      /* never seen before */
    CT_CONSISTENT, /* begins with what was seen before */
    CT_STALE,      /* older than what was seen before, and a beginning of it */
    CT_FORKED,     /* shows another past than before: `evidence` */
    CT_UNCHECKED,  /* was not reached, or its tiles were not there */
};
const char *ct_consistency_name(enum ct_consistency consistency);

struct ct_result {
    char *place;  /* as it was given */
    char *origin; /* as the log calls itself, now or in an earlier run; NULL: none was believed */
    guint64 size, from, until, unreadable;
    gint64 time_us; /* of the checkpoint, by the log */
    enum ct_consistency consistency;
    char *evidence; /* path of the fork's file; or NULL */
    GError *error;  /* why it was not read to its end; or NULL */
    json_t *seen;   /* all certificates of ours that were seen, also by earlier runs */
    guint fresh;    /* how many of them, the last ones, are new in this run */
};
void ct_result_clear(struct ct_result *result);

struct ct_options {
    const char *data;         /* folder */
    const GPtrArray *domains; /* struct ct_domain */
    guint64 limit;            /* entries to read at most; 0: all */
    gboolean from_end;        /* a log that was never seen is read from its end */
    gint64 now_us;
};

/*
 * Called when `count` new certificates (the last of result->seen) are there, before the place up to
 * which the log was read is kept: who is killed between sees them again. FALSE ends the run.
 */
typedef gboolean (*ct_news_fn)(const struct ct_result *result, guint count, gpointer data,
                               GError **error);

/* Never fails: what went wrong is result->error. Takes the source over. */
void ct_log_read(struct log_source source, const char *place, const struct ct_key *key,
                 const struct ct_options *options, ct_news_fn news, gpointer data,
                 struct ct_result *result);
