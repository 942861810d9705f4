/* seal.c: sealing and opening in memory. */
#include "seal/seal.h"

#include "base/error.h"
#include "seal/padme.h"
#include "seal/seal_private.h"
#include "seal/seal_stream.h"

#include <string.h>

#define TAG_SIZE 16
#define MEMORY_MAX G_MAXINT /* bytes; what is larger goes by files */

guint64 seal_size(guint64 content, guint recipients)
{
    guint64 text = padme(SEAL_LENGTH_SIZE + content);
    guint64 chunks = (text + SEAL_CHUNK_SIZE - 1) / SEAL_CHUNK_SIZE;

    return SEAL_HEAD_SIZE + (guint64)recipients * SEAL_RECIPIENT_SIZE + text + chunks * TAG_SIZE;
}

struct memory {
    const guint8 *bytes;
    gsize left;
};

static gssize read_memory(void *from, guint8 *buffer, gsize length, GError **error)
{
    struct memory *memory = from;
    gsize part = MIN(length, memory->left);

    if (part) { /* no bytes may be no pointer */
        memcpy(buffer, memory->bytes, part);
        memory->bytes += part;
        memory->left -= part;
    }
    return (gssize)part;
}

static gboolean write_memory(void *to, const guint8 *bytes, gsize length, GError **error)
{
    g_byte_array_append(to, bytes, (guint)length);
    return TRUE;
}

static gboolean fits(guint64 size, GError **error)
{
    return size <= MEMORY_MAX || input_error(error, "message: larger than fits in memory");
}

GBytes *seal_bytes(GBytes *content, const GPtrArray *recipients, GError **error)
{
    struct memory memory = { 0 };
    g_autoptr(GByteArray) sealed = NULL;
    struct seal_stream stream = { read_memory, write_memory, &memory, NULL, "message" };
    guint64 size;

    memory.bytes = g_bytes_get_data(content, &memory.left);
    size = seal_size(memory.left, recipients->len);
    if (!fits(size, error))
        return NULL;
    sealed = g_byte_array_sized_new((guint)size);
    stream.to = sealed;
    if (!seal_stream_seal(&stream, memory.left, recipients, error))
        return NULL;
    return g_byte_array_free_to_bytes(g_steal_pointer(&sealed));
}

GBytes *seal_open(GBytes *sealed, const GPtrArray *secrets, GError **error)
{
    struct memory memory = { 0 };
    g_autoptr(GByteArray) content = NULL;
    struct seal_stream stream = { read_memory, write_memory, &memory, NULL, "message" };

    memory.bytes = g_bytes_get_data(sealed, &memory.left);
    if (!fits(memory.left, error))
        return NULL;
    content = g_byte_array_sized_new((guint)memory.left); /* never moved: no copy stays behind */
    stream.to = content;
    if (!seal_stream_open(&stream, secrets, error)) {
        secret_wipe_bytes(g_byte_array_free_to_bytes(g_steal_pointer(&content)));
        return NULL;
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&content));
}

gboolean seal_is_for(GBytes *sealed, const struct seal_public *key)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(sealed, &length);
    guint8 id[SEAL_KEY_ID_SIZE];

    if (!seal_head_is_ours(bytes, length))
        return FALSE;
    seal_public_id(key, id);
    for (guint i = 0; i < bytes[SEAL_HEAD_SIZE - 1]; i++) {
        gsize at = SEAL_HEAD_SIZE + (gsize)i * SEAL_RECIPIENT_SIZE;

        if (at + SEAL_RECIPIENT_SIZE > length)
            return FALSE;
        if (memcmp(bytes + at, id, sizeof id) == 0)
            return TRUE;
    }
    return FALSE;
}
