#include "fix/fix_trust.h"

#include <string.h>

#define LINKS_MAX 40 /* as the kernel follows, see path_resolution(7) */

static gboolean others_write_in(const struct fix_tree *tree, const char *folder)
{
    struct fix_state state = { 0 };
    gboolean others = !fix_tree_look(tree, folder, FALSE, &state, NULL) ||
                      fix_tree_is_others(state.uid, state.mode);

    fix_state_clear(&state);
    return others;
}

/* The components of `target` to be walked before those of `rest`; takes `rest`. */
static char *prepend(GBytes *target, char *rest)
{
    char *all = g_strdup_printf("%.*s/%s", (int)g_bytes_get_size(target),
                                (const char *)g_bytes_get_data(target, NULL), rest);

    g_free(rest);
    return all;
}

/* The first link on the way to `path` that stands in a folder of others; NULL for none. */
static char *planted_link(const struct fix_tree *tree, const char *path)
{
    g_autofree char *at = g_strdup("/"), *rest = g_strdup(path);
    guint links = 0;

    while (*rest) {
        gsize skip = strspn(rest, "/"), length = strcspn(rest + skip, "/");
        g_autofree char *name = g_strndup(rest + skip, length);
        g_autofree char *next = NULL;
        struct fix_state state = { 0 };
        gboolean link;

        memmove(rest, rest + skip + length, strlen(rest + skip + length) + 1);
        if (!length || g_str_equal(name, "."))
            continue;
        next = g_str_equal(name, "..") ? g_path_get_dirname(at) : g_build_filename(at, name, NULL);
        link = fix_tree_look(tree, next, FALSE, &state, NULL) && state.node == FIX_LINK;
        if (link && (++links > LINKS_MAX || others_write_in(tree, at))) {
            fix_state_clear(&state);
            return g_steal_pointer(&next);
        }
        if (link) {
            gsize size = g_bytes_get_size(state.content);

            if (size && *(const char *)g_bytes_get_data(state.content, NULL) == '/') {
                g_free(at);
                at = g_strdup("/");
            }
            rest = prepend(state.content, rest);
        } else {
            g_free(at);
            at = g_steal_pointer(&next);
        }
        fix_state_clear(&state);
    }
    return NULL;
}

gboolean fix_trust_in_place(const struct fix_tree *tree, const char *path, char **en, char **fr)
{
    g_autofree char *link = planted_link(tree, path);
    g_autofree char *resolved = link ? NULL : fix_tree_resolve(tree, path, NULL);
    g_autofree char *folder = resolved ? g_path_get_dirname(resolved) : NULL;
    struct fix_state state = { 0 };
    guint64 names = 0;

    if (link) {
        *en = g_strdup_printf("%s: is a link that others than root may replace, so it is not "
                              "followed; change what it names yourself, if that is meant",
                              link);
        *fr =
            g_strdup_printf("%s\u202f: est un lien que d’autres que root peuvent remplacer\u202f; "
                            "il n’est pas suivi. Si c’est voulu, modifiez vous-même ce qu’il "
                            "désigne",
                            link);
        return FALSE;
    }
    if (resolved && fix_tree_look(tree, resolved, FALSE, &state, NULL) &&
        state.node != FIX_FOLDER && state.names > 1 && others_write_in(tree, folder))
        names = state.names;
    fix_state_clear(&state);
    if (!names)
        return TRUE;
    *en =
        g_strdup_printf("%s: has %" G_GUINT64_FORMAT " names (hard links) and stands where others "
                        "may write: it may be another file. Find them with find / -xdev "
                        "-samefile, remove those that should not be, then fix again",
                        resolved, names);
    *fr =
        g_strdup_printf("%s\u202f: a %" G_GUINT64_FORMAT " noms (liens physiques) et se trouve là "
                        "où d’autres peuvent écrire\u202f: ce peut être un autre fichier. "
                        "Cherchez-les avec find / -xdev -samefile, supprimez ceux qui sont de "
                        "trop, puis corrigez à nouveau",
                        resolved, names);
    return FALSE;
}
