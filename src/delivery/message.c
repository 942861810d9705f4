#include "delivery/message.h"

#include "base/clock.h"
#include "base/error.h"
#include "seal/content.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <string.h>

#define SUBJECT_PREFIX "case/"
#define ID_DIGITS 64

static const char *const types[] = {
    [MESSAGE_EVENT] = "event",
    [MESSAGE_PART] = "part",
    [MESSAGE_ACK] = "ack",
    [MESSAGE_PROOF] = "proof",
};

void message_clear(struct message *message)
{
    g_clear_pointer(&message->envelope, g_bytes_unref);
    g_clear_pointer(&message->data, g_bytes_unref);
    g_clear_pointer(&message->proof, json_decref);
    g_clear_pointer(&message->by, g_free);
    g_clear_pointer(&message->id, g_free);
    g_clear_pointer(&message->stream, g_free);
}

/* --- packing --- */

static gboolean set_envelope(json_t *value, GBytes *envelope, GError **error)
{
    gsize length;
    const void *bytes = g_bytes_get_data(envelope, &length);
    json_t *read = json_parse(bytes, length, CASE_EVENT_LIMIT, "envelope", error);

    return read && json_object_set_new(value, "envelope", read) == 0;
}

GBytes *message_pack(const struct message *message, GError **error)
{
    g_autoptr(json_t) value = json_pack("{s:s}", "type", types[message->type]);

    if (message->envelope && !set_envelope(value, message->envelope, error))
        return NULL;
    if (message->by)
        json_object_set_new(value, "by", json_string(message->by));
    if (message->proof)
        json_object_set(value, "proof", message->proof);
    if (message->type == MESSAGE_PART) {
        g_autofree char *hex =
            hex_encode(message->attachment.bytes, sizeof message->attachment.bytes);

        json_object_set_new(value, "case", json_string(message->id));
        json_object_set_new(value, "stream", json_string(message->stream));
        json_object_set_new(value, "attachment", json_string(hex));
        json_object_set_new(value, "size", json_integer((json_int_t)message->size));
        json_object_set_new(value, "offset", json_integer((json_int_t)message->offset));
    }
    return seal_content_pack(value, message->data, error);
}

/* --- unpacking --- */

static gboolean take_envelope(const json_t *value, struct message *message, GError **error)
{
    const json_t *envelope = json_object_get(value, "envelope");

    if (!json_is_object(envelope))
        return input_error(error, "the message holds no envelope");
    message->envelope = json_canonical(envelope, error);
    if (!message->envelope)
        return FALSE;
    return g_bytes_get_size(message->envelope) <= CASE_EVENT_LIMIT ||
           input_error(error, "the envelope has more than %u bytes", CASE_EVENT_LIMIT);
}

static gboolean take_event(const json_t *value, struct message *message, GError **error)
{
    const char *by = json_text(value, "by");
    guint8 id[ID_DIGITS / 2];

    if (by && !hex_decode_into(by, id, sizeof id))
        return input_error(error, "\"by\" is no signatory's id");
    message->by = g_strdup(by);
    return take_envelope(value, message, error);
}

static gboolean take_part(const json_t *value, struct message *message, GError **error)
{
    const char *id = json_text(value, "case"), *stream = json_text(value, "stream");
    const char *hex = json_text(value, "attachment");
    const gint64 size = json_number(value, "size", -1), offset = json_number(value, "offset", -1);
    guint8 case_bytes[CASE_ID_SIZE / 2];

    if (!id || !hex_decode_into(id, case_bytes, sizeof case_bytes) || !stream ||
        strlen(stream) > CASE_STREAM_LIMIT || !hex ||
        !hex_decode_into(hex, message->attachment.bytes, CASE_HASH_SIZE) || size < 0 ||
        offset < 0 || g_bytes_get_size(message->data) == 0 ||
        g_bytes_get_size(message->data) > MESSAGE_PART_LIMIT)
        return input_error(error, "not a part of an attachment");
    message->id = g_strdup(id);
    message->stream = g_strdup(stream);
    message->size = (guint64)size;
    message->offset = (guint64)offset;
    return TRUE;
}

static gboolean take_proof(const json_t *value, struct message *message, GError **error)
{
    json_t *proof = json_object_get(value, "proof");

    if (!json_is_object(proof))
        return input_error(error, "the message holds no proof");
    message->proof = json_incref(proof);
    return TRUE;
}

static gboolean (*const takers[])(const json_t *value, struct message *message, GError **error) = {
    [MESSAGE_EVENT] = take_event,
    [MESSAGE_PART] = take_part,
    [MESSAGE_ACK] = take_envelope,
    [MESSAGE_PROOF] = take_proof,
};

gboolean message_unpack(GBytes *content, struct message *message, GError **error)
{
    g_autoptr(json_t) value = NULL;

    *message = (struct message){ 0 };
    if (!seal_content_unpack(content, &value, &message->data, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_strcmp0(json_text(value, "type"), types[i]) == 0) {
            message->type = i;
            return takers[i](value, message, error);
        }
    return input_error(error, "a message of an unknown type");
}

/* --- acknowledgements --- */

void message_ack_clear(struct message_ack *ack)
{
    g_clear_pointer(&ack->id, g_free);
    g_clear_pointer(&ack->stream, g_free);
    g_clear_pointer(&ack->author, g_free);
    g_clear_pointer(&ack->refused, g_free);
}

GBytes *message_ack_sign(const struct message_ack *ack, const char *origin, gint64 now_us,
                         const struct signing_key *key, GError **error)
{
    g_autofree char *now = clock_format(now_us), *name = g_strconcat(SUBJECT_PREFIX, ack->id, NULL);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, ack->id, -1);
    g_autofree char *hash = hex_encode(ack->hash.bytes, sizeof ack->hash.bytes);
    g_autoptr(json_t) predicate = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "log", origin, "time", now, "case", ack->id,
        "stream", ack->stream, "seq", (json_int_t)ack->seq, "author", ack->author, "hash", hash);
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(dsse_t) envelope = NULL;
    g_autoptr(json_t) value = NULL;

    if (ack->refused)
        json_object_set_new(predicate, "refused", json_string(ack->refused));
    payload = intoto_build(name, digest, PREDICATE_CASE_ACK, predicate, error);
    if (!payload)
        return NULL;
    envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(envelope, key);
    value = dsse_to_json(envelope);
    return json_canonical(value, error);
}

gboolean message_ack_read(const struct dsse *envelope, const char *origin, struct message_ack *ack,
                          GError **error)
{
    g_autoptr(json_t) statement = intoto_read(envelope->payload, error);
    const struct predicate *row = predicate_find(PREDICATE_CASE_ACK);
    const json_t *predicate;

    *ack = (struct message_ack){ 0 };
    if (!statement)
        return FALSE;
    if (g_strcmp0(intoto_predicate_type(statement), PREDICATE_CASE_ACK) != 0)
        return input_error(error, "not an acknowledgement");
    if (!predicate_verify(row, statement, error))
        return FALSE;
    predicate = intoto_predicate(statement);
    if (g_strcmp0(json_text(predicate, "log"), origin) != 0)
        return input_error(error, "an acknowledgement for another log");
    ack->id = g_strdup(json_text(predicate, "case"));
    ack->stream = g_strdup(json_text(predicate, "stream"));
    ack->author = g_strdup(json_text(predicate, "author"));
    ack->seq = (guint32)json_number(predicate, "seq", 0);
    ack->refused = g_strdup(json_text(predicate, "refused"));
    return hex_decode_into(json_text(predicate, "hash"), ack->hash.bytes, sizeof ack->hash.bytes);
}
