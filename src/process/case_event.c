#include "process/case_event.h"

#include "base/clock.h"
#include "base/error.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <sodium.h>
#include <string.h>

#define SUBJECT_PREFIX "case/"
#define PARTY_KEY_PREFIX "key:"
#define NUMBER_PREFIX "entente/case/1\n"
#define NONCE_SIZE 32

static void attachment_free(gpointer data)
{
    struct case_attachment *attachment = data;

    g_free(attachment->name);
    g_free(attachment);
}

static struct case_event *event_new(void)
{
    struct case_event *event = g_new0(struct case_event, 1);

    event->references = 1;
    event->attachments = g_ptr_array_new_with_free_func(attachment_free);
    return event;
}

struct case_event *case_event_ref(struct case_event *event)
{
    event->references++;
    return event;
}

void case_event_free(struct case_event *event)
{
    if (!event || --event->references)
        return;
    g_free(event->log);
    g_free(event->id);
    g_free(event->kind);
    g_free(event->stream);
    json_decref(event->heads);
    g_free(event->from);
    g_strfreev(event->to);
    g_free(event->machine);
    g_free(event->instance);
    g_free(event->event);
    json_decref(event->fields);
    g_ptr_array_unref(event->attachments);
    g_clear_pointer(&event->envelope, g_bytes_unref);
    g_free(event);
}

gboolean case_party_is_key(const char *party)
{
    return g_str_has_prefix(party, PARTY_KEY_PREFIX);
}

/* The shape was checked: what it demands is there. */
static gint64 time_of(const json_t *object, const char *member)
{
    gint64 time_us = 0;

    clock_parse(json_text(object, member), &time_us, NULL);
    return time_us;
}

static gboolean hash_of(const json_t *object, const char *member, struct case_hash *hash)
{
    const char *hex = json_text(object, member);

    return hex && hex_decode_into(hex, hash->bytes, sizeof hash->bytes);
}

static void read_attachments(struct case_event *event, const json_t *list)
{
    const json_t *item;
    size_t index;

    json_array_foreach(list, index, item)
    {
        struct case_attachment *attachment = g_new0(struct case_attachment, 1);

        attachment->name = g_strdup(json_text(item, "name"));
        attachment->size = (guint64)json_number(item, "size", 0);
        hash_of(item, "sha256", &attachment->sha256);
        g_ptr_array_add(event->attachments, attachment);
    }
}

static char **read_parties(const json_t *list)
{
    char **parties = g_new0(char *, json_array_size(list) + 1);
    const json_t *item;
    size_t index;

    json_array_foreach(list, index, item)
    {
        parties[index] = g_strdup(json_string_value(item));
    }
    return parties;
}

/* What the statement says, once it is known to be whole. */
static struct case_event *read_predicate(const json_t *predicate)
{
    struct case_event *event = event_new();
    const json_t *anchor = json_object_get(predicate, "anchor");

    event->log = g_strdup(json_text(predicate, "log"));
    event->time_us = time_of(predicate, "time");
    event->id = g_strdup(json_text(predicate, "case"));
    event->kind = g_strdup(json_text(predicate, "kind"));
    event->stream = g_strdup(json_text(predicate, "stream"));
    event->seq = (guint32)json_number(predicate, "seq", 0);
    event->has_previous = hash_of(predicate, "previous", &event->previous);
    event->heads = json_incref(json_object_get(predicate, "heads"));
    event->from = g_strdup(json_text(predicate, "from"));
    event->to = read_parties(json_object_get(predicate, "to"));
    event->machine = g_strdup(json_text(predicate, "machine"));
    event->instance = g_strdup(json_text(predicate, "instance"));
    event->event = g_strdup(json_text(predicate, "event"));
    event->fields = json_incref(json_object_get(predicate, "fields"));
    tlp_parse(json_text(predicate, "tlp"), &event->tlp);
    read_attachments(event, json_object_get(predicate, "attachments"));
    if (anchor) {
        event->anchor_size = (guint64)json_number(anchor, "size", 0);
        hash_of(anchor, "root", &event->anchor_root);
        event->anchor_us = time_of(anchor, "time");
    }
    return event;
}

/* The number of the case that an opening begins; see case_event_payload(). */
static char *number_of(const json_t *predicate, GError **error)
{
    g_autoptr(json_t) rest = json_copy((json_t *)predicate);
    g_autoptr(GBytes) text = NULL;
    crypto_hash_sha256_state state;
    guint8 digest[crypto_hash_sha256_BYTES];

    json_object_del(rest, "case");
    text = json_canonical(rest, error);
    if (!text)
        return NULL;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const guint8 *)NUMBER_PREFIX, strlen(NUMBER_PREFIX));
    crypto_hash_sha256_update(&state, g_bytes_get_data(text, NULL), g_bytes_get_size(text));
    crypto_hash_sha256_final(&state, digest);
    return hex_encode(digest, CASE_ID_SIZE / 2);
}

gboolean case_event_opens(const struct case_event *event)
{
    return event->seq == 1 && g_str_equal(event->event, CASE_EVENT_OPEN);
}

static gboolean is_bound(const json_t *predicate, GError **error)
{
    g_autofree char *number = number_of(predicate, error);

    return number && (g_strcmp0(json_text(predicate, "case"), number) == 0 ||
                      input_error(error, "the case's number is not that of its opening"));
}

/* What the shape cannot say: bounds between members. */
static gboolean is_sound(const struct case_event *event, const json_t *predicate, GError **error)
{
    const char *party;
    json_t *head;

    if (event->time_us % G_USEC_PER_SEC)
        return input_error(error, "\"time\" of a case's event is in whole seconds");
    if (event->time_us <= 0)
        return input_error(error, "\"time\" lies before 1970");
    if (event->anchor_us > event->time_us)
        return input_error(error, "\"time\" lies before that of the checkpoint it names");
    if (case_event_opens(event) && !is_bound(predicate, error))
        return FALSE;
    json_object_foreach(event->heads, party, head)
    {
        if (!case_party_is_key(party) && strlen(party) != 2 * CASE_HASH_SIZE)
            return input_error(error, "\"heads\" names \"%s\", which is no party", party);
        if (g_str_equal(party, event->from))
            return input_error(error, "\"heads\" names the author; that is what previous is for");
    }
    return TRUE;
}

struct case_event *case_event_parse(GBytes *envelope, GError **error)
{
    gsize length;
    const void *data = g_bytes_get_data(envelope, &length);
    g_autoptr(dsse_t) dsse = NULL;
    g_autoptr(json_t) statement = NULL;
    g_autoptr(case_event_t) event = NULL;

    if (length > CASE_EVENT_LIMIT) {
        input_error(error, "an event of a case has at most %u bytes", CASE_EVENT_LIMIT);
        return NULL;
    }
    dsse = dsse_parse_canonical(data, length);
    if (!dsse)
        dsse = dsse_parse(data, length, "event", error);
    if (!dsse)
        return NULL;
    if (!g_str_equal(dsse->payload_type, INTOTO_PAYLOAD_TYPE)) {
        input_error(error, "the envelope holds no in-toto statement");
        return NULL;
    }
    statement = intoto_read(dsse->payload, error);
    if (!statement)
        return NULL;
    if (g_strcmp0(intoto_predicate_type(statement), PREDICATE_CASE_EVENT) != 0) {
        input_error(error, "the statement is no event of a case");
        return NULL;
    }
    if (!predicate_verify(predicate_find(PREDICATE_CASE_EVENT), statement, error))
        return NULL;
    event = read_predicate(intoto_predicate(statement));
    if (!is_sound(event, intoto_predicate(statement), error))
        return NULL;
    event->envelope = g_bytes_ref(envelope);
    crypto_hash_sha256(event->hash.bytes, g_bytes_get_data(dsse->payload, NULL),
                       g_bytes_get_size(dsse->payload));
    return g_steal_pointer(&event);
}

static void set_text(json_t *object, const char *member, const char *text)
{
    if (text)
        json_object_set_new(object, member, json_string(text));
}

static void set_hash(json_t *object, const char *member, const struct case_hash *hash)
{
    g_autofree char *hex = hex_encode(hash->bytes, sizeof hash->bytes);

    set_text(object, member, hex);
}

static void set_time(json_t *object, const char *member, gint64 time_us)
{
    g_autofree char *text = clock_format(time_us);

    set_text(object, member, text);
}

static json_t *attachments_json(const GPtrArray *attachments)
{
    json_t *list = json_array();

    for (guint i = 0; i < attachments->len; i++) {
        const struct case_attachment *attachment = attachments->pdata[i];
        json_t *item = json_object();

        set_text(item, "name", attachment->name);
        json_object_set_new(item, "size", json_integer((json_int_t)attachment->size));
        set_hash(item, "sha256", &attachment->sha256);
        json_array_append_new(list, item);
    }
    return list;
}

json_t *case_event_json(const struct case_event *event)
{
    json_t *predicate = json_object(), *to = json_array();

    set_text(predicate, "log", event->log);
    set_time(predicate, "time", event->time_us);
    set_text(predicate, "case", event->id);
    set_text(predicate, "kind", event->kind);
    set_text(predicate, "stream", event->stream);
    json_object_set_new(predicate, "seq", json_integer(event->seq));
    if (event->has_previous)
        set_hash(predicate, "previous", &event->previous);
    if (event->heads)
        json_object_set(predicate, "heads", event->heads);
    set_text(predicate, "from", event->from);
    for (guint i = 0; event->to && event->to[i]; i++)
        json_array_append_new(to, json_string(event->to[i]));
    json_object_set_new(predicate, "to", to);
    set_text(predicate, "machine", event->machine);
    set_text(predicate, "instance", event->instance);
    set_text(predicate, "event", event->event);
    json_object_set_new(predicate, "fields",
                        event->fields ? json_incref(event->fields) : json_object());
    set_text(predicate, "tlp", tlp_name(event->tlp));
    if (event->attachments && event->attachments->len)
        json_object_set_new(predicate, "attachments", attachments_json(event->attachments));
    if (event->anchor_size) {
        json_t *anchor = json_object();

        json_object_set_new(anchor, "size", json_integer((json_int_t)event->anchor_size));
        set_hash(anchor, "root", &event->anchor_root);
        set_time(anchor, "time", event->anchor_us);
        json_object_set_new(predicate, "anchor", anchor);
    }
    return predicate;
}

GBytes *case_event_payload(const struct case_event *event, GError **error)
{
    g_autoptr(json_t) predicate = case_event_json(event);
    guint8 nonce[NONCE_SIZE], digest[crypto_hash_sha256_BYTES];
    g_autofree char *nonce_hex = NULL, *id = g_strdup(event->id), *subject = NULL;
    g_autofree char *digest_hex = NULL;
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(json_t) statement = NULL;

    randombytes_buf(nonce, sizeof nonce);
    nonce_hex = hex_encode(nonce, sizeof nonce);
    set_text(predicate, "nonce", nonce_hex);
    if (!id) {
        id = number_of(predicate, error);
        if (!id)
            return NULL;
        set_text(predicate, "case", id);
    }
    subject = g_strconcat(SUBJECT_PREFIX, id, NULL);
    crypto_hash_sha256(digest, (const guint8 *)id, strlen(id));
    digest_hex = hex_encode(digest, sizeof digest);
    payload = intoto_build(subject, digest_hex, PREDICATE_CASE_EVENT, predicate, error);
    statement = payload ? intoto_read(payload, error) : NULL;
    if (!statement || !is_sound(event, predicate, error) ||
        !predicate_verify(predicate_find(PREDICATE_CASE_EVENT), statement, error))
        return NULL;
    return g_steal_pointer(&payload);
}
