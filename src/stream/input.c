#include "stream/input.h"

#include "base/error.h"
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDERS_DEEP 64 /* below one that was given */

static void input_free(gpointer data)
{
    struct input *input = data;

    input_close(input);
    g_free(input->name);
    g_free(input->problem);
    g_free(input);
}

static struct input *add(GPtrArray *inputs, const char *name)
{
    struct input *input = g_new0(struct input, 1);

    input->name = g_strdup(name);
    input->fd = -1;
    g_ptr_array_add(inputs, input);
    return input;
}

static void add_problem(GPtrArray *inputs, const char *name, int code)
{
    struct input *input = add(inputs, name);

    input->problem = g_strdup(strerror(code));
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A file or a folder, whatever its names: device and inode. */
struct place {
    guint64 device, node;
};

static guint place_hash(gconstpointer key)
{
    const struct place *place = key;

    return g_int64_hash(&place->device) ^ g_int64_hash(&place->node);
}

static gboolean place_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct place)) == 0;
}

struct listing {
    GPtrArray *inputs;
    GHashTable *seen; /* struct place: files and folders that are in the list */
    GPtrArray *links; /* char *: names below folders */
};

/* FALSE: it was seen before. */
static gboolean note(struct listing *listing, const struct stat *status)
{
    struct place *place = g_new0(struct place, 1);

    *place = (struct place){ status->st_dev, status->st_ino };
    return g_hash_table_add(listing->seen, place);
}

static void add_file(struct listing *listing, const char *name, const struct stat *status)
{
    note(listing, status);
    add(listing->inputs, name)->size = S_ISREG(status->st_mode) ? (guint64)status->st_size : 0;
}

static void add_folder(struct listing *listing, const char *path, guint depth)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    GDir *folder = g_dir_open(path, 0, &error);
    const char *name;

    if (!folder) {
        add(listing->inputs, path)->problem = g_strdup(error->message);
        return;
    }
    while ((name = g_dir_read_name(folder)))
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    g_dir_close(folder);
    g_ptr_array_sort(names, by_name);
    for (guint i = 0; i < names->len; i++) {
        const char *below = names->pdata[i];
        struct stat status;

        if (lstat(below, &status) < 0)
            add_problem(listing->inputs, below, errno);
        else if (S_ISREG(status.st_mode))
            add_file(listing, below, &status);
        else if (S_ISLNK(status.st_mode))
            g_ptr_array_add(listing->links, g_strdup(below));
        else if (S_ISDIR(status.st_mode) && depth >= FOLDERS_DEEP)
            add_problem(listing->inputs, below, ELOOP);
        else if (S_ISDIR(status.st_mode) && note(listing, &status))
            add_folder(listing, below, depth + 1);
    }
}

/* What links name is read when it is not in the list by a name of its own; a link to nothing is
 * nothing. */
static void add_links(struct listing *listing)
{
    for (guint i = 0; i < listing->links->len; i++) {
        const char *name = listing->links->pdata[i];
        struct stat status;

        if (stat(name, &status) < 0) {
            if (errno != ENOENT)
                add_problem(listing->inputs, name, errno);
        } else if (S_ISREG(status.st_mode) && note(listing, &status)) {
            add(listing->inputs, name)->size = (guint64)status.st_size;
        } else if (S_ISDIR(status.st_mode) && note(listing, &status)) {
            add(listing->inputs, name)->problem =
                g_strdup("a link to a folder, which is not followed: name that folder, too");
        }
    }
}

GPtrArray *inputs_list(char **paths)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(place_hash, place_equal, g_free, NULL);
    g_autoptr(GPtrArray) links = g_ptr_array_new_with_free_func(g_free);
    struct listing listing = { g_ptr_array_new_with_free_func(input_free), seen, links };

    for (; *paths; paths++) {
        struct stat status;

        if (strcmp(*paths, "-") == 0)
            add(listing.inputs, "-");
        else if (stat(*paths, &status) < 0)
            add_problem(listing.inputs, *paths, errno);
        else if (!S_ISDIR(status.st_mode))
            add_file(&listing, *paths, &status);
        else if (note(&listing, &status))
            add_folder(&listing, *paths, 0);
    }
    add_links(&listing);
    return listing.inputs;
}

static gboolean fails(struct input *input, const char *problem)
{
    input->problem = g_strdup(problem);
    input_close(input);
    return FALSE;
}

/* Standard input cannot be looked at before it is read: every library is made ready for it. */
static void prepare_all(void)
{
    for (enum compression each = COMPRESSION_NONE + 1; each < COMPRESSIONS; each++)
        decompress_prepare(each, NULL);
}

gboolean input_open(struct input *input)
{
    guint8 magic[COMPRESSION_MAGIC_SIZE];
    g_autoptr(GError) error = NULL;
    ssize_t got;

    if (input->problem)
        return FALSE;
    if (input->with_digest)
        sha256_prepare(input->size);
    if (strcmp(input->name, "-") == 0) {
        input->fd = STDIN_FILENO;
        input->keep = TRUE;
        prepare_all();
        return TRUE;
    }
    input->fd = open(input->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (input->fd < 0)
        return fails(input, strerror(errno));
    got = pread(input->fd, magic, sizeof magic, 0);
    if (got < 0 && errno == ESPIPE) { /* a FIFO */
        prepare_all();
        return TRUE;
    }
    if (got < 0)
        return fails(input, strerror(errno));
    input->compression = input->from ? COMPRESSION_NONE : compression_of(magic, (gsize)got);
    if (!decompress_prepare(input->compression, &error))
        return fails(input, error->message);
    posix_fadvise(input->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (input->from && lseek(input->fd, (off_t)input->from, SEEK_SET) < 0)
        return fails(input, strerror(errno));
    return TRUE;
}

void input_close(struct input *input)
{
    if (input->fd >= 0 && !input->keep)
        close(input->fd);
    input->fd = -1;
}

guint64 inputs_size(const GPtrArray *inputs)
{
    guint64 size = 0;

    for (guint i = 0; i < inputs->len; i++)
        size += ((const struct input *)inputs->pdata[i])->size;
    return size;
}
