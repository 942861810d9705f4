#include "node/node.h"

#include "base/error.h"
#include "base/file.h"
#include "base/sanitizer.h"
#include "node/metrics.h"
#include "node/walls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVICES_MAX 24
#define LOG_MODE 0755

/* The leak detector traces the process when it ends, which confinement is there to prevent. */
#define CONFINES (!WITH_ADDRESS_SANITIZER)
#define LOOK_EVERY_NS 250000000 /* whether a service failed */

struct node {
    const struct node_options *options;
    char *log_folder;
    struct face *face;
    struct mount mounts[SERVICES_MAX];
    guint count;
    int notify; /* socket to systemd; -1: none */
    gint64 started_us;
    GMutex lock;
    GError *failure; /* the first */
};

/* --- for services --- */

const struct node_options *node_options(const struct node *node)
{
    return node->options;
}

const char *node_log_folder(const struct node *node)
{
    return node->log_folder;
}

gpointer node_service(const struct node *node, const struct service *service)
{
    for (guint i = 0; i < node->count; i++)
        if (node->mounts[i].service == service)
            return node->mounts[i].instance;
    return NULL;
}

void node_fail(struct node *node, const GError *error)
{
    g_mutex_lock(&node->lock);
    if (!node->failure)
        node->failure = g_error_copy(error);
    g_mutex_unlock(&node->lock);
}

gboolean node_is_ready(struct node *node, const char **service, const char **why)
{
    for (guint i = 0; i < node->count; i++) {
        const struct mount *mount = &node->mounts[i];

        *service = mount->service->name;
        if (mount->service->ready && !mount->service->ready(mount->instance, why))
            return FALSE;
    }
    return TRUE;
}

void node_state(struct node *node, json_t *members)
{
    for (guint i = 0; i < node->count; i++)
        if (node->mounts[i].service->state)
            node->mounts[i].service->state(node->mounts[i].instance, members);
}

const char **node_service_names(const struct node *node)
{
    const char **names = g_new0(const char *, node->count + 1);

    for (guint i = 0; i < node->count; i++)
        names[i] = node->mounts[i].service->name;
    return names;
}

char *node_metrics(struct node *node)
{
    GString *text = g_string_new(NULL);
    struct rusage usage;

    face_metrics(node->face, text);
    for (guint i = 0; i < node->count; i++)
        if (node->mounts[i].service->metrics)
            node->mounts[i].service->metrics(node->mounts[i].instance, text);
    metric_add_seconds(text, METRIC_GAUGE, "uptime_seconds", "Since the node started.",
                       g_get_monotonic_time() - node->started_us);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        metric_add(text, METRIC_GAUGE, "memory_peak_bytes", "Most memory the node ever held.",
                   (guint64)usage.ru_maxrss << 10);
        metric_add_seconds(text, METRIC_COUNTER, "cpu_seconds_total", "CPU time used.",
                           (gint64)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
                                   G_USEC_PER_SEC +
                               usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    }
    return g_string_free(text, FALSE);
}

/* --- start --- */

static char *find_log(const struct node_options *options)
{
    static const char *const places[] = { "log", "community/log" };

    if (options->log_folder)
        return g_strdup(options->log_folder);
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *folder = g_build_filename(options->data_folder, places[i], NULL);

        if (g_file_test(folder, G_FILE_TEST_IS_DIR))
            return g_steal_pointer(&folder);
    }
    return NULL;
}

/* The copy of a log that a database keeps begins empty. */
static gboolean make_log_folder(const struct node_options *options, GError **error)
{
    g_autofree char *folder = g_build_filename(options->data_folder, "log", NULL);

    return file_make_folder(folder, LOG_MODE, error);
}

/* Connected before confinement, which allows no UNIX socket (sd_notify(3)). */
static int connect_notify(void)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    gsize length = path ? strlen(path) : 0;
    int fd;

    if (length < 2 || length >= sizeof address.sun_path || !strchr("/@", path[0]))
        return -1;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address,
                           offsetof(struct sockaddr_un, sun_path) + length) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void notify(const struct node *node, const char *text)
{
    if (node->notify >= 0 && write(node->notify, text, strlen(text)) < 0)
        g_debug("systemd was not told: %s", g_strerror(errno));
}

static gboolean start_services(struct node *node, GError **error)
{
    for (guint i = 0; services[i]; i++) {
        GError *failure = NULL;
        gpointer instance = services[i]->start(node, &failure);

        if (failure) {
            g_propagate_error(error, failure);
            return FALSE;
        }
        if (!instance)
            continue;
        g_assert(node->count < SERVICES_MAX);
        node->mounts[node->count++] = (struct mount){ services[i], instance };
    }
    return TRUE;
}

/* As many descriptors as connections, files and databases may need. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct node *node_new(const struct node_options *options, GError **error)
{
    g_autoptr(node_t) node = g_new0(struct node, 1);

    g_mutex_init(&node->lock);
    node->options = options;
    node->started_us = g_get_monotonic_time();
    if (options->database && !make_log_folder(options, error))
        return NULL;
    node->log_folder = find_log(options);
    node->notify = connect_notify();
    raise_descriptors();
    node->face = face_new(node, &options->face, error);
    if (!node->face || !start_services(node, error))
        return NULL;
    return g_steal_pointer(&node);
}

/* --- run --- */

static gboolean run_services(struct node *node, GError **error)
{
    for (guint i = 0; i < node->count; i++)
        if (node->mounts[i].service->run &&
            !node->mounts[i].service->run(node->mounts[i].instance, error))
            return FALSE;
    return TRUE;
}

static void announce(const struct node *node)
{
    const GPtrArray *listeners = node->options->face.listeners;
    g_autofree const char **names = node_service_names(node);
    g_autofree char *list = g_strjoinv(", ", (char **)names);

    for (guint i = 0; i < listeners->len && !node->options->quiet; i++) {
        const struct listener *listener = listeners->pdata[i];

        fprintf(stderr, "Serving %s://%s (%s)\n",
                node->options->face.certificates ? "https" : "http", listener->address, list);
    }
    notify(node, "READY=1");
}

static void block_signals(sigset_t *told)
{
    sigemptyset(told);
    sigaddset(told, SIGTERM);
    sigaddset(told, SIGINT);
    sigaddset(told, SIGHUP);
    pthread_sigmask(SIG_BLOCK, told, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static gboolean has_failed(struct node *node)
{
    gboolean failed;

    g_mutex_lock(&node->lock);
    failed = node->failure != NULL;
    g_mutex_unlock(&node->lock);
    return failed;
}

static void wait_until_told(struct node *node, const sigset_t *told)
{
    const struct timespec look = { .tv_nsec = LOOK_EVERY_NS };

    while (!has_failed(node)) {
        int number = sigtimedwait(told, NULL, &look);

        if (number == SIGTERM || number == SIGINT)
            return;
    }
}

static void stop(struct node *node, const sigset_t *told)
{
    guint left;

    notify(node, "STOPPING=1");
    /* A second signal ends it at once. */
    pthread_sigmask(SIG_UNBLOCK, told, NULL);
    face_stop_listening(node->face);
    for (guint i = 0; i < node->count; i++)
        if (node->mounts[i].service->finish)
            node->mounts[i].service->finish(node->mounts[i].instance);
    left = face_drain(node->face);
    if (left && !node->options->quiet)
        fprintf(stderr, "Stopping with %u requests under way\n", left);
}

gboolean node_run(struct node *node, GError **error)
{
    sigset_t told;
    gboolean running;

    block_signals(&told);
    running = (!CONFINES || node->options->unconfined || walls_raise(node, error)) &&
              run_services(node, error) && face_start(node->face, node->mounts, node->count, error);
    if (running) {
        announce(node);
        wait_until_told(node, &told);
    }
    stop(node, &told);
    if (running && has_failed(node)) {
        g_propagate_error(error, g_steal_pointer(&node->failure));
        running = FALSE;
    }
    return running;
}

void node_free(struct node *node)
{
    if (!node)
        return;
    if (node->face)
        face_stop(node->face);
    while (node->count) {
        const struct mount *mount = &node->mounts[--node->count];

        if (mount->service->stop)
            mount->service->stop(mount->instance);
    }
    face_free(node->face);
    if (node->notify >= 0)
        close(node->notify);
    g_clear_error(&node->failure);
    g_mutex_clear(&node->lock);
    g_free(node->log_folder);
    g_free(node);
}
