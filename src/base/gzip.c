#include "base/gzip.h"

#include <zlib.h>

#define STEP (256u << 10)
#define GZIP_WINDOW (MAX_WBITS + 16) /* with gzip's header and trailer, not zlib's */
#define MEMORY_LEVEL 8               /* zlib's default */

GByteArray *gzip_unpack(gconstpointer data, gsize length, gsize most)
{
    z_stream stream = { .next_in = (Bytef *)data, .avail_in = (uInt)length };
    g_autoptr(GByteArray) out = g_byte_array_new();
    int result;

    if (length > G_MAXUINT || inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return NULL;
    do {
        gsize have = out->len;

        g_byte_array_set_size(out, have + STEP);
        stream.next_out = out->data + have;
        stream.avail_out = STEP;
        result = inflate(&stream, Z_NO_FLUSH);
        g_byte_array_set_size(out, have + STEP - stream.avail_out);
    } while (result == Z_OK && out->len <= most);
    inflateEnd(&stream);
    return result == Z_STREAM_END && out->len <= most ? g_steal_pointer(&out) : NULL;
}

GByteArray *gzip_pack(gconstpointer data, guint length)
{
    z_stream stream = { .next_in = (Bytef *)data, .avail_in = length };
    GByteArray *out = g_byte_array_new();

    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        g_error("no memory to compress");
    g_byte_array_set_size(out, deflateBound(&stream, length));
    stream.next_out = out->data;
    stream.avail_out = out->len;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        g_error("zlib exceeded its bound");
    g_byte_array_set_size(out, stream.total_out);
    deflateEnd(&stream);
    return out;
}
