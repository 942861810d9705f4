/* cases_alarm.c: what live sources saw, as cases of kind "alarm": one open case for each thing. */
#include "base/error.h"
#include "process/cases_private.h"

#include <string.h>

#define ALARM_KIND "alarm"
#define CLEARED "cleared"
#define REPEAT "repeat" /* while it stands */
#define RETURN "return" /* after its source had cleared it */
#define RAISED "raised" /* and nobody acknowledged it */
#define CLEAR "clear"
#define EVIDENCE_STEP 512 /* bytes of a text that says it was seen again */

static char *find_open(struct cases *cases, const char *alarm_key, char **state, GError **error)
{
    g_autoptr(query_t) query = cases_ask(
        cases, error,
        "SELECT id, state FROM head WHERE ended = 0 AND topic = $1 AND topic <> '' AND kind = $2 "
        "ORDER BY opened LIMIT 1",
        "tt", alarm_key, ALARM_KIND);
    gboolean row;

    if (!query || !query_step(query, &row, error) || !row)
        return NULL;
    *state = cases_text_column(query, 1);
    return cases_text_column(query, 0);
}

static json_t *alarm_fields(const char *source, const char *alarm_key, const char *severity,
                            const char *text)
{
    const gsize line = strcspn(text, "\r\n");
    g_autofree char *title = g_strndup(text, MIN(line, CASES_TITLE_LENGTH));
    json_t *fields = json_object();

    json_object_set_new(fields, "source", json_safe_string(source));
    json_object_set_new(fields, CASES_TOPIC_FIELD, json_safe_string(alarm_key));
    json_object_set_new(fields, "severity", json_safe_string(severity));
    json_object_set_new(fields, "title", json_safe_string(title));
    if (text[line])
        json_object_set_new(fields, "evidence", json_safe_string(text));
    return fields;
}

static json_t *repeat_fields(const char *severity, const char *text)
{
    g_autofree char *evidence = g_strndup(text, EVIDENCE_STEP);
    json_t *fields = json_object();

    json_object_set_new(fields, "severity", json_safe_string(severity));
    json_object_set_new(fields, "evidence", json_safe_string(evidence));
    return fields;
}

gboolean cases_alarm(struct cases *cases, const struct signing_key *key, const char *source,
                     const char *alarm_key, const char *severity, const char *text, gint64 now_us,
                     char **id, GError **error)
{
    g_autoptr(GError) unread = NULL;
    g_autofree char *state = NULL, *open = find_open(cases, alarm_key, &state, &unread);
    g_autoptr(json_t) fields = NULL;
    struct case_draft draft = { .kind = ALARM_KIND, .event = CASE_EVENT_OPEN };
    gboolean done;

    if (unread) {
        g_propagate_error(error, g_steal_pointer(&unread));
        return FALSE;
    }
    if (open) {
        draft.id = open;
        draft.event = g_str_equal(state, CLEARED) ? RETURN : REPEAT;
        fields = repeat_fields(severity, text);
    } else {
        fields = alarm_fields(source, alarm_key, severity, text);
    }
    draft.fields = fields;
    return cases_say(cases, &draft, key, now_us, id, NULL, &done, error);
}

gboolean cases_alarm_stands(struct cases *cases, const char *alarm_key, gboolean *stands,
                            GError **error)
{
    g_autoptr(GError) unread = NULL;
    g_autofree char *state = NULL, *open = find_open(cases, alarm_key, &state, &unread);

    if (unread) {
        g_propagate_error(error, g_steal_pointer(&unread));
        return FALSE;
    }
    *stands = open && !g_str_equal(state, CLEARED);
    return TRUE;
}

gboolean cases_alarm_is_open(struct cases *cases, const char *alarm_key, gboolean *is_open,
                             GError **error)
{
    g_autoptr(GError) unread = NULL;
    g_autofree char *state = NULL, *open = find_open(cases, alarm_key, &state, &unread);

    *is_open = open != NULL;
    if (!unread)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&unread));
    return FALSE;
}

gboolean cases_alarms_since(struct cases *cases, const char *key_prefix, gint64 since_us,
                            guint *count, GError **error)
{
    gint64 number = 0;
    const gboolean is_read =
        cases_number(cases, &number, 0, error,
                     "SELECT COUNT(*) FROM head WHERE kind = $1 AND opened >= $2 "
                     "AND substr(topic, 1, length($3)) = $3",
                     "tit", ALARM_KIND, since_us, key_prefix);

    *count = (guint)number;
    return is_read;
}

gboolean cases_alarm_over(struct cases *cases, const struct signing_key *key, const char *alarm_key,
                          const char *text, gint64 now_us, GError **error)
{
    g_autoptr(GError) unread = NULL;
    g_autofree char *state = NULL, *open = find_open(cases, alarm_key, &state, &unread);
    g_autofree char *evidence = g_strndup(text, EVIDENCE_STEP);
    g_autoptr(json_t) fields = NULL;
    struct case_draft draft = { .kind = ALARM_KIND, .id = open };
    gboolean done;

    if (unread) {
        g_propagate_error(error, g_steal_pointer(&unread));
        return FALSE;
    }
    if (!open || g_str_equal(state, CLEARED))
        return TRUE;
    fields = json_pack("{s:o}", "evidence", json_safe_string(evidence));
    draft.event = g_str_equal(state, RAISED) ? CLEAR : REPEAT;
    draft.fields = fields;
    return cases_say(cases, &draft, key, now_us, NULL, NULL, &done, error);
}
