/* The JSON stream: no input crashes it, and the size of the pieces changes nothing. */
#include "base/json_stream.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gboolean take(const char *const *path, const json_t *value, gpointer data, GError **error)
{
    guint *count = data;

    (*count)++;
    return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct json_want wants[] = { { "a/*", take }, { "b", take }, { NULL, NULL } };
    guint whole = 0, pieces = 0;
    g_autoptr(json_stream_t) one = json_stream_new("whole", wants, 1 << 16, &whole);
    g_autoptr(json_stream_t) two = json_stream_new("pieces", wants, 1 << 16, &pieces);
    gboolean good = json_stream_feed(one, data, size, NULL) && json_stream_end(one, NULL);
    gboolean same = TRUE;

    for (size_t i = 0; i < size && same; i++)
        same = json_stream_feed(two, data + i, 1, NULL);
    same = same && json_stream_end(two, NULL);
    if (good != same || (good && whole != pieces))
        abort();
    return 0;
}
