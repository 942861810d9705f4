/* The bus's answer: any bytes are a list of units or refused. */
#include "p7_hygiene/host/bus.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GPtrArray) units = bus_read_units(data, size);

    return 0;
}
