/*
 * recover_command.h: the subcommands of `entente recover`, one a file (recover_NAME.c), and what
 * they share.
 */
#pragma once
#include "cli/cli.h"
#include "p1_resilience/recover/custody.h"
#include "profile/profile.h"

/* Options of all subcommands; an option's help begins with those that heed it. */
struct recover_arguments {
    char *backup;
    gboolean publish, allow_private;
    /* drill */
    char *confidence, *fraction, *read;
    int files, limit_s;
    gboolean canary, due;
};

extern const struct subcommand recover_subcommand_drill;
extern const struct subcommand recover_subcommand_manifest;
extern const struct subcommand recover_subcommand_status;

/* The profile, and in it the backups meant: all, or the one of --backup. */
struct recover_scene {
    char *data;
    struct profile *profile;
    GPtrArray *backups; /* const struct asset *, borrowed from the profile; at least one */
};
typedef struct recover_scene recover_scene_t;
gboolean recover_scene_open(struct recover_scene *scene, const struct context *context,
                            const struct recover_arguments *given, GError **error);
void recover_scene_clear(struct recover_scene *scene);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(recover_scene_t, recover_scene_clear)

/* What the community's log has to say, asked anew; with --publish there must be one. */
gboolean recover_scene_log(const struct recover_scene *scene, const struct recover_arguments *given,
                           struct recover_log *log, GError **error);

/* With --publish: hands it to the log. */
gboolean recover_publish(const struct context *context, const struct recover_log *log,
                         const struct recover_arguments *given, const struct dsse *envelope,
                         const char *what, GError **error);
