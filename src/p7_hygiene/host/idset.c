#include "p7_hygiene/host/idset.h"

#include <stdlib.h>
#include <string.h>

#define SMALL 65536u /* numbers below it are bits, the others ranges */
#define DYNAMIC_FIRST 61184u
#define DYNAMIC_LAST 65519u

struct range {
    guint32 first, last;
};

struct idset {
    guint64 small[SMALL / 64];
    GArray *ranges; /* of struct range */
};

static void add(struct idset *set, guint64 first, guint64 count)
{
    struct range range = { first, MIN(first + count - 1, G_MAXUINT32) };

    for (guint64 id = first; id < SMALL && id <= range.last; id++)
        set->small[id / 64] |= G_GUINT64_CONSTANT(1) << (id % 64);
    if (range.last >= SMALL)
        g_array_append_val(set->ranges, range);
}

/* Field `index` (from 0) of a line with fields between colons, as a number. */
static gboolean number_field(const char *text, gsize length, guint index, guint64 *number)
{
    const char *end = text + length, *stop;
    char digits[16];
    char *rest;

    while (index--) {
        text = memchr(text, ':', end - text);
        if (!text++)
            return FALSE;
    }
    stop = memchr(text, ':', end - text);
    if (!stop)
        stop = end;
    if (stop == text || stop - text >= (ptrdiff_t)sizeof digits)
        return FALSE;
    memcpy(digits, text, stop - text);
    digits[stop - text] = 0;
    *number = strtoull(digits, &rest, 10);
    return g_ascii_isdigit(digits[0]) && !*rest && *number <= G_MAXUINT32;
}

static void add_account(guint line, const char *text, gsize length, gpointer set)
{
    guint64 id;

    if (number_field(text, length, 2, &id))
        add(set, id, 1);
}

static void add_lent(guint line, const char *text, gsize length, gpointer set)
{
    guint64 first, count;

    if (number_field(text, length, 1, &first) && number_field(text, length, 2, &count) && count)
        add(set, first, count);
}

struct idset *idset_new(const struct host_file *accounts, const struct host_file *lent)
{
    struct idset *set = g_new0(struct idset, 1);

    set->ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
    host_each_line(accounts, add_account, set);
    host_each_line(lent, add_lent, set);
    add(set, DYNAMIC_FIRST, DYNAMIC_LAST - DYNAMIC_FIRST + 1);
    return set;
}

void idset_free(struct idset *set)
{
    g_array_unref(set->ranges);
    g_free(set);
}

gboolean idset_has(const struct idset *set, guint32 id)
{
    if (id < SMALL)
        return set->small[id / 64] >> (id % 64) & 1;
    for (guint i = 0; i < set->ranges->len; i++) {
        const struct range *range = &g_array_index(set->ranges, struct range, i);

        if (id >= range->first && id <= range->last)
            return TRUE;
    }
    return FALSE;
}
