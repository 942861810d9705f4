#include "p7_hygiene/host/rsyslog.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rsyslog *rsyslog = rsyslog_new();

    rsyslog_add(rsyslog, "/r", (const char *)data, size);
    rsyslog_directive(rsyslog, "FileCreateMode");
    rsyslog_free(rsyslog);
    return 0;
}
