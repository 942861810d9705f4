/* Bundles of evidence: nothing that nobody signed accuses a log. */
#include "base/error.h"
#include "log/evidence.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const guint8 bytes[KEY_PUBLIC_SIZE] = { 1, 2, 3 };
    g_autoptr(json_t) bundle = json_parse(data, size, EVIDENCE_LIMIT, "fuzz", NULL);
    g_autoptr(public_key_t) stranger = public_key_new("call.example/2026", bytes, NULL);
    g_autoptr(note_key_t) key = note_key_new(NOTE_KEY_ED25519, stranger);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    struct evidence_verdict verdict = { 0 };
    g_autoptr(GError) error = NULL;

    if (!bundle)
        return 0;
    g_ptr_array_add(keys, key);
    g_assert_false(evidence_judge(bundle, keys, NULL, &verdict, &error));
    g_assert_nonnull(error);
    evidence_verdict_clear(&verdict);
    g_clear_error(&error);
    /* By its own keys a genuine bundle may be good, and says that the key is not known. */
    if (evidence_judge(bundle, NULL, NULL, &verdict, &error)) {
        g_assert_false(verdict.key_known);
        g_assert_nonnull(verdict.explanation);
    } else {
        g_assert_nonnull(error);
    }
    evidence_verdict_clear(&verdict);
    return 0;
}
