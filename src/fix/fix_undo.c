#include "fix/fix_undo.h"

#include "base/clock.h"
#include "base/error.h"
#include "fix/fix_validate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SET_ID_BITS (S_ISUID | S_ISGID)
#define UNFINISHED_FOLDER 0700
#define VALUE_MAX 4096 /* bytes of one kernel setting */

static char *value_path(const struct fix_setting *value)
{
    g_autofree char *name = g_strdup(value->key);

    /* As sysctl(8): with a '/' in it, a dot is part of a name (an interface eth0.100). */
    if (!strchr(name, '/'))
        g_strdelimit(name, ".", '/');

    return g_strconcat("/proc/sys/", name, NULL);
}

gboolean fix_setting_is(const struct fix_setting *value, gboolean new)
{
    g_autofree char *path = value_path(value);
    char text[VALUE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    if (length < 0)
        return FALSE;
    text[length] = 0;
    g_strdelimit(g_strstrip(text), "\t", ' ');
    return g_str_equal(text, new ? value->new : value->old);
}

gboolean fix_setting_set(const struct fix_setting *value, gboolean new, GError **error)
{
    g_autofree char *path = value_path(value);
    const char *text = new ? value->new : value->old;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    gboolean done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (!done)
        errno_error(error, errno, "%s: cannot be set to %s", value->key, text);
    if (fd >= 0)
        close(fd);
    return done;
}

static gboolean is_either(guint found, guint old, guint new)
{
    return found == old || found == new;
}

/* What a killed run may leave: some of owner and mode done, a folder without its mode. */
static gboolean is_between(const struct fix_state *now, const struct fix_edit *edit)
{
    const struct fix_state *old = &edit->old, *new = &edit->new;

    if (old->node == FIX_ABSENT && new->node == FIX_FOLDER)
        return now->node == FIX_FOLDER && now->mode == UNFINISHED_FOLDER;
    return old->node == new->node && now->node == old->node &&
           !new->content &&is_either(now->uid, old->uid, new->uid) &&
           is_either(now->gid, old->gid, new->gid) &&
           is_either(now->mode & ~SET_ID_BITS, old->mode & ~SET_ID_BITS, new->mode & ~SET_ID_BITS);
}

enum standing { STANDS_OLD, STANDS_OURS, STANDS_FOREIGN };

static gboolean compare(const struct fix_tree *tree, const struct fix_edit *edit,
                        gboolean unfinished, enum standing *standing, GError **error)
{
    struct fix_state now = { 0 };
    gboolean content = edit->old.digest || edit->new.digest;

    if (!fix_tree_look(tree, edit->path, content, &now, error)) {
        fix_state_clear(&now);
        return FALSE;
    }
    if (fix_state_equal(&now, &edit->old))
        *standing = STANDS_OLD;
    else if (fix_state_equal(&now, &edit->new) || (unfinished && is_between(&now, edit)))
        *standing = STANDS_OURS;
    else
        *standing = STANDS_FOREIGN;
    fix_state_clear(&now);
    return TRUE;
}

static gboolean put_back(const struct fix_record *record, const struct fix_tree *tree, guint index,
                         GError **error)
{
    const struct fix_edit *edit = record->plan->edits->pdata[index];
    g_autoptr(fix_extra_t) extra = NULL;
    struct fix_state old = { 0 };
    gboolean done = fix_record_restore(record, index, &old, &extra, error) &&
                    fix_tree_put(tree, edit->path, &old, extra, error);

    fix_state_clear(&old);
    return done;
}

/* Some settings go one way only (kernel.kexec_load_disabled): the next start brings them back. */
static void set_back(const struct fix_setting *setting, GPtrArray *kept)
{
    g_autoptr(GError) problem = NULL;

    if (!fix_setting_set(setting, FALSE, &problem))
        g_ptr_array_add(kept, g_strdup_printf("%s on the running kernel; the next start brings "
                                              "it back",
                                              problem->message));
}

static void keep(GPtrArray *kept, const char *path)
{
    g_ptr_array_add(kept,
                    g_strdup_printf("%s was changed by somebody else and is left as it is", path));
}

/* A folder that the plan made stays when somebody put something into it. */
static gboolean is_filled_folder(const struct fix_tree *tree, const struct fix_edit *edit)
{
    g_autofree char *pattern = g_strconcat(edit->path, "/*", NULL);
    g_autofree char *hidden = g_strconcat(edit->path, "/.[!.]*", NULL);
    g_auto(GStrv) names = NULL, more = NULL;

    if (edit->old.node != FIX_ABSENT || edit->new.node != FIX_FOLDER)
        return FALSE;
    names = fix_tree_glob(tree, pattern);
    more = fix_tree_glob(tree, hidden);
    return *names || *more;
}

/* Both directions end here: everything as it was, in reverse order. */
static gboolean restore(const struct fix_record *record, const struct fix_tree *tree,
                        gboolean force, GPtrArray *kept, GError **error)
{
    const struct fix_plan *plan = record->plan;

    for (guint i = plan->settings->len; i-- > 0;) {
        const struct fix_setting *setting = plan->settings->pdata[i];

        if (fix_setting_is(setting, FALSE))
            continue;
        if (!force && !fix_setting_is(setting, TRUE))
            keep(kept, setting->key);
        else
            set_back(setting, kept);
    }
    for (guint i = plan->edits->len; i-- > 0;) {
        const struct fix_edit *edit = plan->edits->pdata[i];
        g_autoptr(GError) problem = NULL;
        enum standing standing;

        if (!fix_tree_sweep(tree, edit->path, error) ||
            !compare(tree, edit, TRUE, &standing, error))
            return FALSE;
        if (standing == STANDS_OLD)
            continue;
        if ((standing == STANDS_FOREIGN && !force) || is_filled_folder(tree, edit)) {
            keep(kept, edit->path);
        } else if (!put_back(record, tree, i, &problem)) {
            if (!g_error_matches(problem, ENTENTE_ERROR, ENTENTE_ERROR_POLICY)) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return FALSE;
            }
            g_ptr_array_add(kept, g_strdup(problem->message));
        }
    }
    return TRUE;
}

static gboolean take_back(struct fix_record *record, const struct fix_tree *tree, gboolean force,
                          GPtrArray *kept, GError **error)
{
    return (record->stage == FIX_UNDOING || fix_record_enter(record, FIX_UNDOING, 0, error)) &&
           restore(record, tree, force, kept, error) &&
           fix_record_enter(record, FIX_UNDONE, 0, error);
}

GPtrArray *fix_undo_quietly(struct fix_record *record, const struct fix_tree *tree, GError **error)
{
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);

    return take_back(record, tree, FALSE, kept, error) ? g_steal_pointer(&kept) : NULL;
}

gboolean fix_undo(struct fix_record *record, const struct fix_tree *tree, gboolean force,
                  GError **error)
{
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);

    if (record->stage != FIX_APPLIED && record->stage != FIX_CONFIRMED)
        return system_error(error, "plan %.12s is not applied (%s)", record->plan->hash,
                            fix_stage_name(record->stage));
    for (guint i = 0; i < record->plan->edits->len && !force; i++) {
        const struct fix_edit *edit = record->plan->edits->pdata[i];
        enum standing standing;

        if (!compare(tree, edit, FALSE, &standing, error))
            return FALSE;
        if (standing == STANDS_FOREIGN)
            return policy_error(error,
                                "%s: was changed by somebody else since; --force restores "
                                "it all the same",
                                edit->path);
    }
    if (!take_back(record, tree, force, kept, error))
        return FALSE;
    return !kept->len ||
           system_error(error, "%s; the rest is undone", (const char *)kept->pdata[0]);
}

static gboolean is_due(const struct fix_record *record, const char *due)
{
    return record->stage == FIX_APPLIED && record->deadline_us &&
           (record->deadline_us <= clock_now_us() || g_strcmp0(record->plan->hash, due) == 0);
}

static gboolean finish(struct fix_record *record, GPtrArray *said, GError **error)
{
    g_autoptr(fix_tree_t) tree = fix_tree_open(record->plan->root, error);
    g_autoptr(GPtrArray) kept = NULL;
    gboolean late = record->stage == FIX_APPLIED;
    const char *what = late ? "was not confirmed in time and has been undone"
                       : record->stage == FIX_APPLYING
                           ? "was interrupted while it was applied and has been rolled back"
                           : "was interrupted while it was undone; the undo is finished now";

    if (!tree)
        return FALSE;
    kept = fix_undo_quietly(record, tree, error);
    if (!kept)
        return FALSE;
    if (late)
        fix_validate_reload(record->plan, tree);
    g_ptr_array_add(said, g_strdup_printf("plan %.12s %s", record->plan->hash, what));
    for (guint i = 0; i < kept->len; i++)
        g_ptr_array_add(said, g_strdup_printf("plan %.12s: %s", record->plan->hash,
                                              (const char *)kept->pdata[i]));
    return TRUE;
}

GPtrArray *fix_recover(const char *store, const char *due, GError **error)
{
    g_autoptr(GPtrArray) damaged = g_ptr_array_new_with_free_func((GDestroyNotify)fix_damage_free);
    g_autoptr(GPtrArray) records = NULL;
    int lock = fix_store_lock(store, error);
    GPtrArray *said;

    if (lock < 0)
        return NULL;
    said = g_ptr_array_new_with_free_func(g_free);
    records = fix_record_list(store, damaged);
    for (guint i = 0; i < damaged->len; i++)
        g_ptr_array_add(said, g_strdup(((struct fix_damage *)damaged->pdata[i])->what));
    /* The latest first: plans over the same files come off like layers. */
    for (guint i = records->len; i-- > 0;) {
        struct fix_record *record = records->pdata[i];
        g_autoptr(GError) problem = NULL;

        if ((record->stage == FIX_APPLYING || record->stage == FIX_UNDOING ||
             is_due(record, due)) &&
            !finish(record, said, &problem))
            g_ptr_array_add(said, g_strdup_printf("plan %.12s is still %s: %s; the next run tries "
                                                  "again. Backups are in %s/backup",
                                                  record->plan->hash, fix_stage_name(record->stage),
                                                  problem->message, record->folder));
    }
    close(lock);
    return said;
}
