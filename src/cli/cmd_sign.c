#include "base/file.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/keys.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"
#include "statement/verifier.h"

#include <stdio.h>
#include <string.h>

#define ENVELOPE_SUFFIX ".dsse.json"
#define ENVELOPE_MODE 0644

struct state {
    char *key, *name, *add, *passphrase_file;
};

static const struct command_option options[] = {
    { "key", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, key),
      "Sign with this private key instead of the default one", "FILE" },
    { "name", 0, G_OPTION_ARG_STRING, offsetof(struct state, name),
      "The key's name, when its file holds none (PEM, OpenSSH)", "NAME" },
    { "add", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, add),
      "Add a signature to this envelope of the same FILE", "ENVELOPE" },
    { "passphrase-file", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, passphrase_file),
      "Take the passphrase from the first line of FILE (or ENTENTE_PASSPHRASE_FILE)", "FILE" },
    { NULL },
};

/*
 * Documents only: an envelope, or a statement that an envelope could carry, is refused, so that
 * nobody is led to sign an endorsement or a delegation as if it were a letter.
 */
static gboolean is_document(const char *path, guint64 size, GError **error)
{
    g_autoptr(GBytes) bytes = size <= DSSE_LIMIT ? file_read(path, DSSE_LIMIT, error) : NULL;
    g_autoptr(json_t) value = NULL;
    const void *data;
    gsize length;

    if (size > DSSE_LIMIT)
        return TRUE;
    if (!bytes)
        return FALSE;
    data = g_bytes_get_data(bytes, &length);
    value = json_parse(data, length, DSSE_LIMIT, path, NULL);
    if (json_object_get(value, "payloadType") && json_object_get(value, "payload"))
        return policy_error(error, "%s: is a signed envelope; sign what it is about, with --add %s",
                            path, path);
    if (json_object_get(value, "predicateType") || json_object_get(value, "_type"))
        return policy_error(error,
                            "%s: is a statement of the protocol; \"sign\" signs documents, "
                            "and each kind of statement has a command of its own",
                            path);
    return TRUE;
}

static GBytes *make_payload(const char *subject, const char *sha256, guint64 size, GError **error)
{
    g_autoptr(json_t) predicate = json_pack("{s:I}", "size", (json_int_t)size);

    return intoto_build(subject, sha256, PREDICATE_DOCUMENT, predicate, error);
}

/* An envelope to which this file's signature may be added: it says exactly what we would say. */
static struct dsse *read_envelope(const char *path, const char *file, const char *sha256,
                                  guint64 size, GError **error)
{
    g_autoptr(json_t) value = json_read_file(path, DSSE_LIMIT, error);
    g_autoptr(dsse_t) envelope = value ? dsse_from_json(value, path, error) : NULL;
    g_autoptr(json_t) statement = envelope ? intoto_read(envelope->payload, error) : NULL;
    g_autoptr(GBytes) wanted = NULL;

    if (!statement)
        return NULL;
    if (g_strcmp0(intoto_predicate_type(statement), PREDICATE_DOCUMENT) != 0 ||
        !g_str_equal(envelope->payload_type, INTOTO_PAYLOAD_TYPE)) {
        policy_error(error, "%s: is not about a document; \"sign\" signs documents only", path);
        return NULL;
    }
    wanted = make_payload(intoto_subject_name(statement), sha256, size, error);
    if (!wanted)
        return NULL;
    if (!g_bytes_equal(wanted, envelope->payload)) {
        found_error(error, "%s: is not about %s as it is now (SHA-256 %s)", path, file, sha256);
        return NULL;
    }
    return g_steal_pointer(&envelope);
}

static gboolean has_signed(const struct dsse *envelope, const struct signing_key *key)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autofree struct dsse_result *results =
        g_new0(struct dsse_result, envelope->signatures->len + 1);

    g_ptr_array_add(keys, key->public);
    return dsse_verify(envelope, keys, results) > 0;
}

static void show(const char *subject, const char *sha256, guint64 size,
                 const struct signing_key *key, gboolean french)
{
    g_autofree char *hint = public_key_hint(key->public);
    g_autofree char *name = terminal_escape(subject);
    g_autofree char *signer = terminal_escape(hint);

    fprintf(stderr,
            french ? "Signature en tant que %s\u202f:\n  document  %s\n  SHA-256   %s\n"
                     "  taille    %" G_GUINT64_FORMAT " octets\n"
                   : "Signing as %s:\n  document  %s\n  SHA-256   %s\n  size      "
                     "%" G_GUINT64_FORMAT " bytes\n",
            signer, name, sha256, size);
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autofree char *sha256 = NULL, *output = NULL, *subject = NULL, *text = NULL;
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(dsse_t) envelope = NULL;
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(json_t) value = NULL;
    const char *file = arguments[0];
    guint64 size;

    if (!file || arguments[1])
        return input_error(error, "sign takes one FILE");
    sha256 = verify_file_sha256(file, &size, error);
    if (!sha256 || !is_document(file, size, error))
        return EXIT_SYSTEM;
    if (state->add) {
        envelope = read_envelope(state->add, file, sha256, size, error);
        output = g_strdup(context->output ? context->output : state->add);
    } else {
        subject = g_path_get_basename(file);
        payload = make_payload(subject, sha256, size, error);
        envelope = payload ? dsse_new(INTOTO_PAYLOAD_TYPE, payload) : NULL;
        output =
            context->output ? g_strdup(context->output) : g_strconcat(file, ENVELOPE_SUFFIX, NULL);
        /* It may carry others' signatures. */
        if (!context->output && g_file_test(output, G_FILE_TEST_EXISTS))
            return input_error(error,
                               "%s: exists already; add a signature with --add, or replace it "
                               "with --output",
                               output);
    }
    key = envelope
              ? cli_signing_key(context, state->key, state->name, state->passphrase_file, error)
              : NULL;
    if (!key)
        return EXIT_INPUT;
    if (has_signed(envelope, key))
        return input_error(error, "%s: this key has signed it already", state->add);
    if (!context->quiet)
        show(subject ? subject : file, sha256, size, key, cli_is_french(context));
    dsse_sign(envelope, key);
    value = dsse_to_json(envelope);
    text = json_pretty(value);
    if (g_str_equal(output, "-"))
        return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
    if (!file_write(output, text, strlen(text), ENVELOPE_MODE, error))
        return EXIT_SYSTEM;
    if (!context->quiet) {
        g_autofree char *shown = terminal_escape(output);

        fprintf(stderr,
                cli_is_french(context)
                    ? "Écrit dans %s\u202f; à vérifier avec\u202f: entente verify %s\n"
                    : "Written to %s; check it with: entente verify %s\n",
                shown, shown);
    }
    return EXIT_DONE;
}

const struct command command_sign = {
    .name = "sign",
    .summary = "Sign a document: name, size and SHA-256 in a DSSE envelope",
    .arguments = "FILE",
    .details =
        "Shows what is signed. The envelope goes to FILE.dsse.json, or --output. Statements\n"
        "of the protocol are refused (exit 4): each has a command of its own.\n\n"
        "Example: entente sign report.pdf\n"
        "         entente sign report.pdf --add report.pdf.dsse.json --key second.key",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
