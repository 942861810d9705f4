/* cmd_verify.c: the one verifier: finds out what it was given, and hands it to who judges that. */
#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/network.h"
#include "cli/verify_command.h"
#include "delivery/commitment_root.h"
#include "log/evidence.h"
#include "register/register.h"
#include "statement/key.h"

#include <string.h>

static const struct command_option options[] = {
    { "key", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct verify_state, keys),
      "Trust this key: a vkey, or a file with one, PEM or OpenSSH (may be repeated; default: the "
      "own keys, and those of the community's signatories)",
      "KEY" },
    { "threshold", 0, G_OPTION_ARG_STRING, offsetof(struct verify_state, threshold),
      "At least N different keys must have signed (default: 1)", "N" },
    { "document", 0, G_OPTION_ARG_FILENAME, offsetof(struct verify_state, document),
      "The document that was signed (default: the file of its name beside the statement)", "FILE" },
    { "policy", 0, G_OPTION_ARG_FILENAME, offsetof(struct verify_state, policy),
      "Judge a proof, a checkpoint or evidence by this policy (default: the community's)", "FILE" },
    { "entry", 0, G_OPTION_ARG_FILENAME, offsetof(struct verify_state, entry),
      "What an offline proof proves (default: the file beside it)", "FILE" },
    { "offline", 0, G_OPTION_ARG_NONE, offsetof(struct verify_state, offline),
      "Ask nobody: judge by what this machine remembers", NULL },
    { "allow-stale", 0, G_OPTION_ARG_NONE, offsetof(struct verify_state, allow_stale),
      "Take a checkpoint whose cosignatures are older than the policy allows", NULL },
    { "allow-unwitnessed", 0, G_OPTION_ARG_NONE, offsetof(struct verify_state, allow_unwitnessed),
      "Take a checkpoint without a quorum of witnesses: the log's word alone", NULL },
    { "allow-private", 0, G_OPTION_ARG_NONE, offsetof(struct verify_state, allow_private),
      "Also ask by http:// and at addresses that are not public", NULL },
    { "ca", 0, G_OPTION_ARG_FILENAME, offsetof(struct verify_state, ca),
      "Trust these certificates (PEM) instead of the system's", "FILE" },
    { NULL },
};

static gboolean has_schema(GBytes *bytes, const char *schema)
{
    gsize length;
    const char *data = g_bytes_get_data(bytes, &length);
    g_autoptr(json_t) value = NULL;

    if (!length || !strchr(" \t\r\n{", *data))
        return FALSE;
    value = json_parse(data, length, VERIFY_FILE_LIMIT, "file", NULL);
    return g_strcmp0(json_text(value, "schema"), schema) == 0;
}

static gboolean is_proof(GBytes *bytes)
{
    static const char begin[] = "c2sp.org/tlog-proof@";

    return g_bytes_get_size(bytes) > strlen(begin) &&
           memcmp(g_bytes_get_data(bytes, NULL), begin, strlen(begin)) == 0;
}

/* A note's signature lines begin with an em dash. */
static gboolean is_note(GBytes *bytes)
{
    static const char line[] = "\n\n\xE2\x80\x94 ";
    gsize length;
    const char *data = g_bytes_get_data(bytes, &length);

    return length && memmem(data, length, line, strlen(line)) && !strchr(" \t\r\n{[", *data);
}

static gboolean is_evidence(GBytes *bytes)
{
    return has_schema(bytes, EVIDENCE_SCHEMA);
}

static gboolean is_register(GBytes *bytes)
{
    return has_schema(bytes, REGISTER_SCHEMA);
}

static gboolean is_case_proof(GBytes *bytes)
{
    return has_schema(bytes, CASE_PROOF_SCHEMA);
}

static const struct {
    gboolean (*is)(GBytes *bytes);
    int (*verify)(const struct context *context, const struct verify_state *state, const char *path,
                  GBytes *bytes, GError **error);
} files[] = {
    { is_proof, verify_proof },           { is_note, verify_checkpoint },
    { is_evidence, verify_evidence },     { is_register, verify_register },
    { is_case_proof, verify_case_proof },
};

static int verify_bytes(const struct context *context, const struct verify_state *state,
                        const char *what, GBytes *bytes, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(files); i++)
        if (files[i].is(bytes))
            return files[i].verify(context, state, what, bytes, error);
    return verify_envelope_file(context, state, what, bytes, error);
}

/* What lies behind a URL; one that ends in '/' is a log. */
static int verify_url(const struct context *context, const struct verify_state *state,
                      const char *url, GError **error)
{
    struct http_options limits = cli_http(state->allow_private, state->ca);
    const struct http_request request = { .method = "GET", .url = url };
    g_auto(http_answer_t) answer = { 0 };
    g_autoptr(http_t) http = NULL;

    if (g_str_has_suffix(url, "/"))
        return verify_log(context, state, url, error);
    limits.limit = VERIFY_FILE_LIMIT;
    http = http_new(&limits);
    if (!http_fetch(http, &request, &answer, error))
        return EXIT_SYSTEM;
    if (answer.status != 200)
        return system_error(error, "%s: the answer is HTTP %u (a log's URL ends in '/')", url,
                            answer.status);
    return verify_bytes(context, state, url, answer.body, error);
}

static int verify_file(const struct context *context, const struct verify_state *state,
                       const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;

    /* A document of any size and kind is judged by the envelope beside it. */
    if (g_str_equal(path, "-")) {
        bytes = file_read(path, VERIFY_FILE_LIMIT, error);
        return bytes ? verify_bytes(context, state, path, bytes, error) : EXIT_SYSTEM;
    }
    bytes = file_read(path, VERIFY_FILE_LIMIT, NULL);
    for (guint i = 0; bytes && i < G_N_ELEMENTS(files); i++)
        if (files[i].is(bytes))
            return files[i].verify(context, state, path, bytes, error);
    return verify_envelope_file(context, state, path, NULL, error);
}

static gboolean is_key(const char *text)
{
    g_autoptr(public_key_t) key = public_key_parse(text, NULL);

    return key != NULL;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct verify_state *state = data;
    const char *what = arguments[0];

    if (!what || arguments[1])
        return input_error(error, "verify takes one FILE, URL or SIGNATORY: see entente verify "
                                  "--help");
    if (g_str_has_prefix(what, "https://") || g_str_has_prefix(what, "http://"))
        return state->offline ? input_error(error, "%s: --offline asks nobody", what)
                              : verify_url(context, state, what, error);
    /* What is no file may be a domain, an id or a key; only a key has a '/'. */
    if (!g_file_test(what, G_FILE_TEST_EXISTS) && (!strchr(what, '/') || is_key(what)) &&
        !g_str_equal(what, "-"))
        return verify_signatory(context, state, what, error);
    return verify_file(context, state, what, error);
}

const struct command command_verify = {
    .name = "verify",
    .summary = "Verify a statement, proof, checkpoint, log, register or signatory",
    .arguments = "FILE|URL|SIGNATORY",
    .formats = "text, json",
    .details =
        "FILE: a signed statement or the document beside it, a disclosure, an offline proof, a\n"
        "checkpoint, evidence against a log, a register, the proof of when an event of a case\n"
        "was there. URL: the same, or (ending in '/') a\n"
        "whole log. SIGNATORY: a domain, an id or a key of the community. Exit status: 0 good;\n"
        "1 something is false; 2 malformed; 3 undecided (unknown key, unwitnessed, stale).\n\n"
        "Example: entente verify report.pdf.dsse.json --key 'example.org+530d903a+AekyeR...'\n"
        "         entente verify example.org",
    .options = options,
    .state_size = sizeof(struct verify_state),
    .run = run,
};
