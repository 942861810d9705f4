#include "cli/ceremony.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/keys.h"
#include "cli/network.h"
#include "profile/profile.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROOT_SET_LIMIT (1u << 16)
#define ENVELOPE_MODE 0644

char *ceremony_root_path(const char *data)
{
    return g_build_filename(data, "keys", "root.json", NULL);
}

/* The set in root.json; without one, the single key that "join" made. */
static gboolean read_root_set(struct ceremony *ceremony, GError **error)
{
    g_autofree char *path = ceremony_root_path(ceremony->data);
    g_autofree char *single = NULL;
    g_autoptr(public_key_t) key = NULL;
    g_autoptr(json_t) value = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        value = json_read_file(path, ROOT_SET_LIMIT, error);
        return value && root_keys_read(value, &ceremony->root, error);
    }
    single = key_store_path(ceremony->data, "root");
    if (!g_file_test(single, G_FILE_TEST_EXISTS))
        return TRUE;
    key = key_import_public_argument(single, error);
    if (!key)
        return FALSE;
    ceremony->root.threshold = 1;
    ceremony->root.keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    g_ptr_array_add(ceremony->root.keys, g_steal_pointer(&key));
    return TRUE;
}

/* Who we are, says the register by our root keys or domain; else root set and profile do. */
static gboolean find_self(struct ceremony *ceremony, GError **error)
{
    g_autofree char *path = cli_profile_path(ceremony->context);
    g_autoptr(profile_t) profile = path ? profile_load(path, error) : profile_default();
    g_autoptr(json_t) known = NULL;
    guint8 id[SIGNATORY_ID_SIZE];

    if (!profile)
        return FALSE;
    ceremony->domain = g_strdup(profile->signatory.domain);
    for (guint i = 0;
         ceremony->registry && ceremony->root.keys && !known && i < ceremony->root.keys->len; i++) {
        g_autofree char *text = public_key_text(ceremony->root.keys->pdata[i]);

        known = register_signatory(ceremony->registry->reg, text, ceremony->registry->now_us, NULL);
    }
    if (!known && ceremony->registry && ceremony->domain)
        known = register_signatory(ceremony->registry->reg, ceremony->domain,
                                   ceremony->registry->now_us, NULL);
    if (known) {
        g_free(ceremony->domain);
        ceremony->domain = g_strdup(json_text(known, "domain"));
        ceremony->id = g_strdup(json_text(known, "id"));
    } else if (ceremony->root.keys) {
        root_keys_id(&ceremony->root, id);
        ceremony->id = hex_encode(id, sizeof id);
    }
    return TRUE;
}

struct ceremony *ceremony_open(const struct context *context,
                               const struct ceremony_options *options, GError **error)
{
    const struct http_options http = cli_http(options->allow_private, NULL);
    g_autoptr(ceremony_t) ceremony = g_new0(struct ceremony, 1);

    ceremony->context = context;
    ceremony->options = options;
    ceremony->data = cli_data_folder(context, error);
    if (!ceremony->data)
        return NULL;
    if (community_exists(ceremony->data)) {
        ceremony->registry = registry_open_newest(context, &http, error);
        if (!ceremony->registry)
            return NULL;
        ceremony->origin = g_strdup(register_policy(ceremony->registry->reg)->origin);
    }
    if (options->origin && ceremony->origin && !g_str_equal(options->origin, ceremony->origin)) {
        input_error(error, "this machine belongs to the community of %s, not of %s",
                    ceremony->origin, options->origin);
        return NULL;
    }
    if (!ceremony->origin)
        ceremony->origin = g_strdup(options->origin);
    return read_root_set(ceremony, error) && find_self(ceremony, error) ? g_steal_pointer(&ceremony)
                                                                        : NULL;
}

void ceremony_free(struct ceremony *ceremony)
{
    if (!ceremony)
        return;
    registry_close(ceremony->registry);
    root_keys_clear(&ceremony->root);
    g_free(ceremony->data);
    g_free(ceremony->origin);
    g_free(ceremony->id);
    g_free(ceremony->domain);
    g_free(ceremony);
}

gboolean ceremony_needs_community(const struct ceremony *ceremony, GError **error)
{
    return ceremony->registry ||
           input_error(error, "this machine belongs to no community: \"entente join\" one");
}

gboolean ceremony_needs_self(const struct ceremony *ceremony, GError **error)
{
    if (!ceremony->origin)
        return input_error(error, "for which log? join a community, or give --origin ORIGIN");
    if (!ceremony->domain)
        return input_error(error, "the profile gives no domain of the signatory (entente init)");
    return ceremony->id ||
           input_error(error,
                       "the root keys of %s are not known here: make them with \"entente key "
                       "root\", or put %s/keys/root.json there",
                       ceremony->domain, ceremony->data);
}

json_t *ceremony_predicate(const struct ceremony *ceremony)
{
    gint64 now_us = clock_now_us();
    g_autofree char *time = clock_format(now_us);

    return json_pack("{s:s, s:s}", "log", ceremony->origin, "time", time);
}

/* --- keys --- */

static gboolean add_key(const struct ceremony *ceremony, GPtrArray *keys, const char *path,
                        GError **error)
{
    const struct passphrase_source source = { ceremony->options->passphrase_file, TRUE };
    g_autofree char *name = cli_key_name(ceremony->context, error);
    struct signing_key *key = name ? key_import_private_file(path, name, &source, error) : NULL;

    if (key)
        g_ptr_array_add(keys, key);
    return key != NULL;
}

static gint compare_texts(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* DATA/keys/root.key and root-*.key. */
static GPtrArray *root_files(const char *data, GError **error)
{
    g_autofree char *folder = g_build_filename(data, "keys", NULL);
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    const char *entry;

    while (entries && (entry = g_dir_read_name(entries)))
        if (g_str_equal(entry, "root.key") ||
            (g_str_has_prefix(entry, "root-") && g_str_has_suffix(entry, ".key")))
            g_ptr_array_add(paths, g_build_filename(folder, entry, NULL));
    g_ptr_array_sort(paths, compare_texts);
    if (paths->len)
        return paths;
    g_ptr_array_unref(paths);
    input_error(error, "there is no root key here: name its file, or write a request for who has "
                       "it (--request FILE)");
    return NULL;
}

GPtrArray *ceremony_keys(const struct ceremony *ceremony, enum key_role role, GError **error)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)signing_key_free);
    g_autoptr(GPtrArray) paths = NULL;

    for (char **path = ceremony->options->keys; path && *path; path++)
        if (!add_key(ceremony, keys, *path, error))
            return NULL;
    if (keys->len)
        return g_steal_pointer(&keys);
    if (role == KEY_ROLE_ROOT) {
        paths = root_files(ceremony->data, error);
    } else {
        paths = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(paths, key_store_path(ceremony->data, KEY_STORE_DEFAULT));
    }
    for (guint i = 0; paths && i < paths->len; i++)
        if (!add_key(ceremony, keys, paths->pdata[i], error))
            return NULL;
    return paths ? g_steal_pointer(&keys) : NULL;
}

/* --- showing and asking --- */

static void show_value(const char *name, const json_t *value, guint depth)
{
    g_autofree char *text = json_is_string(value) ? g_strdup(json_string_value(value)) : NULL;
    g_autofree char *shown = NULL, *label = terminal_escape(name);
    const char *key;
    json_t *member;

    if (json_is_object(value)) {
        fprintf(stderr, "%*s%s:\n", (int)depth * 2, "", label);
        json_object_foreach((json_t *)value, key, member) show_value(key, member, depth + 1);
        return;
    }
    if (!text) {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY);

        text = g_strdup(dumped);
        free(dumped);
    }
    shown = terminal_escape(text);
    fprintf(stderr, "%*s%s: %s\n", (int)depth * 2, "", label, shown);
}

gboolean ceremony_confirm(const struct ceremony *ceremony, const struct dsse *envelope,
                          const GPtrArray *keys, GError **error)
{
    g_autoptr(json_t) statement = intoto_read(envelope->payload, error);
    const struct predicate *predicate =
        statement ? predicate_find(intoto_predicate_type(statement)) : NULL;
    char answer[8];

    if (!statement)
        return FALSE;
    if (!predicate)
        return policy_error(error,
                            "a statement of the type \"%s\" is not known here: it is not "
                            "signed unread",
                            intoto_predicate_type(statement));
    if (!predicate_verify(predicate, statement, error))
        return FALSE;
    if (!ceremony->context->quiet || !ceremony->options->yes) {
        fprintf(stderr, "What will be signed: %s\n", predicate->name);
        show_value("about", json_object_get(statement, "subject"), 1);
        show_value("statement", intoto_predicate(statement), 1);
        for (guint i = 0; i < keys->len; i++) {
            g_autofree char *hint = public_key_hint(((struct signing_key *)keys->pdata[i])->public);
            g_autofree char *shown = terminal_escape(hint);

            fprintf(stderr, "  by the key %s\n", shown);
        }
    }
    if (ceremony->options->yes)
        return TRUE;
    if (!isatty(STDIN_FILENO))
        return policy_error(error, "nothing was signed: there is nobody to ask (--yes signs "
                                   "without asking)");
    fputs("Sign? [y/N] ", stderr);
    return (fgets(answer, sizeof answer, stdin) && strchr("yYoO", answer[0])) ||
           policy_error(error, "nothing was signed");
}

/* --- files and the log --- */

struct dsse *ceremony_read_envelope(const char *path, GError **error)
{
    g_autoptr(json_t) value = json_read_file(path, DSSE_LIMIT, error);
    struct dsse *envelope = value ? dsse_from_json(value, path, error) : NULL;

    if (envelope && !g_str_equal(envelope->payload_type, INTOTO_PAYLOAD_TYPE)) {
        input_error(error, "%s: is no statement of the protocol", path);
        dsse_free(envelope);
        return NULL;
    }
    return envelope;
}

gboolean ceremony_write_envelope(const struct dsse *envelope, const char *path, GError **error)
{
    g_autoptr(json_t) value = dsse_to_json(envelope);
    g_autofree char *text = json_pretty(value);

    return file_write(path, text, strlen(text), ENVELOPE_MODE, error);
}

static int report(const struct ceremony *ceremony, const struct submitted *submission,
                  GError **error)
{
    g_autofree char *text = NULL, *by = NULL;

    if (!submission->accepted) {
        policy_error(error, "the log refused it: %s",
                     submission->reason ? submission->reason : "without a reason");
        return EXIT_POLICY;
    }
    by = clock_format(submission->by_us);
    text = submission->included
               ? g_strdup_printf("entry %" G_GUINT64_FORMAT " of %s\n", submission->index,
                                 ceremony->origin)
               : g_strdup_printf("accepted by %s, which promised to include it by %s\n",
                                 ceremony->origin, by);
    return cli_output(ceremony->context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

int ceremony_submit(struct ceremony *ceremony, const struct dsse *envelope, GError **error)
{
    const struct http_options http = cli_http(ceremony->options->allow_private, NULL);
    g_autoptr(GBytes) entry = community_entry(envelope, error);
    g_autofree char *message = NULL;
    g_auto(submitted_t) submission = { 0 };
    enum register_verdict verdict;

    if (!entry)
        return EXIT_INPUT;
    if (!ceremony->registry)
        return input_error(error, "no community was joined here: give --output FILE");
    verdict = register_judge(ceremony->registry->reg, entry, clock_now_us(), &message);
    if (verdict != REGISTER_COUNTS) {
        policy_error(error, "it would not count (%s): %s%s", register_verdict_name(verdict),
                     message,
                     verdict == REGISTER_QUORUM || verdict == REGISTER_SIGNATURE
                         ? "; gather the signatures of the others: --output FILE, then \"entente "
                           "key root add\""
                         : "");
        return EXIT_POLICY;
    }
    if (!community_submit(ceremony->registry->community, &http, entry, &submission, error))
        return EXIT_SYSTEM;
    return report(ceremony, &submission, error);
}

static int hand_in(struct ceremony *ceremony, const struct dsse *envelope, GError **error)
{
    g_autoptr(json_t) value = NULL;
    g_autofree char *text = NULL;

    if (ceremony->registry && !ceremony->context->output)
        return ceremony_submit(ceremony, envelope, error);
    value = dsse_to_json(envelope);
    text = json_pretty(value);
    return cli_output(ceremony->context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

int ceremony_finish(struct ceremony *ceremony, const char *type, const char *name,
                    const char *sha256, json_t *predicate, enum key_role role,
                    const struct signing_key *also, GError **error)
{
    g_autoptr(json_t) owned = predicate;
    g_autoptr(GBytes) payload = intoto_build(name, sha256, type, owned, error);
    g_autoptr(json_t) statement = payload ? intoto_read(payload, error) : NULL;
    g_autoptr(dsse_t) envelope = payload ? dsse_new(INTOTO_PAYLOAD_TYPE, payload) : NULL;
    g_autoptr(GPtrArray) keys = NULL;

    if (!statement || !predicate_verify(predicate_find(type), statement, error))
        return EXIT_INPUT;
    if (ceremony->options->request) {
        if (also)
            dsse_sign(envelope, also);
        if (!ceremony_write_envelope(envelope, ceremony->options->request, error))
            return EXIT_SYSTEM;
        if (!ceremony->context->quiet)
            fprintf(stderr, "Now, where the root keys are: entente key root sign %s\n",
                    ceremony->options->request);
        return EXIT_DONE;
    }
    keys = ceremony_keys(ceremony, role, error);
    if (!keys || !ceremony_confirm(ceremony, envelope, keys, error))
        return EXIT_SYSTEM;
    for (guint i = 0; i < keys->len; i++)
        dsse_sign(envelope, keys->pdata[i]);
    if (also)
        dsse_sign(envelope, also);
    return hand_in(ceremony, envelope, error);
}
