/*
 * fix_lines.h: edits of configuration text that leave every other byte as it was.
 *
 * Each function changes `text` (any bytes) in place and returns whether it changed. What already
 * says what is wanted is not touched, so an edit done twice is an edit done once.
 */
#pragma once
#include <glib.h>

/*
 * Gives `key` its value on every line that sets it, so that the value holds whether the first or
 * the last wins; without such a line, a new one is written below a commented-out example, or at
 * the end. A key may have several words ("password requisite"), parted by any blanks. `separator`
 * (NULL: one space) stands in new lines; '=' or ':' in it is also expected in old ones. A word by
 * itself has the value
 * "".
 */
gboolean lines_set(GString *text, const char *key, const char *value, const char *separator);

/* As lines_set(), but only where the key is set already; new lines are never written. */
gboolean lines_correct(GString *text, const char *key, const char *value, const char *separator);

/* Removes the lines whose first words are `key`. Comments stay. */
gboolean lines_delete(GString *text, const char *key);

/* Adds `line` at the end unless it stands there already as a line (blanks around do not count). */
gboolean lines_add(GString *text, const char *line);

/* key=value in the first [section] of an ini or unit file; section and key are made when missing.
 */
gboolean lines_set_ini(GString *text, const char *section, const char *key, const char *value);

/*
 * sshd_config(5): the first value wins, key words have no case, Match begins what is conditional.
 * lines_sshd_set() gives the unconditional part its value: in the lines that set it, or in a new
 * one at the top.
 */
gboolean lines_sshd_set(GString *text, const char *key, const char *value);
/* As lines_sshd_set(), but only where the key is set already. */
gboolean lines_sshd_correct(GString *text, const char *key, const char *value);
/* Whether the unconditional part includes `pattern` before it first sets `key`. */
gboolean lines_sshd_includes_before(const GString *text, const char *pattern, const char *key);
/* Whether a Match block sets `key`. */
gboolean lines_sshd_match_sets(const GString *text, const char *key);

/*
 * KEY="word word": adds the words of `add`, replacing words of the same name ("audit=0" by
 * "audit=1"), and takes away those of `remove`: whole words, or names ("mitigations"). Either may
 * be NULL. The last line that sets the key counts, as in a shell.
 */
gboolean lines_set_words(GString *text, const char *key, const char *add, const char *remove);

/*
 * fstab(5): adds the options (comma separated) to every line that mounts `point` and takes away
 * what contradicts them (exec for noexec, hidepid=0 for hidepid=2). `found` says whether there is
 * such a line.
 */
gboolean lines_mount_options(GString *text, const char *point, const char *options,
                             gboolean *found);
