/*
 * Tables of indicators from outside: whatever the bytes, what comes out of them are assertions that
 * hold together, and texts that can be written.
 */
#include "p1_resilience/hunt/hunt_table.h"
#include "table/table_private.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    if (text)
        (void)strlen(text);
}

static void check_assertion(const struct hunt_table *table, const struct assertion *assertion)
{
    const struct indicator *indicator = &assertion->indicator;
    struct hunt_source source;

    g_assert_true(g_utf8_validate(indicator->text, -1, NULL));
    g_assert_cmpint(indicator->kind, <, INDICATOR_KINDS);
    g_assert_cmpint(indicator->family != 0, ==, indicator->kind <= INDICATOR_CIDR);
    g_assert_true(assertion->tlp <= TLP_RED);
    g_assert_true(hunt_table_source(table, assertion->source, &source));
    check_text(assertion->object);
    check_text(assertion->original);
    check_text(assertion->labels);
    if (assertion->warning)
        check_text(hunt_table_warning(table, assertion->warning - 1));
}

static void check_tables_texts(const struct hunt_table *table)
{
    struct hunt_source source;
    const char *name, *text;
    guint64 count;

    for (guint i = 0; hunt_table_source(table, i, &source); i++) {
        check_text(source.name);
        check_text(source.title);
        check_text(source.id);
        check_text(source.path);
        g_assert_nonnull(feed_format_name(source.format));
    }
    for (guint i = 0; hunt_table_skipped(table, i, &name, &text, &count); i++) {
        check_text(name);
        check_text(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree guint8 *changed = g_memdup2(data, size);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(hunt_table_t) table = NULL;
    g_auto(hunt_cursor_t) cursor = { 0 };
    struct hunt_walk walk = { 0 };
    struct hunt_needles needles;
    guint64 own_size = size;

    if (size < sizeof(struct table_header))
        return 0;
    memcpy(changed + G_STRUCT_OFFSET(struct table_header, size), &own_size, sizeof own_size);
    bytes = g_bytes_new(changed, size);
    table = hunt_table_open_bytes(bytes, "fuzz", NULL);
    if (!table)
        return 0;
    needles = hunt_table_needles(table);
    g_assert_cmphex(needles.lengths4 >> 33 | needles.lengths6[2] >> 1, ==, 0);
    check_tables_texts(table);
    while (hunt_table_walk(table, &walk, &cursor)) {
        struct assertion assertion;

        while (hunt_table_next(table, &cursor, &assertion))
            check_assertion(table, &assertion);
    }
    return 0;
}
