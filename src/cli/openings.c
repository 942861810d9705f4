#include "cli/openings.h"

#include "assess/assessment_statement.h"
#include "assess/reports.h"
#include "base/error.h"
#include "statement/dsse.h"
#include "statement/intoto.h"

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

char *openings_folder(const char *data, const char *argument, gboolean *named, GError **error)
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

struct commitment *openings_load(const char *folder, json_t **envelope, GError **error)
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
