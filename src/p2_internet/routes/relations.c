#include "p2_internet/routes/relations.h"

#define LINKS_MAX 8000000u /* ten times what the Internet has */

/* What `high` is to `low`, which is the smaller number. */
struct link {
    guint32 low, high;
    guint8 is; /* enum relation */
};

struct relations {
    gint references;
    GArray *links; /* struct link; by low and high once it is sealed */
};

struct relations *relations_new(void)
{
    struct relations *relations = g_new0(struct relations, 1);

    relations->references = 1;
    relations->links = g_array_new(FALSE, FALSE, sizeof(struct link));
    return relations;
}

struct relations *relations_ref(struct relations *relations)
{
    g_atomic_int_inc(&relations->references);
    return relations;
}

void relations_unref(struct relations *relations)
{
    if (!relations || !g_atomic_int_dec_and_test(&relations->references))
        return;
    g_array_unref(relations->links);
    g_free(relations);
}

static enum relation reversed(enum relation is)
{
    static const enum relation other_way[] = {
        [RELATION_UNKNOWN] = RELATION_UNKNOWN,
        [RELATION_PROVIDER] = RELATION_CUSTOMER,
        [RELATION_CUSTOMER] = RELATION_PROVIDER,
        [RELATION_PEER] = RELATION_PEER,
    };

    return other_way[is];
}

gboolean relations_add(struct relations *relations, guint32 as, guint32 other, enum relation is)
{
    const struct link link = { MIN(as, other), MAX(as, other),
                               (guint8)(as < other ? is : reversed(is)) };

    if (relations->links->len >= LINKS_MAX)
        return FALSE;
    g_array_append_val(relations->links, link);
    return TRUE;
}

static gint compare(gconstpointer a, gconstpointer b)
{
    const struct link *left = a, *right = b;

    if (left->low != right->low)
        return left->low < right->low ? -1 : 1;
    return (left->high > right->high) - (left->high < right->high);
}

void relations_seal(struct relations *relations)
{
    struct link *links = (struct link *)relations->links->data;
    guint kept = 0;

    g_array_sort(relations->links, compare);
    for (guint i = 0; i < relations->links->len; i++) {
        if (!kept || compare(&links[kept - 1], &links[i]) != 0)
            links[kept++] = links[i];
        else if (links[kept - 1].is != links[i].is)
            links[kept - 1].is = RELATION_UNKNOWN;
    }
    g_array_set_size(relations->links, kept);
}

gsize relations_count(const struct relations *relations)
{
    return relations->links->len;
}

enum relation relations_of(const struct relations *relations, guint32 as, guint32 other)
{
    const struct link wanted = { MIN(as, other), MAX(as, other), 0 };
    enum relation is;
    guint at;

    if (!g_array_binary_search(relations->links, &wanted, compare, &at))
        return RELATION_UNKNOWN;
    is = (enum relation)g_array_index(relations->links, struct link, at).is;
    return as < other ? is : reversed(is);
}

static gboolean is_above(enum relation is)
{
    return is == RELATION_PROVIDER || is == RELATION_PEER;
}

gboolean relations_leak(const struct relations *relations, const guint32 *hops, guint count,
                        struct relations_leak *leak)
{
    for (guint i = count; i-- > 2;) {
        *leak = (struct relations_leak){ .as = hops[i - 1], .from = hops[i], .to = hops[i - 2] };
        if (!leak->as || !leak->from || !leak->to || leak->from == leak->to)
            continue;
        leak->from_is = relations_of(relations, leak->as, leak->from);
        if (!is_above(leak->from_is))
            continue;
        leak->to_is = relations_of(relations, leak->as, leak->to);
        if (is_above(leak->to_is))
            return TRUE;
    }
    return FALSE;
}
