/*
 * retro.h: the logs of the profile, searched again and again: what they gained for all indicators,
 * and all of them for indicators that are new.
 *
 *     tables as before    only what a file gained since (from the last whole line on)
 *     other tables        the whole file; hits that were told before are no news
 *     file cut, replaced  the whole file; so is one that was rotated with compression, whose hits
 *                         are known by their lines
 *
 * A log is a file and what it was rotated into beside it (NAME.*, NAME-*), or a folder. A line that
 * is still being written is left for the next time.
 *
 * A hit is recorded (retro_store.h), then noted in the journal (kind "hunt-hit", once for an
 * indicator in a log and a search), then it opens an alarm or is added to an open one; killed
 * anywhere between, the next search goes on where this one stopped.
 */
#pragma once
#include "p1_resilience/hunt/hunt_table.h"
#include "p1_resilience/hunt/retro_store.h"
#include "profile/profile.h"

#define RETRO_TABLES "hunt"                   /* DATA/hunt/NAME.table: installed tables */
#define RETRO_ALARM_WORDS " seen in the log " /* in the title of every alarm */
#define RETRO_EVENT_HIT "hunt-hit"

/* Paths of the installed tables, in order of their names; ends with NULL. */
char **hunt_retro_tables(const char *data_folder);

/* One digest for all tables together. */
void hunt_retro_digest(const struct hunt_table *table, guint8 digest[RETRO_DIGEST]);

struct hunt_retro {
    const char *data_folder;
    const struct profile *profile;
    const struct hunt_table *table;
    guint threads; /* 0: as many as processors */
    /* Opens an alarm, or adds to the open one of the topic. */
    gboolean (*alarm)(const char *topic, const char *severity, const char *text, gint64 now_us,
                      gpointer data, GError **error);
    void (*found)(const struct retro_group *group, gpointer data);        /* or NULL */
    void (*unread)(const char *name, const char *problem, gpointer data); /* or NULL */
    gpointer data;
};

struct hunt_retro_summary {
    guint64 logs, files, searched, unread; /* searched: of the files, those that had something */
    guint64 bytes, lines, hits;            /* read now; new hits */
};

/* FALSE: it could not go on; what was done stays done. */
gboolean hunt_retro_run(const struct hunt_retro *retro, struct hunt_retro_summary *summary,
                        GError **error);
