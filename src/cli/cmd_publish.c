/* cmd_publish.c: puts a signed assessment (or another statement), or a release, into the log. */
#include "assess/assessment_statement.h"
#include "assess/reports.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/network.h"
#include "cli/publish_release.h"
#include "log/tile.h"
#include "log/tlog_proof.h"
#include "statement/dsse.h"
#include "statement/intoto.h"

#include <stdio.h>
#include <string.h>

#define PROOF_MODE 0644
#define ENVELOPE_SUFFIX ".dsse.json"
#define PROOF_SUFFIX ".tlog-proof"

struct state {
    struct ceremony_options ceremony; /* of --release, but for allow_private */
    char *ca;
    gboolean allow_stale, release;
};

/* The envelope of the newest saved assessment. */
static char *newest(const struct context *context, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_auto(GStrv) runs = data ? reports_list(data) : NULL;
    guint count = runs ? g_strv_length(runs) : 0;

    if (!data)
        return NULL;
    if (count == 0) {
        input_error(error, "no assessment is saved yet: \"entente assess\" makes one");
        return NULL;
    }
    return reports_path(data, runs[count - 1], ASSESSMENT_ENVELOPE_NAME);
}

/* FILE, FILE.dsse.json or FILE without ".json" and with ".dsse.json": where the envelope is. */
static char *envelope_path(const char *argument)
{
    g_autofree char *stem =
        g_str_has_suffix(argument, ".json") && !g_str_has_suffix(argument, ENVELOPE_SUFFIX)
            ? g_strndup(argument, strlen(argument) - strlen(".json"))
            : NULL;
    g_autofree char *beside = stem ? g_strconcat(stem, ENVELOPE_SUFFIX, NULL) : NULL;

    return g_strdup(beside && g_file_test(beside, G_FILE_TEST_EXISTS) ? beside : argument);
}

/* Only what may go into a log: a statement of a known, public kind. */
static gboolean may_be_published(const struct dsse *envelope, const char *path, const char **name,
                                 GError **error)
{
    g_autoptr(json_t) statement = intoto_read(envelope->payload, error);
    const struct predicate *predicate;

    if (!statement)
        return FALSE;
    predicate = predicate_find(intoto_predicate_type(statement));
    if (!predicate)
        return input_error(error, "%s: its kind of statement is not known here", path);
    if (predicate->exposure == EXPOSURE_LOCAL)
        return policy_error(error, "%s: a statement of the kind \"%s\" never goes into a log", path,
                            predicate->name);
    *name = predicate->name;
    return predicate_verify(predicate, statement, error);
}

static GBytes *read_entry(const char *path, const char **name, GError **error)
{
    g_autoptr(json_t) value = json_read_file(path, DSSE_LIMIT, error);
    g_autoptr(dsse_t) envelope = value ? dsse_from_json(value, path, error) : NULL;
    g_autoptr(GBytes) entry = NULL;

    if (!envelope || !may_be_published(envelope, path, name, error))
        return NULL;
    entry = community_entry(envelope, error);
    if (entry && g_bytes_get_size(entry) > ENTRY_LIMIT) {
        input_error(error, "%s: larger than an entry of a log (%u bytes)", path, ENTRY_LIMIT);
        return NULL;
    }
    return g_steal_pointer(&entry);
}

static gboolean keep_proof(const struct context *context, const char *path,
                           const struct submitted *submission, GError **error)
{
    g_autofree char *stem = g_str_has_suffix(path, ENVELOPE_SUFFIX)
                                ? g_strndup(path, strlen(path) - strlen(ENVELOPE_SUFFIX))
                                : g_strdup(path);
    g_autofree char *proof = g_strconcat(stem, PROOF_SUFFIX, NULL);
    g_autofree char *shown = terminal_escape(proof);

    if (!submission->proof)
        return TRUE;
    if (!file_write(proof, g_bytes_get_data(submission->proof, NULL),
                    g_bytes_get_size(submission->proof), PROOF_MODE, error))
        return FALSE;
    if (!context->quiet)
        fprintf(stderr, "The proof is in %s\n", shown);
    return TRUE;
}

static gboolean put(const struct context *context, const char *kind,
                    const struct submitted *submission, GError **error)
{
    g_autoptr(json_t) value = NULL;
    g_autofree char *text = NULL;

    if (!cli_format_is(context, "json", FALSE)) {
        text = submission->included ? g_strdup_printf("%" G_GUINT64_FORMAT "\n", submission->index)
                                    : g_strdup("accepted\n");
        return cli_output(context, text, strlen(text), error);
    }
    value = json_pack("{s:s, s:s}", "kind", kind, "status",
                      submission->included ? "included" : "accepted");
    if (submission->receipt) {
        gsize length;
        const void *bytes = g_bytes_get_data(submission->receipt, &length);
        json_t *receipt = json_parse(bytes, length, length, "receipt", error);

        if (!receipt)
            return FALSE;
        json_object_set_new(value, "receipt", receipt);
    }
    if (submission->included)
        json_object_set_new(value, "index", json_integer((json_int_t)submission->index));
    text = json_pretty(value);
    return cli_output(context, text, strlen(text), error);
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    const struct http_options http = cli_http(state->ceremony.allow_private, state->ca);
    g_autofree char *path = NULL;
    g_autoptr(GBytes) entry = NULL;
    g_autoptr(community_t) community = NULL;
    g_auto(community_state_t) now = { 0 };
    g_auto(submitted_t) submission = { 0 };
    const char *kind = NULL;

    if (state->release)
        return publish_release(context, &state->ceremony, arguments, error);
    if (state->ceremony.keys || state->ceremony.request || state->ceremony.origin)
        return input_error(error, "--key, --request and --origin are for --release");
    if (arguments[0] && arguments[1])
        return input_error(error, "publish takes one ASSESSMENT");
    path = arguments[0] ? envelope_path(arguments[0]) : newest(context, error);
    entry = path ? read_entry(path, &kind, error) : NULL;
    if (!entry)
        return EXIT_INPUT;
    community = cli_community(context, error);
    if (!community ||
        !community_update(community, &http,
                          state->allow_stale ? FRESHNESS_WAIVED : FRESHNESS_DEMANDED, &now,
                          error) ||
        !cli_submit(context, community, &http, kind, entry, &submission, error) ||
        !keep_proof(context, path, &submission, error) || !put(context, kind, &submission, error))
        return EXIT_SYSTEM;
    return now.broken_receipts ? EXIT_FOUND : EXIT_DONE;
}

static const struct command_option options[] = {
    { "release", 0, G_OPTION_ARG_NONE, offsetof(struct state, release),
      "Publish the digest of a file that is handed out: NAME VERSION FILE", NULL },
    { "allow-stale", 0, G_OPTION_ARG_NONE, offsetof(struct state, allow_stale),
      "Believe a checkpoint whose cosignatures are older than the policy allows", NULL },
    CEREMONY_OPTIONS(struct state, "key"),
    { "ca", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, ca),
      "Trust these certificates (PEM) instead of the system's", "FILE" },
    { NULL },
};

const struct command command_publish = {
    .name = "publish",
    .summary = "Put a signed assessment into the community's log",
    .arguments = "[ASSESSMENT | NAME VERSION FILE]",
    .formats = "text, json",
    .details =
        "Without ASSESSMENT: the newest saved one. What is published is its signed statement:\n"
        "banded scores and salted commitments, no finding. Prints the index; the proof goes\n"
        "beside the statement, the log's receipt is kept and judged when it is due.\n\n"
        "With --release: a statement that NAME in VERSION has this digest. Of the viewer:\n"
        "  entente view --manifest --output viewer.sha256\n"
        "  entente publish --release entente-viewer 1.0 viewer.sha256\n\n"
        "Example: entente publish\n"
        "         entente publish report/assessment.json",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
