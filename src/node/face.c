#include "node/face_private.h"

#include "base/error.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define HEAD_BYTES (16u << 10) /* a request's head, and what a connection needs besides */
#define DRAIN_LOOK_US 10000
#define WORKERS_AT_LEAST 2
/* libmicrohttpd's own timeout is only a net below the deadlines. */
#define BACKSTOP_S 120u
#define STRICT 1
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-SHA1"

const struct face_limits face_default_limits = {
    .connections = 2048,
    .peer_connections = 128,
    .rate = 1000,
    .burst = 4000,
    .bodies = 64u << 20,
    .waiting = 1024,
    .head_s = 20,
    .body_s = 30,
    .answer_s = 30,
    .drain_s = 15,
};

static gboolean read_proxies(struct face *face, char **texts, GError **error)
{
    for (; texts && *texts; texts++) {
        struct peer_key key;

        if (!peer_key_parse(*texts, &key))
            return input_error(error, "--trusted-proxy: \"%s\" is not an address", *texts);
        g_array_append_val(face->proxies, key);
    }
    return TRUE;
}

struct face *face_new(struct node *node, const struct face_options *options, GError **error)
{
    g_autoptr(face_t) face = g_new0(struct face, 1);

    face->node = node;
    face->options = *options;
    face->daemons = g_ptr_array_new();
    face->routes = g_array_new(FALSE, FALSE, sizeof(struct bound_route));
    face->refusers = g_ptr_array_new();
    face->proxies = g_array_new(FALSE, TRUE, sizeof(struct peer_key));
    face->peers =
        peers_new(options->limits.rate, options->limits.burst, options->limits.peer_connections);
    g_mutex_init(&face->wires_lock);
    g_cond_init(&face->wires_changed);
    if (!mhd_load(&face->mhd, error) || !read_proxies(face, options->trusted_proxies, error))
        return NULL;
    return g_steal_pointer(&face);
}

static void bind_routes(struct face *face, const struct mount *mounts, guint count)
{
    for (guint i = 0; i < count; i++) {
        for (const struct route *route = mounts[i].service->routes; route && route->method;
             route++) {
            struct bound_route bound = { route, mounts[i].instance, face->routes->len };

            g_array_append_val(face->routes, bound);
        }
        if (mounts[i].service->refuse)
            g_ptr_array_add(face->refusers, (gpointer)mounts[i].service);
    }
    face->numbers = g_new0(struct answer_numbers, face->routes->len + 1);
}

/* Keeps escapes as they are: target.c reads them. */
static size_t keep_escapes(void *data, struct MHD_Connection *connection, char *text)
{
    return strlen(text);
}

static gboolean start_daemon(struct face *face, const struct listener *listener, guint threads,
                             GError **error)
{
    const struct face_options *options = &face->options;
    struct MHD_OptionItem items[] = {
        { MHD_OPTION_LISTEN_SOCKET, listener->fd, NULL },
        { MHD_OPTION_THREAD_POOL_SIZE, threads, NULL },
        { MHD_OPTION_CONNECTION_LIMIT, MAX(options->limits.connections, threads), NULL },
        { MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_BYTES, NULL },
        { MHD_OPTION_CONNECTION_TIMEOUT, BACKSTOP_S, NULL },
        { MHD_OPTION_STRICT_FOR_CLIENT, STRICT, NULL },
        { MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL },
        { MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)wire_target, face },
        { MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL },
        { MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)wire_notify, face },
        { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)wire_completed, face },
        { MHD_OPTION_END, 0, NULL }, /* key, certificates, priorities */
        { MHD_OPTION_END, 0, NULL },
        { MHD_OPTION_END, 0, NULL },
        { MHD_OPTION_END, 0, NULL },
    };
    guint flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    struct MHD_Daemon *daemon;

    if (options->certificates) {
        guint at = G_N_ELEMENTS(items) - 4;

        flags |= MHD_USE_TLS;
        items[at++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0,
                                               (void *)g_bytes_get_data(options->key, NULL) };
        items[at++] =
            (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0,
                                     (void *)g_bytes_get_data(options->certificates, NULL) };
        items[at] =
            (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES };
    }
    daemon = face->mhd.start_daemon(flags, 0, wire_may_connect, face, wire_request, face,
                                    MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    if (!daemon)
        return system_error(error, "%s: the HTTP server does not start%s", listener->address,
                            options->certificates
                                ? "; the certificate or its key may not be a PEM file that fits"
                                : "");
    g_ptr_array_add(face->daemons, daemon);
    return TRUE;
}

gboolean face_start(struct face *face, const struct mount *mounts, guint count, GError **error)
{
    guint cores = g_get_num_processors();
    guint threads = face->options.threads ? face->options.threads : cores;

    bind_routes(face, mounts, count);
    face->workers = g_thread_pool_new(wire_work, face, MAX(cores, WORKERS_AT_LEAST), TRUE, error);
    if (!face->workers)
        return FALSE;
    deadlines_start(face);
    for (guint i = 0; i < face->options.listeners->len; i++)
        if (!start_daemon(face, face->options.listeners->pdata[i], threads, error))
            return FALSE;
    return TRUE;
}

void face_stop_listening(struct face *face)
{
    g_atomic_int_set(&face->draining, 1);
    for (guint i = 0; i < face->daemons->len; i++)
        face->mhd.quiesce_daemon(face->daemons->pdata[i]);
    for (guint i = 0; i < face->options.listeners->len; i++) {
        struct listener *listener = face->options.listeners->pdata[i];

        if (listener->fd >= 0)
            close(listener->fd);
        listener->fd = -1;
    }
}

guint face_drain(struct face *face)
{
    gint64 until_us =
        g_get_monotonic_time() + (gint64)face->options.limits.drain_s * G_USEC_PER_SEC;

    while (g_atomic_int_get(&face->counters.active) && g_get_monotonic_time() < until_us)
        g_usleep(DRAIN_LOOK_US);
    return g_atomic_int_get(&face->counters.active);
}

void face_stop(struct face *face)
{
    if (face->workers) /* those at work resume their connections */
        g_thread_pool_free(g_steal_pointer(&face->workers), FALSE, TRUE);
    for (guint i = 0; i < face->daemons->len; i++)
        face->mhd.stop_daemon(face->daemons->pdata[i]);
    g_ptr_array_set_size(face->daemons, 0);
    deadlines_stop(face);
}

void face_free(struct face *face)
{
    if (!face)
        return;
    face_stop(face);
    g_ptr_array_unref(face->daemons);
    g_array_unref(face->routes);
    g_ptr_array_unref(face->refusers);
    g_array_unref(face->proxies);
    g_free(face->numbers);
    peers_free(face->peers);
    g_mutex_clear(&face->wires_lock);
    g_cond_clear(&face->wires_changed);
    g_free(face);
}

void face_metrics(struct face *face, GString *text)
{
    guint count = face->routes->len + 1;
    g_autofree const char **methods = g_new(const char *, count);
    g_autofree const char **routes = g_new(const char *, count);
    const struct face_counters *counters = &face->counters;

    for (guint i = 0; i < face->routes->len; i++) {
        const struct bound_route *bound = &g_array_index(face->routes, struct bound_route, i);

        methods[i] = bound->route->method;
        routes[i] = bound->route->pattern;
    }
    methods[count - 1] = "other";
    routes[count - 1] = "none";
    answer_numbers_write(text, face->numbers, methods, routes, count);
    metric_add(text, METRIC_COUNTER, "http_connections_total", "Connections accepted.",
               __atomic_load_n(&counters->connections_total, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "http_connections_refused_total",
               "Connections refused: too many of one peer.",
               __atomic_load_n(&counters->refused_connections, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "http_connections_cut_total",
               "Connections cut because the peer was too slow.",
               __atomic_load_n(&counters->cut, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "http_requests_limited_total",
               "Requests refused: the peer had no tokens left.",
               __atomic_load_n(&counters->limited, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "http_requests_aborted_total",
               "Requests that ended without an answer.",
               __atomic_load_n(&counters->aborted, __ATOMIC_RELAXED));
    metric_add(text, METRIC_GAUGE, "http_connections", "Connections now.",
               g_atomic_int_get(&counters->connections));
    metric_add(text, METRIC_GAUGE, "http_requests_active", "Requests now.",
               g_atomic_int_get(&counters->active));
    metric_add(text, METRIC_GAUGE, "http_requests_waiting",
               "Requests that wait for a worker or for a later answer.",
               g_atomic_int_get(&counters->waiting));
    metric_add(text, METRIC_GAUGE, "http_body_bytes", "Bytes of bodies being received.",
               MAX(__atomic_load_n(&counters->bodies, __ATOMIC_RELAXED), 0));
    metric_add(text, METRIC_GAUGE, "http_peers", "Peers whose tokens are counted.",
               peers_known(face->peers));
}
