/*
 * fix_undo.h: takes a plan back, and finishes what was interrupted.
 *
 * An undo restores content, mode, owner, extended attributes and times in reverse order, and
 * removes what the plan made. The rule after a kill, a crash or a power cut is one: an apply that
 * was interrupted is rolled back, an undo that was interrupted is finished, and a plan that nobody
 * confirmed in time is undone.
 */
#pragma once
#include "fix/fix_record.h"

/*
 * Refuses (ENTENTE_ERROR_POLICY) when a file is neither as the plan made it nor as it was before,
 * unless `force`.
 */
gboolean fix_undo(struct fix_record *record, const struct fix_tree *tree, gboolean force,
                  GError **error);

/*
 * The same without asking: what somebody else has changed meanwhile is left as it is. Sentences
 * on those (usually none), or NULL with an error.
 */
GPtrArray *fix_undo_quietly(struct fix_record *record, const struct fix_tree *tree, GError **error);

/*
 * Finishes whatever is unfinished in the store; sentences on what was done, and on what could not
 * be (it is tried again next time, and stops no other plan). `due` (or NULL) is the hash of a plan
 * whose time is up whatever the wall clock says. Takes the lock; NULL when that fails.
 */
GPtrArray *fix_recover(const char *store, const char *due, GError **error);

/* Live values: whether the running one is as planned (`new`) or as before, and setting it. */
gboolean fix_setting_is(const struct fix_setting *value, gboolean new);
gboolean fix_setting_set(const struct fix_setting *value, gboolean new, GError **error);
