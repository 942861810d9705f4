#include "p7_hygiene/host/deb_version.h"
#include "p7_hygiene/host/dpkg.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dpkg *dpkg = dpkg_parse((const char *)data, size);

    for (guint i = 1; i < dpkg->packages->len; i++)
        deb_version_compare(g_array_index(dpkg->packages, struct dpkg_package, i - 1).version,
                            g_array_index(dpkg->packages, struct dpkg_package, i).version);
    dpkg_free(dpkg);
    return 0;
}
