/*
 * peer.h: a small HTTP/1.1 server on loopback, in a thread of the test: what it answers is the
 * test's to say, good or broken.
 */
#pragma once
#include <gio/gio.h>
#include <string.h>

struct peer_request {
    char *method, *path;
    GBytes *body;
};

/* Gives the raw bytes of the answer, from status line to body; called on a connection's thread. */
typedef char *(*peer_answer_fn)(const struct peer_request *request, gpointer data);

struct peer {
    GSocketService *service;
    guint16 port;
    peer_answer_fn answer;
    gpointer data;
    int connections, requests; /* atomic */
    GRWLock answering;         /* held to answer; peer_stop() waits for it */
    gboolean stopped;          /* under it: `data` may be gone */
};

static inline char *peer_reply(guint status, const char *headers, const char *body)
{
    return g_strdup_printf("HTTP/1.1 %u Said\r\n%sContent-Length: %zu\r\n\r\n%s", status,
                           headers ? headers : "", strlen(body), body);
}

static inline gboolean peer_read(GDataInputStream *in, struct peer_request *request)
{
    g_autofree char *first = g_data_input_stream_read_line(in, NULL, NULL, NULL);
    g_auto(GStrv) words = first ? g_strsplit(first, " ", 3) : NULL;
    gsize length = 0, got;
    guint8 *body;

    if (!words || g_strv_length(words) != 3)
        return FALSE;
    for (;;) {
        g_autofree char *line = g_data_input_stream_read_line(in, NULL, NULL, NULL);

        if (!line)
            return FALSE;
        if (!*line)
            break;
        if (g_ascii_strncasecmp(line, "Content-Length:", 15) == 0)
            length = g_ascii_strtoull(line + 15, NULL, 10);
    }
    body = g_malloc0(length + 1);
    if (!g_input_stream_read_all(G_INPUT_STREAM(in), body, length, &got, NULL, NULL)) {
        g_free(body);
        return FALSE;
    }
    request->body = g_bytes_new_take(body, got);
    request->method = g_strdup(words[0]);
    request->path = g_strdup(words[1]);
    return TRUE;
}

static inline gboolean peer_serve(GThreadedSocketService *service, GSocketConnection *connection,
                                  GObject *source, gpointer data)
{
    struct peer *peer = data;
    g_autoptr(GDataInputStream) in =
        g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    struct peer_request request = { 0 };

    g_data_input_stream_set_newline_type(in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
    g_atomic_int_inc(&peer->connections);
    while (peer_read(in, &request)) {
        g_autofree char *reply = NULL;
        gboolean sent;

        g_atomic_int_inc(&peer->requests);
        g_rw_lock_reader_lock(&peer->answering);
        reply = peer->stopped ? NULL : peer->answer(&request, peer->data);
        g_rw_lock_reader_unlock(&peer->answering);
        g_clear_pointer(&request.method, g_free);
        g_clear_pointer(&request.path, g_free);
        g_clear_pointer(&request.body, g_bytes_unref);
        sent = reply && g_output_stream_write_all(out, reply, strlen(reply), NULL, NULL, NULL);
        if (!sent)
            break;
    }
    return TRUE;
}

static inline void peer_clear(gpointer peer)
{
    g_rw_lock_clear(&((struct peer *)peer)->answering);
}

static inline void peer_drop(gpointer peer, GClosure *closure)
{
    g_atomic_rc_box_release_full(peer, peer_clear);
}

static inline struct peer *peer_start(peer_answer_fn answer, gpointer data)
{
    struct peer *peer = g_atomic_rc_box_new0(struct peer);
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocketAddress) bound = NULL;

    peer->answer = answer;
    peer->data = data;
    g_rw_lock_init(&peer->answering);
    peer->service = g_threaded_socket_service_new(64);
    g_assert_true(g_socket_listener_add_address(G_SOCKET_LISTENER(peer->service), any,
                                                G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                                &bound, NULL));
    peer->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
    /* The service lives as long as its last connection. */
    g_signal_connect_data(peer->service, "run", G_CALLBACK(peer_serve),
                          g_atomic_rc_box_acquire(peer), peer_drop, 0);
    g_socket_service_start(peer->service);
    return peer;
}

static inline char *peer_url(const struct peer *peer, const char *path)
{
    return g_strdup_printf("http://127.0.0.1:%u%s", peer->port, path);
}

/* The main context must turn for connections to be taken: a thread that does it. */
struct peer_loop {
    GMainLoop *loop;
    GThread *thread;
};

static inline gpointer peer_turn(gpointer data)
{
    g_main_loop_run(data);
    return NULL;
}

static inline struct peer_loop peer_loop_start(void)
{
    struct peer_loop loop = { g_main_loop_new(NULL, FALSE), NULL };

    loop.thread = g_thread_new("peers", peer_turn, loop.loop);
    return loop;
}

static inline void peer_loop_stop(struct peer_loop *loop)
{
    g_main_loop_quit(loop->loop);
    g_thread_join(loop->thread);
    g_main_loop_unref(loop->loop);
}

static inline void peer_stop(struct peer *peer)
{
    g_rw_lock_writer_lock(&peer->answering);
    peer->stopped = TRUE;
    g_rw_lock_writer_unlock(&peer->answering);
    g_socket_service_stop(peer->service);
    g_socket_listener_close(G_SOCKET_LISTENER(peer->service));
    g_object_unref(peer->service);
    g_atomic_rc_box_release_full(peer, peer_clear);
}
