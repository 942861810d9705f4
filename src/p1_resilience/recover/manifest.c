#include "p1_resilience/recover/manifest.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "ENTMANI1"
#define MAGIC_SIZE 8
#define HEADER_SIZE (MAGIC_SIZE + MANIFEST_KEY_SIZE + 8 + 8)
#define FIXED_SIZE (1 + 4 + 8 + 8 + MANIFEST_DIGEST_SIZE + 4) /* of a record before its path */
#define SALT_TEXT "entente/manifest/salt/1\n"
#define PATH_LIMIT (1u << 16)
#define TYPES "-dlpbc"
#define PERMISSIONS 07777
#define PIECE (256u << 10)
#define TRIES 3 /* of a file that changes while it is read */
#define MANIFEST_MODE 0600
#define NS_A_S G_GINT64_CONSTANT(1000000000)

static void record_clear(gpointer pointer)
{
    g_free(((struct manifest_record *)pointer)->path);
}

static struct manifest *manifest_new(void)
{
    struct manifest *manifest = g_new0(struct manifest, 1);

    manifest->records = g_array_new(FALSE, TRUE, sizeof(struct manifest_record));
    g_array_set_clear_func(manifest->records, record_clear);
    manifest->unread = g_ptr_array_new_with_free_func(g_free);
    return manifest;
}

void manifest_free(struct manifest *manifest)
{
    if (!manifest)
        return;
    g_array_unref(manifest->records);
    g_ptr_array_unref(manifest->unread);
    g_free(manifest);
}

/* --- walking --- */

static gint64 mtime_of(const struct stat *status)
{
    return status->st_mtim.tv_sec * NS_A_S + status->st_mtim.tv_nsec;
}

/* The digest of a file that stayed as it was meanwhile; else NULL and why. */
static const char *digest_once(const char *path, struct stat *status, guint8 *digest)
{
    g_autoptr(sha256_t) sha256 = NULL;
    g_autofree guint8 *buffer = NULL;
    const char *why = NULL;
    struct stat after;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return g_strerror(errno);
    if (fstat(fd, status) < 0 || !S_ISREG(status->st_mode)) {
        close(fd);
        return "it is no file any more";
    }
    buffer = g_malloc(PIECE);
    sha256 = sha256_new((guint64)status->st_size);
    while ((got = read(fd, buffer, PIECE)) > 0)
        sha256_update(sha256, buffer, (gsize)got);
    if (got < 0)
        why = g_strerror(errno);
    else if (fstat(fd, &after) < 0 || mtime_of(&after) != mtime_of(status) ||
             after.st_size != status->st_size)
        why = "it changes while it is read";
    close(fd);
    sha256_finish(sha256, digest);
    return why;
}

static const char *digest_file(const char *path, struct stat *status, guint8 *digest)
{
    const char *why = NULL;

    for (guint i = 0; i < TRIES && (i == 0 || why); i++)
        why = digest_once(path, status, digest);
    return why;
}

static const char *digest_link(const char *path, guint8 *digest)
{
    char target[PATH_LIMIT];
    ssize_t length = readlink(path, target, sizeof target);

    if (length < 0)
        return g_strerror(errno);
    crypto_hash_sha256(digest, (const guint8 *)target, (gsize)length);
    return NULL;
}

static char type_of(mode_t mode)
{
    return S_ISREG(mode)    ? '-'
           : S_ISDIR(mode)  ? 'd'
           : S_ISLNK(mode)  ? 'l'
           : S_ISFIFO(mode) ? 'p'
           : S_ISBLK(mode)  ? 'b'
           : S_ISCHR(mode)  ? 'c'
                            : '\0';
}

static void note_unread(struct manifest *manifest, const char *path, const char *why)
{
    g_ptr_array_add(manifest->unread, g_strdup_printf("%s: %s", path, why));
}

static void add_entry(struct manifest *manifest, const char *path, const struct stat *found)
{
    struct manifest_record record = { .type = type_of(found->st_mode) };
    struct stat status = *found;
    const char *why = NULL;

    if (!record.type)
        return;
    if (record.type == '-')
        why = digest_file(path, &status, record.sha256);
    else if (record.type == 'l')
        why = digest_link(path, record.sha256);
    if (why) {
        note_unread(manifest, path, why);
        return;
    }
    record.path = g_strdup(path);
    record.mode = status.st_mode & PERMISSIONS;
    record.mtime_ns = mtime_of(&status);
    if (record.type == '-') {
        record.size = (guint64)status.st_size;
        manifest->files++;
        manifest->bytes += record.size;
    }
    g_array_append_val(manifest->records, record);
    /* cppcheck-suppress memleak ; the array has taken it */
}

static gint compare_records(gconstpointer left, gconstpointer right)
{
    return strcmp(((const struct manifest_record *)left)->path,
                  ((const struct manifest_record *)right)->path);
}

/* Roots may lie within one another. */
static void sort_records(struct manifest *manifest)
{
    GArray *records = manifest->records;
    guint kept = 0;

    g_array_sort(records, compare_records);
    for (guint i = 0; i < records->len; i++) {
        struct manifest_record *record = &g_array_index(records, struct manifest_record, i);
        struct manifest_record *last = &g_array_index(records, struct manifest_record, kept - 1);

        if (kept && g_str_equal(record->path, last->path)) {
            manifest->files -= record->type == '-';
            manifest->bytes -= record->size;
            g_clear_pointer(&record->path, g_free);
        } else if (kept++ != i) {
            g_array_index(records, struct manifest_record, kept - 1) = *record;
            record->path = NULL;
        }
    }
    g_array_set_size(records, kept);
}

struct manifest *manifest_walk(const char *const *roots, manifest_seen_fn seen, gpointer data,
                               GError **error)
{
    g_autoptr(manifest_t) manifest = manifest_new();
    FTS *walk;
    FTSENT *entry;

    randombytes_buf(manifest->key, sizeof manifest->key);
    manifest->time_us = clock_now_us();
    for (guint i = 0; roots[i]; i++) {
        if (access(roots[i], R_OK) < 0) {
            errno_error(error, errno, "%s", roots[i]);
            return NULL;
        }
    }
    walk = fts_open((char *const *)roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk) {
        errno_error(error, errno, "%s", roots[0]);
        return NULL;
    }
    while ((entry = fts_read(walk))) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            note_unread(manifest, entry->fts_path, g_strerror(entry->fts_errno));
        else if (entry->fts_info != FTS_DP && entry->fts_info != FTS_DC)
            add_entry(manifest, entry->fts_path, entry->fts_statp);
        if (seen)
            seen(entry->fts_path, manifest->files, manifest->bytes, data);
    }
    fts_close(walk);
    sort_records(manifest);
    return g_steal_pointer(&manifest);
}

/* --- its bytes --- */

static void put_number(GByteArray *bytes, guint64 number, guint size)
{
    const guint64 value = GUINT64_TO_BE(number);

    g_byte_array_append(bytes, (const guint8 *)&value + sizeof value - size, size);
}

static void put_header(GByteArray *bytes, const struct manifest *manifest)
{
    g_byte_array_append(bytes, (const guint8 *)MAGIC, MAGIC_SIZE);
    g_byte_array_append(bytes, manifest->key, sizeof manifest->key);
    put_number(bytes, (guint64)manifest->time_us, 8);
    put_number(bytes, manifest->records->len, 8);
}

static void put_record(GByteArray *bytes, const struct manifest_record *record)
{
    const gsize length = strlen(record->path);

    put_number(bytes, (guint8)record->type, 1);
    put_number(bytes, record->mode, 4);
    put_number(bytes, record->size, 8);
    put_number(bytes, (guint64)record->mtime_ns, 8);
    g_byte_array_append(bytes, record->sha256, sizeof record->sha256);
    put_number(bytes, length, 4);
    g_byte_array_append(bytes, (const guint8 *)record->path, (guint)length);
}

gboolean manifest_write(const struct manifest *manifest, const char *path, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    put_header(bytes, manifest);
    for (guint i = 0; i < manifest->records->len; i++)
        put_record(bytes, &g_array_index(manifest->records, struct manifest_record, i));
    return file_write(path, bytes->data, bytes->len, MANIFEST_MODE, error);
}

static guint64 get_number(const guint8 *at, guint size)
{
    guint64 value = 0;

    for (guint i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

/* The record at `at` and its size; 0: there is none. */
static gsize get_record(const guint8 *at, gsize left, struct manifest_record *record)
{
    gsize length;

    if (left < FIXED_SIZE)
        return 0;
    record->type = (char)at[0];
    record->mode = (guint32)get_number(at + 1, 4);
    record->size = get_number(at + 5, 8);
    record->mtime_ns = (gint64)get_number(at + 13, 8);
    memcpy(record->sha256, at + 21, sizeof record->sha256);
    length = get_number(at + FIXED_SIZE - 4, 4);
    if (!record->type || !strchr(TYPES, record->type) || record->mode & ~(guint32)PERMISSIONS ||
        length == 0 || length > PATH_LIMIT || length > left - FIXED_SIZE ||
        memchr(at + FIXED_SIZE, '\0', length))
        return 0;
    record->path = g_strndup((const char *)at + FIXED_SIZE, length);
    return FIXED_SIZE + length;
}

struct manifest *manifest_parse(const void *bytes, gsize length, const char *name, GError **error)
{
    g_autoptr(manifest_t) manifest = manifest_new();
    const guint8 *at = bytes;
    gsize left = length;
    guint64 count;

    if (left < HEADER_SIZE || memcmp(at, MAGIC, MAGIC_SIZE) != 0) {
        input_error(error, "%s: is no manifest of a backup", name);
        return NULL;
    }
    memcpy(manifest->key, at + MAGIC_SIZE, sizeof manifest->key);
    manifest->time_us = (gint64)get_number(at + MAGIC_SIZE + MANIFEST_KEY_SIZE, 8);
    count = get_number(at + HEADER_SIZE - 8, 8);
    at += HEADER_SIZE;
    left -= HEADER_SIZE;
    for (guint64 i = 0; i < count; i++) {
        struct manifest_record record = { 0 };
        gsize size = get_record(at, left, &record);

        if (size == 0 ||
            (i > 0 && strcmp(g_array_index(manifest->records, struct manifest_record, i - 1).path,
                             record.path) >= 0)) {
            g_free(record.path);
            input_error(error, "%s: record %" G_GUINT64_FORMAT " is malformed", name, i);
            return NULL;
        }
        if (record.type == '-') {
            manifest->files++;
            manifest->bytes += record.size;
        }
        g_array_append_val(manifest->records, record);
        at += size;
        left -= size;
    }
    if (left) {
        input_error(error, "%s: there is something behind the last record", name);
        return NULL;
    }
    return g_steal_pointer(&manifest);
}

struct manifest *manifest_read(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, MANIFEST_LIMIT, error);

    return bytes
               ? manifest_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), path, error)
               : NULL;
}

/* --- its root --- */

static void put_salt(GByteArray *bytes, const struct manifest *manifest, guint64 index)
{
    const guint64 number = GUINT64_TO_BE(index);
    crypto_hash_sha256_state state;
    guint8 salt[MANIFEST_DIGEST_SIZE];

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const guint8 *)SALT_TEXT, strlen(SALT_TEXT));
    crypto_hash_sha256_update(&state, manifest->key, sizeof manifest->key);
    crypto_hash_sha256_update(&state, (const guint8 *)&number, sizeof number);
    crypto_hash_sha256_final(&state, salt);
    g_byte_array_append(bytes, salt, sizeof salt);
}

struct merkle_hash manifest_root(const struct manifest *manifest)
{
    const guint count = manifest->records->len + 1;
    g_autofree struct merkle_hash *leaves = g_new(struct merkle_hash, count);
    g_autoptr(GByteArray) entry = g_byte_array_new();
    g_autoptr(merkle_t) merkle = merkle_new();

    put_header(entry, manifest);
    leaves[0] = merkle_leaf(merkle, entry->data, entry->len);
    for (guint i = 0; i + 1 < count; i++) {
        g_byte_array_set_size(entry, 0);
        put_salt(entry, manifest, i);
        put_record(entry, &g_array_index(manifest->records, struct manifest_record, i));
        leaves[i + 1] = merkle_leaf(merkle, entry->data, entry->len);
    }
    return merkle_root(merkle, leaves, count);
}
