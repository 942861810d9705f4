#include "fix/fix_validate.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_LIMIT_MS 10000
#define REPLY_MAX 2000 /* bytes kept of what a program says */
#define SYSTEMCTL "/usr/bin/systemctl"
#define SYSTEMD_RUNS "/run/systemd/system"

static const struct validator {
    const char *place; /* files that it reads */
    const char *program;
    const char *arguments[4]; /* before the file */
    const char *whole;        /* the configuration that includes the others, or NULL */
    const char *unit;         /* reads the files again, or NULL */
    const char *en, *fr, *absent_en, *absent_fr;
} validators[] = {
    { "/etc/ssh/sshd_config",
      "/usr/sbin/sshd",
      { "-t", "-f" },
      "/etc/ssh/sshd_config",
      "ssh.service",
      "The new SSH configuration is checked with sshd -t before it counts",
      "La nouvelle configuration SSH est vérifiée par sshd -t avant de compter",
      "sshd is not installed here: the new SSH configuration is not checked",
      "sshd n’est pas installé ici\u202f: la nouvelle configuration SSH n’est pas vérifiée" },
    { "/etc/sudoers",
      "/usr/sbin/visudo",
      { "-c", "-q", "-f" },
      NULL,
      NULL,
      "The new sudo rules are checked with visudo -c before they count",
      "Les nouvelles règles sudo sont vérifiées par visudo -c avant de compter",
      "visudo is not installed here: the new sudo rules are not checked",
      "visudo n’est pas installé ici\u202f: les nouvelles règles sudo ne sont pas vérifiées" },
};

/* Reads what the program says until it ends; FALSE when the time is over. */
static gboolean listen_to(int pipe, GString *reply)
{
    gint64 end_us = g_get_monotonic_time() + RUN_LIMIT_MS * G_TIME_SPAN_MILLISECOND;

    for (;;) {
        struct pollfd ready = { pipe, POLLIN, 0 };
        gint64 left_ms = (end_us - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;
        char buffer[512];
        ssize_t got;

        if (left_ms <= 0)
            return FALSE;
        if (poll(&ready, 1, left_ms) <= 0)
            continue;
        got = read(pipe, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return TRUE;
        g_string_append_len(reply, buffer, MIN((gsize)got, REPLY_MAX - MIN(REPLY_MAX, reply->len)));
    }
}

/* TRUE when the program ends with 0. What it said is in `reply`. */
static gboolean run_program(const char *const *arguments, GString *reply)
{
    static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                               NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int pipes[2], status = -1, code;
    pid_t pid;

    if (pipe2(pipes, O_CLOEXEC) < 0)
        return FALSE;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    code = posix_spawn(&pid, arguments[0], &actions, &attributes, (char *const *)arguments,
                       (char *const *)environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    if (code != 0) {
        g_string_append(reply, g_strerror(code));
    } else {
        if (!listen_to(pipes[0], reply)) {
            kill(pid, SIGKILL);
            g_string_append(reply, "no answer in time");
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    close(pipes[0]);
    return code == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static gboolean accepts(const struct validator *validator, const char *file, GString *reply)
{
    const char *arguments[G_N_ELEMENTS(validator->arguments) + 3] = { validator->program };
    guint count = 1;

    for (guint i = 0; i < G_N_ELEMENTS(validator->arguments) && validator->arguments[i]; i++)
        arguments[count++] = validator->arguments[i];
    arguments[count] = file;
    return run_program(arguments, reply);
}

static gboolean is_there(const struct validator *validator)
{
    return access(validator->program, X_OK) == 0;
}

static gboolean reads(const struct validator *validator, const struct fix_edit *edit)
{
    return edit->new.node == FIX_FILE &&
           edit->new.content &&g_str_has_prefix(edit->path, validator->place);
}

static gboolean concerns(const struct validator *validator, const struct fix_plan *plan)
{
    for (guint i = 0; i < plan->edits->len; i++)
        if (reads(validator, plan->edits->pdata[i]))
            return TRUE;
    return FALSE;
}

void fix_validate_announce(struct fix_plan *plan)
{
    for (guint v = 0; v < G_N_ELEMENTS(validators); v++) {
        const struct validator *row = &validators[v];

        if (concerns(row, plan))
            g_ptr_array_add(plan->effects,
                            is_there(row) ? fix_note_new(NULL, row->en, row->fr)
                                          : fix_note_new(NULL, row->absent_en, row->absent_fr));
    }
}

/* Whether the program accepts these bytes, put into `path` for it. */
static gboolean accepts_bytes(const struct validator *validator, const char *path, GBytes *bytes,
                              GString *reply, GError **error)
{
    gsize length = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &length) : "";
    gboolean accepted;

    if (!file_write(path, data ? data : "", length, 0600, error))
        return FALSE;
    accepted = accepts(validator, path, reply);
    g_unlink(path);
    return accepted;
}

static gboolean validate_edit(const struct validator *validator, const struct fix_edit *edit,
                              const struct fix_tree *tree, const char *path, GError **error)
{
    g_autoptr(GString) before = g_string_new(NULL);
    g_autoptr(GString) after = g_string_new(NULL);
    g_autoptr(GError) problem = NULL;
    struct fix_state old = { 0 };
    gboolean fine;

    if (accepts_bytes(validator, path, edit->new.content, after, &problem))
        return TRUE;
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    fine = fix_tree_look(tree, edit->path, TRUE, &old, error);
    if (fine && accepts_bytes(validator, path, old.content, before, &problem))
        fine = system_error(error, "%s: %s refuses the new content: %s", edit->path,
                            validator->program, g_strstrip(after->str));
    fix_state_clear(&old);
    return fine;
}

gboolean fix_validate_contents(const struct fix_plan *plan, const struct fix_tree *tree,
                               const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "candidate", NULL);

    for (guint v = 0; v < G_N_ELEMENTS(validators); v++)
        for (guint i = 0; i < plan->edits->len && is_there(&validators[v]); i++)
            if (reads(&validators[v], plan->edits->pdata[i]) &&
                !validate_edit(&validators[v], plan->edits->pdata[i], tree, path, error))
                return FALSE;
    return TRUE;
}

static gboolean whole_is_refused(const struct fix_plan *plan, const struct fix_tree *tree,
                                 GString *reply)
{
    for (guint v = 0; v < G_N_ELEMENTS(validators) && fix_tree_is_live(tree); v++)
        if (validators[v].whole && is_there(&validators[v]) && concerns(&validators[v], plan) &&
            !accepts(&validators[v], validators[v].whole, reply))
            return TRUE;
    return FALSE;
}

gboolean fix_validate_before(const struct fix_plan *plan, const struct fix_tree *tree)
{
    g_autoptr(GString) reply = g_string_new(NULL);

    return whole_is_refused(plan, tree, reply);
}

gboolean fix_validate_after(const struct fix_plan *plan, const struct fix_tree *tree,
                            gboolean refused_before, GError **error)
{
    g_autoptr(GString) reply = g_string_new(NULL);

    return refused_before || !whole_is_refused(plan, tree, reply) ||
           system_error(error, "the new configuration is refused: %s", g_strstrip(reply->str));
}

void fix_validate_reload(const struct fix_plan *plan, const struct fix_tree *tree)
{
    for (guint v = 0; v < G_N_ELEMENTS(validators) && fix_tree_is_live(tree); v++) {
        const char *const arguments[] = { SYSTEMCTL, "try-reload-or-restart", validators[v].unit,
                                          NULL };
        g_autoptr(GString) reply = g_string_new(NULL);

        if (validators[v].unit && concerns(&validators[v], plan) && access(SYSTEMD_RUNS, F_OK) == 0)
            run_program(arguments, reply);
    }
}
