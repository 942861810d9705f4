/* Against a real Knot DNS on loopback, with a zone it signs itself. */
#include "base/error.h"
#include "net/dns.h"
#include "server_port.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define TRIES 1800 /* of 0.1 s */

struct server {
    char *folder, *configuration, *address, *anchor, *wrong_anchor;
    GSubprocess *process;
};

static char *write_file(const struct server *server, const char *name, const char *text)
{
    char *path = g_build_filename(server->folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static char *run(const char *const *arguments)
{
    g_autoptr(GSubprocess) process = g_subprocess_newv(
        arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
    char *text = NULL;

    if (process && !g_subprocess_communicate_utf8(process, NULL, NULL, &text, NULL, NULL))
        return NULL;
    return text;
}

/* The record of the key that signs the zone's keys, once the server has made it. */
static char *dnskey(const struct server *server)
{
    for (guint i = 0; i < TRIES; i++) {
        const char *const arguments[] = { "keymgr",           "-c",     server->configuration,
                                          "entente.example.", "dnskey", NULL };
        char *text = run(arguments);

        if (text && strstr(text, "DNSKEY 257"))
            return text;
        g_free(text);
        g_usleep(100000);
    }
    return NULL;
}

static gboolean start(struct server *server)
{
    g_autofree char *knotd = g_find_program_in_path("knotd");
    g_autofree char *text = NULL, *zone = NULL, *record = NULL;
    guint16 port = server_port();

    if (!knotd && g_file_test("/usr/sbin/knotd", G_FILE_TEST_IS_EXECUTABLE))
        knotd = g_strdup("/usr/sbin/knotd");
    if (!knotd)
        return FALSE;
    server->folder = g_dir_make_tmp("entente-dns-XXXXXX", NULL);
    zone = write_file(server, "entente.example.zone",
                      "$ORIGIN entente.example.\n$TTL 300\n"
                      "@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 127.0.0.1\n"
                      "_entente TXT \"entente=0011\" \"2233\"\n_entente TXT \"other\"\n"
                      "alias CNAME _entente\n");
    text = g_strdup_printf("server:\n    rundir: %s\n    listen: 127.0.0.1@%u\n"
                           "database:\n    storage: %s\n"
                           "policy:\n  - id: ours\n    algorithm: ecdsap256sha256\n"
                           "zone:\n  - domain: entente.example\n    file: %s\n"
                           "    storage: %s\n    dnssec-signing: on\n    dnssec-policy: ours\n"
                           "    zonefile-load: difference\n    zonefile-sync: -1\n"
                           "    journal-content: all\n",
                           server->folder, port, server->folder, zone, server->folder);
    server->configuration = write_file(server, "knot.conf", text);
    server->address = g_strdup_printf("127.0.0.1@%u", port);
    server->process =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                         NULL, knotd, "-c", server->configuration, NULL);
    record = server->process ? dnskey(server) : NULL;
    g_assert_nonnull(record);
    server->anchor = write_file(server, "anchor", record);
    /* Another key of the same kind: every signature is then by a stranger. */
    server->wrong_anchor = write_file(server, "wrong-anchor",
                                      "entente.example. 300 IN DNSKEY 257 3 13 "
                                      "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+"
                                      "KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n");
    return TRUE;
}

static void stop(struct server *server)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", server->folder);

    if (server->process) {
        g_subprocess_force_exit(server->process);
        g_subprocess_wait(server->process, NULL, NULL);
        g_object_unref(server->process);
    }
    if (server->folder)
        g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL);
    g_free(server->folder);
    g_free(server->configuration);
    g_free(server->address);
    g_free(server->anchor);
    g_free(server->wrong_anchor);
}

static struct dns *open_dns(const struct server *server, const char *anchor)
{
    const struct dns_options options = { server->address, anchor, 60 * G_USEC_PER_SEC };
    g_autoptr(GError) error = NULL;
    struct dns *dns = dns_new(&options, &error);

    g_assert_no_error(error);
    return dns;
}

static void test_secure(gconstpointer data)
{
    const struct server *server = data;
    g_autoptr(dns_t) dns = open_dns(server, server->anchor);
    g_autoptr(GError) error = NULL;
    g_autoptr(dns_answer_t) answer = dns_ask(dns, "_entente.entente.example", DNS_TYPE_TXT, &error);
    gboolean joined = FALSE;

    g_assert_no_error(error);
    g_assert_cmpint(answer->security, ==, DNS_SECURE);
    g_assert_cmpuint(answer->data->len, ==, 2);
    for (guint i = 0; i < answer->data->len; i++) {
        g_autofree char *text = dns_txt(answer->data->pdata[i]);

        joined = joined || g_str_equal(text, "entente=00112233");
    }
    g_assert_true(joined);
    g_assert_cmpuint(answer->ttl_s, <=, 300);
}

static void test_bogus(gconstpointer data)
{
    const struct server *server = data;
    g_autoptr(dns_t) dns = open_dns(server, server->wrong_anchor);
    g_autoptr(GError) error = NULL;
    g_autoptr(dns_answer_t) answer = dns_ask(dns, "_entente.entente.example", DNS_TYPE_TXT, &error);

    g_assert_no_error(error);
    g_assert_cmpint(answer->security, ==, DNS_BOGUS);
    g_assert_cmpuint(answer->data->len, ==, 0);
}

static void test_absent(gconstpointer data)
{
    const struct server *server = data;
    g_autoptr(dns_t) dns = open_dns(server, server->anchor);
    g_autoptr(GError) error = NULL;
    g_autoptr(dns_answer_t) answer = dns_ask(dns, "nothing.entente.example", DNS_TYPE_TXT, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(answer->rcode, ==, DNS_RCODE_NXDOMAIN);
    g_assert_cmpint(answer->security, ==, DNS_SECURE); /* its absence is signed, too */
    g_assert_cmpuint(answer->data->len, ==, 0);
}

struct tally {
    guint answers, errors;
};

static void count(guint index, struct dns_answer *answer, const GError *error, gpointer data)
{
    struct tally *tally = data;

    if (answer && answer->data->len == 2)
        tally->answers++;
    if (error)
        tally->errors++;
}

static void test_many(gconstpointer data)
{
    const struct server *server = data;
    g_autoptr(dns_t) dns = open_dns(server, server->anchor);
    g_autoptr(GError) error = NULL;
    struct dns_question questions[300];
    struct tally tally = { 0 };

    for (guint i = 0; i < G_N_ELEMENTS(questions); i++)
        questions[i] =
            (struct dns_question){ i % 2 ? "alias.entente.example" : "_entente.entente.example",
                                   DNS_TYPE_TXT };
    g_assert_true(dns_ask_all(dns, questions, G_N_ELEMENTS(questions), count, &tally, &error));
    g_assert_cmpuint(tally.answers, ==, G_N_ELEMENTS(questions));
}

static void test_silence(void)
{
    g_autoptr(GSocket) deaf =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocketAddress) bound = NULL;
    g_autofree char *address = NULL;
    g_autoptr(dns_t) dns = NULL;
    g_autoptr(GError) error = NULL;
    struct dns_options options = { .timeout_us = 300000 };
    gint64 start_us = g_get_monotonic_time();

    g_assert_true(g_socket_bind(deaf, any, FALSE, NULL));
    bound = g_socket_get_local_address(deaf, NULL);
    address = g_strdup_printf("127.0.0.1@%u",
                              g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound)));
    options.server = address;
    dns = dns_new(&options, &error);
    g_assert_no_error(error);
    g_assert_null(dns_ask(dns, "entente.example", DNS_TYPE_TXT, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, 20 * G_USEC_PER_SEC);
}

static void test_txt(void)
{
    static const struct {
        const char *bytes;
        gsize length;
        const char *text;
    } records[] = {
        { "\3abc", 4, "abc" }, { "\1a\2bc", 5, "abc" }, { "\0", 1, "" },
        { "\4abc", 4, NULL },  { "", 0, NULL },         { "\2\xff\xfe", 3, NULL },
        { "\1a\1", 3, NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(records); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(records[i].bytes, records[i].length);
        g_autofree char *text = dns_txt(bytes);

        g_assert_cmpstr(text, ==, records[i].text);
    }
}

static void test_no_server(void)
{
    g_test_skip("knotd is not installed");
}

int main(int argc, char **argv)
{
    struct server server = { 0 };
    int status;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dns/txt", test_txt);
    g_test_add_func("/dns/silence", test_silence);
    if (start(&server)) {
        g_test_add_data_func("/dns/secure", &server, test_secure);
        g_test_add_data_func("/dns/bogus", &server, test_bogus);
        g_test_add_data_func("/dns/absent", &server, test_absent);
        g_test_add_data_func("/dns/many", &server, test_many);
    } else {
        g_test_add_func("/dns/secure", test_no_server);
    }
    status = g_test_run();
    stop(&server);
    return status;
}
