/* Payloads: in-toto statements and every predicate's own check. */
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) payload = g_bytes_new(data, size);
    g_autoptr(json_t) statement = intoto_read(payload, NULL);

    for (const struct predicate *row = predicates; statement && row->name; row++) {
        g_autoptr(GError) error = NULL;

        g_assert_true(predicate_verify(row, statement, &error) == !error);
    }
    return 0;
}
