/*
 * cases_sweep.c: files that no case has (any more) go: those of an erased case at once, those that
 * a killed program left behind after a day.
 */
#include "base/error.h"
#include "process/cases_private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRAY_US DAY_US /* a file that no event names yet may be one being attached */
#define EVERY_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC) /* all folders are read for it */

static gboolean remove_file(const char *path, GError **error)
{
    return unlink(path) == 0 || errno == ENOENT ||
           errno_error(error, errno, "%s cannot be removed", path);
}

/* A folder that somebody puts a file into at this moment stays. */
static gboolean remove_folder(const char *path, GError **error)
{
    return rmdir(path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST ||
           errno_error(error, errno, "%s cannot be removed", path);
}

gboolean cases_files_remove(struct cases *cases, const GPtrArray *ids, GError **error)
{
    for (guint i = 0; i < ids->len; i++) {
        g_autofree char *folder =
            g_build_filename(cases->data_folder, CASES_ATTACHMENTS, ids->pdata[i], NULL);
        g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
        const char *name;

        while (directory && (name = g_dir_read_name(directory))) {
            g_autofree char *path = g_build_filename(folder, name, NULL);

            if (!remove_file(path, error))
                return FALSE;
        }
        if (!remove_folder(folder, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean is_old(const char *path, gint64 now_us, gboolean *folder)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        return FALSE;
    *folder = S_ISDIR(status.st_mode);
    return now_us - status.st_mtime * G_USEC_PER_SEC >= STRAY_US;
}

/* The names of files that a case may have. */
static GHashTable *names_of(struct cases *cases, const char *id, GError **error)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(query_t) query = cases_ask(
        cases, error, "SELECT stream, sha256, size, whole FROM attachment WHERE id = $1", "t", id);
    gboolean row;

    for (;;) {
        struct case_file file = { .id = id };
        g_autofree char *name = NULL, *path = NULL;

        if (!query || !query_step(query, &row, error))
            return NULL;
        if (!row)
            return g_steal_pointer(&names);
        file.stream = query_text(query, 0);
        file.size = (guint64)query_integer(query, 2);
        if (!file.stream || !cases_hash_column(query, 1, &file.sha256))
            continue;
        name = cases_file_name(&file);
        path = cases_file_path(cases, &file, "");
        /* One that is whole and has no name yet gets it with the next look at it. */
        if (!query_integer(query, 3) || access(path, F_OK) != 0)
            g_hash_table_add(names, g_strconcat(name, CASES_PART_SUFFIX, NULL));
        g_hash_table_add(names, g_steal_pointer(&name));
    }
}

static gboolean sweep_case(struct cases *cases, const char *folder, const char *id, gint64 now_us,
                           GError **error)
{
    g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
    g_autoptr(GHashTable) names = NULL;
    const char *name;
    gint64 drafts;

    if (!cases_number(cases, &drafts, 0, error, "SELECT count(*) FROM draft WHERE case_id = $1",
                      "t", id))
        return FALSE;
    if (drafts || !directory)
        return TRUE; /* a draft's files wait as long as it does */
    names = names_of(cases, id, error);
    if (!names)
        return FALSE;
    while ((name = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        gboolean is_folder;

        if (!g_hash_table_contains(names, name) && is_old(path, now_us, &is_folder) && !is_folder &&
            !remove_file(path, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean sweep_folders(struct cases *cases, gint64 now_us, GError **error)
{
    g_autofree char *folder = g_build_filename(cases->data_folder, CASES_ATTACHMENTS, NULL);
    g_autoptr(GDir) directory = g_dir_open(folder, 0, error);
    const char *name;

    if (!directory)
        return FALSE;
    while ((name = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        gboolean is_folder = FALSE;
        const gboolean old = is_old(path, now_us, &is_folder);

        if (is_folder ? !sweep_case(cases, path, name, now_us, error) ||
                            (old && !remove_folder(path, error))
                      : old && !remove_file(path, error))
            return FALSE;
    }
    return TRUE;
}

/* Of events that waited too long and went. */
static gboolean forget_unnamed(struct cases *cases, GError **error)
{
    return cases_do(cases, error,
                    "DELETE FROM attached WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.hash = "
                    "attached.event)",
                    "") &&
           cases_do(cases, error,
                    "DELETE FROM attachment WHERE NOT EXISTS (SELECT 1 FROM attached a WHERE "
                    "a.id = attachment.id AND a.stream = attachment.stream AND "
                    "a.sha256 = attachment.sha256 AND a.size = attachment.size)",
                    "") &&
           cases_do(cases, error,
                    "DELETE FROM part WHERE NOT EXISTS (SELECT 1 FROM attachment a WHERE "
                    "a.id = part.id AND a.stream = part.stream AND a.sha256 = part.sha256 AND "
                    "a.size = part.size)",
                    "");
}

gboolean cases_sweep(struct cases *cases, gint64 now_us, GError **error)
{
    if (cases->swept_us && now_us - cases->swept_us < EVERY_US)
        return TRUE;
    cases->swept_us = now_us;
    return store_begin(cases->store, error) &&
           cases_finish(cases, forget_unnamed(cases, error), error) &&
           sweep_folders(cases, now_us, error);
}
