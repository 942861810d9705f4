#include "table/table_set.h"

#include "base/error.h"

struct table_set {
    gsize count;
    struct table *tables[TABLE_SET_MAX];
    struct table_filter filters[TABLE_SET_MAX];
};

/* Whether table `index` may lie over those before it. */
static gboolean check_order(const struct table_set *set, const char *const *paths, gsize index,
                            GError **error)
{
    const struct table_info *above = table_info(set->tables[index]);

    for (gsize i = 0; i < index; i++) {
        const struct table_info *below = table_info(set->tables[i]);

        if (below->serial >= above->serial)
            return input_error(error,
                               "%s: version %" G_GUINT64_FORMAT
                               " cannot lie over %s, which has version %" G_GUINT64_FORMAT,
                               paths[index], above->serial, paths[i], below->serial);
        if (below->serial < above->floor)
            return policy_error(error,
                                "%s: version %" G_GUINT64_FORMAT
                                " was withdrawn by %s, which wants %" G_GUINT64_FORMAT " or newer",
                                paths[i], below->serial, paths[index], above->floor);
    }
    return TRUE;
}

struct table_set *table_set_open(const char *const *paths, gsize count, const char *kind,
                                 GError **error)
{
    g_autoptr(table_set_t) set = g_new0(struct table_set, 1);

    if (count > TABLE_SET_MAX) {
        input_error(error, "%s: more than %d tables in one set; build it anew", paths[0],
                    TABLE_SET_MAX);
        return NULL;
    }
    for (gsize i = 0; i < count; i++) {
        set->tables[i] = table_open(paths[i], kind, error);
        if (!set->tables[i])
            return NULL;
        set->filters[i] = table_filter(set->tables[i]);
        set->count++;
        if (!check_order(set, paths, i, error))
            return NULL;
    }
    return g_steal_pointer(&set);
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
