/* A log in a folder, in the layout of tlog-tiles. */
#include "log/reader.h"

#include "base/decimal.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static GBytes *fetch(gpointer data, const char *path, gsize limit, GError **error)
{
    g_autofree char *file = g_build_filename(data, path, NULL);
    struct stat status = { 0 };

    if (stat(file, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        input_error(error, "%s is not there", file);
    } else if (status.st_size > 0 && (guint64)status.st_size > limit) {
        found_error(error, "%s is larger than it may be (%" G_GSIZE_FORMAT " bytes)", file, limit);
    } else {
        return file_read(file, limit, error);
    }
    return NULL;
}

static GArray *partials(gpointer data, const char *path)
{
    g_autofree char *folder = g_strconcat(data, "/", path, ".p", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    GArray *widths = g_array_new(FALSE, FALSE, sizeof(guint));
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        guint64 number;

        if (decimal_parse(name, strlen(name), &number) && number && number < TILE_WIDTH) {
            const guint width = (guint)number;

            g_array_append_val(widths, width);
        }
    }
    return widths;
}

struct log_source log_source_folder(const char *folder)
{
    return (struct log_source){ fetch, g_strdup(folder), g_free, partials };
}
