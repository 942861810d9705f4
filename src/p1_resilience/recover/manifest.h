/*
 * manifest.h: what a backup has to give back: a digest of every file, taken when it was made.
 *
 * The file, big-endian:
 *
 *     "ENTMANI1" | key[32], random | u64 time_us | u64 count | records, by path bytewise
 *     record = u8 type ('-' file, 'd' folder, 'l' link, 'p' 'b' 'c' special) | u32 mode
 *              | u64 size | i64 mtime_ns | SHA-256[32] | u32 length | path
 *
 * The SHA-256 is of a file's bytes or a link's target, else zeros. The tree is RFC 9162's
 * (merkle.h) over `count` + 1 entries: the 56 bytes before the records, then of each record i (from
 * 0) SHA-256("entente/manifest/salt/1\n" || key || be64(i)) || record. The root covers every byte
 * of the file; the key, which stays here, keeps a record that can be guessed from being tried, and
 * one record can be opened without the others.
 */
#pragma once
#include "statement/merkle.h"

#define MANIFEST_KEY_SIZE 32
#define MANIFEST_DIGEST_SIZE 32
#define MANIFEST_LIMIT (2ul << 30) /* bytes of a manifest that is read */

struct manifest_record {
    char *path; /* absolute; any bytes but NUL */
    char type;
    guint32 mode; /* permissions alone */
    guint64 size;
    gint64 mtime_ns;
    guint8 sha256[MANIFEST_DIGEST_SIZE];
};

struct manifest {
    guint8 key[MANIFEST_KEY_SIZE];
    gint64 time_us;    /* when the walk began */
    GArray *records;   /* struct manifest_record */
    guint64 files;     /* regular ones */
    guint64 bytes;     /* of them */
    GPtrArray *unread; /* after a walk: "PATH: why", for people; what the manifest lacks */
};
typedef struct manifest manifest_t;
void manifest_free(struct manifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(manifest_t, manifest_free)

/*
 * Walks these folders and files without following links, and digests what it finds. Sockets are
 * left out, as backups do. A file that cannot be read, or that changes whenever it is, is named in
 * `unread`. `seen` (or NULL) is told of every entry. ENTENTE_ERROR_SYSTEM: a root cannot be read.
 */
typedef void (*manifest_seen_fn)(const char *path, guint64 files, guint64 bytes, gpointer data);
struct manifest *manifest_walk(const char *const *roots, manifest_seen_fn seen, gpointer data,
                               GError **error);

/* Durable, 0600. */
gboolean manifest_write(const struct manifest *manifest, const char *path, GError **error);
/* ENTENTE_ERROR_INPUT: it is none, or not in order. */
struct manifest *manifest_read(const char *path, GError **error);
struct manifest *manifest_parse(const void *bytes, gsize length, const char *name, GError **error);

struct merkle_hash manifest_root(const struct manifest *manifest);
