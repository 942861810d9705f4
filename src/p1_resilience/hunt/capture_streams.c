#include "p1_resilience/hunt/capture_streams.h"

#include "p1_resilience/hunt/capture_quic.h"
#include "p1_resilience/hunt/dns_names.h"
#include "p1_resilience/hunt/http_requests.h"
#include "p1_resilience/hunt/octets.h"
#include "p1_resilience/hunt/tls_hello.h"

#include <arpa/inet.h>
#include <string.h>

#define PORT_DNS 53
#define PORT_HTTPS 443
#define PORT_DNS_TLS 853
#define PORT_SSDP 1900
#define DNS_MESSAGE_MIN 12
#define TLS_RECORD_HANDSHAKE 22

struct streams {
    struct streams_calls calls;
    struct flows *flows;
    struct quic_table *quic;
    /* Where the values that are being given come from: */
    const struct packet_flow *flow;
    struct flow_moment moment;
    gboolean is_dns_encrypted; /* the hello is DNS over TLS or QUIC */
};

/* One direction of a TCP conversation. */
struct stream {
    GByteArray *dns; /* at most one of these three is not NULL */
    struct tls_collector *tls;
    struct http_reader *http;
};

static void give(struct streams *streams, enum capture_kind kind, gconstpointer text, gsize length)
{
    struct capture_value value = {
        .kind = kind,
        .text = text,
        .length = MIN(length, CAPTURE_VALUE_MAX),
        .moment = streams->moment,
        .flow = *streams->flow,
    };

    streams->calls.value(&value, streams->calls.data);
}

static void gap(struct streams *streams, guint which)
{
    streams->calls.gap(which, streams->calls.data);
}

static gboolean has_port(const struct packet_flow *flow, guint16 port)
{
    return flow->source_port == port || flow->destination_port == port;
}

static gboolean is_dns(const struct packet_flow *flow)
{
    static const guint16 ports[] = { PORT_DNS, 5353, 5355 };

    for (guint i = 0; i < G_N_ELEMENTS(ports); i++)
        if (has_port(flow, ports[i]))
            return TRUE;
    return FALSE;
}

/* ---- DNS */

static const enum capture_kind dns_kinds[] = {
    [DNS_QUESTION] = CAPTURE_DNS_QUESTION,
    [DNS_OWNER] = CAPTURE_DNS_OWNER,
    [DNS_IPV4] = CAPTURE_DNS_A,
    [DNS_IPV6] = CAPTURE_DNS_AAAA,
    [DNS_CNAME] = CAPTURE_DNS_CNAME,
    [DNS_DNAME] = CAPTURE_DNS_DNAME,
    [DNS_NS] = CAPTURE_DNS_NS,
    [DNS_PTR] = CAPTURE_DNS_PTR,
    [DNS_MX] = CAPTURE_DNS_MX,
    [DNS_SRV] = CAPTURE_DNS_SRV,
    [DNS_SOA] = CAPTURE_DNS_SOA,
    [DNS_SVCB] = CAPTURE_DNS_SVCB,
    [DNS_TEXT] = CAPTURE_DNS_TXT,
    [DNS_CLIENT] = CAPTURE_DNS_CLIENT,
};

static void take_dns(enum dns_item item, const guint8 *bytes, gsize length, gpointer data)
{
    char text[INET6_ADDRSTRLEN];

    if (item != DNS_IPV4 && item != DNS_IPV6 && item != DNS_CLIENT)
        return give(data, dns_kinds[item], bytes, length);
    inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text);
    give(data, dns_kinds[item], text, strlen(text));
}

static void read_dns(struct streams *streams, const guint8 *bytes, gsize length, gboolean is_cut)
{
    if (!dns_message_read(bytes, length, take_dns, streams) && !is_cut)
        gap(streams, CAPTURE_GAP_DNS_MALFORMED);
}

/* Messages behind their lengths (RFC 1035 section 4.2.2). */
static void add_dns(struct streams *streams, struct stream *stream, const guint8 *bytes,
                    gsize length)
{
    gsize at = 0;

    if (!stream->dns)
        stream->dns = g_byte_array_new();
    g_byte_array_append(stream->dns, bytes, (guint)length);
    while (stream->dns->len - at >= 2) {
        gsize size = octets_be16(stream->dns->data + at);

        if (size < DNS_MESSAGE_MIN) { /* not the beginning of a message: wait for one */
            gap(streams, CAPTURE_GAP_DNS_MALFORMED);
            at = stream->dns->len;
            break;
        }
        if (stream->dns->len - at - 2 < size)
            break;
        read_dns(streams, stream->dns->data + at + 2, size, FALSE);
        at += size + 2;
    }
    g_byte_array_remove_range(stream->dns, 0, (guint)at);
}

/* ---- TLS */

static void take_tls(enum tls_item item, const guint8 *bytes, gsize length, gpointer data)
{
    struct streams *streams = data;

    if (item == TLS_SERVER_NAME)
        return give(streams, CAPTURE_TLS_NAME, bytes, length);
    if (item == TLS_ENCRYPTED_HELLO)
        return gap(streams, CAPTURE_GAP_TLS_HIDDEN);
    give(streams, CAPTURE_TLS_ALPN, bytes, length);
    if (length == 3 && (memcmp(bytes, "dot", 3) == 0 || memcmp(bytes, "doq", 3) == 0))
        streams->is_dns_encrypted = TRUE;
}

static void read_hello(struct streams *streams, const guint8 *message, gsize length)
{
    streams->is_dns_encrypted = has_port(streams->flow, PORT_DNS_TLS);
    if (!tls_hello_read(message, length, take_tls, streams))
        gap(streams, CAPTURE_GAP_TLS_MALFORMED);
    if (streams->is_dns_encrypted)
        gap(streams, CAPTURE_GAP_DNS_ENCRYPTED);
}

/* FALSE: the bytes are no TLS that says anything. */
static gboolean add_tls(struct streams *streams, struct stream *stream, const guint8 *bytes,
                        gsize length)
{
    enum tls_progress progress = tls_collector_add(stream->tls, bytes, length);
    const guint8 *message;
    gsize size;

    if (progress == TLS_MORE)
        return TRUE;
    if (progress == TLS_WHOLE) {
        message = tls_collector_message(stream->tls, &size);
        read_hello(streams, message, size);
    }
    g_clear_pointer(&stream->tls, tls_collector_free);
    return progress == TLS_WHOLE;
}

/* ---- HTTP */

static void take_http(enum http_item item, const guint8 *bytes, gsize length, gpointer data)
{
    static const enum capture_kind kinds[] = {
        [HTTP_HOST] = CAPTURE_HTTP_HOST,
        [HTTP_URL] = CAPTURE_URL,
        [HTTP_AGENT] = CAPTURE_AGENT,
    };

    give(data, kinds[item], bytes, length);
}

static gboolean add_http(struct streams *streams, struct stream *stream, const guint8 *bytes,
                         gsize length)
{
    enum http_progress progress = http_reader_add(stream->http, bytes, length);

    if (progress == HTTP_MORE)
        return TRUE;
    if (progress == HTTP_TWO)
        gap(streams, CAPTURE_GAP_HTTP_TWO);
    g_clear_pointer(&stream->http, http_reader_free);
    return FALSE;
}

static void read_ssdp(struct streams *streams, const guint8 *bytes, gsize length)
{
    g_autoptr(http_reader_t) reader = http_reader_new(take_http, streams);

    if (http_reader_add(reader, bytes, length) == HTTP_MORE)
        http_reader_finish(reader);
}

/* ---- streams */

/* What was begun ends; a request whose head is cut still says something. */
static void stream_reset(struct stream *stream)
{
    if (stream->http)
        http_reader_finish(stream->http);
    g_clear_pointer(&stream->http, http_reader_free);
    g_clear_pointer(&stream->tls, tls_collector_free);
    g_clear_pointer(&stream->dns, g_byte_array_unref);
}

/* Bytes where a segment begins, and nothing is under way. */
static void begin(struct streams *streams, struct stream *stream, const guint8 *bytes, gsize length)
{
    if (bytes[0] == TLS_RECORD_HANDSHAKE) {
        stream->tls = tls_collector_new();
        add_tls(streams, stream, bytes, length);
    } else if (http_may_begin(bytes[0])) {
        stream->http = http_reader_new(take_http, streams);
        add_http(streams, stream, bytes, length);
    }
}

static void take_bytes(const struct packet_flow *flow, const struct flow_moment *moment,
                       const guint8 *bytes, gsize length, gboolean is_start, gpointer *state,
                       gpointer data)
{
    struct streams *streams = data;
    struct stream *stream = *state;

    streams->flow = flow;
    streams->moment = *moment;
    if (!stream)
        *state = stream = g_new0(struct stream, 1);
    if (is_start)
        stream_reset(stream);
    if (is_dns(flow))
        return add_dns(streams, stream, bytes, length);
    /* What was under way may have ended without a word, and something else begin here. */
    if ((stream->tls && add_tls(streams, stream, bytes, length)) ||
        (stream->http && add_http(streams, stream, bytes, length)))
        return;
    begin(streams, stream, bytes, length);
}

static void end_stream(const struct packet_flow *flow, const struct flow_moment *moment,
                       gpointer state, gpointer data)
{
    struct streams *streams = data;

    streams->flow = flow;
    streams->moment = *moment;
    stream_reset(state);
    g_free(state);
}

static void take_quic(const struct packet_flow *flow, const struct flow_moment *moment,
                      const guint8 *message, gsize length, gpointer data)
{
    struct streams *streams = data;

    streams->flow = flow;
    streams->moment = *moment;
    read_hello(streams, message, length);
}

struct streams *streams_new(const struct quic_library *quic, const struct streams_calls *calls)
{
    struct streams *streams = g_new0(struct streams, 1);
    struct flow_calls flow_calls = { take_bytes, end_stream, streams };

    streams->calls = *calls;
    streams->flows = flows_new(&flow_calls);
    streams->quic = quic_table_new(quic, take_quic, streams);
    return streams;
}

void streams_free(struct streams *streams)
{
    if (!streams)
        return;
    flows_free(streams->flows);
    quic_table_free(streams->quic);
    g_free(streams);
}

static void read_datagram(struct streams *streams, const struct packet_transport *datagram)
{
    gboolean is_unknown;

    if (is_dns(&datagram->flow))
        return read_dns(streams, datagram->payload, datagram->length, datagram->is_cut);
    if (has_port(&datagram->flow, PORT_SSDP))
        return read_ssdp(streams, datagram->payload, datagram->length);
    if (datagram->is_quoted)
        return;
    if (quic_is_initial(datagram->payload, datagram->length, &is_unknown))
        quic_table_add(streams->quic, datagram, &streams->moment);
    else if (is_unknown && has_port(&datagram->flow, PORT_HTTPS))
        gap(streams, CAPTURE_GAP_QUIC_VERSION);
}

void streams_add(struct streams *streams, const struct packet_transport *transport,
                 const struct flow_moment *moment)
{
    streams->flow = &transport->flow;
    streams->moment = *moment;
    if (transport->flow.protocol == PACKET_TCP) {
        if (!transport->is_quoted)
            flows_add(streams->flows, transport, moment);
    } else if (transport->length) {
        read_datagram(streams, transport);
    }
}

void streams_finish(struct streams *streams)
{
    flows_finish(streams->flows);
    for (guint64 closed = quic_table_finish(streams->quic); closed; closed--)
        gap(streams, CAPTURE_GAP_QUIC_CLOSED);
}

guint64 streams_missing(const struct streams *streams)
{
    return flows_missing(streams->flows);
}
