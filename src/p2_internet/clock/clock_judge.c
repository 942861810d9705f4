/* clock_judge.c: the judgements of a check of time: one row, one function. */
#include "base/clock.h"
#include "p2_internet/clock/clock_check.h"

#include <string.h>

#define SOURCES_WANTED 4u   /* so that one may lie and one be away: RFC 8633 section 3.2 */
#define OPERATORS_WANTED 3u /* RFC 8633 section 3.3 */
#define STRATUM_WANTED 3
#define STRATUM_MOST 4
#define DISTANCE_MOST_US G_USEC_PER_SEC /* RFC 5905 appendix A.5.5.1: MAXDIST, 1 s */
#define OFFSET_WARN_US (G_USEC_PER_SEC / 10)
#define OFFSET_FAIL_US G_USEC_PER_SEC
#define PROTECTED_WANTED 3u /* a majority of four cannot be forged then */
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define CERTIFICATE_WARN_DAYS 14
#define CERTIFICATE_FAIL_DAYS 3
#define KERNEL_ERROR_MOST_US G_USEC_PER_SEC
#define MS_US 1000.0
#define LIMITED_SHARE 4u /* of a burst that is left out, at least, where the rate is limited */

static gboolean answered(const struct clock_row *row)
{
    return row->word != CLOCK_SILENT;
}

static guint count_answered(const struct clock_report *report)
{
    guint count = 0;

    for (guint i = 0; i < report->count; i++)
        count += answered(&report->rows[i]);
    return count;
}

static void name(GString *detail, const struct clock_row *row)
{
    g_string_append_printf(detail, "%s%s", detail->len ? ", " : "", row->source->text);
}

static enum clock_outcome judge_answers(const struct clock_report *report, GString *detail)
{
    for (guint i = 0; i < report->count; i++)
        if (!answered(&report->rows[i]))
            name(detail, &report->rows[i]);
    g_string_prepend(detail, detail->len ? "without an answer: " : "");
    if (detail->len)
        return CLOCK_UNKNOWN;
    g_string_append_printf(detail, "%u of %u", report->count, report->count);
    return report->count ? CLOCK_PASS : CLOCK_UNKNOWN;
}

static enum clock_outcome judge_sources(const struct clock_report *report, GString *detail)
{
    const guint count = count_answered(report);

    g_string_append_printf(detail, "%u answer, %u are wanted", count, SOURCES_WANTED);
    return count >= SOURCES_WANTED ? CLOCK_PASS : CLOCK_WARN;
}

static enum clock_outcome judge_operators(const struct clock_report *report, GString *detail)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint count;

    for (guint i = 0; i < report->count; i++)
        if (answered(&report->rows[i]))
            g_hash_table_add(names, clock_source_operator(report->rows[i].source));
    count = g_hash_table_size(names);
    g_string_append_printf(detail, "%u by their names, %u are wanted", count, OPERATORS_WANTED);
    return count >= OPERATORS_WANTED ? CLOCK_PASS : CLOCK_WARN;
}

static enum clock_outcome judge_majority(const struct clock_report *report, GString *detail)
{
    if (!report->counted) {
        g_string_append(detail, "no source to compare");
        return CLOCK_UNKNOWN;
    }
    g_string_append_printf(detail, "%u of %u share an interval", report->agreement.agreeing,
                           report->counted);
    return report->agreement.majority ? CLOCK_PASS : CLOCK_FAIL;
}

static enum clock_outcome judge_false(const struct clock_report *report, GString *detail)
{
    for (guint i = 0; i < report->count; i++)
        if (report->rows[i].word == CLOCK_FALSE)
            name(detail, &report->rows[i]);
    if (detail->len)
        return CLOCK_FAIL;
    g_string_append(detail, report->agreement.majority ? "none" : "cannot be told");
    return report->agreement.majority ? CLOCK_PASS : CLOCK_UNKNOWN;
}

static enum clock_outcome judge_answers_forged(const struct clock_report *report, GString *detail)
{
    gboolean forged = FALSE;

    for (guint i = 0; i < report->count; i++) {
        const struct measured *measured = &report->rows[i].measured;

        if (!measured->forged && !measured->not_ours)
            continue;
        name(detail, &report->rows[i]);
        g_string_append_printf(detail, " (%u forged, %u to nobody's request)", measured->forged,
                               measured->not_ours);
        forged |= measured->forged > 0;
    }
    if (!detail->len)
        g_string_append(detail, "none");
    else
        return forged ? CLOCK_FAIL : CLOCK_WARN;
    return CLOCK_PASS;
}

static enum clock_outcome judge_protected(const struct clock_report *report, GString *detail)
{
    guint count = 0;

    for (guint i = 0; i < report->count; i++)
        count += answered(&report->rows[i]) && report->rows[i].measured.authenticated;
    g_string_append_printf(detail, "%u by NTS, %u are wanted", count, PROTECTED_WANTED);
    return count >= PROTECTED_WANTED ? CLOCK_PASS : CLOCK_WARN;
}

/* Days that a certificate is still valid, by the agreed time where there is one. */
static gint64 days_left(const struct clock_report *report, const struct nts_certificate *shown)
{
    return (shown->not_after_us - report->time_us - report->agreement.offset_us) / DAY_US;
}

static enum clock_outcome judge_certificates(const struct clock_report *report, GString *detail)
{
    enum clock_outcome worst = CLOCK_UNKNOWN;

    for (guint i = 0; i < report->count; i++) {
        const struct measured *measured = &report->rows[i].measured;
        const gboolean refused = g_strcmp0(measured->reason, "certificate") == 0;
        enum clock_outcome here = CLOCK_FAIL;

        if (!measured->certificate.subject && !refused)
            continue;
        if (!refused && !measured->certificate.out_of_time) {
            const gint64 days = days_left(report, &measured->certificate);

            here = days < CERTIFICATE_FAIL_DAYS   ? CLOCK_FAIL
                   : days < CERTIFICATE_WARN_DAYS ? CLOCK_WARN
                                                  : CLOCK_PASS;
            if (here != CLOCK_PASS) {
                name(detail, &report->rows[i]);
                g_string_append_printf(detail, ": %" G_GINT64_FORMAT " days left", days);
            }
        } else {
            name(detail, &report->rows[i]);
            g_string_append_printf(detail, ": %s",
                                   refused ? measured->problem : "not valid by our clock");
        }
        worst = worst == CLOCK_UNKNOWN ? here : MAX(worst, here);
    }
    if (!detail->len)
        g_string_append(detail, worst == CLOCK_PASS ? "valid" : "none was shown");
    return worst;
}

static enum clock_outcome judge_stratum(const struct clock_report *report, GString *detail)
{
    enum clock_outcome worst = CLOCK_UNKNOWN;

    for (guint i = 0; i < report->count; i++) {
        const guint stratum = report->rows[i].measured.header.stratum;
        const enum clock_outcome here = stratum > STRATUM_MOST     ? CLOCK_FAIL
                                        : stratum > STRATUM_WANTED ? CLOCK_WARN
                                                                   : CLOCK_PASS;

        if (!answered(&report->rows[i]))
            continue;
        if (here != CLOCK_PASS) {
            name(detail, &report->rows[i]);
            g_string_append_printf(detail, ": %u", stratum);
        }
        worst = worst == CLOCK_UNKNOWN ? here : MAX(worst, here);
    }
    if (!detail->len)
        g_string_append_printf(detail, worst == CLOCK_PASS ? "at most %d" : "no source answered",
                               STRATUM_WANTED);
    return worst;
}

static enum clock_outcome judge_distance(const struct clock_report *report, GString *detail)
{
    for (guint i = 0; i < report->count; i++)
        if (answered(&report->rows[i]) &&
            report->rows[i].measured.distance_us >= (gint64)DISTANCE_MOST_US)
            name(detail, &report->rows[i]);
    if (detail->len)
        return CLOCK_FAIL;
    g_string_append(detail, count_answered(report) ? "below 1 s" : "no source answered");
    return count_answered(report) ? CLOCK_PASS : CLOCK_UNKNOWN;
}

static enum clock_outcome judge_leap(const struct clock_report *report, GString *detail)
{
    guint counts[NTP_LEAP_UNKNOWN + 1] = { 0 }, kinds = 0;

    for (guint i = 0; i < report->count; i++)
        if (answered(&report->rows[i]))
            counts[report->rows[i].measured.header.leap]++;
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
        if (!counts[i])
            continue;
        kinds++;
        g_string_append_printf(detail, "%s%s: %u", detail->len ? ", " : "", ntp_leap_name(i),
                               counts[i]);
    }
    if (!kinds)
        g_string_append(detail, "no source answered");
    return kinds == 0 ? CLOCK_UNKNOWN : kinds == 1 ? CLOCK_PASS : CLOCK_FAIL;
}

static enum clock_outcome judge_offset(const struct clock_report *report, GString *detail)
{
    const gint64 off_us = ABS(report->agreement.offset_us);

    if (!report->agreement.majority) {
        g_string_append(detail, "no agreed time");
        return CLOCK_UNKNOWN;
    }
    g_string_append_printf(detail, "%+.3f ms to the agreed time (+- %.3f)",
                           (double)report->agreement.offset_us / MS_US,
                           (double)(report->agreement.high_us - report->agreement.low_us) / 2 /
                               MS_US);
    return off_us > (gint64)OFFSET_FAIL_US   ? CLOCK_FAIL
           : off_us > (gint64)OFFSET_WARN_US ? CLOCK_WARN
                                             : CLOCK_PASS;
}

static enum clock_outcome judge_kernel(const struct clock_report *report, GString *detail)
{
    const struct local_clock *local = &report->local;

    if (!report->has_local || !local->kernel) {
        g_string_append(detail, "not looked at");
        return CLOCK_UNKNOWN;
    }
    if (!local->synchronised) {
        g_string_append(detail, "not synchronised (STA_UNSYNC)");
        return CLOCK_WARN;
    }
    g_string_append_printf(detail, "synchronised, largest error %.3f ms",
                           (double)local->max_error_us / MS_US);
    return local->max_error_us < (gint64)KERNEL_ERROR_MOST_US ? CLOCK_PASS : CLOCK_WARN;
}

static enum clock_outcome judge_daemon(const struct clock_report *report, GString *detail)
{
    const struct local_clock *local = &report->local;

    if (!report->has_local || (!local->daemon && !local->problem)) {
        g_string_append(detail, "neither chrony nor ntpd answers");
        return CLOCK_UNKNOWN;
    }
    if (local->problem) {
        g_string_append(detail, local->problem);
        return CLOCK_UNKNOWN;
    }
    g_string_append_printf(detail, "%s: stratum %u, reference %s, leap %s", local->daemon,
                           local->stratum, local->reference ? local->reference : "-",
                           local->leap ? local->leap : "-");
    if (local->sources)
        g_string_append_printf(detail, "; %u of %u sources usable, %u reachable", local->selectable,
                               local->sources, local->reachable);
    return local->stratum > 0 && local->stratum < STRATUM_MOST * STRATUM_MOST ? CLOCK_PASS
                                                                              : CLOCK_WARN;
}

static enum clock_outcome judge_amplification(const struct clock_report *report, GString *detail)
{
    gboolean open = FALSE, unknown = report->servers->len == 0;

    for (guint i = 0; i < report->servers->len; i++) {
        const struct clock_source *server = report->servers->pdata[i];
        const struct amplified *found = &report->amplified[i];

        unknown |= found->problem != NULL;
        if (found->problem)
            g_string_append_printf(detail, "%s%s", detail->len ? ", " : "", found->problem);
        for (guint j = 0; j < AMPLIFY_QUESTIONS; j++) {
            if (!found->answers[j].packets)
                continue;
            open = TRUE;
            g_string_append_printf(detail, "%s%s answers %s with %u bytes to %u",
                                   detail->len ? ", " : "", server->text, amplify_question_name(j),
                                   found->answers[j].received, found->answers[j].sent);
        }
    }
    if (!detail->len)
        g_string_append(detail, report->servers->len ? "none answers" : "no own server is named");
    return open ? CLOCK_FAIL : unknown ? CLOCK_UNKNOWN : CLOCK_PASS;
}

static enum clock_outcome judge_rate_limit(const struct clock_report *report, GString *detail)
{
    gboolean free = FALSE, seen = FALSE;

    for (guint i = 0; i < report->servers->len; i++) {
        const struct clock_source *server = report->servers->pdata[i];
        const struct amplified *found = &report->amplified[i];
        const guint most = found->burst.sent - found->burst.sent / LIMITED_SHARE;

        if (!found->burst.sent)
            continue;
        seen = TRUE;
        if (found->burst.kisses || found->burst.answered < most)
            continue;
        free = TRUE;
        g_string_append_printf(detail, "%s%s answers %u of %u requests sent at once",
                               detail->len ? ", " : "", server->text, found->burst.answered,
                               found->burst.sent);
    }
    if (!detail->len)
        g_string_append(detail, seen ? "each leaves requests out" : "no own server was asked");
    return free ? CLOCK_WARN : seen ? CLOCK_PASS : CLOCK_UNKNOWN;
}

static enum clock_outcome judge_refusals(const struct clock_report *report, GString *detail)
{
    for (guint i = 0; i < report->count; i++) {
        const struct clock_row *row = &report->rows[i];

        if (row->measured.kiss[0])
            g_string_append_printf(detail, "%s%s: %s", detail->len ? ", " : "", row->source->text,
                                   row->measured.kiss);
    }
    if (detail->len)
        return CLOCK_WARN;
    g_string_append(detail, "none");
    return report->count ? CLOCK_PASS : CLOCK_UNKNOWN;
}

const struct clock_judgement clock_judgements[] = {
    { "answers", "RFC 5905 section 9", "see whether the name, the network and UDP 123 are in order",
      judge_answers },
    { "refusals", "RFC 5905 section 7.4", "RATE: ask less often; DENY, RSTR: choose another source",
      judge_refusals },
    { "sources", "RFC 8633 section 3.2", "name at least four sources", judge_sources },
    { "operators", "RFC 8633 section 3.3", "choose sources of at least three operators",
      judge_operators },
    { "majority", "RFC 5905 section 11.2.1", "find out which sources are right before you use any",
      judge_majority },
    { "false-tickers", "RFC 5905 section 11.2.1", "take the source out and tell its operator",
      judge_false },
    { "forged-answers", "RFC 8915 section 8.1, RFC 9109",
      "somebody on the path answers in the server's name: look at the network",
      judge_answers_forged },
    { "authenticated", "RFC 8915", "choose sources with NTS (nts://)", judge_protected },
    { "certificates", "RFC 8915 section 8.5", "renew the certificate, or tell its operator",
      judge_certificates },
    { "stratum", "RFC 5905 section 7.3", "choose sources closer to a reference clock",
      judge_stratum },
    { "distance", "RFC 5905 section 11.2", "choose sources that are nearer", judge_distance },
    { "leap", "RFC 5905 section 7.3, RFC 8633 section 3.7",
      "take sources out that announce another leap second, or that smear it", judge_leap },
    { "offset", "RFC 5905 section 12", "repair this machine's time service", judge_offset },
    { "kernel", "adjtimex(2)", "start chrony, or another time service", judge_kernel },
    { "daemon", "chronyc(1), ntpq(1)", "see chronyc tracking, chronyc sources", judge_daemon },
    { "amplification", "RFC 8633 section 5.4, RFC 9327",
      "restrict control messages to localhost (noquery), disable mode 7", judge_amplification },
    { "rate-limit", "RFC 5905 section 7.4", "limit the rate: chrony's ratelimit, ntpd's limited",
      judge_rate_limit },
    { NULL, NULL, NULL, NULL },
};
