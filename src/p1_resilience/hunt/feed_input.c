/* feed_input.c: see feed_input.h. */
#include "p1_resilience/hunt/feed_input.h"

#include "base/error.h"
#include "p1_resilience/hunt/feed_json.h"
#include "stream/decompress.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT (8ull << 30) /* bytes of one file */
#define FOLDER_DEPTH 16
#define READ_SIZE (256u << 10)

static void free_input(gpointer data)
{
    struct feed_input *input = data;

    g_clear_pointer(&input->bytes, g_bytes_unref);
    g_free(input->path);
    g_free(input);
}

GPtrArray *feed_inputs_new(void)
{
    return g_ptr_array_new_with_free_func(free_input);
}

static void add_file(GPtrArray *inputs, const char *path, guint64 length)
{
    struct feed_input *input = g_new0(struct feed_input, 1);

    input->path = g_strdup(path);
    input->length = length;
    g_ptr_array_add(inputs, input);
}

void feed_inputs_add(GPtrArray *inputs, const char *path, GBytes *bytes)
{
    struct feed_input *input;

    add_file(inputs, path, bytes ? g_bytes_get_size(bytes) : 0);
    input = inputs->pdata[inputs->len - 1];
    input->in_memory = bytes != NULL;
    input->bytes = bytes ? g_bytes_ref(bytes) : NULL;
}

/* ---- listing */

static int compare_names(gconstpointer one, gconstpointer other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Hidden files and folders are nobody's feed. */
static gboolean list_folder(GPtrArray *inputs, const char *folder, guint depth, GError **error)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, error);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    if (!entries)
        return FALSE;
    while ((name = g_dir_read_name(entries)))
        if (name[0] != '.')
            g_ptr_array_add(names, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        struct stat info;

        if (stat(names->pdata[i], &info) < 0)
            continue;
        if (S_ISREG(info.st_mode))
            add_file(inputs, names->pdata[i], (guint64)info.st_size);
        else if (S_ISDIR(info.st_mode) && depth < FOLDER_DEPTH &&
                 !g_file_test(names->pdata[i], G_FILE_TEST_IS_SYMLINK) && /* no circles */
                 !list_folder(inputs, names->pdata[i], depth + 1, error))
            return FALSE;
    }
    return TRUE;
}

/* The events that a manifest lists, in the order of their UUIDs; others left the feed. */
static void list_events(GPtrArray *inputs, const char *folder, GPtrArray *uuids,
                        struct feed_report *report)
{
    g_ptr_array_sort(uuids, compare_names);
    for (guint i = 0; i < uuids->len; i++) {
        g_autofree char *name = g_strconcat(uuids->pdata[i], ".json", NULL);
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat info;

        if (stat(path, &info) < 0 || !S_ISREG(info.st_mode))
            feed_report_skip(report, FEED_SKIP_MISSING, folder, uuids->pdata[i]);
        else
            add_file(inputs, path, (guint64)info.st_size);
    }
}

gboolean feed_inputs_list(GPtrArray *inputs, const char *path, struct feed_report *report,
                          GError **error)
{
    g_autofree char *manifest = g_build_filename(path, "manifest.json", NULL);
    g_autoptr(GPtrArray) uuids = NULL;
    struct stat info;

    if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
        add_file(inputs, path, stat(path, &info) == 0 ? (guint64)info.st_size : 0);
        return TRUE;
    }
    if (!g_file_test(manifest, G_FILE_TEST_IS_REGULAR))
        return list_folder(inputs, path, 0, error);
    uuids = misp_manifest(manifest, error);
    if (!uuids)
        return FALSE;
    if (!uuids->len) /* a manifest of something else */
        return list_folder(inputs, path, 0, error);
    list_events(inputs, path, uuids, report);
    return TRUE;
}

/* ---- opening */

/* What a worker will need: looks at pieces of the file until it knows. */
struct needs {
    enum compression compression;
    gboolean beyond_ascii;
};

static void look_at(struct needs *needs, const guint8 *bytes, gsize length, gboolean first)
{
    guint8 high = 0;

    if (first)
        needs->compression = compression_of(bytes, length);
    for (gsize i = 0; i < length; i++)
        high |= bytes[i];
    /* A backslash may begin an escape of JSON. */
    needs->beyond_ascii |= needs->compression != COMPRESSION_NONE || high >= 0x80 ||
                           (length && memchr(bytes, '\\', length));
}

static gboolean prepare(const struct needs *needs, const char *path, GError **error)
{
    if ((needs->compression == COMPRESSION_NONE || decompress_prepare(needs->compression, error)) &&
        (!needs->beyond_ascii || indicator_prepare(error)))
        return TRUE;
    g_prefix_error(error, "%s: ", path);
    return FALSE;
}

/* Read, not looked at where it is mapped. */
static void look_at_file(struct needs *needs, int fd)
{
    g_autofree guint8 *buffer = g_malloc(READ_SIZE);
    gsize at = 0;
    ssize_t got;

    while (!needs->beyond_ascii && (got = pread(fd, buffer, READ_SIZE, (off_t)at)) > 0) {
        look_at(needs, buffer, (gsize)got, at == 0);
        at += (gsize)got;
    }
}

static gboolean map(struct feed_input *input, int fd, GError **error)
{
    g_autoptr(GMappedFile) mapped = NULL;
    struct needs needs = { COMPRESSION_NONE, FALSE };
    struct stat info;

    if (fstat(fd, &info) < 0)
        return errno_error(error, errno, "%s: cannot be read", input->path);
    if (!S_ISREG(info.st_mode))
        return input_error(error, "%s: is no file", input->path);
    if ((guint64)info.st_size > FILE_LIMIT)
        return input_error(error, "%s: is larger than 8 GB; split it", input->path);
    look_at_file(&needs, fd);
    if (!prepare(&needs, input->path, error) ||
        !(mapped = g_mapped_file_new_from_fd(fd, FALSE, error)))
        return FALSE;
    input->bytes = g_mapped_file_get_bytes(mapped);
    input->length = g_bytes_get_size(input->bytes);
    return TRUE;
}

gboolean feed_input_open(struct feed_input *input, GError **error)
{
    struct needs needs = { COMPRESSION_NONE, FALSE };
    gboolean opened;
    int fd;

    if (input->in_memory) {
        gsize length;
        const guint8 *bytes = g_bytes_get_data(input->bytes, &length);

        look_at(&needs, bytes, length, TRUE);
        return prepare(&needs, input->path, error);
    }
    fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno_error(error, errno, "%s: cannot be read", input->path);
    opened = map(input, fd, error);
    close(fd);
    return opened;
}

void feed_input_close(struct feed_input *input)
{
    g_clear_pointer(&input->bytes, g_bytes_unref);
}
