#include "log/tile.h"

#include "base/decimal.h"
#include "base/error.h"

#include <string.h>

#define ROOT "tile/"
#define ENTRIES "entries"
#define DATA "data"
#define GROUP_DIGITS 3
#define GROUP 1000u
#define LENGTH_SIZE 2 /* be16 before each entry */

char *tile_path(const struct tile *tile)
{
    GString *path = g_string_new(ROOT);
    guint groups[(64 / 9) + 1]; /* three digits hold more than nine bits */
    guint count = 0;
    guint64 rest = tile->index;

    if (tile->level == TILE_ENTRIES)
        g_string_append(path, ENTRIES);
    else if (tile->level == TILE_DATA)
        g_string_append(path, DATA);
    else
        g_string_append_printf(path, "%d", tile->level);
    do {
        groups[count++] = rest % GROUP;
        rest /= GROUP;
    } while (rest);
    while (count--)
        g_string_append_printf(path, count ? "/x%03u" : "/%03u", groups[count]);
    if (tile->width != TILE_WIDTH)
        g_string_append_printf(path, ".p/%u", tile->width);
    return g_string_free(path, FALSE);
}

/* Reads digits up to one of `ends` and gives what follows; NULL when there is no number. */
static const char *read_number(const char *text, const char *ends, guint64 *number)
{
    gsize length = strcspn(text, ends);

    return decimal_parse(text, length, number) ? text + length : NULL;
}

/* "x001/x234/067" */
static const char *read_index(const char *text, guint64 *index)
{
    gboolean more = TRUE;

    *index = 0;
    while (more) {
        guint64 group = 0;

        more = *text == 'x';
        text += more;
        for (guint i = 0; i < GROUP_DIGITS; i++, text++) {
            if (!g_ascii_isdigit(*text))
                return NULL;
            group = group * 10 + (guint)(*text - '0');
        }
        if (*index > (G_MAXINT64 - group) / GROUP || (more && *text++ != '/'))
            return NULL;
        *index = *index * GROUP + group;
    }
    return text;
}

static gboolean read_path(const char *text, struct tile *tile)
{
    guint64 level, width;

    if (!g_str_has_prefix(text, ROOT))
        return FALSE;
    text += strlen(ROOT);
    if (g_str_has_prefix(text, ENTRIES "/")) {
        tile->level = TILE_ENTRIES;
        text += strlen(ENTRIES "/");
    } else {
        text = read_number(text, "/", &level);
        if (!text || *text++ != '/' || level > TILE_LEVEL_LIMIT)
            return FALSE;
        tile->level = (int)level;
    }
    text = read_index(text, &tile->index);
    if (!text)
        return FALSE;
    tile->width = TILE_WIDTH;
    if (!*text)
        return TRUE;
    if (!g_str_has_prefix(text, ".p/"))
        return FALSE;
    text = read_number(text + strlen(".p/"), "", &width);
    if (!text || !width || width >= TILE_WIDTH)
        return FALSE;
    tile->width = (guint)width;
    return TRUE;
}

/* What is read is written again: only the one form that comes out is a path. */
gboolean tile_parse(const char *path, struct tile *tile, GError **error)
{
    if (read_path(path, tile)) {
        g_autofree char *canonical = tile_path(tile);

        if (strcmp(path, canonical) == 0)
            return TRUE;
    }
    return input_error(error, "\"%s\" is not the path of a tile (tile/LEVEL/x001/234[.p/WIDTH])",
                       path);
}

guint tile_width(int level, guint64 index, guint64 size)
{
    const guint shift = level < 0 ? 0 : TILE_HEIGHT * (guint)level;
    const guint64 count = shift < 64 ? size >> shift : 0;

    if (index > count / TILE_WIDTH)
        return 0;
    return (guint)MIN(count - index * TILE_WIDTH, TILE_WIDTH);
}

struct tile tile_of_node(guint level, guint64 index, guint64 size, guint *first, guint *count)
{
    const guint height = level % TILE_HEIGHT;
    const guint64 start = index << height; /* in hashes of the tile's level */
    struct tile tile = { .level = (int)(level / TILE_HEIGHT), .index = start / TILE_WIDTH };

    tile.width = tile_width(tile.level, tile.index, size);
    *first = start % TILE_WIDTH;
    *count = 1u << height;
    return tile;
}

GPtrArray *bundle_split(GBytes *bundle, guint width, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_full(width, (GDestroyNotify)g_bytes_unref);
    gsize size, at = 0;
    const guint8 *data = g_bytes_get_data(bundle, &size);

    for (guint i = 0; i < width; i++) {
        gsize length = 0;

        if (size - at >= LENGTH_SIZE)
            length = (gsize)data[at] << 8 | data[at + 1];
        if (size - at < LENGTH_SIZE + length) {
            input_error(error, "the bundle ends in entry %u of %u", i + 1, width);
            return NULL;
        }
        at += LENGTH_SIZE;
        g_ptr_array_add(entries, g_bytes_new_from_bytes(bundle, at, length));
        at += length;
    }
    if (at != size) {
        input_error(error, "the bundle holds more than its %u entries", width);
        return NULL;
    }
    return g_steal_pointer(&entries);
}

void bundle_append(GByteArray *bundle, const void *entry, gsize length)
{
    const guint8 head[LENGTH_SIZE] = { (guint8)(length >> 8), (guint8)length };

    g_assert(length <= ENTRY_LIMIT);
    g_byte_array_append(bundle, head, sizeof head);
    g_byte_array_append(bundle, entry, length);
}
