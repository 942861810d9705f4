/*
 * fix_tree.h: the files that fixes change, beneath one root and nowhere else.
 *
 * Paths are absolute, as seen from the root ("/etc/fstab"). fix_tree_resolve() follows links
 * beneath the root (openat2, RESOLVE_IN_ROOT); everything else takes a resolved path and refuses
 * any link on the way (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), so that neither a link in the tree
 * nor one put there later leads out of it. Errors are ENTENTE_ERROR_SYSTEM.
 */
#pragma once
#include <glib.h>
#include <sys/stat.h>
#include <sys/types.h>

#define FIX_FILE_MAX (8u << 20) /* bytes of one file whose content is changed */

enum fix_node {
    FIX_ABSENT,
    FIX_FILE,
    FIX_FOLDER,
    FIX_LINK,
    FIX_OTHER, /* a device, FIFO or socket: mode and owner only */
};
const char *fix_node_name(enum fix_node node); /* "absent", "file", "folder", "link", "other" */
gboolean fix_node_parse(const char *text, enum fix_node *node);

/* What stands at a path, or shall stand there. */
struct fix_state {
    enum fix_node node;
    mode_t mode; /* the lower twelve bits; 0 when absent and for a link */
    uid_t uid;
    gid_t gid;
    guint64 names;   /* hard links, when it was looked at; not compared */
    GBytes *content; /* of a file, target of a link; NULL when it does not matter */
    char *digest;    /* SHA-256 (hex) of the content, known even when `content` is not; or NULL */
};
void fix_state_clear(struct fix_state *state);
void fix_state_copy(struct fix_state *to, const struct fix_state *from);
/* Replaces content and digest; `content` is borrowed. */
void fix_state_set_content(struct fix_state *state, GBytes *content);
/* Content counts only when both sides know their digest. */
gboolean fix_state_equal(const struct fix_state *left, const struct fix_state *right);

/* What else a backup keeps of a file. */
struct fix_extra {
    struct timespec accessed, modified;
    GPtrArray *names;  /* of extended attributes */
    GPtrArray *values; /* GBytes */
};
struct fix_extra *fix_extra_new(void);
void fix_extra_free(struct fix_extra *extra);
typedef struct fix_extra fix_extra_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(fix_extra_t, fix_extra_free)

/* Whether others than root and whoever runs this own, or may write in, what `mode` belongs to. */
gboolean fix_tree_is_others(uid_t owner, mode_t mode);

struct fix_tree;
struct fix_tree *fix_tree_open(const char *root, GError **error);
void fix_tree_free(struct fix_tree *tree);
typedef struct fix_tree fix_tree_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(fix_tree_t, fix_tree_free)

const char *fix_tree_path(const struct fix_tree *tree); /* of the root, without links */
gboolean fix_tree_is_live(const struct fix_tree *tree); /* the root is "/" */

/* Where `path` is once all links are followed; names that are not there yet are kept. */
char *fix_tree_resolve(const struct fix_tree *tree, const char *path, GError **error);

/* What stands at a resolved path; `state` must be empty. Absence is a state, not an error. */
gboolean fix_tree_look(const struct fix_tree *tree, const char *path, gboolean content,
                       struct fix_state *state, GError **error);
/* Times and extended attributes of what stands at a resolved path; NULL on error. */
struct fix_extra *fix_tree_look_extra(const struct fix_tree *tree, const char *path,
                                      GError **error);

/* Paths that match, sorted; * ? [] in any component. Never NULL. */
char **fix_tree_glob(const struct fix_tree *tree, const char *pattern);
/* The content of a file at any path (links are followed), or NULL when there is none to read. */
char *fix_tree_text(const struct fix_tree *tree, const char *path);

/*
 * Makes `path` as `wanted`, durably: a file is written beside, under fix_tree_temporary(), then
 * renamed over. Mode and owner alone (no content) are changed in place, owner first; but not of a
 * file with several names in a folder of others (ENTENTE_ERROR_POLICY, see fix_trust.h). `extra`
 * (or NULL) is given to it too.
 */
gboolean fix_tree_put(const struct fix_tree *tree, const char *path, const struct fix_state *wanted,
                      const struct fix_extra *extra, GError **error);
/* Removes what an interrupted fix_tree_put() may have left beside `path`. */
gboolean fix_tree_sweep(const struct fix_tree *tree, const char *path, GError **error);
