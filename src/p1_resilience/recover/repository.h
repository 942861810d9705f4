/*
 * repository.h: a backup's repository, reached by the tool that made it.
 *
 * The tool runs as a program, with an environment of its own (repository and password come that
 * way, so that no list of processes shows them) and a bound on its time. It only reads, without
 * locks, but for a canary. What goes wrong is one of few named troubles; its detail is what the
 * tool said, without secrets.
 */
#pragma once
#include "p1_resilience/recover/listing.h"
#include "profile/profile.h"
#include "sandbox/program.h"

enum trouble_kind {
    TROUBLE_NONE,
    TROUBLE_NOT_INSTALLED,
    TROUBLE_PASSWORD, /* it does not open the repository */
    TROUBLE_MISSING,  /* there is no repository */
    TROUBLE_LOCKED,
    TROUBLE_LATE, /* no answer in time: killed */
    TROUBLE_FULL, /* no space left */
    TROUBLE_DAMAGED,
    TROUBLE_ABSENT,    /* the file is not in the snapshot */
    TROUBLE_MALFORMED, /* it said what cannot be read */
    TROUBLE_OTHER,
};
const char *trouble_name(enum trouble_kind kind); /* "wrong-password", ... */

struct trouble {
    enum trouble_kind kind;
    char *detail;
};
void trouble_clear(struct trouble *trouble);
typedef struct trouble trouble_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(trouble_t, trouble_clear)
/* Always FALSE. */
gboolean trouble_set(struct trouble *trouble, enum trouble_kind kind, const char *detail);

/* How much of the store is read to check it. */
#define STORE_SHARES_MAX 256u /* what restic takes */
enum store_read { STORE_READ_ALL, STORE_READ_SHARE, STORE_READ_NOTHING };

struct store_check {
    enum store_read read;
    guint share, shares; /* STORE_READ_SHARE: the share-th of so many, STORE_SHARES_MAX at most */
    gint64 packs;        /* that were read; -1: the tool does not say */
};

enum append_only { APPEND_ONLY_UNKNOWN, APPEND_ONLY_OFF, APPEND_ONLY_ON };

struct repository;

/* All functions but `environment`: FALSE and a trouble. */
struct backup_tool {
    const char *name;
    const char *lost; /* what it writes for a byte that is no UTF-8 */
    /* Adds NAME=VALUE for the asset; `folder` is ours for its caches. */
    void (*environment)(const struct asset *asset, const char *folder, GPtrArray *environment);
    enum trouble_kind (*classify)(const char *said, int status);
    /* What it said on standard error as a sentence; owned by the caller. NULL: it is one. */
    char *(*sentence)(const char *said);
    gboolean (*snapshots)(const struct repository *, GPtrArray *snapshots, struct trouble *);
    gboolean (*list)(const struct repository *, const struct snapshot *, struct listing *,
                     struct trouble *);
    /* Streams files, by their paths as stored, one after the other in the order of the list;
     * `elapsed_us` is how long that took. Not more than `at_once` of them. */
    gboolean (*restore)(const struct repository *, const struct snapshot *,
                        const char *const *paths, program_fn take, gpointer data,
                        gint64 *elapsed_us, struct trouble *);
    guint at_once;
    gboolean (*check)(const struct repository *, struct store_check *, struct trouble *);
    /* When the oldest lock was taken; 0: none. */
    gboolean (*locks)(const struct repository *, gint64 *oldest_us, struct trouble *);
    enum append_only (*append_only)(const struct repository *);
    /* Adds a snapshot of a few bytes and tries to delete it. `deleted`: it is gone. NULL: a
     * deletion says nothing about whether the data is gone. */
    gboolean (*canary)(const struct repository *, gboolean *deleted, struct trouble *);
};
extern const struct backup_tool backup_tool_restic, backup_tool_borg;

struct repository {
    const struct backup_tool *tool;
    const char *location; /* borrowed from the asset */
    char *folder;         /* ours, for the tool's caches and the canary */
    char **environment;
    gint64 limit_us; /* of one run of the tool */
};
typedef struct repository repository_t;

/* Of a backup in the profile. `folder` is made when missing. */
struct repository *repository_open(const struct asset *asset, const char *folder, gint64 limit_us,
                                   GError **error);
void repository_close(struct repository *repository);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(repository_t, repository_close)

/* Whether it is a folder of this machine's file system. */
gboolean repository_is_folder(const char *location);
/* Whether it is reached over this machine's loopback: what is behind that cannot be seen. */
gboolean repository_is_loopback(const char *location);

/* For the tools: adds those of these variables that our own environment has. */
void repository_inherit(GPtrArray *environment, const char *const *names);

/*
 * For the tools: runs one with these arguments. TRUE when it ended with a status of at most
 * `fine`; else the trouble, and why. `result` (or NULL) is filled and is to be cleared.
 */
gboolean repository_run(const struct repository *repository, const char *const *arguments, int fine,
                        program_fn take, gpointer data, struct program_result *result,
                        struct trouble *trouble);
/* The same; a worker reads what it answers (answer.h). */
gboolean repository_hear(const struct repository *repository, const char *const *arguments,
                         const struct answer_form *form, told_fn tell, gpointer data,
                         struct trouble *trouble);
