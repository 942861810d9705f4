/*
 * restic.h: what restic says (0.14: `snapshots --json`, `ls --json`, `check`, `backup --json`).
 */
#pragma once
#include "p1_resilience/recover/repository.h"

/* Tag and host of a canary; such snapshots are no backups. */
#define RESTIC_CANARY "entente-canary"

/* `snapshots --json`; FALSE and an error when it is not that. Canaries are left out. */
gboolean restic_read_snapshots(const void *bytes, gsize length, GPtrArray *snapshots,
                               GError **error);
/* A line of `ls --json`. */
gboolean restic_read_node(const char *line, gsize length, struct listing *listing);
/* How many packs `check` says it read: the last "N / M packs"; -1: it says nothing of packs. */
gint64 restic_read_packs(const char *text);
enum trouble_kind restic_classify(const char *said, int status);
