/*
 * listing.h: what a backup tool says is in its repository: snapshots, and the files of one.
 *
 * Paths are keys: without a leading '/', and with the tool's own word for a byte that is no UTF-8,
 * since both tools replace such bytes where they list files. Two files of one key are ambiguous.
 */
#pragma once
#include "p1_resilience/recover/answer.h"

struct snapshot {
    char *id;       /* restic: 64 hex digits; borg: the archive's name */
    gint64 time_us; /* when it began */
    char **paths;   /* what it was asked to cover; NULL: the tool does not say */
};
struct snapshot *snapshot_new(const char *id, gint64 time_us, char **paths);
void snapshot_free(struct snapshot *snapshot);
/* For repository_hear(): into an array of them. */
void snapshots_tell(const struct told *told, gpointer snapshots);
/* Newest first. */
void snapshots_sort(GPtrArray *snapshots);

struct listed {
    gint64 size;      /* -1: the tool does not say (a further name of a file) */
    gint64 mtime_us;  /* 0: unknown */
    char type;        /* '-' file, 'd' folder, 'l' link, '?' other */
    gboolean damaged; /* the tool says that bytes of it are lost */
    gboolean ambiguous;
    guint64 order; /* in the tool's list */
};

struct listing {
    GHashTable *entries; /* key to struct listed */
    GHashTable *aliases; /* key to the key of the file it is a further name of */
    guint64 files, bytes;
    guint64 damaged;
};
struct listing *listing_new(void);
void listing_free(struct listing *listing);
typedef struct listing listing_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(listing_t, listing_free)

/* For repository_hear(): into a listing. */
void listing_tell(const struct told *told, gpointer listing);
/* `path` as the tool wrote it. */
void listing_add(struct listing *listing, const char *path, const struct listed *listed);
/* A further name of a file, which the tool stores once. */
void listing_alias(struct listing *listing, const char *path, const char *of);
const char *listing_alias_of(const struct listing *listing, const char *key); /* or NULL */
const struct listed *listing_find(const struct listing *listing, const char *key);

/* The key of a path on disk. `lost`: what the tool writes for a byte that is no UTF-8. */
char *listing_key(const char *path, const char *lost);

/* How a snapshot differs from the one before. */
struct listing_change {
    guint64 before;  /* files that were there */
    guint64 gone;    /* not there any more */
    guint64 changed; /* of another size or time */
    guint64 added;
};
struct listing_change listing_compare(const struct listing *before, const struct listing *now);
