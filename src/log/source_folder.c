/* A log in a folder, in the layout of tlog-tiles. */
#include "log/reader.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

static GBytes *fetch(gpointer data, const char *path, gsize limit, GError **error)
{
    g_autofree char *file = g_build_filename(data, path, NULL);

    if (access(file, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        input_error(error, "%s is not there", file);
        return NULL;
    }
    return file_read(file, limit, error);
}

struct log_source log_source_folder(const char *folder)
{
    return (struct log_source){ fetch, g_strdup(folder), g_free };
}
