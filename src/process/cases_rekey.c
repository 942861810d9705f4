/*
 * cases_rekey.c: the store of before files belonged to cases: there DATA/attachments/SHA256 was
 * everybody's who named that digest. Each file goes to the case whose accepted event named it
 * first, and to those that we attached it to; who else named it may never have had it, so there it
 * is missing until it comes. Parts of files come again.
 *
 * Killed at any moment, the next start begins anew: the old files go after the new ones are
 * recorded.
 */
#include "base/error.h"
#include "base/file.h"
#include "process/cases_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NAME_DIGITS (2 * CASE_HASH_SIZE)

static char *old_path(const struct cases *cases, const struct case_hash *sha256)
{
    g_autofree char *hex = case_hash_hex(sha256);

    return g_build_filename(cases->data_folder, CASES_ATTACHMENTS, hex, NULL);
}

/* The old file under a new name, too. Where a file cannot have two names it is the new one's. */
static gboolean give(struct cases *cases, const struct case_file *file, const char *suffix,
                     GError **error)
{
    g_autofree char *old = old_path(cases, &file->sha256);
    g_autofree char *path = cases_file_path(cases, file, suffix);

    if (!cases_file_make_folder(cases, file->id, error))
        return FALSE;
    return link(old, path) == 0 || errno == EEXIST || errno == ENOENT || rename(old, path) == 0 ||
           errno_error(error, errno, "%s cannot become %s", old, path);
}

static gboolean rekey_file(struct cases *cases, const struct case_file *file, gboolean ours,
                           GError **error)
{
    g_autofree char *path = cases_file_path(cases, file, "");
    gint64 whole, given;

    if (!cases_number(cases, &whole, 0, error,
                      "SELECT whole FROM unkeyed_attachment WHERE sha256 = $1 AND size = $2", "hi",
                      &file->sha256, (gint64)file->size) ||
        !cases_number(cases, &given, 0, error,
                      "SELECT count(*) FROM attachment WHERE sha256 = $1 AND size = $2 AND whole",
                      "hi", &file->sha256, (gint64)file->size))
        return FALSE;
    if (!whole || (given && !ours))
        return TRUE;
    if (!give(cases, file, "", error))
        return FALSE;
    if (access(path, F_OK) != 0)
        return TRUE;
    return file_sync_folder_of(path, error) &&
           cases_do(cases, error,
                    "UPDATE attachment SET whole = 1 WHERE id = $1 AND stream = $2 AND "
                    "sha256 = $3 AND size = $4",
                    "tthi", file->id, file->stream, &file->sha256, (gint64)file->size);
}

static gboolean is_ours(const struct cases *cases, const struct case_event *event)
{
    const struct kind *kind = kind_find(event->kind);

    return g_str_equal(event->from, cases->self) || (kind && kind->own);
}

static gboolean rekey_event(struct cases *cases, GBytes *envelope, gboolean draft,
                            gboolean accepted, GError **error)
{
    g_autoptr(case_event_t) event = case_event_parse(envelope, NULL);

    if (!event)
        return TRUE; /* a kind or form that is not known any more has no files that are shown */
    if (!draft && !cases_files_announce(cases, event, FALSE, error))
        return FALSE;
    for (guint i = 0; i < event->attachments->len; i++) {
        const struct case_file file = case_file_of(event, event->attachments->pdata[i]);

        if (draft ? !give(cases, &file, CASES_NEW_SUFFIX, error)
                  : accepted && !rekey_file(cases, &file, is_ours(cases, event), error))
            return FALSE;
    }
    return TRUE;
}

/* Rows of (envelope, verdict). */
static gboolean rekey_rows(struct cases *cases, const char *sql, gboolean drafts, GError **error)
{
    g_autoptr(query_t) query = cases_ask(cases, error, sql, "");
    gboolean row;

    for (;;) {
        g_autoptr(GBytes) envelope = NULL;
        const void *bytes;
        gsize length;

        if (!query || !query_step(query, &row, error))
            return FALSE;
        if (!row)
            return TRUE;
        bytes = query_bytes(query, 0, &length);
        envelope = g_bytes_new(bytes, bytes ? length : 0);
        if (!rekey_event(cases, envelope, drafts, query_integer(query, 1) <= CASE_OVERTAKEN, error))
            return FALSE;
    }
}

static gboolean rekey(struct cases *cases, GError **error)
{
    return rekey_rows(cases,
                      "SELECT envelope, verdict FROM event WHERE envelope IS NOT NULL AND id IN "
                      "(SELECT id FROM unkeyed_attached) ORDER BY number",
                      FALSE, error) &&
           rekey_rows(cases, "SELECT envelope, 0 FROM draft", TRUE, error) &&
           cases_do(cases, error, "DROP TABLE unkeyed_attached", "") &&
           cases_do(cases, error, "DROP TABLE unkeyed_attachment", "");
}

/* What is named by a digest alone, whole or not. */
static gboolean remove_old(struct cases *cases, GError **error)
{
    g_autofree char *folder = g_build_filename(cases->data_folder, CASES_ATTACHMENTS, NULL);
    g_autoptr(GDir) directory = g_dir_open(folder, 0, error);
    const char *name;

    if (!directory)
        return FALSE;
    while ((name = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (strspn(name, "0123456789abcdef") == NAME_DIGITS && unlink(path) != 0 && errno != ENOENT)
            return errno_error(error, errno, "%s cannot be removed", path);
    }
    return TRUE;
}

static gboolean is_old_store(struct cases *cases, gint64 *old, GError **error)
{
    return cases_number(
        cases, old, 0, error,
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'unkeyed_attachment'",
        "");
}

gboolean cases_rekey(struct cases *cases, GError **error)
{
    gint64 old;

    if (!is_old_store(cases, &old, error))
        return FALSE;
    if (!old)
        return TRUE;
    if (!store_begin(cases->store, error))
        return FALSE;
    if (!cases_finish(cases, is_old_store(cases, &old, error) && (!old || rekey(cases, error)),
                      error))
        return FALSE;
    return remove_old(cases, error);
}
