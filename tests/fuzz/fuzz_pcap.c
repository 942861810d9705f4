/* Captures: any file is read to an end, its values are bounded and each is given once. */
#include "p1_resilience/hunt/capture_values.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

static gsize fill(guint8 *to, gsize size, gpointer data)
{
    struct input *input = data;
    gsize step = MIN(size, input->left);

    memcpy(to, input->at, step);
    input->at += step;
    input->left -= step;
    return step;
}

static void take(const struct capture_value *value, gpointer data)
{
    char *key = g_strdup_printf("%d %.*s", value->kind, (int)value->length, value->text);

    g_assert_cmpuint(value->length, <=, CAPTURE_VALUE_MAX);
    g_assert_nonnull(capture_kind_name(value->kind));
    if (!memchr(value->text, 0, value->length))
        g_assert_false(g_hash_table_contains(data, key));
    g_hash_table_add(data, key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { data, size };
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(quic_library_t) quic = quic_library_new(NULL);
    g_autoptr(capture_values_t) values = capture_values_new(quic, take, seen);
    g_autoptr(capture_t) capture = capture_new(fill, &input);
    struct capture_packet packet;
    guint64 last = 0;

    while (capture_next(capture, &packet)) {
        g_assert_cmpuint(packet.number, >, last);
        g_assert_cmpuint(packet.length, <=, packet.wire_length);
        last = packet.number;
        capture_values_add(values, &packet);
    }
    capture_values_finish(values);
    if (!capture_problem(capture))
        g_assert_cmpuint(input.left, ==, 0);
    return 0;
}
