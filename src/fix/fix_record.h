/*
 * fix_record.h: what the data folder keeps of each plan: fixes/<plan hash>/.
 *
 *     plan.json     the plan's canonical bytes; their SHA-256 is the folder's name
 *     backup.json   mode, owner, times, extended attributes of what will be changed
 *     backup/N      content of the N-th edit's old file, or target of its old link
 *     state.json    the stage, and the time at which an unconfirmed plan is undone
 *
 * All are written durably; state.json is the write-ahead record. "applying" is written when the
 * backups are complete and before the first change, so every file is then as the plan's `old` or
 * `new` says, or between in mode and owner.
 */
#pragma once
#include "fix/fix_plan.h"

enum fix_stage {
    FIX_PLANNED,
    FIX_APPLYING,
    FIX_APPLIED,
    FIX_CONFIRMED,
    FIX_UNDOING,
    FIX_UNDONE,
};
const char *fix_stage_name(enum fix_stage stage); /* "planned", "applying", ... */

struct fix_record {
    char *folder;
    struct fix_plan *plan;
    enum fix_stage stage;
    gint64 changed_us;  /* when the stage was entered */
    gint64 deadline_us; /* when FIX_APPLIED is undone; 0 for never */
};
void fix_record_free(struct fix_record *record);
typedef struct fix_record fix_record_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(fix_record_t, fix_record_free)

/* One program at a time changes anything: waits for the lock; closing the descriptor gives it back.
 */
int fix_store_lock(const char *store, GError **error);

/* Saves a plan (once; the hash names it) and gives its record. `store` is the folder fixes/. */
struct fix_record *fix_record_new(const char *store, struct fix_plan *plan, GError **error);

/* By hash or by its first digits (8 at least); checks that the plan is what its hash says. */
struct fix_record *fix_record_find(const char *store, const char *hash, GError **error);

/* A plan in the store that cannot be read: cut off, changed, of another version. */
struct fix_damage {
    char *hash; /* name of its folder */
    char *what; /* which file, why, and what to do; not escaped */
};
void fix_damage_free(struct fix_damage *damage);

/*
 * All records (of struct fix_record) that can be read, oldest change first. The others stop nobody:
 * they are added to `damaged` (of struct fix_damage; or NULL).
 */
GPtrArray *fix_record_list(const char *store, GPtrArray *damaged);

gboolean fix_record_enter(struct fix_record *record, enum fix_stage stage, gint64 deadline_us,
                          GError **error);

gboolean fix_record_backup(const struct fix_record *record, const struct fix_tree *tree,
                           GError **error);
/* The old state of the N-th edit, with content, and what else is to be restored. */
gboolean fix_record_restore(const struct fix_record *record, guint index, struct fix_state *old,
                            struct fix_extra **extra, GError **error);
