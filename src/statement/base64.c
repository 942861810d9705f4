#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

static GBytes *decode(const char *text, gsize length, int variant)
{
    gsize room = length / 4 * 3 + 3, written = 0;
    g_autofree guint8 *bytes = g_malloc(room);

    if (sodium_base642bin(bytes, room, text, length, NULL, &written, NULL, variant) != 0)
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&bytes), written);
}

GBytes *base64_decode(const char *text, gssize length)
{
    return decode(text, length < 0 ? strlen(text) : (gsize)length, sodium_base64_VARIANT_ORIGINAL);
}

GBytes *base64_decode_any(const char *text, gssize length)
{
    static const int variants[] = { sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_URLSAFE,
                                    sodium_base64_VARIANT_URLSAFE_NO_PADDING };
    GBytes *bytes = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(variants) && !bytes; i++)
        bytes = decode(text, length < 0 ? strlen(text) : (gsize)length, variants[i]);
    return bytes;
}

gboolean base64_decode_into(const char *text, gssize length, guint8 *out, gsize size)
{
    gsize written = 0;

    return sodium_base642bin(out, size, text, length < 0 ? strlen(text) : (gsize)length, NULL,
                             &written, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           written == size;
}

char *hex_encode(const guint8 *bytes, gsize length)
{
    char *text = g_malloc(2 * length + 1);

    return sodium_bin2hex(text, 2 * length + 1, bytes, length);
}

gboolean hex_decode_into(const char *text, guint8 *out, gsize size)
{
    gsize written = 0;

    return text && strlen(text) == 2 * size && strspn(text, "0123456789abcdef") == 2 * size &&
           sodium_hex2bin(out, size, text, 2 * size, NULL, &written, NULL) == 0 && written == size;
}
