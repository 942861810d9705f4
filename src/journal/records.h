/*
 * records.h: the events that judges may ask for, read before they are confined.
 *
 * A judge runs in a worker that cannot open the database; the runner loads the kinds of events
 * that measures are about, and the worker inherits them. Immutable.
 */
#pragma once
#include "journal/journal.h"

#include <glib.h>

struct records;

/* Loads all events of `kinds` (ends with NULL). `journal` NULL gives empty records. */
struct records *records_load(struct journal *journal, const char *const *kinds, GError **error);
void records_free(struct records *records);
typedef struct records records_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(records_t, records_free)

/* The newest event of `kind` and `key` (NULL: any), or NULL. Borrowed. `records` may be NULL. */
const struct event *records_latest(const struct records *records, const char *kind,
                                   const char *key);

/* All of them in order of seq; borrowed. */
guint records_count(const struct records *records);
const struct event *records_at(const struct records *records, guint index);
