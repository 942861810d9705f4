/* Receipts: nothing that a stranger's key would have to have signed is believed. */
#include "base/error.h"
#include "log/receipt.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const guint8 bytes[KEY_PUBLIC_SIZE] = { 1, 2, 3 };
    g_autoptr(public_key_t) stranger = public_key_new("call.example/2026", bytes, NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(keys, stranger);
    g_assert_null(receipt_read(data, size, "fuzz", keys, &error));
    g_assert_nonnull(error);
    return 0;
}
