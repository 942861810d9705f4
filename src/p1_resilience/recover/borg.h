/*
 * borg.h: what borg says (1.2: `list --json`, `list --json-lines`, `--log-json`). Times have no
 * zone: it runs with TZ=UTC.
 */
#pragma once
#include "p1_resilience/recover/repository.h"

/* Readers of answers (answer.h). `list --json`, whole: checkpoints of a backup that was broken off
 * are no snapshots. */
gboolean borg_read_archives(const char *text, gsize length, told_fn tell, gpointer data);
/* A line of `list --json-lines`. */
gboolean borg_read_item(const char *line, gsize length, told_fn tell, gpointer data);
enum trouble_kind borg_classify(const char *said, int status);
/*
 * The first error among the lines of `--log-json` (a warning where there is none), and how many
 * messages followed it; of a Python traceback its last line. What is no such line, as of ssh,
 * counts as it stands; the rest of a line whose beginning was not kept is left out. Owned by the
 * caller.
 */
char *borg_sentence(const char *said);
/* "append_only" in the section [repository] of a repository's file `config`. */
enum append_only borg_read_config(const char *text);
