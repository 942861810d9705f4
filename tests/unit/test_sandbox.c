/* Workers that try to get out (worker, confine, landlock), and workers that misbehave. */
#include "sandbox/worker.h"

#include "base/sanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND G_USEC_PER_SEC
#define PATIENCE (180 * SECOND) /* far beyond what a busy machine takes */
#define DONE 1

static const struct confine_limits small = { .memory = 256u << 20, .cpu_s = 5 };

/* The folder the worker may read below, and what is in it. */
struct place {
    char *folder, *inside, *outside;
    int root;
};

static void place_set_up(struct place *place, gconstpointer data)
{
    char *parent = g_dir_make_tmp("sandbox-XXXXXX", NULL);

    g_assert_nonnull(parent);
    g_chmod(parent, 0755);
    place->folder = g_build_filename(parent, "root", NULL);
    place->inside = g_build_filename(place->folder, "inside", NULL);
    place->outside = g_build_filename(parent, "outside", NULL);
    g_assert_cmpint(g_mkdir(place->folder, 0755), ==, 0);
    g_assert_true(g_file_set_contents(place->inside, "inside", -1, NULL));
    g_assert_true(g_file_set_contents(place->outside, "outside", -1, NULL));
    place->root = open(place->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint(place->root, >=, 0);
    g_free(parent);
}

static void place_tear_down(struct place *place, gconstpointer data)
{
    g_autofree char *parent = g_path_get_dirname(place->folder);

    close(place->root);
    g_unlink(place->inside);
    g_unlink(place->outside);
    g_rmdir(place->folder);
    g_rmdir(parent);
    g_free(place->folder);
    g_free(place->inside);
    g_free(place->outside);
}

/* Runs `job` until it ends; counts its messages. */
static enum worker_end run(guint flags, int root, gint64 limit_us, worker_job job, gpointer data,
                           guint *messages)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(confinement_t) confinement = confinement_new(flags, &error);
    g_autoptr(worker_t) worker = NULL;
    gsize length;
    guint8 kind;

    g_assert_no_error(error);
    worker = worker_start(confinement, root, &small, g_get_monotonic_time() + limit_us, job, data,
                          &error);
    g_assert_no_error(error);
    if (messages)
        *messages = 0;
    do {
        worker_wait(&worker, 1, 0);
        if (worker_next(worker, &kind, &length) && messages)
            ++*messages;
    } while (worker_end(worker) == WORKER_RUNS);
    return worker_end(worker);
}

/* The answer of a job that sends one int: what errno it met, 0 for none. */
static int answer(guint flags, int root, worker_job job, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(confinement_t) confinement = confinement_new(flags, &error);
    g_autoptr(GBytes) bytes = worker_call(confinement, root, &small, PATIENCE, job, data, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(bytes), ==, sizeof(int));
    return *(const int *)g_bytes_get_data(bytes, NULL);
}

static void tell(struct worker_pipe *out, gboolean worked)
{
    int code = worked ? 0 : errno;

    worker_send(out, DONE, &code, sizeof code);
}

/* --- files --- */

static void open_to_read(struct worker_pipe *out, gpointer path)
{
    tell(out, open(path, O_RDONLY) >= 0);
}

static void open_to_write(struct worker_pipe *out, gpointer path)
{
    tell(out, open(path, O_WRONLY) >= 0);
}

static void open_to_truncate(struct worker_pipe *out, gpointer path)
{
    tell(out, open(path, O_RDONLY | O_TRUNC) >= 0);
}

/* Its flags are where seccomp cannot look: credentials or Landlock must refuse. */
static void openat2_to_write(struct worker_pipe *out, gpointer path)
{
    guint64 how[3] = { O_WRONLY | O_TRUNC, 0, 0 };

    tell(out, syscall(SYS_openat2, AT_FDCWD, path, how, sizeof how) >= 0);
}

static void openat2_to_create(struct worker_pipe *out, gpointer path)
{
    g_autofree char *other = g_strconcat(path, ".new", NULL);
    guint64 how[3] = { O_WRONLY | O_CREAT, 0644, 0 };

    tell(out, syscall(SYS_openat2, AT_FDCWD, other, how, sizeof how) >= 0);
}

static void test_files_can_only_be_read(struct place *place, gconstpointer data)
{
    static const guint ways[] = { SANDBOX_READ_FILES, SANDBOX_READ_FILES | SANDBOX_PROCESSES };
    gboolean guarded = geteuid() == 0 || landlock_version() > 0;
    g_autofree char *content = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_assert_cmpint(answer(ways[i], place->root, open_to_read, place->inside), ==, 0);
        g_assert_cmpint(answer(ways[i], place->root, open_to_write, place->inside), ==, EPERM);
        g_assert_cmpint(answer(ways[i], place->root, open_to_truncate, place->inside), ==, EPERM);
        if (!guarded)
            continue;
        g_assert_cmpint(answer(ways[i], place->root, openat2_to_write, place->inside), ==, EACCES);
        g_assert_cmpint(answer(ways[i], place->root, openat2_to_create, place->inside), ==, EACCES);
    }
    g_assert_true(g_file_get_contents(place->inside, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "inside");
}

static void test_nothing_outside_the_root(struct place *place, gconstpointer data)
{
    if (!landlock_version()) {
        g_test_skip("this kernel has no Landlock");
        return;
    }
    g_assert_cmpint(answer(SANDBOX_READ_FILES, place->root, open_to_read, place->inside), ==, 0);
    g_assert_cmpint(answer(SANDBOX_READ_FILES, place->root, open_to_read, place->outside), ==,
                    EACCES);
}

static void test_files_need_the_flag(struct place *place, gconstpointer data)
{
    g_assert_cmpint(answer(0, place->root, open_to_read, place->inside), ==, EPERM);
}

/* Root reads what belongs to others; that is what an audit is for. */
static void test_root_reads_private_files(struct place *place, gconstpointer data)
{
    g_autofree char *own_maps = g_strdup_printf("/proc/%d/maps", getpid());

    if (geteuid() != 0) {
        g_test_skip("only root can read what belongs to others");
        return;
    }
    g_assert_cmpint(g_chmod(place->inside, 0600), ==, 0);
    g_assert_cmpint(answer(SANDBOX_READ_FILES, place->root, open_to_read, place->inside), ==, 0);
    g_assert_cmpint(
        answer(SANDBOX_READ_FILES | SANDBOX_PROCESSES, place->root, open_to_read, own_maps), ==, 0);
    /* /proc/sys gives writing to the user id 0 whatever its capabilities. */
    g_assert_cmpint(answer(SANDBOX_READ_FILES | SANDBOX_PROCESSES, place->root, openat2_to_write,
                           "/proc/sys/kernel/hostname"),
                    ==, EACCES);
}

static void remove_file(struct worker_pipe *out, gpointer path)
{
    tell(out, unlink(path) == 0);
}

static void test_nothing_is_removed(struct place *place, gconstpointer data)
{
    g_assert_cmpint(
        run(SANDBOX_READ_FILES, place->root, PATIENCE, remove_file, place->inside, NULL), ==,
        WORKER_CRASHED);
    g_assert_true(g_file_test(place->inside, G_FILE_TEST_EXISTS));
}

/* --- other programs and processes --- */

static void execute(struct worker_pipe *out, gpointer data)
{
    execl("/bin/true", "true", NULL);
    tell(out, FALSE);
}

static void trace_parent(struct worker_pipe *out, gpointer data)
{
    tell(out, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
}

static void kill_parent(struct worker_pipe *out, gpointer data)
{
    tell(out, kill(getppid(), SIGTERM) == 0);
}

static void connect_out(struct worker_pipe *out, gpointer data)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    tell(out, connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
}

static void raw_socket(struct worker_pipe *out, gpointer data)
{
    tell(out, socket(AF_PACKET, SOCK_RAW, 0) >= 0);
}

static void test_hostile_calls_kill(void)
{
    static const worker_job jobs[] = { execute, trace_parent, kill_parent, connect_out,
                                       raw_socket };
    const guint all = SANDBOX_READ_FILES | SANDBOX_NETLINK | SANDBOX_BUS | SANDBOX_PROCESSES;
    guint messages;

    for (guint i = 0; i < G_N_ELEMENTS(jobs); i++) {
        g_assert_cmpint(run(all, -1, PATIENCE, jobs[i], NULL, &messages), ==, WORKER_CRASHED);
        g_assert_cmpuint(messages, ==, 0);
    }
}

static void fork_bomb(struct worker_pipe *out, gpointer data)
{
    tell(out, fork() >= 0);
}

static void map_code(struct worker_pipe *out, gpointer data)
{
    tell(out, mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                   0) != MAP_FAILED);
}

static void make_code(struct worker_pipe *out, gpointer data)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    tell(out, mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
}

static void unix_socket(struct worker_pipe *out, gpointer data)
{
    tell(out, socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static void netlink_socket(struct worker_pipe *out, gpointer data)
{
    tell(out, socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) >= 0);
}

/* Asks for a change of the loopback interface that changes nothing: the right to it is what counts.
 */
static void change_network(struct worker_pipe *out, gpointer data)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg link;
    } request = {
        { sizeof request, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
        { .ifi_index = 1 },
    };
    struct {
        struct nlmsghdr header;
        struct nlmsgerr answer;
        char more[512];
    } reply = { 0 };
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

    if (fd >= 0 && send(fd, &request, sizeof request, 0) > 0 &&
        recv(fd, &reply, sizeof reply, 0) > 0)
        errno = -reply.answer.error;
    tell(out, errno == 0);
}

static void set_clock(struct worker_pipe *out, gpointer data)
{
    struct timex change = { .modes = ADJ_TAI, .constant = 37 };

    tell(out, adjtimex(&change) >= 0);
}

static void ask_clock(struct worker_pipe *out, gpointer data)
{
    struct timex now = { 0 };

    tell(out, adjtimex(&now) >= 0);
}

static void raise_limit(struct worker_pipe *out, gpointer data)
{
    const struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };

    tell(out, setrlimit(RLIMIT_FSIZE, &more) == 0);
}

static void become_root(struct worker_pipe *out, gpointer data)
{
    tell(out, syscall(SYS_setresuid, 0, 0, 0) == 0);
}

static void test_refused_calls(void)
{
    g_assert_cmpint(answer(0, -1, fork_bomb, NULL), ==, EPERM);
    g_assert_cmpint(answer(0, -1, map_code, NULL), ==, EPERM);
    g_assert_cmpint(answer(0, -1, make_code, NULL), ==, EPERM);
    g_assert_cmpint(answer(0, -1, raise_limit, NULL), ==, EPERM);
    g_assert_cmpint(answer(0, -1, become_root, NULL), ==, EPERM);
    g_assert_cmpint(answer(0, -1, set_clock, NULL), ==, EPERM);
    g_assert_cmpint(answer(0, -1, ask_clock, NULL), ==, 0);
}

static void test_sockets_need_their_flag(void)
{
    g_assert_cmpint(answer(0, -1, unix_socket, NULL), ==, EPERM);
    g_assert_cmpint(answer(SANDBOX_BUS, -1, unix_socket, NULL), ==, 0);
    g_assert_cmpint(answer(SANDBOX_BUS, -1, netlink_socket, NULL), ==, EPERM);
    g_assert_cmpint(answer(SANDBOX_NETLINK, -1, netlink_socket, NULL), ==, 0);
    g_assert_cmpint(answer(SANDBOX_NETLINK, -1, change_network, NULL), ==, EPERM);
}

/* --- what was open before --- */

static void count_descriptors(struct worker_pipe *out, gpointer data)
{
    int count = 0;

    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    worker_send(out, DONE, &count, sizeof count);
}

static void test_other_descriptors_are_closed(struct place *place, gconstpointer data)
{
    int secret = open(place->outside, O_RDONLY);

    g_assert_cmpint(secret, >=, 0);
    g_assert_cmpint(answer(0, -1, count_descriptors, NULL), ==, 1);
    g_assert_cmpint(answer(SANDBOX_READ_FILES, place->root, count_descriptors, NULL), ==, 2);
    close(secret);
}

/* --- misbehaviour --- */

static void eat_memory(struct worker_pipe *out, gpointer data)
{
    for (;;) {
        void *piece = g_malloc(16 << 20);

        memset(piece, 1, 16 << 20);
        /* cppcheck-suppress memleak ; that is what it is for */
    }
}

static void loop(struct worker_pipe *out, gpointer data)
{
    for (volatile guint i = 0;; i++) {
    }
}

static void babble(struct worker_pipe *out, gpointer data)
{
    /* The pipe is the lowest descriptor but the streams. */
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        if (write(fd, "this is no frame at all", 23) == 23)
            break;
    loop(out, data);
}

static void lie_about_length(struct worker_pipe *out, gpointer data)
{
    const guint8 frame[] = { 'E', 'W', 1, 0, 0xff, 0xff, 0xff, 0x7f };

    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        if (write(fd, frame, sizeof frame) == sizeof frame)
            break;
    loop(out, data);
}

static void promise_too_much(struct worker_pipe *out, gpointer data)
{
    const guint8 frame[] = { 'E', 'W', 1, 0, 100, 0, 0, 0, 'x' };

    tell(out, TRUE);
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        if (write(fd, frame, sizeof frame) == sizeof frame)
            break;
}

static void close_and_loop(struct worker_pipe *out, gpointer data)
{
    for (int fd = 0; fd < 64; fd++)
        close(fd);
    loop(out, data);
}

static void write_without_end(struct worker_pipe *out, gpointer data)
{
    g_autofree char *much = g_malloc0(1 << 20);

    while (worker_send(out, DONE, much, 1 << 20)) {
    }
}

static void dereference_null(struct worker_pipe *out, gpointer data)
{
    *(volatile int *)data = 1;
}

static void test_misbehaviour_is_an_outcome(void)
{
    guint messages;

    g_assert_cmpint(run(0, -1, SECOND / 5, loop, NULL, NULL), ==, WORKER_TIMEOUT);
    g_assert_cmpint(run(0, -1, SECOND / 5, close_and_loop, NULL, NULL), ==, WORKER_TIMEOUT);
    g_assert_cmpint(run(0, -1, PATIENCE, babble, NULL, NULL), ==, WORKER_BABBLED);
    g_assert_cmpint(run(0, -1, PATIENCE, lie_about_length, NULL, NULL), ==, WORKER_BABBLED);
    g_assert_cmpint(run(0, -1, PATIENCE, promise_too_much, NULL, &messages), ==, WORKER_BABBLED);
    g_assert_cmpuint(messages, ==, 1);
    if (WITH_ADDRESS_SANITIZER)
        return; /* its own memory limits and reports */
    g_assert_cmpint(run(0, -1, PATIENCE, eat_memory, NULL, NULL), ==, WORKER_CRASHED);
    g_assert_cmpint(run(0, -1, PATIENCE, dereference_null, NULL, NULL), ==, WORKER_CRASHED);
}

/* What comes without end is taken message by message, and ends with the worker. */
static void test_endless_output(void)
{
    g_autoptr(confinement_t) confinement = confinement_new(0, NULL);
    struct worker *worker =
        worker_start(confinement, -1, &small, G_MAXINT64, write_without_end, NULL, NULL);
    guint8 kind;
    gsize length;

    for (guint got = 0; got < 20;) {
        worker_wait(&worker, 1, 0);
        got += worker_next(worker, &kind, &length) != NULL;
    }
    g_assert_cmpint(worker_end(worker), ==, WORKER_RUNS);
    worker_free(worker);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
}

static void send_too_long(struct worker_pipe *out, gpointer data)
{
    g_autofree char *much = g_malloc0(WORKER_MESSAGE_MAX + 1);

    errno = E2BIG;
    tell(out, worker_send(out, DONE, much, WORKER_MESSAGE_MAX + 1));
}

static void test_too_long_messages_are_not_sent(void)
{
    g_assert_cmpint(answer(0, -1, send_too_long, NULL), ==, E2BIG);
}

/* Whether the process runs; one that whoever adopted it has not reaped yet does not. */
static gboolean lives(int pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
    g_autofree char *stat = NULL;

    return g_file_get_contents(path, &stat, NULL, NULL) && !strstr(stat, ") Z ");
}

/* A worker must not outlive the program, whatever killed that. */
static void test_worker_dies_with_its_parent(void)
{
    g_autoptr(confinement_t) confinement = confinement_new(0, NULL);
    int ends[2], worker_pid;
    pid_t parent;
    char byte;

    g_assert_cmpint(pipe(ends), ==, 0);
    parent = fork();
    if (parent == 0) {
        struct worker *worker = worker_start(confinement, -1, &small, G_MAXINT64, loop, NULL, NULL);

        g_usleep(SECOND / 10);         /* until it is confined */
        worker_pid = *(pid_t *)worker; /* the first member */
        if (write(ends[1], &worker_pid, sizeof worker_pid) < 0)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    close(ends[1]);
    g_assert_cmpint(read(ends[0], &worker_pid, sizeof worker_pid), ==, sizeof worker_pid);
    g_assert_cmpint(waitpid(parent, NULL, 0), ==, parent);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 0); /* closed by everybody */
    for (guint i = 0; i < 3000 && lives(worker_pid); i++)
        g_usleep(SECOND / 50);
    g_assert_false(lives(worker_pid));
    close(ends[0]);
}

/* --- services --- */

static gpointer write_in_thread(gpointer path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return GINT_TO_POINTER(fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0 &&
                           fsync(fd) == 0 && close(fd) == 0);
}

static gboolean can_listen(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0); /* to connect with */
    return bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

/* What a service may do: 0, or the line it failed at. */
static int serve_well(const struct place *place)
{
    g_autofree char *inside = g_build_filename(place->folder, "new", NULL);
    g_autofree char *renamed = g_build_filename(place->folder, "renamed", NULL);

    /* A thread made after confinement is confined and works. */
    if (!g_thread_join(g_thread_new("test", write_in_thread, inside)))
        return __LINE__;
    if (rename(inside, renamed) < 0 || unlink(renamed) < 0)
        return __LINE__;
    if (landlock_version()) {
        g_autofree char *outside = g_strconcat(place->outside, "-new", NULL);

        if (open(place->outside, O_RDONLY) >= 0 || open(outside, O_WRONLY | O_CREAT, 0600) >= 0)
            return __LINE__;
    }
    if (landlock_version() >= 4 && can_listen())
        return __LINE__;
    return 0;
}

static int try_to_exec(const struct place *place)
{
    execl("/bin/true", "true", NULL);
    return 0;
}

static int try_to_load_code(const struct place *place)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? 0
               : __LINE__;
}

/* The wait status of a child that is confined as a service and does `job`. */
static int run_service(const struct place *place, int (*job)(const struct place *))
{
    g_autoptr(GError) error = NULL;
    pid_t child = fork();
    int status = -1;

    g_assert_cmpint(child, >=, 0);
    if (!child) {
        const struct confine_place places[] = { { place->root, TRUE } };
        g_autoptr(confinement_t) confinement =
            confinement_new(SANDBOX_READ_FILES | SANDBOX_WRITE_FILES | SANDBOX_INTERNET, &error);

        if (!confinement || !confinement_enter_service(confinement, places, 1, &error))
            _exit(255);
        _exit(job(place) & 0x7f);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    return status;
}

static void test_a_service_keeps_its_places(struct place *place, gconstpointer data)
{
    int status = run_service(place, serve_well);

    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static void test_a_service_runs_no_other_code(struct place *place, gconstpointer data)
{
    int status = run_service(place, try_to_exec);

    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGSYS);
    g_assert_cmpint(run_service(place, try_to_load_code), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD_WITH_PLACE(name, function)                                                             \
    g_test_add("/sandbox/" name, struct place, NULL, place_set_up, function, place_tear_down)
    ADD_WITH_PLACE("files-can-only-be-read", test_files_can_only_be_read);
    ADD_WITH_PLACE("nothing-outside-the-root", test_nothing_outside_the_root);
    ADD_WITH_PLACE("files-need-the-flag", test_files_need_the_flag);
    ADD_WITH_PLACE("root-reads-private-files", test_root_reads_private_files);
    ADD_WITH_PLACE("nothing-is-removed", test_nothing_is_removed);
    ADD_WITH_PLACE("other-descriptors-are-closed", test_other_descriptors_are_closed);
    ADD_WITH_PLACE("a-service-keeps-its-places", test_a_service_keeps_its_places);
    ADD_WITH_PLACE("a-service-runs-no-other-code", test_a_service_runs_no_other_code);
    g_test_add_func("/sandbox/hostile-calls-kill", test_hostile_calls_kill);
    g_test_add_func("/sandbox/refused-calls", test_refused_calls);
    g_test_add_func("/sandbox/sockets-need-their-flag", test_sockets_need_their_flag);
    g_test_add_func("/sandbox/misbehaviour-is-an-outcome", test_misbehaviour_is_an_outcome);
    g_test_add_func("/sandbox/endless-output", test_endless_output);
    g_test_add_func("/sandbox/too-long-messages-are-not-sent", test_too_long_messages_are_not_sent);
    g_test_add_func("/sandbox/worker-dies-with-its-parent", test_worker_dies_with_its_parent);
    return g_test_run();
}
