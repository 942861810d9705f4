/*
 * borg.h: what borg says (1.2: `list --json`, `list --json-lines`, `--log-json`). Times have no
 * zone: it runs with TZ=UTC.
 */
#pragma once
#include "p1_resilience/recover/repository.h"

/* `list --json`; FALSE and an error when it is not that. Checkpoints of a backup that was broken
 * off are no snapshots. */
gboolean borg_read_archives(const void *bytes, gsize length, GPtrArray *snapshots, GError **error);
/* A line of `list --json-lines`. */
gboolean borg_read_item(const char *line, gsize length, struct listing *listing);
enum trouble_kind borg_classify(const char *said, int status);
/* "append_only" in the section [repository] of a repository's file `config`. */
enum append_only borg_read_config(const char *text);
