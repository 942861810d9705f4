#include "assess/assessment_statement.h"
#include "assess/reports.h"
#include "base/file.h"
#include "cli/commands.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/verifier.h"

#include <string.h>

#define OPENINGS_LIMIT (256u << 20)

static char *folder_if_openings(char *folder)
{
    g_autofree char *openings = g_build_filename(folder, ASSESSMENT_OPENINGS_NAME, NULL);

    if (g_file_test(openings, G_FILE_TEST_EXISTS))
        return folder;
    g_free(folder);
    return NULL;
}

static char *folder_of_run(const char *data, const char *run_id)
{
    g_autofree char *file = reports_path(data, run_id, ASSESSMENT_OPENINGS_NAME);

    return folder_if_openings(g_path_get_dirname(file));
}

/*
 * The folder of the statement and its openings, and whether the first argument named it: a
 * statement's path, a folder, a run id; else it is the newest run.
 */
static char *find_folder(const char *data, const char *argument, gboolean *named, GError **error)
{
    g_auto(GStrv) runs = reports_list(data);
    char *folder = NULL;

    *named = TRUE;
    if (g_file_test(argument, G_FILE_TEST_IS_DIR))
        folder = folder_if_openings(g_strdup(argument));
    else if (g_file_test(argument, G_FILE_TEST_EXISTS))
        folder = folder_if_openings(g_path_get_dirname(argument));
    else if (g_strv_contains((const char *const *)runs, argument))
        folder = folder_of_run(data, argument);
    else
        *named = FALSE;
    for (guint i = g_strv_length(runs); !*named && !folder && i > 0; i--)
        folder = folder_of_run(data, runs[i - 1]);
    if (!folder)
        input_error(error,
                    *named ? "%s: there is no " ASSESSMENT_OPENINGS_NAME
                             " beside it: only who made "
                             "the assessment can open it"
                           : "%s: nothing to open: no assessment was kept yet (entente assess)",
                    argument);
    return folder;
}

/* The openings, and the envelope that commits to them. */
static struct commitment *load(const char *folder, json_t **envelope, GError **error)
{
    g_autofree char *envelope_path = g_build_filename(folder, ASSESSMENT_ENVELOPE_NAME, NULL);
    g_autofree char *openings_path = g_build_filename(folder, ASSESSMENT_OPENINGS_NAME, NULL);
    g_autoptr(json_t) value = json_read_file(envelope_path, DSSE_LIMIT, error);
    g_autoptr(dsse_t) dsse = value ? dsse_from_json(value, envelope_path, error) : NULL;
    g_autoptr(json_t) statement = dsse ? intoto_read(dsse->payload, error) : NULL;
    g_autoptr(json_t) openings =
        statement ? json_read_file(openings_path, OPENINGS_LIMIT, error) : NULL;
    g_autoptr(commitment_t) commitment =
        openings ? commitment_from_openings(openings, error) : NULL;
    struct commitment_root stated, root;

    if (!commitment ||
        !commitment_root_read(json_object_get(intoto_predicate(statement), "commitments"), &stated,
                              error))
        return NULL;
    root = commitment_root(commitment);
    if (memcmp(root.hash.bytes, stated.hash.bytes, MERKLE_HASH_SIZE) != 0) {
        found_error(error, "%s: these are the openings of another statement", openings_path);
        return NULL;
    }
    *envelope = g_steal_pointer(&value);
    return g_steal_pointer(&commitment);
}

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
    folder = find_folder(data, arguments[0], &named, error);
    if (!folder)
        return EXIT_INPUT;
    if (named && !arguments[1])
        return input_error(error,
                           "%s: name what to open of it: a measure's id, or a principle's "
                           "number",
                           arguments[0]);
    commitment = load(folder, &envelope, error);
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
