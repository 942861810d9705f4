/*
 * fix_apply.h: carries out a plan, whole or not at all.
 *
 * In order: nothing has changed since the plan was made; the guards hold; the programs that read
 * the files accept the new content; backups are durable; the intent is durable; each file is
 * replaced; live values are set; the running machine's whole configuration is accepted. Whatever
 * fails after the first change takes everything back. fix_recover() (fix_undo.h) does the same
 * for a run that was killed.
 */
#pragma once
#include "fix/fix_record.h"

#define FIX_CONFIRM_DEFAULT_MIN 10 /* minutes to confirm a risky plan */

/* `confirm_us`: undone after that time unless confirmed; 0 for never. */
gboolean fix_apply(struct fix_record *record, const struct fix_tree *tree, gint64 confirm_us,
                   GError **error);

/* Leaves a process behind that calls fix_recover() when `record` is due. */
gboolean fix_apply_start_timer(const char *store, const struct fix_record *record, GError **error);
