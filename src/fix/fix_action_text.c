/* Actions on the text of one file: lines, ini options, whole files, drop-ins of units. */
#include "fix/fix_action.h"
#include "fix/fix_lines.h"

#include <string.h>

#define TEXT_MODE 0644
#define DROP_IN_FOLDER "/etc/systemd/system"

gboolean fix_action_set_line(struct fix_draft *draft, const struct fix_action *action,
                             GError **error)
{
    struct fix_edit *edit;
    GString *text = fix_draft_text(draft, action->path, &edit, error);

    if (!text)
        return edit != NULL;
    return fix_draft_put_text(draft, edit, text,
                              lines_set(text, action->key, action->value, action->separator),
                              TEXT_MODE, error);
}

gboolean fix_action_delete_line(struct fix_draft *draft, const struct fix_action *action,
                                GError **error)
{
    g_auto(GStrv) paths = fix_tree_glob(draft->tree, action->path);

    for (char **path = paths; *path; path++) {
        struct fix_edit *edit;
        GString *text = fix_draft_text(draft, *path, &edit, error);

        if (!text && !edit)
            return FALSE;
        if (text && !fix_draft_put_text(draft, edit, text, lines_delete(text, action->key),
                                        TEXT_MODE, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean set_ini(struct fix_draft *draft, const char *path, const struct fix_action *action,
                        GError **error)
{
    struct fix_edit *edit;
    GString *text = fix_draft_text(draft, path, &edit, error);

    if (!text)
        return edit != NULL;
    return fix_draft_put_text(draft, edit, text,
                              lines_set_ini(text, action->section, action->key, action->value),
                              TEXT_MODE, error);
}

gboolean fix_action_ini_option(struct fix_draft *draft, const struct fix_action *action,
                               GError **error)
{
    g_auto(GStrv) paths = NULL;

    if (!strpbrk(action->path, "*?["))
        return set_ini(draft, action->path, action, error);
    paths = fix_tree_glob(draft->tree, action->path);
    for (char **path = paths; *path; path++)
        if (!set_ini(draft, *path, action, error))
            return FALSE;
    return TRUE;
}

gboolean fix_action_unit_option(struct fix_draft *draft, const struct fix_action *action,
                                GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/%s.d/entente.conf", DROP_IN_FOLDER, action->path);

    return set_ini(draft, path, action, error);
}

gboolean fix_action_put_file(struct fix_draft *draft, const struct fix_action *action,
                             GError **error)
{
    struct fix_edit *edit;
    GString *text = fix_draft_text(draft, action->path, &edit, error);
    gboolean changed;

    if (!text)
        return edit != NULL;
    changed = edit->new.node == FIX_ABSENT || !g_str_equal(text->str, action->value) ||
              text->len != strlen(action->value);
    g_string_assign(text, action->value);
    if (edit->new.node != FIX_ABSENT && action->mode && edit->new.mode != action->mode) {
        edit->new.mode = action->mode;
        changed = TRUE;
    }
    return fix_draft_put_text(draft, edit, text, changed, action->mode ? action->mode : TEXT_MODE,
                              error);
}

gboolean fix_action_make_file(struct fix_draft *draft, const struct fix_action *action,
                              GError **error)
{
    struct fix_edit *edit = fix_draft_edit(draft, action->path, FALSE, error);

    if (!edit)
        return FALSE;
    return edit->new.node != FIX_ABSENT || fix_action_put_file(draft, action, error);
}

gboolean fix_action_delete_file(struct fix_draft *draft, const struct fix_action *action,
                                GError **error)
{
    struct fix_edit *edit = fix_draft_edit_itself(draft, action->path, error);

    if (!edit)
        return FALSE;
    if (edit->new.node != FIX_FILE && edit->new.node != FIX_LINK)
        return TRUE;
    fix_state_clear(&edit->new);
    return fix_draft_touch(draft, edit, error);
}

/* Options take effect when update-grub has written them into the boot menu. */
gboolean fix_action_kernel_option(struct fix_draft *draft, const struct fix_action *action,
                                  GError **error)
{
    struct fix_edit *edit;
    GString *text = fix_draft_text(draft, "/etc/default/grub", &edit, error);
    gboolean changed;

    if (!text)
        return edit != NULL;
    if (edit->new.node == FIX_ABSENT) {
        g_string_free(text, TRUE);
        fix_draft_note(draft, "/etc/default/grub is not there: another boot loader is in use",
                       "/etc/default/grub n’existe pas\u202f: un autre chargeur est utilisé");
        return TRUE;
    }
    changed = lines_set_words(text, "GRUB_CMDLINE_LINUX", action->value, action->key);
    changed |= lines_set_words(text, "GRUB_CMDLINE_LINUX_DEFAULT", NULL, action->key);
    return fix_draft_put_text(draft, edit, text, changed, TEXT_MODE, error);
}

gboolean fix_action_mount_option(struct fix_draft *draft, const struct fix_action *action,
                                 GError **error)
{
    /* File systems of the kernel: a line for them can be written without knowing any device. */
    static const struct {
        const char *point, *line;
    } kernel[] = {
        { "/dev/shm", "tmpfs /dev/shm tmpfs defaults,%s 0 0" },
        { "/proc", "proc /proc proc defaults,%s 0 0" },
    };
    struct fix_edit *edit;
    GString *text = fix_draft_text(draft, "/etc/fstab", &edit, error);
    gboolean found, changed;

    if (!text)
        return edit != NULL;
    changed = lines_mount_options(text, action->path, action->value, &found);
    for (guint i = 0; i < G_N_ELEMENTS(kernel) && !found; i++)
        if (g_str_equal(action->path, kernel[i].point)) {
            g_auto(GStrv) halves = g_strsplit(kernel[i].line, "%s", 2);
            g_autofree char *line = g_strconcat(halves[0], action->value, halves[1], NULL);

            found = changed = lines_add(text, line);
        }
    if (!found) {
        g_autofree char *en = g_strdup_printf(
            "%s is no mount of its own in /etc/fstab: it needs a partition first", action->path);
        g_autofree char *fr = g_strdup_printf("%s n’est pas un montage à part dans "
                                              "/etc/fstab\u202f: il lui faut d’abord une partition",
                                              action->path);

        fix_draft_note(draft, en, fr);
    }
    return fix_draft_put_text(draft, edit, text, changed, TEXT_MODE, error);
}
