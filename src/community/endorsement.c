#include "community/endorsement.h"

#include "base/clock.h"
#include "base/error.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#define DAY_US (24 * 3600 * (gint64)G_USEC_PER_SEC)

char *endorsement_id(const struct root_keys *root)
{
    guint8 id[32];

    root_keys_id(root, id);
    return hex_encode(id, sizeof id);
}

gboolean endorsement_check(const struct signatory *signatory, GError **error)
{
    const struct {
        const char *name;
        gboolean there;
    } members[] = {
        { "name", signatory->name != NULL },
        { "group", signatory->group != GROUP_UNKNOWN },
        { "country", signatory->country != NULL },
        { "domain", signatory->domain != NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(members); i++)
        if (!members[i].there)
            return input_error(error,
                               "the profile (entente.yaml) does not say the signatory's %s; an "
                               "endorsement needs it",
                               members[i].name);
    return TRUE;
}

static struct dsse *wrap(const struct endorsement *endorsement, const char *type, json_t *predicate,
                         GError **error)
{
    g_autoptr(json_t) taken = predicate;
    g_autofree char *id = endorsement_id(endorsement->root);
    g_autoptr(GBytes) payload =
        intoto_build(endorsement->signatory->domain, id, type, predicate, error);
    g_autoptr(json_t) statement = payload ? intoto_read(payload, error) : NULL;

    if (!statement || !predicate_verify(predicate_find(type), statement, error))
        return NULL;
    return dsse_new(INTOTO_PAYLOAD_TYPE, payload);
}

static json_t *principles_json(guint principles)
{
    json_t *list = json_array();

    for (int n = 1; n <= PREDICATE_PRINCIPLES; n++)
        if (principles & 1u << (n - 1))
            json_array_append_new(list, json_integer(n));
    return list;
}

struct dsse *endorsement_envelope(const struct endorsement *endorsement, const char *origin,
                                  gint64 time_us, GError **error)
{
    const struct signatory *who = endorsement->signatory;
    g_autofree char *time = clock_format(time_us);

    if (!endorsement_check(who, error))
        return NULL;
    return wrap(endorsement, PREDICATE_ENDORSEMENT,
                json_pack("{s:s, s:s, s:{s:s, s:s, s:s*, s:s, s:s}, s:o, s:o, s:b}", "log", origin,
                          "time", time, "signatory", "name", who->name, "group",
                          group_name(who->group), "subtype", who->subtype, "country", who->country,
                          "domain", who->domain, "principles",
                          principles_json(endorsement->principles), "root",
                          root_keys_json(endorsement->root), "reviewer", endorsement->reviewer),
                error);
}

struct dsse *delegation_envelope(const struct endorsement *endorsement, const char *origin,
                                 const char *key, const char *role, guint days, gint64 time_us,
                                 GError **error)
{
    g_autofree char *time = clock_format(time_us);
    g_autofree char *until = clock_format(time_us + days * DAY_US);

    return wrap(endorsement, PREDICATE_DELEGATION,
                json_pack("{s:s, s:s, s:s, s:s, s:s}", "log", origin, "time", time, "key", key,
                          "role", role, "until", until),
                error);
}
