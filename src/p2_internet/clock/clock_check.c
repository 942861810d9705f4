#include "p2_internet/clock/clock_check.h"

#include "base/clock.h"

#include <signal.h>

#define PROBE_WAIT_US 500000

const char *clock_word_name(enum clock_word word)
{
    static const char *const names[] = { "agrees", "false", "unjudged", "silent" };

    return names[word];
}

const char *clock_outcome_name(enum clock_outcome outcome)
{
    static const char *const names[] = { "pass", "warn", "fail", "unknown" };

    return names[outcome];
}

void clock_report_clear(struct clock_report *report)
{
    for (guint i = 0; i < report->count; i++)
        measured_clear(&report->rows[i].measured);
    for (guint i = 0; report->servers && i < report->servers->len; i++)
        amplified_clear(&report->amplified[i]);
    local_clock_clear(&report->local);
    g_clear_pointer(&report->rows, g_free);
    g_clear_pointer(&report->amplified, g_free);
}

struct task {
    const struct clock_plan *plan;
    const struct clock_source *source;
    struct clock_row *row;       /* to measure; or */
    struct amplified *amplified; /* to probe */
};

/* A connection that the other side closed is an error to be told, no signal. */
static gpointer work(gpointer data)
{
    const struct task *task = data;
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    if (task->row)
        measure(task->source, &task->plan->options, &task->row->measured);
    else
        amplify_probe(task->source, PROBE_WAIT_US, task->amplified);
    return NULL;
}

static void ask_everybody(const struct clock_plan *plan, struct clock_report *report)
{
    const guint count = plan->sources->len + plan->servers->len;
    g_autofree struct task *tasks = g_new0(struct task, count);
    g_autofree GThread **threads = g_new0(GThread *, count);

    for (guint i = 0; i < count; i++) {
        const guint server = i - plan->sources->len;

        tasks[i].plan = plan;
        if (i < plan->sources->len) {
            tasks[i].source = report->rows[i].source = plan->sources->pdata[i];
            tasks[i].row = &report->rows[i];
            if (report->rows[i].measured.reason)
                continue;
        } else {
            tasks[i].source = plan->servers->pdata[server];
            tasks[i].amplified = &report->amplified[server];
        }
        threads[i] = g_thread_new("clock", work, &tasks[i]);
    }
    for (guint i = 0; i < count; i++)
        if (threads[i])
            g_thread_join(threads[i]);
}

/* Those that refused to be asked are not, and have no part in what follows. */
static void pass_over(const struct clock_plan *plan, struct clock_report *report)
{
    for (guint i = 0; plan->refusals && i < report->count; i++) {
        const struct clock_source *source = plan->sources->pdata[i];
        struct measured *measured = &report->rows[i].measured;
        gint64 until_us;
        const char *code =
            refusals_standing(plan->refusals, source->text, report->time_us, &until_us);
        g_autofree char *until = code ? clock_format(until_us) : NULL;

        if (!code)
            continue;
        measured->reason = "kiss";
        measured->problem =
            g_strdup_printf("it refused before (%s): not asked until %s", code, until);
        g_strlcpy(measured->kiss, code, sizeof measured->kiss);
    }
}

static void note_refusals(const struct clock_plan *plan, const struct clock_report *report)
{
    for (guint i = 0; plan->refusals && i < report->count; i++) {
        const struct measured *measured = &report->rows[i].measured;

        if (measured->sent && (measured->kiss[0] || !measured->reason))
            refusals_note(plan->refusals, report->rows[i].source->text, measured->kiss,
                          report->time_us);
    }
}

/* Last, since a server that heeds a burst gives no time for a while. */
static void probe_limits(struct clock_report *report)
{
    for (guint i = 0; i < report->servers->len; i++)
        if (!report->amplified[i].problem)
            amplify_burst(report->servers->pdata[i], PROBE_WAIT_US, &report->amplified[i]);
}

/* Who has no sample, or a certificate that our clock finds out of time, has no part in it. */
static void agree(struct clock_report *report)
{
    g_autofree struct clock_interval *intervals = g_new0(struct clock_interval, report->count);
    guint at = 0;

    for (guint i = 0; i < report->count; i++) {
        struct clock_row *row = &report->rows[i];

        row->word = row->measured.reason ? CLOCK_SILENT : CLOCK_UNJUDGED;
        row->counted = !row->measured.reason && !row->measured.certificate.out_of_time;
        if (row->counted)
            intervals[report->counted++] =
                (struct clock_interval){ .offset_us = row->measured.offset_us,
                                         .distance_us = row->measured.distance_us };
    }
    clock_agree(intervals, report->counted, &report->agreement);
    for (guint i = 0; i < report->count && report->agreement.majority; i++)
        if (report->rows[i].counted)
            report->rows[i].word = intervals[at++].agrees ? CLOCK_AGREES : CLOCK_FALSE;
}

void clock_check(const struct clock_plan *plan, struct clock_report *report)
{
    *report = (struct clock_report){
        .time_us = clock_now_us(),
        .count = plan->sources->len,
        .rows = g_new0(struct clock_row, plan->sources->len),
        .servers = plan->servers,
        .amplified = g_new0(struct amplified, plan->servers->len),
        .has_local = plan->local,
    };
    if (plan->local)
        local_clock_read(plan->chrony, &report->local);
    if (!plan->ask_again)
        pass_over(plan, report);
    ask_everybody(plan, report);
    note_refusals(plan, report);
    probe_limits(report);
    agree(report);
}
