/*
 * table_set.h: a base table with later segments laid over it: a set that grows without being built
 * anew. A later table adds values to a key, or hides what the earlier ones hold under it.
 */
#pragma once
#include "table/table.h"

#define TABLE_SET_MAX 16 /* tables */

struct table_set;
typedef struct table_set table_set_t;

/*
 * Opens tables of one kind, the base first. ENTENTE_ERROR_INPUT when their serials do not ascend,
 * _POLICY when the floor of one is above the serial of another. The error names the file.
 */
struct table_set *table_set_open(const char *const *paths, gsize count, const char *kind,
                                 GError **error);

/* The same of tables that are open, in any order: the one with the lowest serial is the base. They
 * are the set's from now on, also when it is refused. */
struct table_set *table_set_of(struct table *const *tables, gsize count, GError **error);
void table_set_free(struct table_set *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(table_set_t, table_set_free)

gsize table_set_size(const struct table_set *set);
const struct table *table_set_table(const struct table_set *set, gsize index);

/* Whether one of the tables may have a key of this hash. */
gboolean table_set_maybe(const struct table_set *set, guint64 hash);

struct table_set_cursor {
    gsize next, count;
    struct table_cursor cursors[TABLE_SET_MAX];
    guint8 tables[TABLE_SET_MAX];
};

/* As table_find() and table_next(), over all tables; `table` (may be NULL) says whose value it is.
 */
gboolean table_set_find(const struct table_set *set, guint64 hash, gconstpointer key, gsize length,
                        struct table_set_cursor *cursor);
gboolean table_set_next(struct table_set_cursor *cursor, const guint8 **value, gsize *length,
                        gsize *table);
