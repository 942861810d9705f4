#include "p1_resilience/hunt/capture_values.h"

#include "p1_resilience/hunt/capture_streams.h"
#include "p1_resilience/hunt/keyed.h"

#include <arpa/inet.h>

static const char *const kind_names[CAPTURE_KINDS] = {
    [CAPTURE_IP] = "ip",
    [CAPTURE_DNS_QUESTION] = "dns-qname",
    [CAPTURE_DNS_OWNER] = "dns-rrname",
    [CAPTURE_DNS_A] = "dns-a",
    [CAPTURE_DNS_AAAA] = "dns-aaaa",
    [CAPTURE_DNS_CNAME] = "dns-cname",
    [CAPTURE_DNS_DNAME] = "dns-dname",
    [CAPTURE_DNS_NS] = "dns-ns",
    [CAPTURE_DNS_PTR] = "dns-ptr",
    [CAPTURE_DNS_MX] = "dns-mx",
    [CAPTURE_DNS_SRV] = "dns-srv",
    [CAPTURE_DNS_SOA] = "dns-soa",
    [CAPTURE_DNS_SVCB] = "dns-svcb",
    [CAPTURE_DNS_TXT] = "dns-txt",
    [CAPTURE_DNS_CLIENT] = "dns-client",
    [CAPTURE_TLS_NAME] = "tls-sni",
    [CAPTURE_TLS_ALPN] = "tls-alpn",
    [CAPTURE_HTTP_HOST] = "http-host",
    [CAPTURE_URL] = "url",
    [CAPTURE_AGENT] = "user-agent",
};

static const struct {
    const char *name, *text;
    gboolean is_loss;
} gaps[CAPTURE_GAPS] = {
    [PACKET_UNKNOWN_LINK] = { "unknown-link", "packets of a link type that is not known", TRUE },
    [PACKET_UNKNOWN_PROTOCOL] = { "other-protocol", "packets of other protocols", FALSE },
    [PACKET_CUT] = { "cut", "packets that the capture cut short", FALSE },
    [PACKET_MALFORMED] = { "malformed", "packets with impossible headers", FALSE },
    [PACKET_ENCRYPTED] = { "encrypted", "packets that are encrypted as a whole", FALSE },
    [PACKET_TOO_DEEP] = { "too-deep", "packets in too many packets", TRUE },
    [PACKET_FRAGMENTS_LOST] = { "fragments", "datagrams whose fragments did not all come", FALSE },
    [CAPTURE_GAP_PASSED_OVER] = { "passed-over", "packets too large, or of no interface", TRUE },
    [CAPTURE_GAP_TCP_MISSING] = { "tcp-missing", "places where bytes of a conversation are missing",
                                  FALSE },
    [CAPTURE_GAP_DNS_MALFORMED] = { "dns-malformed", "messages on DNS ports that are broken",
                                    FALSE },
    [CAPTURE_GAP_DNS_ENCRYPTED] = { "dns-encrypted", "conversations of encrypted DNS", FALSE },
    [CAPTURE_GAP_QUIC_CLOSED] = { "quic-closed", "QUIC conversations that do not open", FALSE },
    [CAPTURE_GAP_QUIC_VERSION] = { "quic-version", "QUIC packets of an unknown version", FALSE },
    [CAPTURE_GAP_TLS_MALFORMED] = { "tls-malformed", "TLS client hellos that are broken", FALSE },
    [CAPTURE_GAP_TLS_HIDDEN] = { "tls-hidden", "TLS client hellos that may hide their name",
                                 FALSE },
    [CAPTURE_GAP_HTTP_TWO] = { "http2", "conversations of HTTP/2 without TLS", TRUE },
};

/* A value that was given; the bytes of an address are as they are in the packet. */
struct seen {
    guint hash;
    guint8 kind;
    guint16 length;
    guint8 bytes[];
};

struct capture_values {
    capture_take take;
    gpointer data;
    struct keyed keyed;
    GHashTable *seen, *seen_before; /* of struct seen; when one is full, the older is given up */
    struct packet_layers *layers;
    struct streams *streams;
    struct flow_moment moment;
    struct capture_counts counts;
};

const char *capture_kind_name(enum capture_kind kind)
{
    return kind_names[kind];
}

const char *capture_gap_name(guint gap)
{
    return gaps[gap].name;
}

const char *capture_gap_text(guint gap)
{
    return gaps[gap].text;
}

gboolean capture_gap_is_loss(guint gap)
{
    return gaps[gap].is_loss;
}

static guint seen_hash(gconstpointer seen)
{
    return ((const struct seen *)seen)->hash;
}

static gboolean seen_equal(gconstpointer a, gconstpointer b)
{
    const struct seen *one = a, *other = b;

    return one->kind == other->kind && one->length == other->length &&
           memcmp(one->bytes, other->bytes, one->length) == 0;
}

static GHashTable *seen_new(void)
{
    return g_hash_table_new_full(seen_hash, seen_equal, g_free, NULL);
}

/* Whether it is the first of its kind; then it is remembered. */
static gboolean is_new(struct capture_values *values, enum capture_kind kind, gconstpointer bytes,
                       gsize length)
{
    union {
        struct seen seen;
        guint8 room[sizeof(struct seen) + CAPTURE_VALUE_MAX];
    } probe;

    probe.seen.hash = keyed_hash(&values->keyed, bytes, length) ^ (guint)kind;
    probe.seen.kind = (guint8)kind;
    probe.seen.length = (guint16)length;
    memcpy(probe.room + offsetof(struct seen, bytes), bytes, length);
    if (g_hash_table_contains(values->seen, &probe.seen) ||
        g_hash_table_contains(values->seen_before, &probe.seen))
        return FALSE;
    if (g_hash_table_size(values->seen) >= CAPTURE_DISTINCT_MAX) {
        g_hash_table_unref(values->seen_before);
        values->seen_before = values->seen;
        values->seen = seen_new();
    }
    g_hash_table_add(values->seen, g_memdup2(&probe, sizeof(struct seen) + length));
    return TRUE;
}

static void take_value(const struct capture_value *value, gpointer data)
{
    struct capture_values *values = data;

    if (value->length && is_new(values, value->kind, value->text, value->length))
        values->take(value, values->data);
}

static void take_gap(guint gap, gpointer data)
{
    struct capture_values *values = data;

    values->counts.gaps[gap]++;
}

static void take_address(guint8 family, const guint8 *address, gpointer data)
{
    struct capture_values *values = data;
    struct capture_value value = { .kind = CAPTURE_IP, .moment = values->moment };
    char text[INET6_ADDRSTRLEN];

    if (!is_new(values, CAPTURE_IP, address, family == 4 ? 4 : 16))
        return;
    inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof text);
    value.text = text;
    value.length = strlen(text);
    values->take(&value, values->data);
}

static void take_transport(const struct packet_transport *transport, gpointer data)
{
    struct capture_values *values = data;

    streams_add(values->streams, transport, &values->moment);
}

struct capture_values *capture_values_new(const struct quic_library *quic, capture_take take,
                                          gpointer data)
{
    struct capture_values *values = g_new0(struct capture_values, 1);
    struct packet_calls packet_calls = { take_address, take_transport, values };
    struct streams_calls streams_calls = { take_value, take_gap, values };

    values->take = take;
    values->data = data;
    keyed_init(&values->keyed);
    values->seen = seen_new();
    values->seen_before = seen_new();
    values->layers = packet_layers_new(&packet_calls);
    values->streams = streams_new(quic, &streams_calls);
    return values;
}

void capture_values_free(struct capture_values *values)
{
    if (!values)
        return;
    g_hash_table_unref(values->seen);
    g_hash_table_unref(values->seen_before);
    packet_layers_free(values->layers);
    streams_free(values->streams);
    g_free(values);
}

void capture_values_add(struct capture_values *values, const struct capture_packet *packet)
{
    values->counts.packets++;
    values->counts.bytes += packet->length;
    values->moment = (struct flow_moment){ packet->number, packet->time_ns };
    packet_read(values->layers, packet->link, packet->time_ns, packet->bytes, packet->length,
                packet->wire_length);
}

void capture_values_finish(struct capture_values *values)
{
    packet_finish(values->layers);
    streams_finish(values->streams);
    for (guint gap = 0; gap < PACKET_GAPS; gap++)
        values->counts.gaps[gap] = packet_gap_count(values->layers, gap);
    values->counts.gaps[CAPTURE_GAP_TCP_MISSING] = streams_missing(values->streams);
    values->counts.unknown_link = packet_unknown_link(values->layers);
}

const struct capture_counts *capture_values_counts(const struct capture_values *values)
{
    return &values->counts;
}
