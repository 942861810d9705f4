/*
 * fix_validate.h: asks the programs that will read a file whether they accept its new content.
 *
 * sshd -t and visudo -c, when they are installed; started directly (no shell) with a clean
 * environment and a time limit, and only when a plan is applied. A program that refuses the old
 * content too (no host keys, no /run/sshd) is no judge of the new one, and is not asked.
 */
#pragma once
#include "fix/fix_plan.h"

/* Says in the plan's effects which checks will be made, or cannot be. */
void fix_validate_announce(struct fix_plan *plan);

/* Each new content by itself, before anything is changed; `folder` is for the copies. */
gboolean fix_validate_contents(const struct fix_plan *plan, const struct fix_tree *tree,
                               const char *folder, GError **error);

/*
 * The whole configuration of the running machine. fix_validate_before() says whether it is refused
 * even before the change; fix_validate_after() takes that answer.
 */
gboolean fix_validate_before(const struct fix_plan *plan, const struct fix_tree *tree);
gboolean fix_validate_after(const struct fix_plan *plan, const struct fix_tree *tree,
                            gboolean refused_before, GError **error);

/* After a timed undo on the running machine: lets the services read the old files again. */
void fix_validate_reload(const struct fix_plan *plan, const struct fix_tree *tree);
