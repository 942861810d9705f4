#include "delivery/echo.h"

#define KIND "drill"
#define ECHO "echo"
#define LEVEL "level"
#define AUTOMATIC "l1"
#define NONCE "nonce"
#define AT_ONCE 100

static gboolean may_echo(const struct kase *kase, const char *self)
{
    g_autoptr(GPtrArray) options = case_options(kase, self);

    for (guint i = 0; i < options->len; i++) {
        const struct case_option *option = options->pdata[i];

        if (g_str_equal(option->step->event, ECHO))
            return TRUE;
    }
    return FALSE;
}

static gboolean echo_one(struct cases *cases, const char *id, const char *self,
                         const struct signing_key *key, gint64 now_us, guint *echoed)
{
    const struct kase *kase = cases_get(cases, id, now_us, NULL);
    const char *nonce = kase ? json_text(kase->fields, NONCE) : NULL;
    g_autoptr(json_t) fields = NULL;
    g_autoptr(GError) failure = NULL;
    g_autofree char *event = NULL;
    gboolean done;

    if (!nonce || g_strcmp0(json_text(kase->fields, LEVEL), AUTOMATIC) != 0 ||
        !may_echo(kase, self))
        return TRUE;
    fields = json_pack("{s:s}", NONCE, nonce);
    if (cases_say(cases, &(struct case_draft){ .id = id, .event = ECHO, .fields = fields }, key,
                  now_us, NULL, &event, &done, &failure))
        ++*echoed;
    else
        g_debug("drill %s is not echoed: %s", id, failure->message);
    return TRUE;
}

gboolean echo_drills(struct cases *cases, const char *self, const struct signing_key *key,
                     gint64 now_us, guint *echoed, GError **error)
{
    const struct cases_filter filter = { .kind = KIND, .mine = TRUE, .limit = AT_ONCE };
    g_autoptr(json_t) list = cases_list(cases, &filter, now_us, error);
    const json_t *row;
    size_t i;

    *echoed = 0;
    json_array_foreach(json_object_get(list, "cases"), i, row)
    {
        if (json_text(row, "id"))
            echo_one(cases, json_text(row, "id"), self, key, now_us, echoed);
    }
    return list != NULL;
}
