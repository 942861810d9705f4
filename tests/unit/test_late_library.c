/* Libraries loaded late: found functions work, missing ones name the package to install. */
#include "base/error.h"
#include "base/late_library.h"

#include <stddef.h>
#include <string.h>

struct calls {
    double (*cosine)(double);
};

static gboolean load(const char *soname, const char *function, struct calls *calls, GError **error)
{
    const struct late_symbol symbols[] = {
        { function, offsetof(struct calls, cosine) },
        { NULL, 0 },
    };

    return late_library_load(soname, "libc6", symbols, calls, error);
}

static void test_a_function_can_be_called(void)
{
    struct calls calls = { NULL };
    g_autoptr(GError) error = NULL;

    g_assert_true(load("libm.so.6", "cos", &calls, &error));
    g_assert_no_error(error);
    g_assert_cmpfloat(calls.cosine(0), ==, 1);
}

static void test_what_is_missing_is_named(void)
{
    struct calls calls = { NULL };
    g_autoptr(GError) library = NULL, function = NULL;

    g_assert_false(load("libnowhere.so.9", "cos", &calls, &library));
    g_assert_error(library, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_assert_nonnull(strstr(library->message, "install the package libc6"));
    g_assert_false(load("libm.so.6", "no_such_function", &calls, &function));
    g_assert_error(function, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_assert_nonnull(strstr(function->message, "no_such_function"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/late-library/called", test_a_function_can_be_called);
    g_test_add_func("/late-library/missing", test_what_is_missing_is_named);
    return g_test_run();
}
