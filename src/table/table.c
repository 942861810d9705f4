#include "table/table.h"

#include "base/error.h"
#include "base/file.h"
#include "table/table_layout.h"
#include "table/table_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean zeros(const void *bytes, gsize length)
{
    const guint8 *byte = bytes;

    for (gsize i = 0; i < length; i++) {
        if (byte[i])
            return FALSE;
    }
    return TRUE;
}

/* 1 to 16 printable characters without space, then zeros. */
gboolean table_kind_is_valid(const char kind[static TABLE_KIND_SIZE])
{
    gsize length = 0;

    while (length < TABLE_KIND_SIZE && g_ascii_isgraph(kind[length]))
        length++;
    return length > 0 && zeros(kind + length, TABLE_KIND_SIZE - length);
}

static gboolean entry_is_sound(const struct table_entry *entry, guint64 at)
{
    return entry->id && entry->offset == at && entry->item_size &&
           entry->length % entry->item_size == 0;
}

/* The sections lie one behind another, from the header to the end of the file. */
static gboolean check_directory(const struct table_header *header, const char *name, GError **error)
{
    guint64 end = sizeof *header;

    if (header->sections > TABLE_SECTIONS_MAX)
        return input_error(error, "%s: table with %u sections; there are at most %d", name,
                           header->sections, TABLE_SECTIONS_MAX);
    for (guint i = 0; i < TABLE_SECTIONS_MAX; i++) {
        const struct table_entry *entry = &header->directory[i];
        guint64 at = (end + TABLE_ALIGNMENT - 1) / TABLE_ALIGNMENT * TABLE_ALIGNMENT;

        if (i >= header->sections) {
            if (!zeros(entry, sizeof *entry))
                return input_error(error, "%s: table with an unused section that is not zero",
                                   name);
            continue;
        }
        if (!entry_is_sound(entry, at) || at > header->size || entry->length > header->size - at)
            return input_error(error, "%s: section %u of the table is not in its place", name,
                               entry->id);
        for (guint j = 0; j < i; j++) {
            if (header->directory[j].id == entry->id)
                return input_error(error, "%s: two sections %u in one table", name, entry->id);
        }
        end = at + entry->length;
    }
    return end == header->size ||
           input_error(error, "%s: table with bytes after its last section", name);
}

static gboolean check_header(const struct table_header *header, gsize length, const char *name,
                             const char *kind, GError **error)
{
    if (memcmp(header->magic, TABLE_MAGIC, sizeof header->magic) != 0)
        return input_error(error, "%s: is not a table", name);
    if (header->format != TABLE_FORMAT)
        return input_error(error, "%s: table of format %u; this program reads %d", name,
                           header->format, TABLE_FORMAT);
    if (!table_kind_is_valid(header->kind))
        return input_error(error, "%s: table without a kind", name);
    if (kind &&
        (strlen(kind) > TABLE_KIND_SIZE || strncmp(header->kind, kind, TABLE_KIND_SIZE) != 0))
        return input_error(error, "%s: is a table of kind \"%.*s\", not \"%s\"", name,
                           TABLE_KIND_SIZE, header->kind, kind);
    if (header->size != length)
        return input_error(error,
                           "%s: the table has %" G_GUINT64_FORMAT
                           " bytes, the file %" G_GSIZE_FORMAT "; it was cut or added to",
                           name, header->size, length);
    if (header->reserved || header->floor > header->serial || header->built_us < 0 ||
        header->expires_us < 0 || header->values > length || header->keys > length)
        return input_error(error, "%s: table with a header that contradicts itself", name);
    return check_directory(header, name, error);
}

/* The own sections, whose sizes follow from the number of keys. */
static gboolean find_own_sections(struct table *table, GError **error)
{
    const guint64 keys = table->info.keys;
    gsize records = 0, slots = 0, words = 0;

    table->records = table_section(table, TABLE_RECORDS, 1, &records);
    table->slots = table_section(table, TABLE_SLOTS, sizeof(struct table_slot), &slots);
    table->filter.words = table_section(table, TABLE_FILTER, sizeof(guint64), &words);
    table->homes = table_homes(keys);
    if (records < TABLE_RECORDS_START || slots < table->homes || slots - table->homes > keys ||
        words != table_filter_words(keys))
        return input_error(
            error, "%s: the sections of the table do not fit its %" G_GUINT64_FORMAT " keys",
            table->name, keys);
    table->records_length = records;
    table->slot_count = slots;
    table->filter.count = words;
    return TRUE;
}

static void read_info(struct table_info *info, const struct table_header *header)
{
    *info = (struct table_info){
        .serial = header->serial,
        .floor = header->floor,
        .built_us = header->built_us,
        .expires_us = header->expires_us,
        .keys = header->keys,
        .values = header->values,
        .size = header->size,
    };
    memcpy(info->kind, header->kind, TABLE_KIND_SIZE);
    memcpy(info->digest, header->digest, TABLE_DIGEST_SIZE);
}

struct table *table_open_bytes(GBytes *bytes, const char *name, const char *kind, GError **error)
{
    g_autoptr(table_t) table = g_new0(struct table, 1);
    gsize length;
    gconstpointer data = g_bytes_get_data(bytes, &length);

    table->name = g_strdup(name);
    if (length < sizeof(struct table_header)) {
        input_error(error, "%s: is not a table, or was cut", name);
        return NULL;
    }
    /* Words are read where they lie. */
    table->bytes =
        (guintptr)data % sizeof(guint64) ? g_bytes_new(data, length) : g_bytes_ref(bytes);
    table->header = g_bytes_get_data(table->bytes, NULL);
    if (!check_header(table->header, length, name, kind, error))
        return NULL;
    read_info(&table->info, table->header);
    if (!find_own_sections(table, error))
        return NULL;
    return g_steal_pointer(&table);
}

/* The whole of a regular file, mapped; NULL and the reason. */
static GBytes *map_file(const char *path, GError **error)
{
    g_autoptr(GMappedFile) file = NULL;
    struct stat status;
    const int fd = file_open_regular(path, &status, error);

    if (fd < 0)
        return NULL;
    file = g_mapped_file_new_from_fd(fd, FALSE, NULL);
    if (!file)
        system_error(error, "%s: cannot be mapped into memory", path);
    close(fd);
    return file ? g_mapped_file_get_bytes(file) : NULL;
}

struct table *table_open(const char *path, const char *kind, GError **error)
{
    g_autoptr(GBytes) bytes = map_file(path, error);

    return bytes ? table_open_bytes(bytes, path, kind, error) : NULL;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    g_clear_pointer(&table->bytes, g_bytes_unref);
    g_free(table->name);
    g_free(table);
}

const struct table_info *table_info(const struct table *table)
{
    return &table->info;
}

gconstpointer table_section(const struct table *table, guint32 id, guint32 item_size, gsize *items)
{
    for (guint i = 0; i < table->header->sections; i++) {
        const struct table_entry *entry = &table->header->directory[i];

        if (entry->id == id && entry->item_size == item_size) {
            *items = entry->length / entry->item_size;
            return (const guint8 *)table->header + entry->offset;
        }
    }
    *items = 0;
    return NULL;
}

struct table_filter table_filter(const struct table *table)
{
    return table->filter;
}

gboolean table_record_read(const struct table *table, guint64 offset, struct table_record *record)
{
    const guint8 *end = table->records + table->records_length, *at;
    guint64 head, length;

    if (offset < TABLE_RECORDS_START || offset >= table->records_length)
        return FALSE;
    at = table->records + offset;
    if (!varint_read(&at, end, &head))
        return FALSE;
    length = head >> 1;
    if (length > TABLE_KEY_MAX || length > (gsize)(end - at))
        return FALSE;
    *record = (struct table_record){
        .key = at,
        .length = length,
        .cursor = { .at = at + length, .end = end, .hides = head & 1 },
    };
    return TRUE;
}

gboolean table_find(const struct table *table, guint64 hash, gconstpointer key, gsize length,
                    struct table_cursor *cursor)
{
    const struct table_slot *slot = table->slots + table_place(hash, table->homes);
    const struct table_slot *end = table->slots + table->slot_count;

    for (; slot < end && slot->offset && slot->hash <= hash; slot++) {
        struct table_record record;

        if (slot->hash == hash && table_record_read(table, slot->offset, &record) &&
            record.length == length && memcmp(record.key, key, length) == 0) {
            *cursor = record.cursor;
            return TRUE;
        }
    }
    *cursor = (struct table_cursor){ .at = NULL };
    return FALSE;
}

gboolean table_next(struct table_cursor *cursor, const guint8 **value, gsize *length)
{
    const guint8 *at = cursor->at;
    guint64 head;

    cursor->at = NULL;
    if (!at || !varint_read(&at, cursor->end, &head) || head == 0 || head - 1 > TABLE_VALUE_MAX ||
        head - 1 > (gsize)(cursor->end - at))
        return FALSE;
    *value = at;
    *length = head - 1;
    cursor->at = at + *length;
    return TRUE;
}

gboolean table_walk_next(const struct table *table, struct table_walk *walk)
{
    while (walk->slot < table->slot_count) {
        const struct table_slot *slot = &table->slots[walk->slot++];
        struct table_record record;

        if (slot->offset && table_record_read(table, slot->offset, &record)) {
            walk->hash = slot->hash;
            walk->key = record.key;
            walk->length = record.length;
            walk->cursor = record.cursor;
            return TRUE;
        }
    }
    return FALSE;
}
