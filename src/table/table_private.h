/* table_private.h: an open table, as the files of this room see it. */
#pragma once
#include "table/table_layout.h"

struct table {
    GBytes *bytes; /* what is mapped */
    char *name;
    const struct table_header *header;
    struct table_info info;
    const guint8 *records;
    gsize records_length;
    const struct table_slot *slots;
    guint64 slot_count, homes;
    struct table_filter filter;
};

struct table_record {
    const guint8 *key;
    gsize length;
    struct table_cursor cursor;
};

/* The record at `offset` of the records; FALSE when there can be none. */
gboolean table_record_read(const struct table *table, guint64 offset, struct table_record *record);

/* Whether `kind` may stand in a header. */
gboolean table_kind_is_valid(const char kind[static TABLE_KIND_SIZE]);

/* SHA-256 of a table of `size` bytes, as its header has it. */
void table_digest(gconstpointer table, gsize size, guint8 digest[static TABLE_DIGEST_SIZE]);
