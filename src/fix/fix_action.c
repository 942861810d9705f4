#include "fix/fix_action.h"

#include "base/error.h"

#include <string.h>
#include <unistd.h>

#define FOLDER_MODE 0755

static const fix_action_fn families[] = {
    [FIX_SYSCTL] = fix_action_sysctl,
    [FIX_SSHD_OPTION] = fix_action_sshd_option,
    [FIX_SET_LINE] = fix_action_set_line,
    [FIX_DELETE_LINE] = fix_action_delete_line,
    [FIX_INI_OPTION] = fix_action_ini_option,
    [FIX_PUT_FILE] = fix_action_put_file,
    [FIX_MAKE_FILE] = fix_action_make_file,
    [FIX_DELETE_FILE] = fix_action_delete_file,
    [FIX_KERNEL_OPTION] = fix_action_kernel_option,
    [FIX_MODE] = fix_action_mode,
    [FIX_OWNER] = fix_action_owner,
    [FIX_BLOCK_MODULE] = fix_action_block_module,
    [FIX_UNIT_OPTION] = fix_action_unit_option,
    [FIX_MASK_UNIT] = fix_action_mask_unit,
    [FIX_MOUNT_OPTION] = fix_action_mount_option,
};

gboolean fix_action_perform(struct fix_draft *draft, const struct fix_action *action,
                            GError **error)
{
    return families[action->kind](draft, action, error);
}

uid_t fix_draft_uid(void)
{
    return geteuid();
}

gid_t fix_draft_gid(void)
{
    return getegid();
}

void fix_draft_note(struct fix_draft *draft, const char *en, const char *fr)
{
    g_ptr_array_add(draft->notes, fix_note_new(draft->measure ? draft->measure->id : NULL, en, fr));
}

static struct fix_edit *load(struct fix_draft *draft, const char *path, gboolean content,
                             GError **error)
{
    struct fix_edit *edit = g_hash_table_lookup(draft->edits, path);

    if (edit && content && edit->new.node == FIX_FILE && !edit->new.content) {
        struct fix_state full = { 0 };

        /* Loaded for its mode before; now the content matters too. */
        if (!fix_tree_look(draft->tree, path, TRUE, &full, error)) {
            fix_state_clear(&full);
            return NULL;
        }
        if (full.content) {
            fix_state_set_content(&edit->old, full.content);
            fix_state_set_content(&edit->new, full.content);
        }
        fix_state_clear(&full);
    }
    if (edit)
        return edit;
    edit = fix_edit_new(path);
    if (!fix_tree_look(draft->tree, path, content, &edit->old, error)) {
        fix_edit_free(edit);
        return NULL;
    }
    fix_state_copy(&edit->new, &edit->old);
    g_hash_table_insert(draft->edits, edit->path, edit);
    return edit;
}

struct fix_edit *fix_draft_edit(struct fix_draft *draft, const char *path, gboolean content,
                                GError **error)
{
    g_autofree char *resolved = fix_tree_resolve(draft->tree, path, error);

    return resolved ? load(draft, resolved, content, error) : NULL;
}

struct fix_edit *fix_draft_edit_itself(struct fix_draft *draft, const char *path, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *folder = fix_tree_resolve(draft->tree, parent, error);
    g_autofree char *resolved = NULL;

    if (!folder)
        return NULL;
    resolved = g_strconcat(g_str_equal(folder, "/") ? "" : folder, "/", name, NULL);
    return load(draft, resolved, TRUE, error);
}

GString *fix_draft_text(struct fix_draft *draft, const char *path, struct fix_edit **edit,
                        GError **error)
{
    gsize length;
    const char *data;

    *edit = fix_draft_edit(draft, path, TRUE, error);
    if (!*edit)
        return NULL;
    if ((*edit)->new.node == FIX_ABSENT)
        return g_string_new(NULL);
    if ((*edit)->new.node != FIX_FILE) {
        g_autofree char *en = g_strdup_printf("%s is no regular file", path);
        g_autofree char *fr = g_strdup_printf("%s n’est pas un fichier ordinaire", path);

        fix_draft_note(draft, en, fr);
        return NULL;
    }
    data = g_bytes_get_data((*edit)->new.content, &length);
    return g_string_new_len(data, length);
}

static gboolean make_parents(struct fix_draft *draft, const char *path, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    struct fix_edit *folder;

    if (g_str_equal(parent, "/") || g_str_equal(parent, "."))
        return TRUE;
    folder = load(draft, parent, FALSE, error);
    if (!folder)
        return FALSE;
    if (folder->new.node != FIX_ABSENT)
        return folder->new.node == FIX_FOLDER || system_error(error, "%s: is no folder", parent);
    folder->new.node = FIX_FOLDER;
    folder->new.mode = FOLDER_MODE;
    folder->new.uid = fix_draft_uid();
    folder->new.gid = fix_draft_gid();
    return fix_draft_touch(draft, folder, error);
}

gboolean fix_draft_touch(struct fix_draft *draft, struct fix_edit *edit, GError **error)
{
    if (!g_ptr_array_find_with_equal_func(edit->measures, draft->measure->id, g_str_equal, NULL))
        g_ptr_array_add(edit->measures, g_strdup(draft->measure->id));
    return edit->old.node != FIX_ABSENT || make_parents(draft, edit->path, error);
}

gboolean fix_draft_put_text(struct fix_draft *draft, struct fix_edit *edit, GString *text,
                            gboolean changed, mode_t mode, GError **error)
{
    g_autoptr(GBytes) bytes = g_string_free_to_bytes(text);

    if (!changed)
        return TRUE;
    if (edit->new.node == FIX_ABSENT) {
        edit->new.node = FIX_FILE;
        edit->new.mode = mode;
        edit->new.uid = fix_draft_uid();
        edit->new.gid = fix_draft_gid();
    }
    fix_state_set_content(&edit->new, bytes);
    return fix_draft_touch(draft, edit, error);
}
