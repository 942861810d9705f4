/* ask.c: the sockets of probe.h. A visit is one address that goes through the list of probes. */
#include "base/error.h"
#include "net/address.h"
#include "p2_internet/zone/probe.h"
#include "p2_internet/zone/probe_list.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define VISITS_MAX 64u
#define TRIES 2u
#define TRY_US (2 * (gint64)G_USEC_PER_SEC)
#define LIMIT_US (90 * (gint64)G_USEC_PER_SEC)
#define HEADER 12u
#define RCODE_MASK 0x0f

static const char SILENCE[] = "no answer in time";

enum { DEAD_UDP = 1, DEAD_TCP = 2 };

struct visit {
    guint server; /* index */
    guint probe;  /* under way; PROBES: done */
    guint tries, dead;
    enum zone_transport transport;
    gboolean truncated;
    gboolean anywhere;   /* an answer may come from whoever it likes, to be told */
    int fd;              /* -1: none */
    GByteArray *message; /* what is asked, without the length */
    GByteArray *in;
    gsize sent; /* by TCP, with the length */
    gint64 begun_us, deadline_us;
};

struct round {
    const struct zone_server *servers;
    guint count;
    const struct zone_names *names;
    gint64 try_us, end_us;
    guint64 probes;
    GArray *replies;
};

static void visit_clear(gpointer data)
{
    struct visit *visit = data;

    if (visit->fd >= 0)
        close(visit->fd);
    visit->fd = -1;
    g_clear_pointer(&visit->message, g_byte_array_unref);
    g_clear_pointer(&visit->in, g_byte_array_unref);
}

static void stop(struct visit *visit)
{
    if (visit->fd >= 0)
        close(visit->fd);
    visit->fd = -1;
}

static void keep_reply(struct round *round, const struct visit *visit, GBytes *bytes,
                       const char *failure)
{
    struct zone_reply reply = {
        .server = visit->server,
        .probe = (enum zone_probe)visit->probe,
        .transport = visit->transport,
        .truncated = visit->truncated,
        .took_us = g_get_monotonic_time() - visit->begun_us,
        .bytes = bytes,
        .failure = failure,
    };

    g_array_append_val(round->replies, reply);
}

static gboolean open_socket(struct round *round, struct visit *visit)
{
    const struct sockaddr_storage *address = &round->servers[visit->server].address;
    const int kind = visit->transport == TRANSPORT_TCP ? SOCK_STREAM : SOCK_DGRAM;

    visit->fd = socket(address->ss_family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return visit->fd >= 0 &&
           (visit->anywhere ||
            connect(visit->fd, (const struct sockaddr *)address, zone_address_size(address)) == 0 ||
            errno == EINPROGRESS);
}

/* Sends what is under way anew. FALSE: it cannot be sent. */
static gboolean start(struct round *round, struct visit *visit)
{
    const struct sockaddr_storage *address = &round->servers[visit->server].address;

    stop(visit);
    visit->sent = 0;
    g_byte_array_set_size(visit->in, 0);
    visit->deadline_us = g_get_monotonic_time() + round->try_us;
    visit->anywhere = visit->transport == TRANSPORT_UDP && visit->tries >= TRIES;
    visit->tries++;
    if (!open_socket(round, visit))
        return FALSE;
    return visit->transport == TRANSPORT_TCP ||
           sendto(visit->fd, visit->message->data, visit->message->len, MSG_NOSIGNAL,
                  visit->anywhere ? (const struct sockaddr *)address : NULL,
                  visit->anywhere ? zone_address_size(address) : 0) == (ssize_t)visit->message->len;
}

static void next_probe(struct round *round, struct visit *visit);

static void failed(struct round *round, struct visit *visit, const char *why)
{
    if (visit->probe == PROBE_SOA && visit->transport == TRANSPORT_UDP)
        visit->dead |= DEAD_UDP;
    if (visit->probe == PROBE_SOA_TCP)
        visit->dead |= DEAD_TCP;
    keep_reply(round, visit, NULL, why);
    next_probe(round, visit);
}

static void try_or_fail(struct round *round, struct visit *visit, const char *why)
{
    guint most = visit->transport == TRANSPORT_TCP ? 1 : TRIES;

    /* Once more, for what a connected socket does not see. */
    if (visit->probe == PROBE_SOA && visit->transport == TRANSPORT_UDP && why == SILENCE)
        most++;
    while (visit->tries < most)
        if (start(round, visit))
            return;
    failed(round, visit, why);
}

/* Goes on to the next question that this server is asked. */
static void next_probe(struct round *round, struct visit *visit)
{
    const gboolean of_parent = round->servers[visit->server].of_parent;

    stop(visit);
    for (visit->probe++; visit->probe < PROBES; visit->probe++) {
        const guint flags = probe_flags_of((enum zone_probe)visit->probe);

        if (!(round->probes & G_GUINT64_CONSTANT(1) << visit->probe))
            continue;
        g_clear_pointer(&visit->message, g_byte_array_unref);
        visit->message =
            probe_message((enum zone_probe)visit->probe, &round->servers[visit->server],
                          round->names, (guint16)randombytes_uniform(G_MAXUINT16 + 1));
        if (!visit->message)
            continue;
        visit->begun_us = g_get_monotonic_time();
        visit->tries = 0;
        visit->truncated = FALSE;
        visit->transport = TRANSPORT_UDP;
        if (flags & PROBE_TCP || (visit->dead & DEAD_UDP && !of_parent))
            visit->transport = TRANSPORT_TCP;
        if (visit->dead == (DEAD_UDP | DEAD_TCP) ||
            (visit->dead & DEAD_TCP && visit->transport == TRANSPORT_TCP)) {
            keep_reply(round, visit, NULL, "not asked: it answered nothing before");
            continue;
        }
        try_or_fail(round, visit, "no connection");
        return;
    }
}

/* Whether these bytes answer what was asked: id, direction, question (case may differ). */
static gboolean is_answer(const struct visit *visit, const guint8 *bytes, gsize length)
{
    const GByteArray *asked = visit->message;
    gsize question = HEADER;

    if (length < HEADER || memcmp(bytes, asked->data, 2) != 0 || !(bytes[2] & 0x80))
        return FALSE;
    if (dns_get16(bytes + 4) == 0) /* an error, or the later messages of a transfer */
        return (bytes[3] & RCODE_MASK) != 0;
    question += dns_name_length(asked->data + HEADER) + 4;
    if (length < question)
        return FALSE;
    for (gsize i = HEADER; i < question; i++)
        if (g_ascii_tolower((char)bytes[i]) != g_ascii_tolower((char)asked->data[i]))
            return FALSE;
    return TRUE;
}

static void take_answer(struct round *round, struct visit *visit, const guint8 *bytes, gsize length)
{
    const gboolean truncated = (dns_get16(bytes + 2) & DNS_FLAG_TC) != 0;

    if (truncated && visit->transport == TRANSPORT_UDP && !(visit->dead & DEAD_TCP) &&
        !(probe_flags_of((enum zone_probe)visit->probe) & PROBE_UDP_ONLY)) {
        visit->truncated = TRUE;
        visit->transport = TRANSPORT_TCP;
        visit->tries = 0;
        try_or_fail(round, visit, "no answer by TCP after a truncated one by UDP");
        return;
    }
    visit->truncated |= truncated;
    keep_reply(round, visit, g_bytes_new(bytes, length), NULL);
    next_probe(round, visit);
}

/* An IPv6 address may come back with a scope, which was not asked for. */
static gboolean is_same(const struct sockaddr_storage *asked, const struct sockaddr_storage *from)
{
    g_autofree char *one = address_text((const struct sockaddr *)asked);
    g_autofree char *other = address_text((const struct sockaddr *)from);

    return g_str_equal(one, other);
}

static void read_datagram(struct round *round, struct visit *visit)
{
    g_autofree guint8 *bytes = g_malloc(DNS_MESSAGE_MAX);
    struct sockaddr_storage from = { 0 };
    socklen_t size = sizeof from;
    const ssize_t length =
        recvfrom(visit->fd, bytes, DNS_MESSAGE_MAX, 0, (struct sockaddr *)&from, &size);

    if (length < 0 && errno != EAGAIN && errno != EINTR)
        try_or_fail(round, visit, "the port is closed");
    else if (length <= 0 || !is_answer(visit, bytes, (gsize)length))
        return;
    else if (visit->anywhere && !is_same(&round->servers[visit->server].address, &from))
        failed(round, visit, ZONE_OTHER_SOURCE);
    else
        take_answer(round, visit, bytes, (gsize)length);
}

/* FALSE: the connection failed. */
static gboolean write_stream(struct visit *visit)
{
    const guint8 head[2] = { (guint8)(visit->message->len >> 8), (guint8)visit->message->len };
    g_autoptr(GByteArray) out = g_byte_array_new();
    ssize_t written;

    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, visit->message->data, visit->message->len);
    if (visit->sent == out->len)
        return TRUE;
    written = send(visit->fd, out->data + visit->sent, out->len - visit->sent, MSG_NOSIGNAL);
    if (written < 0)
        return errno == EAGAIN || errno == EINTR;
    visit->sent += (gsize)written;
    return TRUE;
}

static void read_stream(struct round *round, struct visit *visit)
{
    guint8 bytes[4096];
    const ssize_t length = recv(visit->fd, bytes, sizeof bytes, 0);
    gsize whole;

    if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) {
        try_or_fail(round, visit, length == 0 ? "it closed the connection" : "no connection");
        return;
    }
    if (length < 0)
        return;
    g_byte_array_append(visit->in, bytes, (guint)length);
    if (visit->in->len < 2)
        return;
    whole = 2 + (gsize)dns_get16(visit->in->data);
    if (visit->in->len < whole)
        return;
    if (is_answer(visit, visit->in->data + 2, whole - 2)) {
        g_autofree guint8 *answer = g_memdup2(visit->in->data + 2, whole - 2);

        take_answer(round, visit, answer, whole - 2);
    } else {
        try_or_fail(round, visit, "an answer to something else");
    }
}

static void handle(struct round *round, struct visit *visit, short events)
{
    if (visit->transport == TRANSPORT_UDP) {
        read_datagram(round, visit);
        return;
    }
    if (events & POLLOUT && !write_stream(visit)) {
        try_or_fail(round, visit, "no connection");
        return;
    }
    if (events & (POLLIN | POLLERR | POLLHUP))
        read_stream(round, visit);
}

/* What to wait for; how many. */
static guint gather(GArray *visits, struct pollfd *ready, struct visit **of, gint64 *next_us)
{
    guint count = 0;

    for (guint i = 0; i < visits->len; i++) {
        struct visit *visit = &g_array_index(visits, struct visit, i);

        if (visit->probe >= PROBES)
            continue;
        *next_us = MIN(*next_us, visit->deadline_us);
        ready[count].fd = visit->fd;
        ready[count].events = POLLIN;
        ready[count].revents = 0;
        if (visit->transport == TRANSPORT_TCP && visit->sent < visit->message->len + 2)
            ready[count].events |= POLLOUT;
        of[count++] = visit;
    }
    return count;
}

static gboolean turn(struct round *round, GArray *visits, GError **error)
{
    struct pollfd ready[VISITS_MAX];
    struct visit *of[VISITS_MAX];
    gint64 next_us = round->end_us, left_us;
    const guint count = gather(visits, ready, of, &next_us);

    if (!count)
        return TRUE;
    left_us = MAX(next_us - g_get_monotonic_time(), 0);
    if (poll(ready, count, (int)(left_us / 1000 + 1)) < 0 && errno != EINTR)
        return errno_error(error, errno, "poll");
    for (guint i = 0; i < count; i++) {
        if (ready[i].revents)
            handle(round, of[i], ready[i].revents);
        else if (g_get_monotonic_time() >= of[i]->deadline_us)
            try_or_fail(round, of[i], SILENCE);
    }
    return TRUE;
}

static gboolean is_busy(const GArray *visits)
{
    for (guint i = 0; i < visits->len; i++)
        if (g_array_index(visits, struct visit, i).probe < PROBES)
            return TRUE;
    return FALSE;
}

static void give_up(struct round *round, const GArray *visits)
{
    for (guint i = 0; i < visits->len; i++) {
        const struct visit *visit = &g_array_index(visits, struct visit, i);

        if (visit->probe < PROBES)
            keep_reply(round, visit, NULL, "no time was left");
    }
}

static gboolean ask_some(struct round *round, guint from, guint count, GError **error)
{
    g_autoptr(GArray) visits = g_array_new(FALSE, TRUE, sizeof(struct visit));

    g_array_set_clear_func(visits, visit_clear);
    for (guint i = 0; i < count; i++) {
        const struct visit visit = {
            .server = from + i, .probe = -1u, .fd = -1, .in = g_byte_array_new()
        };

        g_array_append_val(visits, visit);
    }
    for (guint i = 0; i < count; i++)
        next_probe(round, &g_array_index(visits, struct visit, i));
    while (is_busy(visits)) {
        if (g_get_monotonic_time() >= round->end_us) {
            give_up(round, visits);
            return TRUE;
        }
        if (!turn(round, visits, error))
            return FALSE;
    }
    return TRUE;
}

GArray *zone_ask(const struct zone_server *servers, guint count, const struct zone_names *names,
                 const struct ask_options *options, GError **error)
{
    g_autoptr(GArray) replies = g_array_new(FALSE, TRUE, sizeof(struct zone_reply));
    const gint64 limit_us = options->limit_us ? options->limit_us : LIMIT_US;
    struct round round = {
        .servers = servers,
        .count = count,
        .names = names,
        .try_us = options->try_us ? options->try_us : TRY_US,
        .end_us = g_get_monotonic_time() + limit_us,
        .probes = options->probes ? options->probes : ~G_GUINT64_CONSTANT(0),
        .replies = replies,
    };

    g_array_set_clear_func(replies, (GDestroyNotify)zone_reply_clear);
    for (guint from = 0; from < count; from += VISITS_MAX)
        if (!ask_some(&round, from, MIN(VISITS_MAX, count - from), error))
            return NULL;
    return g_steal_pointer(&replies);
}

int zone_transfer_start(const struct sockaddr_storage *address, const guint8 *zone, gint64 limit_us,
                        GError **error)
{
    const struct timeval limit = { limit_us / G_USEC_PER_SEC, limit_us % G_USEC_PER_SEC };
    const struct dns_query query = {
        .name = zone,
        .id = (guint16)randombytes_uniform(G_MAXUINT16 + 1),
        .type = DNS_TYPE_AXFR,
        .class = DNS_CLASS_IN,
    };
    g_autoptr(GByteArray) message = dns_query_build(&query);
    const guint8 head[2] = { (guint8)(message->len >> 8), (guint8)message->len };
    const int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_byte_array_prepend(message, head, sizeof head);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
        connect(fd, (const struct sockaddr *)address, zone_address_size(address)) == 0 &&
        send(fd, message->data, message->len, MSG_NOSIGNAL) == (ssize_t)message->len)
        return fd;
    errno_error(error, errno, "transfer");
    if (fd >= 0)
        close(fd);
    return -1;
}
