/* Entries of the log, as anyone may submit them: judged and folded alike, and never twice. */
#include "../unit/community.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct community *community = community_new();
    GBytes *entry = g_bytes_new(data, size);
    gboolean counts = fold_now(community, g_bytes_ref(entry)) == REGISTER_COUNTS;
    g_autoptr(GBytes) document = NULL;

    if (counts)
        g_assert_cmpint(fold_now(community, entry), ==, REGISTER_CONFLICT);
    else
        g_bytes_unref(entry);
    document = register_document(community->reg, community->now_us, NULL);
    g_assert_nonnull(document);
    community_free(community);
    return 0;
}
