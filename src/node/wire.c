#include "node/face_private.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* Bytes of a body that is refused anyway, read so that the answer can be understood. */
#define DISCARD_LIMIT (1u << 20)
#define BUSY_RETRY_S 1u

/* --- connections --- */

static gboolean is_proxy(const struct face *face, const struct peer_key *key)
{
    for (guint i = 0; i < face->proxies->len; i++)
        if (memcmp(&g_array_index(face->proxies, struct peer_key, i), key, sizeof *key) == 0)
            return TRUE;
    return FALSE;
}

static gboolean is_limited(const struct face *face, const struct peer_key *key)
{
    return !peer_key_is_loopback(key) && !is_proxy(face, key);
}

enum MHD_Result wire_may_connect(void *data, const struct sockaddr *address, socklen_t length)
{
    struct face *face = data;
    struct peer_key key;

    if (!peer_key_of(address, &key))
        return MHD_NO;
    if (!is_limited(face, &key))
        return MHD_YES;
    /* Counted when the connection has begun; this look only turns away. */
    if (peers_connect(face->peers, &key)) {
        peers_disconnect(face->peers, &key);
        return MHD_YES;
    }
    __atomic_fetch_add(&face->counters.refused_connections, 1, __ATOMIC_RELAXED);
    return MHD_NO;
}

static void describe_peer(struct wire *wire, const struct sockaddr *address)
{
    const void *bytes = address->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;

    if (!inet_ntop(address->sa_family, bytes, wire->peer, sizeof wire->peer))
        wire->peer[0] = '\0';
}

static void begin(struct face *face, struct MHD_Connection *connection, void **context)
{
    struct wire *wire = g_new0(struct wire, 1);
    const union MHD_ConnectionInfo *info;

    wire->face = face;
    wire->connection = connection;
    wire->answer.file = -1;
    info = face->mhd.connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    wire->fd = info->connect_fd;
    info = face->mhd.connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    peer_key_of(info->client_addr, &wire->key);
    describe_peer(wire, info->client_addr);
    wire->is_proxy = is_proxy(face, &wire->key);
    wire->limited = is_limited(face, &wire->key);
    if (wire->limited)
        wire->limited = peers_connect(face->peers, &wire->key);
    __atomic_fetch_add(&face->counters.connections_total, 1, __ATOMIC_RELAXED);
    g_atomic_int_inc(&face->counters.connections);
    deadline_set(wire, face->options.limits.head_s);
    deadlines_add(face, wire);
    *context = wire;
}

static void end(struct face *face, struct wire *wire)
{
    deadlines_remove(face, wire);
    if (wire->limited)
        peers_disconnect(face->peers, &wire->key);
    g_atomic_int_add(&face->counters.connections, -1);
    g_free(wire);
}

void wire_notify(void *data, struct MHD_Connection *connection, void **context,
                 enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        begin(data, connection, context);
    else if (*context)
        end(data, g_steal_pointer(context));
}

/* --- requests --- */

static const char *get_query(const struct node_request *request, const char *name)
{
    const struct wire *wire = request->connection;

    return target_query(&wire->target, name);
}

static const char *get_header(const struct node_request *request, const char *name)
{
    const struct wire *wire = request->connection;

    return wire->face->mhd.lookup(wire->connection, MHD_HEADER_KIND, name);
}

void *wire_target(void *data, const char *text, struct MHD_Connection *connection)
{
    struct face *face = data;
    struct wire *wire =
        face->mhd.connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    if (wire)
        wire->target_status = target_parse(text, &wire->target);
    return wire;
}

static void begin_request(struct wire *wire, const char *method)
{
    wire->begun = TRUE;
    wire->began_us = g_get_monotonic_time();
    wire->route = NULL;
    wire->request = (struct node_request){
        .method = method,
        .path = wire->target.path,
        .query = get_query,
        .header = get_header,
        .peer = wire->peer,
        .connection = wire,
    };
    g_atomic_int_inc(&wire->face->counters.active);
}

static void forget_request(struct wire *wire)
{
    if (wire->body) {
        __atomic_fetch_sub(&wire->face->counters.bodies, wire->body->len, __ATOMIC_RELAXED);
        g_byte_array_unref(g_steal_pointer(&wire->body));
    }
    g_clear_pointer(&wire->request.body, g_bytes_unref);
    node_answer_clear(&wire->answer);
    wire->answer = (struct node_answer){ .file = -1 };
    wire->answer_bytes = wire->discarded = 0;
    wire->refused = wire->begun = wire->answered = wire->close = FALSE;
}

void wire_completed(void *data, struct MHD_Connection *connection, void **context,
                    enum MHD_RequestTerminationCode why)
{
    struct face *face = data;
    struct wire *wire = *context;

    if (!wire || !wire->begun)
        return;
    if (wire->answered)
        answer_numbers_count(&face->numbers[wire->route ? wire->route->number : face->routes->len],
                             wire->answer.status, g_get_monotonic_time() - wire->began_us,
                             wire->answer_bytes);
    else
        __atomic_fetch_add(&face->counters.aborted, 1, __ATOMIC_RELAXED);
    forget_request(wire);
    deadline_set(wire, face->options.limits.head_s);
    *context = NULL;
    g_atomic_int_add(&face->counters.active, -1);
}

/* --- bodies --- */

static void refuse_body(struct wire *wire, guint status, const char *detail)
{
    answer_refuse(wire, status, detail);
    if (status == 503)
        wire->answer.retry_after_s = BUSY_RETRY_S;
    wire->refused = TRUE;
    wire->close = TRUE;
}

static enum MHD_Result take_body(struct wire *wire, const char *bytes, gsize length)
{
    struct face *face = wire->face;
    gint64 all;

    if (wire->refused) {
        wire->discarded += length;
        return wire->discarded > DISCARD_LIMIT ? MHD_NO : MHD_YES;
    }
    if (!wire->body)
        wire->body = g_byte_array_new();
    if (wire->body->len + length > wire->route->route->body_limit) {
        refuse_body(wire, 413, "The body is larger than this path takes.");
        return MHD_YES;
    }
    all = __atomic_add_fetch(&face->counters.bodies, length, __ATOMIC_RELAXED);
    g_byte_array_append(wire->body, (const guint8 *)bytes, length);
    if (all > (gint64)face->options.limits.bodies)
        refuse_body(wire, 503, "Too many bodies are being received.");
    return MHD_YES;
}

/* --- answers --- */

struct node_later *node_answer_later(const struct node_request *request)
{
    struct wire *wire = request->connection;

    *request->later = TRUE;
    if (!wire->suspended) {
        wire->suspended = TRUE;
        g_atomic_int_inc(&wire->face->counters.waiting);
        wire->face->mhd.suspend(wire->connection);
    }
    return (struct node_later *)wire;
}

void node_answer_now(struct node_later *later, struct node_answer *answer)
{
    struct wire *wire = (struct wire *)later;

    wire->answer = *answer;
    *answer = (struct node_answer){ .file = -1 };
    wire->answered = TRUE;
    wire->suspended = FALSE;
    g_atomic_int_add(&wire->face->counters.waiting, -1);
    wire->face->mhd.resume(wire->connection);
}

/* Runs the route; FALSE when the answer comes later (then the wire may be gone already). */
static gboolean run_route(struct wire *wire, struct node_answer *answer)
{
    const struct bound_route *bound = wire->route;
    struct node_request request = wire->request;
    gboolean later = FALSE;

    request.later = &later;
    bound->route->answer(wire->face->node, bound->service, &request, answer);
    return !later;
}

void wire_work(gpointer data, gpointer face)
{
    struct node_answer answer = { .file = -1 };

    if (run_route(data, &answer))
        node_answer_now(data, &answer);
}

static enum MHD_Result dispatch(struct wire *wire)
{
    struct face *face = wire->face;

    deadline_set(wire, 0);
    wire->began_us = g_get_monotonic_time();
    if (wire->body) {
        wire->request.body = g_bytes_new(wire->body->data, wire->body->len);
    } else {
        wire->request.body = g_bytes_new_static("", 0);
    }
    if (wire->route->route->place == ROUTE_AT_ONCE)
        return run_route(wire, &wire->answer) ? answer_send(wire) : MHD_YES;
    if ((guint)g_atomic_int_get(&face->counters.waiting) >= face->options.limits.waiting) {
        answer_refuse(wire, 503, "Too many requests wait.");
        wire->answer.retry_after_s = BUSY_RETRY_S;
        return answer_send(wire);
    }
    wire->suspended = TRUE;
    g_atomic_int_inc(&face->counters.waiting);
    face->mhd.suspend(wire->connection);
    g_thread_pool_push(face->workers, wire, NULL);
    return MHD_YES;
}

/*
 * An answer given before the last byte of a request closes its connection (libmicrohttpd), and a
 * peer still sending may never read it: so what a refused request still sends is thrown away
 * first, unless that is much, or the peer waits to be told to go on.
 */
static enum MHD_Result judge(struct wire *wire, const char *method)
{
    const struct mhd_calls *mhd = &wire->face->mhd;
    guint64 length;

    wire->refused = !head_judge(wire, method, &length);
    if (wire->refused &&
        (length > DISCARD_LIMIT || mhd->lookup(wire->connection, MHD_HEADER_KIND, "Expect")))
        return answer_send(wire);
    deadline_set(wire, wire->face->options.limits.body_s);
    return MHD_YES;
}

enum MHD_Result wire_request(void *data, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_size, void **context)
{
    struct wire *wire = *context;

    if (!wire)
        return MHD_NO;
    if (!wire->begun) {
        begin_request(wire, method);
        return judge(wire, method);
    }
    if (*upload_size) {
        gsize length = *upload_size;

        *upload_size = 0;
        return take_body(wire, upload, length);
    }
    if (wire->answered || wire->refused)
        return answer_send(wire);
    return dispatch(wire);
}
