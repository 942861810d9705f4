#include "fix/fix_apply.h"

#include "base/clock.h"
#include "base/error.h"
#include "fix/fix_guard.h"
#include "fix/fix_undo.h"
#include "fix/fix_validate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static gboolean is_fresh(const struct fix_plan *plan, const struct fix_tree *tree, GError **error)
{
    for (guint i = 0; i < plan->edits->len; i++) {
        const struct fix_edit *edit = plan->edits->pdata[i];
        struct fix_state now = { 0 };
        gboolean fresh = fix_tree_look(tree, edit->path, edit->old.digest != NULL, &now, error) &&
                         (fix_state_equal(&now, &edit->old) ||
                          system_error(error, "%s: changed since the plan was made; make a new one",
                                       edit->path));

        fix_state_clear(&now);
        if (!fresh)
            return FALSE;
    }
    for (guint i = 0; i < plan->settings->len; i++)
        if (!fix_setting_is(plan->settings->pdata[i], FALSE))
            return system_error(error, "%s: changed since the plan was made; make a new one",
                                ((struct fix_setting *)plan->settings->pdata[i])->key);
    return TRUE;
}

static gboolean change(const struct fix_record *record, const struct fix_tree *tree, GError **error)
{
    const struct fix_plan *plan = record->plan;
    gboolean refused = fix_validate_before(plan, tree);

    for (guint i = 0; i < plan->edits->len; i++) {
        const struct fix_edit *edit = plan->edits->pdata[i];
        g_autoptr(fix_extra_t) extra = NULL;

        /* New content keeps labels and access lists of the old file, not its times. */
        if (edit->old.node == FIX_FILE && edit->new.node == FIX_FILE && edit->new.content) {
            extra = fix_tree_look_extra(tree, edit->path, error);
            if (!extra)
                return FALSE;
            memset(&extra->modified, 0, sizeof extra->modified);
        }
        if (!fix_tree_put(tree, edit->path, &edit->new, extra, error))
            return FALSE;
    }
    for (guint i = 0; i < plan->settings->len; i++)
        if (!fix_setting_set(plan->settings->pdata[i], TRUE, error))
            return FALSE;
    return fix_validate_after(plan, tree, refused, error);
}

gboolean fix_apply(struct fix_record *record, const struct fix_tree *tree, gint64 confirm_us,
                   GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(GPtrArray) kept = NULL;
    gint64 deadline_us;

    if (record->stage == FIX_APPLIED || record->stage == FIX_CONFIRMED)
        return system_error(error, "plan %.12s is applied already", record->plan->hash);
    if (!is_fresh(record->plan, tree, error) || !fix_guard_plan(tree, record->plan, error) ||
        !fix_validate_contents(record->plan, tree, record->folder, error) ||
        !fix_record_backup(record, tree, error) ||
        !fix_record_enter(record, FIX_APPLYING, 0, error))
        return FALSE;
    if (change(record, tree, &problem)) {
        deadline_us = confirm_us ? clock_now_us() + confirm_us : 0;
        return fix_record_enter(record, FIX_APPLIED, deadline_us, error);
    }
    kept = fix_undo_quietly(record, tree, error);
    if (!kept)
        g_prefix_error(
            error, "%s; and taking it back failed (entente fix tries again): ", problem->message);
    else if (kept->len)
        system_error(error, "%s; all was taken back but %s", problem->message,
                     (const char *)kept->pdata[0]);
    else
        g_propagate_prefixed_error(error, g_steal_pointer(&problem), "nothing was changed: ");
    return FALSE;
}

/* The clock that goes on while the machine sleeps, and that nobody sets. */
static void sleep_until(gint64 deadline_us)
{
    gint64 left_us = deadline_us - clock_now_us();
    struct timespec until;

    if (left_us <= 0)
        return;
    clock_gettime(CLOCK_BOOTTIME, &until);
    until.tv_sec += left_us / G_USEC_PER_SEC;
    until.tv_nsec += left_us % G_USEC_PER_SEC * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* In the grandchild: no terminal, no open files, nobody's child. */
static void G_GNUC_NORETURN wait_and_undo(const char *store, const char *hash, gint64 deadline_us)
{
    int null = open("/dev/null", O_RDWR);
    g_autoptr(GPtrArray) said = NULL;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    signal(SIGHUP, SIG_IGN);
    if (chdir("/") < 0)
        _exit(EXIT_SYSTEM);
    sleep_until(deadline_us);
    said = fix_recover(store, hash, NULL);
    _exit(said ? EXIT_DONE : EXIT_SYSTEM);
}

gboolean fix_apply_start_timer(const char *store, const struct fix_record *record, GError **error)
{
    g_autofree char *path = g_canonicalize_filename(store, NULL);
    gint64 deadline_us = record->deadline_us;
    pid_t pid = fork();
    int status;

    if (pid < 0)
        return errno_error(error, errno, "the timer for the undo cannot be started");
    if (pid == 0) {
        setsid();
        if (fork() == 0)
            wait_and_undo(path, record->plan->hash, deadline_us);
        _exit(EXIT_DONE);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return TRUE;
}
