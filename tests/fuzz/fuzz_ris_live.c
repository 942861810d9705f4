/* Lines of RIS Live: what comes in two pieces says what it says in one, and elements are sound. */
#include "p2_internet/routes/ris_live.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *host, const struct route_element *element, gpointer data)
{
    guint64 *hash = data;

    g_assert_true(*host);
    g_assert_true(element->peer->family == 4 || element->peer->family == 6);
    g_assert_cmpint(element->time_us, >=, 0);
    if (element->kind != ROUTE_STATE) {
        g_assert_cmpuint(element->prefix.length, <=, ip_family_bits(element->prefix.family));
        *hash = *hash * 33 + ip_prefix_hash(&element->prefix);
    }
    *hash = *hash * 33 + element->kind + element->flags;
}

static guint64 read_in_pieces(const uint8_t *data, size_t size, size_t first)
{
    guint64 hash = 5381;
    g_autoptr(ris_live_t) live = ris_live_new(check, &hash);

    ris_live_feed(live, data, first);
    ris_live_feed(live, data + first, size - first);
    ris_live_end(live);
    return hash + ris_live_counts(live)->broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const guint64 whole = read_in_pieces(data, size, 0);
    const guint64 pieces = read_in_pieces(data, size, size / 3);

    g_assert_true(whole == pieces);
    return 0;
}
