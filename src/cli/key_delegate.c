/* key_delegate.c: what root says of keys: delegate, rotate, revoke, recover. */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/key_command.h"
#include "cli/keys.h"
#include "seal/seal_key_store.h"
#include "statement/key_file.h"
#include "statement/key_import.h"
#include "statement/key_store.h"
#include "statement/note.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define DEFAULT_DAYS 365
#define ROOT_SET_LIMIT (1u << 16)

/* When nothing is named: "default.key", or "seal.key" for that role. */
static char *key_argument(const struct ceremony *ceremony, const char *argument, enum key_role role)
{
    if (argument)
        return g_strdup(argument);
    return role == KEY_ROLE_SEAL ? seal_key_path(ceremony->data)
                                 : key_store_path(ceremony->data, KEY_STORE_DEFAULT);
}

static char *seal_key_text(const char *argument, GError **error)
{
    struct seal_public public;

    if (g_str_has_prefix(argument, SEAL_PUBLIC_PREFIX)) {
        if (!seal_public_parse(argument, &public, error))
            return NULL;
    } else if (access(argument, F_OK) < 0) {
        input_error(error, "%s: there is no seal key; make one: entente key seal", argument);
        return NULL;
    } else if (!seal_key_file_public(argument, &public, error)) {
        return NULL;
    }
    return seal_public_text(&public);
}

/* The text by which a statement names a key: as its role has it. */
static char *key_text(const char *argument, enum key_role role, GError **error)
{
    g_autoptr(public_key_t) key = NULL;
    g_autoptr(note_key_t) witness = NULL;

    if (role == KEY_ROLE_SEAL || g_str_has_prefix(argument, SEAL_PUBLIC_PREFIX))
        return seal_key_text(argument, error);
    witness = note_key_parse(argument, NULL);
    if (witness)
        return g_strdup(argument);
    key = key_import_public_argument(argument, error);
    if (!key)
        return NULL;
    if (role != KEY_ROLE_WITNESS)
        return public_key_text(key);
    witness = note_key_new(NOTE_KEY_COSIGNATURE, key);
    return note_key_text(witness);
}

static gboolean set_period(const struct key_state *state, json_t *predicate, GError **error)
{
    gint64 from_us = clock_now_us(), until_us;
    g_autofree char *until = NULL, *from = NULL;

    if (state->from) {
        if (!clock_parse(state->from, &from_us, error))
            return FALSE;
        from = clock_format(from_us);
        json_object_set_new(predicate, "from", json_string(from));
    }
    until_us = from_us + (state->days ? state->days : DEFAULT_DAYS) * DAY_US;
    if (state->until && !clock_parse(state->until, &until_us, error))
        return FALSE;
    until = clock_format(until_us);
    json_object_set_new(predicate, "until", json_string(until));
    return TRUE;
}

/* "assessment" stands for "urn:entente:predicate:assessment:1". */
static gboolean set_predicates(const struct key_state *state, json_t *predicate, GError **error)
{
    json_t *list;

    if (!state->predicates)
        return TRUE;
    list = json_array();
    json_object_set_new(predicate, "predicates", list);
    for (char **name = state->predicates; *name; name++) {
        g_autofree char *type = g_str_has_prefix(*name, PREDICATE_PREFIX)
                                    ? g_strdup(*name)
                                    : g_strconcat(PREDICATE_PREFIX, *name, ":1", NULL);

        if (!predicate_find(type))
            return input_error(error, "\"%s\" is no kind of statement", *name);
        json_array_append_new(list, json_string(type));
    }
    return TRUE;
}

static int delegate(struct ceremony *ceremony, const struct key_state *state, const char *text,
                    enum key_role role, const struct signing_key *also, GError **error)
{
    g_autoptr(json_t) predicate = ceremony_predicate(ceremony);

    json_object_set_new(predicate, "key", json_string(text));
    json_object_set_new(predicate, "role", json_string(key_role_name(role)));
    if (!set_period(state, predicate, error) || !set_predicates(state, predicate, error))
        return EXIT_INPUT;
    return ceremony_finish(ceremony, PREDICATE_DELEGATION, ceremony->domain, ceremony->id,
                           g_steal_pointer(&predicate), KEY_ROLE_ROOT, also, error);
}

int key_delegate(const struct context *context, const struct key_state *state, char **arguments,
                 GError **error)
{
    const struct passphrase_source source = { state->passphrase_file, TRUE };
    enum key_role role = state->role ? key_role_parse(state->role) : KEY_ROLE_ISSUER;
    g_autoptr(ceremony_t) ceremony = ceremony_open(context, &state->ceremony, error);
    g_autoptr(signing_key_t) own = NULL;
    g_autofree char *named = NULL, *text = NULL;

    if (!ceremony || !ceremony_needs_self(ceremony, error))
        return EXIT_SYSTEM;
    if (arguments[0] && arguments[1])
        return input_error(error, "key delegate takes one key: text, a file, or the default key");
    if (!role)
        return input_error(error,
                           "--role %s: issuer, witness, log, seal, owner, operator or "
                           "officer",
                           state->role);
    named = key_argument(ceremony, arguments[0], role);
    text = key_text(named, role, error);
    if (!text)
        return EXIT_INPUT;
    /* A key that is here signs along: nobody else can claim it. */
    if (role != KEY_ROLE_WITNESS && role != KEY_ROLE_SEAL && access(named, R_OK) == 0)
        own = key_import_private_file(named, ceremony->domain, &source, NULL);
    return delegate(ceremony, state, text, role, own, error);
}

/* A new default key under a new delegation; the old one stays beside it, to be revoked or to run
 * out. It is made first, and takes its place only when it was accepted. */
int key_rotate(const struct context *context, const struct key_state *state, char **arguments,
               GError **error)
{
    g_autoptr(ceremony_t) ceremony = ceremony_open(context, &state->ceremony, error);
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *month = g_date_time_format(now, "%Y-%m-%d");
    g_autofree char *name = NULL, *path = NULL, *next = NULL, *old = NULL, *text = NULL;
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(public_key_t) before = NULL;
    int status;

    if (!ceremony || !ceremony_needs_self(ceremony, error))
        return EXIT_SYSTEM;
    if (arguments[0])
        return input_error(error, "\"%s\": key rotate takes options only", arguments[0]);
    name = g_strdup_printf("%s/issuer/%s", ceremony->domain, month);
    path = key_store_path(ceremony->data, KEY_STORE_DEFAULT);
    next = key_store_path(ceremony->data, "next");
    before = key_import_public_argument(path, error);
    if (!before)
        return EXIT_INPUT;
    if (access(next, F_OK) == 0) {
        const struct passphrase_source source = { state->passphrase_file, TRUE };

        key = key_import_private_file(next, name, &source, error);
    } else {
        key = signing_key_generate(name, error);
        if (key && !key_file_create(next, key, NULL, error))
            return EXIT_SYSTEM;
    }
    if (!key)
        return EXIT_SYSTEM;
    text = public_key_text(key->public);
    status = delegate(ceremony, state, text, KEY_ROLE_ISSUER, key, error);
    if (status != EXIT_DONE || (error && *error) || state->ceremony.request || context->output)
        return status;
    {
        g_autofree char *hint = public_key_hint(before);

        g_strdelimit(hint, "/", '_');
        old = key_store_path(ceremony->data, hint);
    }
    if (rename(path, old) < 0 || rename(next, path) < 0) {
        system_error(error, "%s: cannot take the place of %s", next, path);
        return EXIT_SYSTEM;
    }
    if (!context->quiet)
        fprintf(stderr,
                "The old key is kept in %s. Revoke it when it is no longer needed:\n"
                "  entente key revoke %s --reason rotated\n",
                old, old);
    return EXIT_DONE;
}

int key_revoke(const struct context *context, const struct key_state *state, char **arguments,
               GError **error)
{
    g_autoptr(ceremony_t) ceremony = ceremony_open(context, &state->ceremony, error);
    g_autoptr(json_t) predicate = NULL;
    enum key_role role = state->role ? key_role_parse(state->role) : KEY_ROLE_ISSUER;
    g_autofree char *text = NULL;
    guint64 from_index;

    if (!ceremony || !ceremony_needs_self(ceremony, error))
        return EXIT_SYSTEM;
    if (!arguments[0] || arguments[1])
        return input_error(error, "key revoke takes one key: its text, or a file");
    if (!state->reason)
        return input_error(error, "why? --reason stolen, lost, retired, rotated or other");
    text = key_text(arguments[0], role, error);
    if (!text)
        return EXIT_INPUT;
    if (!state->from_index && !ceremony->registry)
        return input_error(error, "from which entry on is the key not to be trusted? --from-index "
                                  "N");
    from_index = ceremony->registry ? register_size(ceremony->registry->reg) : 0;
    if (state->from_index &&
        !g_ascii_string_to_unsigned(state->from_index, 10, 0, G_GUINT64_CONSTANT(1) << 53,
                                    &from_index, error))
        return EXIT_INPUT;
    predicate = ceremony_predicate(ceremony);
    json_object_set_new(predicate, "key", json_string(text));
    json_object_set_new(predicate, "reason", json_string(state->reason));
    json_object_set_new(predicate, "from_index", json_integer((json_int_t)from_index));
    return ceremony_finish(ceremony, PREDICATE_REVOCATION, ceremony->domain, ceremony->id,
                           g_steal_pointer(&predicate), KEY_ROLE_ROOT, NULL, error);
}

int key_recover(const struct context *context, const struct key_state *state, char **arguments,
                GError **error)
{
    g_autoptr(ceremony_t) ceremony = ceremony_open(context, &state->ceremony, error);
    g_autoptr(json_t) predicate = NULL;
    g_autoptr(json_t) set = NULL;
    struct root_keys root = { 0 };

    if (!ceremony || !ceremony_needs_self(ceremony, error))
        return EXIT_SYSTEM;
    if (arguments[0] || !state->root)
        return input_error(error, "key recover takes --root FILE: the new root keys, as \"entente "
                                  "key root\" gives them");
    set = json_read_file(state->root, ROOT_SET_LIMIT, error);
    if (!set || !root_keys_read(set, &root, error))
        return EXIT_INPUT;
    predicate = ceremony_predicate(ceremony);
    json_object_set_new(predicate, "root", root_keys_json(&root));
    root_keys_clear(&root);
    return ceremony_finish(ceremony, PREDICATE_RECOVERY, ceremony->domain, ceremony->id,
                           g_steal_pointer(&predicate), KEY_ROLE_ROOT, NULL, error);
}
