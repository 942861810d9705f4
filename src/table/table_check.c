#include "base/error.h"
#include "base/sha256.h"
#include "table/table_private.h"

#include <string.h>

G_STATIC_ASSERT(TABLE_DIGEST_SIZE == SHA256_SIZE);

void table_digest(gconstpointer table, gsize size, guint8 digest[static TABLE_DIGEST_SIZE])
{
    const guint8 *bytes = table;
    const gsize before = G_STRUCT_OFFSET(struct table_header, digest);
    const gsize after = before + TABLE_DIGEST_SIZE;
    g_autoptr(sha256_t) sha256 = sha256_new(size);

    sha256_update(sha256, bytes, before);
    sha256_update(sha256, bytes + after, size - after);
    sha256_finish(sha256, digest);
}

static gboolean gaps_are_zero(const struct table *table)
{
    const guint8 *bytes = (const guint8 *)table->header;
    guint64 end = sizeof *table->header;

    for (guint i = 0; i < table->header->sections; i++) {
        const struct table_entry *entry = &table->header->directory[i];

        for (; end < entry->offset; end++) {
            if (bytes[end])
                return FALSE;
        }
        end = entry->offset + entry->length;
    }
    return TRUE;
}

/* What the walk over the slots has seen so far. */
struct progress {
    guint64 keys, values;
    guint64 slot, next_slot; /* the one looked at, and the first after the last one in use */
    guint64 record;          /* offset where the next record must begin */
    struct table_record last;
    guint64 last_hash;
    guint64 word, bits; /* of the filter: those before `word` are as they must be */
};

static gboolean broken(const struct table *table, const struct progress *progress, const char *what,
                       GError **error)
{
    return found_error(error, "%s: slot %" G_GUINT64_FORMAT " of the table %s", table->name,
                       progress->slot, what);
}

/* Strictly ascending by hash, then bytes, then length. */
static gboolean ascends(const struct progress *progress, guint64 hash,
                        const struct table_record *record)
{
    int order;

    if (!progress->keys || hash > progress->last_hash)
        return TRUE;
    if (hash < progress->last_hash)
        return FALSE;
    order = memcmp(progress->last.key, record->key, MIN(progress->last.length, record->length));
    return order ? order < 0 : progress->last.length < record->length;
}

/* Counts the values of a record and finds its end: 0 when it is not well formed. */
static guint64 record_end(const struct table *table, const struct table_record *record,
                          guint64 *values)
{
    struct table_cursor cursor = record->cursor;
    const guint8 *value, *end = cursor.at;
    gsize length;

    while (table_next(&cursor, &value, &length)) {
        (*values)++;
        end = value + length;
    }
    if (end >= cursor.end || *end != 0)
        return 0;
    return end + 1 - table->records;
}

static gboolean check_filter_word(const struct table *table, struct progress *progress,
                                  guint64 upto)
{
    for (; progress->word < upto; progress->word++, progress->bits = 0) {
        if (table->filter.words[progress->word] != progress->bits)
            return FALSE;
    }
    return TRUE;
}

static gboolean check_key(const struct table *table, struct progress *progress, GError **error)
{
    const struct table_slot *slot = &table->slots[progress->slot];
    struct table_record record;
    guint64 values = progress->values;

    if (progress->slot != MAX(progress->next_slot, table_place(slot->hash, table->homes)))
        return broken(table, progress, "is not where its hash belongs", error);
    if (slot->offset != progress->record || !table_record_read(table, slot->offset, &record))
        return broken(table, progress, "does not lead to the next record", error);
    if (!ascends(progress, slot->hash, &record))
        return broken(table, progress, "is out of order", error);
    progress->record = record_end(table, &record, &progress->values);
    if (!progress->record || (values == progress->values && !record.cursor.hides))
        return broken(table, progress, "leads to a broken record", error);
    if (!check_filter_word(table, progress, table_place(slot->hash, table->filter.count)))
        return broken(table, progress, "is not as the filter has it", error);
    progress->bits |= table_filter_bits(slot->hash);
    progress->last = record;
    progress->last_hash = slot->hash;
    progress->keys++;
    progress->next_slot = progress->slot + 1;
    return TRUE;
}

static gboolean check_keys(const struct table *table, GError **error)
{
    static const guint8 zeros[TABLE_RECORDS_START];
    struct progress progress = { .record = TABLE_RECORDS_START };

    if (memcmp(table->records, zeros, TABLE_RECORDS_START) != 0)
        return broken(table, &progress, "has bytes before its first record", error);
    for (; progress.slot < table->slot_count; progress.slot++) {
        const struct table_slot *slot = &table->slots[progress.slot];

        if (slot->offset ? !check_key(table, &progress, error)
                         : slot->hash && !broken(table, &progress, "is empty with a hash", error))
            return FALSE;
    }
    if (!check_filter_word(table, &progress, table->filter.count))
        return found_error(error, "%s: the filter of the table is not that of its keys",
                           table->name);
    if (progress.keys != table->info.keys || progress.values != table->info.values ||
        progress.record != table->records_length ||
        table->slot_count != MAX(table->homes, progress.next_slot))
        return found_error(error, "%s: the table does not hold what its header says", table->name);
    return TRUE;
}

gboolean table_check(const struct table *table, GError **error)
{
    guint8 digest[TABLE_DIGEST_SIZE];

    table_digest(table->header, table->info.size, digest);
    if (memcmp(digest, table->info.digest, sizeof digest) != 0)
        return found_error(error, "%s: the table was changed: its digest is another", table->name);
    if (!gaps_are_zero(table))
        return found_error(error, "%s: the table has bytes between its sections", table->name);
    return check_keys(table, error);
}
