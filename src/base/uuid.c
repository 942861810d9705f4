#include "base/uuid.h"

#include <string.h>

#define SHA1_SIZE 20

/* 5b0b2d3e-9d0b-4f5c-8a50-6f5e1d1c7a42, drawn at random once. */
static const guint8 space[UUID_SIZE] = { 0x5b, 0x0b, 0x2d, 0x3e, 0x9d, 0x0b, 0x4f, 0x5c,
                                         0x8a, 0x50, 0x6f, 0x5e, 0x1d, 0x1c, 0x7a, 0x42 };

char *uuid_from_bytes(const guint8 namespace[UUID_SIZE], const void *name, gsize length)
{
    g_autoptr(GChecksum) sha1 = g_checksum_new(G_CHECKSUM_SHA1);
    GString *text = g_string_new(NULL);
    guint8 bytes[SHA1_SIZE];
    gsize size = sizeof bytes;

    g_checksum_update(sha1, namespace, UUID_SIZE);
    g_checksum_update(sha1, name, (gssize)length);
    g_checksum_get_digest(sha1, bytes, &size);
    bytes[6] = (bytes[6] & 0x0f) | 0x50; /* version 5 */
    bytes[8] = (bytes[8] & 0x3f) | 0x80; /* variant */
    for (guint i = 0; i < UUID_SIZE; i++)
        g_string_append_printf(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                               bytes[i]);
    return g_string_free(text, FALSE);
}

char *uuid_from_name(const char *name)
{
    return uuid_from_bytes(space, name, strlen(name));
}
