/* Judges of the clock (data/measures/host/time.yaml). */
#include "catalogue_judges.h"
#include "p7_hygiene/host/timesync.h"

#include <math.h>
#include <string.h>
#include <sys/timex.h>

#define OFFSET_LIMIT_S 1.0 /* beyond it logs, TLS and Kerberos go wrong */
#define SOURCES_LEAST 3    /* two clocks cannot tell which of them lies */

/* Name of a running process that sets clocks; NULL when none was seen. */
static char *running_daemon(struct host *host, gboolean *hidden)
{
    *hidden = FALSE;
    for (char *const *name = host_processes(host); *name; name++) {
        g_autofree char *path = NULL;
        g_autofree char *text = NULL;
        const struct host_file *file;

        path = g_strconcat("/proc/", *name, "/comm", NULL);
        file = host_read(host, path);
        *hidden |= file->state == HOST_DENIED;
        text = file->state == HOST_OK ? g_strchomp(g_strdup(file->text)) : NULL;
        if (text && g_strv_contains(time_processes(), text))
            return g_steal_pointer(&text);
    }
    /* With hidepid= others' processes are not listed at all: the first one is always there. */
    *hidden |= host_stat(host, "/proc/1")->state != HOST_OK;
    return NULL;
}

void judge_host_time_synchronised(const struct asset_view *view, struct finding *finding)
{
    struct timex clock = { .modes = 0 };
    g_autofree char *offset_text = NULL, *daemon = NULL;
    gboolean hidden;
    double offset_s;
    int state;

    if (host_is_container(view->host)) {
        finding_not_applicable(finding, REASON_CONTAINER, "the host keeps the clock");
        return;
    }
    state = adjtimex(&clock);
    if (state < 0) {
        finding_not_measured(finding, REASON_ABSENT, "adjtimex");
        return;
    }
    finding_check(finding, state != TIME_ERROR && !(clock.status & STA_UNSYNC), NULL, 0,
                  "STA_UNSYNC", clock.status & STA_UNSYNC ? "not synchronised" : "synchronised",
                  "synchronised");
    offset_s = (double)clock.offset / (clock.status & STA_NANO ? 1e9 : 1e6);
    offset_text = g_strdup_printf("%.6f s", offset_s);
    finding_check(finding, fabs(offset_s) < OFFSET_LIMIT_S, NULL, 0, "offset", offset_text,
                  "less than 1 s");
    daemon = running_daemon(view->host, &hidden);
    if (!daemon && hidden)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "other processes are hidden");
    else
        finding_check(finding, daemon != NULL, NULL, 0, "time daemon",
                      daemon ? daemon : "none runs", "one runs");
}

/* The public pool's servers are volunteers' and offer no keys. */
static gboolean is_public_pool(const struct time_source *source)
{
    return g_str_has_suffix(source->address, "pool.ntp.org");
}

static void judge_source(struct finding *finding, const struct time_daemon *daemon,
                         const struct time_source *source)
{
    static const char wanted[] = "NTS or a key where the server offers it";

    if (source->authenticated)
        finding_pass(finding, source->path, source->line, source->address, "authenticated", wanted);
    else if (!daemon->can_authenticate || is_public_pool(source))
        finding_pass(finding, source->path, source->line, source->address,
                     "not authenticated: it cannot be", wanted);
    else
        finding_warn(finding, source->path, source->line, source->address, "not authenticated",
                     wanted);
}

static void judge_sources(struct finding *finding, const struct time_daemon *daemon)
{
    gboolean enough = daemon->sources->len >= SOURCES_LEAST;
    g_autofree char *count = g_strdup_printf("sources: %u", daemon->sources->len);

    for (guint i = 0; i < daemon->sources->len; i++) {
        const struct time_source *source = daemon->sources->pdata[i];

        enough |= source->pool;
        judge_source(finding, daemon, source);
    }
    finding_check(finding, enough, NULL, 0, daemon->package, count,
                  "a pool, or at least 3 servers");
}

void judge_host_time_sources(const struct asset_view *view, struct finding *finding)
{
    const struct time_setup *setup = time_setup(view->host);

    if (host_is_container(view->host)) {
        finding_not_applicable(finding, REASON_CONTAINER, "the host keeps the clock");
        return;
    }
    if (setup->gap)
        finding_incomplete(finding,
                           setup->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE,
                           "%s", setup->gap);
    for (guint i = 0; i < setup->daemons->len; i++) {
        const struct time_daemon *daemon = setup->daemons->pdata[i];

        judge_sources(finding, daemon);
        if (daemon->user)
            finding_check(finding, !g_str_equal(daemon->user, "root"), daemon->user_path,
                          daemon->user_line, "user", daemon->user, "_chrony");
        if (i > 0)
            finding_fail(finding, NULL, 0, daemon->package, "a second program sets the clock",
                         "one program");
    }
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "no time daemon");
}
