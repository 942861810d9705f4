/*
 * clock_check.h: one check of time: all sources asked at once, what they agree on, own servers,
 * and this machine's clock beside it. The result is data; it is judged row by row.
 */
#pragma once
#include "base/json.h"
#include "p2_internet/clock/agreement.h"
#include "p2_internet/clock/amplify.h"
#include "p2_internet/clock/local.h"
#include "p2_internet/clock/measure.h"
#include "p2_internet/clock/refusal.h"

#define CLOCK_SOURCES_MAX 64u
#define CLOCK_EVENT "clock-check" /* in the journal, with this key */
#define CLOCK_KEY "clock"

struct clock_plan {
    GPtrArray *sources, *servers; /* struct clock_source *: to ask, and own ones to probe */
    struct measure_options options;
    const char *chrony;        /* as for local_clock_read() */
    gboolean local;            /* whether this machine is looked at */
    struct refusals *refusals; /* who is not asked, and learns who will not be; NULL: all are */
    gboolean ask_again;        /* who refused is asked all the same */
};

/* What became of a source. */
enum clock_word {
    CLOCK_AGREES,
    CLOCK_FALSE,    /* it lies outside of what the majority says */
    CLOCK_UNJUDGED, /* there is no majority, or its certificate is out of time */
    CLOCK_SILENT,   /* no usable answer */
};
const char *clock_word_name(enum clock_word word);

struct clock_row {
    const struct clock_source *source; /* borrowed from the plan */
    struct measured measured;
    enum clock_word word;
    gboolean counted; /* whether it had a part in the agreement */
};

struct clock_report {
    gint64 time_us; /* when it began, by this machine's clock */
    struct clock_row *rows;
    guint count, counted;
    struct clock_agreement agreement;
    struct local_clock local;
    gboolean has_local;
    GPtrArray *servers; /* borrowed from the plan */
    struct amplified *amplified;
};
typedef struct clock_report clock_report_t;

/* Runs programs first and threads then. Never fails: what failed is in the report. */
void clock_check(const struct clock_plan *plan, struct clock_report *report);
void clock_report_clear(struct clock_report *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(clock_report_t, clock_report_clear)

enum clock_outcome { CLOCK_PASS, CLOCK_WARN, CLOCK_FAIL, CLOCK_UNKNOWN };
const char *clock_outcome_name(enum clock_outcome outcome); /* "pass", ... */

/* One judgement of a report; the table of all is in clock_judge.c. */
struct clock_judgement {
    const char *id;        /* "sources", "majority", ... */
    const char *reference; /* "RFC 8633 section 3.2" */
    const char *fix;
    enum clock_outcome (*judge)(const struct clock_report *report, GString *detail);
};
extern const struct clock_judgement clock_judgements[]; /* ends with a NULL id */

/* As docs/schema/clock-check.json. */
json_t *clock_report_json(const struct clock_report *report);
