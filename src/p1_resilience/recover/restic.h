/*
 * restic.h: what restic says (0.14: `snapshots --json`, `ls --json`, `check`, `backup --json`).
 */
#pragma once
#include "p1_resilience/recover/repository.h"

/* Tag and host of a canary; such snapshots are no backups. */
#define RESTIC_CANARY "entente-canary"

/* Readers of answers (answer.h). `snapshots --json`, whole: canaries are left out. */
gboolean restic_read_snapshots(const char *text, gsize length, told_fn tell, gpointer data);
/* Lines of `ls --json`, `list`, `backup --json`. */
gboolean restic_read_node(const char *line, gsize length, told_fn tell, gpointer data);
gboolean restic_read_id(const char *line, gsize length, told_fn tell, gpointer data);
gboolean restic_read_backup(const char *line, gsize length, told_fn tell, gpointer data);
/* `cat lock`, whole. */
gboolean restic_read_lock(const char *text, gsize length, told_fn tell, gpointer data);
/* How many packs `check` says it read: the last "N / M packs"; -1: it says nothing of packs. */
gint64 restic_read_packs(const char *text);
enum trouble_kind restic_classify(const char *said, int status);
