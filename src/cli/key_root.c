/* key_root.c: entente key root: the root keys, and envelopes that travel between their holders. */
#include "base/file.h"
#include "base/terminal.h"
#include "cli/key_command.h"
#include "cli/keys.h"
#include "statement/base64.h"
#include "statement/key_file.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>

#define KEYS_MODE 0700
#define SET_MODE 0644

static struct root_keys new_set(guint threshold)
{
    return (struct root_keys){ threshold,
                               g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free) };
}

/* A set of keys that others made, each on a machine of its own. */
static gboolean collect(const struct key_state *state, struct root_keys *root, GError **error)
{
    for (char **vkey = state->public_keys; *vkey; vkey++) {
        struct public_key *key = key_import_public_argument(*vkey, error);

        if (!key)
            return FALSE;
        g_ptr_array_add(root->keys, key);
    }
    return TRUE;
}

static gboolean make_key(const struct key_state *state, const char *data, const char *domain,
                         guint index, guint count, struct root_keys *root, GError **error)
{
    const struct passphrase_source source = { state->passphrase_file, TRUE };
    g_autofree char *file = count == 1 ? g_strdup("root") : g_strdup_printf("root-%u", index);
    g_autofree char *name = g_strconcat(domain, "/", file, NULL);
    g_autofree char *path = key_store_path(data, file);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *what = g_strdup_printf("the root key \"%s\"", name);
    g_autoptr(signing_key_t) key = signing_key_generate(name, error);
    g_autoptr(secret_t) passphrase = NULL;

    if (!key || !file_make_folder(folder, KEYS_MODE, error))
        return FALSE;
    if (state->protect && !(passphrase = passphrase_get(&source, what, TRUE, error)))
        return FALSE;
    if (!key_file_create(path, key, passphrase, error))
        return FALSE;
    g_ptr_array_add(root->keys, public_key_copy(key->public));
    return TRUE;
}

static gboolean put_set(const struct context *context, const struct root_keys *root, GError **error)
{
    g_autoptr(json_t) value = root_keys_json(root);
    guint8 id[SIGNATORY_ID_SIZE];
    g_autofree char *hex = NULL, *text = NULL;

    root_keys_id(root, id);
    hex = hex_encode(id, sizeof id);
    json_object_set_new(value, "id", json_string(hex));
    text = json_pretty(value);
    return cli_output(context, text, strlen(text), error);
}

static gboolean keep_set(const struct context *context, const char *data,
                         const struct root_keys *root, GError **error)
{
    g_autofree char *path = ceremony_root_path(data);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(json_t) value = root_keys_json(root);
    g_autofree char *text = json_pretty(value);

    if (!file_make_folder(folder, KEYS_MODE, error) ||
        !file_create(path, text, strlen(text), SET_MODE, error))
        return FALSE;
    if (!context->quiet)
        fputs("Root keys sign delegations, recovery and policies only. Keep them offline, and a\n"
              "copy of each in another place: nobody can make them again.\n",
              stderr);
    return put_set(context, root, error);
}

static int make_or_show(const struct context *context, const struct key_state *state,
                        GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_autofree char *path = data ? ceremony_root_path(data) : NULL;
    g_autofree char *domain = NULL;
    const guint given = state->public_keys ? g_strv_length(state->public_keys) : 0;
    const guint count = given ? given : (guint)MAX(state->count, 1);
    const guint threshold = (guint)MAX(state->threshold, state->threshold ? state->threshold : 1);
    struct root_keys root = { 0 };
    gboolean done;

    if (!path)
        return EXIT_SYSTEM;
    if (!state->threshold && !state->count && !given) {
        g_autoptr(json_t) value = NULL;

        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            return input_error(error, "there are no root keys yet: \"entente key root --threshold "
                                      "2 --keys 3\" makes them");
        value = json_read_file(path, COMMUNITY_POLICY_LIMIT, error);
        done = value && root_keys_read(value, &root, error) && put_set(context, &root, error);
        root_keys_clear(&root);
        return done ? EXIT_DONE : EXIT_SYSTEM;
    }
    if (state->threshold < 0 || state->count < 0 || count > PREDICATE_ROOT_KEYS ||
        threshold > count)
        return input_error(error,
                           "--threshold is at most the number of keys, and there are at most "
                           "%d keys",
                           PREDICATE_ROOT_KEYS);
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return input_error(error,
                           "%s: exists already; root keys are replaced by \"entente key "
                           "recover\"",
                           path);
    domain = state->name ? g_strdup(state->name) : cli_key_name(context, error);
    root = new_set(threshold);
    done = domain && (!given || collect(state, &root, error));
    for (guint i = 1; done && !given && i <= count; i++)
        done = make_key(state, data, domain, i, count, &root, error);
    done = done && keep_set(context, data, &root, error);
    root_keys_clear(&root);
    return done ? EXIT_DONE : EXIT_SYSTEM;
}

/* Signs what another machine asks for; the file itself, or --output, then holds the signatures. */
static int sign(struct ceremony *ceremony, const char *path, GError **error)
{
    g_autoptr(dsse_t) envelope = ceremony_read_envelope(path, error);
    g_autoptr(GPtrArray) keys = envelope ? ceremony_keys(ceremony, KEY_ROLE_ROOT, error) : NULL;
    const char *out = ceremony->context->output ? ceremony->context->output : path;

    if (!keys || !ceremony_confirm(ceremony, envelope, keys, error))
        return EXIT_SYSTEM;
    for (guint i = 0; i < keys->len; i++)
        dsse_sign(envelope, keys->pdata[i]);
    return ceremony_write_envelope(envelope, out, error) ? EXIT_DONE : EXIT_SYSTEM;
}

static gboolean has_signature(const struct dsse *envelope, const struct dsse_signature *wanted)
{
    for (guint i = 0; i < envelope->signatures->len; i++) {
        const struct dsse_signature *signature = envelope->signatures->pdata[i];

        if (g_str_equal(signature->keyid, wanted->keyid) &&
            g_bytes_equal(signature->bytes, wanted->bytes))
            return TRUE;
    }
    return FALSE;
}

/* Puts the signatures of copies of one envelope together. */
static int add(const struct context *context, char **files, GError **error)
{
    g_autoptr(dsse_t) envelope = ceremony_read_envelope(files[0], error);

    for (char **path = files + 1; envelope && *path; path++) {
        g_autoptr(dsse_t) other = ceremony_read_envelope(*path, error);

        if (!other)
            return EXIT_SYSTEM;
        if (!g_bytes_equal(other->payload, envelope->payload))
            return input_error(error, "%s: signs something else than %s", *path, files[0]);
        for (guint i = 0; i < other->signatures->len; i++) {
            struct dsse_signature *signature = other->signatures->pdata[i];

            if (!has_signature(envelope, signature))
                dsse_add(envelope, signature->keyid, signature->bytes);
        }
    }
    return envelope && ceremony_write_envelope(envelope,
                                               context->output ? context->output : files[0], error)
               ? EXIT_DONE
               : EXIT_SYSTEM;
}

static int submit(struct ceremony *ceremony, const char *path, GError **error)
{
    g_autoptr(dsse_t) envelope = ceremony_read_envelope(path, error);

    return envelope ? ceremony_submit(ceremony, envelope, error) : EXIT_SYSTEM;
}

int key_root(const struct context *context, const struct key_state *state, char **arguments,
             GError **error)
{
    const guint count = g_strv_length(arguments);
    g_autoptr(ceremony_t) ceremony = NULL;

    if (!count)
        return make_or_show(context, state, error);
    if (g_str_equal(arguments[0], "add") && count > 2)
        return add(context, arguments + 1, error);
    if (count == 2 && (g_str_equal(arguments[0], "sign") || g_str_equal(arguments[0], "submit"))) {
        ceremony = ceremony_open(context, &state->ceremony, error);
        if (!ceremony)
            return EXIT_SYSTEM;
        return g_str_equal(arguments[0], "sign") ? sign(ceremony, arguments[1], error)
                                                 : submit(ceremony, arguments[1], error);
    }
    return input_error(error, "key root makes or shows root keys, or takes: sign FILE, add FILE "
                              "SIGNED..., submit FILE");
}
