/* Actions that know a subsystem: kernel settings, modules, sshd, units, modes and owners. */
#include "fix/fix_action.h"
#include "fix/fix_lines.h"
#include "fix/fix_trust.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSCTL_DROP_IN "/etc/sysctl.d/99-zz-entente.conf"
#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define SSHD_PATTERN "/etc/ssh/sshd_config.d/*.conf"
#define SSHD_DROP_IN "/etc/ssh/sshd_config.d/00-entente.conf"
#define MODPROBE_DROP_IN "/etc/modprobe.d/entente.conf"
#define UNIT_FOLDER "/etc/systemd/system/"
#define TEXT_MODE 0644
#define SSHD_MODE 0600
#define EVIDENCE "@evidence"

/* Does `correct` to an existing text; nothing when there is no file. */
static gboolean correct_file(struct fix_draft *draft, const char *path,
                             const struct fix_action *action,
                             gboolean (*correct)(GString *, const struct fix_action *),
                             GError **error)
{
    struct fix_edit *edit;
    GString *text = fix_draft_text(draft, path, &edit, error);

    if (!text)
        return edit != NULL;
    return fix_draft_put_text(draft, edit, text, correct(text, action), TEXT_MODE, error);
}

/* sysctl.d(5) also writes "-key" (ignore errors) and '/' for '.'. */
static gboolean correct_sysctl(GString *text, const struct fix_action *action)
{
    g_autofree char *quiet = g_strconcat("-", action->key, NULL);
    g_autofree char *slashed = g_strdelimit(g_strdup(action->key), ".", '/');

    return lines_correct(text, action->key, action->value, "=") |
           lines_correct(text, quiet, action->value, "=") |
           lines_correct(text, slashed, action->value, "=");
}

/* One value of the running kernel, when it is another. `name` has '/' for '.', as beneath
 * /proc/sys. */
static void add_live_value(struct fix_draft *draft, const char *key, const char *name,
                           const char *wanted)
{
    g_autofree char *path = g_strconcat("/proc/sys/", name, NULL);
    g_autofree char *found = fix_tree_text(draft->tree, path);

    if (!found)
        return; /* this kernel does not have it */
    g_strstrip(g_strdelimit(found, "\t", ' '));
    if (g_str_equal(found, wanted) || strchr(found, '\n'))
        return;
    if (access(path, W_OK) < 0) {
        g_autofree char *en = g_strdup_printf(
            "%s cannot be set on the running kernel from here; it counts from the next start", key);
        g_autofree char *fr = g_strdup_printf("%s ne peut pas être réglé d’ici sur le noyau en "
                                              "marche\u202f; il comptera au prochain démarrage",
                                              key);

        fix_draft_note(draft, en, fr);
        return;
    }
    g_hash_table_replace(draft->settings, g_strdup(key), fix_setting_new(key, found, wanted));
}

/* `all` of conf.all does not reach every interface that is up already: each is set by itself. */
static void add_live_values(struct fix_draft *draft, const struct fix_action *action)
{
    g_autofree char *name = g_strdelimit(g_strdup(action->key), ".", '/');
    char *all = strstr(name, "/conf/all/");
    g_autofree char *pattern = NULL;
    g_auto(GStrv) paths = NULL;

    add_live_value(draft, action->key, name, action->value);
    if (!all)
        return;
    pattern = g_strdup_printf("/proc/sys/%.*s/conf/*/%s", (int)(all - name), name,
                              all + strlen("/conf/all/"));
    paths = fix_tree_glob(draft->tree, pattern);
    for (char **path = paths; *path; path++) {
        const char *each = *path + strlen("/proc/sys/");

        if (!strstr(each, "/conf/all/") && !strstr(each, "/conf/default/") &&
            !strstr(each, "/conf/lo/"))
            add_live_value(draft, each, each, action->value);
    }
}

/*
 * The last assignment wins in sysctl.d order, and procps reads /etc/sysctl.conf after all: our
 * file comes last by name, and what comes later still is corrected where it stands.
 */
gboolean fix_action_sysctl(struct fix_draft *draft, const struct fix_action *action, GError **error)
{
    g_auto(GStrv) files = fix_tree_glob(draft->tree, "/etc/sysctl.d/*.conf");
    struct fix_edit *edit;
    GString *text = fix_draft_text(draft, SYSCTL_DROP_IN, &edit, error);

    if (!text)
        return edit != NULL;
    if (!fix_draft_put_text(draft, edit, text, lines_set(text, action->key, action->value, " = "),
                            TEXT_MODE, error))
        return FALSE;
    for (char **file = files; *file; file++)
        if (strcmp(*file, SYSCTL_DROP_IN) > 0 &&
            !correct_file(draft, *file, action, correct_sysctl, error))
            return FALSE;
    if (!correct_file(draft, "/etc/sysctl.conf", action, correct_sysctl, error))
        return FALSE;
    if (fix_tree_is_live(draft->tree))
        add_live_values(draft, action);
    return TRUE;
}

static gboolean correct_sshd(GString *text, const struct fix_action *action)
{
    return lines_sshd_correct(text, action->key, action->value);
}

/*
 * The first value wins: our drop-in does, when sshd_config includes the folder before it sets the
 * key and no drop-in sorts before ours; else the line that wins is corrected where it stands.
 */
gboolean fix_action_sshd_option(struct fix_draft *draft, const struct fix_action *action,
                                GError **error)
{
    g_auto(GStrv) files = fix_tree_glob(draft->tree, SSHD_PATTERN);
    struct fix_edit *config, *edit;
    GString *text = fix_draft_text(draft, SSHD_CONFIG, &config, error);
    gboolean included, conditional;

    if (!text)
        return config != NULL;
    if (config->old.node == FIX_ABSENT) {
        g_string_free(text, TRUE);
        fix_draft_note(draft, SSHD_CONFIG " is not there",
                       "le fichier " SSHD_CONFIG " n’existe pas");
        return TRUE;
    }
    included = lines_sshd_includes_before(text, SSHD_PATTERN, action->key) ||
               lines_sshd_includes_before(text, "sshd_config.d/*.conf", action->key);
    conditional = lines_sshd_match_sets(text, action->key);
    if (!fix_draft_put_text(draft, config, text,
                            !included && lines_sshd_set(text, action->key, action->value),
                            TEXT_MODE, error))
        return FALSE;
    if (included) {
        text = fix_draft_text(draft, SSHD_DROP_IN, &edit, error);
        if (!text)
            return edit != NULL;
        if (!fix_draft_put_text(draft, edit, text, lines_sshd_set(text, action->key, action->value),
                                SSHD_MODE, error))
            return FALSE;
    }
    for (char **file = files; *file && included; file++)
        if (strcmp(*file, SSHD_DROP_IN) < 0 &&
            !correct_file(draft, *file, action, correct_sshd, error))
            return FALSE;
    if (conditional) {
        g_autofree char *en = g_strdup_printf(
            "a Match block of " SSHD_CONFIG " sets %s too; it is left as it is", action->key);
        g_autofree char *fr = g_strdup_printf("un bloc Match de " SSHD_CONFIG
                                              " règle aussi %s\u202f; il est laissé tel quel",
                                              action->key);

        fix_draft_note(draft, en, fr);
    }
    return TRUE;
}

gboolean fix_action_block_module(struct fix_draft *draft, const struct fix_action *action,
                                 GError **error)
{
    g_autofree char *install = g_strdup_printf("install %s /bin/false", action->key);
    g_autofree char *blacklist = g_strdup_printf("blacklist %s", action->key);
    struct fix_edit *edit;
    GString *text = fix_draft_text(draft, MODPROBE_DROP_IN, &edit, error);
    gboolean changed;

    if (!text)
        return edit != NULL;
    changed = lines_add(text, install);
    changed |= lines_add(text, blacklist);
    return fix_draft_put_text(draft, edit, text, changed, TEXT_MODE, error);
}

gboolean fix_action_mask_unit(struct fix_draft *draft, const struct fix_action *action,
                              GError **error)
{
    g_autofree char *path = g_strconcat(UNIT_FOLDER, action->path, NULL);
    g_autoptr(GBytes) target = g_bytes_new_static("/dev/null", strlen("/dev/null"));
    struct fix_edit *edit = fix_draft_edit_itself(draft, path, error);

    if (!edit)
        return FALSE;
    if (edit->new.node == FIX_LINK && g_bytes_equal(edit->new.content, target))
        return TRUE;
    if (edit->new.node == FIX_FOLDER || edit->new.node == FIX_OTHER) {
        fix_draft_note(draft, "the unit's place is taken by what is no unit file",
                       "la place de l’unité est prise par ce qui n’est pas un fichier d’unité");
        return TRUE;
    }
    edit->new.node = FIX_LINK;
    edit->new.mode = 0;
    edit->new.uid = fix_draft_uid();
    edit->new.gid = fix_draft_gid();
    fix_state_set_content(&edit->new, target);
    return fix_draft_touch(draft, edit, error);
}

/* The paths an action on modes or owners is about: a pattern, or the finding's failing evidence. */
static char **paths_of(struct fix_draft *draft, const struct fix_action *action)
{
    GPtrArray *paths;

    if (!g_str_equal(action->path, EVIDENCE))
        return fix_tree_glob(draft->tree, action->path);
    if (!draft->finding)
        fix_draft_note(draft, "which files it is about is known after an assessment only",
                       "les fichiers concernés ne sont connus qu’après une évaluation");
    paths = g_ptr_array_new();
    for (guint i = 0; draft->finding && i < draft->finding->evidence->len; i++) {
        const struct evidence *line = draft->finding->evidence->pdata[i];

        if (line->path && *line->path == '/' && line->outcome >= OUTCOME_WARN)
            g_ptr_array_add(paths, g_strdup(line->path));
    }
    if (draft->finding && draft->finding->omitted) {
        g_autofree char *en =
            g_strdup_printf("%u more files are concerned; assess and fix again afterwards",
                            draft->finding->omitted);
        g_autofree char *fr = g_strdup_printf(
            "%u autres fichiers sont concernés\u202f; évaluez et corrigez à nouveau",
            draft->finding->omitted);

        fix_draft_note(draft, en, fr);
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}

/* Files that others may have planted are left out and said; the rest is put right all the same. */
static gboolean is_planted(struct fix_draft *draft, const char *path)
{
    g_autofree char *en = NULL, *fr = NULL;

    if (fix_trust_in_place(draft->tree, path, &en, &fr))
        return FALSE;
    fix_draft_note(draft, en, fr);
    return TRUE;
}

gboolean fix_action_mode(struct fix_draft *draft, const struct fix_action *action, GError **error)
{
    g_auto(GStrv) paths = paths_of(draft, action);

    for (char **path = paths; *path; path++) {
        struct fix_edit *edit = fix_draft_edit(draft, *path, FALSE, error);

        if (!edit)
            return FALSE;
        if (edit->new.node == FIX_ABSENT || edit->new.node == FIX_LINK ||
            !(edit->new.mode & ~action->mode) || is_planted(draft, *path))
            continue;
        edit->new.mode &= action->mode;
        if (!fix_draft_touch(draft, edit, error))
            return FALSE;
    }
    return TRUE;
}

/* The number of `name` in a file like /etc/passwd of the tree; a number stands for itself. */
static gboolean look_up(const struct fix_tree *tree, const char *path, const char *name,
                        guint64 *number)
{
    g_autofree char *text = fix_tree_text(tree, path);
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

    if (g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT32 - 1, number, NULL))
        return TRUE;
    if (g_str_equal(name, "root")) {
        *number = 0;
        return TRUE;
    }
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, ":", 4);

        if (g_strv_length(fields) >= 3 && g_str_equal(fields[0], name))
            return g_ascii_string_to_unsigned(fields[2], 10, 0, G_MAXUINT32 - 1, number, NULL);
    }
    return FALSE;
}

gboolean fix_action_owner(struct fix_draft *draft, const struct fix_action *action, GError **error)
{
    g_auto(GStrv) paths = paths_of(draft, action);
    guint64 uid, gid;

    if (!look_up(draft->tree, "/etc/passwd", action->owner, &uid) ||
        !look_up(draft->tree, "/etc/group", action->group, &gid)) {
        g_autofree char *en =
            g_strdup_printf("%s:%s is not known here", action->owner, action->group);
        g_autofree char *fr =
            g_strdup_printf("%s:%s n’est pas connu ici", action->owner, action->group);

        fix_draft_note(draft, en, fr);
        return TRUE;
    }
    for (char **path = paths; *path; path++) {
        struct fix_edit *edit = fix_draft_edit(draft, *path, FALSE, error);

        if (!edit)
            return FALSE;
        if (edit->new.node == FIX_ABSENT || edit->new.node == FIX_LINK ||
            (edit->new.uid == uid && edit->new.gid == gid) || is_planted(draft, *path))
            continue;
        /* A program that runs as its owner would run as the new one: as chown(2), bits go. */
        if (edit->new.node == FIX_FILE)
            edit->new.mode &= ~(mode_t)(S_ISUID | S_ISGID);
        edit->new.uid = uid;
        edit->new.gid = gid;
        if (!fix_draft_touch(draft, edit, error))
            return FALSE;
    }
    return TRUE;
}
