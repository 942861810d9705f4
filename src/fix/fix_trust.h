/*
 * fix_trust.h: whether a change of mode or owner reaches what its path seems to name.
 *
 * Modes and owners are changed in place, so who may write in a folder on the way could have
 * chosen the target: by a symbolic link (~/.netrc -> /usr/bin/sudo), or by a hard link, a second
 * name of a file that is not theirs. Such a path is refused; root and whoever runs this program
 * are believed. fix_tree_put() asks about hard links again, of the very file that it changes.
 */
#pragma once
#include "fix/fix_tree.h"

/*
 * TRUE when `path` may be changed in place. FALSE with the reason in `en` and `fr` (owned by the
 * caller). A path that cannot be looked at is left to the caller's own error.
 */
gboolean fix_trust_in_place(const struct fix_tree *tree, const char *path, char **en, char **fr);
