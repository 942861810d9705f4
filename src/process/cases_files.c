/*
 * cases_files.c: attachments, DATA/attachments/SHA256. A file under its own name is whole and has
 * that digest; SHA256.part grows until it is.
 */
#include "base/error.h"
#include "base/file.h"
#include "process/cases_private.h"
#include "statement/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_SUFFIX ".new"
#define FILE_MODE 0600
#define CHUNK (1u << 20)

G_STATIC_ASSERT(CASE_HASH_SIZE == crypto_hash_sha256_BYTES);

char *case_hash_hex(const struct case_hash *hash)
{
    return hex_encode(hash->bytes, sizeof hash->bytes);
}

static char *path_of(const struct cases *cases, const struct case_hash *sha256, const char *suffix)
{
    g_autofree char *hex = case_hash_hex(sha256);
    g_autofree char *name = g_strconcat(hex, suffix, NULL);

    return g_build_filename(cases->data_folder, CASES_ATTACHMENTS, name, NULL);
}

static gboolean write_all(int file, const void *data, gsize length, gint64 offset)
{
    const guint8 *bytes = data;

    while (length) {
        const ssize_t n = pwrite(file, bytes, length, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FALSE;
        bytes += n;
        length -= (gsize)n;
        offset += n;
    }
    return TRUE;
}

/* The digest of an open file from its beginning. */
static gboolean digest_of(int file, struct case_hash *sha256)
{
    g_autofree guint8 *chunk = g_malloc(CHUNK);
    crypto_hash_sha256_state state;
    gint64 offset = 0;

    crypto_hash_sha256_init(&state);
    for (;;) {
        const ssize_t n = pread(file, chunk, CHUNK, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        if (n == 0)
            break;
        crypto_hash_sha256_update(&state, chunk, (gsize)n);
        offset += n;
    }
    crypto_hash_sha256_final(&state, sha256->bytes);
    return TRUE;
}

/* --- parts that come --- */

/* Notes that [start, stop) is on the disk, joined with what touches it. */
static gboolean note_part(struct cases *cases, const struct case_hash *sha256, gint64 start,
                          gint64 stop, GError **error)
{
    gint64 first, last;

    return cases_number(
               cases, &first, start, error,
               "SELECT min(start) FROM part WHERE sha256 = $1 AND stop >= $2 AND start <= $3",
               "hii", sha256, start, stop) &&
           cases_number(
               cases, &last, stop, error,
               "SELECT max(stop) FROM part WHERE sha256 = $1 AND stop >= $2 AND start <= $3", "hii",
               sha256, start, stop) &&
           cases_do(cases, error,
                    "DELETE FROM part WHERE sha256 = $1 AND stop >= $2 AND start <= $3", "hii",
                    sha256, start, stop) &&
           cases_do(cases, error, "INSERT INTO part (sha256, start, stop) VALUES ($1, $2, $3)",
                    "hii", sha256, MIN(first, start), MAX(last, stop));
}

static gboolean write_part(const char *path, const void *data, gsize length, gint64 offset,
                           GError **error)
{
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    gboolean good;

    if (file < 0)
        return errno_error(error, errno, "%s cannot be opened", path);
    good = (write_all(file, data, length, offset) && fdatasync(file) == 0) ||
           errno_error(error, errno, "%s cannot be written", path);
    close(file);
    return good;
}

gboolean cases_file_is_here(struct cases *cases, const struct case_hash *sha256)
{
    g_autofree char *path = path_of(cases, sha256, "");

    return access(path, F_OK) == 0;
}

gboolean cases_file_keep_empty(struct cases *cases, const struct case_attachment *attachment,
                               GError **error)
{
    g_autofree char *whole = path_of(cases, &attachment->sha256, "");
    struct case_hash none;

    crypto_hash_sha256(none.bytes, (const guint8 *)"", 0);
    return attachment->size || memcmp(&none, &attachment->sha256, sizeof none) != 0 ||
           (write_part(whole, "", 0, 0, error) && file_sync_folder_of(whole, error));
}

static gboolean mark_whole(struct cases *cases, const struct case_hash *sha256, GError **error)
{
    return cases_do(cases, error, "DELETE FROM part WHERE sha256 = $1", "h", sha256) &&
           cases_do(cases, error, "UPDATE attachment SET whole = 1 WHERE sha256 = $1", "h", sha256);
}

/* All parts are there: the file becomes visible when its digest is right, else it is begun anew. */
static gboolean finish(struct cases *cases, const struct case_hash *sha256, gint64 size,
                       const char *part, GError **error)
{
    g_autofree char *whole = path_of(cases, sha256, "");
    const int file = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct case_hash found;
    struct stat status;
    gboolean read;

    if (file < 0)
        return errno_error(error, errno, "%s cannot be opened", part);
    read = fstat(file, &status) == 0 && digest_of(file, &found);
    close(file);
    if (!read)
        return errno_error(error, errno, "%s cannot be read", part);
    if (status.st_size != size || memcmp(&found, sha256, sizeof found) != 0)
        return cases_do(cases, error, "DELETE FROM part WHERE sha256 = $1", "h", sha256) &&
               (unlink(part) == 0 || errno_error(error, errno, "%s cannot be removed", part));
    if (rename(part, whole) != 0)
        return errno_error(error, errno, "%s cannot be renamed", part);
    return file_sync_folder_of(whole, error) && mark_whole(cases, sha256, error);
}

static gboolean attachment_find(struct cases *cases, const struct case_hash *sha256, gint64 *size,
                                gint64 *whole, GError **error)
{
    g_autofree char *hex = case_hash_hex(sha256);

    if (!cases_number(cases, size, -1, error, "SELECT size FROM attachment WHERE sha256 = $1", "h",
                      sha256) ||
        !cases_number(cases, whole, 0, error, "SELECT whole FROM attachment WHERE sha256 = $1", "h",
                      sha256))
        return FALSE;
    return *size >= 0 || policy_error(error, "no event names an attachment %.16s", hex);
}

static gboolean add_part(struct cases *cases, const struct case_hash *sha256, guint64 offset,
                         GBytes *bytes, GError **error)
{
    g_autofree char *part = path_of(cases, sha256, CASES_PART_SUFFIX);
    const guint64 length = g_bytes_get_size(bytes);
    gint64 size, whole, stop;

    if (!attachment_find(cases, sha256, &size, &whole, error))
        return FALSE;
    if (whole)
        return TRUE;
    if (cases_file_is_here(cases, sha256)) /* who renamed it was killed before saying so */
        return mark_whole(cases, sha256, error);
    if (size > CASES_FILE_LIMIT) /* no file system need hold what somebody says */
        return input_error(error, "an attachment of %" G_GINT64_FORMAT " bytes is not taken", size);
    if (offset > (guint64)size || length > (guint64)size - offset)
        return input_error(error,
                           "bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                           " are beyond the attachment's %" G_GINT64_FORMAT,
                           offset, offset + length, size);
    if (!write_part(part, g_bytes_get_data(bytes, NULL), length, (gint64)offset, error) ||
        !note_part(cases, sha256, (gint64)offset, (gint64)(offset + length), error) ||
        !cases_number(cases, &stop, 0, error,
                      "SELECT stop FROM part WHERE sha256 = $1 AND start = 0", "h", sha256))
        return FALSE;
    return stop < size || finish(cases, sha256, size, part, error);
}

gboolean cases_attachment_add(struct cases *cases, const struct case_hash *sha256, guint64 offset,
                              GBytes *bytes, gboolean *whole, GError **error)
{
    gint64 is_whole = 0, size, parts = 0;
    gboolean done;

    *whole = FALSE;
    if (!store_begin(cases->store, error))
        return FALSE;
    done = add_part(cases, sha256, offset, bytes, error) &&
           attachment_find(cases, sha256, &size, &is_whole, error) &&
           cases_number(cases, &parts, 0, error, "SELECT count(*) FROM part WHERE sha256 = $1", "h",
                        sha256);
    if (!cases_finish(cases, done, error))
        return FALSE;
    *whole = is_whole != 0;
    return *whole || parts > 0 ||
           found_error(error, "the attachment's bytes are not those that its digest names: it is "
                              "asked for anew");
}

char *cases_attachment_path(struct cases *cases, const struct case_hash *sha256)
{
    gint64 whole;

    if (!cases_number(cases, &whole, 0, NULL, "SELECT whole FROM attachment WHERE sha256 = $1", "h",
                      sha256) ||
        !whole)
        return NULL;
    return path_of(cases, sha256, "");
}

json_t *cases_attachments(struct cases *cases, const char *id, GError **error)
{
    g_autoptr(query_t) query = NULL;
    g_autoptr(json_t) list = json_array();
    gboolean row;

    query = cases_ask(cases, error,
                      "SELECT attached.sha256, attached.name, attachment.size, attachment.whole, "
                      "(SELECT stop FROM part WHERE part.sha256 = attached.sha256 AND start = 0) "
                      "FROM attached JOIN attachment ON attachment.sha256 = attached.sha256 "
                      "WHERE attached.id = $1 ORDER BY attached.name, attached.sha256",
                      "t", id);
    for (;;) {
        struct case_hash hash;
        g_autofree char *hex = NULL;
        json_t *item;

        if (!query || !query_step(query, &row, error))
            return NULL;
        if (!row)
            return g_steal_pointer(&list);
        if (!cases_hash_column(query, 0, &hash))
            continue;
        hex = case_hash_hex(&hash);
        item = json_object();
        json_object_set_new(item, "sha256", json_string(hex));
        json_object_set_new(item, "name", json_safe_string(query_text(query, 1)));
        json_object_set_new(item, "size", json_integer(query_integer(query, 2)));
        json_object_set_new(item, "whole", json_boolean(query_integer(query, 3)));
        json_object_set_new(item, "have",
                            json_integer(query_integer(query, query_integer(query, 3) ? 2 : 4)));
        json_array_append_new(list, item);
    }
}

/* --- files that are attached here --- */

/* Copies a file to `to`, durably, and gives its digest and size. */
static gboolean copy(const char *from, const char *to, struct case_attachment *attachment,
                     GError **error)
{
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    const int out =
        in < 0 ? -1 : open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    g_autofree guint8 *chunk = g_malloc(CHUNK);
    struct stat status;
    gboolean good = FALSE;
    ssize_t n = -1;

    if (in < 0 || out < 0 || fstat(in, &status) != 0) {
        errno_error(error, errno, "%s cannot be attached", in < 0 ? from : to);
    } else if (!S_ISREG(status.st_mode)) {
        input_error(error, "%s is no file: only files are attached", from);
    } else if (status.st_size > CASES_FILE_LIMIT) {
        input_error(error, "%s is larger than may be attached", from);
    } else {
        attachment->size = 0;
        good = TRUE;
        while (good && ((n = read(in, chunk, CHUNK)) > 0 || (n < 0 && errno == EINTR)))
            if (n > 0) {
                good = write_all(out, chunk, (gsize)n, (gint64)attachment->size);
                attachment->size += (guint64)n;
            }
        good = (good && n == 0 && fsync(out) == 0 && digest_of(out, &attachment->sha256)) ||
               errno_error(error, errno, "%s cannot be attached", from);
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return good;
}

static void attachment_free(gpointer data)
{
    struct case_attachment *attachment = data;

    g_free(attachment->name);
    g_free(attachment);
}

GPtrArray *cases_files_keep(struct cases *cases, const char *const *paths, GError **error)
{
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(attachment_free);

    for (; paths && *paths; paths++) {
        struct case_attachment *attachment = g_new0(struct case_attachment, 1);
        g_autofree char *name = g_strdup_printf("%s/%s/copy-%d" COPY_SUFFIX, cases->data_folder,
                                                CASES_ATTACHMENTS, (int)getpid());
        g_autofree char *whole = NULL;

        g_ptr_array_add(kept, attachment);
        if (!copy(*paths, name, attachment, error)) {
            unlink(name);
            return NULL;
        }
        attachment->name = g_path_get_basename(*paths);
        whole = path_of(cases, &attachment->sha256, "");
        if (rename(name, whole) != 0) {
            errno_error(error, errno, "%s cannot be renamed", name);
            return NULL;
        }
        if (!file_sync_folder_of(whole, error))
            return NULL;
    }
    return g_steal_pointer(&kept);
}
