#include "seal/content.h"

#include "base/error.h"

#include <string.h>

#define LENGTH_SIZE 4

GBytes *seal_content_pack(const json_t *json, GBytes *data, GError **error)
{
    g_autoptr(GBytes) text = json_canonical(json, error);
    gsize length = text ? g_bytes_get_size(text) : 0, more = data ? g_bytes_get_size(data) : 0;
    GByteArray *content;
    guint32 field;

    if (!text)
        return NULL;
    if (!json_is_object(json) || length > SEAL_CONTENT_JSON_MAX ||
        more > G_MAXUINT - LENGTH_SIZE - length) {
        input_error(error, "a message is a JSON object of at most %u bytes, and data",
                    SEAL_CONTENT_JSON_MAX);
        return NULL;
    }
    content = g_byte_array_sized_new(LENGTH_SIZE + length + more);
    field = GUINT32_TO_BE((guint32)length);
    g_byte_array_append(content, (const guint8 *)&field, LENGTH_SIZE);
    g_byte_array_append(content, g_bytes_get_data(text, NULL), length);
    if (more)
        g_byte_array_append(content, g_bytes_get_data(data, NULL), more);
    return g_byte_array_free_to_bytes(content);
}

gboolean seal_content_unpack(GBytes *content, json_t **json, GBytes **data, GError **error)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(content, &size);
    guint32 length;

    if (size < LENGTH_SIZE)
        return input_error(error, "message: cut short");
    memcpy(&length, bytes, LENGTH_SIZE);
    length = GUINT32_FROM_BE(length);
    if (length > size - LENGTH_SIZE)
        return input_error(error, "message: cut short");
    *json = json_parse(bytes + LENGTH_SIZE, length, SEAL_CONTENT_JSON_MAX, "message", error);
    if (!*json)
        return FALSE;
    if (!json_is_object(*json)) {
        g_clear_pointer(json, json_decref);
        return input_error(error, "message: not a JSON object");
    }
    if (data)
        *data = g_bytes_new_from_bytes(content, LENGTH_SIZE + length, size - LENGTH_SIZE - length);
    return TRUE;
}
