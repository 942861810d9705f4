/*
 * tile_cache.h: hot tiles in memory, bounded; the least recently asked for goes first.
 * Thread-safe.
 */
#pragma once
#include "node/service.h"

struct tile_cache;
struct tile_cache *tile_cache_new(gsize limit);
void tile_cache_free(struct tile_cache *cache);

/* A reference of the caller's own; NULL when it is not there. */
struct node_content *tile_cache_get(struct tile_cache *cache, const char *path);
/* Keeps a reference, if it is not more than a part of the whole. */
void tile_cache_put(struct tile_cache *cache, const char *path, struct node_content *content);

struct tile_cache_numbers {
    guint64 hits, misses, bytes, count;
};
void tile_cache_numbers(struct tile_cache *cache, struct tile_cache_numbers *numbers);
