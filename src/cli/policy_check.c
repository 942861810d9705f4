/* entente policy check: is it a policy, and is it a wise one? */
#include "base/json.h"
#include "base/terminal.h"
#include "cli/policy_command.h"
#include "cli/policy_file.h"
#include "statement/base64.h"

#include <string.h>

static char *as_json(const struct policy_file *file, const GPtrArray *warnings)
{
    const struct quorum_policy *policy = file->quorum;
    g_autofree char *digest = hex_encode(policy->digest, sizeof policy->digest);
    g_autoptr(json_t) list = json_array(), all = NULL;

    for (guint i = 0; i < warnings->len; i++)
        json_array_append_new(list, json_safe_string(warnings->pdata[i]));
    all = json_pack("{s:b, s:s, s:s, s:i, s:i, s:i, s:O}", "valid", TRUE, "form",
                    file->community ? "community" : "c2sp", "digest", digest, "logs",
                    (int)policy->logs->len, "witnesses", (int)policy->witnesses->len, "groups",
                    (int)policy->groups->len, "warnings", list);
    return json_pretty(all);
}

static char *as_text(const struct policy_file *file, const GPtrArray *warnings, gboolean colour)
{
    const struct quorum_policy *policy = file->quorum;
    g_autofree char *digest = hex_encode(policy->digest, sizeof policy->digest);
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "a policy: %u log%s, %u witness%s, %u group%s\nsha256:%s\n",
                           policy->logs->len, policy->logs->len == 1 ? "" : "s",
                           policy->witnesses->len, policy->witnesses->len == 1 ? "" : "es",
                           policy->groups->len, policy->groups->len == 1 ? "" : "s", digest);
    for (guint i = 0; i < warnings->len; i++) {
        g_autofree char *escaped = terminal_escape(warnings->pdata[i]);
        g_autofree char *word = terminal_style("warning", STYLE_WARN, colour);

        g_string_append_printf(text, "%s: %s\n", word, escaped);
    }
    return g_string_free(text, FALSE);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct policy_state *state = shared;
    g_autoptr(policy_file_t) file = NULL;
    g_autoptr(GPtrArray) warnings = NULL;
    g_autofree char *text = NULL;

    (void)state;
    if (!arguments[0] || arguments[1]) {
        input_error(error, "policy check takes one file");
        return EXIT_INPUT;
    }
    file = policy_file_read(arguments[0], error);
    if (!file)
        return EXIT_INPUT;
    warnings = quorum_policy_warnings(file->quorum);
    if (cli_format_is(context, "json", FALSE))
        text = as_json(file, warnings);
    else if (cli_format_is(context, "c2sp", FALSE))
        text = quorum_policy_text(file->quorum);
    else
        text = as_text(file, warnings, !context->output && terminal_has_colour(stdout));
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand policy_subcommand_check = { "check", run };
