/*
 * Module openbmp (p2_internet/routes/openbmp.h): a recording whose messages have the collector's
 * header before them says what the bare one says, in any pieces.
 */
#include "base/error.h"
#include "p2_internet/routes/openbmp.h"
#include "p2_internet/routes/routes_feed.h"
#include "route_vector.h"

#include <string.h>

#define KIND_BMP 12
#define KIND_AT 13
#define HEADER 78 /* with an administrator's name of no bytes and a group of none */

static void wrap(GByteArray *out, guint8 kind, const guint8 *message, guint32 length)
{
    const guint8 head[] = { 'O',
                            'B',
                            'M',
                            'P',
                            1,
                            7,
                            0,
                            HEADER,
                            (guint8)(length >> 24),
                            (guint8)(length >> 16),
                            (guint8)(length >> 8),
                            (guint8)length,
                            0x80,
                            kind };
    const guint at = out->len;

    g_byte_array_append(out, head, sizeof head);
    g_byte_array_set_size(out, at + HEADER);
    memset(out->data + at + sizeof head, 0x5a, HEADER - sizeof head);
    g_byte_array_append(out, message, length);
}

/* The capture, each message in a header of its own, and one of another kind between. */
static GByteArray *wrapped(const GByteArray *bare)
{
    GByteArray *out = g_byte_array_new();

    for (guint at = 0, size; at < bare->len; at += size) {
        const guint8 *message = bare->data + at;

        size = (guint)message[3] << 8 | message[4];
        wrap(out, KIND_BMP, message, size);
        if (!at)
            wrap(out, 1, (const guint8 *)"a collector's beat", 18);
    }
    return out;
}

static void tell(const char *feed, const struct route_element *element, gpointer data)
{
    char prefix[IP_PREFIX_TEXT] = "-";

    if (element->kind != ROUTE_STATE)
        ip_prefix_format(&element->prefix, prefix);
    g_string_append_printf(data, "%s %s %s\n", feed, route_kind_name(element->kind), prefix);
}

static char *say(const GByteArray *bytes, gsize piece)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(routes_feed_t) feed = routes_feed_new("file", BMP_VIEW_PRE_POLICY, tell, told);
    GError *error = NULL;

    for (gsize at = 0; at < bytes->len; at += piece)
        g_assert_true(
            routes_feed_take(feed, bytes->data + at, MIN(piece, bytes->len - at), 0, &error));
    g_assert_true(routes_feed_end(feed, 0, &error));
    g_assert_no_error(error);
    g_assert_cmpint(routes_feed_form(feed), ==, ROUTES_BMP);
    return g_string_free(g_steal_pointer(&told), FALSE);
}

static void test_says_the_same(void)
{
    static const gsize pieces[] = { 1, 7, 100, 4096 };
    g_autoptr(GByteArray) bare = route_vector("gobgp-3.10.bmp"), dressed = wrapped(bare);
    g_autofree char *wanted = say(bare, bare->len);

    g_assert_nonnull(strstr(wanted, "GoBGP announce 198.51.100.0/24\n"));
    for (guint i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autofree char *told = say(dressed, pieces[i]);

        g_assert_cmpstr(told, ==, wanted);
    }
}

static void test_headers(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new(), other = g_byte_array_new();
    gsize passed = 0;

    wrap(bytes, KIND_BMP, (const guint8 *)"message", 7);
    wrap(other, 1, (const guint8 *)"message", 7);
    g_assert_cmpint(openbmp_header_at(bytes->data, bytes->len, &passed), ==, OPENBMP_HEADER);
    g_assert_cmpuint(passed, ==, HEADER);
    g_assert_cmpint(openbmp_header_at(other->data, other->len, &passed), ==, OPENBMP_HEADER);
    g_assert_cmpuint(passed, ==, HEADER + 7);
    for (guint length = 1; length < HEADER; length++)
        g_assert_cmpint(openbmp_header_at(bytes->data, length, &passed), ==, OPENBMP_MORE);
    g_assert_cmpint(openbmp_header_at(bytes->data, 0, &passed), ==, OPENBMP_NONE);
    bytes->data[4] = 2; /* another version */
    g_assert_cmpint(openbmp_header_at(bytes->data, bytes->len, &passed), ==, OPENBMP_NONE);
    other->data[8] = 1; /* 16 MB */
    g_assert_cmpint(openbmp_header_at(other->data, other->len, &passed), ==, OPENBMP_NONE);
    other->data[8] = 0;
    other->data[7] = KIND_AT; /* shorter than what it has */
    g_assert_cmpint(openbmp_header_at(other->data, other->len, &passed), ==, OPENBMP_NONE);
}

/* Cut within a header: told with the place of that header. */
static void test_torn(void)
{
    g_autoptr(GByteArray) bare = route_vector("gobgp-3.10.bmp"), dressed = wrapped(bare);
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(routes_feed_t) feed = routes_feed_new("file", BMP_VIEW_ALL, tell, told);
    g_autoptr(GError) error = NULL;

    g_byte_array_set_size(dressed, HEADER + ((guint)bare->data[3] << 8 | bare->data[4]) + 40);
    g_assert_true(routes_feed_take(feed, dressed->data, dressed->len, 0, NULL));
    g_assert_false(routes_feed_end(feed, 0, &error));
    g_assert_nonnull(strstr(error->message, "the last message is cut"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openbmp/same", test_says_the_same);
    g_test_add_func("/openbmp/headers", test_headers);
    g_test_add_func("/openbmp/torn", test_torn);
    return g_test_run();
}
