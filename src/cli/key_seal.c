/* key_seal.c: the key that messages to this signatory are sealed to. */
#include "cli/key_command.h"
#include "seal/seal_key_store.h"

#include <string.h>
#include <unistd.h>

static gboolean make(const struct context *context, const struct key_state *state, const char *data,
                     GError **error)
{
    g_autoptr(seal_secret_t) secret = seal_secret_generate();
    g_autoptr(secret_t) passphrase = NULL;
    g_autofree char *path = seal_key_path(data);

    if (!key_new_passphrase(state, "the seal key", &passphrase, error) ||
        !seal_key_keep(data, secret, passphrase, error))
        return FALSE;
    key_say_kept(context, path);
    return TRUE;
}

/* Its text alone on stdout, so that it can be handed on; the fingerprint is for people. */
static gboolean show(const struct context *context, const char *path, GError **error)
{
    struct seal_public public;
    g_autofree char *text = NULL, *fingerprint = NULL, *output = NULL;

    if (!seal_key_file_public(path, &public, error))
        return FALSE;
    text = seal_public_text(&public);
    fingerprint = seal_public_fingerprint(&public);
    if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) value = json_pack("{s:s, s:s}", "key", text, "fingerprint", fingerprint);

        output = json_pretty(value);
    } else {
        output = g_strconcat(text, "\n", NULL);
        if (!context->quiet)
            fprintf(stderr, cli_is_french(context) ? "Empreinte\u202f: %s\n" : "Fingerprint: %s\n",
                    fingerprint);
    }
    return cli_output(context, output, strlen(output), error);
}

int key_seal(const struct context *context, const struct key_state *state, char **arguments,
             GError **error)
{
    gboolean rotate = arguments[0] && g_str_equal(arguments[0], "rotate");
    g_autofree char *data = NULL, *path = NULL;

    if (arguments[0] && (!rotate || arguments[1]))
        return input_error(error, "\"%s\": key seal takes nothing, or \"rotate\"",
                           arguments[rotate]);
    data = cli_data_folder(context, error);
    if (!data)
        return EXIT_SYSTEM;
    path = seal_key_path(data);
    if (rotate && access(path, F_OK) < 0)
        return input_error(error, "%s: there is no seal key; make one: entente key seal", path);
    if ((rotate || access(path, F_OK) < 0) && !make(context, state, data, error))
        return EXIT_SYSTEM;
    return show(context, path, error) ? EXIT_DONE : EXIT_SYSTEM;
}
