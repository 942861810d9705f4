#include "base/error.h"
#include "base/json_stream.h"

#include <string.h>

static gboolean take(const char *const *path, const json_t *value, gpointer data, GError **error)
{
    g_autofree char *where = g_strjoinv("/", (char **)path);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    g_string_append_printf(data, "%s=%s;", where, text);
    free(text);
    return TRUE;
}

static const struct json_want wants[] = {
    { "runs/*/results/*", take },
    { "version", take },
    { NULL, NULL },
};

/* Feeds `text` in pieces of `step` bytes; NULL when it is refused. */
static char *read_by(const char *text, gsize step, gsize limit, GError **error)
{
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(json_stream_t) stream = json_stream_new("test.json", wants, limit, seen);
    gsize length = strlen(text);

    for (gsize at = 0; at < length; at += step)
        if (!json_stream_feed(stream, text + at, MIN(step, length - at), error))
            return NULL;
    if (!json_stream_end(stream, error))
        return NULL;
    return g_string_free(g_steal_pointer(&seen), FALSE);
}

static const char document[] =
    "{\"version\":\"2.1.0\",\"other\":{\"version\":[1,{\"a\":2}]},"
    "\"runs\":[{\"tool\":{\"x\":[[]]},\"results\":[{\"id\":1,\"l\":[true,null,2.5]},\"two\",[]]},"
    "{\"results\":[{\"results\":[7]}]}]}";

static void test_wanted_values_are_given_whatever_the_pieces(void)
{
    static const gsize steps[] = { 1, 2, 7, 4096 };

    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *seen = read_by(document, steps[i], 4096, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(seen, ==,
                        "version=\"2.1.0\";"
                        "runs/0/results/0={\"id\":1,\"l\":[true,null,2.5]};"
                        "runs/0/results/1=\"two\";runs/0/results/2=[];"
                        "runs/1/results/0={\"results\":[7]};");
    }
}

static void test_bad_documents_are_refused(void)
{
    static const char *const bad[] = {
        "",
        "{",
        "{\"a\":1,\"a\":2}",
        "{\"runs\":[{\"results\":[{\"x\":1,\"x\":2}]}]}",
        "{} {}",
        "{\"version\":\"\\u0000\"}",
        "{\"version\":\"\xff\"}",
        "{\"version\":1e999}",
        "[1,]",
    };
    g_autofree char *deep = g_strnfill(200, '[');
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(read_by(bad[i], 3, 4096, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_clear_error(&error);
    }
    g_assert_null(read_by(deep, 200, 4096, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void test_a_wanted_value_is_bounded(void)
{
    g_autofree char *text = g_strnfill(3000, 'x');
    g_autofree char *large = g_strdup_printf("{\"skipped\":\"%s\",\"version\":\"%s\"}", text, text);
    g_autofree char *fits = read_by(large, 512, 4096, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(fits);
    g_assert_null(read_by(large, 512, 2048, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-stream/wanted-values", test_wanted_values_are_given_whatever_the_pieces);
    g_test_add_func("/json-stream/bad-documents", test_bad_documents_are_refused);
    g_test_add_func("/json-stream/bounded", test_a_wanted_value_is_bounded);
    return g_test_run();
}
