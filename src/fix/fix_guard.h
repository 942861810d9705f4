/*
 * fix_guard.h: what a fix must never do: lock the administrators out.
 *
 * A guard looks at an action before it enters a plan and again before the plan is applied. It
 * counts only what it has seen: an account that may use sudo, with a usable key in
 * ~/.ssh/authorized_keys, or with a password where passwords are still accepted.
 */
#pragma once
#include "fix/fix_plan.h"

/*
 * TRUE when no guard objects to `action`; `entry` is then the guard to ask again before applying
 * ("ssh-key", "ssh-allow-groups:adm"), or NULL. FALSE with ENTENTE_ERROR_POLICY.
 */
gboolean fix_guard_action(const struct fix_tree *tree, const struct fix_action *action,
                          char **entry, GError **error);

/* Asks the guards of a plan again. */
gboolean fix_guard_plan(const struct fix_tree *tree, const struct fix_plan *plan, GError **error);
