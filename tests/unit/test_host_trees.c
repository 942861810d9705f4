/*
 * Every host measure on the two reference trees: what expected.json says must pass passes, what
 * must fail fails. Judges are called directly, so a wrong verdict shows its evidence. Measures that
 * have no test of their own are met here: container_measures, core_dumps, daemon_measures,
 * exposure_calls, malware_measures, unit_measures, webserver.
 */
#include "assess/catalogue.h"
#include "base/json.h"
#include "p7_hygiene/host/host.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define EXPECTED_MAX (1u << 20) /* bytes of expected.json */

static char *shared_path(const char *name)
{
    const char *shared = g_getenv("ENTENTE_SHARED");

    return shared ? g_build_filename(shared, "data", "hygiene", name, NULL) : NULL;
}

static void run(const char *const *arguments)
{
    g_autoptr(GError) error = NULL;
    int status = 0;

    g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                 &status, &error);
    g_assert_no_error(error);
    g_spawn_check_wait_status(status, &error);
    g_assert_no_error(error);
}

static char *describe(const struct finding *finding)
{
    GString *text = g_string_new(outcome_name(finding->outcome));

    if (finding->reason)
        g_string_append_printf(text, " (%s: %s)", reason_name(finding->reason),
                               finding->detail ? finding->detail : "");
    for (guint i = 0; i < finding->evidence->len; i++) {
        const struct evidence *line = finding->evidence->pdata[i];

        g_string_append_printf(text, "\n    %s %s:%u %s: %s, wanted %s",
                               outcome_name(line->outcome), line->path ? line->path : "-",
                               line->line, line->key ? line->key : "-",
                               line->found ? line->found : "-", line->wanted ? line->wanted : "-");
    }
    return g_string_free(text, FALSE);
}

static gboolean names(const json_t *list, const char *id)
{
    size_t i;
    const json_t *value;

    json_array_foreach(list, i, value) if (g_str_equal(json_string_value(value), id)) return TRUE;
    return FALSE;
}

/* Judges every row of the catalogue that can look at a tree, and compares. */
static void compare(const char *root, const json_t *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(host_t) host = host_new(root, NULL, &error);
    struct asset_view view = { .host = host, .now_us = g_get_real_time() };
    const struct measure *rows;
    gsize count;
    g_autoptr(GString) wrong = g_string_new(NULL);
    guint compared = 0;

    g_assert_no_error(error);
    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++) {
        g_autoptr(finding_t) finding = finding_new(rows[i].id, 0);
        g_autofree char *text = NULL;
        enum outcome wanted = OUTCOME_NONE;

        if (!g_str_equal(rows[i].asset_kind, "host") || rows[i].needs & NEEDS_LIVE)
            continue;
        rows[i].judge(&view, finding);
        text = describe(finding);
        g_test_message("%s %s: %s", rows[i].catalogue_id, rows[i].id, text);
        if (finding->outcome == OUTCOME_NONE)
            g_string_append_printf(wrong, "\n%s says nothing", rows[i].id);
        if (names(json_object_get(expected, "must_pass"), rows[i].catalogue_id))
            wanted = OUTCOME_PASS;
        else if (names(json_object_get(expected, "must_fail"), rows[i].catalogue_id))
            wanted = OUTCOME_FAIL;
        else
            continue;
        compared++;
        if (finding->outcome != wanted)
            g_string_append_printf(wrong, "\n%s %s must %s, and is %s", rows[i].catalogue_id,
                                   rows[i].id, outcome_name(wanted), text);
    }
    g_test_message("%u verdicts compared", compared);
    if (wrong->len)
        g_test_fail_printf("%s", wrong->str);
}

static void test_tree(gconstpointer name)
{
    g_autofree char *archive_name = g_strconcat(name, ".tar.xz", NULL);
    g_autofree char *archive = shared_path(archive_name);
    g_autofree char *expected_path = shared_path("expected.json");
    g_autofree char *folder = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) expected = NULL;

    if (!archive || !g_file_test(archive, G_FILE_TEST_EXISTS)) {
        g_test_skip("ENTENTE_SHARED has no reference trees");
        return;
    }
    if (geteuid() != 0) {
        g_test_skip("only root can unpack a tree with its owners");
        return;
    }
    expected = json_read_file(expected_path, EXPECTED_MAX, &error);
    g_assert_no_error(error);
    folder = g_dir_make_tmp("entente-tree-XXXXXX", &error);
    g_assert_no_error(error);
    run((const char *const[]){ "tar", "-xJf", archive, "-C", folder, "--numeric-owner",
                               "--same-permissions", NULL });
    compare(folder, json_object_get(expected, name));
    run((const char *const[]){ "rm", "-rf", folder, NULL });
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/host/tree/good", "dev-good", test_tree);
    g_test_add_data_func("/host/tree/bad", "dev-bad", test_tree);
    return g_test_run();
}
