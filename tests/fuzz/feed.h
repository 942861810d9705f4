/* feed.h: what holds for every format of feeds, whatever the bytes. */
#pragma once
#include "p1_resilience/hunt/feed_json.h"
#include "p1_resilience/hunt/feed_private.h"

#include <stdlib.h>
#include <string.h>

struct feed_heard {
    struct feed_report *report;
    guint64 records;
};

/* The parent's side: every message of the parser is one that it takes. */
static inline gboolean feed_hear(gpointer to, guint8 kind, gconstpointer body, gsize length)
{
    struct feed_heard *heard = to;
    const guint8 *at = (const guint8 *)body + sizeof(guint64), *end = (const guint8 *)body + length;
    struct feed_source *source;
    struct assertion assertion;
    gboolean broken = FALSE;

    if (length > WORKER_MESSAGE_MAX)
        abort();
    if (kind == FEED_MESSAGE_SOURCE) {
        if (!feed_wire_source(body, length, &source))
            abort();
        g_ptr_array_add(heard->report->sources, source);
    } else if (kind == FEED_MESSAGE_SKIPS) {
        if (!feed_wire_skips(body, length, heard->report))
            abort();
    } else if (kind == FEED_MESSAGE_VERSIONS) {
        if (length % sizeof(struct feed_version) != 0)
            abort();
    } else if (kind == FEED_MESSAGE_NAME) {
        if (((const char *)body)[length - 1] != '\0')
            abort();
    } else if (kind == FEED_MESSAGE_MARKING) {
        if (length < 3 || strlen((const char *)body + 1) != length - 2)
            abort();
    } else {
        while (feed_wire_record(&at, end, heard->report->sources->len, 0, &assertion, &broken)) {
            /* A normal form is its own normal form. */
            g_auto(indicator_t) again = { 0 };
            enum indicator_why why;

            heard->records++;
            if (!indicator_parse(assertion.indicator.text, strlen(assertion.indicator.text),
                                 INDICATOR_VERBATIM | INDICATOR_FORCE, &again, &why) ||
                strcmp(again.text, assertion.indicator.text) != 0)
                abort();
        }
        if (broken)
            abort();
    }
    return TRUE;
}

typedef gboolean (*feed_parse_fn)(struct feed_parser *parser, const void *data, gsize size,
                                  GError **error);

static inline void feed_any(feed_parse_fn parse, const void *data, gsize size)
{
    struct feed_options options = { .tlp = TLP_AMBER, .all_text = TRUE, .include_non_ids = TRUE };
    struct feed_heard heard = { .report = feed_report_new() };
    struct feed_parser *parser = feed_parser_new(&options, NULL, feed_hear, &heard, 0);
    g_autoptr(GError) error = NULL;

    parser->path = "input";
    if (parse(parser, data, size, &error) != !error)
        abort();
    feed_parser_finish_file(parser);
    feed_parser_free(parser);
    feed_report_free(heard.report);
}
