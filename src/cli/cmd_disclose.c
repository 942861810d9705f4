#include "assess/assessment_statement.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/openings.h"
#include "statement/verifier.h"

#include <string.h>

/* Opens what `id` names; FALSE when nothing does. Entries named twice are opened once. */
static gboolean open_id(const struct commitment *commitment, const char *id, GHashTable *opened,
                        json_t *entries)
{
    gboolean any = FALSE;

    for (gsize i = 0; i < commitment_count(commitment); i++) {
        if (!assessment_entry_is(commitment_value(commitment, i), id))
            continue;
        any = TRUE;
        if (g_hash_table_add(opened, GSIZE_TO_POINTER(i)))
            json_array_append_new(entries, commitment_open(commitment, i));
    }
    return any;
}

static int run(const struct context *context, void *state, char **arguments, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_autofree char *folder = NULL, *text = NULL;
    g_autoptr(GHashTable) opened = g_hash_table_new(NULL, NULL);
    g_autoptr(json_t) envelope = NULL;
    g_autoptr(json_t) entries = json_array();
    g_autoptr(json_t) disclosure = NULL;
    g_autoptr(commitment_t) commitment = NULL;
    gboolean named;

    if (!data)
        return EXIT_SYSTEM;
    if (!arguments[0])
        return input_error(error, "name what to open: a measure's id, or a principle's number");
    folder = openings_folder(data, arguments[0], &named, error);
    if (!folder)
        return EXIT_INPUT;
    if (named && !arguments[1])
        return input_error(error,
                           "%s: name what to open of it: a measure's id, or a principle's "
                           "number",
                           arguments[0]);
    commitment = openings_load(folder, &envelope, error);
    if (!commitment)
        return EXIT_INPUT;
    for (char **id = arguments + named; *id; id++)
        if (!open_id(commitment, *id, opened, entries))
            return input_error(
                error,
                "\"%s\" is no measure and no principle of this assessment (see: entente measures)",
                *id);
    disclosure = disclosure_build(envelope, entries);
    text = json_pretty(disclosure);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct command command_disclose = {
    .name = "disclose",
    .summary = "Open single findings or scores of a signed assessment, and prove them",
    .arguments = "[STATEMENT|RUN] ID...",
    .details =
        "ID is a measure (host.ssh.root-login or SSHD-01), or the number of a principle for\n"
        "its exact score. The result is one file that \"entente verify\" checks; nothing else\n"
        "of the assessment is revealed. Without STATEMENT or RUN: the newest assessment.\n\n"
        "Example: entente disclose 7 host.ssh.root-login --output opened.json",
    .run = run,
};
