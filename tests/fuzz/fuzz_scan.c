/* The engine against the oracle: any bytes, every back end. */
#include "p1_resilience/hunt/scan_engine.h"

#include "../unit/hunt_oracle.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_SCANNED 65536u

static void note(const struct hunt_match *match, gpointer data)
{
    GHashTable **lines = data;
    GBytes *key = g_bytes_new(match->key, match->key_length);

    if (!lines[match->line])
        lines[match->line] =
            g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    g_hash_table_replace(lines[match->line], key, GINT_TO_POINTER(match->whole));
}

static void same(GHashTable *wanted, GHashTable *got)
{
    GHashTableIter keys;
    gpointer key, whole;

    g_assert_cmpuint(g_hash_table_size(wanted), ==, got ? g_hash_table_size(got) : 0);
    g_hash_table_iter_init(&keys, wanted);
    while (g_hash_table_iter_next(&keys, &key, &whole)) {
        g_assert_true(g_hash_table_contains(got, key));
        g_assert_true(g_hash_table_lookup(got, key) == whole);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "evil.example", "a.b", "x-y.co", "longer-than-eight.b" };
    guint count;
    const struct hunt_classifier *classifiers = hunt_classifiers(&count);
    g_autofree guint8 *buffer = NULL;
    struct hunt_needles sieved;
    struct oracle_keys set;
    gsize lines = 1;

    if (size > SIZE_MAX_SCANNED)
        return 0;
    oracle_keys_init(&set);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        oracle_add_name(&set, names[i]);
    oracle_add_network(&set, "1.2.3.4", 32);
    oracle_add_network(&set, "10.16.0.0", 13);
    oracle_add_network(&set, "2001:db8::", 32);
    oracle_add_network(&set, "::1", 128);
    oracle_add_digest(&set, "d41d8cd98f00b204e9800998ecf8427e");
    oracle_add_email(&set, "a@a.b");
    oracle_add_url(&set, "http://a.b/");
    oracle_add_url(&set, "evil.example/x");
    buffer = g_malloc(size + HUNT_SCAN_PADDING);
    if (size)
        memcpy(buffer, data, size);
    memset(buffer + size, 'a', HUNT_SCAN_PADDING);
    for (gsize i = 0; i < size; i++)
        lines += data[i] == '\n';
    sieved = oracle_sieved(&set);
    for (guint i = 0; i < 2 * count; i++) { /* without a sieve and with one */
        g_autoptr(hunt_scanner_t) scanner = hunt_scanner_new(i < count ? &set.needles : &sieved);
        g_autofree GHashTable **got = g_new0(GHashTable *, lines + 1);
        gsize line = 1;

        hunt_scanner_classify_with(scanner, &classifiers[i % count]);
        hunt_scan_lines(scanner, buffer, size, 0, 1, note, got);
        for (gsize at = 0; at <= size; line++) {
            const guint8 *end = size > at ? memchr(buffer + at, '\n', size - at) : NULL;
            gsize length = (end ? end : buffer + size) - (buffer + at);
            g_autoptr(GHashTable) wanted = oracle_line(&set, buffer + at, length);

            same(wanted, got[line]);
            g_clear_pointer(&got[line], g_hash_table_unref);
            at += length + 1;
        }
    }
    oracle_keys_clear(&set);
    return 0;
}
