/*
 * message.h: what a sealed message says, once it is open (seal/content.h: JSON and data).
 *
 *     {"type": "event", "envelope": {...}, "by"?: ID}     an event of a case; `by` forwards it
 *     {"type": "part", "case": ID, "stream": NAME,        data: at most 4 MiB of the attachment
 *      "attachment": HEX, "size": N, "offset": N}         that events of that stream announce
 *     {"type": "ack", "envelope": {...}}                  predicate case-ack:1
 *     {"type": "proof", "proof": {...}}                   when an event was there
 *
 * Everything in it was written by somebody else: what signatures and cases make of it is for
 * others to say.
 */
#pragma once
#include "base/json.h"
#include "process/case_event.h"

#define MESSAGE_PART_LIMIT (4u << 20) /* bytes of an attachment in one message */

enum message_type { MESSAGE_EVENT, MESSAGE_PART, MESSAGE_ACK, MESSAGE_PROOF };

struct message {
    enum message_type type;
    GBytes *envelope;            /* EVENT, ACK: canonical form */
    char *by;                    /* EVENT: signatory id; or NULL */
    char *id, *stream;           /* PART: of the case */
    struct case_hash attachment; /* its digest */
    guint64 size, offset;        /* of the whole file, of this part */
    GBytes *data;
    json_t *proof; /* PROOF */
};
void message_clear(struct message *message);
typedef struct message message_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(message_t, message_clear)

/* ENTENTE_ERROR_INPUT: an envelope that is no JSON. */
GBytes *message_pack(const struct message *message, GError **error);
gboolean message_unpack(GBytes *content, struct message *message, GError **error);

/* What a signed acknowledgement says: all of `author`'s events in a stream of a case up to `seq`
 * are there, with their attachments; or the event `hash` was refused. */
struct message_ack {
    char *id, *stream, *author;
    guint32 seq;
    struct case_hash hash; /* of the event `seq` */
    char *refused;         /* the name of a case_verdict; NULL: it is there */
};
void message_ack_clear(struct message_ack *ack);
typedef struct message_ack message_ack_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(message_ack_t, message_ack_clear)

/* The envelope (canonical), signed by `key`. */
GBytes *message_ack_sign(const struct message_ack *ack, const char *origin, gint64 now_us,
                         const struct signing_key *key, GError **error);
/* Reads an envelope's statement; signatures are for the caller. ENTENTE_ERROR_INPUT. */
gboolean message_ack_read(const struct dsse *envelope, const char *origin, struct message_ack *ack,
                          GError **error);
