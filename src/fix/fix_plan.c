#include "fix/fix_plan.h"

#include "base/error.h"
#include "fix/fix_action.h"
#include "fix/fix_diff.h"
#include "fix/fix_guard.h"
#include "fix/fix_validate.h"

#include <stdlib.h>
#include <string.h>

/* What an edit beneath a place means beyond the file. The first row that matches counts. */
/* clang-format off */
static const struct {
    const char *place;
    gboolean risky; /* only on the running machine */
    const char *en, *fr;
} places[] = {
    { "/etc/ssh/sshd_config", TRUE,
      "SSH: in force after `systemctl reload ssh`; keep a session open and try a new login",
      "SSH\u202f: en vigueur après `systemctl reload ssh`\u202f; gardez une session ouverte "
      "et essayez une nouvelle connexion" },
    { "/etc/ssh/ssh_config", FALSE,
      "SSH client: in force at once",
      "Client SSH\u202f: en vigueur immédiatement" },
    { "/etc/pam.d/", TRUE,
      "PAM: in force at the next login; try one before you log out",
      "PAM\u202f: en vigueur à la prochaine connexion\u202f; essayez-en une avant de vous "
      "déconnecter" },
    { "/etc/security/", TRUE,
      "PAM: in force at the next login; try one before you log out",
      "PAM\u202f: en vigueur à la prochaine connexion\u202f; essayez-en une avant de vous "
      "déconnecter" },
    { "/etc/sudoers", TRUE,
      "sudo: in force at once; try it from a second session",
      "sudo\u202f: en vigueur immédiatement\u202f; essayez depuis une seconde session" },
    { "/etc/nftables", TRUE,
      "Firewall: in force after `systemctl reload nftables`",
      "Pare-feu\u202f: en vigueur après `systemctl reload nftables`" },
    { "/etc/iptables/", TRUE,
      "Firewall: in force after `netfilter-persistent reload`",
      "Pare-feu\u202f: en vigueur après `netfilter-persistent reload`" },
    { "/etc/ufw/", TRUE,
      "Firewall: in force after `ufw reload`",
      "Pare-feu\u202f: en vigueur après `ufw reload`" },
    { "/etc/sysctl", FALSE,
      "Kernel settings: set on the running machine when the plan is applied to it, and at "
      "each start",
      "Réglages du noyau\u202f: posés sur la machine en marche quand le plan lui est "
      "appliqué, puis à chaque démarrage" },
    { "/etc/modprobe.d/", FALSE,
      "Kernel modules: those already loaded stay until the next start; run `update-initramfs "
      "-u`",
      "Modules du noyau\u202f: ceux déjà chargés restent jusqu’au prochain démarrage\u202f; "
      "lancez `update-initramfs -u`" },
    { "/etc/fstab", FALSE,
      "Mounts: in force after `mount -o remount MOUNT-POINT` or a restart",
      "Montages\u202f: en vigueur après `mount -o remount POINT-DE-MONTAGE` ou un redémarrage" },
    { "/etc/default/grub", FALSE,
      "Boot: run `update-grub`, then restart",
      "Amorçage\u202f: lancez `update-grub`, puis redémarrez" },
    { "/etc/grub.d/", FALSE,
      "Boot: run `update-grub`, then restart",
      "Amorçage\u202f: lancez `update-grub`, puis redémarrez" },
    { "/etc/systemd/journald", FALSE,
      "Journal: in force after `systemctl restart systemd-journald`",
      "Journal\u202f: en vigueur après `systemctl restart systemd-journald`" },
    { "/etc/systemd/system/", FALSE,
      "Units: run `systemctl daemon-reload`, then restart (or stop) the units named above",
      "Unités\u202f: lancez `systemctl daemon-reload`, puis redémarrez (ou arrêtez) les "
      "unités ci-dessus" },
    { "/etc/systemd/", FALSE,
      "systemd: in force after a restart",
      "systemd\u202f: en vigueur après un redémarrage" },
    { "/etc/login.defs", FALSE,
      "Accounts: for new accounts and new passwords only",
      "Comptes\u202f: seulement pour les nouveaux comptes et mots de passe" },
    { "/etc/audit/", FALSE,
      "Audit: in force after `augenrules --load`",
      "Audit\u202f: en vigueur après `augenrules --load`" },
    { "/etc/rsyslog", FALSE,
      "Logs: in force after `systemctl restart rsyslog`",
      "Journaux\u202f: en vigueur après `systemctl restart rsyslog`" },
    { "/etc/chrony", FALSE,
      "Clock: in force after `systemctl restart chrony`",
      "Horloge\u202f: en vigueur après `systemctl restart chrony`" },
};
/* clang-format on */

struct fix_plan *fix_plan_new(const char *root)
{
    struct fix_plan *plan = g_new0(struct fix_plan, 1);

    plan->root = g_strdup(root);
    plan->edits = g_ptr_array_new_with_free_func((GDestroyNotify)fix_edit_free);
    plan->settings = g_ptr_array_new();
    plan->measures = g_ptr_array_new_with_free_func(g_free);
    plan->guards = g_ptr_array_new_with_free_func(g_free);
    plan->effects = g_ptr_array_new();
    plan->left_out = g_ptr_array_new();
    return plan;
}

static void value_free(struct fix_setting *value)
{
    g_free(value->key);
    g_free(value->old);
    g_free(value->new);
    g_free(value);
}

static void note_free(struct fix_note *note)
{
    g_free(note->measure);
    g_free(note->en);
    g_free(note->fr);
    g_free(note);
}

void fix_plan_free(struct fix_plan *plan)
{
    g_ptr_array_unref(plan->edits);
    g_ptr_array_set_free_func(plan->settings, (GDestroyNotify)value_free);
    g_ptr_array_unref(plan->settings);
    g_ptr_array_unref(plan->measures);
    g_ptr_array_unref(plan->guards);
    g_ptr_array_set_free_func(plan->effects, (GDestroyNotify)note_free);
    g_ptr_array_unref(plan->effects);
    g_ptr_array_set_free_func(plan->left_out, (GDestroyNotify)note_free);
    g_ptr_array_unref(plan->left_out);
    g_free(plan->root);
    g_free(plan->hash);
    g_free(plan);
}

struct fix_edit *fix_edit_new(const char *path)
{
    struct fix_edit *edit = g_new0(struct fix_edit, 1);

    edit->path = g_strdup(path);
    edit->measures = g_ptr_array_new_with_free_func(g_free);
    return edit;
}

void fix_edit_free(struct fix_edit *edit)
{
    fix_state_clear(&edit->old);
    fix_state_clear(&edit->new);
    g_ptr_array_unref(edit->measures);
    g_free(edit->path);
    g_free(edit);
}

struct fix_setting *fix_setting_new(const char *key, const char *old, const char *new)
{
    struct fix_setting *value = g_new0(struct fix_setting, 1);

    value->key = g_strdup(key);
    value->old = g_strdup(old);
    value->new = g_strdup(new);
    return value;
}

struct fix_note *fix_note_new(const char *measure, const char *en, const char *fr)
{
    struct fix_note *note = g_new0(struct fix_note, 1);

    note->measure = g_strdup(measure);
    note->en = g_strdup(en);
    note->fr = g_strdup(fr);
    return note;
}

gboolean fix_plan_is_empty(const struct fix_plan *plan)
{
    return !plan->edits->len && !plan->settings->len;
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int compare_edits(const void *left, const void *right)
{
    return strcmp((*(struct fix_edit *const *)left)->path,
                  (*(struct fix_edit *const *)right)->path);
}

static int compare_values(const void *left, const void *right)
{
    return strcmp((*(struct fix_setting *const *)left)->key,
                  (*(struct fix_setting *const *)right)->key);
}

static void add_once(GPtrArray *texts, const char *text)
{
    if (!g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
        g_ptr_array_add(texts, g_strdup(text));
}

/* Guards first: a measure that one of them refuses changes nothing at all. */
static gboolean draft_measure(struct fix_draft *draft, struct fix_plan *plan,
                              const struct fix_wish *wish, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(g_free);
    const struct measure *measure = wish->measure;

    draft->measure = measure;
    draft->finding = wish->finding;
    if (!measure->n_actions)
        fix_draft_note(draft, "there is no automatic fix; see what it advises",
                       "il n’y a pas de correction automatique\u202f; voyez le conseil");
    if (wish->finding && wish->finding->outcome == OUTCOME_NOT_APPLICABLE) {
        fix_draft_note(draft, "does not apply here", "ne s’applique pas ici");
        return TRUE;
    }
    for (gsize i = 0; i < measure->n_actions; i++) {
        g_autoptr(GError) refusal = NULL;
        char *entry;

        if (!fix_guard_action(draft->tree, &measure->actions[i], &entry, &refusal)) {
            if (wish->insist) {
                g_propagate_prefixed_error(error, g_steal_pointer(&refusal),
                                           "%s: refused: ", measure->id);
                return FALSE;
            }
            fix_draft_note(draft, refusal->message, refusal->message);
            return TRUE;
        }
        if (entry)
            g_ptr_array_add(entries, entry);
    }
    for (gsize i = 0; i < measure->n_actions; i++) {
        g_autoptr(GError) problem = NULL;

        if (fix_action_perform(draft, &measure->actions[i], &problem))
            continue;
        if (wish->insist) {
            g_propagate_prefixed_error(error, g_steal_pointer(&problem), "%s: ", measure->id);
            return FALSE;
        }
        fix_draft_note(draft, problem->message, problem->message);
    }
    for (guint i = 0; i < entries->len; i++)
        add_once(plan->guards, entries->pdata[i]);
    return TRUE;
}

/* An edit of mode or owner alone does not depend on the content. */
static void forget_equal_content(struct fix_edit *edit)
{
    if (edit->old.node != edit->new.node || !edit->new.digest || !edit->old.digest ||
        !g_str_equal(edit->old.digest, edit->new.digest))
        return;
    for (struct fix_state *state = &edit->old; state;
         state = state == &edit->old ? &edit->new : NULL) {
        g_clear_pointer(&state->content, g_bytes_unref);
        g_clear_pointer(&state->digest, g_free);
    }
}

static void add_effects(struct fix_plan *plan, gboolean live)
{
    gboolean said[G_N_ELEMENTS(places)] = { FALSE };

    for (guint i = 0; i < plan->edits->len; i++) {
        const struct fix_edit *edit = plan->edits->pdata[i];

        for (guint p = 0; p < G_N_ELEMENTS(places); p++) {
            if (!g_str_has_prefix(edit->path, places[p].place))
                continue;
            plan->risky |= live && places[p].risky;
            if (!said[p])
                g_ptr_array_add(plan->effects, fix_note_new(NULL, places[p].en, places[p].fr));
            said[p] = TRUE;
            break;
        }
    }
    for (guint i = 0; i < plan->settings->len; i++)
        plan->risky |=
            live && g_str_has_prefix(((struct fix_setting *)plan->settings->pdata[i])->key, "net");
}

static gboolean finish(struct fix_plan *plan, struct fix_draft *draft, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    GHashTableIter iterator;
    gpointer item;

    g_hash_table_iter_init(&iterator, draft->edits);
    while (g_hash_table_iter_next(&iterator, NULL, &item)) {
        struct fix_edit *edit = item;

        if (fix_state_equal(&edit->old, &edit->new))
            continue;
        forget_equal_content(edit);
        g_hash_table_iter_steal(&iterator);
        g_ptr_array_sort(edit->measures, compare_texts);
        for (guint i = 0; i < edit->measures->len; i++)
            add_once(plan->measures, edit->measures->pdata[i]);
        g_ptr_array_add(plan->edits, edit);
    }
    g_hash_table_iter_init(&iterator, draft->settings);
    while (g_hash_table_iter_next(&iterator, NULL, &item)) {
        struct fix_setting *value = item;

        g_ptr_array_add(plan->settings, fix_setting_new(value->key, value->old, value->new));
    }
    g_ptr_array_sort(plan->edits, compare_edits);
    g_ptr_array_sort(plan->settings, compare_values);
    g_ptr_array_sort(plan->measures, compare_texts);
    g_ptr_array_sort(plan->guards, compare_texts);
    add_effects(plan, fix_tree_is_live(draft->tree));
    fix_validate_announce(plan);
    for (guint i = 0; i < draft->notes->len; i++)
        g_ptr_array_add(plan->left_out, draft->notes->pdata[i]);
    g_ptr_array_set_size(draft->notes, 0);
    bytes = fix_plan_bytes(plan, error);
    if (bytes)
        plan->hash = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
    return bytes != NULL;
}

struct fix_plan *fix_plan_make(const struct fix_tree *tree, const GPtrArray *wishes, GError **error)
{
    g_autoptr(fix_plan_t) plan = fix_plan_new(fix_tree_path(tree));
    struct fix_draft draft = {
        .tree = tree,
        .edits =
            g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)fix_edit_free),
        .settings =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)value_free),
        .notes = g_ptr_array_new(),
    };
    gboolean done = TRUE;

    for (guint i = 0; i < wishes->len && done; i++)
        done = draft_measure(&draft, plan, wishes->pdata[i], error);
    done = done && finish(plan, &draft, error);
    g_hash_table_unref(draft.edits);
    g_hash_table_unref(draft.settings);
    g_ptr_array_set_free_func(draft.notes, (GDestroyNotify)note_free);
    g_ptr_array_unref(draft.notes);
    return done ? g_steal_pointer(&plan) : NULL;
}

/* The old content, read again when the plan came from a file; NULL when it is another by now. */
static GBytes *old_content(const struct fix_edit *edit, const struct fix_tree *tree)
{
    struct fix_state now = { 0 };
    GBytes *content = NULL;

    if (edit->old.content)
        return g_bytes_ref(edit->old.content);
    if (edit->old.node != FIX_FILE)
        return g_bytes_new(NULL, 0);
    if (fix_tree_look(tree, edit->path, TRUE, &now, NULL) && fix_state_equal(&now, &edit->old) &&
        now.content)
        content = g_bytes_ref(now.content);
    fix_state_clear(&now);
    return content;
}

static void describe_content(GString *out, const struct fix_edit *edit, const struct fix_tree *tree)
{
    g_autoptr(GBytes) old = old_content(edit, tree);
    g_autofree char *from = g_strconcat("a", edit->path, NULL);
    g_autofree char *to = g_strconcat("b", edit->path, NULL);
    g_autofree char *diff = NULL;
    gboolean was_file = edit->old.node == FIX_FILE;

    if (!old) {
        g_string_append_printf(out, "%s: changed since the plan was made\n", edit->path);
        return;
    }
    diff = fix_diff(was_file ? from : "/dev/null", to, was_file ? g_bytes_get_data(old, NULL) : "",
                    was_file ? g_bytes_get_size(old) : 0, g_bytes_get_data(edit->new.content, NULL),
                    g_bytes_get_size(edit->new.content));
    g_string_append(out, diff);
}

char *fix_edit_describe(const struct fix_edit *edit, const struct fix_tree *tree)
{
    GString *out = g_string_new(NULL);
    const struct fix_state *old = &edit->old, *new = &edit->new;

    if (new->node == FIX_FILE &&new->content)
        describe_content(out, edit, tree);
    if (new->node == FIX_ABSENT)
        g_string_append_printf(out, "%s: removed\n", edit->path);
    else if (new->node == FIX_LINK)
        g_string_append_printf(out, "%s: link to %.*s\n", edit->path,
                               (int)g_bytes_get_size(new->content),
                               (const char *)g_bytes_get_data(new->content, NULL));
    else if (old->node == FIX_ABSENT)
        g_string_append_printf(out, "%s: new %s, mode %04o, owner %u:%u\n", edit->path,
                               fix_node_name(new->node), new->mode, new->uid, new->gid);
    else if (old->mode != new->mode)
        g_string_append_printf(out, "%s: mode %04o becomes %04o\n", edit->path, old->mode,
                               new->mode);
    if (old->node != FIX_ABSENT && new->node == old->node &&
        (old->uid != new->uid || old->gid != new->gid))
        g_string_append_printf(out, "%s: owner %u:%u becomes %u:%u\n", edit->path, old->uid,
                               old->gid, new->uid, new->gid);
    return g_string_free(out, FALSE);
}
