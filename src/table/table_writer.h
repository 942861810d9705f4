/*
 * table_writer.h: building a table (table.h) from keys and values in any order.
 *
 * They are sorted by hash and key; a stream that is larger than the memory given is sorted in
 * pieces that are merged at the end. The bytes depend on what was added, and in which order, and on
 * nothing else: not on the memory, not on the clock.
 *
 * The writer works in the folder of `path`, where nothing is to be seen before
 * table_writer_finish(); what a killed writer leaves goes away with the next.
 */
#pragma once
#include "table/table.h"

struct table_writer;
typedef struct table_writer table_writer_t;

/* What the header will say; kind: 1 to 16 printable ASCII characters. */
struct table_description {
    const char *kind;
    guint64 serial, floor; /* floor <= serial */
    gint64 built_us, expires_us;
};

/* `memory` bounds what is held of keys and values, in bytes; at least 1 MiB is taken. */
struct table_writer *table_writer_new(const char *path, const struct table_description *description,
                                      gsize memory, GError **error);

/* Ends a writer, also an unfinished one, which leaves nothing. */
void table_writer_free(struct table_writer *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(table_writer_t, table_writer_free)

/*
 * Adds one value under `key`. Keys may repeat, with other values or the same. After an error only
 * table_writer_free() is left to do.
 */
gboolean table_writer_add(struct table_writer *writer, guint64 hash, gconstpointer key,
                          gsize key_length, gconstpointer value, gsize value_length,
                          GError **error);

/*
 * Hides what earlier tables of a set (table_set.h) hold under `key`; values that this table is
 * given, before or after, are not hidden.
 */
gboolean table_writer_hide(struct table_writer *writer, guint64 hash, gconstpointer key,
                           gsize key_length, GError **error);

/* Adds section `id` (>= TABLE_FIRST_OWN_SECTION, once each) of items of `item_size` bytes. */
gboolean table_writer_section(struct table_writer *writer, guint32 id, guint32 item_size,
                              gconstpointer data, gsize length, GError **error);

/* Puts the table in place durably, readable for all unless `mode` says else. */
gboolean table_writer_finish(struct table_writer *writer, guint mode, GError **error);
