/* Feeds of indicators, recognised: lists, hosts files, CSV, Zeek, Suricata, running text, gzip. */
#include "feed.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gboolean parse(struct feed_parser *parser, const void *data, gsize size, GError **error)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);

    return feed_parse(parser, bytes, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed_any(parse, data, size);
    return 0;
}
