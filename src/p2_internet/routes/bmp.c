#include "p2_internet/routes/bmp.h"
#include "base/error.h"
#include "p2_internet/routes/mrt_private.h"
#include "p2_internet/routes/openbmp.h"

enum peer_flag {
    PEER_IPV6 = 0x80, /* of BMP_LOC_RIB: filtered */
    PEER_POST_POLICY = 0x40,
    PEER_AS2 = 0x20,
    PEER_ADJ_OUT = 0x10,
};

enum session_state { SESSION_IDLE = 1, SESSION_ESTABLISHED = 6 }; /* RFC 6396 section 4.4.1 */

/* What tells peers apart; the BGP identifier does not, since it is told anew with each session. */
struct peer_key {
    guint8 type, family;
    guint8 distinguisher[8];
    guint8 address[16];
};

struct known_peer {
    struct bmp_peer public; /* first: bmp_reader_peers() gives these */
    struct peer_key key;
};

struct bmp_reader {
    char *name;
    guint views;
    route_sink sink;
    gpointer data;
    GByteArray *held; /* of a message whose end did not come yet */
    guint64 offset;   /* of the first byte of `held` */
    gboolean is_broken;
    GHashTable *by_key; /* struct peer_key * -> struct known_peer *, borrowed */
    GPtrArray *peers;   /* struct known_peer * */
    struct bgp_update update;
    struct bmp_counts counts;
    const char *problem;
    guint64 problem_at;
    char *router, *description;
    gboolean is_terminated;
    guint16 reason;
};

/* One message on its way, and its header of a peer. */
struct passage {
    struct bmp_reader *reader;
    struct mrt_cursor cursor;
    struct peer_key key;
    struct route_peer peer;
    guint8 flags;
    gint64 time_us;
    const char *problem;
};

static guint hash_key(gconstpointer key)
{
    const guint8 *bytes = key;
    guint hash = 5381;

    for (gsize i = 0; i < sizeof(struct peer_key); i++)
        hash = hash * 33 + bytes[i];
    return hash;
}

static gboolean equal_keys(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct peer_key)) == 0;
}

struct bmp_reader *bmp_reader_new(const char *name, guint views, route_sink sink, gpointer data)
{
    struct bmp_reader *reader = g_new0(struct bmp_reader, 1);

    reader->name = g_strdup(name);
    reader->views = views;
    reader->sink = sink;
    reader->data = data;
    reader->held = g_byte_array_new();
    reader->by_key = g_hash_table_new(hash_key, equal_keys);
    reader->peers = g_ptr_array_new_with_free_func(g_free);
    return reader;
}

void bmp_reader_free(struct bmp_reader *reader)
{
    if (!reader)
        return;
    g_free(reader->name);
    g_byte_array_unref(reader->held);
    g_hash_table_unref(reader->by_key);
    g_ptr_array_unref(reader->peers);
    bgp_attributes_clear(&reader->update.attributes);
    g_free(reader->router);
    g_free(reader->description);
    g_free(reader);
}

static gboolean fails(struct passage *passage, const char *problem)
{
    passage->problem = problem;
    return FALSE;
}

/* ---- peers */

static const guint8 zeroes[16];

static void read_peer(struct passage *passage, gint64 now_us)
{
    struct mrt_cursor *cursor = &passage->cursor;
    guint8 address[16];
    guint32 seconds, microseconds;

    passage->key = (struct peer_key){ .type = mrt_u8(cursor) };
    passage->flags = mrt_u8(cursor);
    mrt_bytes(cursor, passage->key.distinguisher, 8);
    mrt_bytes(cursor, address, sizeof address);
    passage->key.family = passage->key.type != BMP_LOC_RIB && passage->flags & PEER_IPV6 ? 6 : 4;
    if (passage->key.family == 6)
        memcpy(passage->key.address, address, 16);
    else
        memcpy(passage->key.address, address + 12, 4);
    passage->peer.family = passage->key.family;
    memcpy(passage->peer.address, passage->key.address, 16);
    passage->peer.as = mrt_u32(cursor);
    mrt_bytes(cursor, passage->peer.bgp_id, 4);
    seconds = mrt_u32(cursor);
    microseconds = mrt_u32(cursor);
    passage->time_us = (gint64)seconds * G_USEC_PER_SEC + MIN(microseconds, 999999u);
    if (!seconds)
        passage->time_us = now_us;
}

static struct known_peer *find_peer(const struct passage *passage)
{
    return g_hash_table_lookup(passage->reader->by_key, &passage->key);
}

/* NULL: there are too many. */
static struct known_peer *remember_peer(const struct passage *passage)
{
    struct bmp_reader *reader = passage->reader;
    struct known_peer *known = find_peer(passage);

    if (!known) {
        if (reader->peers->len >= BMP_PEERS_MAX) {
            reader->counts.forgotten++;
            return NULL;
        }
        known = g_new0(struct known_peer, 1);
        known->key = passage->key;
        known->public.type = passage->key.type;
        memcpy(known->public.distinguisher, passage->key.distinguisher, 8);
        g_ptr_array_add(reader->peers, known);
        g_hash_table_insert(reader->by_key, &known->key, known);
    }
    known->public.peer = passage->peer;
    return known;
}

static gboolean is_of_instance(const struct peer_key *key)
{
    return key->type == BMP_RD_INSTANCE || key->type == BMP_LOCAL_INSTANCE ||
           memcmp(key->distinguisher, zeroes, sizeof key->distinguisher) != 0;
}

static void pass_on(struct bmp_reader *reader, const struct route_element *element)
{
    reader->counts.elements++;
    reader->sink(element, reader->data);
}

static void pass_state(struct bmp_reader *reader, const struct peer_key *key,
                       const struct route_peer *peer, gint64 time_us, gboolean is_up)
{
    const gboolean is_instance = is_of_instance(key), is_local = key->type == BMP_LOC_RIB;
    const guint of_peers = BMP_VIEW_PRE_POLICY | BMP_VIEW_POST_POLICY | BMP_VIEW_ADJ_OUT;
    const struct route_element element = {
        .time_us = time_us,
        .originated_us = time_us,
        .kind = ROUTE_STATE,
        .flags = (is_instance ? ROUTE_INSTANCE : 0) | (is_local ? ROUTE_LOC_RIB : 0),
        .peer = peer,
        .old_state = is_up ? SESSION_IDLE : SESSION_ESTABLISHED,
        .new_state = is_up ? SESSION_ESTABLISHED : SESSION_IDLE,
    };

    if (is_instance && !(reader->views & BMP_VIEW_INSTANCES))
        return;
    if (reader->views & (is_local ? BMP_VIEW_LOC_RIB : of_peers))
        pass_on(reader, &element);
}

/* ---- messages */

/* The next BGP message. FALSE: there is none that is whole. */
static gboolean next_bgp(struct mrt_cursor *cursor, enum bgp_message_type *type,
                         struct bgp_span *body)
{
    if (!bgp_message_split(cursor->at, (gsize)(cursor->end - cursor->at), type, body))
        return FALSE;
    cursor->at = body->bytes + body->length;
    return TRUE;
}

/* Which table the routes are of, as flags of elements; 0 for what is not asked for. */
static gboolean is_wanted(const struct passage *passage, guint *flags)
{
    const gboolean is_local = passage->key.type == BMP_LOC_RIB;
    const gboolean is_out = !is_local && passage->flags & PEER_ADJ_OUT;
    const gboolean is_post = !is_local && passage->flags & PEER_POST_POLICY;
    const gboolean is_instance = is_of_instance(&passage->key);
    const guint view = is_local  ? BMP_VIEW_LOC_RIB
                       : is_out  ? BMP_VIEW_ADJ_OUT
                       : is_post ? BMP_VIEW_POST_POLICY
                                 : BMP_VIEW_PRE_POLICY;

    *flags = (is_local ? ROUTE_LOC_RIB : 0) | (is_out ? ROUTE_ADJ_OUT : 0) |
             (is_post ? ROUTE_POST_POLICY : 0) | (is_instance ? ROUTE_INSTANCE : 0);
    return passage->reader->views & view &&
           (!is_instance || passage->reader->views & BMP_VIEW_INSTANCES);
}

static void take_element(const struct route_element *element, gpointer data)
{
    pass_on(data, element);
}

static gboolean take_update(struct passage *passage, const struct bgp_span *body, guint flags)
{
    struct bmp_reader *reader = passage->reader;
    const struct known_peer *known = find_peer(passage);
    struct bgp_options options = {
        .as4 = passage->key.type == BMP_LOC_RIB || !(passage->flags & PEER_AS2),
        .guess_as_width = TRUE,
    };
    const struct route_source source = { &passage->peer, passage->time_us, flags };
    struct bgp_update *update = &reader->update;
    gboolean is_whole;

    if (known && known->public.is_up) {
        options.add_path =
            flags & ROUTE_ADJ_OUT ? known->public.add_path_out : known->public.add_path_in;
    } else {
        reader->counts.sessionless++;
    }
    is_whole = bgp_update_parse(body->bytes, body->length, &options, update);
    reader->counts.discarded += update->attributes.verdict == BGP_DISCARDED;
    reader->counts.withdrawn += update->attributes.withdrawn;
    reader->counts.broken += update->attributes.verdict == BGP_BROKEN;
    if (!is_whole)
        return fails(passage, update->attributes.problem);
    if (update->is_end_of_rib)
        reader->counts.ends_of_rib++;
    else
        route_elements_of(update, &source, take_element, reader);
    return TRUE;
}

static gboolean take_routes(struct passage *passage)
{
    struct mrt_cursor *cursor = &passage->cursor;
    enum bgp_message_type type;
    struct bgp_span body;
    guint flags;

    if (!is_wanted(passage, &flags))
        return TRUE;
    /* One UPDATE says the RFC; some put in more. */
    do {
        if (!next_bgp(cursor, &type, &body))
            return fails(passage, "its BGP message has no marker, or is cut");
        if (type == BGP_UPDATE && !take_update(passage, &body, flags))
            return FALSE;
    } while (cursor->at < cursor->end);
    return TRUE;
}

/* RFC 7854 section 4.8; of what is told, the two numbers of routes are kept. */
static gboolean take_statistics(struct passage *passage)
{
    enum { ROUTES_IN = 7, ROUTES_USED = 8 };
    struct mrt_cursor *cursor = &passage->cursor;
    struct known_peer *known = find_peer(passage);
    guint32 count = mrt_u32(cursor);

    for (guint32 i = 0; i < count && !cursor->is_short; i++) {
        guint type = mrt_u16(cursor), length = mrt_u16(cursor);
        const guint8 *value = mrt_skip(cursor, length);

        if (value && length == 8 && known && (type == ROUTES_IN || type == ROUTES_USED)) {
            guint64 number = (guint64)bgp_u32(value) << 32 | bgp_u32(value + 4);

            *(type == ROUTES_IN ? &known->public.routes_in : &known->public.routes_used) = number;
        }
    }
    return cursor->is_short ? fails(passage, "it ends before its statistics") : TRUE;
}

static guint families(guint8 ipv4, guint8 ipv6)
{
    return (ipv4 ? BGP_ADD_PATH_IPV4 : 0) | (ipv6 ? BGP_ADD_PATH_IPV6 : 0);
}

/* RFC 7911 section 4: one side says that it sends, the other that it receives. */
static void agree(struct bmp_peer *peer, const struct bgp_open *sent,
                  const struct bgp_open *received)
{
    enum { RECEIVES = 1 << 0, SENDS = 1 << 1 };
    const guint8 in = RECEIVES, out = SENDS;

    if (peer->type == BMP_LOC_RIB) { /* both OPENs are the router's own (RFC 9069 section 5.2) */
        peer->add_path_in = families(sent->add_path_ipv4 & received->add_path_ipv4,
                                     sent->add_path_ipv6 & received->add_path_ipv6);
        return;
    }
    peer->add_path_in = families(sent->add_path_ipv4 & in && received->add_path_ipv4 & out,
                                 sent->add_path_ipv6 & in && received->add_path_ipv6 & out);
    peer->add_path_out = families(sent->add_path_ipv4 & out && received->add_path_ipv4 & in,
                                  sent->add_path_ipv6 & out && received->add_path_ipv6 & in);
}

static gboolean next_open(struct mrt_cursor *cursor, struct bgp_open *open)
{
    enum bgp_message_type type;
    struct bgp_span body;

    return next_bgp(cursor, &type, &body) && type == BGP_OPEN &&
           bgp_open_parse(body.bytes, body.length, open);
}

static gboolean take_peer_up(struct passage *passage)
{
    struct mrt_cursor *cursor = &passage->cursor;
    struct bgp_open sent, received;
    struct known_peer *known;

    mrt_skip(cursor, 20); /* the local address and both ports */
    if (cursor->is_short || !next_open(cursor, &sent) || !next_open(cursor, &received))
        return fails(passage, "one of its OPENs is not there, or malformed");
    known = remember_peer(passage);
    if (known) {
        known->public.is_up = TRUE;
        known->public.changed_us = passage->time_us;
        known->public.routes_in = known->public.routes_used = 0;
        agree(&known->public, &sent, &received);
    }
    pass_state(passage->reader, &passage->key, &passage->peer, passage->time_us, TRUE);
    return TRUE;
}

enum down_reason { DOWN_LOCAL_NOTIFIED = 1, DOWN_LOCAL_EVENT = 2, DOWN_REMOTE_NOTIFIED = 3 };

/* The session is down, whatever the reason; a reason without what belongs to it is malformed. */
static gboolean take_peer_down(struct passage *passage)
{
    struct mrt_cursor *cursor = &passage->cursor;
    const guint8 reason = mrt_u8(cursor);
    enum bgp_message_type type;
    struct known_peer *known;
    struct bgp_span body;

    if (cursor->is_short)
        return fails(passage, "it has no reason");
    known = remember_peer(passage);
    if (known) {
        known->public.is_up = FALSE;
        known->public.changed_us = passage->time_us;
        known->public.down_reason = reason;
        known->public.routes_in = known->public.routes_used = 0;
    }
    pass_state(passage->reader, &passage->key, &passage->peer, passage->time_us, FALSE);
    if (reason == DOWN_LOCAL_EVENT)
        mrt_skip(cursor, 2);
    if (cursor->is_short || ((reason == DOWN_LOCAL_NOTIFIED || reason == DOWN_REMOTE_NOTIFIED) &&
                             !(next_bgp(cursor, &type, &body) && type == BGP_NOTIFICATION)))
        return fails(passage, "what belongs to its reason is not there");
    return TRUE;
}

static void keep_text(char **to, const guint8 *bytes, gsize length)
{
    g_free(*to);
    *to = g_utf8_make_valid((const char *)bytes, (gssize)MIN(length, BMP_TEXT_MAX));
}

static gboolean next_tlv(struct mrt_cursor *cursor, guint *type, struct bgp_span *value)
{
    if (cursor->at == cursor->end)
        return FALSE;
    *type = mrt_u16(cursor);
    value->length = mrt_u16(cursor);
    value->bytes = mrt_skip(cursor, value->length);
    return value->bytes != NULL;
}

static gboolean take_initiation(struct passage *passage)
{
    enum { DESCRIPTION = 1, NAME = 2 };
    struct bgp_span value;
    guint type;

    while (next_tlv(&passage->cursor, &type, &value))
        if (type == DESCRIPTION || type == NAME)
            keep_text(type == NAME ? &passage->reader->router : &passage->reader->description,
                      value.bytes, value.length);
    return passage->cursor.is_short ? fails(passage, "its last information is cut") : TRUE;
}

static gboolean take_termination(struct passage *passage)
{
    enum { REASON = 1 };
    struct bgp_span value;
    guint type;

    passage->reader->is_terminated = TRUE;
    while (next_tlv(&passage->cursor, &type, &value))
        if (type == REASON && value.length == 2)
            passage->reader->reason = bgp_u16(value.bytes);
    return passage->cursor.is_short ? fails(passage, "its last information is cut") : TRUE;
}

/* Copies of what came on the wire: its routes come by Route Monitoring, too. */
static gboolean take_mirror(struct passage *passage)
{
    enum { INFORMATION = 1, MESSAGES_LOST = 1 };
    struct bgp_span value;
    guint type;

    while (next_tlv(&passage->cursor, &type, &value))
        if (type == INFORMATION && value.length == 2 && bgp_u16(value.bytes) == MESSAGES_LOST)
            passage->reader->counts.lost++;
    return passage->cursor.is_short ? fails(passage, "its last information is cut") : TRUE;
}

static const struct {
    gboolean (*take)(struct passage *passage);
    gboolean has_peer;
} handlers[BMP_TYPES] = {
    [BMP_ROUTE_MONITORING] = { take_routes, TRUE }, [BMP_STATISTICS] = { take_statistics, TRUE },
    [BMP_PEER_DOWN] = { take_peer_down, TRUE },     [BMP_PEER_UP] = { take_peer_up, TRUE },
    [BMP_INITIATION] = { take_initiation, FALSE },  [BMP_TERMINATION] = { take_termination, FALSE },
    [BMP_ROUTE_MIRRORING] = { take_mirror, TRUE },
};

static void take_message(struct bmp_reader *reader, const guint8 *bytes, gsize length,
                         gint64 now_us)
{
    const guint type = bytes[5];
    struct passage passage = {
        .reader = reader,
        .cursor = { bytes + BMP_HEADER_SIZE, bytes + length, FALSE },
    };
    gboolean fine;

    if (type >= BMP_TYPES) {
        reader->counts.unknown++;
        return;
    }
    reader->counts.messages[type]++;
    if (handlers[type].has_peer)
        read_peer(&passage, now_us);
    fine = passage.cursor.is_short ? fails(&passage, "it is shorter than its header of a peer")
                                   : handlers[type].take(&passage);
    if (!fine) {
        reader->counts.malformed++;
        reader->problem = passage.problem;
        reader->problem_at = reader->offset;
    }
}

/* ---- the stream */

enum step { STEP_MESSAGE, STEP_WRAPPER, STEP_MORE, STEP_BROKEN };

static enum step header_at(const guint8 *bytes, gsize length, gsize *size)
{
    const enum openbmp_step wrapper = openbmp_header_at(bytes, length, size);

    if (wrapper != OPENBMP_NONE)
        return wrapper == OPENBMP_HEADER ? STEP_WRAPPER : STEP_MORE;
    if (length && bytes[0] != BMP_VERSION)
        return STEP_BROKEN;
    if (length < BMP_HEADER_SIZE)
        return STEP_MORE;
    *size = bgp_u32(bytes + 1);
    if (*size < BMP_HEADER_SIZE || *size > BMP_MESSAGE_MAX)
        return STEP_BROKEN;
    return *size <= length ? STEP_MESSAGE : STEP_MORE;
}

/* Gives how many bytes were whole messages. */
static gsize take_messages(struct bmp_reader *reader, const guint8 *bytes, gsize length,
                           gint64 now_us)
{
    gsize at = 0, size = 0;
    enum step step;

    while ((step = header_at(bytes + at, length - at, &size)) <= STEP_WRAPPER) {
        if (step == STEP_MESSAGE)
            take_message(reader, bytes + at, size, now_us);
        at += size;
        reader->offset += size;
    }
    reader->is_broken = step == STEP_BROKEN;
    return at;
}

static void take_bytes(struct bmp_reader *reader, const guint8 *bytes, gsize length, gint64 now_us)
{
    GByteArray *held = reader->held;
    gsize taken;

    if (held->len) {
        g_byte_array_append(held, bytes, (guint)length);
        taken = take_messages(reader, held->data, held->len, now_us);
        g_byte_array_remove_range(held, 0, (guint)taken);
    } else {
        taken = take_messages(reader, bytes, length, now_us);
        g_byte_array_append(held, bytes + taken, (guint)(length - taken));
    }
}

static gboolean break_off(struct bmp_reader *reader, const char *problem, GError **error)
{
    reader->problem = problem;
    reader->problem_at = reader->offset;
    return input_error(error, "%s: offset %" G_GUINT64_FORMAT ": %s", reader->name, reader->offset,
                       problem);
}

gboolean bmp_reader_feed(struct bmp_reader *reader, const void *bytes, gsize length, gint64 now_us,
                         GError **error)
{
    if (length && !reader->is_broken)
        take_bytes(reader, bytes, length, now_us);
    return !reader->is_broken ||
           break_off(reader,
                     "no BMP message begins here (its version is not " G_STRINGIFY(
                         BMP_VERSION) ", or its length is impossible)",
                     error);
}

gboolean bmp_reader_end(struct bmp_reader *reader, gint64 now_us, GError **error)
{
    for (guint i = 0; i < reader->peers->len; i++) {
        struct known_peer *known = reader->peers->pdata[i];

        if (!known->public.is_up)
            continue;
        known->public.is_up = FALSE;
        known->public.changed_us = now_us;
        pass_state(reader, &known->key, &known->public.peer, now_us, FALSE);
    }
    return reader->is_broken || !reader->held->len ||
           break_off(reader, "the last message is cut", error);
}

const struct bmp_counts *bmp_reader_counts(const struct bmp_reader *reader)
{
    return &reader->counts;
}

const GPtrArray *bmp_reader_peers(const struct bmp_reader *reader)
{
    return reader->peers;
}

const char *bmp_reader_problem(const struct bmp_reader *reader, guint64 *offset)
{
    *offset = reader->problem_at;
    return reader->problem;
}

const char *bmp_reader_router(const struct bmp_reader *reader)
{
    return reader->router;
}

const char *bmp_reader_description(const struct bmp_reader *reader)
{
    return reader->description;
}

gboolean bmp_reader_terminated(const struct bmp_reader *reader, guint16 *reason)
{
    *reason = reader->reason;
    return reader->is_terminated;
}

gboolean bmp_is_stream(const void *bytes, gsize length)
{
    const guint8 *at = bytes;
    gsize size = 0;

    enum step step = length >= BMP_HEADER_SIZE ? header_at(at, length, &size) : STEP_BROKEN;

    return step != STEP_BROKEN &&
           (openbmp_header_at(at, length, &size) != OPENBMP_NONE || at[5] < BMP_TYPES);
}
