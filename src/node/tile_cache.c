#include "node/tile_cache.h"

#define ITEM_PART 16        /* one item may be at most this part of the whole */
#define ITEM_OVERHEAD 1024u /* response, path, list */

struct item {
    char *path;
    struct node_content *content;
    gsize size;
    GList link; /* in `order` */
};

struct tile_cache {
    GMutex lock;
    GHashTable *items;
    GQueue order; /* the last asked for first */
    gsize limit, bytes;
    guint64 hits, misses;
};

static void item_free(gpointer data)
{
    struct item *item = data;

    node_content_unref(item->content);
    g_free(item->path);
    g_free(item);
}

struct tile_cache *tile_cache_new(gsize limit)
{
    struct tile_cache *cache = g_new0(struct tile_cache, 1);

    g_mutex_init(&cache->lock);
    cache->items = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, item_free);
    cache->limit = limit;
    return cache;
}

void tile_cache_free(struct tile_cache *cache)
{
    if (!cache)
        return;
    g_hash_table_unref(cache->items);
    g_mutex_clear(&cache->lock);
    g_free(cache);
}

struct node_content *tile_cache_get(struct tile_cache *cache, const char *path)
{
    struct node_content *content = NULL;
    struct item *item;

    g_mutex_lock(&cache->lock);
    item = g_hash_table_lookup(cache->items, path);
    if (item) {
        cache->hits++;
        g_queue_unlink(&cache->order, &item->link);
        g_queue_push_head_link(&cache->order, &item->link);
        content = node_content_ref(item->content);
    } else {
        cache->misses++;
    }
    g_mutex_unlock(&cache->lock);
    return content;
}

/* With the lock held. */
static void drop_last(struct tile_cache *cache)
{
    GList *link = g_queue_pop_tail_link(&cache->order);
    struct item *item = link->data;

    cache->bytes -= item->size;
    g_hash_table_remove(cache->items, item->path);
}

void tile_cache_put(struct tile_cache *cache, const char *path, struct node_content *content)
{
    gsize size = node_content_size(content) + ITEM_OVERHEAD;
    struct item *item;

    if (size > cache->limit / ITEM_PART)
        return;
    g_mutex_lock(&cache->lock);
    if (!g_hash_table_contains(cache->items, path)) {
        while (cache->bytes + size > cache->limit)
            drop_last(cache);
        item = g_new0(struct item, 1);
        item->path = g_strdup(path);
        item->content = node_content_ref(content);
        item->size = size;
        item->link.data = item;
        g_hash_table_insert(cache->items, item->path, item);
        g_queue_push_head_link(&cache->order, &item->link);
        cache->bytes += size;
    }
    g_mutex_unlock(&cache->lock);
}

void tile_cache_numbers(struct tile_cache *cache, struct tile_cache_numbers *numbers)
{
    g_mutex_lock(&cache->lock);
    *numbers = (struct tile_cache_numbers){ cache->hits, cache->misses, cache->bytes,
                                            g_hash_table_size(cache->items) };
    g_mutex_unlock(&cache->lock);
}
