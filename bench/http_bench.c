/*
 * http_bench.c: requests over kept-alive connections to 127.0.0.1, as fast as they are answered.
 *
 *     http_bench PORT get CONNECTIONS SECONDS PATH...           the paths in turn
 *     http_bench PORT post CONNECTIONS PATH FOLDER FIRST END    FOLDER/%05u.json, each once
 *
 * Prints "requests_per_second N", "p50_ms", "p99_ms", "bad N" (an answer that is not 2xx), "bytes".
 * One thread, epoll, one request at a time on a connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_LIMIT 1024
#define HEAD_LIMIT 8192
#define CHUNK 65536

struct connection {
    int fd;
    char head[HEAD_LIMIT + 1];
    gsize head_length;
    gint64 body_left; /* -1: the head is being read */
    gint64 start_us;
};

struct bench {
    GPtrArray *requests; /* GBytes * */
    gboolean once;       /* each request once; else round and round */
    guint next, answered, bad;
    guint64 bytes;
    gint64 end_us;
    GArray *times; /* gint64 */
};

G_GNUC_NORETURN static void fail(const char *what)
{
    fprintf(stderr, "http_bench: %s: %s\n", what, g_strerror(errno));
    exit(EXIT_FAILURE);
}

static int connect_to(int port)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((guint16)port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        fail("connect");
    return fd;
}

/* FALSE: there is nothing more to ask. */
static gboolean ask(struct bench *bench, struct connection *connection)
{
    gsize length, done = 0;
    const char *data;

    if (bench->once ? bench->next >= bench->requests->len : g_get_monotonic_time() >= bench->end_us)
        return FALSE;
    data = g_bytes_get_data(bench->requests->pdata[bench->next++ % bench->requests->len], &length);
    connection->start_us = g_get_monotonic_time();
    connection->body_left = -1;
    connection->head_length = 0;
    while (done < length) {
        const ssize_t put = send(connection->fd, data + done, length - done, MSG_NOSIGNAL);

        if (put < 0)
            fail("send");
        done += (gsize)put;
    }
    return TRUE;
}

/* Takes what came; TRUE: the answer is whole. */
static gboolean take(struct bench *bench, struct connection *connection)
{
    static char chunk[CHUNK];
    const gboolean in_head = connection->body_left < 0;
    const ssize_t got =
        in_head ? recv(connection->fd, connection->head + connection->head_length,
                       HEAD_LIMIT - connection->head_length, 0)
                : recv(connection->fd, chunk, MIN(CHUNK, (gsize)connection->body_left), 0);
    const char *end, *length;

    if (got <= 0)
        fail("the connection was closed");
    bench->bytes += (guint64)got;
    if (!in_head) {
        connection->body_left -= got;
        return connection->body_left == 0;
    }
    connection->head_length += (gsize)got;
    connection->head[connection->head_length] = 0;
    end = strstr(connection->head, "\r\n\r\n");
    if (!end)
        return FALSE;
    length = strcasestr(connection->head, "\r\nContent-Length:");
    if (!length || length > end)
        fail("an answer without its length");
    bench->bad += strncmp(connection->head, "HTTP/1.1 2", 10) != 0;
    connection->body_left = g_ascii_strtoll(length + strlen("\r\nContent-Length:"), NULL, 10) -
                            (connection->head + connection->head_length - (end + 4));
    return connection->body_left == 0;
}

static int compare(gconstpointer a, gconstpointer b)
{
    const gint64 first = *(const gint64 *)a, second = *(const gint64 *)b;

    return (first > second) - (first < second);
}

static void run(struct bench *bench, int port, guint count)
{
    g_autofree struct connection *connections = g_new0(struct connection, count);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    const gint64 start_us = g_get_monotonic_time();
    guint open = 0;
    double seconds;

    for (guint i = 0; i < count; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &connections[i] };

        connections[i].fd = connect_to(port);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) < 0)
            fail("epoll");
        open += ask(bench, &connections[i]);
    }
    while (open) {
        struct epoll_event events[64];
        const int ready = epoll_wait(epoll, events, G_N_ELEMENTS(events), -1);

        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            gint64 took;

            if (!take(bench, connection))
                continue;
            took = g_get_monotonic_time() - connection->start_us;
            g_array_append_val(bench->times, took);
            bench->answered++;
            if (ask(bench, connection))
                continue;
            close(connection->fd);
            open--;
        }
    }
    seconds = (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC;
    close(epoll);
    if (!bench->times->len)
        fail("no answer");
    g_array_sort(bench->times, compare);
    printf("requests_per_second %.0f\np50_ms %.2f\np99_ms %.2f\nbad %u\nbytes %" G_GUINT64_FORMAT
           "\n",
           bench->answered / seconds,
           (double)g_array_index(bench->times, gint64, bench->times->len / 2) / 1e3,
           (double)g_array_index(bench->times, gint64, bench->times->len * 99 / 100) / 1e3,
           bench->bad, bench->bytes);
}

static void add_request(struct bench *bench, char *text)
{
    g_ptr_array_add(bench->requests, g_bytes_new_take(text, strlen(text)));
}

int main(int argc, char **argv)
{
    struct bench bench = { .requests = g_ptr_array_new(),
                           .times = g_array_new(FALSE, FALSE, sizeof(gint64)) };
    guint connections;

    if (argc < 6)
        return EXIT_FAILURE;
    connections = CLAMP((guint)atoi(argv[3]), 1, CONNECTIONS_LIMIT);
    if (g_str_equal(argv[2], "get")) {
        bench.end_us =
            g_get_monotonic_time() + (gint64)(g_ascii_strtod(argv[4], NULL) * G_USEC_PER_SEC);
        for (int i = 5; i < argc; i++)
            add_request(&bench,
                        g_strdup_printf("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[i]));
    } else if (g_str_equal(argv[2], "post") && argc == 8) {
        bench.once = TRUE;
        for (guint i = (guint)atoi(argv[6]); i < (guint)atoi(argv[7]); i++) {
            g_autofree char *path = g_strdup_printf("%s/%05u.json", argv[5], i);
            g_autofree char *body = NULL;
            gsize length;

            if (!g_file_get_contents(path, &body, &length, NULL))
                fail(path);
            add_request(&bench, g_strdup_printf("POST %s HTTP/1.1\r\nHost: localhost\r\n"
                                                "Content-Type: application/json\r\n"
                                                "Content-Length: %zu\r\n\r\n%s",
                                                argv[4], length, body));
        }
    } else {
        return EXIT_FAILURE;
    }
    run(&bench, atoi(argv[1]), connections);
    return EXIT_SUCCESS;
}
