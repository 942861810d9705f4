/* The profile: any bytes are a profile or an error with a place, never both and never neither. */
#include "profile/profile.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(profile_t) profile = profile_parse((const char *)data, size, "p", &error);

    if (!profile == !error)
        abort();
    if (profile && profile_self(profile)->kind != ASSET_SIGNATORY)
        abort();
    return 0;
}
