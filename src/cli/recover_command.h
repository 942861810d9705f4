/*
 * recover_command.h: the subcommands of `entente recover`, one a file (recover_NAME.c), and what
 * they share.
 *
 *     DATA/recover/salt                          32 random bytes: part of the backup
 *     DATA/recover/BACKUP/ROOT.manifest          by the hash of its root
 *     DATA/recover/BACKUP/ROOT.manifest.dsse.json
 *     DATA/recover/BACKUP/drill-ID.dsse.json     the signed record
 *     DATA/recover/BACKUP/drill-ID.openings.json which files were restored: private
 *
 * BACKUP is the pseudonym under which statements speak of a backup: SHA-256(salt || its name).
 */
#pragma once
#include "cli/cli.h"
#include "community/community.h"
#include "profile/profile.h"
#include "statement/dsse.h"

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

/* What a community's log has to say: NULL where none was joined; asked anew when it answers. */
struct recover_log {
    struct community *community;
    struct community_state state;
    const char *origin; /* borrowed */
};
typedef struct recover_log recover_log_t;
gboolean recover_log_open(struct recover_log *log, const char *data,
                          const struct recover_arguments *given, GError **error);
void recover_log_clear(struct recover_log *log);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(recover_log_t, recover_log_clear)

/* The pseudonym (hex), and its folder, which is made. Owned by the caller. */
char *recover_pseudonym(const char *data, const char *backup, GError **error);
char *recover_folder(const char *data, const char *pseudonym, GError **error);

/* {"log"?, "time", "backup"}. */
json_t *recover_predicate(const struct recover_log *log, const char *pseudonym);

/*
 * Builds a statement, signs it with the default key and keeps it in `path`. `predicate` is taken
 * over.
 */
struct dsse *recover_say(const struct context *context, const char *type, const char *name,
                         const char *sha256, json_t *predicate, const char *path, GError **error);
/* With --publish: hands it to the log. */
gboolean recover_publish(const struct context *context, const struct recover_log *log,
                         const struct recover_arguments *given, const struct dsse *envelope,
                         const char *what, GError **error);

/*
 * The root of the newest manifest of the backup that the log has from this signatory, in hex; NULL
 * without an error: none.
 */
char *recover_anchored(const struct recover_log *log, const char *pseudonym, const char *domain,
                       GError **error);
