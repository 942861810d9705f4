#include "p7_hygiene/host/journald_file.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journald_file file;

    if (journald_file_parse(data, size, &file)) {
        g_assert_cmpuint(strlen(file.machine), ==, JOURNALD_ID_LENGTH);
        g_assert_cmpuint(strlen(file.boot), ==, JOURNALD_ID_LENGTH);
        g_assert_cmpint(file.last_us, >=, 0);
    }
    return 0;
}
