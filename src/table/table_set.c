#include "table/table_set.h"

#include "base/error.h"
#include "table/table_private.h"

#include <stdlib.h>

struct table_set {
    gsize count;
    struct table *tables[TABLE_SET_MAX];
    struct table_filter filters[TABLE_SET_MAX];
};

/* Whether table `index` may lie over those before it. */
static gboolean check_order(const struct table_set *set, gsize index, GError **error)
{
    const struct table *above = set->tables[index];

    for (gsize i = 0; i < index; i++) {
        const struct table *below = set->tables[i];

        if (below->info.serial >= above->info.serial)
            return input_error(error,
                               "%s: version %" G_GUINT64_FORMAT
                               " cannot lie over %s, which has version %" G_GUINT64_FORMAT,
                               above->name, above->info.serial, below->name, below->info.serial);
        if (below->info.serial < above->info.floor)
            return policy_error(error,
                                "%s: version %" G_GUINT64_FORMAT
                                " was withdrawn by %s, which wants %" G_GUINT64_FORMAT " or newer",
                                below->name, below->info.serial, above->name, above->info.floor);
    }
    return TRUE;
}

/* Takes the tables; refuses too many, or a wrong order. */
static struct table_set *make_set(struct table *const *tables, gsize count, GError **error)
{
    g_autoptr(table_set_t) set = g_new0(struct table_set, 1);

    for (gsize i = 0; i < count; i++) {
        if (i >= TABLE_SET_MAX) {
            table_free(tables[i]);
            continue;
        }
        set->tables[set->count++] = tables[i];
        set->filters[i] = table_filter(tables[i]);
    }
    if (count > TABLE_SET_MAX) {
        input_error(error, "%s: one of more than %d tables; build one of them all",
                    set->tables[0]->name, TABLE_SET_MAX);
        return NULL;
    }
    for (gsize i = 0; i < count; i++) {
        if (!check_order(set, i, error))
            return NULL;
    }
    return g_steal_pointer(&set);
}

static void free_table(gpointer table)
{
    table_free(table);
}

struct table_set *table_set_open(const char *const *paths, gsize count, const char *kind,
                                 GError **error)
{
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(free_table);

    for (gsize i = 0; i < count; i++) {
        struct table *table = table_open(paths[i], kind, error);

        if (!table)
            return NULL;
        g_ptr_array_add(tables, table);
    }
    g_ptr_array_set_free_func(tables, NULL); /* they are the set's */
    return make_set((struct table *const *)tables->pdata, count, error);
}

static int compare_serials(const void *a, const void *b)
{
    const struct table *const *one = a, *const *other = b;
    guint64 x = (*one)->info.serial, y = (*other)->info.serial;

    return x < y ? -1 : x > y;
}

struct table_set *table_set_of(struct table *const *tables, gsize count, GError **error)
{
    g_autofree struct table **sorted = g_memdup2(tables, count * sizeof *tables);

    qsort(sorted, count, sizeof *sorted, compare_serials);
    return make_set(sorted, count, error);
}

void table_set_free(struct table_set *set)
{
    if (!set)
        return;
    for (gsize i = 0; i < set->count; i++)
        table_free(set->tables[i]);
    g_free(set);
}

gsize table_set_size(const struct table_set *set)
{
    return set->count;
}

const struct table *table_set_table(const struct table_set *set, gsize index)
{
    return set->tables[index];
}

gboolean table_set_maybe(const struct table_set *set, guint64 hash)
{
    for (gsize i = 0; i < set->count; i++) {
        if (table_maybe(set->filters[i], hash))
            return TRUE;
    }
    return FALSE;
}

static gboolean has_values(struct table_cursor cursor)
{
    const guint8 *value;
    gsize length;

    return table_next(&cursor, &value, &length);
}

gboolean table_set_find(const struct table_set *set, guint64 hash, gconstpointer key, gsize length,
                        struct table_set_cursor *cursor)
{
    cursor->next = cursor->count = 0;
    for (gsize i = 0; i < set->count; i++) {
        struct table_cursor found;

        if (!table_maybe(set->filters[i], hash) ||
            !table_find(set->tables[i], hash, key, length, &found))
            continue;
        if (found.hides)
            cursor->count = 0;
        if (!has_values(found))
            continue; /* it only hides */
        cursor->cursors[cursor->count] = found;
        cursor->tables[cursor->count++] = (guint8)i;
    }
    return cursor->count > 0;
}

gboolean table_set_next(struct table_set_cursor *cursor, const guint8 **value, gsize *length,
                        gsize *table)
{
    for (; cursor->next < cursor->count; cursor->next++) {
        if (table_next(&cursor->cursors[cursor->next], value, length)) {
            if (table)
                *table = cursor->tables[cursor->next];
            return TRUE;
        }
    }
    return FALSE;
}
