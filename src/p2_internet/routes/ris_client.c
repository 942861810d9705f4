#include "p2_internet/routes/ris_client.h"

#include "base/error.h"
#include "base/json.h"
#include "net/stream.h"
#include "net/websocket.h"
#include "p2_internet/routes/watch.h"
#include "p2_internet/routes/watch_hosts.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PING_US (20 * (gint64)G_USEC_PER_SEC)
#define PINGS_LOST 3
#define FIRST_AGAIN_US ((gint64)G_USEC_PER_SEC) /* doubled each time */
#define LAST_AGAIN_US (300 * (gint64)G_USEC_PER_SEC)
#define READ_SIZE (64u << 10)
#define PING "{\"type\":\"ping\"}"
#define US_PER_MS 1000

struct ris_client {
    struct ris_client_options options;
    char *url, *host, *target; /* url: as the stream takes it */
    GPtrArray *subscriptions;
    GThread *thread;
    int wake; /* eventfd: the thread is to end */
    /* the thread's alone */
    struct stream *stream;
    GByteArray *output;
    gboolean is_closed; /* by the service, in order */
    gint64 pinged_us;
    /* under the lock */
    GMutex lock;
    gboolean is_over;
    struct ris_client_status status;
};

/* --- what is asked for --- */

static void add_subscription(GPtrArray *all, const char *member, json_t *value)
{
    g_autoptr(json_t) request =
        json_pack("{s:s, s:{s:o, s:{s:b, s:b}}}", "type", "ris_subscribe", "data", member, value,
                  "socketOptions", "includeRaw", TRUE, "acknowledge", TRUE);
    json_t *data = json_object_get(request, "data");
    char *text;

    if (g_str_equal(member, "prefix")) {
        json_object_set_new(data, "moreSpecific", json_true());
        json_object_set_new(data, "lessSpecific", json_true());
    }
    text = json_dumps(request, JSON_COMPACT);
    g_ptr_array_add(all, g_strdup(text));
    free(text);
}

GPtrArray *ris_subscriptions(const GPtrArray *prefixes, const GPtrArray *systems,
                             const GPtrArray *hosts)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; prefixes && i < prefixes->len; i++) {
        const struct watch_prefix *prefix = prefixes->pdata[i];
        char text[IP_PREFIX_TEXT];

        ip_prefix_format(&prefix->prefix, text);
        add_subscription(all, "prefix", json_string(text));
    }
    for (guint i = 0; hosts && i < hosts->len; i++) {
        const struct watch_host *host = hosts->pdata[i];
        char text[IP_PREFIX_TEXT];

        ip_prefix_format(&host->address, text);
        add_subscription(all, "prefix", json_string(text));
    }
    for (guint i = 0; systems && i < systems->len; i++) {
        const struct watch_as *system = systems->pdata[i];

        add_subscription(all, "path", json_sprintf("%u", system->as));
    }
    /* Who loses a session has no routes any more: no loss of visibility. */
    add_subscription(all, "type", json_string("RIS_PEER_STATE"));
    return all;
}

/* --- the address --- */

/* "wss://HOST:PORT/PATH?QUERY" in what the stream and the request need; all the caller's. */
static gboolean split_url(const char *text, char **url, char **host, char **target, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_ENCODED, NULL);
    const char *scheme = uri ? g_uri_get_scheme(uri) : "", *name = uri ? g_uri_get_host(uri) : NULL;
    const gboolean is_tls = g_str_equal(scheme, "wss");
    const char *query, *path;
    g_autofree char *bracketed = NULL;

    if ((!is_tls && !g_str_equal(scheme, "ws")) || !name || !*name || g_uri_get_userinfo(uri))
        return input_error(error, "\"%s\" is not a URL like wss://HOST/PATH", text);
    bracketed = strchr(name, ':') ? g_strdup_printf("[%s]", name) : g_strdup(name);
    *host = g_uri_get_port(uri) > 0 ? g_strdup_printf("%s:%d", bracketed, g_uri_get_port(uri))
                                    : g_strdup(bracketed);
    path = g_uri_get_path(uri);
    query = g_uri_get_query(uri);
    *target = g_strconcat(*path ? path : "/", query ? "?" : NULL, query, NULL);
    *url = g_strdup_printf("%s://%s/", is_tls ? "https" : "http", *host);
    return TRUE;
}

gboolean ris_url_check(const char *text, GError **error)
{
    g_autofree char *url = NULL, *host = NULL, *target = NULL;

    return split_url(text, &url, &host, &target, error);
}

/* --- what others see --- */

static gboolean is_over(struct ris_client *client)
{
    gboolean over;

    g_mutex_lock(&client->lock);
    over = client->is_over;
    g_mutex_unlock(&client->lock);
    return over;
}

static void say_heard(struct ris_client *client, gboolean is_message)
{
    g_mutex_lock(&client->lock);
    client->status.heard_us = g_get_monotonic_time();
    client->status.messages += is_message;
    g_mutex_unlock(&client->lock);
}

static void say_connected(struct ris_client *client, gboolean is_connected, const char *problem)
{
    g_mutex_lock(&client->lock);
    client->status.is_connected = is_connected;
    client->status.connections += is_connected;
    g_strlcpy(client->status.problem, problem, sizeof client->status.problem);
    g_mutex_unlock(&client->lock);
}

void ris_client_status(struct ris_client *client, struct ris_client_status *status)
{
    g_mutex_lock(&client->lock);
    *status = client->status;
    g_mutex_unlock(&client->lock);
}

/* --- a connection --- */

static void put(struct ris_client *client, enum websocket_kind kind, const void *bytes,
                gsize length)
{
    guint8 mask[4];

    randombytes_buf(mask, sizeof mask);
    websocket_append(client->output, kind, bytes, length, mask);
}

static void take(enum websocket_kind kind, const guint8 *bytes, gsize length, gpointer data)
{
    struct ris_client *client = data;

    say_heard(client, kind == WEBSOCKET_TEXT);
    if (kind == WEBSOCKET_TEXT)
        client->options.take(bytes, length, client->options.data);
    else if (kind == WEBSOCKET_PING)
        put(client, WEBSOCKET_PONG, bytes, length);
    else if (kind == WEBSOCKET_CLOSE)
        client->is_closed = TRUE;
}

/* Everything that came, until there is nothing more now. */
static gboolean receive(struct ris_client *client, struct websocket *socket, GError **error)
{
    g_autofree guint8 *bytes = g_malloc(READ_SIZE);
    gssize got;

    while ((got = stream_read(client->stream, bytes, READ_SIZE, error)) > 0) {
        if (!websocket_take(socket, bytes, (gsize)got, error))
            return FALSE;
        if (client->is_closed)
            return system_error(error, "the service closed the connection");
    }
    return got == 0;
}

static gboolean send_all(struct ris_client *client, GError **error)
{
    const gboolean sent =
        stream_write(client->stream, client->output->data, client->output->len, error);

    g_byte_array_set_size(client->output, 0);
    return sent;
}

static gboolean ping(struct ris_client *client, gint64 since_us, GError **error)
{
    const gint64 now_us = g_get_monotonic_time(), every_us = client->options.ping_us;
    struct ris_client_status status;

    ris_client_status(client, &status);
    if (now_us - MAX(status.heard_us, since_us) > PINGS_LOST * every_us)
        return system_error(error, "the service says nothing");
    if (now_us - client->pinged_us >= every_us) {
        client->pinged_us = now_us;
        put(client, WEBSOCKET_TEXT, PING, strlen(PING));
    }
    return TRUE;
}

/* Until the connection ends, or the client: then FALSE without an error. */
static gboolean talk(struct ris_client *client, struct websocket *socket, GError **error)
{
    const gint64 since_us = g_get_monotonic_time();
    struct pollfd polled[] = { { client->wake, POLLIN, 0 },
                               { stream_descriptor(client->stream), POLLIN, 0 } };
    gboolean is_asked = FALSE;

    client->pinged_us = since_us;
    while (receive(client, socket, error) && ping(client, since_us, error)) {
        if (websocket_is_open(socket) && !is_asked) {
            is_asked = TRUE;
            say_connected(client, TRUE, "");
            for (guint i = 0; i < client->subscriptions->len; i++) {
                const char *text = client->subscriptions->pdata[i];

                put(client, WEBSOCKET_TEXT, text, strlen(text));
            }
        }
        /* Before the server's answer the request alone may go. */
        if (!websocket_is_open(socket))
            g_byte_array_set_size(client->output, 0);
        else if (client->output->len && !send_all(client, error))
            return FALSE;
        if (poll(polled, G_N_ELEMENTS(polled), (int)(client->options.ping_us / US_PER_MS) + 1) <
                0 &&
            errno != EINTR)
            return errno_error(error, errno, "poll");
        if (polled[0].revents)
            return FALSE;
    }
    return FALSE;
}

static void connect_and_talk(struct ris_client *client)
{
    const struct stream_options options = { .allow_private = client->options.allow_private,
                                            .ca_file = client->options.ca_file };
    g_autoptr(GError) failure = NULL;
    g_autofree char *key = websocket_key();
    g_autofree char *request = websocket_request(client->host, client->target, key);
    g_autoptr(websocket_t) socket = websocket_new(key, take, client);

    client->is_closed = FALSE;
    g_byte_array_set_size(client->output, 0);
    client->stream = stream_open(client->url, &options, &failure);
    if (client->stream && stream_write(client->stream, request, strlen(request), &failure))
        talk(client, socket, &failure);
    g_clear_pointer(&client->stream, stream_free);
    say_connected(client, FALSE, failure ? failure->message : "");
}

/* --- the client --- */

/* FALSE: the client is to end. */
static gboolean wait_again(struct ris_client *client, gint64 wait_us)
{
    /* Not all clients at once, after the service was away. */
    const gint64 spread_us = wait_us / 2 + randombytes_uniform((guint32)(wait_us / 2) + 1);
    struct pollfd polled = { client->wake, POLLIN, 0 };

    return poll(&polled, 1, (int)(spread_us / US_PER_MS) + 1) <= 0;
}

static gpointer run(gpointer data)
{
    struct ris_client *client = data;
    gint64 again_us = FIRST_AGAIN_US;

    while (!is_over(client)) {
        struct ris_client_status before, after;

        ris_client_status(client, &before);
        connect_and_talk(client);
        ris_client_status(client, &after);
        if (after.messages > before.messages)
            again_us = FIRST_AGAIN_US;
        if (is_over(client) || !wait_again(client, again_us))
            break;
        again_us = MIN(again_us * 2, LAST_AGAIN_US);
    }
    return NULL;
}

struct ris_client *ris_client_start(const struct ris_client_options *options, GError **error)
{
    g_autoptr(ris_client_t) client = g_new0(struct ris_client, 1);

    g_mutex_init(&client->lock);
    client->options = *options;
    if (!client->options.ping_us)
        client->options.ping_us = PING_US;
    client->output = g_byte_array_new();
    client->subscriptions = ris_subscriptions(options->prefixes, options->systems, options->hosts);
    client->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (client->wake < 0) {
        errno_error(error, errno, "eventfd");
        return NULL;
    }
    if (!split_url(options->url, &client->url, &client->host, &client->target, error) ||
        !stream_load(error))
        return NULL;
    client->thread = g_thread_try_new("ris-live", run, client, error);
    return client->thread ? g_steal_pointer(&client) : NULL;
}

void ris_client_stop(struct ris_client *client)
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
    g_ptr_array_unref(client->subscriptions);
    g_byte_array_unref(client->output);
    g_mutex_clear(&client->lock);
    g_free(client->url);
    g_free(client->host);
    g_free(client->target);
    g_free(client);
}
