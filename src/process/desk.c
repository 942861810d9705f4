#include "process/desk.h"

#include "base/error.h"
#include "process/cases_private.h"
#include "statement/base64.h"

#define NAME_LIMIT 80

static const char *const role_names[] = { "", "handler", "coordinator", "auditor" };

const char *desk_role_name(enum desk_role role)
{
    return role_names[role];
}

gboolean desk_role_parse(const char *text, enum desk_role *role, GError **error)
{
    for (guint i = DESK_HANDLER; i < G_N_ELEMENTS(role_names); i++)
        if (g_str_equal(role_names[i], text)) {
            *role = i;
            return TRUE;
        }
    return input_error(error, "\"%s\" is no role at the desk (handler, coordinator, auditor)",
                       text);
}

static GBytes *key_bytes(const struct public_key *key)
{
    return g_bytes_new_static(key->bytes, sizeof key->bytes);
}

gboolean desk_set(struct cases *cases, const struct public_key *key, const char *name,
                  enum desk_role role, GError **error)
{
    g_autoptr(GBytes) bytes = key_bytes(key);

    if (!name || !*name || strlen(name) > NAME_LIMIT)
        return input_error(error, "a key at the desk has a name of at most %d bytes", NAME_LIMIT);
    return cases_do(cases, error,
                    "INSERT INTO desk (key, name, role) VALUES ($1, $2, $3) ON CONFLICT (key) "
                    "DO UPDATE SET name = excluded.name, role = excluded.role",
                    "bti", bytes, name, (gint64)role);
}

gboolean desk_remove(struct cases *cases, const struct public_key *key, GError **error)
{
    g_autoptr(GBytes) bytes = key_bytes(key);
    gint64 there;

    if (!cases_number(cases, &there, 0, error, "SELECT 1 FROM desk WHERE key = $1", "b", bytes))
        return FALSE;
    if (!there)
        return input_error(error, "the key \"%s\" is not at the desk", key->name);
    return cases_do(cases, error, "DELETE FROM desk WHERE key = $1", "b", bytes);
}

json_t *desk_list(struct cases *cases, GError **error)
{
    g_autoptr(query_t) query = NULL;
    g_autoptr(json_t) list = json_array();
    gboolean row;

    query = cases_ask(cases, error, "SELECT key, name, role FROM desk ORDER BY role, name", "");
    for (;;) {
        g_autofree char *hex = NULL;
        const void *key;
        gsize length;
        json_t *item;

        if (!query || !query_step(query, &row, error))
            return NULL;
        if (!row)
            return g_steal_pointer(&list);
        key = query_bytes(query, 0, &length);
        hex = hex_encode(key, length);
        item = json_object();
        json_object_set_new(item, "key", json_string(hex));
        json_object_set_new(item, "name", json_safe_string(query_text(query, 1)));
        json_object_set_new(item, "role", json_string(desk_role_name(query_integer(query, 2))));
        json_array_append_new(list, item);
    }
}

gboolean desk_recuse(struct cases *cases, const char *id, const struct public_key *key,
                     const char *reason, gint64 now_us, GError **error)
{
    g_autofree char *whole = cases_resolve(cases, id, error);
    g_autoptr(GBytes) bytes = key_bytes(key);

    if (!whole)
        return FALSE;
    if (!reason || !*reason)
        return input_error(error, "say why: a conflict of interest has a reason");
    return cases_do(cases, error,
                    "INSERT INTO recused (id, key, reason, since) VALUES ($1, $2, $3, $4) "
                    "ON CONFLICT (id, key) DO NOTHING",
                    "tbti", whole, bytes, reason, now_us);
}

/* The role of a key, and whether the desk has anybody. */
static gboolean role_of(struct cases *cases, const struct public_key *key, enum desk_role *role,
                        gboolean *empty, GError **error)
{
    g_autoptr(GBytes) bytes = key_bytes(key);
    gint64 number, people;

    if (!cases_number(cases, &number, DESK_NOBODY, error, "SELECT role FROM desk WHERE key = $1",
                      "b", bytes) ||
        !cases_number(cases, &people, 0, error, "SELECT count(*) FROM desk", ""))
        return FALSE;
    *role = (enum desk_role)number;
    *empty = people == 0;
    return TRUE;
}

static gboolean is_recused(struct cases *cases, const char *id, const struct public_key *key,
                           gboolean *recused, GError **error)
{
    g_autoptr(GBytes) bytes = key_bytes(key);
    gint64 there = 0;

    if (id && !cases_number(cases, &there, 0, error,
                            "SELECT 1 FROM recused WHERE id = $1 AND key = $2", "tb", id, bytes))
        return FALSE;
    *recused = there != 0;
    return TRUE;
}

gboolean desk_may_act(struct cases *cases, const char *id, const struct public_key *key,
                      GError **error)
{
    enum desk_role role;
    gboolean empty, recused;

    if (!role_of(cases, key, &role, &empty, error) || !is_recused(cases, id, key, &recused, error))
        return FALSE;
    if (recused)
        return policy_error(error,
                            "the key \"%s\" was removed from this case: its holder has an interest "
                            "in it",
                            key->name);
    if (role == DESK_AUDITOR)
        return policy_error(error, "the key \"%s\" is an auditor's: it takes no steps", key->name);
    return empty || role != DESK_NOBODY ||
           policy_error(error, "the key \"%s\" has no role at the desk (entente case desk)",
                        key->name);
}

json_t *desk_view(struct cases *cases, const char *id, const struct public_key *key, gint64 now_us,
                  GError **error)
{
    const struct kase *kase = cases_get(cases, id, now_us, error);
    enum desk_role role = DESK_NOBODY;
    gboolean empty = TRUE, recused = FALSE;

    if (!kase || (key && (!role_of(cases, key, &role, &empty, error) ||
                          !is_recused(cases, kase->id, key, &recused, error))))
        return NULL;
    if (recused) {
        policy_error(error, "the key \"%s\" was removed from this case", key->name);
        return NULL;
    }
    if (key && !empty && role == DESK_NOBODY) {
        policy_error(error, "the key \"%s\" has no role at the desk", key->name);
        return NULL;
    }
    return case_json(kase, role == DESK_AUDITOR ? CASE_VIEWER_AUDITOR : cases_self(cases, kase));
}
