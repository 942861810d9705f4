#include "p1_resilience/hunt/retro.h"

#include "base/clock.h"
#include "base/error.h"
#include "journal/journal.h"
#include "p1_resilience/hunt/scan_files.h"
#include "statement/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE "hunt.lock"
#define LOCK_MODE 0600
#define TABLE_SUFFIX ".table"
#define EDGE_SIZE ((gsize)1024) /* bytes by which a file is known again */
#define STEP ((gsize)64 << 10)  /* bytes looked through for the end of a line */
#define SETTLED_US (G_GINT64_CONSTANT(10) * G_USEC_PER_SEC) /* then nobody writes on a line */
#define SEVERITY "high"

static const char *const packed[] = { ".gz", ".bz2", ".xz", ".zst", NULL };

static int by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **hunt_retro_tables(const char *data_folder)
{
    g_autofree char *folder = g_build_filename(data_folder, RETRO_TABLES, NULL);
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    GPtrArray *paths = g_ptr_array_new();
    const char *name;

    while (names && (name = g_dir_read_name(names)))
        if (g_str_has_suffix(name, TABLE_SUFFIX) && *name != '.')
            g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(paths, by_text);
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}

void hunt_retro_digest(const struct hunt_table *table, guint8 digest[RETRO_DIGEST])
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    for (gsize i = 0; i < hunt_table_parts(table); i++)
        crypto_hash_sha256_update(&state, table_info(hunt_table_part(table, i))->digest,
                                  RETRO_DIGEST);
    crypto_hash_sha256_final(&state, digest);
}

/* ---- the files of a log */

/* The path as it was before the log was rotated: without ".3.gz", "-20261122", ... */
static char *stem_of(const char *path)
{
    char *stem = g_strdup(path);
    gsize length = strlen(stem), digits;

    for (const char *const *suffix = packed; *suffix; suffix++)
        if (g_str_has_suffix(stem, *suffix)) {
            length -= strlen(*suffix);
            break;
        }
    digits = length;
    while (digits && g_ascii_isdigit(stem[digits - 1]))
        digits--;
    if (digits > 1 && digits < length && strchr(".-", stem[digits - 1]))
        length = digits - 1;
    stem[length] = '\0';
    return stem;
}

/* What a log was rotated into lies beside it, and begins with its name. */
static GPtrArray *files_of(const struct asset *log)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = g_path_get_dirname(log->path), *own = g_path_get_basename(log->path);
    g_autoptr(GDir) names = NULL;
    const char *name;
    struct stat status;

    if (stat(log->path, &status) < 0 || !S_ISDIR(status.st_mode))
        names = g_dir_open(folder, 0, NULL);
    while (names && (name = g_dir_read_name(names))) {
        const gsize length = strlen(own);
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (g_str_has_prefix(name, own) && name[length] && strchr(".-", name[length]) &&
            lstat(path, &status) == 0 && S_ISREG(status.st_mode))
            g_ptr_array_add(paths, g_steal_pointer(&path));
    }
    g_ptr_array_sort(paths, by_text);
    g_ptr_array_insert(paths, 0, g_strdup(log->path)); /* one that is not there is told */
    g_ptr_array_add(paths, NULL);
    return inputs_list((char **)paths->pdata);
}

/* ---- one file */

struct search {
    const struct hunt_retro *retro;
    struct hunt_retro_summary *summary;
    struct retro_store *store;
    struct journal *journal;
    guint8 tables[RETRO_DIGEST];
    guint64 unread; /* of the log at hand */
    /* of the file at hand */
    GPtrArray *hits;
    guint64 read, lines;
    gboolean ended;
};

static void take_hit(const struct hunt_hit *hit, gpointer data)
{
    struct search *search = data;

    if (!hit->suppressed_by)
        g_ptr_array_add(search->hits, retro_hit_copy(hit));
}

static void tell_unread(struct search *search, const char *name, const char *problem)
{
    search->unread++;
    search->summary->unread++;
    if (search->retro->unread)
        search->retro->unread(name, problem, search->retro->data);
}

static void take_end(const struct hunt_scanned *input, gpointer data)
{
    struct search *search = data;

    search->read = input->read;
    search->lines = input->lines;
    search->ended = !input->problem;
    search->summary->bytes += input->bytes;
    search->summary->lines += input->lines;
    if (input->problem)
        tell_unread(search, input->name, input->problem);
}

/* SHA-256 of up to EDGE_SIZE bytes that end at `end` (`from_start`: that begin the file). */
static gboolean edge(int fd, guint64 end, gboolean from_start, guint8 *digest)
{
    guint8 bytes[EDGE_SIZE];
    const gsize size = (gsize)MIN(end, EDGE_SIZE);

    if (pread(fd, bytes, size, from_start ? 0 : (off_t)(end - size)) != (ssize_t)size)
        return FALSE;
    crypto_hash_sha256(digest, bytes, size);
    return TRUE;
}

/* Where the last whole line before `size` ends; `least` when none ends behind that. */
static guint64 whole_lines(int fd, guint64 size, guint64 least)
{
    g_autofree char *bytes = g_malloc(STEP);

    while (size > least) {
        const gsize step = (gsize)MIN(size - least, STEP);
        const ssize_t got = pread(fd, bytes, step, (off_t)(size - step));
        const char *end = got > 0 ? memrchr(bytes, '\n', (size_t)got) : NULL;

        if (got != (ssize_t)step)
            return least;
        if (end)
            return size - step + (guint64)(end - bytes) + 1;
        size -= step;
    }
    return least;
}

/* Whether the file is the one that was searched, and has only grown since. */
static gboolean has_grown(int fd, guint64 size, const struct retro_place *place)
{
    guint8 head[RETRO_DIGEST], tail[RETRO_DIGEST];

    return size >= place->offset && edge(fd, place->offset, TRUE, head) &&
           edge(fd, place->offset, FALSE, tail) && memcmp(head, place->head, sizeof head) == 0 &&
           memcmp(tail, place->tail, sizeof tail) == 0;
}

/* What is to be read of a file. FALSE: nothing. Sets `place` to what will be true afterwards. */
static gboolean plan(const struct search *search, int fd, const struct stat *status,
                     struct input *input, gboolean known, struct retro_place *place,
                     gboolean *is_same)
{
    const gint64 changed_us =
        status->st_mtim.tv_sec * G_USEC_PER_SEC + status->st_mtim.tv_nsec / 1000;
    const guint64 size = (guint64)status->st_size;
    const gboolean same_tables = known && memcmp(place->tables, search->tables, RETRO_DIGEST) == 0;
    guint8 magic[COMPRESSION_MAGIC_SIZE];
    const ssize_t got = pread(fd, magic, sizeof magic, 0);
    const gboolean is_packed = got > 0 && compression_of(magic, (gsize)got) != COMPRESSION_NONE;
    const gboolean grown = known && !is_packed && has_grown(fd, size, place);
    const gboolean settled = clock_now_us() - changed_us > SETTLED_US;

    if (same_tables && place->size == size && place->changed_us == changed_us &&
        (is_packed || (grown && (settled ? place->offset == size : TRUE))))
        return FALSE;
    if (!grown || !same_tables) {
        place->lines = 0;
        place->offset = 0;
    }
    *is_same = grown;
    input->from = is_packed ? 0 : place->offset;
    input->lines_before = place->lines;
    place->offset = is_packed ? 0 : whole_lines(fd, size, place->offset);
    input->until = is_packed ? 0 : settled ? size : place->offset;
    place->size = size;
    place->changed_us = changed_us;
    memcpy(place->tables, search->tables, RETRO_DIGEST);
    return is_packed || input->until > input->from;
}

/* Whether the file behind the name is still the one that was planned for. */
static gboolean is_still(const char *path, const struct retro_place *place)
{
    struct stat status;

    return stat(path, &status) == 0 && (guint64)status.st_dev == place->device &&
           (guint64)status.st_ino == place->inode;
}

static gboolean search_planned(struct search *search, const struct asset *log, struct input *input,
                               int fd, struct retro_place *place, gboolean is_same, GError **error)
{
    const struct hunt_scan_options options = { .threads = search->retro->threads };
    const struct hunt_scan_calls calls = { take_hit, take_end, NULL, search };
    const guint64 wanted = input->until - input->from;
    g_autoptr(GPtrArray) one = g_ptr_array_new();
    g_autofree char *stem = stem_of(input->name);
    struct retro_found found = { .log = log->name, .stem = stem, .hits = search->hits };
    struct hunt_scan_summary scanned;
    guint64 fresh;

    g_ptr_array_add(one, input);
    g_ptr_array_set_size(search->hits, 0);
    search->ended = FALSE;
    if (!hunt_scan_files(search->retro->table, one, &options, &calls, &scanned, error))
        return FALSE;
    found.is_copy = input->compression != COMPRESSION_NONE || !g_str_equal(stem, input->name);
    place->lines = input->lines_before + search->lines - (input->until > place->offset ? 1 : 0);
    if (search->ended && (!input->until || search->read == wanted) &&
        is_still(input->name, place) && edge(fd, place->offset, TRUE, place->head) &&
        edge(fd, place->offset, FALSE, place->tail)) {
        /* A short log's head changes with each line; what is told of its lines may not. */
        if (!is_same)
            memcpy(place->origin, place->head, sizeof place->origin);
        found.place = place;
    }
    search->summary->searched++;
    if (!retro_store_record(search->store, &found, clock_now_us(), &fresh, error))
        return FALSE;
    search->summary->hits += fresh;
    return TRUE;
}

static gboolean search_file(struct search *search, const struct asset *log, struct input *input,
                            GError **error)
{
    struct retro_place place = { 0 };
    gboolean known, is_same, done = TRUE;
    struct stat status;
    int fd;

    search->summary->files++;
    fd = input->problem ? -1 : open(input->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        tell_unread(search, input->name,
                    input->problem ? input->problem
                    : fd < 0       ? strerror(errno)
                                   : "is not a regular file");
        if (fd >= 0)
            close(fd);
        return TRUE;
    }
    place.device = (guint64)status.st_dev;
    place.inode = (guint64)status.st_ino;
    done = retro_store_place(search->store, log->name, &place, &known, error);
    if (done && plan(search, fd, &status, input, known, &place, &is_same))
        done = search_planned(search, log, input, fd, &place, is_same, error);
    close(fd);
    return done;
}

/* ---- telling */

static char *time_or_null(gint64 time_us)
{
    return time_us == HIT_TIME_NONE ? NULL : clock_format(time_us);
}

static gboolean is_noted(const struct event *event, gpointer data)
{
    (void)event;
    *(gboolean *)data = TRUE;
    return FALSE;
}

/* Once: the id of the group's first hit is never another's. */
static gboolean note(struct search *search, const struct retro_group *group, GError **error)
{
    g_autofree char *key = g_strdup_printf("hit-%" G_GINT64_FORMAT, group->first_id);
    const struct journal_filter filter = { RETRO_EVENT_HIT, group->log, key, 0 };
    g_autofree char *first = time_or_null(group->first_us), *last = time_or_null(group->last_us);
    g_autoptr(json_t) body = NULL;
    g_autofree char *text = NULL;
    gboolean noted = FALSE;

    if (!journal_each(search->journal, &filter, is_noted, &noted, error))
        return FALSE;
    if (noted)
        return TRUE;
    body = json_pack("{s:s, s:s, s:I, s:s, s:I, s:s?, s:s?, s:s, s:s}", "kind", group->kind,
                     "indicator", group->indicator, "hits", (json_int_t)group->count, "file",
                     group->file, "line", (json_int_t)group->line, "first", first, "last", last,
                     "sources", group->sources, "tlp", group->tlp);
    text = json_dumps(body, JSON_COMPACT);
    return journal_note(search->journal, RETRO_EVENT_HIT, group->log, key, text, error);
}

static gboolean raise_alarm(struct search *search, const struct retro_group *group, GError **error)
{
    g_autofree char *topic =
        g_strdup_printf("hunt %s %s %s", group->log, group->kind, group->indicator);
    g_autofree char *first = time_or_null(group->first_us);
    g_autofree char *text = g_strdup_printf(
        "%s: %s" RETRO_ALARM_WORDS "%s\n%" G_GUINT64_FORMAT
        " hits, the first in %s, line %" G_GUINT64_FORMAT "%s%s\nSources: %s (TLP:%s)",
        group->kind, group->indicator, group->log, group->count, group->file, group->line,
        first ? ", of " : "", first ? first : "", group->sources, group->tlp);

    return search->retro->alarm(topic, SEVERITY, text, clock_now_us(), search->retro->data, error);
}

static gboolean tell(struct search *search, GError **error)
{
    g_autoptr(GPtrArray) groups = retro_store_untold(search->store, error);

    if (!groups)
        return FALSE;
    for (guint i = 0; i < groups->len; i++) {
        const struct retro_group *group = groups->pdata[i];

        if (!note(search, group, error) || !raise_alarm(search, group, error) ||
            !retro_store_told(search->store, group, error))
            return FALSE;
        if (search->retro->found)
            search->retro->found(group, search->retro->data);
    }
    return TRUE;
}

/* ---- all logs */

static gboolean search_log(struct search *search, const struct asset *log, GError **error)
{
    g_autoptr(GPtrArray) inputs = files_of(log);

    search->unread = 0;
    search->summary->logs++;
    for (guint i = 0; i < inputs->len; i++)
        if (!search_file(search, log, inputs->pdata[i], error))
            return FALSE;
    return tell(search, error) && retro_store_searched(search->store, log->name, search->tables,
                                                       search->unread, clock_now_us(), error);
}

static gboolean run_locked(const struct hunt_retro *retro, struct hunt_retro_summary *summary,
                           GError **error)
{
    g_autoptr(journal_t) journal = journal_open(retro->data_folder, error);
    g_autoptr(retro_store_t) store = journal ? retro_store_open(retro->data_folder, error) : NULL;
    g_autoptr(GPtrArray) hits = g_ptr_array_new_with_free_func((GDestroyNotify)retro_hit_free);
    struct search search = {
        .retro = retro, .summary = summary, .store = store, .journal = journal, .hits = hits
    };

    *summary = (struct hunt_retro_summary){ 0 };
    if (!store)
        return FALSE;
    hunt_retro_digest(retro->table, search.tables);
    /* What a search that was killed had found comes first. */
    if (!retro_store_expire(store, clock_now_us(), error) || !tell(&search, error))
        return FALSE;
    for (guint i = 0; i < retro->profile->assets->len; i++) {
        const struct asset *asset = retro->profile->assets->pdata[i];

        if (asset->kind == ASSET_LOG && !search_log(&search, asset, error))
            return FALSE;
    }
    return TRUE;
}

/* One search at a time, so that nothing is told by two; the kernel frees the lock of who dies. */
gboolean hunt_retro_run(const struct hunt_retro *retro, struct hunt_retro_summary *summary,
                        GError **error)
{
    g_autofree char *path = g_build_filename(retro->data_folder, LOCK_FILE, NULL);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, LOCK_MODE);
    gboolean done;

    if (lock < 0)
        return errno_error(error, errno, "%s: cannot be opened", path);
    while (flock(lock, LOCK_EX) < 0 && errno == EINTR)
        ;
    done = run_locked(retro, summary, error);
    close(lock);
    return done;
}
