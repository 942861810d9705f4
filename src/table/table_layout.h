/*
 * table_layout.h: the bytes of a table. Only the files of this room include it.
 *
 * Little-endian throughout. Sections begin at multiples of 64 bytes, in the order of the directory,
 * one right after another; what lies between them is zero, and the last one ends the file.
 *
 *        0  magic "ENTTABL1"
 *        8  kind              16 bytes, filled up with zeros
 *       24  u32 format        1
 *       28  u32 sections      entries of the directory in use
 *       32  u64 serial        version of the content: newer is higher
 *       40  u64 floor         tables of this kind with a lower serial are no longer to be used
 *       48  i64 built_us
 *       56  i64 expires_us    0: never
 *       64  u64 keys          distinct keys
 *       72  u64 values        values of all keys
 *       80  u64 size          of the file
 *       88  u64 reserved      0
 *       96  digest            SHA-256 of the file without these 32 bytes
 *      128  directory         32 x { u32 id, u32 item_size, u64 offset, u64 length }, unused ones 0
 *      896  sections
 *
 * Three sections are the table's own, the rest (id >= 16) belongs to its kind and stands first:
 *
 *   1 records  One per distinct key, in ascending order of (hash, key bytes, key length), after 8
 *              zero bytes, so that no record has offset 0:
 *                varint (key length << 1 | hides), key,
 *                varint (value length + 1), value, as often as there are values,
 *                varint 0
 *              hides: what earlier tables of a set say of this key is gone.
 *   2 slots    { u64 hash, u64 offset of the record }, in the order of the records. The slot of a
 *              key is the first free one at or after its home, hash * homes >> 64, with
 *              homes = 4/3 keys; behind the homes are as many slots as the last keys need. An empty
 *              slot has offset 0. As slots ascend as hashes do, a search ends at an empty slot or
 *              at a higher hash, and a table is written front to back from its sorted keys.
 *   3 filter   u64 words, one for four keys: a blocked Bloom filter of 16 bits per key, see
 *              table_maybe().
 */
#pragma once
#include "base/varint.h"
#include "table/table.h"

#define TABLE_MAGIC "ENTTABL1"
#define TABLE_FORMAT 1
#define TABLE_ALIGNMENT 64
#define TABLE_SECTIONS_MAX 32
#define TABLE_DIGEST_SIZE 32
#define TABLE_RECORDS_START 8 /* zero bytes before the first record */

enum table_own_section {
    TABLE_RECORDS = 1,
    TABLE_SLOTS = 2,
    TABLE_FILTER = 3,
};

struct table_entry {
    guint32 id, item_size;
    guint64 offset, length;
};

struct table_header {
    char magic[8];
    char kind[TABLE_KIND_SIZE];
    guint32 format, sections;
    guint64 serial, floor;
    gint64 built_us, expires_us;
    guint64 keys, values, size, reserved;
    guint8 digest[TABLE_DIGEST_SIZE];
    struct table_entry directory[TABLE_SECTIONS_MAX];
};

struct table_slot {
    guint64 hash, offset;
};

G_STATIC_ASSERT(G_STRUCT_OFFSET(struct table_header, digest) == 96);
G_STATIC_ASSERT(sizeof(struct table_header) == 896);
G_STATIC_ASSERT(sizeof(struct table_slot) == 16);
G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN); /* a table is used as it lies in the file */

/* Which of `count` places a hash has; ascends with the hash. */
static inline guint64 table_place(guint64 hash, guint64 count)
{
    return (guint64)(((unsigned __int128)hash * count) >> 64);
}

static inline guint64 table_homes(guint64 keys)
{
    return keys + keys / 3 + 1;
}

static inline guint64 table_filter_words(guint64 keys)
{
    return keys / 4 + 1;
}
