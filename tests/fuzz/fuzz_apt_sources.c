#include "p7_hygiene/host/apt_sources.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct apt_sources *sources = apt_sources_new();

    apt_sources_add_list(sources, "/l", (const char *)data, size);
    apt_sources_add_deb822(sources, "/s", (const char *)data, size);
    apt_sources_free(sources);
    return 0;
}
