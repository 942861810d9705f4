/*
 * table_sort.h: sorts what a table is made of, in bounded memory.
 *
 * Items are held in memory until they reach the bound; then they are sorted and written to a run, a
 * file without a name in the folder of the table. At the end the runs are merged; when there are
 * many, some at a time into longer ones. The order is (hash, key bytes, key length, hiding items
 * first, order of adding), whatever the bound.
 */
#pragma once
#include <glib.h>

/* One value of one key, or (hides) a key to hide, which has no value. */
struct table_item {
    guint64 hash;
    const guint8 *key, *value;
    guint32 key_length, value_length;
    gboolean hides;
};

struct table_sorter;
typedef struct table_sorter table_sorter_t;

/* `folder` takes the runs; `memory` bounds the items held, in bytes. */
struct table_sorter *table_sorter_new(const char *folder, gsize memory);
void table_sorter_free(struct table_sorter *sorter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(table_sorter_t, table_sorter_free)

/* Copies the item. */
gboolean table_sorter_add(struct table_sorter *sorter, const struct table_item *item,
                          GError **error);

/* After the last item: makes ready to give them. */
gboolean table_sorter_sort(struct table_sorter *sorter, GError **error);

/*
 * The next item, which lives until the call after; `item` with key NULL is the end. FALSE when a
 * run cannot be read.
 */
gboolean table_sorter_next(struct table_sorter *sorter, struct table_item *item, GError **error);

/* Whether both items have the same key. */
gboolean table_item_same_key(const struct table_item *a, const struct table_item *b);

/* A file without a name in `folder`, for reading and writing; -1 and errno. */
int table_scratch(const char *folder);
