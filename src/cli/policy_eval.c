/* entente policy eval: is the quorum met, by a checkpoint or by witnesses supposed to have signed?
 */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/policy_command.h"
#include "cli/policy_judged.h"

#include <string.h>

static const struct {
    enum quorum_reason reason;
    enum entente_exit status;
    const char *words;
} verdicts[] = {
    { QUORUM_GOOD, EXIT_DONE, "the quorum is met" },
    { QUORUM_MALFORMED, EXIT_INPUT, "it is a note, but no checkpoint" },
    { QUORUM_UNKNOWN_LOG, EXIT_FOUND, "it is of a log that the policy does not name" },
    { QUORUM_SIGNATURE, EXIT_FOUND, "the log did not sign it, or a signature on it is false" },
    { QUORUM_MISSING, EXIT_SYSTEM, "too few witnesses cosigned it" },
    { QUORUM_STALE, EXIT_SYSTEM, "its cosignatures are older than the policy allows" },
};

static char *note_json(const struct policy_judged *judged)
{
    const struct quorum_policy *policy = judged->file->quorum;
    const char *reason = quorum_reason_name(judged->verdict.reason);
    g_autoptr(json_t) signers = json_array(), all = NULL;
    g_autofree char *time = clock_format((gint64)judged->verdict.log_time_s * G_USEC_PER_SEC);

    for (guint i = 0; i < judged->verdict.signers->len; i++) {
        const struct note_signer *signer =
            &g_array_index(judged->verdict.signers, struct note_signer, i);
        const struct quorum_witness *witness = policy->witnesses->pdata[signer->key];

        json_array_append_new(signers, json_safe_string(witness->name));
    }
    all = json_pack("{s:b, s:s, s:b, s:O, s:o}", "met", judged->verdict.reason == QUORUM_GOOD,
                    "reason", reason ? reason : "good", "unwitnessed",
                    policy->none || judged->verdict.reason == QUORUM_MISSING, "cosigned", signers,
                    "margins", policy_margins_json(judged));
    if (judged->checkpoint) {
        json_object_set_new(all, "origin", json_safe_string(judged->checkpoint->origin));
        json_object_set_new(all, "size", json_integer((json_int_t)judged->checkpoint->size));
    }
    if (judged->verdict.log_time_s)
        json_object_set_new(all, "log_time", json_string(time));
    return json_pretty(all);
}

static char *note_text(const struct policy_judged *judged, const char *words)
{
    const struct checkpoint *checkpoint = judged->checkpoint;
    g_autofree char *table = policy_margins_text(judged);
    GString *text = g_string_new(NULL);

    if (checkpoint) {
        g_autofree char *origin = terminal_escape(checkpoint->origin);

        g_string_append_printf(text, "%s, %" G_GUINT64_FORMAT " entries: ", origin,
                               checkpoint->size);
    }
    g_string_append(text, words);
    if (judged->file->quorum->none)
        g_string_append(text, " (unwitnessed: the policy asks for no witness)");
    g_string_append_c(text, '\n');
    if (judged->verdict.margins->len)
        g_string_append(text, table);
    return g_string_free(text, FALSE);
}

static int eval_note(const struct context *context, const struct policy_judged *judged,
                     GError **error)
{
    g_autofree char *text = NULL;
    guint row = 0;

    while (verdicts[row].reason != judged->verdict.reason)
        row++;
    text = cli_format_is(context, "json", FALSE) ? note_json(judged)
                                                 : note_text(judged, verdicts[row].words);
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    return judged->file->quorum->none && verdicts[row].status == EXIT_DONE ? EXIT_SYSTEM
                                                                           : verdicts[row].status;
}

/* Marks the witnesses named; ENTENTE_ERROR_INPUT for a name that is none. */
static gboolean mark(const struct quorum_policy *policy, char **names, gboolean *cosigned,
                     GError **error)
{
    for (; *names; names++) {
        guint i = 0;

        while (i < policy->witnesses->len &&
               strcmp(((struct quorum_witness *)policy->witnesses->pdata[i])->name, *names) != 0)
            i++;
        if (i == policy->witnesses->len)
            return input_error(error, "\"%s\" is no witness of the policy", *names);
        cosigned[i] = TRUE;
    }
    return TRUE;
}

static int eval_names(const struct context *context, const struct quorum_policy *policy,
                      char **names, GError **error)
{
    g_autofree gboolean *cosigned = g_new0(gboolean, policy->witnesses->len + 1);
    const char *text;
    gboolean met;

    if (!mark(policy, names, cosigned, error))
        return EXIT_INPUT;
    met = quorum_is_met(policy, cosigned);
    if (cli_format_is(context, "json", FALSE))
        text = met ? "{\"met\": true}\n" : "{\"met\": false}\n";
    else
        text = met ? "the quorum is met\n" : "the quorum is not met\n";
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    return met ? EXIT_DONE : EXIT_FOUND;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct policy_state *state = shared;
    struct policy_judged judged = { 0 };
    char *nobody[] = { NULL };
    int status = EXIT_SYSTEM;

    if (!arguments[0] || (arguments[1] && (arguments[2] || state->cosigned))) {
        input_error(error, "policy eval takes a policy and a checkpoint or --cosigned NAME");
        return EXIT_INPUT;
    }
    if (policy_judged_read(arguments[0], arguments[1], &judged, error))
        status = judged.has_note ? eval_note(context, &judged, error)
                                 : eval_names(context, judged.file->quorum,
                                              state->cosigned ? state->cosigned : nobody, error);
    policy_judged_clear(&judged);
    return status;
}

const struct subcommand policy_subcommand_eval = { "eval", run };
