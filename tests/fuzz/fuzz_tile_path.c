/* Paths of tiles: whatever is read is written again the same. */
#include "log/tile.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GString) text = g_string_new_len((const char *)data, (gssize)size);
    struct tile tile;

    if (tile_parse(text->str, &tile, NULL)) {
        g_autofree char *path = tile_path(&tile);

        g_assert_cmpstr(path, ==, text->str);
        g_assert_cmpuint(tile.width, >=, 1);
        g_assert_cmpuint(tile.width, <=, TILE_WIDTH);
        g_assert_cmpuint(tile_width(tile.level, tile.index, G_MAXINT64), <=, TILE_WIDTH);
    }
    return 0;
}
