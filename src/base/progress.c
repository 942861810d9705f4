#include "base/terminal.h"

#include <unistd.h>

#define PROGRESS_EVERY_US 100000

struct progress {
    char *what;
    guint64 total;
    gint64 last_us;
    gboolean visible;
};

struct progress *progress_begin(const char *what, guint64 total)
{
    struct progress *progress = g_new0(struct progress, 1);

    progress->what = g_strdup(what);
    progress->total = total;
    progress->visible = isatty(STDERR_FILENO);
    return progress;
}

void progress_at(struct progress *progress, guint64 done, const char *detail)
{
    g_autofree char *escaped = NULL;
    gint64 now = g_get_monotonic_time();

    if (!progress->visible || now - progress->last_us < PROGRESS_EVERY_US)
        return;
    progress->last_us = now;
    escaped = terminal_escape(detail ? detail : "");
    fprintf(stderr, "\r\033[K%s %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " %.60s", progress->what,
            done, progress->total, escaped);
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->visible && progress->last_us)
        fputs("\r\033[K", stderr);
}

void progress_end(struct progress *progress)
{
    progress_clear(progress);
    g_free(progress->what);
    g_free(progress);
}
