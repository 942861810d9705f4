/*
 * source.h: where time may come from, as people write it:
 *
 *     nts://time.example.org[:4460]    NTS: the port is that of key establishment
 *     ntp://ntp.example.org[:123]      NTP without protection; also without "ntp://"
 *     ntp://[2001:db8::1]:123
 */
#pragma once
#include <glib.h>

struct clock_source {
    char *text; /* as it was written */
    char *host; /* a name or an address, without brackets */
    guint16 port;
    gboolean nts;
};

/* NULL and ENTENTE_ERROR_INPUT. */
struct clock_source *clock_source_parse(const char *text, GError **error);
void clock_source_free(struct clock_source *source);
typedef struct clock_source clock_source_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(clock_source_t, clock_source_free)

/* Who runs it, as far as its name tells: the last two labels; an address is its own. */
char *clock_source_operator(const struct clock_source *source);
