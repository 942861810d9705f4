/* QUIC: the keys of the standards, and hellos in pieces. */
#include "p1_resilience/hunt/quic_private.h"

#include <string.h>

static void check_bytes(const guint8 *bytes, gsize length, const char *hex)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (gsize i = 0; i < length; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    g_assert_cmpstr(text->str, ==, hex);
}

/* RFC 9001 appendix A.1 and RFC 9369 appendix A.1: connection 8394c8f03e515708. */
static void test_the_keys_of_the_standards(void)
{
    static const guint8 id[] = { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 };
    static const struct {
        guint32 version;
        const char *key, *iv, *hp;
    } standards[] = {
        { 1, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
          "9f50449e04a0e810283a1e9933adedd2" },
        { 0x6b3343cf, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
          "45b95e15235d6f45a6b19cbcb0294ba9" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(standards); i++) {
        struct quic_keys keys;

        quic_keys_make(quic_version_of(standards[i].version), id, sizeof id, &keys);
        check_bytes(keys.key, sizeof keys.key, standards[i].key);
        check_bytes(keys.iv, sizeof keys.iv, standards[i].iv);
        check_bytes(keys.hp, sizeof keys.hp, standards[i].hp);
    }
    g_assert_null(quic_version_of(0));
    g_assert_null(quic_version_of(0x0a0a0a0a));
}

/* The second half of the hello comes first; the hello is whole once. */
static void test_a_hello_in_two_packets(void)
{
    g_autoptr(quic_library_t) library = quic_library_new(NULL);
    g_autoptr(quic_reader_t) reader = quic_reader_new(library);
    static const enum quic_progress expected[] = { QUIC_MORE, QUIC_WHOLE, QUIC_MORE };
    g_autofree char *content = NULL;
    const guint8 *at, *message;
    gsize length;

    g_assert_nonnull(library);
    g_assert_true(g_file_get_contents(
        g_test_get_filename(G_TEST_DIST, "fuzz", "seeds", "quic", "two_packets", NULL), &content,
        &length, NULL));
    at = (const guint8 *)content;
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        gsize size = (gsize)at[0] << 8 | at[1];
        gboolean is_unknown;

        g_assert_true(quic_is_initial(at + 2, size, &is_unknown));
        g_assert_cmpint(quic_reader_add(reader, at + 2, size), ==, expected[i]);
        if (i == 0)
            at += 2 + size; /* then the second again */
    }
    message = quic_reader_message(reader, &length);
    g_assert_nonnull(memmem(message, length, "sni.evil.example", 16));
}

/* One flipped bit anywhere that is authenticated. */
static void test_an_altered_packet_stays_closed(void)
{
    g_autoptr(quic_library_t) library = quic_library_new(NULL);
    g_autofree char *content = NULL;
    gsize length;

    g_assert_true(g_file_get_contents(
        g_test_get_filename(G_TEST_DIST, "fuzz", "seeds", "quic", "version_2", NULL), &content,
        &length, NULL));
    for (gsize at = 2 + 6; at < length; at += 97) {
        g_autoptr(quic_reader_t) reader = quic_reader_new(library);

        content[at] ^= 1;
        g_assert_cmpint(quic_reader_add(reader, (const guint8 *)content + 2, length - 2), ==,
                        QUIC_CLOSED);
        content[at] ^= 1;
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quic/the-keys-of-the-standards", test_the_keys_of_the_standards);
    g_test_add_func("/quic/a-hello-in-two-packets", test_a_hello_in_two_packets);
    g_test_add_func("/quic/an-altered-packet-stays-closed", test_an_altered_packet_stays_closed);
    return g_test_run();
}
