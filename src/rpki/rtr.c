#include "rpki/rtr.h"

#include "base/decimal.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_LIMIT_US (10 * (gint64)G_USEC_PER_SEC)
#define FIRST_AGAIN_US (G_USEC_PER_SEC) /* before there was data, and doubled each time */
#define READ_SIZE (64u << 10)

struct rtr_client {
    struct rtr_options options;
    char *host, *port;
    GThread *thread;
    int wake;                    /* eventfd: the thread is to end */
    struct rtr_session *session; /* the thread's alone */
    char *connect_problem;
    gint64 again_us;
    /* under the lock */
    GMutex lock;
    GCond told;
    gboolean is_over;
    struct vrp_set *vrps;
    struct aspa_set *aspas;
    struct rtr_status status;
    char *problem;
};

/* --- what others see --- */

static void show(struct rtr_client *client)
{
    struct vrp_set *vrps = rtr_session_vrps(client->session);
    struct aspa_set *aspas = rtr_session_aspas(client->session);
    gboolean changed;

    g_mutex_lock(&client->lock);
    rtr_session_status(client->session, &client->status);
    g_free(client->problem);
    client->problem =
        g_strdup(client->connect_problem ? client->connect_problem : client->status.problem);
    client->status.problem = NULL;
    changed = vrps != client->vrps;
    if (changed) {
        vrp_set_unref(client->vrps);
        client->vrps = vrps ? vrp_set_ref(vrps) : NULL;
        aspa_set_unref(client->aspas);
        client->aspas = aspas ? aspa_set_ref(aspas) : NULL;
    }
    g_cond_broadcast(&client->told);
    g_mutex_unlock(&client->lock);
    if (changed && client->options.changed)
        client->options.changed(client->options.data);
}

static gboolean is_over(struct rtr_client *client)
{
    gboolean over;

    g_mutex_lock(&client->lock);
    over = client->is_over;
    g_mutex_unlock(&client->lock);
    return over;
}

/* --- the connection --- */

/* Until `events` come, the time is over (0), or the client is to end (-1). */
static int wait_for(struct rtr_client *client, int fd, short events, gint64 until_us)
{
    struct pollfd polled[] = { { client->wake, POLLIN, 0 }, { fd, events, 0 } };
    const gint64 left_us = MAX(until_us - g_get_monotonic_time(), 0);
    const int limit_ms = (int)MIN(left_us / 1000 + 1, 60 * 60 * 1000);

    if (poll(polled, fd < 0 ? 1 : 2, limit_ms) < 0 && errno != EINTR)
        return -1;
    if (polled[0].revents)
        return -1;
    return fd >= 0 ? polled[1].revents : 0;
}

static void cannot_connect(struct rtr_client *client, const char *why)
{
    g_free(client->connect_problem);
    client->connect_problem = g_strdup_printf("%s port %s: %s", client->host, client->port, why);
}

static int connect_to(struct rtr_client *client, const struct addrinfo *address)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = sizeof(int);
    int failure = 0;

    if (fd < 0) {
        cannot_connect(client, g_strerror(errno));
        return -1;
    }
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    failure = errno;
    if (failure == EINPROGRESS) {
        failure = ETIMEDOUT;
        if (wait_for(client, fd, POLLOUT, g_get_monotonic_time() + CONNECT_LIMIT_US) > 0 &&
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
            failure = errno;
    }
    if (!failure)
        return fd;
    close(fd);
    cannot_connect(client, g_strerror(failure));
    return -1;
}

/* -1: none of its addresses can be reached. */
static int open_connection(struct rtr_client *client)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *all = NULL;
    const int failure = getaddrinfo(client->host, client->port, &hints, &all);
    int fd = -1;

    if (failure) {
        cannot_connect(client, gai_strerror(failure));
        return -1;
    }
    for (const struct addrinfo *at = all; at && fd < 0 && !is_over(client); at = at->ai_next)
        fd = connect_to(client, at);
    freeaddrinfo(all);
    if (fd >= 0)
        g_clear_pointer(&client->connect_problem, g_free);
    return fd;
}

/* FALSE: the connection is gone. */
static gboolean send_some(struct rtr_client *client, int fd)
{
    GByteArray *output = rtr_session_output(client->session);
    ssize_t sent;

    if (!output->len)
        return TRUE;
    sent = send(fd, output->data, output->len, MSG_NOSIGNAL);
    if (sent > 0)
        g_byte_array_remove_range(output, 0, (guint)sent);
    return sent >= 0 || errno == EAGAIN || errno == EINTR;
}

static gboolean receive_some(struct rtr_client *client, int fd)
{
    guint8 bytes[READ_SIZE];
    const ssize_t got = recv(fd, bytes, sizeof bytes, 0);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    return got > 0 && rtr_session_take(client->session, bytes, (gsize)got, g_get_monotonic_time());
}

/* Until the connection ends, or the client. */
static void talk(struct rtr_client *client, int fd)
{
    struct rtr_session *session = client->session;
    gboolean goes_on = TRUE;

    rtr_session_connected(session, g_get_monotonic_time());
    while (goes_on && send_some(client, fd)) {
        const short events = rtr_session_output(session)->len ? POLLIN | POLLOUT : POLLIN;
        const int came = wait_for(client, fd, events, rtr_session_due(session));

        if (came < 0)
            break;
        if (came & (POLLIN | POLLERR | POLLHUP))
            goes_on = receive_some(client, fd);
        goes_on &= rtr_session_tick(session, g_get_monotonic_time());
        show(client);
    }
    send_some(client, fd); /* an error that is to be told */
}

/* Keeps what is there until it expires; FALSE: the client is to end. */
static gboolean wait_again(struct rtr_client *client, gint64 until_us)
{
    while (g_get_monotonic_time() < until_us) {
        const gint64 due_us = MIN(until_us, rtr_session_due(client->session));

        if (wait_for(client, -1, 0, due_us) < 0)
            return FALSE;
        rtr_session_tick(client->session, g_get_monotonic_time());
        show(client);
    }
    return TRUE;
}

static gpointer run(gpointer data)
{
    struct rtr_client *client = data;
    gint64 first_us = FIRST_AGAIN_US;

    while (!is_over(client)) {
        const int fd = open_connection(client);
        gint64 again_us;

        if (fd >= 0) {
            talk(client, fd);
            close(fd);
        }
        rtr_session_lost(client->session, g_get_monotonic_time(), &again_us);
        show(client);
        if (!rtr_session_vrps(client->session)) {
            again_us = MIN(again_us, g_get_monotonic_time() + first_us);
            first_us = MIN(first_us * 2, RTR_RETRY_S * (gint64)G_USEC_PER_SEC);
        } else {
            first_us = FIRST_AGAIN_US;
        }
        if (!wait_again(client, again_us))
            break;
    }
    return NULL;
}

/* --- the client --- */

struct rtr_client *rtr_client_start(const struct rtr_options *options, GError **error)
{
    struct rtr_client *client = g_new0(struct rtr_client, 1);

    client->options = *options;
    client->host = g_strdup(options->host);
    client->port = g_strdup(options->port);
    client->session = rtr_session_new(options->version);
    g_mutex_init(&client->lock);
    g_cond_init(&client->told);
    client->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (client->wake < 0)
        errno_error(error, errno, "eventfd");
    else
        client->thread = g_thread_try_new("rtr", run, client, error);
    if (client->thread)
        return client;
    rtr_client_stop(client);
    return NULL;
}

void rtr_client_stop(struct rtr_client *client)
{
    if (!client)
        return;
    g_mutex_lock(&client->lock);
    client->is_over = TRUE;
    g_mutex_unlock(&client->lock);
    if (client->thread) {
        eventfd_write(client->wake, 1);
        g_thread_join(client->thread);
    }
    if (client->wake >= 0)
        close(client->wake);
    rtr_session_free(client->session);
    vrp_set_unref(client->vrps);
    aspa_set_unref(client->aspas);
    g_mutex_clear(&client->lock);
    g_cond_clear(&client->told);
    g_free(client->connect_problem);
    g_free(client->problem);
    g_free(client->host);
    g_free(client->port);
    g_free(client);
}

gboolean rtr_client_sets(struct rtr_client *client, struct vrp_set **vrps, struct aspa_set **aspas)
{
    gboolean there;

    g_mutex_lock(&client->lock);
    there = client->vrps != NULL;
    *vrps = there ? vrp_set_ref(client->vrps) : NULL;
    *aspas = there ? aspa_set_ref(client->aspas) : NULL;
    g_mutex_unlock(&client->lock);
    return there;
}

void rtr_client_status(struct rtr_client *client, struct rtr_status *status, char **problem)
{
    g_mutex_lock(&client->lock);
    *status = client->status;
    *problem = g_strdup(client->problem);
    g_mutex_unlock(&client->lock);
}

gboolean rtr_client_wait(struct rtr_client *client, gint64 limit_us, rtr_told told, gpointer data,
                         GError **error)
{
    const gint64 until_us = g_get_monotonic_time() + limit_us;
    g_autofree char *last = NULL;
    gboolean there, in_time = TRUE;

    g_mutex_lock(&client->lock);
    while (!client->vrps && in_time && !client->status.is_refused) {
        if (told && client->problem && g_strcmp0(client->problem, last) != 0) {
            g_free(last);
            last = g_strdup(client->problem);
            g_mutex_unlock(&client->lock);
            told(last, data);
            g_mutex_lock(&client->lock);
        } else {
            in_time = g_cond_wait_until(&client->told, &client->lock, until_us);
        }
    }
    there = client->vrps != NULL;
    if (!there)
        system_error(error, "no payloads from the cache %s port %s: %s", client->host, client->port,
                     client->problem ? client->problem : "it does not answer");
    g_mutex_unlock(&client->lock);
    return there;
}

gboolean rtr_split(const char *text, char **host, char **port, GError **error)
{
    const char *end = *text == '[' ? strchr(text, ']') : NULL;
    const char *colon = strrchr(end ? end : text, ':');
    guint64 number;

    if (*text == '[' && !end)
        return input_error(error, "\"%s\": \"[\" without \"]\"", text);
    if (!end && colon && strchr(text, ':') != colon)
        colon = NULL; /* an IPv6 address alone */
    if (end && end[1] && colon != end + 1)
        return input_error(error, "\"%s\" is not [ADDRESS]:PORT", text);
    if (colon &&
        (!decimal_parse(colon + 1, strlen(colon + 1), &number) || !number || number > G_MAXUINT16))
        return input_error(error, "\"%s\": the port is to be 1 to 65535", text);
    *host = end     ? g_strndup(text + 1, (gsize)(end - text - 1))
            : colon ? g_strndup(text, (gsize)(colon - text))
                    : g_strdup(text);
    *port = g_strdup(colon ? colon + 1 : RTR_PORT);
    if (**host)
        return TRUE;
    g_clear_pointer(host, g_free);
    g_clear_pointer(port, g_free);
    return input_error(error, "\"%s\" names no host", text);
}
