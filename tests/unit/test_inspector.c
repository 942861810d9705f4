/* inspector.h: hits in bytes at hand, bounded in memory and in what is told; no files. */
#include "p1_resilience/hunt/inspector.h"

#include <glib/gstdio.h>
#include <string.h>

struct told {
    GString *text; /* LINE@OFFSET INDICATOR, one a line */
    guint count;
};

static void take(const struct hunt_hit *hit, gpointer data)
{
    struct told *told = data;

    g_assert_cmpstr(hit->file, ==, "mail/part-2");
    g_string_append_printf(told->text, "%" G_GUINT64_FORMAT "@%" G_GUINT64_FORMAT " %s%s\n",
                           hit->line, hit->offset, hit->indicator,
                           hit->suppressed_by ? " suppressed" : "");
    told->count++;
}

static struct hunt_table *table_of(const char *const *values)
{
    g_autofree char *folder = g_dir_make_tmp("entente-inspector-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "a.table", NULL);
    g_autoptr(hunt_compiler_t) compiler = hunt_compiler_new(path, 7, 0, NULL);
    struct feed_report *report = feed_report_new();
    struct feed_source *source = g_new0(struct feed_source, 1);
    struct hunt_table *table;

    source->name = g_strdup("list");
    g_ptr_array_add(report->sources, source);
    for (; *values; values++) {
        struct assertion assertion = { .confidence = ASSERTION_NO_CONFIDENCE };
        g_auto(indicator_t) indicator = { 0 };
        enum indicator_why why;

        g_assert_true(indicator_parse(*values, strlen(*values), 0, &indicator, &why));
        assertion.indicator = indicator;
        if (g_str_equal(*values, "good.example"))
            assertion.flags = ASSERTION_FALSE_POSITIVE;
        g_assert_true(hunt_compiler_take(&assertion, compiler, NULL));
    }
    g_assert_true(hunt_compiler_finish(compiler, report, NULL, NULL));
    feed_report_free(report);
    table = hunt_table_open(path, NULL);
    g_assert_nonnull(table);
    g_unlink(path);
    g_rmdir(folder);
    return table;
}

static struct hunt_table *usual(void)
{
    return table_of((const char *const[]){ "evil.example", "203.0.113.7", "good.example", NULL });
}

static void check(const struct hunt_inspector_options *options, const char *text, gsize length,
                  const char *wanted, const struct hunt_inspected *result)
{
    g_autoptr(hunt_table_t) table = usual();
    g_autoptr(hunt_inspector_t) inspector = hunt_inspector_new(table, options);
    g_autoptr(GString) got = g_string_new(NULL);

    /* The same twice: nothing is kept from one content to the next. */
    for (guint i = 0; i < 2; i++) {
        /* Exactly as long as it is: a sanitizer sees who reads behind it. */
        g_autofree guint8 *bytes = g_memdup2(text, MAX(length, 1));
        struct told told = { got, 0 };
        struct hunt_inspected inspected;

        g_string_truncate(got, 0);
        hunt_inspect(inspector, "mail/part-2", bytes, length, take, &told, &inspected);
        g_assert_cmpstr(got->str, ==, wanted);
        g_assert_cmpmem(&inspected, sizeof inspected, result, sizeof *result);
    }
}

static void test_content(void)
{
    static const char text[] = "see evil.example\nfrom 203.0.113.7, good.example";

    check(&(struct hunt_inspector_options){ 0 }, text, strlen(text),
          "1@4 evil.example\n2@22 203.0.113.7\n2@35 good.example suppressed\n",
          &(struct hunt_inspected){ .lines = 2, .hits = 2, .suppressed = 1 });
    check(&(struct hunt_inspector_options){ 0 }, "", 0, "", &(struct hunt_inspected){ 0 });
    check(&(struct hunt_inspector_options){ 0 }, "evil[.]example\n", 15, "",
          &(struct hunt_inspected){ .lines = 1 });
    check(&(struct hunt_inspector_options){ .defanged = TRUE }, "evil[.]example\n", 15,
          "1@0 evil.example\n", &(struct hunt_inspected){ .lines = 1, .hits = 1 });
}

static void test_what_is_told_is_bounded(void)
{
    static const char text[] = "evil.example\nevil.example\nevil.example\n";

    check(&(struct hunt_inspector_options){ .hits_max = 2 }, text, strlen(text),
          "1@0 evil.example\n2@13 evil.example\n",
          &(struct hunt_inspected){ .lines = 3, .hits = 3, .untold = 1 });
}

static void test_utf16(void)
{
    static const char text[] = "\xfe\xff\0x\0\n\0e\0v\0i\0l\0.\0e\0x\0a\0m\0p\0l\0e\0\n\x01";

    check(&(struct hunt_inspector_options){ 0 }, text, sizeof text - 1, "2@6 evil.example\n",
          &(struct hunt_inspected){ .lines = 2, .hits = 1 });
}

/* Lines over many pieces, and a run that is too long to be held. */
static void test_long(void)
{
    g_autoptr(GString) text = g_string_new(NULL), wanted = g_string_new(NULL);
    struct hunt_inspected result = { 0 };
    gsize before;

    for (guint i = 1; i <= 40000; i++) {
        g_string_append_printf(wanted, "%u@%" G_GSIZE_FORMAT " evil.example\n", i, text->len);
        g_string_append(text, "evil.example and so on\n");
    }
    before = text->len;
    g_string_set_size(text, before + INSPECTOR_LINE_MAX + 5000);
    memset(text->str + before, 'x', INSPECTOR_LINE_MAX + 5000);
    g_string_append_printf(wanted, "40001@%" G_GSIZE_FORMAT " evil.example\n", text->len + 1);
    g_string_append(text, " evil.example");
    result.lines = 40001;
    result.hits = 40001;
    result.passed_over = INSPECTOR_LINE_MAX + 5000;
    check(&(struct hunt_inspector_options){ 0 }, text->str, text->len, wanted->str, &result);
}

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inspector/content", test_content);
    g_test_add_func("/inspector/what-is-told-is-bounded", test_what_is_told_is_bounded);
    g_test_add_func("/inspector/utf16", test_utf16);
    g_test_add_func("/inspector/long", test_long);
    return g_test_run();
}
