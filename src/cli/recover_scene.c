/* recover_scene.c: what the subcommands of `entente recover` share (recover_command.h). */
#include "base/error.h"
#include "cli/network.h"
#include "cli/recover_command.h"

gboolean recover_scene_open(struct recover_scene *scene, const struct context *context,
                            const struct recover_arguments *given, GError **error)
{
    g_autofree char *path = cli_profile_path(context);

    scene->data = cli_data_folder(context, error);
    if (!scene->data)
        return FALSE;
    scene->profile = path ? profile_load(path, error) : profile_default();
    if (!scene->profile)
        return FALSE;
    scene->backups = g_ptr_array_new();
    for (guint i = 0; i < scene->profile->assets->len; i++) {
        struct asset *asset = scene->profile->assets->pdata[i];

        if (asset->kind == ASSET_BACKUP &&
            (!given->backup || g_str_equal(given->backup, asset->name)))
            g_ptr_array_add(scene->backups, asset);
    }
    if (scene->backups->len)
        return TRUE;
    return given->backup
               ? input_error(error, "%s: no backup of this name is in the profile", given->backup)
               : input_error(error, "the profile lists no backup: see \"backups\" in "
                                    "entente.yaml(5)");
}

void recover_scene_clear(struct recover_scene *scene)
{
    g_clear_pointer(&scene->backups, g_ptr_array_unref);
    g_clear_pointer(&scene->profile, profile_free);
    g_clear_pointer(&scene->data, g_free);
}

gboolean recover_scene_log(const struct recover_scene *scene, const struct recover_arguments *given,
                           struct recover_log *log, GError **error)
{
    const struct http_options http = cli_http(given->allow_private, NULL);

    if (given->publish && !community_exists(scene->data))
        return input_error(error, "there is no log to publish in: join a community first");
    return recover_log_open(log, scene->data, &http, error);
}

gboolean recover_publish(const struct context *context, const struct recover_log *log,
                         const struct recover_arguments *given, const struct dsse *envelope,
                         const char *what, GError **error)
{
    const struct http_options http = cli_http(given->allow_private, NULL);
    g_autoptr(GBytes) entry = NULL;
    g_auto(submitted_t) submission = { 0 };

    if (!given->publish)
        return TRUE;
    entry = community_entry(envelope, error);
    return entry && cli_submit(context, log->community, &http, what, entry, &submission, error);
}
