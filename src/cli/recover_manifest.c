/* recover_manifest.c: entente recover manifest: what a backup has to give back, under a root. */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/keys.h"
#include "cli/recover_command.h"
#include "journal/journal.h"
#include "p1_resilience/recover/drill_record.h"
#include "statement/base64.h"
#include "statement/predicate.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 10 /* unread files that are named */

struct walking {
    struct progress *progress;
};

static void show_progress(const char *path, guint64 files, guint64 bytes, gpointer data)
{
    const struct walking *walking = data;
    g_autofree char *detail = NULL;

    if (!walking->progress)
        return;
    detail = g_strdup_printf("%.0f MB, %s", (double)bytes / 1e6, path);
    progress_at(walking->progress, files, detail);
}

static struct manifest *walk(const struct context *context, const struct asset *asset,
                             GError **error)
{
    struct walking walking = { context->quiet ? NULL : progress_begin("Files", 0) };
    struct manifest *manifest =
        manifest_walk((const char *const *)asset->paths, show_progress, &walking, error);

    if (walking.progress)
        progress_end(walking.progress);
    return manifest;
}

/* A backup may miss the same files: the reader is to know. */
static void show_unread(const struct manifest *manifest)
{
    for (guint i = 0; i < manifest->unread->len && i < SHOWN; i++) {
        g_autofree char *line = terminal_escape(manifest->unread->pdata[i]);

        fprintf(stderr, "not in the manifest: %s\n", line);
    }
    if (manifest->unread->len > SHOWN)
        fprintf(stderr, "not in the manifest: %u more\n", manifest->unread->len - SHOWN);
}

static json_t *describe(const struct manifest *manifest, const struct asset *asset,
                        const char *root, const char *path)
{
    g_autofree char *time = clock_format(manifest->time_us);

    return json_pack("{s:s, s:o, s:s, s:s, s:I, s:I, s:I, s:o}", "schema",
                     "entente/backup-manifest/1", "backup", json_safe_string(asset->name), "root",
                     root, "time", time, "files", (json_int_t)manifest->files, "bytes",
                     (json_int_t)manifest->bytes, "unread", (json_int_t)manifest->unread->len,
                     "path", json_safe_string(path));
}

static gboolean note(const char *data, const struct asset *asset, const json_t *described,
                     GError **error)
{
    g_autoptr(journal_t) journal = journal_open(data, error);
    g_autofree char *text = journal ? json_pretty(described) : NULL;

    return text && journal_note(journal, MANIFEST_EVENT, asset->name, asset->name, text, error);
}

static gboolean show(const struct context *context, const json_t *described, GError **error)
{
    g_autofree char *text =
        cli_format_is(context, "json", FALSE)
            ? json_pretty(described)
            : g_strdup_printf("%s  %" G_GINT64_FORMAT " files, %" G_GINT64_FORMAT " bytes\n",
                              json_text(described, "root"), json_number(described, "files", 0),
                              json_number(described, "bytes", 0));

    return cli_output(context, text, strlen(text), error);
}

static gboolean keep(const struct context *context, const struct recover_arguments *given,
                     const struct recover_scene *scene, const struct asset *asset,
                     const struct manifest *manifest, GError **error)
{
    const struct merkle_hash hash = manifest_root(manifest);
    g_autofree char *root = hex_encode(hash.bytes, sizeof hash.bytes);
    g_autofree char *pseudonym = recover_pseudonym(scene->data, asset->name, error);
    g_autofree char *folder = pseudonym ? recover_folder(scene->data, pseudonym, error) : NULL;
    g_auto(recover_log_t) log = { 0 };
    g_autofree char *path = NULL, *envelope_path = NULL;
    g_autoptr(json_t) described = NULL;
    g_autoptr(dsse_t) envelope = NULL;
    g_autoptr(signing_key_t) key = NULL;
    json_t *predicate;

    if (!folder || !recover_scene_log(scene, given, &log, error))
        return FALSE;
    key = cli_default_key(context, error);
    if (!key)
        return FALSE;
    path = g_strdup_printf("%s/%s.manifest", folder, root);
    envelope_path = g_strconcat(path, ".dsse.json", NULL);
    described = describe(manifest, asset, root, path);
    predicate = recover_predicate(&log, pseudonym);
    json_object_set_new(predicate, "root", json_string(root));
    json_object_set_new(predicate, "count", json_integer((json_int_t)manifest->records->len));
    json_object_set_new(predicate, "bytes", json_integer((json_int_t)manifest->bytes));
    if (!manifest_write(manifest, path, error)) {
        json_decref(predicate);
        return FALSE;
    }
    envelope = recover_say(key, PREDICATE_BACKUP_MANIFEST, "manifest", root, predicate,
                           envelope_path, error);
    return envelope && note(scene->data, asset, described, error) &&
           recover_publish(context, &log, given, envelope, "backup-manifest", error) &&
           show(context, described, error);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct recover_arguments *given = shared;
    g_auto(recover_scene_t) scene = { 0 };
    gboolean unread = FALSE;

    if (arguments[0])
        return input_error(error, "manifest takes no argument: the profile says what is covered");
    if (!recover_scene_open(&scene, context, given, error))
        return EXIT_INPUT;
    for (guint i = 0; i < scene.backups->len; i++) {
        const struct asset *asset = scene.backups->pdata[i];
        g_autoptr(manifest_t) manifest = NULL;

        if (!asset->paths || !asset->paths[0])
            return input_error(error, "%s: the profile does not say which paths it covers",
                               asset->name);
        manifest = walk(context, asset, error);
        if (!manifest || !keep(context, given, &scene, asset, manifest, error))
            return EXIT_SYSTEM;
        show_unread(manifest);
        unread |= manifest->unread->len > 0;
    }
    return unread ? EXIT_SYSTEM : EXIT_DONE;
}

const struct subcommand recover_subcommand_manifest = { "manifest", run };
