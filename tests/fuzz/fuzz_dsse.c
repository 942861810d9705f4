/* Envelopes: whatever is read is written and read again the same; nothing unsigned is good. */
#include "statement/verifier.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const guint8 bytes[KEY_PUBLIC_SIZE] = { 1, 2, 3 };
    g_autoptr(public_key_t) key = public_key_new("fuzz", bytes, NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autoptr(verification_t) verdict = NULL;

    g_ptr_array_add(keys, key);
    verdict = verify_envelope(data, size, "fuzz", keys, 1, TRUE);
    g_assert_cmpint(verdict->reason, !=, VERIFY_GOOD);
    if (verdict->envelope) {
        g_autoptr(json_t) value = dsse_to_json(verdict->envelope);
        g_autoptr(dsse_t) again = dsse_from_json(value, "again", NULL);

        g_assert_nonnull(again);
        g_assert_true(g_bytes_equal(again->payload, verdict->envelope->payload));
        g_assert_cmpuint(again->signatures->len, ==, verdict->envelope->signatures->len);
    }
    return 0;
}
