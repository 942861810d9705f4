#include "p1_resilience/hunt/capture_quic.h"

#include "p1_resilience/hunt/keyed.h"

/* Two ends, the lower first: which of them is the client shows when a packet opens. */
struct conversation {
    struct packet_flow key;
    guint hash;
    GList link; /* the one heard of last at the tail */
    gboolean is_open;
    struct quic_reader *readers[2]; /* of what the lower end sent, and the other */
};

struct quic_table {
    const struct quic_library *library;
    quic_take take;
    gpointer data;
    struct keyed keyed;
    GHashTable *table; /* struct conversation: by itself */
    GQueue order;
    guint64 closed;
};

static guint conversation_hash(gconstpointer conversation)
{
    return ((const struct conversation *)conversation)->hash;
}

static gboolean conversation_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(&((const struct conversation *)a)->key, &((const struct conversation *)b)->key,
                  sizeof(struct packet_flow)) == 0;
}

static void conversation_free(gpointer data)
{
    struct conversation *conversation = data;

    quic_reader_free(conversation->readers[0]);
    quic_reader_free(conversation->readers[1]);
    g_free(conversation);
}

struct quic_table *quic_table_new(const struct quic_library *library, quic_take take, gpointer data)
{
    struct quic_table *table = g_new0(struct quic_table, 1);

    table->library = library;
    table->take = take;
    table->data = data;
    keyed_init(&table->keyed);
    table->table =
        g_hash_table_new_full(conversation_hash, conversation_equal, conversation_free, NULL);
    g_queue_init(&table->order);
    return table;
}

void quic_table_free(struct quic_table *table)
{
    if (!table)
        return;
    g_hash_table_unref(table->table);
    g_free(table);
}

static void drop_oldest(struct quic_table *table)
{
    struct conversation *oldest = g_queue_peek_head(&table->order);

    table->closed += !oldest->is_open;
    g_queue_unlink(&table->order, &oldest->link);
    g_hash_table_remove(table->table, oldest);
}

/* The same for both directions; TRUE: the sender is the lower end. */
static gboolean key_of(const struct packet_flow *flow, struct packet_flow *key)
{
    int order = memcmp(flow->source, flow->destination, sizeof flow->source);
    gboolean is_lower = order ? order < 0 : flow->source_port <= flow->destination_port;

    *key = *flow;
    if (!is_lower) {
        memcpy(key->source, flow->destination, sizeof key->source);
        memcpy(key->destination, flow->source, sizeof key->destination);
        key->source_port = flow->destination_port;
        key->destination_port = flow->source_port;
    }
    return is_lower;
}

static struct conversation *conversation_of(struct quic_table *table, const struct packet_flow *key)
{
    struct conversation probe = {
        .key = *key,
        .hash = keyed_hash(&table->keyed, key, sizeof *key),
    };
    struct conversation *conversation = g_hash_table_lookup(table->table, &probe);

    if (conversation) {
        g_queue_unlink(&table->order, &conversation->link);
    } else {
        if (table->order.length >= QUIC_CONVERSATIONS_MAX)
            drop_oldest(table);
        conversation = g_new0(struct conversation, 1);
        conversation->key = *key;
        conversation->hash = probe.hash;
        conversation->link.data = conversation;
        g_hash_table_add(table->table, conversation);
    }
    g_queue_push_tail_link(&table->order, &conversation->link);
    return conversation;
}

void quic_table_add(struct quic_table *table, const struct packet_transport *datagram,
                    const struct flow_moment *moment)
{
    struct packet_flow key;
    gboolean is_lower = key_of(&datagram->flow, &key);
    struct conversation *conversation = conversation_of(table, &key);
    struct quic_reader **reader = &conversation->readers[!is_lower];
    enum quic_progress progress;
    const guint8 *message;
    gsize length;

    if (!table->library)
        return;
    if (!*reader)
        *reader = quic_reader_new(table->library);
    progress = quic_reader_add(*reader, datagram->payload, datagram->length);
    if (progress != QUIC_CLOSED)
        conversation->is_open = TRUE;
    if (progress != QUIC_WHOLE)
        return;
    message = quic_reader_message(*reader, &length);
    table->take(&datagram->flow, moment, message, length, table->data);
}

guint64 quic_table_finish(struct quic_table *table)
{
    while (table->order.length)
        drop_oldest(table);
    return table->closed;
}
