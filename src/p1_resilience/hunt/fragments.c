#include "p1_resilience/hunt/fragments.h"

#include "p1_resilience/hunt/keyed.h"

/* Bytes `start` to `end` of a datagram are there. */
struct range {
    guint start, end;
};

struct waiting {
    struct fragment_key key;
    guint hash;
    GList link; /* in the order of their first fragments */
    gint64 time_ns;
    guint total; /* 0: the last fragment has not come */
    guint8 next;
    GByteArray *bytes;
    GArray *ranges; /* of struct range; in order, apart from one another */
};

struct fragments {
    GHashTable *table; /* struct waiting: by itself */
    GQueue order;
    guint64 bytes, lost;
    struct keyed keyed;
};

static guint waiting_hash(gconstpointer waiting)
{
    return ((const struct waiting *)waiting)->hash;
}

static gboolean waiting_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(&((const struct waiting *)a)->key, &((const struct waiting *)b)->key,
                  sizeof(struct fragment_key)) == 0;
}

static void waiting_free(gpointer data)
{
    struct waiting *waiting = data;

    g_byte_array_unref(waiting->bytes);
    g_array_unref(waiting->ranges);
    g_free(waiting);
}

struct fragments *fragments_new(void)
{
    struct fragments *fragments = g_new0(struct fragments, 1);

    keyed_init(&fragments->keyed);
    fragments->table = g_hash_table_new_full(waiting_hash, waiting_equal, waiting_free, NULL);
    g_queue_init(&fragments->order);
    return fragments;
}

void fragments_free(struct fragments *fragments)
{
    if (!fragments)
        return;
    g_hash_table_unref(fragments->table);
    g_free(fragments);
}

static void drop(struct fragments *fragments, struct waiting *waiting)
{
    g_queue_unlink(&fragments->order, &waiting->link);
    fragments->bytes -= waiting->bytes->len;
    g_hash_table_remove(fragments->table, waiting);
}

static void give_up_oldest(struct fragments *fragments)
{
    fragments->lost++;
    drop(fragments, g_queue_peek_head(&fragments->order));
}

static void make_room(struct fragments *fragments, gint64 time_ns)
{
    const struct waiting *oldest;

    while ((oldest = g_queue_peek_head(&fragments->order)) &&
           (fragments->bytes > FRAGMENTS_BYTES_MAX ||
            fragments->order.length >= FRAGMENTS_DATAGRAMS_MAX ||
            (time_ns > oldest->time_ns &&
             (guint64)time_ns - (guint64)oldest->time_ns > FRAGMENTS_WAIT_NS)))
        give_up_oldest(fragments);
}

static struct waiting *waiting_of(struct fragments *fragments, const struct fragment *fragment)
{
    struct waiting probe = {
        .key = fragment->key,
        .hash = keyed_hash(&fragments->keyed, &fragment->key, sizeof fragment->key),
    };
    struct waiting *waiting = g_hash_table_lookup(fragments->table, &probe);

    if (waiting)
        return waiting;
    waiting = g_new0(struct waiting, 1);
    waiting->key = fragment->key;
    waiting->hash = probe.hash;
    waiting->link.data = waiting;
    waiting->time_ns = fragment->time_ns;
    waiting->next = fragment->next;
    waiting->bytes = g_byte_array_new();
    waiting->ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
    g_hash_table_add(fragments->table, waiting);
    g_queue_push_tail_link(&fragments->order, &waiting->link);
    return waiting;
}

/* Copies what no earlier fragment had, and joins the ranges that touch. */
static void fill(struct waiting *waiting, struct range added, const guint8 *bytes)
{
    struct range joined = added;
    guint at = added.start, i = 0;

    while (i < waiting->ranges->len) {
        struct range held = g_array_index(waiting->ranges, struct range, i);

        if (held.end < added.start) {
            i++;
            continue;
        }
        if (held.start > added.end)
            break;
        if (at < held.start)
            memcpy(waiting->bytes->data + at, bytes + (at - added.start), held.start - at);
        at = MAX(at, held.end);
        joined.start = MIN(joined.start, held.start);
        joined.end = MAX(joined.end, held.end);
        g_array_remove_index(waiting->ranges, i);
    }
    if (at < added.end)
        memcpy(waiting->bytes->data + at, bytes + (at - added.start), added.end - at);
    g_array_insert_val(waiting->ranges, i, joined);
}

static gboolean is_whole(const struct waiting *waiting)
{
    struct range first;

    if (!waiting->total || waiting->ranges->len == 0)
        return FALSE;
    first = g_array_index(waiting->ranges, struct range, 0);
    return first.start == 0 && first.end >= waiting->total;
}

GByteArray *fragments_add(struct fragments *fragments, const struct fragment *fragment,
                          guint8 *next)
{
    struct range added = { fragment->offset, fragment->offset + (guint)fragment->length };
    struct waiting *waiting;
    GByteArray *whole;
    guint before;

    if (fragment->length == 0 || fragment->offset > FRAGMENTS_DATAGRAM_MAX ||
        fragment->length > FRAGMENTS_DATAGRAM_MAX - fragment->offset)
        return NULL;
    make_room(fragments, fragment->time_ns);
    waiting = waiting_of(fragments, fragment);
    if (fragment->offset == 0)
        waiting->next = fragment->next;
    if (fragment->is_last && !waiting->total)
        waiting->total = added.end;
    before = waiting->bytes->len;
    if (added.end > before) {
        g_byte_array_set_size(waiting->bytes, added.end);
        fragments->bytes += added.end - before;
    }
    fill(waiting, added, fragment->bytes);
    if (!is_whole(waiting))
        return NULL;
    *next = waiting->next;
    whole = g_byte_array_ref(waiting->bytes);
    before = waiting->total;
    drop(fragments, waiting);
    g_byte_array_set_size(whole, before);
    return whole;
}

guint64 fragments_lost(const struct fragments *fragments)
{
    return fragments->lost;
}

void fragments_finish(struct fragments *fragments)
{
    while (fragments->order.length)
        give_up_oldest(fragments);
}
