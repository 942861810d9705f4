/*
 * cases_attach.c: files that are attached here: copied into the data folder before anything is
 * said, given to a case once its number is known, and to its event when that is recorded. A draft
 * keeps them as long as it waits.
 */
#include "base/error.h"
#include "base/file.h"
#include "process/cases_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_TEMPLATE "copy-XXXXXX" CASES_NEW_SUFFIX

/* From `in` to `out`, durably; gives size and digest. */
static gboolean pour(int in, int out, struct case_attachment *file)
{
    g_autofree guint8 *chunk = g_malloc(CASES_FILE_CHUNK);

    file->size = 0;
    for (;;) {
        const ssize_t n = read(in, chunk, CASES_FILE_CHUNK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        if (n == 0)
            return fsync(out) == 0 && cases_file_digest(out, &file->sha256);
        if (!cases_file_write(out, chunk, (gsize)n, (gint64)file->size))
            return FALSE;
        file->size += (guint64)n;
    }
}

static gboolean copy(const char *from, struct attached_file *attached, GError **error)
{
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    const int out = in < 0 ? -1 : mkostemps(attached->copy, strlen(CASES_NEW_SUFFIX), O_CLOEXEC);
    struct stat status;
    gboolean good = FALSE;

    if (in < 0 || out < 0 || fstat(in, &status) != 0)
        errno_error(error, errno, "%s cannot be attached", in < 0 ? from : attached->copy);
    else if (!S_ISREG(status.st_mode))
        input_error(error, "%s is no file: only files are attached", from);
    else if (status.st_size > CASES_FILE_LIMIT)
        input_error(error, "%s is larger than may be attached", from);
    else
        good = pour(in, out, &attached->file) ||
               errno_error(error, errno, "%s cannot be attached", from);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return good;
}

/* Copies that no case was given go. */
static void attached_free(gpointer data)
{
    struct attached_file *attached = data;

    if (attached->copy)
        unlink(attached->copy);
    g_free(attached->copy);
    g_free(attached->file.name);
    g_free(attached);
}

GPtrArray *cases_files_keep(struct cases *cases, const char *const *paths, GError **error)
{
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(attached_free);

    for (; paths && *paths; paths++) {
        struct attached_file *attached = g_new0(struct attached_file, 1);

        attached->copy =
            g_build_filename(cases->data_folder, CASES_ATTACHMENTS, COPY_TEMPLATE, NULL);
        attached->file.name = g_path_get_basename(*paths);
        g_ptr_array_add(kept, attached);
        if (!copy(*paths, attached, error))
            return NULL;
    }
    return g_steal_pointer(&kept);
}

gboolean cases_files_give(struct cases *cases, const GPtrArray *kept,
                          const struct case_event *event, GError **error)
{
    for (guint i = 0; kept && i < kept->len; i++) {
        struct attached_file *attached = kept->pdata[i];
        const struct case_file file = case_file_of(event, &attached->file);
        g_autofree char *path = cases_file_path(cases, &file, CASES_NEW_SUFFIX);

        if (!cases_file_make_folder(cases, event->id, error))
            return FALSE;
        if (rename(attached->copy, path) != 0)
            return errno_error(error, errno, "%s cannot be renamed", attached->copy);
        g_clear_pointer(&attached->copy, g_free);
        if (!file_sync_folder_of(path, error))
            return FALSE;
    }
    return TRUE;
}

gboolean cases_file_adopt(struct cases *cases, const struct case_file *file, gboolean *here,
                          GError **error)
{
    g_autofree char *path = cases_file_path(cases, file, "");
    g_autofree char *fresh = cases_file_path(cases, file, CASES_NEW_SUFFIX);

    if (rename(fresh, path) != 0 && errno != ENOENT)
        return errno_error(error, errno, "%s cannot be renamed", fresh);
    *here = access(path, F_OK) == 0;
    return !*here || file_sync_folder_of(path, error);
}
