/*
 * duties.c: judges of what this organisation owes others: answers, acknowledgements, drills, its
 * contact record, its witness, its reviews. Facts: cooperation.h.
 */
#include "assess/cooperation.h"
#include "base/clock.h"
#include "catalogue_judges.h"

#include <string.h>

#define NO_COMMUNITY "no community was joined here (entente join)"
#define NO_CASES "no case was ever opened or received here"
#define HOUR_S 3600
#define TEXT_DATE 10 /* "2026-11-22" */

/* The fact, or NULL after saying why there is none. `unused`: what a null means. */
static const json_t *fact(const struct asset_view *view, struct finding *finding,
                          const char *member, const char *unused)
{
    const json_t *value = json_object_get(view->cooperation, member);
    const char *why = json_text(json_object_get(view->cooperation, "errors"), member);

    if (json_is_object(value))
        return value;
    if (why)
        finding_not_measured(finding, REASON_UNREADABLE, "%s", why);
    else
        finding_not_applicable(finding, REASON_NOT_USED, "%s", unused);
    return NULL;
}

static void check_number(struct finding *finding, const char *key, gint64 number, gint64 most)
{
    g_autofree char *found = g_strdup_printf("%" G_GINT64_FORMAT, number);
    g_autofree char *wanted = g_strdup_printf("%" G_GINT64_FORMAT, most);

    finding_check(finding, number <= most, NULL, 0, key, found, wanted);
}

/* --- clocks --- */

/* How one clock was kept in a year: late ones warn, those never met fail. */
static void judge_kept(struct finding *finding, const json_t *kept, const char *key,
                       const char *none)
{
    const gint64 in_time = json_number(kept, "in_time", 0), late = json_number(kept, "late", 0),
                 missed = json_number(kept, "missed", 0);
    g_autofree char *found = NULL;

    if (in_time + late + missed == 0) {
        finding_not_applicable(finding, REASON_NOT_USED, "%s", none);
        return;
    }
    found = g_strdup_printf("%" G_GINT64_FORMAT " in time, %" G_GINT64_FORMAT
                            " late, %" G_GINT64_FORMAT " not",
                            in_time, late, missed);
    (missed ? finding_fail
     : late ? finding_warn
            : finding_pass)(finding, NULL, 0, key, found, "all in time");
}

static void judge_acknowledged(const struct asset_view *view, struct finding *finding,
                               const char *kind, const char *none)
{
    const json_t *cases = fact(view, finding, "cases", NO_CASES);

    if (cases)
        judge_kept(finding, json_object_get(json_object_get(cases, "acknowledged"), kind), kind,
                   none);
}

void judge_org_duty_assistance_acknowledged(const struct asset_view *view, struct finding *finding)
{
    judge_acknowledged(view, finding, "assistance", "nobody called for help in the last year");
}

void judge_org_duty_abuse_acknowledged(const struct asset_view *view, struct finding *finding)
{
    judge_acknowledged(view, finding, "abuse", "nobody reported abuse in the last year");
}

void judge_org_duty_alarms_acknowledged(const struct asset_view *view, struct finding *finding)
{
    judge_acknowledged(view, finding, "alarm", "no live source raised an alarm in the last year");
}

void judge_org_duty_contact_answers(const struct asset_view *view, struct finding *finding)
{
    const json_t *cases = fact(view, finding, "cases", NO_CASES);

    if (cases)
        judge_kept(finding, json_object_get(cases, "drills_answered"), "drills",
                   "nobody tried our contact points in the last year");
}

void judge_org_duty_cases_in_time(const struct asset_view *view, struct finding *finding)
{
    const json_t *cases = fact(view, finding, "cases", NO_CASES), *clocks, *number;
    const char *kind, *clock;

    if (!cases)
        return;
    check_number(finding, "overdue", json_number(cases, "overdue_total", 0), 0);
    json_object_foreach(json_object_get(cases, "overdue"), kind, clocks)
    {
        json_object_foreach((json_t *)clocks, clock, number)
        {
            g_autofree char *key = g_strdup_printf("%s: %s", kind, clock);

            check_number(finding, key, json_integer_value(number), 0);
        }
    }
}

/* Twice a year is the measure of the directory of points of contact; once a year the least. */
void judge_org_duty_drills_done(const struct asset_view *view, struct finding *finding)
{
    const json_t *community = fact(view, finding, "community", NO_COMMUNITY), *cases, *asked;
    gint64 answered, silent;
    g_autofree char *found = NULL;

    if (!community)
        return;
    cases = json_object_get(view->cooperation, "cases");
    if (json_text(json_object_get(view->cooperation, "errors"), "cases")) {
        finding_not_measured(finding, REASON_UNREADABLE, "cases.db");
        return;
    }
    asked = json_object_get(cases, "drills_asked");
    answered = json_number(asked, "in_time", 0) + json_number(asked, "late", 0);
    silent = json_number(asked, "missed", 0);
    found = g_strdup_printf("%" G_GINT64_FORMAT " answered, %" G_GINT64_FORMAT " not", answered,
                            silent);
    if (answered + silent == 0)
        finding_fail(finding, NULL, 0, "drills in a year", "none", "one answered, or more");
    else if (answered == 0)
        finding_warn(finding, NULL, 0, "drills in a year", found, "one answered, or more");
    else
        finding_pass(finding, NULL, 0, "drills in a year", found, "one answered, or more");
}

/* --- the contact record --- */

static void check_date(const struct asset_view *view, struct finding *finding, const char *key,
                       const char *date)
{
    g_autofree char *wanted = NULL, *today = clock_format(view->now_us);
    gint64 due_us;

    today[TEXT_DATE] = '\0';
    if (!date || !clock_parse(date, &due_us, NULL))
        return;
    wanted = g_strdup_printf("by %s", date);
    finding_check(finding, strcmp(today, date) <= 0, NULL, 0, key,
                  strcmp(today, date) <= 0 ? "not due yet" : "not done", wanted);
}

void judge_org_duty_contact_record(const struct asset_view *view, struct finding *finding)
{
    const json_t *community = fact(view, finding, "community", NO_COMMUNITY), *contacts, *contact;
    size_t index;

    if (!community)
        return;
    contacts = json_object_get(view->cooperation, "contacts");
    if (!json_is_object(contacts)) {
        const char *why = json_text(json_object_get(view->cooperation, "errors"), "contacts");

        if (why)
            finding_not_measured(finding, REASON_UNREADABLE, "%s", why);
        else
            finding_fail(finding, NULL, 0, "contacts", "none kept", "entente contact set");
        return;
    }
    json_array_foreach(json_object_get(contacts, "contacts"), index, contact)
    {
        g_autofree char *key = g_strdup_printf("%s verified", json_text(contact, "role"));

        if (json_text(contact, "verify_due"))
            check_date(view, finding, key, json_text(contact, "verify_due"));
        else
            finding_fail(finding, NULL, 0, key, "never", "every 180 days");
    }
    check_date(view, finding, "change handed in", json_text(contacts, "notice_due"));
    if (json_text(contacts, "refresh_due"))
        check_date(view, finding, "record handed in anew", json_text(contacts, "refresh_due"));
    else if (!json_text(contacts, "notice_due"))
        finding_fail(finding, NULL, 0, "record", "never handed in", "entente contact publish");
}

/* --- the witness --- */

void judge_org_duty_witness(const struct asset_view *view, struct finding *finding)
{
    const json_t *community = fact(view, finding, "community", NO_COMMUNITY), *witness;
    g_autofree char *found = NULL, *wanted = NULL;
    gint64 age_s, most_s;

    if (!community)
        return;
    witness = json_object_get(community, "witness");
    if (!json_is_object(witness)) {
        finding_not_applicable(finding, REASON_ROLE, "the policy of %s names no witness of ours",
                               json_text(community, "origin"));
        return;
    }
    if (!json_object_get(community, "checkpoint_age_s")) {
        finding_not_measured(finding, REASON_NO_RECORD, "no trusted checkpoint is known here yet");
        return;
    }
    age_s = json_number(witness, "age_s", 0);
    most_s = json_number(community, "max_age_s", 0);
    wanted = g_strdup_printf("on the newest checkpoint, at most %" G_GINT64_FORMAT " h old",
                             most_s / HOUR_S);
    if (!json_is_true(json_object_get(witness, "cosigned"))) {
        finding_fail(finding, NULL, 0, "our cosignature", "missing", wanted);
        return;
    }
    found = g_strdup_printf("%" G_GINT64_FORMAT " h old", age_s / HOUR_S);
    finding_check(finding, age_s <= most_s, NULL, 0, "our cosignature", found, wanted);
}

/* --- reviews --- */

static gboolean is_past(const struct asset_view *view, const json_t *draw)
{
    const char *due = json_text(json_object_get(draw, "draw"), "due");
    gint64 due_us;

    return due && clock_parse(due, &due_us, NULL) && due_us < view->now_us;
}

/* What was drawn of ours: opened in time, so that a reviewer could look at it. */
static void judge_own_draw(const struct asset_view *view, struct finding *finding,
                           const json_t *draw)
{
    const json_t *reviews = json_object_get(draw, "reviews"), *review;
    gboolean answered = FALSE;
    size_t index;

    if (!json_is_object(json_object_get(draw, "draw")))
        return;
    json_array_foreach(reviews, index, review)
    {
        const char *verdict = json_text(review, "verdict");
        const gboolean good = g_strcmp0(verdict, "confirmed") == 0;

        if (json_is_true(json_object_get(review, "disputed")))
            continue;
        answered = TRUE;
        finding_check(finding, good, NULL, 0, json_text(review, "by_domain"), verdict, "confirmed");
    }
    if (!answered && is_past(view, draw))
        finding_fail(finding, NULL, 0, "our assessment", "not reviewed in time",
                     "entente review open, for the reviewers drawn");
    else if (!answered)
        finding_pass(finding, NULL, 0, "our assessment", "drawn, not due yet", NULL);
}

void judge_org_duty_reviews(const struct asset_view *view, struct finding *finding)
{
    const json_t *community = fact(view, finding, "community", NO_COMMUNITY), *draw;
    size_t index;

    if (!community)
        return;
    judge_own_draw(view, finding, json_object_get(community, "assessment"));
    json_array_foreach(json_object_get(community, "to_review"), index, draw)
    {
        const char *domain = json_text(json_object_get(draw, "assessment"), "domain");

        finding_check(finding, !is_past(view, draw), NULL, 0, domain,
                      is_past(view, draw) ? "waits for our review past its day"
                                          : "waits for our review",
                      "reviewed in time");
    }
    finding_not_applicable(finding, REASON_NOT_USED, "nothing was drawn of us or for us");
}
