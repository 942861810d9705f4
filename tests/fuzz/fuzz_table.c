/*
 * Tables: as they come, and with the size and the digest that their header should have. Everything
 * that can be reached is read; what passes the check holds what it says and nothing else.
 */
#include "table/table_private.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static guint sum;

static void read_bytes(const guint8 *bytes, gsize length)
{
    for (gsize i = 0; i < length; i++)
        sum += bytes[i];
}

static guint64 read_keys(const struct table *table, gboolean sound)
{
    struct table_walk walk = { 0 };
    guint64 values = 0;

    while (table_walk_next(table, &walk)) {
        struct table_cursor cursor;
        const guint8 *value;
        gsize length;
        gboolean found = table_find(table, walk.hash, walk.key, walk.length, &cursor);

        read_bytes(walk.key, walk.length);
        if (sound)
            g_assert_true(found && table_maybe(table_filter(table), walk.hash));
        while (table_next(&cursor, &value, &length)) {
            read_bytes(value, length);
            values++;
        }
    }
    return values;
}

static void try_table(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(table_t) table = table_open_bytes(bytes, "fuzz", NULL, NULL);
    struct table_cursor cursor;
    gboolean sound;
    guint64 values;

    if (!table)
        return;
    for (guint id = 0; id < 64; id++) {
        gsize items;
        const guint8 *section = table_section(table, id, 8, &items);

        if (section)
            read_bytes(section, items * 8);
    }
    for (guint64 hash = 1; hash; hash <<= 1) {
        sum += table_maybe(table_filter(table), hash);
        sum += table_find(table, hash, "key", 3, &cursor);
    }
    sound = table_check(table, NULL);
    values = read_keys(table, sound);
    if (sound)
        g_assert_cmpuint(values, ==, table_info(table)->values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree guint8 *changed = g_memdup2(data, size);
    struct table_header header;

    try_table(data, size);
    if (size < sizeof header)
        return 0;
    memcpy(&header, data, sizeof header);
    memcpy(header.magic, TABLE_MAGIC, sizeof header.magic);
    header.format = TABLE_FORMAT;
    header.size = size;
    memcpy(changed, &header, sizeof header);
    table_digest(changed, size, changed + G_STRUCT_OFFSET(struct table_header, digest));
    try_table(changed, size);
    return 0;
}
