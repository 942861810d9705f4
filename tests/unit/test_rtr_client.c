/*
 * The client of RPKI caches (rpki/rtr.h, rpki/rtr_session.h) against Debian's StayRTR, beside what
 * rtrclient learned of it, and against a server that says recorded bytes.
 */
#include "base/error.h"
#include "rpki/rtr.h"
#include "rtr_text.h"
#include "server_port.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND_US ((gint64)G_USEC_PER_SEC)
#define PATIENCE_US (180 * SECOND_US)
#define ASPAS "AS64500: 64510 64511\n"

/* --- StayRTR --- */

struct cache {
    char *folder, *file;
    guint16 port;
    GSubprocess *process;
};

#define ROA10 "{\"asn\":\"AS64500\",\"prefix\":\"10.0.0.0/16\",\"maxLength\":24,\"ta\":\"lab\"}"
#define ROA11 "{\"asn\":\"AS64500\",\"prefix\":\"10.1.0.0/16\",\"maxLength\":16,\"ta\":\"lab\"}"
#define ROA6 "{\"asn\":\"AS64501\",\"prefix\":\"2001:db8::/32\",\"maxLength\":48,\"ta\":\"lab\"}"

static void write_cache(struct cache *cache, const char *roas)
{
    static const char aspas[] = "[{\"customer_asid\":64500,\"expires\":4000000000,\"providers\":"
                                "[64510,64511]}]";
    g_autofree char *text =
        g_strdup_printf("{\"metadata\":{\"buildmachine\":\"lab\"},\"roas\":[%s],"
                        "\"provider_authorizations\":{\"ipv4\":%s,\"ipv6\":%s}}",
                        roas, aspas, aspas);

    g_assert_true(g_file_set_contents(cache->file, text, -1, NULL));
}

static void start_cache(struct cache *cache, const char *version)
{
    g_autofree char *at = g_strdup_printf("127.0.0.1:%u", cache->port);

    cache->process = g_subprocess_new(
        G_SUBPROCESS_FLAGS_STDERR_SILENCE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, NULL, "stayrtr",
        "-bind", at, "-cache", cache->file, "-checktime=false", "-protocol", version, "-refresh",
        "1", "-metrics.addr", "127.0.0.1:0", NULL);
    g_assert_nonnull(cache->process);
}

static void stop_cache(struct cache *cache)
{
    g_subprocess_force_exit(cache->process);
    g_subprocess_wait(cache->process, NULL, NULL);
    g_clear_object(&cache->process);
}

static gboolean open_cache(struct cache *cache, const char *version)
{
    g_autofree char *program = g_find_program_in_path("stayrtr");

    if (!program) {
        g_test_skip("stayrtr is not installed");
        return FALSE;
    }
    cache->folder = g_dir_make_tmp("rtr-XXXXXX", NULL);
    cache->file = g_build_filename(cache->folder, "rpki.json", NULL);
    cache->port = server_port();
    write_cache(cache, ROA10 "," ROA6);
    start_cache(cache, version);
    return TRUE;
}

static void close_cache(struct cache *cache)
{
    if (cache->process)
        stop_cache(cache);
    g_remove(cache->file);
    g_rmdir(cache->folder);
    g_free(cache->file);
    g_free(cache->folder);
}

static struct rtr_client *connect_client(const struct cache *cache, guint8 version)
{
    g_autofree char *port = g_strdup_printf("%u", cache->port);
    const struct rtr_options options = { .host = "127.0.0.1", .port = port, .version = version };
    g_autoptr(GError) error = NULL;
    struct rtr_client *client = rtr_client_start(&options, &error);

    g_assert_no_error(error);
    rtr_client_wait(client, PATIENCE_US, NULL, NULL, &error);
    g_assert_no_error(error);
    return client;
}

static char *client_contents(struct rtr_client *client)
{
    g_autoptr(vrp_set_t) vrps = NULL;
    g_autoptr(aspa_set_t) aspas = NULL;

    rtr_client_sets(client, &vrps, &aspas);
    return contents(vrps, aspas);
}

/* Until it holds what is wanted, or patience ends. */
static void comes_to_hold(struct rtr_client *client, const char *wanted)
{
    const gint64 until_us = g_get_monotonic_time() + PATIENCE_US;

    for (;;) {
        g_autofree char *found = client_contents(client);

        if (strcmp(found, wanted) == 0 || g_get_monotonic_time() > until_us) {
            g_assert_cmpstr(found, ==, wanted);
            return;
        }
        g_usleep(50000);
    }
}

/* What Debian's rtrclient learns from the same cache. */
static char *other_client(const struct cache *cache)
{
    g_autofree char *program = g_find_program_in_path("rtrclient");
    g_autofree char *port = g_strdup_printf("%u", cache->port);
    g_autofree char *said = NULL;
    g_autoptr(GSubprocess) process = NULL;
    GString *lines = g_string_new(NULL);
    g_auto(GStrv) all = NULL;

    if (!program)
        return g_string_free(lines, FALSE);
    process = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                               NULL, program, "-e", "-t", "csv", "tcp", "127.0.0.1", port, NULL);
    g_assert_true(g_subprocess_communicate_utf8(process, NULL, NULL, &said, NULL, NULL));
    all = g_strsplit(said, "\n", -1);
    for (char **line = all; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, ", ", -1);

        if (g_strv_length(fields) == 4)
            g_string_append_printf(lines, "%s/%s-%s AS%s\n", fields[0], fields[1], fields[2],
                                   fields[3]);
    }
    return g_string_free(lines, FALSE);
}

static void test_stayrtr(gconstpointer data)
{
    const guint8 version = (guint8)GPOINTER_TO_UINT(data);
    const char *aspas = version == 2 ? ASPAS : "";
    g_autofree char *first =
        g_strconcat("10.0.0.0/16-24 AS64500\n2001:db8::/32-48 AS64501\n", aspas, NULL);
    g_autofree char *second =
        g_strconcat("10.0.0.0/16-24 AS64500\n10.1.0.0/16-16 AS64500\n", aspas, NULL);
    g_autofree char *found = NULL, *other = NULL, *problem = NULL;
    g_autoptr(rtr_client_t) client = NULL;
    struct cache cache = { 0 };
    struct rtr_status status;

    if (!open_cache(&cache, "2"))
        return;
    client = connect_client(&cache, version);
    found = client_contents(client);
    g_assert_cmpstr(found, ==, first);
    other = other_client(&cache);
    g_assert_true(!*other || g_str_has_prefix(found, other));
    write_cache(&cache, ROA10 "," ROA11); /* one comes, one goes: notify and delta */
    comes_to_hold(client, second);
    rtr_client_status(client, &status, &problem);
    g_assert_cmpuint(status.version, ==, version);
    g_assert_cmpuint(status.serial, >, 0);
    stop_cache(&cache); /* what is there stays */
    do {
        g_free(problem);
        g_usleep(20000);
        rtr_client_status(client, &status, &problem);
    } while (status.is_connected);
    g_assert_true(status.has_data);
    comes_to_hold(client, second);
    close_cache(&cache);
}

static void test_a_cache_of_a_lower_version(void)
{
    g_autofree char *problem = NULL;
    g_autoptr(rtr_client_t) client = NULL;
    struct cache cache = { 0 };
    struct rtr_status status;

    if (!open_cache(&cache, "1"))
        return;
    client = connect_client(&cache, 2);
    comes_to_hold(client, "10.0.0.0/16-24 AS64500\n2001:db8::/32-48 AS64501\n");
    rtr_client_status(client, &status, &problem);
    g_assert_cmpuint(status.version, <, 2);
    close_cache(&cache);
}

static void test_no_cache(void)
{
    g_autofree char *port = g_strdup_printf("%u", server_port());
    const struct rtr_options options = { .host = "127.0.0.1", .port = port, .version = 2 };
    g_autoptr(GError) error = NULL;
    g_autoptr(rtr_client_t) client = rtr_client_start(&options, &error);

    g_assert_no_error(error);
    g_assert_false(rtr_client_wait(client, SECOND_US, NULL, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
}

/* --- a cache of the newer ASPA layout, by its bytes --- */

struct server {
    int listener;
    const char *answer; /* hexadecimal digits */
    GByteArray *asked;  /* all that came, until the client went */
};

static gpointer serve(gpointer data)
{
    struct server *server = data;
    const int fd = accept(server->listener, NULL, NULL);
    g_autoptr(GByteArray) answer = g_byte_array_new();
    guint8 bytes[1024];
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);

    if (got > 0)
        g_byte_array_append(server->asked, bytes, (guint)got);
    add_hex(answer, server->answer);
    for (guint at = 0; at < answer->len; at += 7) /* in pieces that cut PDUs */
        g_assert_cmpint(send(fd, answer->data + at, MIN(7, answer->len - at), MSG_NOSIGNAL), >, 0);
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        g_byte_array_append(server->asked, bytes, (guint)got);
    close(fd);
    return NULL;
}

static guint16 listen_on(struct server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(server->listener, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(server->listener, 1), ==, 0);
    g_assert_cmpint(getsockname(server->listener, (struct sockaddr *)&address, &size), ==, 0);
    return ntohs(address.sin_port);
}

#define NEW_ASPAS                                                                                  \
    "0203d2ea00000008"                                                                             \
    "0204000000000014011018000a0000000000fbf4"                                                     \
    "020b0100000000140000fbf40000fbfe0000fbff"                                                     \
    "020b0100000000100000fbf500000000"                                                             \
    "0207d2ea00000018"                                                                             \
    "00000001"                                                                                     \
    "00000e100000025800001c20"

static void test_newer_layout(void)
{
    struct server server = { .answer = NEW_ASPAS, .asked = g_byte_array_new() };
    struct cache cache = { .port = listen_on(&server) };
    GThread *thread = g_thread_new("server", serve, &server);
    struct rtr_client *client = connect_client(&cache, 2);

    comes_to_hold(client, "10.0.0.0/16-24 AS64500\n" ASPAS "AS64501:\n");
    rtr_client_stop(client);
    g_thread_join(thread);
    close(server.listener);
    g_assert_cmpmem(server.asked->data, server.asked->len, "\2\2\0\0\0\0\0\10", 8);
    g_byte_array_unref(server.asked);
    /* cppcheck-suppress memleak ; g_thread_join() takes the thread */
}

/* What is wrong is told to the cache before the connection is closed. */
static void test_errors_reach_the_cache(void)
{
    struct server server = { .answer = "0203d2ea00000008"
                                       "0204000000000014012118000a0000000000fbf4",
                             .asked = g_byte_array_new() };
    g_autofree char *port = g_strdup_printf("%u", listen_on(&server));
    const struct rtr_options options = { .host = "127.0.0.1", .port = port, .version = 2 };
    GThread *thread = g_thread_new("server", serve, &server);
    g_autoptr(GError) error = NULL;
    struct rtr_client *client = rtr_client_start(&options, &error);
    g_autofree char *problem = NULL;
    struct rtr_status status;

    g_assert_no_error(error);
    g_thread_join(thread); /* the client went by itself */
    close(server.listener);
    g_assert_cmpuint(server.asked->len, >, 16);
    g_assert_cmpuint(server.asked->data[9], ==, RTR_ERROR_REPORT);
    g_assert_cmpuint(server.asked->data[11], ==, RTR_CORRUPT_DATA);
    rtr_client_status(client, &status, &problem);
    g_assert_false(status.has_data);
    rtr_client_stop(client);
    g_byte_array_unref(server.asked);
    /* cppcheck-suppress memleak ; g_thread_join() took the thread */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/rtr-client/stayrtr/0", GUINT_TO_POINTER(0), test_stayrtr);
    g_test_add_data_func("/rtr-client/stayrtr/1", GUINT_TO_POINTER(1), test_stayrtr);
    g_test_add_data_func("/rtr-client/stayrtr/2", GUINT_TO_POINTER(2), test_stayrtr);
    g_test_add_func("/rtr-client/stayrtr/lower", test_a_cache_of_a_lower_version);
    g_test_add_func("/rtr-client/newer-layout", test_newer_layout);
    g_test_add_func("/rtr-client/errors", test_errors_reach_the_cache);
    g_test_add_func("/rtr-client/no-cache", test_no_cache);
    return g_test_run();
}
