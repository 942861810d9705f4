/* Files of relations between ASes: whatever the bytes, each pair is the same from both ends. */
#include "p2_internet/routes/relations.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(relations_t) relations = relations_new();
    g_autoptr(GError) error = NULL;
    const gboolean taken = relations_take(relations, data, size, "fuzz", &error);
    struct relations_leak leak;
    guint32 hops[16];

    g_assert_true(taken == !error);
    relations_seal(relations);
    for (guint i = 0; i < G_N_ELEMENTS(hops); i++)
        hops[i] = size ? data[i % size] % 8 : i;
    for (guint i = 0; i + 1 < G_N_ELEMENTS(hops); i++) {
        const enum relation is = relations_of(relations, hops[i], hops[i + 1]);
        const enum relation back = relations_of(relations, hops[i + 1], hops[i]);

        g_assert_true((is == RELATION_PROVIDER) == (back == RELATION_CUSTOMER));
        g_assert_true((is == RELATION_PEER) == (back == RELATION_PEER));
    }
    if (relations_leak(relations, hops, G_N_ELEMENTS(hops), &leak)) {
        g_assert_cmpint(relations_of(relations, leak.as, leak.from), ==, leak.from_is);
        g_assert_cmpint(relations_of(relations, leak.to, leak.as), !=, RELATION_PROVIDER);
    }
    return 0;
}
