/*
 * retro_store.h: what was searched in the logs of the profile, and found: DATA/hunt.db.
 *
 *     searched  of each file of a log, by device and inode: up to where, with which tables, and
 *               digests of its beginning and of what lies before that place, by which a file that
 *               was cut, replaced or written anew is told from one that grew
 *     seen      keyed digests of hits: what was told once is no news in a rotated copy
 *     hit       the hits, with tokens and without lines, for RETRO_DAYS; told: 0 until the journal
 *               and an alarm have them
 *     log       when each log was searched last, with which tables, and what could not be read
 *
 * Hits and the place up to which a file was searched are one transaction: killed at any moment, a
 * search that is done again finds what is not there, and nothing twice.
 */
#pragma once
#include "p1_resilience/hunt/hit.h"
#include "store/store.h"

#define RETRO_FILE "hunt.db"
#define RETRO_DAYS 365 /* a hit is kept */
#define RETRO_DIGEST 32

struct retro_store;
typedef struct retro_store retro_store_t;

struct retro_store *retro_store_open(const char *data_folder, GError **error);
/* NULL without an error: nothing was ever searched. */
struct retro_store *retro_store_open_existing(const char *data_folder, GError **error);
void retro_store_close(struct retro_store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(retro_store_t, retro_store_close)

/* Up to where a file was searched. */
struct retro_place {
    guint64 device, inode;
    guint64 offset, lines; /* whole lines before it */
    guint64 size;
    gint64 changed_us;
    guint8 head[RETRO_DIGEST], tail[RETRO_DIGEST];
    guint8 origin[RETRO_DIGEST]; /* the head when the file was first searched; grown, it keeps it */
    guint8 tables[RETRO_DIGEST];
};

/* By device and inode, which are set; `known` FALSE: this log has no such file yet. */
gboolean retro_store_place(struct retro_store *store, const char *log, struct retro_place *place,
                           gboolean *known, GError **error);

/* A hit to be recorded; copied from the scan's. */
struct retro_hit {
    char *file, *indicator, *token, *sources;
    const char *kind, *tlp; /* static */
    guint64 line, offset;
    gint64 time_us;
    guint confidence;
};
void retro_hit_free(struct retro_hit *hit);
struct retro_hit *retro_hit_copy(const struct hunt_hit *hit);

/* What was found in one file. */
struct retro_found {
    const char *log;                 /* the asset's name */
    const char *stem;                /* the file's path without what rotation adds */
    gboolean is_copy;                /* a rotated one: its lines were there before, elsewhere */
    const struct retro_place *place; /* NULL: it has to be searched again */
    const GPtrArray *hits;           /* struct retro_hit * */
};

/* Records what is new; `fresh` receives how many hits were. */
gboolean retro_store_record(struct retro_store *store, const struct retro_found *found,
                            gint64 now_us, guint64 *fresh, GError **error);

/* Hits of one indicator in one log that nobody was told of. */
struct retro_group {
    gint64 first_id, last_id;
    char *log, *kind, *indicator, *sources, *tlp, *file;
    guint64 count, line;      /* of the first hit */
    gint64 first_us, last_us; /* HIT_TIME_NONE: no line has a time */
    guint confidence;
};
void retro_group_free(struct retro_group *group);
GPtrArray *retro_store_untold(struct retro_store *store, GError **error);
gboolean retro_store_told(struct retro_store *store, const struct retro_group *group,
                          GError **error);

/* A log was searched to its end, or as far as it could be read. */
gboolean retro_store_searched(struct retro_store *store, const char *log, const guint8 *tables,
                              guint64 unread, gint64 now_us, GError **error);

/* When a log was last searched, with which tables; FALSE in `known`: never. */
struct retro_log {
    guint8 tables[RETRO_DIGEST];
    guint64 unread;
    gint64 time_us;
};
gboolean retro_store_log(struct retro_store *store, const char *log, struct retro_log *state,
                         gboolean *known, GError **error);

/* Hits of one indicator in one log on one day: that of the lines, or else that they were found. */
struct retro_day {
    const char *log, *kind, *indicator, *tlp; /* borrowed */
    gint64 day;                               /* since 1 January 1970, UTC */
    guint64 hits;
};
typedef void (*retro_day_function)(const struct retro_day *day, gpointer data);

/* All that are kept, ordered by log, kind, indicator, level and day. */
gboolean retro_store_days(struct retro_store *store, retro_day_function take, gpointer data,
                          GError **error);

/* Erases hits that are older than RETRO_DAYS. */
gboolean retro_store_expire(struct retro_store *store, gint64 now_us, GError **error);
