#include "base/file.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/key_command.h"
#include "cli/keys.h"
#include "seal/seal_key_store.h"
#include "statement/key_file.h"
#include "statement/key_import.h"
#include "statement/key_pem.h"
#include "statement/key_store.h"

#include <string.h>
#include <unistd.h>

#define PRIVATE_MODE 0600

static const struct command_option options[] = {
    { "key", 0, G_OPTION_ARG_FILENAME, offsetof(struct key_state, key),
      "export: this key file instead of the default key", "FILE" },
    { "name", 0, G_OPTION_ARG_STRING, offsetof(struct key_state, name),
      "new, import: the key's name (default: the signatory's domain, else this host)", "NAME" },
    { "protect", 0, G_OPTION_ARG_NONE, offsetof(struct key_state, protect),
      "new, seal, import, export --private: keep the result under a passphrase", NULL },
    { "passphrase-file", 0, G_OPTION_ARG_FILENAME, offsetof(struct key_state, passphrase_file),
      "Take the passphrase from the first line of FILE (or ENTENTE_PASSPHRASE_FILE)", "FILE" },
    { "private", 0, G_OPTION_ARG_NONE, offsetof(struct key_state, private),
      "export: the private key, as PKCS#8 PEM, into --output", NULL },
    { "threshold", 0, G_OPTION_ARG_INT, offsetof(struct key_state, threshold),
      "root: how many of the root keys sign together", "T" },
    { "keys", 0, G_OPTION_ARG_INT, offsetof(struct key_state, count),
      "root: how many root keys to make", "N" },
    { "public", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct key_state, public_keys),
      "root: a root key that was made elsewhere; may be given several times", "KEY" },
    { "role", 0, G_OPTION_ARG_STRING, offsetof(struct key_state, role),
      "delegate, revoke: issuer (default), witness, log, seal, owner, operator, officer", "ROLE" },
    { "predicate", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct key_state, predicates),
      "delegate: only this kind of statement; may be given several times", "NAME" },
    { "from", 0, G_OPTION_ARG_STRING, offsetof(struct key_state, from),
      "delegate: not before this time", "TIME" },
    { "until", 0, G_OPTION_ARG_STRING, offsetof(struct key_state, until),
      "delegate, rotate: not after this time", "TIME" },
    { "days", 0, G_OPTION_ARG_INT, offsetof(struct key_state, days),
      "delegate, rotate: for so many days (default 365, at most 400)", "N" },
    { "reason", 0, G_OPTION_ARG_STRING, offsetof(struct key_state, reason),
      "revoke: stolen, lost, retired, rotated, other", "WHY" },
    { "from-index", 0, G_OPTION_ARG_STRING, offsetof(struct key_state, from_index),
      "revoke: the first entry not to be trusted (default: the next)", "N" },
    { "root", 0, G_OPTION_ARG_FILENAME, offsetof(struct key_state, root),
      "recover: the new root keys", "FILE" },
    CEREMONY_OPTIONS(struct key_state, "root-key"),
    { NULL },
};

gboolean key_new_passphrase(const struct key_state *state, const char *what,
                            struct secret **passphrase, GError **error)
{
    const struct passphrase_source source = { state->passphrase_file, TRUE };

    if (!state->protect)
        return TRUE;
    *passphrase = passphrase_get(&source, what, TRUE, error);
    return *passphrase != NULL;
}

void key_say_kept(const struct context *context, const char *path)
{
    g_autofree char *shown = terminal_escape(path);

    if (!context->quiet)
        fprintf(stderr,
                cli_is_french(context)
                    ? "Gardée dans %s\u202f: sauvegardez-la\u202f; personne ne peut la refaire\n"
                    : "Kept in %s: back it up; nobody can make it again\n",
                shown);
}

static gboolean new_passphrase(const struct key_state *state, const struct signing_key *key,
                               struct secret **passphrase, GError **error)
{
    g_autofree char *what = g_strdup_printf("the key \"%s\"", key->public->name);

    return key_new_passphrase(state, what, passphrase, error);
}

static gboolean put(const struct context *context, const char *text, GError **error)
{
    g_autofree char *line = g_strconcat(text, g_str_has_suffix(text, "\n") ? "" : "\n", NULL);

    return cli_output(context, line, strlen(line), error);
}

static gboolean put_public(const struct context *context, const struct public_key *key,
                           GError **error)
{
    g_autofree char *vkey = public_key_text(key);
    g_autofree char *pem = key_pem_write_public(key);
    g_autofree char *json = NULL;
    g_autoptr(json_t) value = NULL;

    if (cli_format_is(context, "pem", FALSE))
        return put(context, pem, error);
    if (!cli_format_is(context, "json", FALSE))
        return put(context, vkey, error);
    value = json_pack("{s:s, s:s, s:s}", "name", key->name, "vkey", vkey, "pem", pem);
    json = json_pretty(value);
    return put(context, json, error);
}

/* Puts a key into the data folder: "default" when that is free, else under its own name. */
static gboolean keep(const struct context *context, const struct key_state *state,
                     const struct signing_key *key, gboolean as_default, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_autofree char *path = data ? key_store_path(data, KEY_STORE_DEFAULT) : NULL;
    g_autofree char *folder = path ? g_path_get_dirname(path) : NULL;
    g_autoptr(secret_t) passphrase = NULL;

    if (!folder || !file_make_folder(folder, 0700, error))
        return FALSE;
    if (!as_default && access(path, F_OK) == 0) {
        g_autofree char *hint = public_key_hint(key->public);

        g_strdelimit(hint, "/", '_');
        g_free(path);
        path = key_store_path(data, hint);
    }
    if (access(path, F_OK) == 0)
        return input_error(error, "%s: exists already; move it away first", path);
    if (!new_passphrase(state, key, &passphrase, error) ||
        !key_file_create(path, key, passphrase, error))
        return FALSE;
    key_say_kept(context, path);
    return put_public(context, key->public, error);
}

static gboolean run_new(const struct context *context, const struct key_state *state,
                        char **arguments, GError **error)
{
    g_autofree char *name = state->name ? g_strdup(state->name) : cli_key_name(context, error);
    g_autoptr(signing_key_t) key = name ? signing_key_generate(name, error) : NULL;

    if (arguments[0])
        return input_error(error, "\"%s\": key new takes options only", arguments[0]);
    return key && keep(context, state, key, TRUE, error);
}

static gboolean run_import(const struct context *context, const struct key_state *state,
                           char **arguments, GError **error)
{
    g_autoptr(signing_key_t) key = NULL;

    if (!arguments[0] || arguments[1])
        return input_error(error, "key import takes one FILE: a private key");
    key = cli_signing_key(context, arguments[0], state->name, state->passphrase_file, error);
    return key && keep(context, state, key, FALSE, error);
}

static gboolean run_export(const struct context *context, const struct key_state *state,
                           char **arguments, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_autofree char *path = !data        ? NULL
                            : state->key ? g_strdup(state->key)
                                         : key_store_path(data, KEY_STORE_DEFAULT);
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(secret_t) passphrase = NULL;
    g_autoptr(secret_t) text = NULL;

    if (arguments[0])
        return input_error(error, "\"%s\": key export takes options only", arguments[0]);
    if (!path)
        return FALSE;
    if (!state->private) {
        g_autoptr(public_key_t) public = key_import_public_argument(path, error);

        return public && put_public(context, public, error);
    }
    if (!context->output || g_str_equal(context->output, "-"))
        return input_error(error, "a private key is written to a file only: give --output FILE");
    key = cli_signing_key(context, path, state->name, state->passphrase_file, error);
    if (!key || !new_passphrase(state, key, &passphrase, error))
        return FALSE;
    text = key_pem_write_private(key, passphrase);
    return file_create(context->output, text->bytes, text->length, PRIVATE_MODE, error);
}

static gboolean run_show(const struct context *context, const struct key_state *state,
                         char **arguments, GError **error)
{
    static const char *const headings[] = { "NAME", "ID", "PUBLIC KEY", NULL };
    static const char *const headings_fr[] = { "NOM", "ID", "CLÉ PUBLIQUE", NULL };
    g_autofree char *data = cli_data_folder(context, error);
    g_autoptr(GPtrArray) keys = data ? key_store_public_keys(data, error) : NULL;
    g_autoptr(GPtrArray) seals = keys ? seal_keys_public(data, error) : NULL;
    g_autoptr(text_table_t) table = text_table_new(cli_is_french(context) ? headings_fr : headings);
    g_autoptr(json_t) list = json_array();
    g_autofree char *text = NULL;

    if (arguments[0])
        return input_error(error, "\"%s\": key show takes options only", arguments[0]);
    if (!seals)
        return FALSE;
    if (!keys->len && !seals->len && !context->quiet)
        fputs(cli_is_french(context) ? "Il n’y a pas encore de clé\u202f: entente key new\n"
                                     : "There is no key yet: entente key new\n",
              stderr);
    for (guint i = 0; i < keys->len; i++) {
        const struct public_key *key = keys->pdata[i];
        g_autofree char *vkey = public_key_text(key);
        g_autofree char *hint = public_key_hint(key);
        const char *const cells[] = { key->name, hint + strlen(key->name) + 1, vkey };

        text_table_row(table, cells, NULL);
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", key->name, "vkey", vkey));
    }
    for (guint i = 0; i < seals->len; i++) {
        g_autofree char *key = seal_public_text(seals->pdata[i]);
        g_autofree char *id = seal_public_id_text(seals->pdata[i]);
        const char *const cells[] = { i ? "seal (old)" : "seal", id, key };

        text_table_row(table, cells, NULL);
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", "seal", "key", key));
    }
    text = cli_format_is(context, "json", FALSE)
               ? json_pretty(list)
               : text_table_format(table, !context->output && terminal_has_colour(stdout), 0);
    return put(context, text, error);
}

static const struct {
    const char *name;
    gboolean (*run)(const struct context *context, const struct key_state *state, char **arguments,
                    GError **error);
    key_subcommand_fn ceremony; /* instead: its exit status */
} subcommands[] = {
    { "show", run_show, NULL },       { "export", run_export, NULL },
    { "import", run_import, NULL },   { "new", run_new, NULL },
    { "root", NULL, key_root },       { "delegate", NULL, key_delegate },
    { "rotate", NULL, key_rotate },   { "revoke", NULL, key_revoke },
    { "recover", NULL, key_recover }, { "seal", NULL, key_seal },
};

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    struct key_state *state = data;
    const char *asked = arguments[0] ? arguments[0] : "show";

    state->ceremony.passphrase_file = state->passphrase_file;
    for (guint i = 0; i < G_N_ELEMENTS(subcommands); i++) {
        char **rest = arguments + !!arguments[0];

        if (!g_str_equal(subcommands[i].name, asked))
            continue;
        if (subcommands[i].ceremony)
            return subcommands[i].ceremony(context, state, rest, error);
        return subcommands[i].run(context, state, rest, error) ? EXIT_DONE : EXIT_SYSTEM;
    }
    return input_error(error,
                       "\"%s\": key does show, export, import, new, seal, root, delegate, rotate, "
                       "revoke or recover",
                       asked);
}

const struct command command_key = {
    .name = "key",
    .summary = "Make, show, import and export keys; delegate, rotate, revoke and recover them",
    .arguments = "[show|export|import FILE|new|seal|root|delegate|rotate|revoke|recover]",
    .formats = "text, json, vkey, pem",
    .details =
        "show    the own keys, in the data folder (this is the default)\n"
        "export  the public key as vkey or PEM; with --private, the private key\n"
        "import  a private key: Entente's, PRIVATE+KEY text, PKCS#8 PEM, OpenSSH\n"
        "new     make the default key\n"
        "seal    the key that messages to this signatory are sealed to, made when there is\n"
        "        none; seal rotate: a new one, the old stays to open what was sealed to it\n\n"
        "Of a signatory of a community, by its root keys:\n"
        "root      make root keys (--threshold T --keys N) or show them; sign FILE, add\n"
        "          FILE SIGNED..., submit FILE: for root keys that lie elsewhere\n"
        "delegate  [KEY] give a key a role until a date; rotate: a new issuer's key\n"
        "revoke    KEY stops counting, from --from-index on it is disputed\n"
        "recover   --root FILE replaces the root keys, signed by the old ones\n\n"
        "Example: entente key new --name example.org --protect\n"
        "         entente key export --format pem\n"
        "         entente key root --threshold 2 --keys 3\n"
        "         entente key seal && entente key delegate --role seal\n"
        "         entente key delegate --origin call.example/2026 --request delegation.json",
    .options = options,
    .state_size = sizeof(struct key_state),
    .run = run,
};
