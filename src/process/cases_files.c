/*
 * cases_files.c: files of cases: DATA/attachments/CASE/SHA256-SIZE-STREAM (STREAM: the beginning of
 * the digest of the stream's name). A file belongs to a stream of a case. Elsewhere nothing follows
 * from its being here: whoever names its digest in another case, or in a stream that others read,
 * has to send its bytes, too.
 *
 *     NAME.part   grows, until all bytes are there and the digest is right
 *     NAME        whole
 *     NAME.new    attached here, while no event that was recorded names it (cases_attach.c)
 *
 * What the database says counts: `attached` has what events announce, `attachment` what is whole. A
 * file gets its name after that was committed; who is killed between leaves it to the next look.
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

#define TAG_DIGITS 16 /* of a stream's digest, in names of files */

/* The key of a file in statements, as their first four parameters. */
#define OF_THE_FILE "id = $1 AND stream = $2 AND sha256 = $3 AND size = $4"
#define KEY_TYPES "tthi"
#define KEY(file) (file)->id, (file)->stream, &(file)->sha256, (gint64)(file)->size

G_STATIC_ASSERT(CASE_HASH_SIZE == crypto_hash_sha256_BYTES);
G_STATIC_ASSERT(CASE_APPLIED == 0 && CASE_OVERTAKEN == 1 && CASE_GAP == 2);

char *case_hash_hex(const struct case_hash *hash)
{
    return hex_encode(hash->bytes, sizeof hash->bytes);
}

struct case_file case_file_of(const struct case_event *event,
                              const struct case_attachment *attachment)
{
    return (struct case_file){ event->id, event->stream, attachment->sha256, attachment->size };
}

char *cases_file_name(const struct case_file *file)
{
    g_autofree char *hex = case_hash_hex(&file->sha256);
    g_autofree char *tag = g_compute_checksum_for_string(G_CHECKSUM_SHA256, file->stream, -1);

    return g_strdup_printf("%s-%" G_GUINT64_FORMAT "-%.*s", hex, file->size, TAG_DIGITS, tag);
}

char *cases_file_path(const struct cases *cases, const struct case_file *file, const char *suffix)
{
    g_autofree char *plain = cases_file_name(file), *name = g_strconcat(plain, suffix, NULL);

    return g_build_filename(cases->data_folder, CASES_ATTACHMENTS, file->id, name, NULL);
}

gboolean cases_file_make_folder(const struct cases *cases, const char *id, GError **error)
{
    g_autofree char *folder = g_build_filename(cases->data_folder, CASES_ATTACHMENTS, id, NULL);

    return access(folder, F_OK) == 0 || (file_make_folder(folder, CASES_FOLDER_MODE, error) &&
                                         file_sync_folder_of(folder, error));
}

gboolean cases_file_write(int file, const void *data, gsize length, gint64 offset)
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

gboolean cases_file_digest(int file, struct case_hash *sha256)
{
    g_autofree guint8 *chunk = g_malloc(CASES_FILE_CHUNK);
    crypto_hash_sha256_state state;
    gint64 offset = 0;

    crypto_hash_sha256_init(&state);
    for (;;) {
        const ssize_t n = pread(file, chunk, CASES_FILE_CHUNK, offset);

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

/* --- what events announce --- */

/* Of no bytes, with the digest of none: no part of it ever comes. */
static gboolean is_empty(const struct case_file *file)
{
    struct case_hash none;

    crypto_hash_sha256(none.bytes, (const guint8 *)"", 0);
    return file->size == 0 && memcmp(&none, &file->sha256, sizeof none) == 0;
}

gboolean cases_files_announce(struct cases *cases, const struct case_event *event, gboolean ours,
                              GError **error)
{
    for (guint i = 0; i < event->attachments->len; i++) {
        const struct case_attachment *attachment = event->attachments->pdata[i];
        const struct case_file file = case_file_of(event, attachment);
        gboolean whole = is_empty(&file);

        if ((ours && !whole && !cases_file_adopt(cases, &file, &whole, error)) ||
            !cases_do(cases, error,
                      "INSERT INTO attached (id, stream, sha256, size, event, name) "
                      "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                      KEY_TYPES "ht", KEY(&file), &event->hash, attachment->name) ||
            !cases_do(cases, error,
                      "INSERT INTO attachment (id, stream, sha256, size, whole) VALUES "
                      "($1, $2, $3, $4, $5) ON CONFLICT (id, stream, sha256, size) DO UPDATE "
                      "SET whole = max(whole, excluded.whole)",
                      KEY_TYPES "i", KEY(&file), (gint64)whole))
            return FALSE;
    }
    return TRUE;
}

/* CASE_APPLIED: an accepted event of the case announces the file in that stream; CASE_GAP: none
 * does so far; CASE_NOT_ANNOUNCED: none that counts, or the case was erased. */
static gboolean find_announcement(struct cases *cases, const struct case_file *file,
                                  enum case_verdict *verdict, GError **error)
{
    enum { NONE, REFUSED, WAITING, ACCEPTED };
    gint64 best, erased;

    if (!cases_number(cases, &best, NONE, error,
                      "SELECT max(CASE WHEN event.verdict <= 1 OR event.author = $1 THEN 3 "
                      "WHEN event.verdict = 2 THEN 2 ELSE 1 END) FROM attached JOIN event ON "
                      "event.hash = attached.event WHERE attached.id = $2 AND "
                      "attached.stream = $3 AND attached.sha256 = $4 AND attached.size = $5",
                      "t" KEY_TYPES, cases->self, KEY(file)) ||
        !cases_number(cases, &erased, 0, error, "SELECT erased FROM head WHERE id = $1", "t",
                      file->id))
        return FALSE;
    *verdict = best == ACCEPTED                        ? CASE_APPLIED
               : best == WAITING || (!best && !erased) ? CASE_GAP
                                                       : CASE_NOT_ANNOUNCED;
    return TRUE;
}

static gboolean is_whole(struct cases *cases, const struct case_file *file, gint64 *whole,
                         GError **error)
{
    return cases_number(cases, whole, 0, error, "SELECT whole FROM attachment WHERE " OF_THE_FILE,
                        KEY_TYPES, KEY(file));
}

/* --- parts that come --- */

/* Notes that [start, stop) is on the disk, joined with what touches it. */
static gboolean note_part(struct cases *cases, const struct case_file *file, gint64 start,
                          gint64 stop, GError **error)
{
#define TOUCHES "part WHERE " OF_THE_FILE " AND stop >= $5 AND start <= $6"
    gint64 first, last;

    return cases_number(cases, &first, start, error, "SELECT min(start) FROM " TOUCHES,
                        KEY_TYPES "ii", KEY(file), start, stop) &&
           cases_number(cases, &last, stop, error, "SELECT max(stop) FROM " TOUCHES, KEY_TYPES "ii",
                        KEY(file), start, stop) &&
           cases_do(cases, error, "DELETE FROM " TOUCHES, KEY_TYPES "ii", KEY(file), start, stop) &&
           cases_do(cases, error,
                    "INSERT INTO part (id, stream, sha256, size, start, stop) "
                    "VALUES ($1, $2, $3, $4, $5, $6)",
                    KEY_TYPES "ii", KEY(file), MIN(first, start), MAX(last, stop));
#undef TOUCHES
}

static gboolean write_part(const char *path, const void *data, gsize length, gint64 offset,
                           GError **error)
{
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, CASES_FILE_MODE);
    gboolean good;

    if (file < 0)
        return errno_error(error, errno, "%s cannot be opened", path);
    good = (cases_file_write(file, data, length, offset) && fdatasync(file) == 0) ||
           errno_error(error, errno, "%s cannot be written", path);
    close(file);
    return good;
}

/* Gives a file that is whole its name; fine when it has it. */
static gboolean put_in_place(struct cases *cases, const struct case_file *file, GError **error)
{
    g_autofree char *path = cases_file_path(cases, file, "");
    g_autofree char *part = cases_file_path(cases, file, CASES_PART_SUFFIX);

    if (access(path, F_OK) == 0)
        return TRUE;
    if (file->size == 0)
        return cases_file_make_folder(cases, file->id, error) &&
               write_part(path, "", 0, 0, error) && file_sync_folder_of(path, error);
    if (rename(part, path) != 0 && !(errno == ENOENT && access(path, F_OK) == 0))
        return errno_error(error, errno, "%s cannot be renamed", part);
    return file_sync_folder_of(path, error);
}

static gboolean forget_parts(struct cases *cases, const struct case_file *file, GError **error)
{
    return cases_do(cases, error, "DELETE FROM part WHERE " OF_THE_FILE, KEY_TYPES, KEY(file));
}

/* All parts are there: it is whole when its size and digest are right, else it is begun anew. */
static gboolean finish(struct cases *cases, const struct case_file *file, const char *part,
                       enum case_verdict *verdict, GError **error)
{
    const int opened = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct case_hash found;
    struct stat status;
    gboolean read;

    if (opened < 0)
        return errno_error(error, errno, "%s cannot be opened", part);
    read = fstat(opened, &status) == 0 && cases_file_digest(opened, &found);
    close(opened);
    if (!read)
        return errno_error(error, errno, "%s cannot be read", part);
    if (!forget_parts(cases, file, error))
        return FALSE;
    if ((guint64)status.st_size == file->size && memcmp(&found, &file->sha256, sizeof found) == 0)
        return cases_do(cases, error, "UPDATE attachment SET whole = 1 WHERE " OF_THE_FILE,
                        KEY_TYPES, KEY(file));
    *verdict = CASE_MALFORMED;
    return unlink(part) == 0 || errno_error(error, errno, "%s cannot be removed", part);
}

static gboolean add_part(struct cases *cases, const struct case_file *file, guint64 offset,
                         GBytes *bytes, enum case_verdict *verdict, gint64 *whole, GError **error)
{
    g_autofree char *part = cases_file_path(cases, file, CASES_PART_SUFFIX);
    const guint64 length = g_bytes_get_size(bytes);
    gint64 stop;

    if (!find_announcement(cases, file, verdict, error) || !is_whole(cases, file, whole, error))
        return FALSE;
    if (*verdict != CASE_APPLIED || *whole)
        return TRUE;
    if (file->size > CASES_FILE_LIMIT) { /* no file system need hold what somebody says */
        *verdict = CASE_TOO_LARGE;
        return TRUE;
    }
    if (offset > file->size || length > file->size - offset) {
        *verdict = CASE_MALFORMED;
        return TRUE;
    }
    if (!cases_file_make_folder(cases, file->id, error) ||
        !write_part(part, g_bytes_get_data(bytes, NULL), length, (gint64)offset, error) ||
        !note_part(cases, file, (gint64)offset, (gint64)(offset + length), error) ||
        !cases_number(cases, &stop, 0, error,
                      "SELECT stop FROM part WHERE " OF_THE_FILE " AND start = 0", KEY_TYPES,
                      KEY(file)))
        return FALSE;
    return (guint64)stop < file->size ||
           (finish(cases, file, part, verdict, error) && is_whole(cases, file, whole, error));
}

enum case_verdict cases_attachment_add(struct cases *cases, const struct case_file *file,
                                       guint64 offset, GBytes *bytes, gboolean *whole,
                                       GError **error)
{
    enum case_verdict verdict = CASE_GAP;
    gint64 is_there = 0;

    *whole = FALSE;
    if (!store_begin(cases->store, error) ||
        !cases_finish(cases, add_part(cases, file, offset, bytes, &verdict, &is_there, error),
                      error) ||
        (verdict == CASE_APPLIED && is_there && !put_in_place(cases, file, error)))
        return CASE_GAP; /* with `error` set: it may come again */
    *whole = verdict == CASE_APPLIED && is_there;
    return verdict;
}

/* --- what is here --- */

char *cases_attachment_path(struct cases *cases, const struct case_file *file)
{
    enum case_verdict verdict;
    gint64 whole;

    if (!find_announcement(cases, file, &verdict, NULL) || verdict != CASE_APPLIED ||
        !is_whole(cases, file, &whole, NULL) || !whole || !put_in_place(cases, file, NULL))
        return NULL;
    return cases_file_path(cases, file, "");
}

json_t *cases_attachments(struct cases *cases, const char *id, GError **error)
{
    enum { STREAM, SHA256, SIZE, NAME, WHOLE, HAVE };
    g_autoptr(query_t) query = NULL;
    g_autoptr(json_t) list = json_array();
    gboolean row;

    query = cases_ask(
        cases, error,
        "SELECT t.stream, t.sha256, t.size, min(attached.name), t.whole, (SELECT stop FROM part "
        "WHERE part.id = t.id AND part.stream = t.stream AND part.sha256 = t.sha256 AND "
        "part.size = t.size AND start = 0) FROM attachment t JOIN attached ON "
        "attached.id = t.id AND attached.stream = t.stream AND attached.sha256 = t.sha256 AND "
        "attached.size = t.size JOIN event ON event.hash = attached.event WHERE t.id = $1 AND "
        "(event.verdict <= 1 OR event.author = $2) GROUP BY t.stream, t.sha256, t.size "
        "ORDER BY min(attached.name), t.sha256, t.size, t.stream",
        "tt", id, cases->self);
    for (;;) {
        struct case_hash hash;
        g_autofree char *hex = NULL;
        json_t *item;

        if (!query || !query_step(query, &row, error))
            return NULL;
        if (!row)
            return g_steal_pointer(&list);
        if (!cases_hash_column(query, SHA256, &hash))
            continue;
        hex = case_hash_hex(&hash);
        item = json_object();
        json_object_set_new(item, "sha256", json_string(hex));
        json_object_set_new(item, "name", json_safe_string(query_text(query, NAME)));
        json_object_set_new(item, "size", json_integer(query_integer(query, SIZE)));
        json_object_set_new(item, "stream", json_safe_string(query_text(query, STREAM)));
        json_object_set_new(item, "whole", json_boolean(query_integer(query, WHOLE)));
        json_object_set_new(
            item, "have",
            json_integer(query_integer(query, query_integer(query, WHOLE) ? SIZE : HAVE)));
        json_array_append_new(list, item);
    }
}
