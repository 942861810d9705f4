#include "cli/keys.h"

#include "profile/profile.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <unistd.h>

char *cli_key_name(const struct context *context, GError **error)
{
    g_autofree char *path = cli_profile_path(context);
    g_autoptr(profile_t) profile = path ? profile_load(path, error) : profile_default();

    return profile ? key_store_name(profile->signatory.domain) : NULL;
}

struct signing_key *cli_signing_key(const struct context *context, const char *file,
                                    const char *name, const char *passphrase_file, GError **error)
{
    const struct passphrase_source source = { passphrase_file, TRUE };
    g_autofree char *key_name = name ? g_strdup(name) : cli_key_name(context, error);
    g_autofree char *data = NULL, *path = NULL;

    if (!key_name)
        return NULL;
    if (file)
        return key_import_private_file(file, key_name, &source, error);
    data = cli_data_folder(context, error);
    if (!data)
        return NULL;
    path = key_store_path(data, KEY_STORE_DEFAULT);
    if (access(path, F_OK) < 0) {
        input_error(error,
                    "there is no key yet: make one with \"entente key new\", import one with "
                    "\"entente key import FILE\", or name one with --key");
        return NULL;
    }
    return key_import_private_file(path, key_name, &source, error);
}

struct signing_key *cli_default_key(const struct context *context, GError **error)
{
    const struct passphrase_source source = { NULL, TRUE };
    g_autofree char *data = cli_data_folder(context, error);
    g_autofree char *name = data ? cli_key_name(context, error) : NULL;
    struct signing_key *key;
    gboolean made;

    if (!name)
        return NULL;
    key = key_store_load_or_create(data, name, &source, &made, error);
    if (key && made && !context->quiet) {
        g_autofree char *hint = public_key_hint(key->public);

        fprintf(stderr,
                g_str_equal(cli_language(context), "fr")
                    ? "Une clé a été faite pour ce signataire\u202f: %s (voir entente-key(1))\n"
                    : "A key was made for this signatory: %s (see entente-key(1))\n",
                hint);
    }
    return key;
}
