/* Checkpoints: what is read is written again the same, but for extension lines. */
#include "log/checkpoint.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(checkpoint_t) checkpoint = checkpoint_parse(data, size, NULL);

    if (checkpoint) {
        g_autofree char *text =
            checkpoint_text(checkpoint->origin, checkpoint->size, &checkpoint->root);

        g_assert_cmpuint(strlen(text), <=, size);
        g_assert_cmpint(memcmp(text, data, strlen(text)), ==, 0);
        g_assert_cmpuint(checkpoint->size, <=, CHECKPOINT_SIZE_LIMIT);
    }
    return 0;
}
