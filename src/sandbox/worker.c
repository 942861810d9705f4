#include "sandbox/worker.h"

#include "base/error.h"
#include "base/file.h"
#include "base/sanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAGIC_0 'E'
#define MAGIC_1 'W'
#define READ_SIZE 65536u
#define PIPE_SIZE (1 << 20) /* bytes: a worker need not stop while its parent lingers */

/* A worker that could not confine itself leaves with this status, before any foreign byte. */
#define EXIT_UNCONFINED 125

/* In a sanitizer build the report on standard error is worth more than silence. */
#define LAST_STREAM (WITH_ADDRESS_SANITIZER ? STDOUT_FILENO : STDERR_FILENO)

struct frame {
    guint8 magic[2];
    guint8 kind, zero;
    guint32 length;
};
G_STATIC_ASSERT(sizeof(struct frame) == 8);

struct worker_pipe {
    int fd;
};

struct worker {
    pid_t pid;  /* 0 once reaped */
    int handle; /* pidfd: readable when the process has ended */
    int fd;
    gint64 deadline_us;
    GByteArray *input;
    gsize used; /* bytes of `input` that were given out */
    gboolean closed;
    enum worker_end end;
    char *end_text;
};

gboolean worker_send(struct worker_pipe *out, guint8 kind, gconstpointer body, gsize length)
{
    struct frame frame = { { MAGIC_0, MAGIC_1 }, kind, 0, length };
    g_autofree guint8 *bytes = NULL;

    if (length > WORKER_MESSAGE_MAX)
        return FALSE;
    bytes = g_malloc(sizeof frame + length); /* one write: the parent wakes up once */
    memcpy(bytes, &frame, sizeof frame);
    if (length)
        memcpy(bytes + sizeof frame, body, length);
    return file_write_all(out->fd, bytes, sizeof frame + length);
}

static gboolean close_from_to(guint first, guint last)
{
    return first > last || syscall(SYS_close_range, first, last, 0) == 0;
}

static int by_number(gconstpointer a, gconstpointer b)
{
    return *(const int *)a - *(const int *)b;
}

/*
 * Standard streams become /dev/null, unless they are kept; of the others only those of `kept` stay,
 * which holds the pipe and may hold -1.
 */
static gboolean arrange_descriptors(int *kept, guint count)
{
    int null = open("/dev/null", O_RDWR);
    guint first, next = 0;

    if (null < 0)
        return FALSE;
    qsort(kept, count, sizeof *kept, by_number);
    while (next < count && kept[next] < 0)
        next++;
    for (int fd = 0; fd <= LAST_STREAM; fd++) {
        if (next < count && kept[next] == fd)
            next++;
        else if (dup2(null, fd) < 0)
            return FALSE;
    }
    for (first = STDERR_FILENO + 1; next < count; next++) {
        if (!close_from_to(first, (guint)kept[next] - 1))
            return FALSE;
        first = (guint)kept[next] + 1;
    }
    return close_from_to(first, G_MAXUINT);
}

/* What a worker is born with. */
struct start {
    const struct confinement *confinement;
    int root, pipe;
    const int *kept;
    guint count;
    const struct confine_limits *limits;
    pid_t parent;
};

static G_NORETURN void work(const struct start *start, worker_job job, gpointer data)
{
    struct worker_pipe out = { start->pipe };
    int *all = g_new(int, start->count + 2);

    for (guint i = 0; i < start->count; i++)
        all[i] = start->kept[i];
    all[start->count] = start->pipe;
    all[start->count + 1] = start->root;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is the parent's to handle */
    setlocale(LC_ALL, "C");
    if (start->pipe <= STDERR_FILENO || !arrange_descriptors(all, start->count + 2) ||
        !confinement_enter(start->confinement, start->root, start->limits, NULL) ||
        getppid() != start->parent)
        _exit(EXIT_UNCONFINED);
    job(&out, data);
    _exit(EXIT_SUCCESS);
}

struct worker *worker_start(const struct confinement *confinement, int root,
                            const struct confine_limits *limits, gint64 deadline_us, worker_job job,
                            gpointer data, GError **error)
{
    return worker_start_keeping(confinement, root, NULL, 0, limits, deadline_us, job, data, error);
}

struct worker *worker_start_keeping(const struct confinement *confinement, int root,
                                    const int *kept, guint count,
                                    const struct confine_limits *limits, gint64 deadline_us,
                                    worker_job job, gpointer data, GError **error)
{
    struct start start = { confinement, root, -1, kept, count, limits, getpid() };
    pid_t child;
    struct worker *worker;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        errno_error(error, errno, "worker: no pipe");
        return NULL;
    }
    start.pipe = ends[1];
    child = fork();
    if (child == 0)
        work(&start, job, data);
    close(ends[1]);
    if (child < 0) {
        errno_error(error, errno, "worker: cannot fork");
        close(ends[0]);
        return NULL;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE); /* where it is refused, the pipe is smaller */
    worker = g_new0(struct worker, 1);
    worker->pid = child;
    worker->handle = syscall(SYS_pidfd_open, child, 0);
    worker->fd = ends[0];
    worker->deadline_us = deadline_us;
    worker->input = g_byte_array_new();
    return worker;
}

static void set_end(struct worker *worker, enum worker_end end, char *text)
{
    if (worker->end != WORKER_RUNS) {
        g_free(text);
        return;
    }
    worker->end = end;
    worker->end_text = text;
}

/* Waits for the process and notes how it ended, unless that is known already. */
static void reap(struct worker *worker)
{
    int status;

    while (waitpid(worker->pid, &status, 0) < 0)
        if (errno != EINTR)
            return;
    worker->pid = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        set_end(worker, WORKER_TIMEOUT, g_strdup("CPU time limit"));
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        set_end(worker, WORKER_CRASHED, g_strdup("forbidden system call"));
    else if (WIFSIGNALED(status))
        set_end(worker, WORKER_CRASHED,
                g_strdup_printf("signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status))));
    else if (WEXITSTATUS(status) == EXIT_UNCONFINED)
        set_end(worker, WORKER_CRASHED, g_strdup("the sandbox could not be entered"));
    else if (WEXITSTATUS(status) != EXIT_SUCCESS)
        set_end(worker, WORKER_CRASHED, g_strdup_printf("exit status %d", WEXITSTATUS(status)));
    else
        set_end(worker, WORKER_DONE, NULL);
}

static void stop(struct worker *worker, enum worker_end end, const char *text)
{
    set_end(worker, end, g_strdup(text));
    if (worker->pid) {
        kill(worker->pid, SIGKILL);
        reap(worker);
    }
}

void worker_free(struct worker *worker)
{
    stop(worker, WORKER_DONE, NULL);
    close(worker->fd);
    close(worker->handle);
    g_byte_array_unref(worker->input);
    g_free(worker->end_text);
    g_free(worker);
}

void worker_set_deadline(struct worker *worker, gint64 deadline_us)
{
    worker->deadline_us = deadline_us;
}

/* The header of the next message, when it is there; it may lie at any alignment. */
static gboolean peek(const struct worker *worker, struct frame *frame)
{
    if (worker->input->len - worker->used < sizeof *frame)
        return FALSE;
    memcpy(frame, worker->input->data + worker->used, sizeof *frame);
    return TRUE;
}

static gboolean has_message(const struct worker *worker)
{
    struct frame frame;

    return peek(worker, &frame) && worker->input->len - worker->used - sizeof frame >= frame.length;
}

/* Whether the bytes at hand can still become a message. */
static gboolean is_framed(const struct worker *worker)
{
    struct frame frame;

    return !peek(worker, &frame) || (frame.magic[0] == MAGIC_0 && frame.magic[1] == MAGIC_1 &&
                                     frame.zero == 0 && frame.length <= WORKER_MESSAGE_MAX);
}

/* One read; the pipe's end ends the worker. */
static void receive(struct worker *worker)
{
    guint have;
    ssize_t got;

    if (worker->used) {
        g_byte_array_remove_range(worker->input, 0, worker->used);
        worker->used = 0;
    }
    have = worker->input->len;
    g_byte_array_set_size(worker->input, have + READ_SIZE);
    do
        got = read(worker->fd, worker->input->data + have, READ_SIZE);
    while (got < 0 && errno == EINTR);
    g_byte_array_set_size(worker->input, have + MAX(got, 0));
    if (got == 0)
        worker->closed = TRUE;
}

/* The pipe is closed: the process should end now, and is not waited for beyond its deadline. */
static void finish(struct worker *worker)
{
    struct pollfd ended = { .fd = worker->handle, .events = POLLIN };
    gint64 left_us = worker->deadline_us - g_get_monotonic_time();

    if (!worker->pid)
        return;
    if (poll(&ended, 1, CLAMP(left_us / 1000, 1, G_MAXINT)) == 0) {
        stop(worker, WORKER_TIMEOUT, "time limit");
        return;
    }
    reap(worker);
    if (worker->input->len > worker->used && worker->end == WORKER_DONE) {
        worker->end = WORKER_BABBLED;
        worker->end_text = g_strdup("its last message is cut short");
    }
}

const guint8 *worker_next(struct worker *worker, guint8 *kind, gsize *length)
{
    const guint8 *body;
    struct frame frame;

    if (worker->end == WORKER_BABBLED)
        return NULL;
    if (!has_message(worker) && !worker->closed)
        receive(worker);
    if (!is_framed(worker)) {
        stop(worker, WORKER_BABBLED, "its message is malformed");
        return NULL;
    }
    if (has_message(worker)) {
        peek(worker, &frame);
        body = worker->input->data + worker->used + sizeof frame;
        *kind = frame.kind;
        *length = frame.length;
        worker->used += sizeof frame + frame.length;
        return body;
    }
    if (worker->closed)
        finish(worker);
    else if (worker->deadline_us <= g_get_monotonic_time())
        stop(worker, WORKER_TIMEOUT, "time limit");
    return NULL;
}

/* Until a worker ends. */
static void linger(struct worker *const *workers, guint count, struct pollfd *polled, guint most_us)
{
    const struct timespec most = { most_us / G_USEC_PER_SEC, most_us % G_USEC_PER_SEC * 1000 };

    for (guint i = 0; i < count; i++)
        polled[i] = (struct pollfd){ .fd = workers[i] ? workers[i]->handle : -1, .events = POLLIN };
    ppoll(polled, count, &most, NULL);
}

int worker_wait(struct worker *const *workers, guint count, guint linger_us)
{
    g_autofree struct pollfd *polled = g_new(struct pollfd, MAX(count, 1));
    gint64 first = G_MAXINT64;
    gboolean any = FALSE;

    for (guint i = 0; i < count; i++) {
        if (!workers[i])
            continue;
        if (workers[i]->end != WORKER_RUNS || has_message(workers[i]))
            return i;
        any = TRUE;
        first = MIN(first, workers[i]->deadline_us);
    }
    if (any && linger_us)
        linger(workers, count, polled, MIN(linger_us, MAX(first - g_get_monotonic_time(), 0)));
    for (guint i = 0; i < count; i++)
        polled[i] = (struct pollfd){ .fd = workers[i] ? workers[i]->fd : -1, .events = POLLIN };
    while (any) {
        gint64 left_us = first - g_get_monotonic_time();
        int ready = poll(polled, count, CLAMP((left_us + 999) / 1000, 0, G_MAXINT));

        for (guint i = 0; ready > 0 && i < count; i++)
            if (polled[i].revents)
                return i;
        if (ready < 0 && errno == EINTR)
            continue;
        for (guint i = 0; i < count; i++) {
            if (workers[i] && workers[i]->deadline_us <= g_get_monotonic_time()) {
                stop(workers[i], WORKER_TIMEOUT, "time limit");
                return i;
            }
        }
    }
    return -1;
}

enum worker_end worker_end(const struct worker *worker)
{
    return worker->end;
}

const char *worker_end_text(const struct worker *worker)
{
    return worker->end_text;
}

gboolean worker_hear(struct worker *worker, const char *name, worker_take take, gpointer data,
                     GError **error)
{
    while (worker_end(worker) == WORKER_RUNS && worker_wait(&worker, 1, 0) == 0) {
        const guint8 *body;
        gsize length;
        guint8 kind;

        while ((body = worker_next(worker, &kind, &length))) {
            GError *refused = NULL;

            if (take(kind, body, length, data, &refused))
                continue;
            if (!refused)
                return system_error(error, "%s: its parser says what cannot be", name);
            g_propagate_error(error, refused);
            return FALSE;
        }
    }
    return worker_end(worker) == WORKER_DONE ||
           system_error(error, "%s: its parser ended: %s", name, worker_end_text(worker));
}

GBytes *worker_call(const struct confinement *confinement, int root,
                    const struct confine_limits *limits, gint64 limit_us, worker_job job,
                    gpointer data, GError **error)
{
    g_autoptr(worker_t) worker = worker_start(confinement, root, limits,
                                              g_get_monotonic_time() + limit_us, job, data, error);
    const guint8 *body;
    gsize length;
    guint8 kind;

    if (!worker)
        return NULL;
    do {
        worker_wait(&worker, 1, 0);
        body = worker_next(worker, &kind, &length);
    } while (!body && worker_end(worker) == WORKER_RUNS);
    if (!body) {
        system_error(error, "worker: %s",
                     worker_end_text(worker) ? worker_end_text(worker) : "it said nothing");
        return NULL;
    }
    return g_bytes_new(body, length);
}
