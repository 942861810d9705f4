#include "sandbox/program.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE (64u << 10)  /* bytes read at once */
#define GRACE_US 2000000   /* between SIGTERM, which lets a tool take its lock away, and SIGKILL */
#define GRACE_STEP_US 5000 /* between two looks whether it is gone */

enum { OUT, ERR, PIPES };

void program_result_clear(struct program_result *result)
{
    g_clear_pointer(&result->said, g_free);
}

static gboolean open_pipes(int pipes[PIPES][2], GError **error)
{
    if (pipe2(pipes[OUT], O_CLOEXEC) < 0)
        return errno_error(error, errno, "a pipe");
    if (pipe2(pipes[ERR], O_CLOEXEC) == 0)
        return TRUE;
    close(pipes[OUT][0]);
    close(pipes[OUT][1]);
    return errno_error(error, errno, "a pipe");
}

/* In the child: as a shell would start it. It does not outlive us. Gives what went wrong. */
static int become(const struct program *program, int pipes[PIPES][2], pid_t parent)
{
    const int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t none;

    if (empty < 0 || dup2(empty, STDIN_FILENO) < 0 || dup2(pipes[OUT][1], STDOUT_FILENO) < 0 ||
        dup2(pipes[ERR][1], STDERR_FILENO) < 0 || setpgid(0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return errno;
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvpe(program->arguments[0], (char *const *)program->arguments,
            (char *const *)program->environment);
    return errno;
}

/* Its process, or the code of what went wrong: that comes back through a pipe, which a program that
 * was started closes. */
static int spawn(const struct program *program, int pipes[PIPES][2], pid_t *pid)
{
    const pid_t self = getpid();
    int trouble[2], code = 0, status;

    if (pipe2(trouble, O_CLOEXEC) < 0)
        return errno;
    *pid = fork();
    if (*pid == 0) {
        code = become(program, pipes, self);
        _exit(write(trouble[1], &code, sizeof code) == sizeof code ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    if (*pid < 0)
        code = errno;
    close(trouble[1]);
    while (*pid > 0 && read(trouble[0], &code, sizeof code) < 0 && errno == EINTR)
        ;
    close(trouble[0]);
    if (code != 0 && *pid > 0)
        waitpid(*pid, &status, 0);
    return code;
}

/* The last PROGRAM_SAID_MAX bytes: what went wrong stands at the end. */
static void keep_said(GString *said, const char *bytes, gsize length)
{
    g_string_append_len(said, bytes, (gssize)length);
    if (said->len > PROGRAM_SAID_MAX)
        g_string_erase(said, 0, (gssize)(said->len - PROGRAM_SAID_MAX));
}

/* Reads both pipes until both are closed. What ended it otherwise is in `end`. */
static gboolean listen_to(const struct program *program, int out, int err, gint64 end_us,
                          GString *said, enum program_end *end, GError **error)
{
    g_autofree char *buffer = g_malloc(PIECE);
    struct pollfd ready[PIPES] = { { out, POLLIN, 0 }, { err, POLLIN, 0 } };

    while (ready[OUT].fd >= 0 || ready[ERR].fd >= 0) {
        gint64 left_us = end_us - g_get_monotonic_time();

        if (left_us <= 0) {
            *end = PROGRAM_LATE;
            return TRUE;
        }
        if (poll(ready, PIPES, (int)MIN(left_us / 1000 + 1, G_MAXINT)) <= 0)
            continue;
        for (guint i = 0; i < PIPES; i++) {
            ssize_t got;

            if (ready[i].fd < 0 || !ready[i].revents)
                continue;
            got = read(ready[i].fd, buffer, PIECE);
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0) {
                ready[i].fd = -1;
            } else if (i == ERR) {
                keep_said(said, buffer, (gsize)got);
            } else if (program->take && !program->take(buffer, (gsize)got, program->data, error)) {
                *end = PROGRAM_STOPPED;
                return !error || !*error;
            }
        }
    }
    return TRUE;
}

/* The whole group ends: a tool starts ssh, rclone or a password command. */
static int end_group(pid_t pid, gboolean by_us)
{
    int status = 0;
    pid_t gone = 0;

    if (by_us) {
        kill(-pid, SIGTERM);
        for (gint64 waited = 0; waited < GRACE_US && gone == 0; waited += GRACE_STEP_US) {
            gone = waitpid(pid, &status, WNOHANG);
            if (gone == 0)
                g_usleep(GRACE_STEP_US);
        }
        kill(-pid, SIGKILL);
    }
    while (gone != pid && (gone = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    return status;
}

gboolean program_run(const struct program *program, struct program_result *result, GError **error)
{
    const gint64 start_us = g_get_monotonic_time();
    g_autoptr(GString) said = g_string_new(NULL);
    int pipes[PIPES][2], status, code;
    gboolean good;
    pid_t pid = -1;

    *result = (struct program_result){ .end = PROGRAM_EXITED };
    if (!open_pipes(pipes, error))
        return FALSE;
    code = spawn(program, pipes, &pid);
    close(pipes[OUT][1]);
    close(pipes[ERR][1]);
    if (code != 0) {
        close(pipes[OUT][0]);
        close(pipes[ERR][0]);
        result->end = PROGRAM_MISSING;
        result->said = g_strdup(g_strerror(code));
        return code == ENOENT || code == EACCES || errno_error(error, code, "a process");
    }
    good = listen_to(program, pipes[OUT][0], pipes[ERR][0], start_us + program->limit_us, said,
                     &result->end, error);
    close(pipes[OUT][0]);
    close(pipes[ERR][0]);
    status = end_group(pid, result->end != PROGRAM_EXITED);
    if (result->end == PROGRAM_EXITED && WIFSIGNALED(status))
        result->end = PROGRAM_KILLED;
    result->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    result->elapsed_us = g_get_monotonic_time() - start_us;
    result->said = g_utf8_make_valid(said->str, (gssize)said->len);
    return good;
}
