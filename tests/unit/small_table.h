/* small_table.h: tables of indicators with a few values and one source, for tests. */
#pragma once
#include "p1_resilience/hunt/hunt_table.h"

#include <glib.h>

static inline struct hunt_compiler *small_table_begin(const char *path, gint64 built_us)
{
    GError *error = NULL;
    struct hunt_compiler *compiler = hunt_compiler_new(path, built_us, 0, &error);

    g_assert_no_error(error);
    return compiler;
}

static inline void small_table_take(struct hunt_compiler *compiler,
                                    const struct assertion *assertion)
{
    GError *error = NULL;

    hunt_compiler_take(assertion, compiler, &error);
    g_assert_no_error(error);
}

/* Takes the compiler; the source of all that was taken is "CERT Example". */
static inline struct hunt_table *small_table_end(struct hunt_compiler *compiler, const char *path)
{
    GError *error = NULL;
    struct feed_report *report = feed_report_new();
    struct feed_source *source = g_new0(struct feed_source, 1);
    struct hunt_table *table;

    source->name = g_strdup("CERT Example");
    source->path = g_strdup("list.txt");
    g_ptr_array_add(report->sources, source);
    hunt_compiler_finish(compiler, report, NULL, &error);
    g_assert_no_error(error);
    hunt_compiler_free(compiler);
    feed_report_free(report);
    table = hunt_table_open(path, &error);
    g_assert_no_error(error);
    return table;
}
