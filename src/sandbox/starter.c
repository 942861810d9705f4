#include "sandbox/starter.h"

#include "base/error.h"
#include "sandbox/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_DESCRIPTOR 3 /* behind the standard ones */
#define LOOK_MS 200        /* how soon a worker that ended is seen to have */
#define READ_SIZE 65536u

struct starter {
    int socket; /* of packets: a call's job, with its socket */
    pid_t pid;
    guint count;
    gint64 limit_us;
};

/* What the process that starts holds. */
struct starting {
    int socket;
    const starter_job *jobs;
    guint count;
    const struct confinement *confinement;
    const struct confine_limits *limits;
    gint64 limit_us;
};

/* One call, as its worker has it. */
struct call {
    starter_job job;
    int socket;
};

/* --- bytes over a call's socket --- */

/* A worker reads and writes without looking at the time: its starter does. It has no send(2). */
#define FOR_EVER G_MAXINT64

static gboolean wait_until(int fd, short events, gint64 deadline_us)
{
    for (;;) {
        struct pollfd polled = { .fd = fd, .events = events };
        const gint64 left_us = deadline_us - g_get_monotonic_time();
        const int ready =
            left_us > 0 ? poll(&polled, 1, (int)MIN(left_us / 1000 + 1, G_MAXINT)) : 0;

        if (ready > 0)
            return TRUE;
        if (ready == 0 || errno != EINTR)
            return FALSE;
    }
}

static ssize_t put_some(int fd, gconstpointer data, gsize length, gint64 deadline_us)
{
    return deadline_us == FOR_EVER ? write(fd, data, length)
                                   : send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t get_some(int fd, gpointer data, gsize length, gint64 deadline_us)
{
    return deadline_us == FOR_EVER ? read(fd, data, length) : recv(fd, data, length, MSG_DONTWAIT);
}

static gboolean put(int fd, gconstpointer data, gsize length, gint64 deadline_us)
{
    const char *from = data;

    while (length) {
        ssize_t done = put_some(fd, from, length, deadline_us);

        if (done < 0 && errno != EINTR && errno != EAGAIN)
            return FALSE;
        if (done < 0 && !wait_until(fd, POLLOUT, deadline_us))
            return FALSE;
        from += MAX(done, 0);
        length -= (gsize)MAX(done, 0);
    }
    return TRUE;
}

static gboolean get(int fd, gpointer data, gsize length, gint64 deadline_us)
{
    char *to = data;

    while (length) {
        ssize_t done = get_some(fd, to, length, deadline_us);

        if (done == 0 || (done < 0 && errno != EINTR && errno != EAGAIN))
            return FALSE;
        if (done < 0 && !wait_until(fd, POLLIN, deadline_us))
            return FALSE;
        to += MAX(done, 0);
        length -= (gsize)MAX(done, 0);
    }
    return TRUE;
}

static gboolean put_message(int fd, GBytes *bytes, gint64 deadline_us)
{
    gsize size;
    gconstpointer data = g_bytes_get_data(bytes, &size);
    const guint64 length = size;

    return put(fd, &length, sizeof length, deadline_us) && put(fd, data, size, deadline_us);
}

/* Memory grows with what comes, not with what is announced. */
static GBytes *get_message(int fd, gsize most, gint64 deadline_us)
{
    guint64 length;
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    if (!get(fd, &length, sizeof length, deadline_us) || length > MIN(most, G_MAXUINT32))
        return NULL;
    while (bytes->len < length) {
        const guint have = bytes->len, more = (guint)MIN(length - have, READ_SIZE);

        g_byte_array_set_size(bytes, have + more);
        if (!get(fd, bytes->data + have, more, deadline_us))
            return NULL;
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

/* --- the process that starts --- */

/* In a worker. Its starter watches the time. */
static void serve(struct worker_pipe *out, gpointer data)
{
    const struct call *call = data;
    g_autoptr(GBytes) question = get_message(call->socket, STARTER_QUESTION_MAX, FOR_EVER);
    g_autoptr(GBytes) answer = NULL;

    (void)out;
    if (question)
        answer = call->job(g_bytes_get_data(question, NULL), g_bytes_get_size(question));
    if (answer)
        put_message(call->socket, answer, FOR_EVER);
}

/* The next call: its job and its socket. FALSE: nobody calls any more. */
static gboolean take_call(int socket, guint32 *job, int *fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec body = { job, sizeof *job };
    struct msghdr message = { .msg_iov = &body,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    const struct cmsghdr *head;
    ssize_t got;

    *fd = -1;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(head), sizeof(int));
    return got > 0;
}

static void start_one(const struct starting *own, GPtrArray *workers)
{
    struct call call = { NULL, -1 };
    struct worker *worker = NULL;
    guint32 job = 0;

    if (!take_call(own->socket, &job, &call.socket))
        _exit(EXIT_SUCCESS);
    if (call.socket >= 0 && job < own->count) {
        call.job = own->jobs[job];
        worker = worker_start_keeping(own->confinement, -1, &call.socket, 1, own->limits,
                                      g_get_monotonic_time() + own->limit_us, serve, &call, NULL);
    }
    if (worker)
        g_ptr_array_add(workers, worker);
    if (call.socket >= 0)
        close(call.socket);
}

/* Those that ended are reaped, those past their time are killed. */
static void look_after(GPtrArray *workers)
{
    for (guint i = workers->len; i-- > 0;) {
        struct worker *worker = workers->pdata[i];
        guint8 kind;
        gsize length;

        while (worker_next(worker, &kind, &length))
            ;
        if (worker_end(worker) != WORKER_RUNS)
            g_ptr_array_remove_index_fast(workers, i);
    }
}

static G_NORETURN void start_for_ever(struct starting *own)
{
    g_autoptr(GPtrArray) workers =
        g_ptr_array_new_with_free_func((GDestroyNotify)(gpointer)worker_free);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "entente-parse");
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (own->socket != FIRST_DESCRIPTOR && dup2(own->socket, FIRST_DESCRIPTOR) < 0)
        _exit(EXIT_FAILURE);
    own->socket = FIRST_DESCRIPTOR;
    closefrom(FIRST_DESCRIPTOR + 1);
    for (;;) {
        struct pollfd polled = { .fd = own->socket, .events = POLLIN };

        if (poll(&polled, 1, workers->len ? LOOK_MS : -1) > 0)
            start_one(own, workers);
        look_after(workers);
    }
}

struct starter *starter_new(const starter_job *jobs, guint count,
                            const struct confine_limits *limits, gint64 limit_us, GError **error)
{
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    struct starter *starter;
    int ends[2];
    pid_t child;

    if (!confinement)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        errno_error(error, errno, "workers: no socket");
        return NULL;
    }
    fflush(NULL);
    child = fork();
    if (child == 0) {
        struct starting own = { ends[1], jobs, count, confinement, limits, limit_us };

        start_for_ever(&own);
    }
    close(ends[1]);
    if (child < 0) {
        errno_error(error, errno, "workers: no process");
        close(ends[0]);
        return NULL;
    }
    starter = g_new(struct starter, 1);
    *starter = (struct starter){ ends[0], child, count, limit_us };
    return starter;
}

void starter_free(struct starter *starter)
{
    if (!starter)
        return;
    close(starter->socket);
    while (waitpid(starter->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    g_free(starter);
}

/* --- calls --- */

static gboolean hand_over(const struct starter *starter, guint32 job, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { { 0 } };
    struct iovec body = { &job, sizeof job };
    const struct msghdr message = { .msg_iov = &body,
                                    .msg_iovlen = 1,
                                    .msg_control = control.bytes,
                                    .msg_controllen = sizeof control.bytes };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    ssize_t sent;

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    do
        sent = sendmsg(starter->socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof job;
}

GBytes *starter_call(struct starter *starter, guint job, GBytes *question, gsize most,
                     GError **error)
{
    const gint64 deadline_us = g_get_monotonic_time() + starter->limit_us;
    GBytes *answer = NULL;
    gboolean started;
    int ends[2];

    if (g_bytes_get_size(question) > STARTER_QUESTION_MAX) {
        system_error(error, "workers: a question of more than %u bytes", STARTER_QUESTION_MAX);
        return NULL;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        errno_error(error, errno, "workers: no socket");
        return NULL;
    }
    started = hand_over(starter, job, ends[1]);
    close(ends[1]);
    if (started && put_message(ends[0], question, deadline_us))
        answer = get_message(ends[0], most, deadline_us);
    close(ends[0]);
    if (!answer)
        system_error(error, "workers: %s",
                     !started                                ? "they cannot be started any more"
                     : g_get_monotonic_time() >= deadline_us ? "time limit"
                                                             : "no answer");
    return answer;
}
