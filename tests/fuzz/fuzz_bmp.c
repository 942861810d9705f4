/* Streams of routers: what comes in two pieces says what it says in one, and elements are sound. */
#include "p2_internet/routes/bmp.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct route_element *element, gpointer data)
{
    guint64 *hash = data;

    g_assert_true(element->peer->family == 4 || element->peer->family == 6);
    if (element->kind != ROUTE_STATE) {
        g_assert_cmpuint(element->prefix.length, <=, ip_family_bits(element->prefix.family));
        *hash = *hash * 33 + ip_prefix_hash(&element->prefix);
    }
    *hash = *hash * 33 + element->kind + element->flags;
}

static guint64 read_in_pieces(const uint8_t *data, size_t size, size_t first, gboolean *fine)
{
    guint64 hash = 5381;
    g_autoptr(bmp_reader_t) reader = bmp_reader_new("input", BMP_VIEW_ALL, check, &hash);

    *fine = bmp_reader_feed(reader, data, first, 1, NULL) &&
            bmp_reader_feed(reader, data + first, size - first, 1, NULL);
    bmp_reader_end(reader, 1, NULL);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gboolean fine, as_well;
    const guint64 whole = read_in_pieces(data, size, 0, &fine);
    const guint64 pieces = read_in_pieces(data, size, size / 3, &as_well);

    g_assert_true(whole == pieces);
    g_assert_cmpint(fine, ==, as_well);
    return 0;
}
