/*
 * fix_plan.h: what fixes would change, file by file, before anything is changed.
 *
 * A plan is made from measures and their actions (finding/measure.h) over the files beneath a
 * root. It is deterministic: the same files give the same plan and the same hash, the SHA-256 of
 * its canonical JSON (RFC 8785), which holds the digest, mode and owner of everything as it is
 * and the whole content as it shall be. An edit of mode or owner alone does not depend on the
 * content (a log may grow meanwhile). Several measures that touch one file make one edit.
 */
#pragma once
#include "base/json.h"
#include "finding/measure.h"
#include "fix/fix_tree.h"

#include <glib.h>

#define FIX_HASH_LENGTH 64 /* hex digits of a plan hash */

/* A measure to put right. The finding (or NULL) names the paths that "@evidence" stands for. */
struct fix_wish {
    const struct measure *measure;
    const struct finding *finding;
    gboolean insist; /* asked for by name: a guard's refusal is an error, not a note */
};

struct fix_edit {
    char *path; /* resolved, as seen from the root */
    struct fix_state old, new;
    GPtrArray *measures; /* ids that it serves, sorted */
};

/* A kernel setting of the running machine. */
struct fix_setting {
    char *key; /* "kernel.randomize_va_space" */
    char *old, *new;
};

/* Something people should know: why a measure is left out, or what else must be done. */
struct fix_note {
    char *measure; /* id, or NULL */
    char *en, *fr;
};

struct fix_plan {
    char *root;
    char *hash;
    gboolean risky;      /* a mistake could lock people out: undone unless confirmed */
    GPtrArray *edits;    /* of struct fix_edit, by path */
    GPtrArray *settings; /* of struct fix_setting, by key */
    GPtrArray *measures; /* ids that the plan changes something for, sorted */
    GPtrArray *guards;   /* names of guards that must still hold when the plan is applied */
    GPtrArray *effects;  /* of struct fix_note: what to reload, what may go wrong */
    GPtrArray *left_out; /* of struct fix_note: measures, or parts, that the plan does not fix */
};
void fix_plan_free(struct fix_plan *plan);
typedef struct fix_plan fix_plan_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(fix_plan_t, fix_plan_free)

/*
 * Makes the plan for `wishes` (of struct fix_wish). A file that cannot be read is
 * ENTENTE_ERROR_SYSTEM; a guard that refuses a measure asked for by name is _POLICY.
 */
struct fix_plan *fix_plan_make(const struct fix_tree *tree, const GPtrArray *wishes,
                               GError **error);
gboolean fix_plan_is_empty(const struct fix_plan *plan);

/* The canonical bytes that the hash is made of, and back; `name` stands in messages. */
GBytes *fix_plan_bytes(const struct fix_plan *plan, GError **error);
struct fix_plan *fix_plan_parse(GBytes *bytes, const char *name, GError **error);

/* The plan for other programs: its canonical members, its hash, and a diff for each edit. */
json_t *fix_plan_to_json(const struct fix_plan *plan, const struct fix_tree *tree);

/* The change as a unified diff, with a line for each of mode, owner, link. Not escaped. */
char *fix_edit_describe(const struct fix_edit *edit, const struct fix_tree *tree);

/* Parts shared by making and parsing. */
struct fix_plan *fix_plan_new(const char *root);
struct fix_edit *fix_edit_new(const char *path);
void fix_edit_free(struct fix_edit *edit);
struct fix_setting *fix_setting_new(const char *key, const char *old, const char *new);
struct fix_note *fix_note_new(const char *measure, const char *en, const char *fr);
