#include "assess/answers.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "catalogue_judges.h"
#include "journal/records.h"

#include <string.h>

#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define YEAR_DAYS 366
#define QUARTER_DAYS 92

static const char *const values[] = { "", "yes", "no", "partly", "not-applicable" };

static const struct {
    const char *measure;
    guint max_age_days;
} questions[] = {
    { "org.admin-workstations", YEAR_DAYS }, { "org.asset-inventory", QUARTER_DAYS },
    { "org.awareness-training", YEAR_DAYS }, { "org.election-paper", YEAR_DAYS },
    { "org.election-plan", YEAR_DAYS },      { "org.incident-drill", YEAR_DAYS },
    { "org.leavers", QUARTER_DAYS },         { "org.malware-handling", YEAR_DAYS },
    { "org.no-hack-back", 2 * YEAR_DAYS },   { "org.norms-owner", YEAR_DAYS },
    { "org.security-contact", YEAR_DAYS },   { "org.testing-consent", 2 * YEAR_DAYS },
    { "org.tool-transfers", YEAR_DAYS },
};

const char *answer_value_name(enum answer_value value)
{
    return values[value];
}

gboolean answer_value_parse(const char *text, enum answer_value *value, GError **error)
{
    for (guint i = ANSWER_YES; i < G_N_ELEMENTS(values); i++)
        if (g_str_equal(values[i], text)) {
            *value = i;
            return TRUE;
        }
    return input_error(error, "\"%s\" is not an answer (yes, no, partly, not-applicable)", text);
}

void answer_clear(struct answer *answer)
{
    g_clear_pointer(&answer->note, g_free);
}

guint answer_max_age_days(const struct measure *measure)
{
    for (guint i = 0; i < G_N_ELEMENTS(questions); i++)
        if (g_str_equal(questions[i].measure, measure->id))
            return questions[i].max_age_days;
    return 0;
}

/* "2026-11-01": answers are about days. */
static char *format_day(gint64 time_us)
{
    g_autofree char *text = clock_format(time_us);

    return g_strndup(text, strlen("0000-00-00"));
}

void answer_find(const struct records *records, const char *measure, struct answer *answer)
{
    const struct event *event = records_latest(records, ANSWER_EVENT, measure);
    g_autoptr(json_t) body = NULL;
    const char *value, *date;

    memset(answer, 0, sizeof *answer);
    if (!event)
        return;
    body = json_parse(g_bytes_get_data(event->body, NULL), g_bytes_get_size(event->body),
                      JOURNAL_BODY_MAX, "answer", NULL);
    value = body ? json_text(body, "value") : NULL;
    date = body ? json_text(body, "date") : NULL;
    if (!value || !date || !clock_parse(date, &answer->date_us, NULL) ||
        !answer_value_parse(value, &answer->value, NULL))
        return;
    answer->note = g_strdup(json_text(body, "note"));
}

gboolean answer_record(struct journal *journal, const struct measure *measure,
                       const struct answer *answer, gint64 now_us, GError **error)
{
    g_autofree char *day = format_day(answer->date_us);
    g_autofree char *text = NULL;
    g_autoptr(json_t) body = json_object();

    if (answer_max_age_days(measure) == 0)
        return input_error(error, "%s is measured, not answered; see entente answer --list",
                           measure->id);
    if (answer->date_us > now_us)
        return input_error(error, "%s is in the future; answer when it has happened", day);
    if (answer->note && strlen(answer->note) > ANSWER_NOTE_MAX)
        return input_error(error, "the note is longer than %d bytes", ANSWER_NOTE_MAX);
    if (answer->value == ANSWER_NOT_APPLICABLE && (!answer->note || !*answer->note))
        return input_error(error, "not-applicable needs a --note that says why");
    json_object_set_new(body, "value", json_string(values[answer->value]));
    json_object_set_new(body, "date", json_string(day));
    if (answer->note)
        json_object_set_new(body, "note", json_safe_string(answer->note));
    text = json_dumps(body, JSON_COMPACT);
    return journal_note(journal, ANSWER_EVENT, NULL, measure->id, text, error);
}

static void judge(const struct asset_view *view, struct finding *finding)
{
    guint days = 0;
    struct answer answer;
    g_autofree char *day = NULL, *found = NULL, *wanted = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(questions); i++)
        if (g_str_equal(questions[i].measure, finding->measure))
            days = questions[i].max_age_days;
    answer_find(view->journal, finding->measure, &answer);
    if (answer.value == ANSWER_NONE) {
        finding_not_measured(finding, REASON_NO_RECORD, "entente answer %s", finding->measure);
        return;
    }
    day = format_day(answer.date_us);
    found = g_strdup_printf("%s, self-declared for %s%s%s", values[answer.value], day,
                            answer.note ? ": " : "", answer.note ? answer.note : "");
    wanted = g_strdup_printf("yes, at most %u days old", days);
    if (answer.value == ANSWER_NO)
        finding_fail(finding, NULL, 0, "answer", found, wanted);
    else if (view->now_us - answer.date_us > days * DAY_US || answer.value == ANSWER_PARTLY)
        finding_warn(finding, NULL, 0, "answer", found, wanted);
    else if (answer.value == ANSWER_NOT_APPLICABLE)
        finding_not_applicable(finding, REASON_NOT_USED, "%s", found);
    else
        finding_pass(finding, NULL, 0, "answer", found, wanted);
    answer_clear(&answer);
}

/* Every question is judged alike; the catalogue wants a function each. */
#define QUESTION(NAME)                                                                             \
    void judge_org_##NAME(const struct asset_view *view, struct finding *finding)                  \
    {                                                                                              \
        judge(view, finding);                                                                      \
    }

QUESTION(admin_workstations)
QUESTION(asset_inventory)
QUESTION(awareness_training)
QUESTION(election_paper)
QUESTION(election_plan)
QUESTION(incident_drill)
QUESTION(leavers)
QUESTION(malware_handling)
QUESTION(no_hack_back)
QUESTION(norms_owner)
QUESTION(security_contact)
QUESTION(testing_consent)
QUESTION(tool_transfers)
