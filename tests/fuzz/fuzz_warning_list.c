/* Warning lists: any bytes give lists that can be asked, or an error. */
#include "p1_resilience/hunt/warning_list_private.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void begin(gpointer to, const char *name, guint32 kind, guint32 kinds)
{
    warning_lists_begin(to, name, kind, kinds);
}

static void entries(gpointer to, const char *text, gsize length)
{
    if (!length || text[length - 1] != '\0' || !warning_lists_count(to))
        abort();
    for (const char *at = text; at < text + length; at += strlen(at) + 1)
        warning_lists_entry(to, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const values[] = { "192.0.2.7",
                                          "192.0.2.0/24",
                                          "2001:db8::1",
                                          "a.example",
                                          "http://a.example/b",
                                          "a@a.example",
                                          "d41d8cd98f00b204e9800998ecf8427e" };
    g_autoptr(warning_lists_t) lists = warning_lists_new();
    const struct warning_sink sink = { begin, entries, lists };
    g_autoptr(GError) error = NULL;

    if (warning_list_parse("input", (const char *)data, size, &sink, &error) != !error)
        abort();
    warning_lists_prepare(lists);
    for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
        g_auto(indicator_t) indicator = { 0 };
        enum indicator_why why;

        if (!indicator_parse(values[i], strlen(values[i]), 0, &indicator, &why) ||
            warning_lists_match(lists, &indicator) > warning_lists_count(lists))
            abort();
    }
    return 0;
}
