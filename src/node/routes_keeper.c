#include "base/clock.h"
#include "base/error.h"
#include "node/routes_flood.h"
#include "node/routes_watch.h"
#include "p2_internet/routes/watch_alarm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTENER_NAME "entente-routes"
#define KEEPER 3 /* descriptor of the listener's socket to the keeper */
#define AGAIN_US (5 * G_USEC_PER_SEC)

/* Too many are not raised: they are kept, and counted. */
static gboolean raise_alarm(struct background_round *round, struct routes_flood *flood,
                            const char *topic, const char *text, const struct watch_report *report,
                            GError **error)
{
    struct routes_shown *shown = ((const struct routes_work *)round->own)->shown;
    gboolean is_flood = FALSE;

    if (!routes_flood_takes(round, topic, &is_flood, error))
        return FALSE;
    if (!is_flood) {
        shown->alarms++;
        return background_alarm(round, topic, watch_rows[report->alarm].severity, text,
                                clock_now_us(), error);
    }
    if (!routes_flood_keep(round, flood, report, error))
        return FALSE;
    shown->withheld += report->step == WATCH_OPENED;
    return TRUE;
}

static gboolean done(struct background_round *round, struct routes_flood *flood,
                     const struct watch_report *report, GError **error)
{
    struct routes_shown *shown = ((const struct routes_work *)round->own)->shown;
    struct cases *cases = background_cases(round, error);
    g_autofree char *topic = route_alarm_topic(report), *text = route_alarm_text(report);
    const char *severity = watch_rows[report->alarm].severity;
    gboolean stands = FALSE;

    if (!cases)
        return FALSE;
    if (report->step == WATCH_CLOSED) {
        gboolean is_open = FALSE;

        if (!cases_alarm_is_open(cases, topic, &is_open, error))
            return FALSE;
        shown->ends++;
        if (!is_open)
            return routes_flood_keep(round, flood, report, error);
        return cases_alarm_over(cases, round->key, topic, text, clock_now_us(), error);
    }
    if (!cases_alarm_stands(cases, topic, &stands, error))
        return FALSE;
    if (report->step == WATCH_OPENED && stands)
        return TRUE; /* told before whatever was killed was killed */
    if (!stands)
        return raise_alarm(round, flood, topic, text, report, error);
    shown->repeats++;
    return background_alarm(round, topic, severity, text, clock_now_us(), error);
}

/*
 * Until it is done: the listener waits, and goes on listening. What goes wrong is said once.
 * FALSE: no report.
 */
static gboolean do_report(struct background_round *round, struct routes_flood *flood,
                          const char *line, gsize length, GError **error)
{
    g_autoptr(json_t) json = json_parse(line, length, ROUTE_ALARM_LINE_MAX, "report", error);
    g_auto(read_report_t) read = { 0 };
    gboolean is_said = FALSE;

    if (!json || !watch_report_read(json, &read, error))
        return FALSE;
    for (;;) {
        g_autoptr(GError) failure = NULL;
        const gboolean is_done = done(round, flood, &read.report, &failure);

        g_clear_pointer(&round->office, office_close); /* others change the cases, too */
        if (is_done)
            return TRUE;
        if (!is_said && !node_options(round->node)->quiet)
            fprintf(stderr, "Routes: %s\n", failure->message);
        is_said = TRUE;
        g_usleep(AGAIN_US);
    }
}

/* What cannot be told now is told with what comes next, or later. */
static void tell_flood(struct background_round *round, struct routes_flood *flood,
                       gboolean is_settled)
{
    if (!routes_flood_is_due(flood, is_settled))
        return;
    routes_flood_tell(round, flood, NULL);
    g_clear_pointer(&round->office, office_close);
}

/* Returns when there is something to read. */
static void wait_for_report(struct background_round *round, struct routes_flood *flood,
                            int listener)
{
    struct pollfd polled = { .fd = listener, .events = POLLIN };

    while (flood->more > flood->told && poll(&polled, 1, ROUTES_FLOOD_SETTLES_MS) == 0)
        tell_flood(round, flood, TRUE);
}

static gboolean keep(struct background_round *round, int listener, GError **error)
{
    g_autofree char *line = g_malloc(ROUTE_ALARM_LINE_MAX);
    struct routes_flood flood = { 0 };
    ssize_t got;

    while ((got = recv(listener, line, ROUTE_ALARM_LINE_MAX, 0)) > 0) {
        if (!do_report(round, &flood, line, (gsize)got, error))
            return FALSE;
        tell_flood(round, &flood, FALSE);
        if (send(listener, "", 1, MSG_NOSIGNAL) != 1)
            break;
        wait_for_report(round, &flood, listener);
    }
    return TRUE;
}

static void become_listener(const struct background_round *round, int keeper)
{
    prctl(PR_SET_NAME, LISTENER_NAME);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(keeper, KEEPER) < 0)
        _exit(EXIT_FAILURE);
    closefrom(KEEPER + 1);
    routes_listen(round, KEEPER);
}

/* What it ended of, for people. */
static gboolean ended(pid_t child, const struct routes_shown *shown, GError **error)
{
    char problem[ROUTES_TEXT_MAX];
    int status = 0;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFSIGNALED(status))
        return system_error(error, "the process that listens ended by signal %d (%s)",
                            WTERMSIG(status), strsignal(WTERMSIG(status)));
    g_strlcpy(problem, shown->problem, sizeof problem);
    if (*problem)
        return system_error(error, "%s", problem);
    return system_error(error, "the process that listens ended (status %d)", WEXITSTATUS(status));
}

gboolean routes_keep(struct background_round *round, GError **error)
{
    struct routes_shown *shown = ((const struct routes_work *)round->own)->shown;
    int ends[2];
    pid_t child;
    gboolean is_understood;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return errno_error(error, errno, "no socket");
    fflush(NULL);
    *shown->problem = '\0';
    child = fork();
    if (child == 0)
        become_listener(round, ends[1]);
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return errno_error(error, errno, "no process");
    }
    shown->started++;
    is_understood = keep(round, ends[0], error);
    close(ends[0]);
    if (!is_understood)
        kill(child, SIGKILL);
    if (is_understood)
        return ended(child, shown, error);
    ended(child, shown, NULL);
    return FALSE;
}
