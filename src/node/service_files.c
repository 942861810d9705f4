/*
 * service_files.c: the log's files as C2SP tlog-tiles lays them out, from the folder of the log or
 * of a mirror.
 *
 * A full tile never changes, nor does a partial one: they may be kept for a year, and the hot ones
 * are kept in memory. A partial tile whose file has given way to the full one is cut out of that.
 */
#include "base/error.h"
#include "log/tile.h"
#include "node/metrics.h"
#include "node/node.h"
#include "node/problem.h"
#include "node/services.h"
#include "node/tile_cache.h"
#include "statement/note.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_DEFAULT (64u << 20)
#define IN_MEMORY_LIMIT (512u << 10) /* larger files are sent from their descriptor */
#define TILE_COST 1
#define HISTORY_COST 4
#define FOREVER "public, max-age=31536000, immutable"
#define BRIEFLY "public, max-age=1"
#define OCTETS "application/octet-stream"
#define TEXT "text/plain; charset=utf-8"

struct files {
    int folder;
    struct tile_cache *cache;
};

static gpointer start(struct node *node, GError **error)
{
    const char *folder = node_log_folder(node);
    guint64 limit = node_options(node)->cache;
    struct files *files;
    int fd;

    if (!folder)
        return NULL;
    fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        errno_error(error, errno, "%s: cannot be opened", folder);
        return NULL;
    }
    files = g_new0(struct files, 1);
    files->folder = fd;
    files->cache = tile_cache_new(limit ? limit : CACHE_DEFAULT);
    return files;
}

static void stop(gpointer service)
{
    struct files *files = service;

    tile_cache_free(files->cache);
    close(files->folder);
    g_free(files);
}

/* A regular file, open; -1 when it is not there. */
static int open_file(const struct files *files, const char *path, struct stat *status)
{
    int fd = openat(files->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return -1;
    if (fstat(fd, status) == 0 && S_ISREG(status->st_mode))
        return fd;
    close(fd);
    errno = ENOENT;
    return -1;
}

/* As many bytes as the file had when it was opened; NULL when it has fewer now. */
static GBytes *read_whole(int fd, gsize size)
{
    g_autofree char *data = g_malloc(size + 1);
    gsize have = 0;

    while (have < size) {
        ssize_t got = pread(fd, data + have, size - have, have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return NULL;
        have += got;
    }
    return g_bytes_new_take(g_steal_pointer(&data), size);
}

static char *etag_of(const struct stat *status)
{
    return g_strdup_printf("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x\"",
                           (gint64)status->st_mtim.tv_sec * G_USEC_PER_SEC +
                               status->st_mtim.tv_nsec / 1000,
                           (gint64)status->st_size);
}

static void cannot_be_read(struct node_answer *answer)
{
    answer_problem(answer, 503, "The file cannot be read now.");
    answer->retry_after_s = 1;
}

/* What open_file() failed for decides: descriptors may have run out. */
static void not_open(struct node_answer *answer, int failure)
{
    if (failure == ENOENT || failure == ENOTDIR || failure == ELOOP)
        answer_problem(answer, 404, "The log has no such file.");
    else
        cannot_be_read(answer);
}

/* --- checkpoint and history --- */

static void answer_checkpoint(struct node *node, gpointer service,
                              const struct node_request *request, struct node_answer *answer)
{
    struct stat status;
    int fd = open_file(service, "checkpoint", &status);
    GBytes *bytes = NULL;

    if (fd < 0) {
        not_open(answer, errno);
        return;
    }
    if (status.st_size <= (gint64)NOTE_LIMIT)
        bytes = read_whole(fd, status.st_size);
    close(fd);
    if (!bytes) {
        cannot_be_read(answer);
        return;
    }
    answer_bytes(answer, 200, TEXT, bytes);
    answer->cache = BRIEFLY;
}

static void answer_history(struct node *node, gpointer service, const struct node_request *request,
                           struct node_answer *answer)
{
    struct stat status;
    int fd = open_file(service, "history", &status);

    if (fd < 0) {
        not_open(answer, errno);
        return;
    }
    answer->status = 200;
    answer->content_type = OCTETS;
    answer->cache = BRIEFLY;
    answer->file = fd;
    answer->file_size = status.st_size;
}

/* --- tiles --- */

/* How many bytes the first `width` hashes or entries are; 0 when there are not so many. */
static gsize prefix_of(const struct tile *tile, const guint8 *data, gsize length)
{
    gsize at = 0;

    if (tile->level != TILE_ENTRIES)
        return (gsize)tile->width * MERKLE_HASH_SIZE <= length ? tile->width * MERKLE_HASH_SIZE : 0;
    for (guint i = 0; i < tile->width; i++) {
        if (at + 2 > length)
            return 0;
        at += 2 + (data[at] << 8 | data[at + 1]);
    }
    return at <= length ? at : 0;
}

/*
 * The bytes of a tile, checked for being as many as its width says: a file still being written, or
 * cut short, is never sent, less even kept.
 */
static GBytes *whole_tile(const struct tile *tile, GBytes *bytes, gboolean is_wider)
{
    gsize length;
    const guint8 *data = g_bytes_get_data(bytes, &length);
    gsize wanted = prefix_of(tile, data, length);

    if (!wanted || (wanted < length && !is_wider))
        return NULL;
    return g_bytes_new_from_bytes(bytes, 0, wanted);
}

static void answer_large(struct node_answer *answer, int fd, const struct stat *status)
{
    answer->status = 200;
    answer->content_type = OCTETS;
    answer->cache = FOREVER;
    answer->file = fd;
    answer->file_size = status->st_size;
    answer->etag = etag_of(status);
}

static void answer_read_tile(struct files *files, const char *path, const struct tile *tile, int fd,
                             const struct stat *status, gboolean is_wider,
                             struct node_answer *answer)
{
    g_autoptr(GBytes) bytes =
        status->st_size <= (gint64)BUNDLE_LIMIT ? read_whole(fd, status->st_size) : NULL;
    g_autoptr(GBytes) part = bytes ? whole_tile(tile, bytes, is_wider) : NULL;
    g_autofree char *etag = NULL;

    close(fd);
    if (!part) {
        cannot_be_read(answer);
        return;
    }
    etag = g_strdup_printf("\"%s-%u\"", path, tile->width);
    answer->status = 200;
    answer->content = node_content_new(part, OCTETS, FOREVER, etag, NULL);
    tile_cache_put(files->cache, path, answer->content);
}

static void answer_tile(struct node *node, gpointer service, const struct node_request *request,
                        struct node_answer *answer)
{
    struct files *files = service;
    const char *path = request->path + 1;
    gboolean is_wider = FALSE;
    struct tile tile;
    struct stat status;
    int fd;

    answer->content = tile_cache_get(files->cache, path);
    if (answer->content) {
        answer->status = 200;
        return;
    }
    if (!tile_parse(path, &tile, NULL)) {
        not_open(answer, ENOENT);
        return;
    }
    fd = open_file(files, path, &status);
    if (fd < 0 && tile.width < TILE_WIDTH) {
        struct tile full = tile;
        g_autofree char *full_path = NULL;

        full.width = TILE_WIDTH;
        full_path = tile_path(&full);
        fd = open_file(files, full_path, &status);
        is_wider = TRUE;
    }
    if (fd < 0)
        not_open(answer, errno);
    else if (status.st_size > (gint64)IN_MEMORY_LIMIT && !is_wider)
        answer_large(answer, fd, &status);
    else
        answer_read_tile(files, path, &tile, fd, &status, is_wider, answer);
}

static void metrics(gpointer service, GString *text)
{
    struct files *files = service;
    struct tile_cache_numbers numbers;

    tile_cache_numbers(files->cache, &numbers);
    metric_add(text, METRIC_COUNTER, "tile_cache_hits_total", "Tiles sent from memory.",
               numbers.hits);
    metric_add(text, METRIC_COUNTER, "tile_cache_misses_total", "Tiles read from their files.",
               numbers.misses);
    metric_add(text, METRIC_GAUGE, "tile_cache_bytes", "Bytes of tiles in memory.", numbers.bytes);
    metric_add(text, METRIC_GAUGE, "tile_cache_tiles", "Tiles in memory.", numbers.count);
}

static const struct route routes[] = {
    { "GET", "/tile/*", ROUTE_AT_ONCE, 0, TILE_COST, answer_tile },
    { "GET", "/checkpoint", ROUTE_AT_ONCE, 0, TILE_COST, answer_checkpoint },
    { "GET", "/history", ROUTE_AT_ONCE, 0, HISTORY_COST, answer_history },
    { NULL },
};

const struct service service_files = {
    .name = "files",
    .start = start,
    .stop = stop,
    .routes = routes,
    .metrics = metrics,
};
