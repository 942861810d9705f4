/*
 * pull_state.h: how far each source was read, so that a pull that was killed goes on where it was.
 *
 * A file (".entente-pull.db") in the folder that the objects go to. What was read and how far one
 * is are written in one commit, after the objects themselves: killed before it, the same page comes
 * again, into the same file.
 */
#pragma once
#include <glib.h>

#define PULL_STATE_FILE ".entente-pull.db"

struct pull_state;
struct pull_state *pull_state_open(const char *path, GError **error);
void pull_state_close(struct pull_state *state);
typedef struct pull_state pull_state_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pull_state_t, pull_state_close)

struct pull_place {
    gint64 number;     /* of files written so far */
    char *added_after; /* as the next pull begins; NULL: from the beginning */
    char *last;        /* the greatest Date-Added-Last of this pull; NULL: none */
    char *next;        /* token of the page at which this pull is; NULL: at its first */
};
void pull_place_clear(struct pull_place *place);
typedef struct pull_place pull_place_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(pull_place_t, pull_place_clear)

/* `source` is the URL with all that is asked of it. */
gboolean pull_state_load(struct pull_state *state, const char *source, struct pull_place *place,
                         GError **error);

/* Whether this version of the object was read. */
gboolean pull_state_has(struct pull_state *state, const char *source, const char *id,
                        const char *version, gboolean *has, GError **error);
/* The version of it that was read last; NULL without an error: none. Owned by the caller. */
char *pull_state_version(struct pull_state *state, const char *source, const char *id,
                         GError **error);

/* Where the pull is now, and what was read: pairs of id and version (char *). One commit. */
gboolean pull_state_save(struct pull_state *state, const char *source,
                         const struct pull_place *place, const GPtrArray *read, GError **error);
