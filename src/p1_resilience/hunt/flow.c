#include "p1_resilience/hunt/flow.h"

#include "p1_resilience/hunt/keyed.h"

#define JUMP_MAX (16 << 20) /* further ahead is another conversation, or much is missing */

/* One that came before those before it. */
struct early {
    guint32 sequence;
    struct flow_moment moment;
    gsize length;
    guint8 bytes[];
};

struct direction {
    struct packet_flow flow;
    guint hash;
    GList link; /* the one heard of last at the tail */
    gboolean has_syn;
    gboolean is_start;   /* no byte was given, or some are missing before the next */
    gboolean is_lossy;   /* the last segment was cut by the capture: what follows is not early */
    guint32 first, next; /* sequence numbers */
    struct flow_moment moment;
    GQueue early; /* struct early, in order */
    gsize early_bytes;
    gpointer state;
};

struct flows {
    struct flow_calls calls;
    struct keyed keyed;
    GHashTable *table; /* struct direction: by itself */
    GQueue order;
    guint64 early_bytes, missing;
};

static guint direction_hash(gconstpointer direction)
{
    return ((const struct direction *)direction)->hash;
}

static gboolean direction_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(&((const struct direction *)a)->flow, &((const struct direction *)b)->flow,
                  sizeof(struct packet_flow)) == 0;
}

static void direction_free(gpointer data)
{
    struct direction *direction = data;

    g_queue_clear_full(&direction->early, g_free);
    g_free(direction);
}

struct flows *flows_new(const struct flow_calls *calls)
{
    struct flows *flows = g_new0(struct flows, 1);

    flows->calls = *calls;
    keyed_init(&flows->keyed);
    flows->table = g_hash_table_new_full(direction_hash, direction_equal, direction_free, NULL);
    g_queue_init(&flows->order);
    return flows;
}

void flows_free(struct flows *flows)
{
    if (!flows)
        return;
    g_hash_table_unref(flows->table);
    g_free(flows);
}

guint64 flows_missing(const struct flows *flows)
{
    return flows->missing;
}

/* How far `sequence` lies ahead of what is wanted next; below 0: behind. */
static gint32 ahead(const struct direction *direction, guint32 sequence)
{
    return (gint32)(sequence - direction->next);
}

static void give(struct flows *flows, struct direction *direction, guint32 sequence,
                 const struct flow_moment *moment, const guint8 *bytes, gsize length)
{
    guint32 known = direction->next - sequence; /* bytes that were given before */

    if (known >= length)
        return;
    direction->moment = *moment;
    flows->calls.bytes(&direction->flow, moment, bytes + known, length - known, direction->is_start,
                       &direction->state, flows->calls.data);
    direction->is_start = FALSE;
    direction->next = sequence + (guint32)length;
}

static void pass_over(struct flows *flows, struct direction *direction, guint32 sequence)
{
    direction->next = sequence;
    direction->is_start = TRUE;
    flows->missing++;
}

/* Gives the first that waits. */
static void give_early(struct flows *flows, struct direction *direction)
{
    g_autofree struct early *early = g_queue_pop_head(&direction->early);

    direction->early_bytes -= early->length;
    flows->early_bytes -= early->length;
    give(flows, direction, early->sequence, &early->moment, early->bytes, early->length);
}

/* Those whose turn has come. */
static void give_due(struct flows *flows, struct direction *direction)
{
    const struct early *early;

    while ((early = g_queue_peek_head(&direction->early)) && ahead(direction, early->sequence) <= 0)
        give_early(flows, direction);
}

/* What is missing before the first that waits will not come. */
static void give_up(struct flows *flows, struct direction *direction)
{
    const struct early *early = g_queue_peek_head(&direction->early);

    pass_over(flows, direction, early->sequence);
    give_due(flows, direction);
}

static void finish(struct flows *flows, struct direction *direction)
{
    while (direction->early.length)
        give_up(flows, direction);
    if (direction->state)
        flows->calls.end(&direction->flow, &direction->moment, direction->state, flows->calls.data);
    g_queue_unlink(&flows->order, &direction->link);
    g_hash_table_remove(flows->table, direction);
}

static void keep_early(struct flows *flows, struct direction *direction,
                       const struct packet_transport *segment, const struct flow_moment *moment)
{
    struct early *early = g_malloc(sizeof *early + segment->length);
    GList *after = direction->early.tail;

    early->sequence = segment->sequence;
    early->moment = *moment;
    early->length = segment->length;
    memcpy(early->bytes, segment->payload, segment->length);
    while (after && ahead(direction, ((struct early *)after->data)->sequence) >
                        ahead(direction, early->sequence))
        after = after->prev;
    if (after)
        g_queue_insert_after(&direction->early, after, early);
    else
        g_queue_push_head(&direction->early, early);
    direction->early_bytes += early->length;
    flows->early_bytes += early->length;
    if (direction->early.length > FLOW_EARLY_SEGMENTS_MAX ||
        direction->early_bytes > FLOW_EARLY_BYTES_MAX)
        give_up(flows, direction);
    while (flows->early_bytes > FLOW_EARLY_BYTES_ALL_MAX)
        finish(flows, g_queue_peek_head(&flows->order));
}

static struct direction *direction_of(struct flows *flows, const struct packet_flow *flow)
{
    struct direction probe = {
        .flow = *flow,
        .hash = keyed_hash(&flows->keyed, flow, sizeof *flow),
    };
    struct direction *direction = g_hash_table_lookup(flows->table, &probe);

    if (!direction)
        return NULL;
    g_queue_unlink(&flows->order, &direction->link);
    g_queue_push_tail_link(&flows->order, &direction->link);
    return direction;
}

static struct direction *begin(struct flows *flows, const struct packet_transport *segment)
{
    struct direction *direction = g_new0(struct direction, 1);

    if (flows->order.length >= FLOW_DIRECTIONS_MAX)
        finish(flows, g_queue_peek_head(&flows->order));
    direction->flow = segment->flow;
    direction->hash = keyed_hash(&flows->keyed, &segment->flow, sizeof segment->flow);
    direction->link.data = direction;
    direction->has_syn = segment->flags & PACKET_SYN;
    direction->is_start = TRUE;
    direction->first = direction->next = segment->sequence;
    g_queue_init(&direction->early);
    g_hash_table_add(flows->table, direction);
    g_queue_push_tail_link(&flows->order, &direction->link);
    return direction;
}

/* From before what was seen first: looked at by itself. */
static void give_loose(struct flows *flows, const struct packet_transport *segment,
                       const struct flow_moment *moment)
{
    gpointer state = NULL;

    flows->calls.bytes(&segment->flow, moment, segment->payload, segment->length, TRUE, &state,
                       flows->calls.data);
    if (state)
        flows->calls.end(&segment->flow, moment, state, flows->calls.data);
}

static void take(struct flows *flows, struct direction *direction,
                 const struct packet_transport *segment, const struct flow_moment *moment)
{
    gint32 distance = ahead(direction, segment->sequence);

    if (distance > JUMP_MAX || (distance > 0 && direction->is_lossy)) {
        while (direction->early.length)
            give_up(flows, direction);
        if (ahead(direction, segment->sequence) > 0)
            pass_over(flows, direction, segment->sequence);
        distance = 0;
    }
    direction->is_lossy = segment->is_cut;
    if (distance > 0)
        return keep_early(flows, direction, segment, moment);
    if (distance < 0 && !direction->has_syn && (gint32)(segment->sequence - direction->first) < 0)
        return give_loose(flows, segment, moment);
    give(flows, direction, segment->sequence, moment, segment->payload, segment->length);
    give_due(flows, direction);
}

void flows_add(struct flows *flows, const struct packet_transport *segment,
               const struct flow_moment *moment)
{
    struct packet_transport rest = *segment;
    struct direction *direction = direction_of(flows, &segment->flow);

    if (segment->flags & PACKET_SYN)
        rest.sequence++;
    if (direction && (segment->flags & PACKET_RST ||
                      (segment->flags & PACKET_SYN && rest.sequence != direction->first))) {
        finish(flows, direction);
        direction = NULL;
    }
    if (!direction && (rest.length || segment->flags & PACKET_SYN) &&
        !(segment->flags & PACKET_RST))
        direction = begin(flows, &rest);
    if (!direction)
        return;
    if (rest.length)
        take(flows, direction, &rest, moment);
    if (!(segment->flags & PACKET_FIN))
        return;
    direction = direction_of(flows, &segment->flow);
    if (direction && !direction->early.length)
        finish(flows, direction);
}

void flows_finish(struct flows *flows)
{
    while (flows->order.length)
        finish(flows, g_queue_peek_head(&flows->order));
}
