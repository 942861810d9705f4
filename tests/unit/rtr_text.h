/* rtr_text.h: what tests of RTR share: bytes from their hexadecimal digits, sets as text. */
#pragma once
#include "rpki/aspa.h"
#include "rpki/vrp.h"

static inline void add_hex(GByteArray *to, const char *hex)
{
    for (; hex[0] && hex[1]; hex += 2) {
        const guint8 byte =
            (guint8)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));

        g_assert_cmpint(g_ascii_xdigit_value(hex[0]), >=, 0);
        g_byte_array_append(to, &byte, 1);
    }
}

static inline char *contents(const struct vrp_set *vrps, const struct aspa_set *aspas)
{
    GString *out = g_string_new(NULL);
    const guint32 *providers;
    struct vrp vrp;
    guint32 customer;
    gsize count;

    for (gsize i = 0; vrps && vrp_set_at(vrps, i, &vrp); i++) {
        char text[IP_PREFIX_TEXT];

        ip_prefix_format(&vrp.prefix, text);
        g_string_append_printf(out, "%s-%u AS%u\n", text, vrp.max_length, vrp.asn);
    }
    for (gsize i = 0; aspas && aspa_set_at(aspas, i, &customer, &providers, &count); i++) {
        g_string_append_printf(out, "AS%u:", customer);
        for (gsize j = 0; j < count; j++)
            g_string_append_printf(out, " %u", providers[j]);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
