#include "delivery/echo.h"

#define KIND "drill"
#define ECHO "echo"
#define ECHOED "echoed" /* the state */
#define JUDGE "judge"
#define LEVEL "level"
#define AUTOMATIC "l1"
#define NONCE "nonce"
#define AT_ONCE 100

static gboolean may(const struct kase *kase, const char *self, const char *event)
{
    g_autoptr(GPtrArray) options = case_options(kase, self);

    for (guint i = 0; i < options->len; i++) {
        const struct case_option *option = options->pdata[i];

        if (g_str_equal(option->step->event, event))
            return TRUE;
    }
    return FALSE;
}

static gboolean say(struct cases *cases, const char *id, const char *event, const json_t *fields,
                    const struct signing_key *key, gint64 now_us)
{
    const struct case_draft draft = { .id = id, .event = event, .fields = fields };
    g_autoptr(GError) failure = NULL;
    g_autofree char *hash = NULL;
    gboolean done;

    if (cases_say(cases, &draft, key, now_us, NULL, &hash, &done, &failure))
        return TRUE;
    g_debug("drill %s: no \"%s\": %s", id, event, failure->message);
    return FALSE;
}

/* The number that an event of the case gave, the first one of that name. */
static const char *nonce_of(const struct kase *kase, const char *event)
{
    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event && entry->verdict == CASE_APPLIED &&
            g_str_equal(entry->event->event, event))
            return json_text(entry->event->fields, NONCE);
    }
    return NULL;
}

/* Whether something was said. */
typedef gboolean (*drill_fn)(struct cases *cases, const struct kase *kase, const char *id,
                             const char *self, const struct signing_key *key, gint64 now_us);

static gboolean echo_one(struct cases *cases, const struct kase *kase, const char *id,
                         const char *self, const struct signing_key *key, gint64 now_us)
{
    const char *nonce = nonce_of(kase, CASE_EVENT_OPEN);
    g_autoptr(json_t) fields = nonce ? json_pack("{s:s}", NONCE, nonce) : NULL;

    return fields && may(kase, self, ECHO) && say(cases, id, ECHO, fields, key, now_us);
}

static gboolean judge_one(struct cases *cases, const struct kase *kase, const char *id,
                          const char *self, const struct signing_key *key, gint64 now_us)
{
    const gboolean good = g_strcmp0(nonce_of(kase, CASE_EVENT_OPEN), nonce_of(kase, ECHO)) == 0;
    g_autoptr(json_t) fields = json_pack("{s:s}", "result", good ? "ok" : "wrong-answer");

    return may(kase, self, JUDGE) && say(cases, id, JUDGE, fields, key, now_us);
}

static gboolean each_drill(struct cases *cases, const struct cases_filter *filter, drill_fn act,
                           const char *self, const struct signing_key *key, gint64 now_us,
                           guint *acted, GError **error)
{
    g_autoptr(json_t) list = cases_list(cases, filter, now_us, error);
    const json_t *row;
    size_t i;

    *acted = 0;
    json_array_foreach(json_object_get(list, "cases"), i, row)
    {
        const char *id = json_text(row, "id");
        const struct kase *kase = id ? cases_get(cases, id, now_us, NULL) : NULL;

        if (kase && g_strcmp0(json_text(kase->fields, LEVEL), AUTOMATIC) == 0)
            *acted += act(cases, kase, id, self, key, now_us);
    }
    return list != NULL;
}

gboolean echo_drills(struct cases *cases, const char *self, const struct signing_key *key,
                     gint64 now_us, guint *echoed, GError **error)
{
    const struct cases_filter filter = { .kind = KIND, .mine = TRUE, .limit = AT_ONCE };

    return each_drill(cases, &filter, echo_one, self, key, now_us, echoed, error);
}

gboolean echo_judge(struct cases *cases, const char *self, const struct signing_key *key,
                    gint64 now_us, GError **error)
{
    const struct cases_filter filter = { .kind = KIND, .state = ECHOED, .limit = AT_ONCE };
    guint judged;

    return each_drill(cases, &filter, judge_one, self, key, now_us, &judged, error);
}
