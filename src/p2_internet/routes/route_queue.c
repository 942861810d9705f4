#include "p2_internet/routes/route_queue.h"

#include <string.h>

#define BLOCK ((gsize)64 << 10) /* bytes; what is longer has a block of its own */
#define ALIGNMENT 8u

struct item {
    struct route_element element;
    const char *feed;
};

struct route_queue {
    GArray *items; /* struct item */
    guint next;
    GPtrArray *blocks; /* of BLOCK bytes or more; the last is being filled */
    gsize used;        /* of the last */
    gsize room;        /* in the last */
};

struct route_queue *route_queue_new(void)
{
    struct route_queue *queue = g_new0(struct route_queue, 1);

    queue->items = g_array_new(FALSE, FALSE, sizeof(struct item));
    queue->blocks = g_ptr_array_new_with_free_func(g_free);
    return queue;
}

void route_queue_free(struct route_queue *queue)
{
    if (!queue)
        return;
    g_array_unref(queue->items);
    g_ptr_array_unref(queue->blocks);
    g_free(queue);
}

/* ---- what elements point to */

static gpointer keep(struct route_queue *queue, gconstpointer bytes, gsize length)
{
    const gsize size = (length + ALIGNMENT - 1) & ~(gsize)(ALIGNMENT - 1);
    guint8 *at;

    if (!length)
        return NULL;
    if (size > queue->room - queue->used) {
        queue->room = MAX(size, BLOCK);
        queue->used = 0;
        g_ptr_array_add(queue->blocks, g_malloc(queue->room));
    }
    at = (guint8 *)queue->blocks->pdata[queue->blocks->len - 1] + queue->used;
    queue->used += size;
    memcpy(at, bytes, length);
    return at;
}

/* A span of the attributes as they lay is the same span of their copy; another has its own. */
static void keep_span(struct route_queue *queue, struct bgp_span *span, const struct bgp_span *raw,
                      const struct bgp_span *kept)
{
    const guint8 *end = raw->bytes ? raw->bytes + raw->length : NULL;

    if (!span->bytes)
        return;
    if (raw->bytes && span->bytes >= raw->bytes && span->bytes + span->length <= end)
        span->bytes = kept->bytes + (span->bytes - raw->bytes);
    else
        span->bytes = keep(queue, span->bytes, span->length);
}

static const struct bgp_attributes *keep_attributes(struct route_queue *queue,
                                                    const struct bgp_attributes *attributes,
                                                    const struct bgp_span *raw,
                                                    const struct bgp_span *kept)
{
    static const gsize spans[] = {
        G_STRUCT_OFFSET(struct bgp_attributes, communities),
        G_STRUCT_OFFSET(struct bgp_attributes, large_communities),
        G_STRUCT_OFFSET(struct bgp_attributes, extended_communities),
        G_STRUCT_OFFSET(struct bgp_attributes, cluster_list),
        G_STRUCT_OFFSET(struct bgp_attributes, reach_next_hop),
    };
    struct bgp_attributes *copy = keep(queue, attributes, sizeof *attributes);
    struct bgp_path *path = &copy->path;

    path->asns = keep(queue, path->asns, path->asn_count * sizeof *path->asns);
    path->segments = keep(queue, path->segments, path->segment_count * sizeof *path->segments);
    path->asn_room = path->segment_room = 0;
    copy->reach = copy->unreach = (struct bgp_nlri){ 0 };
    for (guint i = 0; i < G_N_ELEMENTS(spans); i++)
        keep_span(queue, G_STRUCT_MEMBER_P(copy, spans[i]), raw, kept);
    return copy;
}

/* ---- elements */

static gboolean is_same_peer(const struct route_peer *left, const struct route_peer *right)
{
    return left && right && left->family == right->family && left->as == right->as &&
           memcmp(left->address, right->address, sizeof left->address) == 0 &&
           memcmp(left->bgp_id, right->bgp_id, sizeof left->bgp_id) == 0;
}

/* Prefixes of one message: from the same peer, at the same time, with the same bytes. */
static gboolean has_same_attributes(const struct route_element *last,
                                    const struct route_element *element)
{
    return last->attributes && element->attributes && element->raw.length &&
           last->kind == element->kind && last->time_us == element->time_us &&
           last->raw.length == element->raw.length && is_same_peer(last->peer, element->peer) &&
           memcmp(last->raw.bytes, element->raw.bytes, element->raw.length) == 0;
}

void route_queue_add(struct route_queue *queue, const char *feed,
                     const struct route_element *element)
{
    const struct item *last =
        queue->items->len ? &g_array_index(queue->items, struct item, queue->items->len - 1) : NULL;
    struct item item = { .element = *element };
    struct route_element *copy = &item.element;

    item.feed =
        last && g_str_equal(last->feed, feed) ? last->feed : keep(queue, feed, strlen(feed) + 1);
    if (last && has_same_attributes(&last->element, element)) {
        copy->attributes = last->element.attributes;
        copy->raw = last->element.raw;
    } else {
        copy->raw.bytes = keep(queue, element->raw.bytes, element->raw.length);
        if (element->attributes)
            copy->attributes =
                keep_attributes(queue, element->attributes, &element->raw, &copy->raw);
    }
    if (element->peer)
        copy->peer = last && is_same_peer(last->element.peer, element->peer)
                         ? last->element.peer
                         : keep(queue, element->peer, sizeof *element->peer);
    g_array_append_val(queue->items, item);
}

const struct route_element *route_queue_first(const struct route_queue *queue, const char **feed)
{
    const struct item *item;

    if (queue->next == queue->items->len)
        return NULL;
    item = &g_array_index(queue->items, struct item, queue->next);
    *feed = item->feed;
    return &item->element;
}

void route_queue_drop(struct route_queue *queue)
{
    if (++queue->next < queue->items->len)
        return;
    queue->next = 0;
    g_array_set_size(queue->items, 0);
    g_ptr_array_set_size(queue->blocks, 0);
    queue->used = queue->room = 0;
}
