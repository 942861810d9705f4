/*
 * tree.h: a small file tree in a temporary folder, with a host over it, for tests of resolvers
 * and measures.
 */
#pragma once
#include "assess/catalogue.h"
#include "p7_hygiene/host/host.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
    char *root;
    struct host *host;
};

static inline void tree_remove(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            tree_remove(child);
        else
            g_remove(child);
    }
    g_rmdir(path);
}

static inline struct tree *tree_new(void)
{
    struct tree *tree = g_new0(struct tree, 1);

    tree->root = g_dir_make_tmp("entente-tree-XXXXXX", NULL);
    tree->host = host_new(tree->root, NULL, NULL);
    g_assert_nonnull(tree->host);
    return tree;
}

static inline void tree_free(struct tree *tree)
{
    host_free(tree->host);
    tree_remove(tree->root);
    g_free(tree->root);
    g_free(tree);
}
typedef struct tree tree_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tree_t, tree_free)

/* Where `path` of the tree is for the test itself; makes its folders. */
static inline char *tree_path(struct tree *tree, const char *path)
{
    char *full = g_build_filename(tree->root, path, NULL);
    g_autofree char *folder = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    return full;
}

static inline void tree_file(struct tree *tree, const char *path, const char *text)
{
    g_autofree char *full = tree_path(tree, path);

    g_assert_true(g_file_set_contents(full, text, -1, NULL));
    g_assert_cmpint(chmod(full, 0644), ==, 0);
}

static inline void tree_mode(struct tree *tree, const char *path, mode_t mode)
{
    g_autofree char *full = tree_path(tree, path);

    g_assert_cmpint(chmod(full, mode), ==, 0);
}

/* A file with exactly `mode`. */
static inline void tree_put(struct tree *tree, const char *path, mode_t mode, const char *text)
{
    tree_file(tree, path, text);
    tree_mode(tree, path, mode);
}

static inline void tree_folder(struct tree *tree, const char *path, mode_t mode)
{
    g_autofree char *full = tree_path(tree, path);

    g_assert_cmpint(g_mkdir_with_parents(full, 0755), ==, 0);
    g_assert_cmpint(chmod(full, mode), ==, 0);
}

static inline void tree_link(struct tree *tree, const char *path, const char *target)
{
    g_autofree char *full = tree_path(tree, path);

    g_assert_cmpint(symlink(target, full), ==, 0);
}

/* Judges one measure on the tree as it is now, at `now_us`. */
static inline struct finding *tree_judge_at(struct tree *tree, const char *id, gint64 now_us)
{
    const struct measure *measure = catalogue_find(id);
    struct finding *finding = finding_new(id, 0);
    g_autoptr(host_t) host = host_new(tree->root, NULL, NULL);
    const struct asset_view view = { .host = host, .now_us = now_us };

    g_assert_nonnull(measure);
    measure->judge(&view, finding);
    return finding;
}

static inline enum outcome tree_outcome(struct tree *tree, const char *id)
{
    g_autoptr(finding_t) finding = tree_judge_at(tree, id, g_get_real_time());

    return finding->outcome;
}

#define tree_expect(tree, id, wanted)                                                              \
    g_assert_cmpstr(outcome_name(tree_outcome(tree, id)), ==, outcome_name(wanted))

/* Whether a line of evidence of this outcome has `text` in its path, key, found or wanted. */
static inline gboolean finding_tells(const struct finding *finding, enum outcome outcome,
                                     const char *text)
{
    for (guint i = 0; i < finding->evidence->len; i++) {
        const struct evidence *line = finding->evidence->pdata[i];

        if (line->outcome == outcome &&
            ((line->path && strstr(line->path, text)) || (line->key && strstr(line->key, text)) ||
             (line->found && strstr(line->found, text)) ||
             (line->wanted && strstr(line->wanted, text))))
            return TRUE;
    }
    return FALSE;
}
