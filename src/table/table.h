/*
 * table.h: the immutable table: is this key in a set of up to 10^8, and what hangs on it?
 *
 * A table is one file, mapped into memory and used where it lies (table_layout.h has its map). It
 * holds keys, each with one or more values: byte strings that mean something to its kind; sections:
 * arrays that belong to its kind; and a header: what kind it is, which version, how old it may get.
 *
 * The caller computes the 64-bit hash of a key. All of its bits must be good: the high ones place
 * the key, the low ones test it in the filter. Different keys may have the same hash.
 *
 * A table comes from outside. table_open() checks that every section lies in the file; each read
 * after it stays in its section whatever the bytes say. That they are the bytes that were written
 * is for table_check(), which table_install() asks once, so that opening takes no time. A file in
 * use is replaced by renaming, never written: a mapping of a file that shrinks kills its reader.
 */
#pragma once
#include <glib.h>

#define TABLE_KIND_SIZE 16
#define TABLE_KEY_MAX 65535         /* bytes of a key */
#define TABLE_VALUE_MAX (1 << 20)   /* bytes of a value */
#define TABLE_FIRST_OWN_SECTION 16u /* ids of sections that belong to kinds begin here */

struct table;
typedef struct table table_t;

struct table_info {
    char kind[TABLE_KIND_SIZE + 1];
    guint64 serial, floor;       /* tables of this kind with a serial below floor are withdrawn */
    gint64 built_us, expires_us; /* expires_us 0: never */
    guint64 keys, values, size;  /* distinct keys; values of all; bytes of the file */
    guint8 digest[32];           /* as the header says; true after table_check() */
};

/*
 * Maps the table at `path`, of `kind` (NULL: any). ENTENTE_ERROR_SYSTEM when the file cannot be
 * read, _INPUT when it is no table, is cut, or is of another kind.
 */
struct table *table_open(const char *path, const char *kind, GError **error);
void table_free(struct table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(table_t, table_free)

/* A table in `bytes`, which it keeps. `name` is for errors. */
struct table *table_open_bytes(GBytes *bytes, const char *name, const char *kind, GError **error);

const struct table_info *table_info(const struct table *table);

/*
 * Checks the digest and every record, slot and word: after it, all that was put in is found and
 * nothing else. ENTENTE_ERROR_FOUND says what does not hold. Reads the whole file.
 */
gboolean table_check(const struct table *table, GError **error);

/*
 * Checks the table `from` and puts a copy of it at `to` in one step, so that a reader has the old
 * table or the new one. Refused with ENTENTE_ERROR_POLICY: an older serial than the one installed,
 * or the same with other bytes. A table at `to` that cannot be opened is replaced.
 */
gboolean table_install(const char *from, const char *to, const char *kind, GError **error);

/*
 * The items of section `id`, which are of `item_size` bytes each, and their number; lives as long
 * as the table. NULL when there is no such section, or of another item size.
 */
gconstpointer table_section(const struct table *table, guint32 id, guint32 item_size, gsize *items);

/* The filter, to be held by value in the loop that uses it. */
struct table_filter {
    const guint64 *words;
    guint64 count; /* > 0 */
};

struct table_filter table_filter(const struct table *table);

/* The word of the filter that table_maybe() reads for `hash`, to be fetched ahead. */
static inline const guint64 *table_filter_word(struct table_filter filter, guint64 hash)
{
    return filter.words + (guint64)(((unsigned __int128)hash * filter.count) >> 64);
}

/* The four bits that a hash sets in its word. */
static inline guint64 table_filter_bits(guint64 hash)
{
    return (guint64)1 << (hash & 63) | (guint64)1 << (hash >> 6 & 63) |
           (guint64)1 << (hash >> 12 & 63) | (guint64)1 << (hash >> 18 & 63);
}

/* FALSE: no key has this hash. TRUE: one may have; wrong for one in 190 other hashes. */
static inline gboolean table_maybe(struct table_filter filter, guint64 hash)
{
    guint64 bits = table_filter_bits(hash);

    return (*table_filter_word(filter, hash) & bits) == bits;
}

/* Where the values of a key are read from; nothing to free. */
struct table_cursor {
    const guint8 *at, *end; /* at NULL: no more values */
    gboolean hides;         /* the key's values in earlier tables of a set are gone */
};

/* Whether the key is there; then `cursor` stands before its first value. */
gboolean table_find(const struct table *table, guint64 hash, gconstpointer key, gsize length,
                    struct table_cursor *cursor);

/* The next value under the key, in the order in which they were added; FALSE after the last. */
gboolean table_next(struct table_cursor *cursor, const guint8 **value, gsize *length);

/* One key after another, in the order of their hashes. Starts as { 0 }. */
struct table_walk {
    guint64 slot, hash;
    const guint8 *key;
    gsize length;
    struct table_cursor cursor; /* stands before the key's first value */
};

/* FALSE after the last key. Slots that lead nowhere are passed over. */
gboolean table_walk_next(const struct table *table, struct table_walk *walk);
