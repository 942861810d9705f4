/*
 * desk.h: the people of one signatory who work on its cases, by their keys.
 *
 *     handler       takes steps in the cases that are its own
 *     coordinator   also hands out cases, and does all a handler may
 *     auditor       sees that and when something happened; never content; takes no step
 *
 * A desk without anybody leaves all to the keys that may speak for the signatory. Who has a
 * conflict of interest in a case is removed from it: neither sees it nor signs in it.
 */
#pragma once
#include "base/json.h"
#include "statement/key.h"

struct cases;

enum desk_role { DESK_NOBODY, DESK_HANDLER, DESK_COORDINATOR, DESK_AUDITOR };
const char *desk_role_name(enum desk_role role); /* "handler"; "" for nobody */
/* ENTENTE_ERROR_INPUT: no such role. */
gboolean desk_role_parse(const char *text, enum desk_role *role, GError **error);

/* Puts a key at the desk, or gives it another role. `name` is a role's name, never a person's. */
gboolean desk_set(struct cases *cases, const struct public_key *key, const char *name,
                  enum desk_role role, GError **error);
/* ENTENTE_ERROR_INPUT: it is not at the desk. */
gboolean desk_remove(struct cases *cases, const struct public_key *key, GError **error);
/* [{"key","name","role"}] */
json_t *desk_list(struct cases *cases, GError **error);

/* Removes a key from a case, because its holder has an interest in it. For good. */
gboolean desk_recuse(struct cases *cases, const char *id, const struct public_key *key,
                     const char *reason, gint64 now_us, GError **error);

/* Whether this key may sign steps in a case (`id` NULL: open one). ENTENTE_ERROR_POLICY. */
gboolean desk_may_act(struct cases *cases, const char *id, const struct public_key *key,
                      GError **error);

/* The case for the holder of a key: whole, or without any content for an auditor.
 * ENTENTE_ERROR_POLICY: it was removed from the case. `key` NULL: whoever can read the data folder.
 */
json_t *desk_view(struct cases *cases, const char *id, const struct public_key *key, gint64 now_us,
                  GError **error);
