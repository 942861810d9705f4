#include "p1_resilience/recover/listing.h"

#include <string.h>

struct snapshot *snapshot_new(const char *id, gint64 time_us, char **paths)
{
    struct snapshot *snapshot = g_new0(struct snapshot, 1);

    snapshot->id = g_strdup(id);
    snapshot->time_us = time_us;
    snapshot->paths = paths;
    return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
    g_free(snapshot->id);
    g_strfreev(snapshot->paths);
    g_free(snapshot);
}

void snapshots_tell(const struct told *told, gpointer snapshots)
{
    if (told->kind == TOLD_SNAPSHOT)
        g_ptr_array_add(snapshots,
                        snapshot_new(told->name, told->time_us, g_strdupv((char **)told->paths)));
}

static gint newest_first(gconstpointer left, gconstpointer right)
{
    const struct snapshot *a = *(struct snapshot *const *)left;
    const struct snapshot *b = *(struct snapshot *const *)right;

    return a->time_us < b->time_us ? 1 : a->time_us > b->time_us ? -1 : strcmp(a->id, b->id);
}

void snapshots_sort(GPtrArray *snapshots)
{
    g_ptr_array_sort(snapshots, newest_first);
}

struct listing *listing_new(void)
{
    struct listing *listing = g_new0(struct listing, 1);

    listing->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    listing->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return listing;
}

void listing_free(struct listing *listing)
{
    if (!listing)
        return;
    g_hash_table_unref(listing->entries);
    g_hash_table_unref(listing->aliases);
    g_free(listing);
}

static const char *without_slashes(const char *path)
{
    return path + strspn(path, "/");
}

void listing_add(struct listing *listing, const char *path, const struct listed *listed)
{
    struct listed *there = g_hash_table_lookup(listing->entries, without_slashes(path)), *added;

    if (listed->type == '-') {
        listing->files++;
        listing->bytes += (guint64)MAX(listed->size, 0);
    }
    listing->damaged += listed->damaged;
    if (there) {
        there->ambiguous = TRUE;
        there->damaged |= listed->damaged;
        return;
    }
    added = g_memdup2(listed, sizeof *listed);
    added->order = g_hash_table_size(listing->entries);
    g_hash_table_insert(listing->entries, g_strdup(without_slashes(path)), added);
}

void listing_alias(struct listing *listing, const char *path, const char *of)
{
    g_hash_table_replace(listing->aliases, g_strdup(without_slashes(path)),
                         g_strdup(without_slashes(of)));
}

void listing_tell(const struct told *told, gpointer listing)
{
    const struct listed listed = {
        .size = told->size,
        .mtime_us = told->time_us,
        .type = told->type,
        .damaged = told->damaged,
    };

    if (told->kind != TOLD_FILE)
        return;
    listing_add(listing, told->name, &listed);
    if (told->alias)
        listing_alias(listing, told->name, told->alias);
}

const char *listing_alias_of(const struct listing *listing, const char *key)
{
    return g_hash_table_lookup(listing->aliases, key);
}

const struct listed *listing_find(const struct listing *listing, const char *key)
{
    return g_hash_table_lookup(listing->entries, key);
}

char *listing_key(const char *path, const char *lost)
{
    const char *at = without_slashes(path), *end;
    gsize left = strlen(at);
    GString *key = g_string_new(NULL);

    while (!g_utf8_validate_len(at, left, &end)) {
        g_string_append_len(key, at, end - at);
        g_string_append(key, lost);
        left -= (gsize)(end - at) + 1;
        at = end + 1;
    }
    g_string_append_len(key, at, (gssize)left);
    return g_string_free(key, FALSE);
}

struct listing_change listing_compare(const struct listing *before, const struct listing *now)
{
    struct listing_change change = { .before = before->files };
    guint64 common = 0;
    GHashTableIter each;
    gpointer key, value;

    g_hash_table_iter_init(&each, before->entries);
    while (g_hash_table_iter_next(&each, &key, &value)) {
        const struct listed *old = value, *listed = listing_find(now, key);

        if (old->type != '-')
            continue;
        if (!listed || listed->type != '-') {
            change.gone++;
            continue;
        }
        common++;
        change.changed += listed->size != old->size || listed->mtime_us != old->mtime_us;
    }
    change.added = now->files > common ? now->files - common : 0;
    return change;
}
