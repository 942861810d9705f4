/* route_vector.h: a recording of routes in tests/vectors/routes. */
#pragma once
#include <glib.h>

static inline GByteArray *route_vector(const char *name)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "vectors", "routes", name, NULL);
    char *bytes;
    gsize length;

    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    return g_byte_array_new_take((guint8 *)bytes, length);
}
