#include "p2_internet/routes/gather.h"

#include "base/error.h"
#include "base/file.h"
#include "p2_internet/routes/blob_memo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_PLACES 1024u
#define MEMO_BITS 14u
#define PATH_MAX_ASNS 65536u

/* An open table of origins: a place without routes is free. */
struct origins {
    struct gather_origin *places;
    gsize room, used; /* room: a power of two */
};

struct gather {
    const struct aspa_set *aspas;
    struct origins origins;
    GHashTable *paths;      /* struct gather_path, its own key */
    struct blob_memo *memo; /* of paths: struct path_verdict */
    struct plain_path path; /* used again */
    struct gather_totals totals;
};

/* --- what is kept --- */

static void see(struct gather_seen *seen, const struct gather_seen *more)
{
    seen->first_us = seen->routes ? MIN(seen->first_us, more->first_us) : more->first_us;
    seen->last_us = seen->routes ? MAX(seen->last_us, more->last_us) : more->last_us;
    seen->routes += more->routes;
}

static gboolean same_origin(const struct gather_origin *a, const struct gather_origin *b)
{
    return a->origin == b->origin && a->has_origin == b->has_origin &&
           ip_prefix_equal(&a->prefix, &b->prefix);
}

static struct gather_origin *origin_place(const struct origins *origins,
                                          const struct gather_origin *wanted)
{
    gsize at =
        (ip_prefix_hash(&wanted->prefix) ^ wanted->origin * 2654435761u) & (origins->room - 1);

    while (origins->places[at].seen.routes && !same_origin(&origins->places[at], wanted))
        at = (at + 1) & (origins->room - 1);
    return &origins->places[at];
}

static void grow(struct origins *origins)
{
    const struct origins old = *origins;

    origins->room = old.room * 2;
    origins->places = g_new0(struct gather_origin, origins->room);
    for (gsize i = 0; i < old.room; i++)
        if (old.places[i].seen.routes)
            *origin_place(origins, &old.places[i]) = old.places[i];
    g_free(old.places);
}

static void add_origin(struct origins *origins, const struct gather_origin *one)
{
    struct gather_origin *place = origin_place(origins, one);

    if (place->seen.routes) {
        see(&place->seen, &one->seen);
        return;
    }
    *place = *one;
    if (++origins->used * 4 > origins->room * 3)
        grow(origins);
}

static guint hash_path(gconstpointer key)
{
    const struct gather_path *path = key;
    guint hash = path->path.otc ^ path->path.has_set;

    for (guint i = 0; i < path->path.count; i++)
        hash = (hash ^ path->path.asns[i]) * 16777619u;
    return hash;
}

static gboolean same_path(gconstpointer left, gconstpointer right)
{
    const struct plain_path *a = &((const struct gather_path *)left)->path;
    const struct plain_path *b = &((const struct gather_path *)right)->path;

    return a->count == b->count && a->has_set == b->has_set && a->has_otc == b->has_otc &&
           a->otc == b->otc &&
           (!a->count || memcmp(a->asns, b->asns, a->count * sizeof *a->asns) == 0);
}

static void free_path(gpointer data)
{
    struct gather_path *path = data;

    plain_path_clear(&path->path);
    g_free(path);
}

static void add_path(struct gather *gather, const struct gather_path *one)
{
    struct gather_path *known = g_hash_table_lookup(gather->paths, one);

    if (known) {
        see(&known->seen, &one->seen);
        return;
    }
    if (g_hash_table_size(gather->paths) >= GATHER_PATHS_MAX) {
        gather->totals.lost_paths += one->seen.routes;
        return;
    }
    known = g_memdup2(one, sizeof *one);
    known->path.asns = g_memdup2(one->path.asns, one->path.count * sizeof *one->path.asns);
    known->path.room = one->path.count;
    g_hash_table_add(gather->paths, known);
}

struct gather *gather_new(const struct aspa_set *aspas)
{
    struct gather *gather = g_new0(struct gather, 1);

    gather->aspas = aspas;
    gather->origins.room = FIRST_PLACES;
    gather->origins.places = g_new0(struct gather_origin, FIRST_PLACES);
    gather->paths = g_hash_table_new_full(hash_path, same_path, free_path, NULL);
    gather->memo = blob_memo_new(MEMO_BITS, sizeof(struct path_verdict), NULL);
    return gather;
}

void gather_free(struct gather *gather)
{
    if (!gather)
        return;
    g_free(gather->origins.places);
    g_hash_table_unref(gather->paths);
    blob_memo_free(gather->memo);
    plain_path_clear(&gather->path);
    g_free(gather);
}

/* --- routes --- */

/* A path comes again and again: what it was judged to be is remembered. */
static const struct path_verdict *judge(struct gather *gather, struct path_verdict *room)
{
    const struct plain_path *path = &gather->path;
    const gsize length = path->count * sizeof *path->asns;
    const guint8 *kept;
    struct path_verdict *verdict = room;
    gboolean is_new = TRUE;

    if (length && length <= BLOB_MEMO_KEY_MAX && !path->has_otc)
        verdict = blob_memo_get(gather->memo, (const guint8 *)path->asns, length,
                                (guint32)path->has_set, &kept, &is_new);
    if (is_new)
        path_judge(path, gather->aspas, verdict);
    return verdict;
}

static void take_path(struct gather *gather, const struct route_element *element,
                      const struct gather_seen *seen)
{
    struct gather_totals *totals = &gather->totals;
    struct path_verdict room;
    const struct path_verdict *verdict;

    plain_path_of(element->attributes, &gather->path);
    verdict = judge(gather, &room);
    totals->aspa[verdict->aspa]++;
    totals->otc[verdict->otc] += gather->path.has_otc;
    totals->bogon_as += verdict->has_bogon;
    if (path_verdict_is_bad(verdict)) {
        const struct gather_path path = { gather->path, element->prefix, *seen };

        add_path(gather, &path);
    }
}

void gather_element(const struct route_element *element, gpointer data)
{
    struct gather *gather = data;
    const struct gather_seen seen = { 1, element->time_us, element->time_us };
    struct gather_origin origin;

    if ((element->kind != ROUTE_ANNOUNCE && element->kind != ROUTE_RIB) || !element->attributes ||
        element->flags & ROUTE_TREATED || element->safi != BGP_UNICAST)
        return;
    memset(&origin, 0, sizeof origin); /* its padding is written too */
    origin.prefix = element->prefix;
    origin.seen = seen;
    origin.has_origin =
        (guint8)route_origin(&element->attributes->path, element->peer, &origin.origin);
    if (!origin.has_origin)
        origin.origin = 0;
    add_origin(&gather->origins, &origin);
    gather->totals.routes++;
    take_path(gather, element, &seen);
}

/* --- files: totals, the number of origins, origins, the number of paths, paths --- */

gboolean gather_write(const struct gather *gather, int fd)
{
    g_autoptr(GArray) origins = gather_origins(gather);
    const guint64 counts[] = { origins->len, g_hash_table_size(gather->paths) };
    g_autoptr(GByteArray) out = g_byte_array_new();
    GHashTableIter iter;
    gpointer key;

    g_byte_array_append(out, (const guint8 *)&gather->totals, sizeof gather->totals);
    g_byte_array_append(out, (const guint8 *)counts, sizeof counts);
    g_byte_array_append(out, (const guint8 *)origins->data,
                        (guint)(origins->len * sizeof(struct gather_origin)));
    g_hash_table_iter_init(&iter, gather->paths);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const struct gather_path *path = key;

        g_byte_array_append(out, key, sizeof *path);
        if (path->path.count)
            g_byte_array_append(out, (const guint8 *)path->path.asns,
                                (guint)(path->path.count * sizeof *path->path.asns));
    }
    return file_write_all(fd, out->data, out->len);
}

/* A file that is being read. */
struct reading {
    const guint8 *at, *end;
};

static gboolean take(struct reading *reading, gpointer to, gsize size)
{
    if ((gsize)(reading->end - reading->at) < size)
        return FALSE;
    if (size)
        memcpy(to, reading->at, size);
    reading->at += size;
    return TRUE;
}

static gboolean is_prefix(const struct ip_prefix *prefix)
{
    return ip_family_bits(prefix->family) && prefix->length <= ip_family_bits(prefix->family);
}

static gboolean read_path(struct gather *gather, struct reading *reading)
{
    g_autofree guint32 *asns = NULL;
    struct gather_path path;

    if (!take(reading, &path, sizeof path) || path.path.count > PATH_MAX_ASNS ||
        !path.seen.routes || !is_prefix(&path.prefix))
        return FALSE;
    asns = g_new(guint32, path.path.count);
    path.path.asns = asns;
    if (!take(reading, asns, path.path.count * sizeof *asns))
        return FALSE;
    add_path(gather, &path);
    return TRUE;
}

static void add_totals(struct gather_totals *to, const struct gather_totals *more)
{
    to->routes += more->routes;
    for (guint i = 0; i < ASPA_STATES; i++)
        to->aspa[i] += more->aspa[i];
    for (guint i = 0; i < OTC_FINDINGS; i++)
        to->otc[i] += more->otc[i];
    to->bogon_as += more->bogon_as;
    to->lost_paths += more->lost_paths;
}

/* What one gather_write() wrote. */
static gboolean read_one(struct gather *gather, struct reading *reading)
{
    struct gather_totals totals;
    guint64 counts[2];

    if (!take(reading, &totals, sizeof totals) || !take(reading, counts, sizeof counts))
        return FALSE;
    add_totals(&gather->totals, &totals);
    for (guint64 i = 0; i < counts[0]; i++) {
        struct gather_origin origin;

        if (!take(reading, &origin, sizeof origin) || !origin.seen.routes ||
            origin.has_origin > 1 || !is_prefix(&origin.prefix))
            return FALSE;
        add_origin(&gather->origins, &origin);
    }
    for (guint64 i = 0; i < counts[1]; i++)
        if (!read_path(gather, reading))
            return FALSE;
    return TRUE;
}

gboolean gather_read(struct gather *gather, int fd, GError **error)
{
    g_autoptr(GMappedFile) file = g_mapped_file_new_from_fd(fd, FALSE, error);
    struct reading reading;

    if (!file)
        return FALSE;
    reading.at = (const guint8 *)g_mapped_file_get_contents(file);
    reading.end = reading.at + g_mapped_file_get_length(file);
    while (reading.at < reading.end)
        if (!read_one(gather, &reading))
            return system_error(error, "the worker that reads was not understood");
    return TRUE;
}

/* --- in order --- */

const struct gather_totals *gather_totals(const struct gather *gather)
{
    return &gather->totals;
}

static int compare_origins(gconstpointer left, gconstpointer right)
{
    const struct gather_origin *a = left, *b = right;
    const int order = ip_prefix_compare(&a->prefix, &b->prefix);

    if (order)
        return order;
    if (a->has_origin != b->has_origin)
        return (int)a->has_origin - (int)b->has_origin;
    return a->origin < b->origin ? -1 : a->origin > b->origin;
}

GArray *gather_origins(const struct gather *gather)
{
    GArray *all =
        g_array_sized_new(FALSE, FALSE, sizeof(struct gather_origin), (guint)gather->origins.used);

    for (gsize i = 0; i < gather->origins.room; i++)
        if (gather->origins.places[i].seen.routes)
            g_array_append_val(all, gather->origins.places[i]);
    g_array_sort(all, compare_origins);
    return all;
}

static int compare_paths(gconstpointer left, gconstpointer right)
{
    const struct gather_path *a = *(const struct gather_path *const *)left;
    const struct gather_path *b = *(const struct gather_path *const *)right;
    const guint least = MIN(a->path.count, b->path.count);

    if (a->seen.routes != b->seen.routes)
        return a->seen.routes < b->seen.routes ? 1 : -1;
    for (guint i = 0; i < least; i++)
        if (a->path.asns[i] != b->path.asns[i])
            return a->path.asns[i] < b->path.asns[i] ? -1 : 1;
    if (a->path.count != b->path.count)
        return a->path.count < b->path.count ? -1 : 1;
    return a->path.otc < b->path.otc ? -1 : a->path.otc > b->path.otc;
}

GPtrArray *gather_paths(const struct gather *gather)
{
    GPtrArray *all = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, gather->paths);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(all, key);
    g_ptr_array_sort(all, compare_paths);
    return all;
}
