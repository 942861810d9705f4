/* Client hellos: bytes that come one by one say the same as those that come at once. */
#include "p1_resilience/hunt/tls_hello.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(enum tls_item item, const guint8 *bytes, gsize length, gpointer data)
{
    g_string_append_printf(data, "%d:", item);
    if (length)
        g_string_append_len(data, (const char *)bytes, (gssize)length);
}

static enum tls_progress collect(const uint8_t *data, size_t size, size_t step, GString *names)
{
    g_autoptr(tls_collector_t) collector = tls_collector_new();
    enum tls_progress progress = TLS_MORE;
    const guint8 *message;
    gsize length;

    for (size_t at = 0; at < size && progress == TLS_MORE; at += step)
        progress = tls_collector_add(collector, data + at, MIN(step, size - at));
    if (progress == TLS_WHOLE) {
        message = tls_collector_message(collector, &length);
        tls_hello_read(message, length, take, names);
    }
    return progress;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GString) whole = g_string_new(NULL), pieces = g_string_new(NULL);

    g_assert_cmpint(collect(data, size, MAX(size, 1), whole), ==, collect(data, size, 1, pieces));
    g_assert_true(g_string_equal(whole, pieces));
    g_string_truncate(whole, 0);
    tls_hello_read(data, size, take, whole);
    return 0;
}
