/*
 * custody.h: what is kept of backups and drills, and what the community's log says of them.
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
#include "community/community.h"
#include "statement/dsse.h"
#include "statement/key.h"

/* What a community's log has to say: NULL where none was joined; asked anew when it answers. */
struct recover_log {
    struct community *community;
    struct community_state state;
    const char *origin; /* borrowed */
};
typedef struct recover_log recover_log_t;
/* ENTENTE_ERROR_FOUND: it lies. A node that does not answer is no error: memory counts then. */
gboolean recover_log_open(struct recover_log *log, const char *data,
                          const struct http_options *http, GError **error);
void recover_log_clear(struct recover_log *log);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(recover_log_t, recover_log_clear)

/* The pseudonym (hex), and its folder, which is made. Owned by the caller. */
char *recover_pseudonym(const char *data, const char *backup, GError **error);
char *recover_folder(const char *data, const char *pseudonym, GError **error);

/* {"log"?, "time", "backup"}. */
json_t *recover_predicate(const struct recover_log *log, const char *pseudonym);

/*
 * Builds a statement, signs it and keeps it in `path`. `predicate` is taken
 * over.
 */
struct dsse *recover_say(const struct signing_key *key, const char *type, const char *name,
                         const char *sha256, json_t *predicate, const char *path, GError **error);
/*
 * The root of the newest manifest of the backup that the log has from this signatory, in hex; NULL
 * without an error: none.
 */
char *recover_anchored(const struct recover_log *log, const char *pseudonym, const char *domain,
                       GError **error);
