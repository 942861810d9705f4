/* Files of routes in any form, MRT above all: pieces say what the whole says, elements are sound.
 */
#include "p2_internet/routes/routes_feed.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *feed, const struct route_element *element, gpointer data)
{
    guint64 *hash = data;

    g_assert_nonnull(feed);
    g_assert_true((element->kind == ROUTE_HEARD) == !element->peer);
    g_assert_true(!element->peer || element->peer->family == 4 || element->peer->family == 6);
    if (element->kind != ROUTE_STATE && element->kind != ROUTE_HEARD) {
        g_assert_cmpuint(element->prefix.length, <=, ip_family_bits(element->prefix.family));
        *hash = *hash * 33 + ip_prefix_hash(&element->prefix);
    }
    *hash = *hash * 33 + element->kind + element->flags;
}

static guint64 read_in_pieces(const uint8_t *data, size_t size, size_t first)
{
    guint64 hash = 5381;
    g_autoptr(routes_feed_t) feed = routes_feed_new("input", BMP_VIEW_ALL, check, &hash);
    gboolean fine = routes_feed_take(feed, data, first, 1, NULL) &&
                    routes_feed_take(feed, data + first, size - first, 1, NULL);

    return hash * 4 + (fine ? 2 : 0) + (routes_feed_end(feed, 1, NULL) ? 1 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const guint64 whole = read_in_pieces(data, size, 0);
    const guint64 pieces = read_in_pieces(data, size, size / 3);

    g_assert_true(whole == pieces);
    return 0;
}
