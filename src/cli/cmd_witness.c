/* cmd_witness.c: the witness of this machine: its key, the logs it cosigns. */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/keys.h"
#include "log/witness.h"
#include "net/http.h"
#include "statement/key_file.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>

#define WITNESS_KEY "witness" /* as the node looks for them */
#define WITNESS_STATE "witness.db"
#define KEYS_MODE 0700

struct state {
    char *url, *passphrase_file;
};

/* The witness' own key; it never signs anything but cosignatures. */
static struct signing_key *witness_key(const struct context *context, const struct state *state,
                                       const char *data, GError **error)
{
    const struct passphrase_source source = { state->passphrase_file, TRUE };
    g_autofree char *path = key_store_path(data, WITNESS_KEY);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *domain = NULL, *name = NULL;
    g_autoptr(signing_key_t) key = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return key_import_private_file(path, NULL, &source, error);
    domain = cli_key_name(context, error);
    if (!domain)
        return NULL;
    name = g_strconcat(domain, "/witness", NULL);
    key = signing_key_generate(name, error);
    if (!key || !file_make_folder(folder, KEYS_MODE, error) ||
        !key_file_create(path, key, NULL, error))
        return NULL;
    if (!context->quiet)
        fprintf(stderr, "A witness key was made: %s\n", name);
    return g_steal_pointer(&key);
}

static char *cosignature_vkey(const struct signing_key *key)
{
    g_autoptr(note_key_t) plain = note_key_new(NOTE_KEY_COSIGNATURE, key->public);

    return note_key_text(plain);
}

static gboolean put(const struct context *context, const char *text, GError **error)
{
    return cli_output(context, text, strlen(text), error);
}

static gboolean put_key(const struct context *context, const struct signing_key *key,
                        GError **error)
{
    g_autofree char *vkey = cosignature_vkey(key), *text = NULL;
    g_autoptr(json_t) value = NULL;

    if (cli_format_is(context, "json", FALSE)) {
        value = json_pack("{s:s, s:s}", "name", key->public->name, "vkey", vkey);
        text = json_pretty(value);
    } else {
        text = g_strconcat(vkey, "\n", NULL);
    }
    return put(context, text, error);
}

static gboolean add_log(struct witness *witness, const struct state *state, const char *vkey,
                        GError **error)
{
    g_autoptr(note_key_t) log = NULL;

    if (!vkey)
        return input_error(error, "witness add-log takes the log's VKEY");
    log = note_key_parse(vkey, error);
    if (!log || (state->url && !http_url_check(state->url, TRUE, error)))
        return FALSE;
    if (log->type != NOTE_KEY_ED25519)
        return input_error(error, "%s: is no key of a log", vkey);
    return witness_add_log(witness, log, state->url, error);
}

static json_t *logs_json(const GPtrArray *logs)
{
    json_t *list = json_array();

    for (guint i = 0; i < logs->len; i++) {
        const struct witness_log *log = logs->pdata[i];
        g_autofree char *root = g_base64_encode(log->root.bytes, MERKLE_HASH_SIZE);
        g_autofree char *time =
            log->cosigned_s ? clock_format(log->cosigned_s * G_USEC_PER_SEC) : NULL;

        json_array_append_new(list, json_pack("{s:s, s:s?, s:I, s:s, s:s?}", "origin", log->origin,
                                              "url", log->url, "size", (json_int_t)log->size,
                                              "root", root, "cosigned", time));
    }
    return list;
}

static char *logs_text(const GPtrArray *logs)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < logs->len; i++) {
        const struct witness_log *log = logs->pdata[i];
        g_autofree char *origin = terminal_escape(log->origin);
        g_autofree char *url = terminal_escape(log->url ? log->url : "-");
        g_autofree char *time = log->cosigned_s ? clock_format(log->cosigned_s * G_USEC_PER_SEC)
                                                : g_strdup("never cosigned");

        g_string_append_printf(text, "%s  %" G_GUINT64_FORMAT "  %s  %s\n", origin, log->size, time,
                               url);
    }
    return g_string_free(text, FALSE);
}

static gboolean list(const struct context *context, struct witness *witness, GError **error)
{
    g_autoptr(GPtrArray) logs = witness_list(witness, error);
    g_autoptr(json_t) value = NULL;
    g_autofree char *text = NULL;

    if (!logs)
        return FALSE;
    if (cli_format_is(context, "json", FALSE)) {
        value = logs_json(logs);
        text = json_pretty(value);
    } else {
        text = logs_text(logs);
    }
    return put(context, text, error);
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    const char *what = arguments[0];
    g_autofree char *folder = cli_data_folder(context, error);
    g_autofree char *path = folder ? g_build_filename(folder, WITNESS_STATE, NULL) : NULL;
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(witness_t) witness = NULL;
    gboolean adds = g_strcmp0(what, "add-log") == 0, lists = g_strcmp0(what, "list") == 0;

    if (!folder)
        return EXIT_SYSTEM;
    if (!what || (!adds && !lists && !g_str_equal(what, "key")) ||
        (arguments[1] && (!adds || arguments[2])))
        return input_error(error, "witness takes one of: add-log VKEY, list, key");
    key = witness_key(context, state, folder, error);
    if (!key)
        return EXIT_SYSTEM;
    if (!adds && !lists)
        return put_key(context, key, error) ? EXIT_DONE : EXIT_SYSTEM;
    witness = witness_open(path, key, error);
    if (!witness)
        return EXIT_SYSTEM;
    if (adds ? !add_log(witness, state, arguments[1], error) : !list(context, witness, error))
        return EXIT_SYSTEM;
    return EXIT_DONE;
}

static const struct command_option options[] = {
    { "url", 0, G_OPTION_ARG_STRING, offsetof(struct state, url),
      "add-log: where the log is, for people and monitors", "URL" },
    { "passphrase-file", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, passphrase_file),
      "Take the key's passphrase from the first line of FILE (or ENTENTE_PASSPHRASE_FILE)",
      "FILE" },
    { NULL },
};

const struct command command_witness = {
    .name = "witness",
    .summary = "The witness of this machine: its key, and the logs it cosigns",
    .arguments = "add-log VKEY | list | key",
    .formats = "text, json",
    .details =
        "\"entente serve\" cosigns the community's own log and those added here, each only if it\n"
        "extends what was cosigned before. key prints what goes into a policy.\n\n"
        "Example: entente witness key\n"
        "         entente witness add-log 'log.example+530d903a+AekyeR...' --url "
        "https://log.example",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
