#include "assess/import.h"
#include "base/error.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "journal/journal.h"
#include "profile/profile.h"

#include <stdio.h>
#include <string.h>

struct state {
    char *asset;
};

static gboolean import_file(const struct context *context, const struct state *state,
                            const char *folder, const char *path, GError **error)
{
    g_autoptr(GBytes) document = file_read(path, IMPORT_FILE_MAX, error);
    g_autoptr(imported_t) imported = NULL;
    g_autoptr(journal_t) journal = NULL;
    g_autofree char *digest = NULL, *body = NULL, *tool = NULL, *asset = NULL;
    gboolean french = cli_is_french(context);
    guint failing = 0;

    if (!document)
        return FALSE;
    imported = import_parse_confined(document, path, error);
    if (!imported)
        return FALSE;
    if (state->asset || !imported->asset) {
        g_autoptr(profile_t) here = profile_default();

        g_free(imported->asset);
        imported->asset = g_strdup(state->asset ? state->asset : profile_this_host(here)->name);
    }
    digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, document);
    body = imported_format(imported);
    journal = journal_open(folder, error);
    if (!journal || !journal_note(journal, IMPORT_EVENT, imported->asset, digest, body, error))
        return FALSE;
    for (guint i = 0; i < imported->findings->len; i++)
        failing += ((const struct imported_finding *)imported->findings->pdata[i])->outcome ==
                   OUTCOME_FAIL;
    tool = terminal_escape(imported->tool);
    asset = terminal_escape(imported->asset);
    if (!context->quiet)
        printf(french ? "%s sur %s\u202f: %u constats, dont %u échecs%s. Ils paraîtront dans les "
                        "prochaines évaluations, sans jamais compter dans la note.\n"
                      : "%s on %s: %u findings, %u failing%s. They are shown in the next "
                        "assessments, and never scored.\n",
               tool, asset, imported->findings->len, failing,
               !imported->omitted ? ""
               : french           ? " (plus qu’il n’en est gardé)"
                                  : " (more than are kept)");
    return TRUE;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autofree char *folder = cli_data_folder(context, error);

    if (!folder)
        return EXIT_SYSTEM;
    if (!arguments[0]) {
        input_error(error, "which file? entente import FILE...");
        return EXIT_INPUT;
    }
    for (; *arguments; arguments++)
        if (!import_file(context, state, folder, *arguments, error))
            return error_exit_status(*error);
    return EXIT_DONE;
}

static const struct command_option options[] = {
    { "asset", 0, G_OPTION_ARG_STRING, offsetof(struct state, asset),
      "The host it speaks of (default: as the file says, else this one)", "NAME" },
    { NULL },
};

const struct command command_import = {
    .name = "import",
    .summary = "Take in what other tools found: SARIF, XCCDF, ARF, Lynis",
    .arguments = "FILE...",
    .details = "The findings are kept in the journal and shown in the next assessments with their\n"
               "source; they never count in a score.\n\n"
               "Example: entente import /var/log/lynis-report.dat scan.sarif",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
