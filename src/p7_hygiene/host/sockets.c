#include "p7_hygiene/host/sockets.h"

#include "p7_hygiene/host/entries.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_LISTEN 10     /* TCP_LISTEN of the kernel's tcp_states.h */
#define STATE_UNCONNECTED 7 /* TCP_CLOSE: a datagram socket without a peer */
#define MAX_PROCESSES 65536
#define MAX_LISTENERS 65536

static const struct table {
    const char *protocol, *path;
    guint8 family, number;
} tables[] = {
    { "tcp", "/proc/net/tcp", AF_INET, IPPROTO_TCP },
    { "tcp", "/proc/net/tcp6", AF_INET6, IPPROTO_TCP },
    { "udp", "/proc/net/udp", AF_INET, IPPROTO_UDP },
    { "udp", "/proc/net/udp6", AF_INET6, IPPROTO_UDP },
    { "raw", "/proc/net/raw", AF_INET, IPPROTO_RAW },
    { "raw", "/proc/net/raw6", AF_INET6, IPPROTO_RAW },
};

static void listener_clear(gpointer data)
{
    g_free(((struct listener *)data)->program);
}

gboolean listener_is_loopback(const struct listener *listener)
{
    static const guint8 mapped[12] = { [10] = 0xFF, [11] = 0xFF };

    if (listener->family == AF_INET)
        return listener->address[0] == 127;
    if (memcmp(listener->address, mapped, sizeof mapped) == 0)
        return listener->address[12] == 127;
    return memcmp(listener->address, &in6addr_loopback, sizeof in6addr_loopback) == 0;
}

char *listener_name(const struct listener *listener)
{
    return g_strdup_printf("%s/%u", listener->protocol, listener->port);
}

char *listener_address(const struct listener *listener)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(listener->family, listener->address, text, sizeof text);
    return g_strdup_printf(listener->family == AF_INET6 ? "[%s]:%u" : "%s:%u", text,
                           listener->port);
}

/* "0100007F:0019": words of the address in host order of a little-endian machine. */
static gboolean parse_address(const char *text, struct listener *listener)
{
    const char *colon = strchr(text, ':');
    gsize digits = colon ? colon - text : 0;
    char *end;

    if (digits != 8 && digits != 32)
        return FALSE;
    listener->family = digits == 8 ? AF_INET : AF_INET6;
    for (gsize word = 0; word < digits / 8; word++) {
        char hex[9] = { 0 };
        guint32 value;

        memcpy(hex, text + word * 8, 8);
        value = strtoul(hex, &end, 16);
        if (*end)
            return FALSE;
        value = GUINT32_TO_LE(value);
        memcpy(listener->address + word * 4, &value, 4);
    }
    listener->port = strtoul(colon + 1, &end, 16);
    return end == colon + 5;
}

guint sockets_parse(const char *text, gsize length, const char *protocol, const char *source,
                    GArray *listeners)
{
    const char *end = text + length;
    guint broken = 0, line = 0;

    while (text < end && listeners->len < MAX_LISTENERS) {
        const char *stop = memchr(text, '\n', end - text);
        g_autofree char *copy = g_strndup(text, (stop ? stop : end) - text);
        char local[64], remote[64];
        struct listener listener = { .protocol = protocol, .source = source };
        guint state;
        unsigned long long inode;

        text = stop ? stop + 1 : end;
        if (line++ == 0 || !*copy)
            continue;
        if (sscanf(copy, " %*[^:]: %63s %63s %x %*s %*s %*s %u %*s %llu", local, remote, &state,
                   &listener.uid, &inode) != 5 ||
            !parse_address(local, &listener)) {
            broken++;
            continue;
        }
        listener.inode = inode;
        if (state == (g_str_equal(protocol, "tcp") ? STATE_LISTEN : STATE_UNCONNECTED))
            g_array_append_val(listeners, listener);
    }
    return broken;
}

struct dump {
    GArray *listeners;
    const char *protocol;
};

static int on_socket(const struct nlmsghdr *header, void *data)
{
    const struct dump *dump = data;
    const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
    struct listener listener = { .protocol = dump->protocol, .source = "sock_diag" };

    if (mnl_nlmsg_get_payload_len(header) < sizeof *message ||
        dump->listeners->len >= MAX_LISTENERS)
        return MNL_CB_ERROR;
    listener.family = message->idiag_family;
    memcpy(listener.address, message->id.idiag_src, sizeof listener.address);
    listener.port = ntohs(message->id.idiag_sport);
    listener.uid = message->idiag_uid;
    listener.inode = message->idiag_inode;
    g_array_append_val(dump->listeners, listener);
    return MNL_CB_OK;
}

/* One dump of sock_diag(7); FALSE where the kernel or the sandbox does not offer it. */
static gboolean dump_table(struct mnl_socket *socket, const struct table *table, guint sequence,
                           GArray *listeners)
{
    char buffer[16384];
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    struct inet_diag_req_v2 *request;
    struct dump dump = { listeners, table->protocol };
    ssize_t got;
    int more = MNL_CB_OK;

    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = sequence;
    request = mnl_nlmsg_put_extra_header(header, sizeof *request);
    request->sdiag_family = table->family;
    request->sdiag_protocol = table->number;
    request->idiag_states = 1u << (table->number == IPPROTO_TCP ? STATE_LISTEN : STATE_UNCONNECTED);
    if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
        return FALSE;
    while (more == MNL_CB_OK) {
        got = mnl_socket_recvfrom(socket, buffer, sizeof buffer);
        if (got <= 0)
            return FALSE;
        more = mnl_cb_run(buffer, got, sequence, mnl_socket_get_portid(socket), on_socket, &dump);
    }
    return more == MNL_CB_STOP;
}

static gboolean dump_all(GArray *listeners)
{
    struct mnl_socket *socket = mnl_socket_open(NETLINK_SOCK_DIAG);
    gboolean done = socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0;

    for (guint i = 0; done && i < G_N_ELEMENTS(tables); i++) {
        /* Raw sockets need the raw_diag module; what it lacks /proc/net/raw has. */
        if (tables[i].number != IPPROTO_RAW)
            done = dump_table(socket, &tables[i], i + 1, listeners);
    }
    if (socket)
        mnl_socket_close(socket);
    return done;
}

/* Calls what holds one of the sockets by the name of its process; gives how many got a name. */
static guint name_sockets_of(struct host *host, const char *process, GHashTable *by_inode)
{
    static const char prefix[] = "socket:[";
    g_autofree char *folder = g_strdup_printf("/proc/%s/fd", process);
    g_autofree char *name_path = g_strdup_printf("/proc/%s/comm", process);
    int fd = host_open(host, folder, O_DIRECTORY);
    struct entries descriptors;
    const char *descriptor;
    guint named = 0;

    if (fd < 0)
        return 0;
    entries_begin(&descriptors, fd);
    while ((descriptor = entries_next(&descriptors, NULL))) {
        char target[64]; /* longer ones are files */
        ssize_t length = readlinkat(fd, descriptor, target, sizeof target - 1);
        struct listener *listener;
        gint64 inode;

        target[MAX(length, 0)] = 0;
        if (!g_str_has_prefix(target, prefix))
            continue;
        inode = g_ascii_strtoll(target + strlen(prefix), NULL, 10);
        listener = g_hash_table_lookup(by_inode, &inode);
        if (listener && !listener->program) {
            const struct host_file *name = host_read(host, name_path);

            listener->program = name->text ? g_strchomp(g_strdup(name->text)) : NULL;
            named += listener->program != NULL;
        }
    }
    close(fd);
    return named;
}

/* The program behind each inode, by the links of /proc/PID/fd; as root all, else one's own. */
static void name_programs(struct host *host, GArray *listeners)
{
    g_autoptr(GHashTable) by_inode = g_hash_table_new(g_int64_hash, g_int64_equal);
    guint looked_at = 0, named = 0;

    for (guint i = 0; i < listeners->len; i++) {
        struct listener *listener = &g_array_index(listeners, struct listener, i);

        g_hash_table_insert(by_inode, &listener->inode, listener);
    }
    for (char *const *process = host_processes(host);
         *process && looked_at < MAX_PROCESSES && named < g_hash_table_size(by_inode); process++) {
        looked_at++;
        named += name_sockets_of(host, *process, by_inode);
    }
}

static gpointer load(struct host *host)
{
    struct sockets *sockets = g_new0(struct sockets, 1);
    gboolean dumped;

    sockets->listeners = g_array_new(FALSE, TRUE, sizeof(struct listener));
    g_array_set_clear_func(sockets->listeners, listener_clear);
    dumped = host_is_live(host) && dump_all(sockets->listeners);
    if (!dumped)
        g_array_set_size(sockets->listeners, 0);
    sockets->known = dumped;
    for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
        const struct host_file *file;

        if (dumped && tables[i].number != IPPROTO_RAW)
            continue;
        file = host_read(host, tables[i].path);
        if (file->state != HOST_OK)
            continue;
        sockets_parse(file->text, file->length, tables[i].protocol, tables[i].path,
                      sockets->listeners);
        sockets->known |= tables[i].number == IPPROTO_TCP;
    }
    if (host_is_live(host) && sockets->listeners->len)
        name_programs(host, sockets->listeners);
    return sockets;
}

static void unload(gpointer fact)
{
    struct sockets *sockets = fact;

    g_array_unref(sockets->listeners);
    g_free(sockets);
}

const struct sockets *sockets_get(struct host *host)
{
    static const struct fact_kind kind = { "sockets", load, unload };

    return host_fact(host, &kind);
}
