/* Columns of logs: whatever the lines, the text to look at is as long, and differs in spaces only.
 */
#include "p1_resilience/hunt/log_columns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *const names[] = { "host", "uri", "id.resp_h", "ip", NULL };
    g_autoptr(log_columns_t) columns = log_columns_new(names);
    g_autoptr(log_look_t) look = log_look_new();
    const guint8 *cut = memrchr(data, '\n', size / 2);
    gsize first = cut ? (gsize)(cut + 1 - data) : 0;

    /* In two pieces, as blocks come. */
    for (guint i = 0; i < 2; i++) {
        const guint8 *bytes = i ? data + first : data;
        gsize length = i ? size - first : first;

        log_columns_take(columns, bytes, length, look);
        if (look->text->len != length)
            abort();
        for (gsize at = 0; at < length; at++)
            if (look->text->data[at] != bytes[at] && look->text->data[at] != ' ')
                abort();
    }
    return 0;
}
