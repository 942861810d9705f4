/* Openings: of a disclosure against a fixed root, and of a private openings file. */
#include "statement/commitment.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct commitment_root root = { .hash = { { 1 } }, .count = 11 };
    g_autoptr(json_t) value = json_parse(data, size, 1 << 20, "fuzz", NULL);
    const json_t *entries = json_object_get(value, "entries"), *entry;
    g_autoptr(commitment_t) commitment = value ? commitment_from_openings(value, NULL) : NULL;
    size_t index;

    json_array_foreach(entries, index, entry) g_assert_false(commitment_verify(entry, &root, NULL));
    if (commitment && commitment_count(commitment)) {
        g_autoptr(json_t) opening = commitment_open(commitment, 0);

        root = commitment_root(commitment);
        g_assert_true(commitment_verify(opening, &root, NULL));
    }
    return 0;
}
