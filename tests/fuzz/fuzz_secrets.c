#include "p7_hygiene/host/secrets.h"

#include <stdint.h>

static gboolean note(const char *rule, guint line, const char *secret, gsize length, gpointer data)
{
    *(gsize *)data += length;
    return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gsize found = 0;

    secrets_scan((const char *)data, size, TRUE, note, &found);
    secrets_scan((const char *)data, size, FALSE, note, &found);
    return 0;
}
