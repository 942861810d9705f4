#include "cli/contact_result.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define AUTOMATIC "l1"
#define CLOCK "answer"
#define REFUSALS_LIMIT 1000u
#define HUNDRED 100
#define P90 90

/* --- one drill --- */

static const char *contact_of(const struct kase *kase)
{
    for (guint i = 0; i < kase->parties->len; i++) {
        const struct case_party *party = kase->parties->pdata[i];
        const struct process_role *role = kind_role(kase->kind, party->role);

        if (role && role->addressed)
            return party->id;
    }
    return NULL;
}

static gint64 due_of(const struct kase *kase)
{
    for (guint i = 0; i < kase->clocks->len; i++) {
        const struct case_clock *clock = kase->clocks->pdata[i];

        if (g_str_equal(clock->clock->id, CLOCK))
            return clock->due_us;
    }
    return 0;
}

/* The first answer: an echo is one only where the drill asks for no person. */
static const struct case_entry *answer_in(const struct kase *kase, gboolean automatic)
{
    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event && entry->verdict == CASE_APPLIED &&
            (g_str_equal(entry->event->event, "answer") ||
             (automatic && g_str_equal(entry->event->event, "echo"))))
            return entry;
    }
    return NULL;
}

static const char *nonce_of_opening(const struct kase *kase)
{
    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event && g_str_equal(entry->event->event, CASE_EVENT_OPEN))
            return json_text(entry->event->fields, "nonce");
    }
    return NULL;
}

static gboolean is_of_a_key(const char *reason)
{
    static const enum case_verdict verdicts[] = { CASE_SIGNATURE, CASE_UNKNOWN_KEY, CASE_REVOKED,
                                                  CASE_EXPIRED };

    for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++)
        if (g_strcmp0(case_verdict_name(verdicts[i]), reason) == 0)
            return TRUE;
    return FALSE;
}

/* What the ledger of delivery knows about this contact since then; NULL: nothing. */
static const char *trouble_with(struct casework *work, const char *contact, gint64 since_us)
{
    g_autoptr(json_t) refusals = ledger_refusals(work->office->ledger, REFUSALS_LIMIT, NULL);
    const json_t *refusal;
    size_t index;

    json_array_foreach(refusals, index, refusal)
    {
        gint64 time_us = 0;

        clock_parse(json_text(refusal, "time"), &time_us, NULL);
        if (time_us < since_us || g_strcmp0(json_text(refusal, "who"), contact) != 0)
            continue;
        if (json_is_true(json_object_get(refusal, "ours")))
            return "bounced";
        if (is_of_a_key(json_text(refusal, "reason")))
            return "wrong-key";
    }
    return NULL;
}

static const char *result_of(struct casework *work, const struct kase *kase,
                             const struct case_entry *answer, const char *contact, gint64 due_us)
{
    const char *trouble;

    if (answer && g_strcmp0(json_text(answer->event->fields, "nonce"), nonce_of_opening(kase)) != 0)
        return "wrong-answer";
    if (answer)
        return due_us && answer->clock_us > due_us ? "late" : "ok";
    if (!contact || !casework_can_reach(work, contact))
        return "bounced";
    trouble = trouble_with(work, contact, kase->opened_us);
    if (trouble)
        return trouble;
    return kase->ended_us || (due_us && due_us <= work->now_us) ? "silent" : "waiting";
}

static void set_time(json_t *object, const char *member, gint64 time_us)
{
    g_autofree char *text = clock_format(time_us);

    json_object_set_new(object, member, json_string(text));
}

json_t *contact_result(struct casework *work, const struct kase *kase)
{
    const char *level = json_text(kase->fields, "level"), *contact = contact_of(kase);
    const struct case_entry *answer = answer_in(kase, g_strcmp0(level, AUTOMATIC) == 0);
    const gint64 due_us = due_of(kase);
    json_t *result = json_object();

    json_object_set_new(result, "case", json_string(kase->id));
    json_object_set_new(result, "contact", json_safe_string(contact));
    json_object_set_new(result, "level", json_safe_string(level));
    set_time(result, "sent", kase->opened_us);
    if (due_us)
        set_time(result, "due", due_us);
    if (answer) {
        set_time(result, "answered", answer->clock_us);
        json_object_set_new(
            result, "answered_after_s",
            json_integer(MAX(answer->clock_us - kase->opened_us, 0) / G_USEC_PER_SEC));
        json_object_set_new(
            result, "human",
            json_boolean(json_is_true(json_object_get(answer->event->fields, "human"))));
    }
    json_object_set_new(result, "result",
                        json_string(result_of(work, kase, answer, contact, due_us)));
    return result;
}

/* --- many --- */

static int compare_numbers(const void *left, const void *right)
{
    const gint64 a = *(const gint64 *)left, b = *(const gint64 *)right;

    return (a > b) - (a < b);
}

/* The least number that `percent` of them do not exceed (nearest rank). */
static json_t *percentile(const GArray *sorted, guint percent)
{
    const guint rank = (sorted->len * percent + HUNDRED - 1) / HUNDRED;

    return sorted->len ? json_integer(g_array_index(sorted, gint64, MAX(rank, 1) - 1))
                       : json_null();
}

json_t *contact_summary(const json_t *results)
{
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(gint64));
    gint64 ended = 0, ok = 0;
    const json_t *result;
    size_t index;

    json_array_foreach(results, index, result)
    {
        const char *word = json_text(result, "result");
        const gint64 took = json_number(result, "answered_after_s", -1);

        ended += !g_str_equal(word, "waiting");
        ok += g_str_equal(word, "ok");
        if (took >= 0)
            g_array_append_val(times, took);
    }
    g_array_sort(times, compare_numbers);
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "sent",
                     (json_int_t)json_array_size(results), "ended", (json_int_t)ended, "ok",
                     (json_int_t)ok, "failed", (json_int_t)(ended - ok), "rate_percent",
                     ended ? json_integer(ok * HUNDRED / ended) : json_null(), "median_s",
                     percentile(times, HUNDRED / 2), "p90_s", percentile(times, P90));
}
