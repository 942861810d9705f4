#include "table/table_writer.h"

#include "base/error.h"
#include "base/file.h"
#include "table/table_private.h"
#include "table/table_run.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MIN (1024 * 1024)

struct table_writer {
    struct file_draft draft;
    char *path;
    struct table_header header;
    struct table_output output; /* to the draft */
    struct table_sorter *sorter;
    struct table_output places; /* struct table_slot of each distinct key, in order */
};

static gboolean open_files(struct table_writer *writer, GError **error)
{
    static const struct table_header empty;
    g_autofree char *folder = g_path_get_dirname(writer->path);

    if (!file_draft_open(&writer->draft, writer->path, TRUE, error))
        return FALSE;
    table_output_begin(&writer->output, writer->draft.fd);
    table_output_begin(&writer->places, table_scratch(folder));
    if (writer->places.fd < 0)
        return errno_error(error, errno, "%s: no room to build a table", folder);
    return table_output_put(&writer->output, &empty, sizeof empty, error);
}

struct table_writer *table_writer_new(const char *path, const struct table_description *description,
                                      gsize memory, GError **error)
{
    g_autoptr(table_writer_t) writer = g_new0(struct table_writer, 1);
    g_autofree char *folder = g_path_get_dirname(path);
    struct table_header *header = &writer->header;

    writer->draft.fd = writer->places.fd = -1;
    writer->path = g_strdup(path);
    memcpy(header->magic, TABLE_MAGIC, sizeof header->magic);
    memcpy(header->kind, description->kind, MIN(strlen(description->kind), TABLE_KIND_SIZE));
    header->format = TABLE_FORMAT;
    header->serial = description->serial;
    header->floor = description->floor;
    header->built_us = description->built_us;
    header->expires_us = description->expires_us;
    if (strlen(description->kind) > TABLE_KIND_SIZE || !table_kind_is_valid(header->kind) ||
        header->floor > header->serial || header->built_us < 0 || header->expires_us < 0) {
        input_error(error, "%s: a table cannot have such a kind, floor or time", path);
        return NULL;
    }
    writer->sorter = table_sorter_new(folder, MAX(memory, MEMORY_MIN));
    if (!open_files(writer, error))
        return NULL;
    return g_steal_pointer(&writer);
}

void table_writer_free(struct table_writer *writer)
{
    if (!writer)
        return;
    table_output_end(&writer->output);
    table_output_end(&writer->places);
    if (writer->places.fd >= 0)
        close(writer->places.fd);
    file_draft_discard(&writer->draft);
    table_sorter_free(writer->sorter);
    g_free(writer->path);
    g_free(writer);
}

gboolean table_writer_add(struct table_writer *writer, guint64 hash, gconstpointer key,
                          gsize key_length, gconstpointer value, gsize value_length, GError **error)
{
    const struct table_item item = {
        .hash = hash,
        .key = key,
        .key_length = (guint32)key_length,
        .value = value,
        .value_length = (guint32)value_length,
    };

    if (key_length > TABLE_KEY_MAX || value_length > TABLE_VALUE_MAX)
        return input_error(error,
                           "%s: a key of %" G_GSIZE_FORMAT " bytes with a value of %" G_GSIZE_FORMAT
                           " does not fit in a table",
                           writer->path, key_length, value_length);
    return table_sorter_add(writer->sorter, &item, error);
}

gboolean table_writer_hide(struct table_writer *writer, guint64 hash, gconstpointer key,
                           gsize key_length, GError **error)
{
    const struct table_item item = {
        .hash = hash, .key = key, .key_length = (guint32)key_length, .hides = TRUE
    };

    if (key_length > TABLE_KEY_MAX)
        return input_error(error, "%s: a key of %" G_GSIZE_FORMAT " bytes does not fit in a table",
                           writer->path, key_length);
    return table_sorter_add(writer->sorter, &item, error);
}

/* Begins a section at the next aligned place; its length is set by end_section(). */
static gboolean begin_section(struct table_writer *writer, guint32 id, guint32 item_size,
                              GError **error)
{
    static const guint8 zeros[TABLE_ALIGNMENT];
    guint64 past = writer->output.written % TABLE_ALIGNMENT;

    if (writer->header.sections == TABLE_SECTIONS_MAX)
        return input_error(error, "%s: a table has at most %d sections", writer->path,
                           TABLE_SECTIONS_MAX);
    if (past && !table_output_put(&writer->output, zeros, TABLE_ALIGNMENT - past, error))
        return FALSE;
    writer->header.directory[writer->header.sections++] =
        (struct table_entry){ .id = id, .item_size = item_size, .offset = writer->output.written };
    return TRUE;
}

static void end_section(struct table_writer *writer)
{
    struct table_entry *entry = &writer->header.directory[writer->header.sections - 1];

    entry->length = writer->output.written - entry->offset;
}

gboolean table_writer_section(struct table_writer *writer, guint32 id, guint32 item_size,
                              gconstpointer data, gsize length, GError **error)
{
    g_return_val_if_fail(id >= TABLE_FIRST_OWN_SECTION && item_size && length % item_size == 0,
                         FALSE);
    for (guint i = 0; i < writer->header.sections; i++)
        g_return_val_if_fail(writer->header.directory[i].id != id, FALSE);
    if (!begin_section(writer, id, item_size, error) ||
        !table_output_put(&writer->output, data, length, error))
        return FALSE;
    end_section(writer);
    return TRUE;
}

static gboolean put_number(struct table_writer *writer, guint64 number, GError **error)
{
    guint8 varint[VARINT_MAX];

    return table_output_put(&writer->output, varint, varint_write(varint, number), error);
}

/* The head and the key of a record, and where it is. */
static gboolean begin_record(struct table_writer *writer, const struct table_item *item,
                             guint64 records_start, GError **error)
{
    const struct table_slot place = { .hash = item->hash,
                                      .offset = writer->output.written - records_start };

    writer->header.keys++;
    return put_number(writer, (guint64)item->key_length << 1 | (item->hides ? 1 : 0), error) &&
           table_output_put(&writer->output, item->key, item->key_length, error) &&
           table_output_put(&writer->places, &place, sizeof place, error);
}

static gboolean put_value(struct table_writer *writer, const struct table_item *item,
                          GError **error)
{
    writer->header.values++;
    return put_number(writer, (guint64)item->value_length + 1, error) &&
           table_output_put(&writer->output, item->value, item->value_length, error);
}

/* The sorted items; those of one key become one record. */
static gboolean write_records(struct table_writer *writer, GError **error)
{
    static const guint8 start[TABLE_RECORDS_START];
    g_autofree guint8 *key = g_malloc(TABLE_KEY_MAX);
    struct table_item item, record = { .key = NULL };
    guint64 records_start;

    if (!begin_section(writer, TABLE_RECORDS, 1, error))
        return FALSE;
    records_start = writer->output.written;
    if (!table_output_put(&writer->output, start, sizeof start, error))
        return FALSE;
    for (;;) {
        if (!table_sorter_next(writer->sorter, &item, error))
            return FALSE;
        if (record.key && item.key && table_item_same_key(&item, &record)) {
            if (!item.hides && !put_value(writer, &item, error))
                return FALSE;
            continue;
        }
        if (record.key && !put_number(writer, 0, error))
            return FALSE;
        if (!item.key)
            break;
        if (!begin_record(writer, &item, records_start, error) ||
            (!item.hides && !put_value(writer, &item, error)))
            return FALSE;
        /* The item is gone when the next one is read. */
        memcpy(key, item.key, item.key_length);
        record = item;
        record.key = key;
    }
    end_section(writer);
    return TRUE;
}

/* Reads the places again from the first, a buffer at a time. */
struct place_reader {
    int fd;
    struct table_slot buffer[4096];
    gsize at, count;
};

static gboolean next_place(struct place_reader *reader, struct table_slot *place, GError **error)
{
    if (reader->at == reader->count) {
        gsize length = 0;

        while (length < sizeof reader->buffer) {
            ssize_t got =
                read(reader->fd, (guint8 *)reader->buffer + length, sizeof reader->buffer - length);

            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return errno_error(error, errno, "the places of the table cannot be read again");
            if (got == 0)
                break;
            length += got;
        }
        reader->at = 0;
        reader->count = length / sizeof *place;
        if (!reader->count)
            return system_error(error, "the places of the table were cut");
    }
    *place = reader->buffer[reader->at++];
    return TRUE;
}

static gboolean rewind_places(struct table_writer *writer, struct place_reader *reader,
                              GError **error)
{
    reader->fd = writer->places.fd;
    reader->at = reader->count = 0;
    return lseek(reader->fd, 0, SEEK_SET) == 0 ||
           errno_error(error, errno, "the places of the table cannot be read again");
}

static gboolean write_slots(struct table_writer *writer, struct place_reader *reader,
                            GError **error)
{
    const struct table_slot empty = { 0, 0 };
    const guint64 keys = writer->header.keys, homes = table_homes(keys);
    guint64 slot = 0;

    if (!begin_section(writer, TABLE_SLOTS, sizeof empty, error) ||
        !rewind_places(writer, reader, error))
        return FALSE;
    for (guint64 i = 0; i < keys; i++) {
        struct table_slot place;

        if (!next_place(reader, &place, error))
            return FALSE;
        for (guint64 home = table_place(place.hash, homes); slot < home; slot++) {
            if (!table_output_put(&writer->output, &empty, sizeof empty, error))
                return FALSE;
        }
        if (!table_output_put(&writer->output, &place, sizeof place, error))
            return FALSE;
        slot++;
    }
    for (; slot < homes; slot++) {
        if (!table_output_put(&writer->output, &empty, sizeof empty, error))
            return FALSE;
    }
    end_section(writer);
    return TRUE;
}

static gboolean write_filter(struct table_writer *writer, struct place_reader *reader,
                             GError **error)
{
    const guint64 keys = writer->header.keys, words = table_filter_words(keys);
    guint64 word = 0, bits = 0;

    if (!begin_section(writer, TABLE_FILTER, sizeof bits, error) ||
        !rewind_places(writer, reader, error))
        return FALSE;
    for (guint64 i = 0; i < keys; i++) {
        struct table_slot place;

        if (!next_place(reader, &place, error))
            return FALSE;
        for (guint64 to = table_place(place.hash, words); word < to; word++, bits = 0) {
            if (!table_output_put(&writer->output, &bits, sizeof bits, error))
                return FALSE;
        }
        bits |= table_filter_bits(place.hash);
    }
    for (; word < words; word++, bits = 0) {
        if (!table_output_put(&writer->output, &bits, sizeof bits, error))
            return FALSE;
    }
    end_section(writer);
    return TRUE;
}

static gboolean write_header(struct table_writer *writer, GError **error)
{
    ssize_t put = pwrite(writer->draft.fd, &writer->header, sizeof writer->header, 0);

    return put == sizeof writer->header ||
           errno_error(error, put < 0 ? errno : EIO, "%s: cannot be written", writer->path);
}

/* The header with the digest of the file; the file is read again for it. */
static gboolean write_digest(struct table_writer *writer, GError **error)
{
    g_autoptr(GMappedFile) file = NULL;

    writer->header.size = writer->output.written;
    if (!write_header(writer, error))
        return FALSE;
    file = g_mapped_file_new(writer->draft.temporary, FALSE, NULL);
    if (!file || g_mapped_file_get_length(file) != writer->header.size)
        return system_error(error, "%s: cannot be read again", writer->path);
    table_digest(g_mapped_file_get_contents(file), writer->header.size, writer->header.digest);
    return write_header(writer, error);
}

gboolean table_writer_finish(struct table_writer *writer, guint mode, GError **error)
{
    g_autofree struct place_reader *reader = g_new(struct place_reader, 1);

    return table_sorter_sort(writer->sorter, error) && write_records(writer, error) &&
           table_output_flush(&writer->places, error) && write_slots(writer, reader, error) &&
           write_filter(writer, reader, error) && table_output_flush(&writer->output, error) &&
           write_digest(writer, error) && file_draft_finish(&writer->draft, mode, error);
}
