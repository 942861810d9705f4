#include "p7_hygiene/host/apt_conf.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct apt_conf *conf = apt_conf_new();

    apt_conf_add(conf, "/c", (const char *)data, size);
    apt_conf_find(conf, "APT::Periodic::Enable");
    apt_conf_free(conf);
    return 0;
}
