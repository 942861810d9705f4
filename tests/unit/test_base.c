#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/nearest_word.h"
#include "base/terminal.h"

#include <glib/gstdio.h>
#include <string.h>

/* RFC 8785 section 3.2.2 and appendix B. */
static void test_canonical_json(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "{\"b\":1,\"a\":[true,false,null]}", "{\"a\":[true,false,null],\"b\":1}" },
        { "[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]",
          "[333333333.3333333,1e+30,4.5,0.002,1e-27]" },
        { "[1e21, 1e20, 1e-6, 1e-7, -0.0, 5e-324, 1.7976931348623157e308]",
          "[1e+21,100000000000000000000,0.000001,1e-7,0,5e-324,1.7976931348623157e+308]" },
        { "\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"",
          "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"" },
        { "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,"
          "\"\\u00f6\":7}",
          "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
          "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_t) value =
            json_parse(cases[i].in, strlen(cases[i].in), 4096, "case", &error);
        g_autoptr(GBytes) bytes = NULL;
        g_autofree char *text = NULL;

        g_assert_no_error(error);
        bytes = json_canonical(value, &error);
        g_assert_no_error(error);
        text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
        g_assert_cmpstr(text, ==, cases[i].out);
    }
}

static void test_json_limits(void)
{
    static const char *const bad[] = { "{\"a\":1,\"a\":2}", "{", "[1,]", "{\"a\":\"\\ud800\"}",
                                       "\"\xff\"" };
    g_autofree char *deep = g_strnfill(200, '[');
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(json_parse(bad[i], strlen(bad[i]), 4096, "bad", &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_clear_error(&error);
    }
    memset(deep + 100, ']', 100);
    g_assert_null(json_parse(deep, 200, 4096, "deep", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_null(json_parse("[1]", 3, 2, "large", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void test_writer_survives_hostile_text(void)
{
    struct json_writer *writer = json_writer_new();
    g_autofree char *text = NULL;
    g_autoptr(json_t) value = NULL;
    gsize length;

    json_begin_object(writer, NULL);
    json_put_string(writer, "a\"b", "x\x01\n\xff</script>");
    json_begin_array(writer, "list");
    json_put_integer(writer, NULL, -5);
    json_put_null(writer, NULL);
    json_end_array(writer);
    json_end_object(writer);
    text = json_writer_finish(writer, &length);
    value = json_parse(text, length, 4096, "written", NULL);
    g_assert_nonnull(value);
    g_assert_cmpstr(json_text(value, "a\"b"), ==, "x\x01\n\xef\xbf\xbd</script>");
}

static void test_terminal_escape(void)
{
    g_autofree char *text = terminal_escape("a\033[31mb\n\xff\xe2\x80\xae"
                                            "c\xc2\x9b"
                                            "d\x7f é");

    g_assert_cmpstr(text, ==, "a\\x1b[31mb\\n\\xff\\u{202e}c\\u{009b}d\\x7f é");
}

static void test_table_wraps_and_aligns(void)
{
    static const char *const headings[] = { "N", "TEXT", NULL };
    static const char *const row[] = { "7", "one two three four five six seven eight" };
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autofree char *text = NULL;

    text_table_align_right(table, 0);
    text_table_row(table, row, NULL);
    text = text_table_format(table, FALSE, 30);
    g_assert_cmpstr(text, ==, "N  TEXT\n7  one two three four five\n   six seven eight\n");
}

/* A sliver of a column helps nobody: it goes below; before numbers, the widest name is broken. */
static void test_table_fits_a_narrow_terminal(void)
{
    static const char *const titled[] = { "MEASURE", "TITLE", NULL };
    static const char *const counted[] = { "PRINCIPLE", "SCORE", NULL };
    static const char *const measure[] = { "host.ssh.root-login", "Root cannot log in over SSH" };
    static const char *const principle[] = { "Protect the Internet", "35" };
    g_autoptr(text_table_t) below = text_table_new(titled);
    g_autoptr(text_table_t) broken = text_table_new(counted);
    g_autofree char *text = NULL;

    text_table_row(below, measure, NULL);
    text = text_table_format(below, FALSE, 36);
    g_assert_cmpstr(text, ==,
                    "MEASURE\n    TITLE\nhost.ssh.root-login\n    Root cannot log in over SSH\n");
    g_free(text);
    text_table_align_right(broken, 1);
    text_table_row(broken, principle, NULL);
    text = text_table_format(broken, FALSE, 20);
    g_assert_cmpstr(text, ==, "PRINCIPLE      SCORE\nProtect the       35\nInternet\n");
}

static void test_times(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = clock_format(G_GINT64_CONSTANT(1767139200) * G_USEC_PER_SEC);
    gint64 time_us;

    g_assert_cmpstr(text, ==, "2025-12-31T00:00:00Z");
    g_assert_true(clock_parse("2025-12-31", &time_us, NULL));
    g_assert_cmpint(time_us, ==, G_GINT64_CONSTANT(1767139200) * G_USEC_PER_SEC);
    g_assert_true(clock_parse("2025-12-31T01:00:00.5+01:00", &time_us, NULL));
    g_assert_cmpint(time_us, ==, G_GINT64_CONSTANT(1767139200) * G_USEC_PER_SEC + 500000);
    g_assert_true(clock_parse("0047-11-22T04:24:43Z", &time_us, NULL));
    g_free(text);
    text = clock_format(time_us);
    g_assert_cmpstr(text, ==, "0047-11-22T04:24:43Z");
    g_assert_false(clock_parse("2025-13-01", &time_us, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void test_files(void)
{
    g_autofree char *folder = g_dir_make_tmp("entente-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "file", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = NULL;

    g_assert_true(file_create(path, "one", 3, 0600, &error));
    g_assert_false(file_create(path, "two", 3, 0600, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_true(file_write(path, "three", 5, 0600, &error));
    g_assert_null(file_read(path, 4, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    bytes = file_read(path, 5, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "three", 5);
    g_assert_null(file_read(folder, 5, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_unlink(path);
    g_rmdir(folder);
}

static void test_nearest_word(void)
{
    struct nearest_word near = { .word = "asess" }, far = { .word = "zzzzzz" };

    nearest_word_try(&near, "answer");
    nearest_word_try(&near, "assess");
    nearest_word_try(&near, "diff");
    g_assert_cmpstr(near.best, ==, "assess");
    nearest_word_try(&far, "assess");
    g_assert_null(far.best);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/json/canonical", test_canonical_json);
    g_test_add_func("/base/json/limits", test_json_limits);
    g_test_add_func("/base/json/writer", test_writer_survives_hostile_text);
    g_test_add_func("/base/terminal/escape", test_terminal_escape);
    g_test_add_func("/base/terminal/table", test_table_wraps_and_aligns);
    g_test_add_func("/base/terminal/narrow", test_table_fits_a_narrow_terminal);
    g_test_add_func("/base/clock", test_times);
    g_test_add_func("/base/file", test_files);
    g_test_add_func("/base/nearest-word", test_nearest_word);
    return g_test_run();
}
