#include "base/error.h"
#include "log/checkpoint.h"
#include "log/wal_private.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define HEADER_MAGIC "entente/wal/1\n\0"
#define MARK_MAGIC "entente/mark/1\n"
#define RECORD_MAGIC "record/1"
#define MAGIC_SIZE 16
#define RECORD_MAGIC_SIZE 8

/* Offsets in a header page: all numbers big endian, a SHA-256 of what stands before it at the end.
 */
enum {
    HEADER_ORIGIN = MAGIC_SIZE,
    HEADER_GENERATION = HEADER_ORIGIN + MERKLE_HASH_SIZE,
    HEADER_SALT = HEADER_GENERATION + 8,
    HEADER_START = HEADER_SALT + WAL_SALT_SIZE,
    HEADER_ROOT = HEADER_START + 8,
    HEADER_DIGEST = HEADER_ROOT + MERKLE_HASH_SIZE,
    MARK_SALT = MAGIC_SIZE,
    MARK_DIGEST = MARK_SALT + WAL_SALT_SIZE,
    RECORD_SALT = RECORD_MAGIC_SIZE,
    RECORD_FIRST = RECORD_SALT + WAL_SALT_SIZE,
    RECORD_COUNT = RECORD_FIRST + 8,
    RECORD_LENGTH = RECORD_COUNT + 4,
    RECORD_ROOT = RECORD_LENGTH + 4,
    RECORD_DIGEST = RECORD_ROOT + MERKLE_HASH_SIZE,
};

G_STATIC_ASSERT(RECORD_DIGEST + MERKLE_HASH_SIZE == WAL_RECORD_HEADER_SIZE);

static void put64(guint8 *at, guint64 number)
{
    number = GUINT64_TO_BE(number);
    memcpy(at, &number, sizeof number);
}

static guint64 get64(const guint8 *at)
{
    guint64 number;

    memcpy(&number, at, sizeof number);
    return GUINT64_FROM_BE(number);
}

static void put32(guint8 *at, guint32 number)
{
    number = GUINT32_TO_BE(number);
    memcpy(at, &number, sizeof number);
}

static guint32 get32(const guint8 *at)
{
    guint32 number;

    memcpy(&number, at, sizeof number);
    return GUINT32_FROM_BE(number);
}

void wal_sha256(const void *data, gsize length, guint8 digest[MERKLE_HASH_SIZE])
{
    crypto_hash_sha256(digest, data, length);
}

static gboolean digest_holds(const guint8 *data, gsize length)
{
    guint8 digest[MERKLE_HASH_SIZE];

    wal_sha256(data, length, digest);
    return memcmp(digest, data + length, sizeof digest) == 0;
}

/* ---- the forms ---- */

void wal_header_write(const struct wal_header *header, guint8 page[WAL_PAGE])
{
    memset(page, 0, WAL_PAGE);
    memcpy(page, HEADER_MAGIC, MAGIC_SIZE - 1);
    memcpy(page + HEADER_ORIGIN, header->origin, MERKLE_HASH_SIZE);
    put64(page + HEADER_GENERATION, header->generation);
    memcpy(page + HEADER_SALT, header->salt, WAL_SALT_SIZE);
    put64(page + HEADER_START, header->start);
    memcpy(page + HEADER_ROOT, header->root.bytes, MERKLE_HASH_SIZE);
    wal_sha256(page, HEADER_DIGEST, page + HEADER_DIGEST);
}

gboolean wal_header_read(const guint8 page[WAL_PAGE], struct wal_header *header)
{
    if (memcmp(page, HEADER_MAGIC, MAGIC_SIZE) != 0 || !digest_holds(page, HEADER_DIGEST))
        return FALSE;
    memcpy(header->origin, page + HEADER_ORIGIN, MERKLE_HASH_SIZE);
    header->generation = get64(page + HEADER_GENERATION);
    memcpy(header->salt, page + HEADER_SALT, WAL_SALT_SIZE);
    header->start = get64(page + HEADER_START);
    memcpy(header->root.bytes, page + HEADER_ROOT, MERKLE_HASH_SIZE);
    return header->generation > 0 && header->start <= CHECKPOINT_SIZE_LIMIT;
}

void wal_mark_write(const struct wal_header *header, guint8 page[WAL_PAGE])
{
    memset(page, 0, WAL_PAGE);
    memcpy(page, MARK_MAGIC, MAGIC_SIZE - 1);
    memcpy(page + MARK_SALT, header->salt, WAL_SALT_SIZE);
    wal_sha256(page, MARK_DIGEST, page + MARK_DIGEST);
}

gboolean wal_mark_read(const guint8 page[WAL_PAGE], const struct wal_header *header)
{
    return memcmp(page, MARK_MAGIC, MAGIC_SIZE) == 0 &&
           memcmp(page + MARK_SALT, header->salt, WAL_SALT_SIZE) == 0 &&
           digest_holds(page, MARK_DIGEST);
}

void wal_record_write(guint8 *at, const guint8 *salt, const struct wal_record *record)
{
    memcpy(at, RECORD_MAGIC, RECORD_MAGIC_SIZE);
    memcpy(at + RECORD_SALT, salt, WAL_SALT_SIZE);
    put64(at + RECORD_FIRST, record->first);
    put32(at + RECORD_COUNT, record->count);
    put32(at + RECORD_LENGTH, record->length);
    memcpy(at + RECORD_ROOT, record->root.bytes, MERKLE_HASH_SIZE);
    wal_sha256(at, RECORD_DIGEST, at + RECORD_DIGEST);
}

static gboolean record_read(const guint8 *at, const guint8 *salt, struct wal_record *record)
{
    if (memcmp(at, RECORD_MAGIC, RECORD_MAGIC_SIZE) != 0 ||
        memcmp(at + RECORD_SALT, salt, WAL_SALT_SIZE) != 0 || !digest_holds(at, RECORD_DIGEST))
        return FALSE;
    record->first = get64(at + RECORD_FIRST);
    record->count = get32(at + RECORD_COUNT);
    record->length = get32(at + RECORD_LENGTH);
    memcpy(record->root.bytes, at + RECORD_ROOT, MERKLE_HASH_SIZE);
    return record->count > 0 && record->length <= WAL_PAYLOAD_LIMIT;
}

guint64 wal_whole_pages(guint64 length)
{
    return (length + WAL_PAGE - 1) / WAL_PAGE * WAL_PAGE;
}

gssize wal_read_at(int fd, const char *name, guint64 offset, void *data, gsize length,
                   GError **error)
{
    gsize done = 0;

    while (done < length) {
        ssize_t got = pread(fd, (guint8 *)data + done, length - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            errno_error(error, errno, "%s: cannot be read", name);
            return -1;
        }
        if (got == 0)
            break;
        done += (gsize)got;
    }
    return (gssize)done;
}

/* ---- reading records ---- */

/* Whether a whole record header of this generation lies at `offset` or behind. */
static gboolean has_record_behind(int fd, const char *name, const guint8 *salt, guint64 offset,
                                  gboolean *found, GError **error)
{
    g_autofree guint8 *chunk = g_malloc(WAL_STEP / 64);
    struct wal_record record;
    gssize got;

    *found = FALSE;
    while (!*found) {
        got = wal_read_at(fd, name, offset, chunk, WAL_STEP / 64, error);
        if (got < 0)
            return FALSE;
        if (got < WAL_RECORD_HEADER_SIZE)
            break;
        for (gssize at = 0; at + WAL_RECORD_HEADER_SIZE <= got && !*found; at += WAL_PAGE)
            *found = record_read(chunk + at, salt, &record);
        offset += (guint64)got / WAL_PAGE * WAL_PAGE;
        if (got < WAL_PAGE)
            break;
    }
    return TRUE;
}

/* One record at `offset`: `*held` says whether it is one; `*size` is what it takes. */
static gboolean read_record(int fd, const char *name, const struct wal_header *header,
                            guint64 offset, wal_record_fn each, gpointer data, gboolean *held,
                            guint64 *size, GError **error)
{
    guint8 head[WAL_RECORD_HEADER_SIZE];
    g_autoptr(GBytes) bundle = NULL;
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GError) trouble = NULL;
    struct wal_record record;
    gssize got = wal_read_at(fd, name, offset, head, sizeof head, error);
    guint8 *bytes;

    *held = FALSE;
    if (got < 0)
        return FALSE;
    if (got < (gssize)sizeof head || !record_read(head, header->salt, &record))
        return TRUE;
    bytes = g_malloc(record.length);
    bundle = g_bytes_new_take(bytes, record.length);
    got = wal_read_at(fd, name, offset + sizeof head, bytes, record.length, error);
    if (got < 0)
        return FALSE;
    /* A bundle spends two bytes an entry: a count beyond that is not read entry by entry. */
    if ((guint32)got == record.length && record.count <= record.length / 2)
        entries = bundle_split(bundle, record.count, NULL);
    if (!entries)
        return TRUE;
    *held = each(&record, bundle, entries, data, &trouble);
    if (trouble) {
        g_propagate_error(error, g_steal_pointer(&trouble));
        return FALSE;
    }
    *size = wal_whole_pages(sizeof head + record.length);
    return TRUE;
}

gboolean wal_records_read(int file, const char *name, const struct wal_header *header,
                          wal_record_fn each, gpointer data, guint64 *end, guint64 *last,
                          GError **error)
{
    gboolean held, more;
    guint64 size = 0;

    *end = WAL_RECORDS_START;
    *last = 0;
    for (;;) {
        if (!read_record(file, name, header, *end, each, data, &held, &size, error))
            return FALSE;
        if (!held)
            break;
        *last = *end;
        *end += size;
    }
    if (!has_record_behind(file, name, header->salt, *end + WAL_PAGE, &more, error))
        return FALSE;
    return !more || found_error(error,
                                "%s: the record at byte %" G_GUINT64_FORMAT
                                " is damaged, and later ones are not: restore nothing over it; "
                                "keep the folder, and let \"entente log fsck\" show what is whole",
                                name, *end);
}
