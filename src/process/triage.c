#include "process/triage.h"

#include "base/clock.h"
#include "base/error.h"
#include "process/cases_private.h"
#include "process/triage_private.h"

#define WAITING_HOURS 12 /* of waiting that weigh one point */
#define WAITING_US (WAITING_HOURS * G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define HUNDREDTHS 100
#define OVERRIDE_FIELD "override"
#define FORMULA_SCHEMA "entente/triage/1"

/* --- inputs --- */

static gboolean is_input(const struct process_field *field)
{
    for (const struct process_choice *choice = field->choices; choice && choice->id; choice++)
        if (choice->score > 0)
            return TRUE;
    return FALSE;
}

static gboolean has_inputs(const struct kind *kind)
{
    for (const struct process_field *field = kind->fields; field && field->id; field++)
        if (is_input(field))
            return TRUE;
    return FALSE;
}

static gint64 score_of(const struct process_field *field, const char *answer)
{
    gint64 lowest = 0;

    for (const struct process_choice *choice = field->choices; choice->id; choice++) {
        if (g_strcmp0(choice->id, answer) == 0)
            return choice->score;
        if (choice->score > 0 && (!lowest || choice->score < lowest))
            lowest = choice->score;
    }
    return lowest;
}

gint64 triage_inputs_score(const struct kind *kind, const json_t *fields)
{
    gint64 product = 1;

    if (!has_inputs(kind))
        return 0;
    for (const struct process_field *field = kind->fields; field->id; field++)
        if (is_input(field))
            product *= score_of(field, json_text(fields, field->id));
    return product;
}

json_t *triage_inputs(const struct kind *kind, const json_t *fields)
{
    json_t *inputs = json_object();

    for (const struct process_field *field = kind->fields; field && field->id; field++)
        if (is_input(field))
            json_object_set_new(inputs, field->id, json_safe_string(json_text(fields, field->id)));
    return inputs;
}

/* --- waiting --- */

/* When the call was accepted or declined; 0: it waits. */
static gint64 decided_us(const struct kase *kase)
{
    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event && entry->verdict == CASE_APPLIED &&
            (g_str_equal(entry->event->event, TRIAGE_ACCEPT) ||
             g_str_equal(entry->event->event, TRIAGE_DECLINE)))
            return entry->clock_us;
    }
    return 0;
}

gboolean triage_is_waiting(const struct kase *kase, const char *self)
{
    const char *word = cases_role_of(kase, self);
    const struct process_role *role = word ? kind_role(kase->kind, word) : NULL;

    return !kase->ended_us && role && role->addressed && has_inputs(kase->kind) &&
           !decided_us(kase);
}

gint64 triage_rank(gint64 inputs_score, gint64 opened_us)
{
    return inputs_score * WAITING_US - opened_us;
}

static gint64 score_at(gint64 inputs_score, gint64 opened_us, gint64 until_us)
{
    const gint64 waited = MAX(until_us - opened_us, 0);

    return inputs_score * HUNDREDTHS + waited / (WAITING_US / HUNDREDTHS);
}

gint64 triage_score(const struct kase *kase, gint64 now_us)
{
    const gint64 decided = decided_us(kase);
    gint64 until = decided ? decided : now_us;

    if (kase->ended_us && kase->ended_us < until)
        until = kase->ended_us;
    return score_at(triage_inputs_score(kase->kind, kase->fields), kase->opened_us, until);
}

/* --- the queue --- */

static json_t *queue_item(struct query *query, gint64 now_us)
{
    const gint64 opened = query_integer(query, 4), score = query_integer(query, 5);
    const char *inputs = query_text(query, 6);
    g_autofree char *time = clock_format(opened);
    json_t *item = json_object();

    json_object_set_new(item, "id", json_safe_string(query_text(query, 0)));
    json_object_set_new(item, "kind", json_safe_string(query_text(query, 1)));
    json_object_set_new(item, "state", json_safe_string(query_text(query, 2)));
    json_object_set_new(item, "title", json_safe_string(query_text(query, 3)));
    json_object_set_new(item, "opened", json_string(time));
    json_object_set_new(item, "inputs", json_loads(inputs ? inputs : "{}", 0, NULL));
    json_object_set_new(item, "product", json_integer(score));
    json_object_set_new(item, "score_hundredths", json_integer(score_at(score, opened, now_us)));
    return item;
}

json_t *triage_queue(struct cases *cases, guint limit, gint64 now_us, GError **error)
{
    g_autoptr(query_t) query = NULL;
    g_autoptr(json_t) list = json_array();
    gint64 total;
    gboolean row;

    if (!cases_number(cases, &total, 0, error, "SELECT count(*) FROM head WHERE rank IS NOT NULL",
                      ""))
        return NULL;
    query = cases_ask(cases, error,
                      "SELECT id, kind, state, title, opened, score, inputs FROM head "
                      "WHERE rank IS NOT NULL ORDER BY rank DESC LIMIT $1",
                      "i", (gint64)CLAMP(limit, 1, CASES_LIST_LIMIT));
    do {
        if (!query || !query_step(query, &row, error))
            return NULL;
        if (row)
            json_array_append_new(list, queue_item(query, now_us));
    } while (row);
    return json_pack("{sOsI}", "queue", list, "total", (json_int_t)total);
}

gboolean triage_may_accept(struct cases *cases, const struct kase *kase, const json_t *fields,
                           GError **error)
{
    const char *reason = json_text(fields, OVERRIDE_FIELD);
    const struct case_state *state = kase->states->pdata[0];
    gint64 before;

    if (!triage_is_waiting(kase, cases->self) || (reason && *reason))
        return TRUE;
    if (!cases_number(cases, &before, 0, error,
                      "SELECT count(*) FROM head WHERE rank > $1 AND kind = $2 AND state = $3",
                      "itt",
                      triage_rank(triage_inputs_score(kase->kind, kase->fields), kase->opened_us),
                      kase->kind->id, state->state))
        return FALSE;
    return before == 0 ||
           policy_error(error,
                        "%" G_GINT64_FORMAT " call%s before this one in the queue (entente help "
                        "queue): to answer it first, say why in the field \"%s\"",
                        before, before == 1 ? " is" : "s are", OVERRIDE_FIELD);
}

/* --- as published --- */

static json_t *input_json(const struct process_field *field)
{
    json_t *choices = json_array();

    for (const struct process_choice *choice = field->choices; choice->id; choice++)
        json_array_append_new(choices, json_pack("{sss{ssss}sI}", "id", choice->id, "title", "en",
                                                 choice->text.en, "fr", choice->text.fr, "weight",
                                                 (json_int_t)choice->score));
    return json_pack("{sss{ssss}sosI}", "field", field->id, "title", "en", field->title.en, "fr",
                     field->title.fr, "choices", choices, "unanswered",
                     (json_int_t)score_of(field, NULL));
}

/* {id: title} of the choices of a row, made when there is one. */
static json_t *choices_of(json_t *row)
{
    if (!json_object_get(row, "choices"))
        json_object_set_new(row, "choices", json_object());
    return json_object_get(row, "choices");
}

/* What a call may say without any effect on its place: the fields of its opening but the inputs. */
static json_t *others_json(const struct kind *kind)
{
    json_t *list = json_array();

    for (const struct process_field *field = kind->fields; field->id; field++) {
        json_t *row;

        if (is_input(field) || !(kind_list_has(kind->opens_with, field->id) ||
                                 kind_list_has(kind->opens_may, field->id)))
            continue;
        row = json_pack("{sss{ssss}}", "field", field->id, "title", "en", field->title.en, "fr",
                        field->title.fr);
        for (const struct process_choice *choice = field->choices; choice && choice->id; choice++)
            json_object_set_new(choices_of(row), choice->id,
                                json_pack("{ssss}", "en", choice->text.en, "fr", choice->text.fr));
        json_array_append_new(list, row);
    }
    return list;
}

json_t *triage_formula(void)
{
    json_t *list = json_array();

    for (const struct kind *kind = kinds; kind->id; kind++) {
        g_autoptr(GString) formula = g_string_new(NULL);
        json_t *inputs;

        if (!has_inputs(kind))
            continue;
        inputs = json_array();
        for (const struct process_field *field = kind->fields; field->id; field++) {
            if (!is_input(field))
                continue;
            g_string_append_printf(formula, "%s%s", formula->len ? " x " : "", field->id);
            json_array_append_new(inputs, input_json(field));
        }
        g_string_append_printf(formula, " + waiting hours / %d", WAITING_HOURS);
        json_array_append_new(list, json_pack("{sss{ssss}sssososi}", "kind", kind->id, "title",
                                              "en", kind->title.en, "fr", kind->title.fr, "formula",
                                              formula->str, "inputs", inputs, "not_inputs",
                                              others_json(kind), "waiting_hours", WAITING_HOURS));
    }
    return json_pack("{ssso}", "schema", FORMULA_SCHEMA, "kinds", list);
}
