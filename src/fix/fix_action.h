/*
 * fix_action.h: carries out one action of a measure on a draft: files as they will be, in memory.
 *
 * Actions see what earlier actions of the same plan left, so that several make one edit of a file.
 * An action that cannot be done leaves a note in the draft and is no error; errors are files that
 * cannot be read.
 */
#pragma once
#include "fix/fix_plan.h"

struct fix_draft {
    const struct fix_tree *tree;
    const struct measure *measure; /* whose action is being carried out */
    const struct finding *finding; /* or NULL */
    GHashTable *edits;             /* resolved path -> struct fix_edit, owned */
    GHashTable *settings;          /* key -> struct fix_setting, owned */
    GPtrArray *notes;              /* of struct fix_note, owned */
};

gboolean fix_action_perform(struct fix_draft *draft, const struct fix_action *action,
                            GError **error);

/* The file at `path` (links are followed) in the draft; with its content when `content`. */
struct fix_edit *fix_draft_edit(struct fix_draft *draft, const char *path, gboolean content,
                                GError **error);
/* The path itself, not what it links to. */
struct fix_edit *fix_draft_edit_itself(struct fix_draft *draft, const char *path, GError **error);

/*
 * The text that the file will have, to be edited; "" when there is no file. NULL without an error
 * when what stands there is no file (noted), NULL with an error when it cannot be read.
 */
GString *fix_draft_text(struct fix_draft *draft, const char *path, struct fix_edit **edit,
                        GError **error);
/* Takes the text back when it changed (else only frees it); a new file gets `mode`. */
gboolean fix_draft_put_text(struct fix_draft *draft, struct fix_edit *edit, GString *text,
                            gboolean changed, mode_t mode, GError **error);

/* Says that the draft changes `edit` for the current measure; makes missing parent folders. */
gboolean fix_draft_touch(struct fix_draft *draft, struct fix_edit *edit, GError **error);

/* Why (a part of) the current measure is not fixed. */
void fix_draft_note(struct fix_draft *draft, const char *en, const char *fr);

/* Owner of new files: root, or whoever runs this. */
uid_t fix_draft_uid(void);
gid_t fix_draft_gid(void);

/* The families; each returns FALSE with an error, or TRUE. */
typedef gboolean (*fix_action_fn)(struct fix_draft *draft, const struct fix_action *action,
                                  GError **error);
gboolean fix_action_set_line(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_delete_line(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_ini_option(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_put_file(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_mode(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_owner(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_sysctl(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_sshd_option(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_block_module(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_unit_option(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_mask_unit(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_make_file(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_delete_file(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_kernel_option(struct fix_draft *, const struct fix_action *, GError **);
gboolean fix_action_mount_option(struct fix_draft *, const struct fix_action *, GError **);
