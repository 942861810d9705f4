/*
 * drill_held.h: a drill from its dice to its signed record: for the command and the node alike.
 */
#pragma once
#include "p1_resilience/recover/custody.h"
#include "p1_resilience/recover/drill.h"

#define DRILL_ID_SIZE 32

/* Where it is held; borrowed. */
struct drill_setting {
    const char *data;
    const struct profile *profile;
    const struct recover_log *log;
    const struct signing_key *key;
    gint64 limit_us; /* of one run of the tool; 0: six hours */
};

struct drill_held {
    const struct drill_setting *setting;
    const struct asset *asset;
    struct drill_options options;
    char id[DRILL_ID_SIZE * 2 + 1];
    guint8 dice[DICE_SEED];
    gboolean public_dice; /* the log's root; else random of our own */
    char *pseudonym, *folder;
    struct manifest *manifest;
    char *root; /* its; or NULL */
    struct drill *drill;
    struct dsse *envelope; /* the signed record */
};
typedef struct drill_held drill_held_t;

/* What every drill is held with unless told otherwise: 95 % of 1 %, the whole store read. */
struct drill_options drill_default_options(void);

/*
 * Holds a drill of this backup, keeps its record and notes it in the journal. Of `options`, id,
 * seed and manifest are filled in here. `held` is filled as far as it went, and is to be cleared.
 */
gboolean drill_hold(const struct drill_setting *setting, const struct asset *asset,
                    const struct drill_options *options, struct drill_held *held, GError **error);
void drill_held_clear(struct drill_held *held);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(drill_held_t, drill_held_clear)

/* {"source": "log" | "local", "root", "size"?}. */
json_t *drill_held_dice(const struct drill_held *held);

/* Whether the last drill is so long ago that the profile wants another (drill_record.h). An error:
 * the journal cannot be read. */
gboolean drill_is_due(const char *data, const struct asset *asset, gint64 now_us, gboolean *due,
                      GError **error);
