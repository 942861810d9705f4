/* feed_reading.h: reads feeds from memory, and says what came of it. */
#pragma once
#include "p1_resilience/hunt/feed.h"

#include <string.h>

struct read {
    struct feed_report *report;
    GString *lines; /* "kind text\n" of each assertion */
    /* of the last one */
    char *object, *original, *labels, *terms;
    struct assertion last;
};

static inline void read_clear(struct read *read)
{
    feed_report_free(read->report);
    g_string_free(read->lines, TRUE);
    g_free(read->object);
    g_free(read->original);
    g_free(read->labels);
    g_free(read->terms);
}
typedef struct read read_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(read_t, read_clear)

static inline void replace(char **text, const char *by)
{
    g_free(*text);
    *text = g_strdup(by);
}

static inline gboolean take(const struct assertion *assertion, gpointer data, GError **error)
{
    struct read *read = data;

    g_string_append_printf(read->lines, "%s %s\n", indicator_kind_name(assertion->indicator.kind),
                           assertion->indicator.text);
    read->last = *assertion;
    replace(&read->object, assertion->object);
    replace(&read->original, assertion->original);
    replace(&read->labels, assertion->labels);
    replace(&read->terms, assertion->terms);
    return TRUE;
}

static inline struct feed_options defaults(void)
{
    return (struct feed_options){ .tlp = TLP_AMBER };
}

static inline struct read read_with(const char *text, gssize length,
                                    const struct feed_options *options)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, length < 0 ? strlen(text) : (gsize)length);
    struct read read = { .report = feed_report_new(), .lines = g_string_new(NULL) };
    g_autoptr(GError) error = NULL;

    feed_read_bytes(bytes, "feed", options, read.report, take, &read, &error);
    g_assert_no_error(error);
    return read;
}

static inline struct read read_text(const char *text)
{
    struct feed_options options = defaults();

    return read_with(text, -1, &options);
}

static inline const struct feed_source *only_source(const struct read *read)
{
    g_assert_cmpuint(read->report->sources->len, ==, 1);
    return read->report->sources->pdata[0];
}

static inline guint64 skipped(const struct read *read, const char *name)
{
    for (guint i = 0; i < FEED_SKIPS; i++)
        if (g_str_equal(feed_skip_name(i), name))
            return read->report->skipped[i].count;
    g_error("no reason \"%s\"", name);
}

/* A file of the shared data; NULL: there is none. Owned by the caller. */
static inline char *shared(const char *path)
{
    const char *folder = g_getenv("ENTENTE_SHARED");

    return folder ? g_build_filename(folder, "data/hunt", path, NULL) : NULL;
}
