/*
 * wal.h: the write-ahead log of a log's writer: what is in it is committed.
 *
 * Two files, FOLDER/wal-0 and FOLDER/wal-1, are used in turn (generation g lies in file g mod 2):
 *
 *     page 0   header: origin, generation, random salt, the size and root it starts from
 *     page 1   mark: "all entries below the start are in tiles, and synced"; or nothing yet
 *     page 2.. records, each of whole pages, one a batch:
 *              header (salt, first index, count, length, the root after the batch, SHA-256 of the
 *              header) || bundle (be16 length || entry, ...)
 *
 * One pwrite and one fdatasync of a record are the commit of its batch. The root is the checksum of
 * the entries: a record holds when its header's digest does and the tree grown by its entries has
 * its root. Pages past the last record are those of an older generation, or zero; the salt, which
 * nobody outside knows, tells them apart, so that no submitted entry can pose as a record.
 *
 * A generation is begun in the other file only when the present one carries its mark. So what the
 * other file held is not needed any more, and at each moment the newest header with its mark, or
 * else the one before it, is where a recovery begins. Files grow in steps (fallocate) and are
 * used again without being cut, so that fdatasync has no metadata to write.
 *
 * Of an error of write or sync nothing can be undone (the page cache may show what the disk never
 * got): the caller stops. Opening writes the last record and header again before they are trusted.
 */
#pragma once
#include "log/tile.h"

#define WAL_PAGE 4096u
#define WAL_STEP (64u << 20)          /* bytes that a file grows by, and after which it is full */
#define WAL_STEPS_LIMIT 4u            /* a file never gets larger than so many steps */
#define WAL_PAYLOAD_LIMIT (16u << 20) /* bytes of bundle in one record */
#define WAL_SALT_SIZE 16

struct wal_header {
    guint8 origin[MERKLE_HASH_SIZE]; /* SHA-256 of its name */
    guint64 generation;              /* from 1 */
    guint8 salt[WAL_SALT_SIZE];
    guint64 start; /* size of the log when it was begun */
    struct merkle_hash root;
};

struct wal_record {
    guint64 first;
    guint32 count;  /* entries, at least 1 */
    guint32 length; /* bytes of the bundle */
    struct merkle_hash root;
};

/* The bytes of a header page, of a mark, of a record's header; readers give FALSE for others. */
void wal_header_write(const struct wal_header *header, guint8 page[WAL_PAGE]);
gboolean wal_header_read(const guint8 page[WAL_PAGE], struct wal_header *header);
void wal_mark_write(const struct wal_header *header, guint8 page[WAL_PAGE]);
gboolean wal_mark_read(const guint8 page[WAL_PAGE], const struct wal_header *header);

/*
 * Takes a record; `bundle` is as long as it says, `entries` are slices of it. TRUE: it holds and
 * the log has grown. FALSE without an error: it does not hold. FALSE and an error ends all.
 */
typedef gboolean (*wal_record_fn)(const struct wal_record *record, GBytes *bundle,
                                  GPtrArray *entries, gpointer data, GError **error);

/*
 * Reads the records of an open file in order; `end` is where the next one goes, `last` where the
 * last one is (0: none). The first that does not hold ends them; ENTENTE_ERROR_FOUND when a whole
 * one lies behind it: then it was not torn by a crash, but damaged.
 */
gboolean wal_records_read(int file, const char *name, const struct wal_header *header,
                          wal_record_fn each, gpointer data, guint64 *end, guint64 *last,
                          GError **error);

struct wal;
typedef struct wal wal_t;

/* Makes generation 1 of a log that has `size` entries in its tiles, durably; refuses a file that is
 * there. */
gboolean wal_create(const char *folder, const char *origin, guint64 size,
                    const struct merkle_hash *root, GError **error);
/* Whether there is one. */
gboolean wal_exists(const char *folder);

/*
 * Opens both files, and locks the folder against every other process (OFD lock).
 * ENTENTE_ERROR_INPUT: no log here, or one of another origin; _POLICY: locked; _FOUND: damaged.
 */
struct wal *wal_open(const char *folder, const char *origin, GError **error);
void wal_close(struct wal *wal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(wal_t, wal_close)

/* Where recovery begins: below it, all is in synced tiles. */
void wal_base(const struct wal *wal, guint64 *size, struct merkle_hash *root);

/* Hands over all records from the base on, then makes them durable. Once, before appending. */
gboolean wal_replay(struct wal *wal, wal_record_fn each, gpointer data, GError **error);

/* Begins a record's bytes; entries follow with bundle_append(). */
GByteArray *wal_record_new(gsize capacity);
gsize wal_record_length(const GByteArray *bytes); /* of the bundle so far */
GBytes *wal_record_bundle(GBytes *bytes, gsize length);

/* Commits: fills the header in, pads, writes and syncs. TRUE: durable. */
gboolean wal_append(struct wal *wal, GByteArray *bytes, guint64 first, guint32 count,
                    const struct merkle_hash *root, GError **error);

/* The present file is full; the next generation can be begun when it also carries its mark. */
gboolean wal_is_full(const struct wal *wal);
gboolean wal_is_marked(const struct wal *wal);
gboolean wal_is_empty(const struct wal *wal); /* no record in the present file */
/* Whether the next record of `length` bytes of bundle would break the limit of the file. */
gboolean wal_must_wait(const struct wal *wal, gsize length);

/* All below the start is in synced tiles. May run beside wal_append(). */
gboolean wal_mark(struct wal *wal, GError **error);
/*
 * Begins the next generation in the other file at `size`; the present one is marked. With `synced`
 * the new one carries its mark at once.
 */
gboolean wal_begin(struct wal *wal, guint64 size, const struct merkle_hash *root, gboolean synced,
                   GError **error);
