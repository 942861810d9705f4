/* courier_take.c: what a message says is judged and recorded; what was recorded, acknowledged. */
#include "base/clock.h"
#include "base/error.h"
#include "delivery/commitment_root.h"
#include "delivery/courier_private.h"
#include "statement/base64.h"
#include "statement/predicate.h"

#include <sodium.h>
#include <string.h>

#define DUE_LIMIT 1000
/* What is due: "author\nby\ncase\nstream". */
enum { DUE_AUTHOR, DUE_BY, DUE_CASE, DUE_STREAM, DUE_PARTS };

/* What was refused is written down under the hash of what came. */
gboolean courier_refuse(struct courier *courier, GBytes *what, const char *who, const char *reason,
                        gint64 now_us, GError **error)
{
    struct case_hash hash;
    gsize length;
    const void *bytes = g_bytes_get_data(what, &length);

    crypto_hash_sha256(hash.bytes, bytes, length);
    courier->round->refused++;
    return ledger_refuse(courier->options.ledger, &hash, who, FALSE, reason, now_us, error);
}

/* --- events --- */

/* Of these the author is not known: nobody is told. */
static gboolean is_signed(enum case_verdict verdict)
{
    static const enum case_verdict unsigned_ones[] = {
        CASE_MALFORMED, CASE_SIGNATURE, CASE_UNKNOWN_KEY, CASE_REVOKED,      CASE_EXPIRED,
        CASE_ROLE,      CASE_OTHER_LOG, CASE_TOO_LARGE,   CASE_UNKNOWN_KIND,
    };

    for (guint i = 0; i < G_N_ELEMENTS(unsigned_ones); i++)
        if (unsigned_ones[i] == verdict)
            return FALSE;
    return TRUE;
}

static gboolean is_refusal(enum case_verdict verdict)
{
    return verdict != CASE_APPLIED && verdict != CASE_OVERTAKEN && verdict != CASE_GAP &&
           verdict != CASE_REPLAYED;
}

static gboolean is_there(struct courier *courier, const struct case_file *file)
{
    g_autofree char *path = cases_attachment_path(courier->options.cases, file);

    return path != NULL;
}

static char *file_key(const struct case_file *file)
{
    g_autofree char *hex = hex_encode(file->sha256.bytes, CASE_HASH_SIZE);

    return g_strdup_printf("%s\n%s\n%s\n%" G_GUINT64_FORMAT, file->id, file->stream, hex,
                           file->size);
}

/* An acknowledgement is due; again when attachments that are missing have come. */
static gboolean touch(struct courier *courier, const struct case_event *event, const char *by,
                      GError **error)
{
    g_autofree char *key = g_strdup_printf("%s\n%s\n%s\n%s", event->from, by ? by : event->from,
                                           event->id, event->stream);

    for (guint i = 0; i < event->attachments->len; i++) {
        const struct case_file file = case_file_of(event, event->attachments->pdata[i]);

        if (is_there(courier, &file))
            continue;
        if (g_hash_table_size(courier->incomplete) >= COURIER_INCOMPLETE_LIMIT)
            g_hash_table_remove_all(courier->incomplete);
        g_hash_table_replace(courier->incomplete, file_key(&file), g_strdup(key));
    }
    return ledger_due(courier->options.ledger, key, error);
}

/* The reply box is there before the first answer, so that a look at it is no error. */
static gboolean open_reply_box(struct courier *courier, const struct case_event *event,
                               gint64 now_us, GError **error)
{
    const char *text = json_text(event->fields, "reply_key");
    g_autofree char *mailbox = NULL;
    struct seal_public key;

    if (!courier->options.local || !case_party_is_key(event->from) || !text ||
        !seal_public_parse(text, &key, NULL))
        return TRUE;
    mailbox = mailbox_reply_id(key.bytes);
    return mailbox_open_reply(courier->options.local, mailbox, now_us, error);
}

/* Tells who sent an event that it was refused, and why. What cannot be told now is not told: it
 * comes again. */
static void tell_refusal(struct courier *courier, const struct case_event *event, const char *by,
                         enum case_verdict verdict, gint64 now_us)
{
    const struct message_ack ack = {
        .id = event->id,
        .stream = event->stream,
        .author = event->from,
        .seq = event->seq,
        .hash = event->hash,
        .refused = (char *)case_verdict_name(verdict),
    };
    g_auto(message_t) message = { .type = MESSAGE_ACK };

    if (!by && case_party_is_key(event->from))
        return;
    message.envelope = message_ack_sign(&ack, courier->origin, now_us, courier->options.key, NULL);
    if (message.envelope)
        courier_hand_in(courier, by ? by : event->from, event->id, &message, now_us, NULL);
}

/* What waited for an event, and does not any more, is acknowledged as well: else its author would
 * not know before it sends it again, hours later. */
static gboolean touch_released(struct courier *courier, const struct case_event *event,
                               GHashTable *before, GError **error)
{
    g_autoptr(GHashTable) now = NULL;
    GHashTableIter iter;
    gpointer key;

    if (!g_hash_table_size(before))
        return TRUE;
    now = cases_waiting(courier->options.cases, event->id, error);
    if (!now)
        return FALSE;
    g_hash_table_iter_init(&iter, before);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        g_auto(GStrv) parts = g_strsplit(key, "\n", 2);
        g_autofree char *due = NULL;

        if (g_hash_table_contains(now, key))
            continue;
        due = g_strdup_printf("%s\n%s\n%s\n%s", parts[0], parts[0], event->id, parts[1]);
        if (!ledger_due(courier->options.ledger, due, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean take_event(struct courier *courier, const struct message *message, gint64 now_us,
                           const char **later, GError **error)
{
    g_autoptr(case_event_t) event = case_event_parse(message->envelope, NULL);
    g_autoptr(GHashTable) waiting =
        event ? cases_waiting(courier->options.cases, event->id, error) : NULL;
    g_autoptr(GError) failure = NULL;
    enum case_verdict verdict;

    (void)later;
    if (event && !waiting)
        return FALSE;
    verdict = cases_take(courier->options.cases, message->envelope, now_us, NULL, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (event && !touch_released(courier, event, waiting, error))
        return FALSE;
    if (event && !is_refusal(verdict))
        return touch(courier, event, message->by, error) &&
               open_reply_box(courier, event, now_us, error);
    if (event && is_signed(verdict)) {
        /* Those that keep their place are there. */
        if (!touch(courier, event, message->by, error))
            return FALSE;
        tell_refusal(courier, event, message->by, verdict, now_us);
    }
    return courier_refuse(courier, message->envelope, event ? event->from : COURIER_UNKNOWN,
                          case_verdict_name(verdict), now_us, error);
}

/* --- parts --- */

/* A part of what no accepted event of its case announces is nobody's: it may not fill the disk. */
static gboolean take_part(struct courier *courier, const struct message *message, gint64 now_us,
                          const char **later, GError **error)
{
    const struct case_file file = { message->id, message->stream, message->attachment,
                                    message->size };
    g_autofree char *wanted = file_key(&file), *name = NULL, *key = NULL;
    g_autoptr(GError) failure = NULL;
    enum case_verdict verdict;
    gboolean whole;

    verdict = cases_attachment_add(courier->options.cases, &file, message->offset, message->data,
                                   &whole, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (verdict == CASE_GAP) /* the event that announces it may be behind it */
        *later = case_verdict_name(CASE_NOT_ANNOUNCED);
    else if (verdict != CASE_APPLIED)
        return courier_refuse(courier, message->data, COURIER_UNKNOWN, case_verdict_name(verdict),
                              now_us, error);
    if (whole)
        g_hash_table_steal_extended(courier->incomplete, wanted, (gpointer *)&name,
                                    (gpointer *)&key);
    return !key || ledger_due(courier->options.ledger, key, error);
}

/* --- acknowledgements --- */

/* The signatory whose key signed it well; NULL: none. Owned by the caller. */
static char *signer_of(struct courier *courier, const struct dsse *envelope, gint64 now_us)
{
    const struct predicate *predicate = predicate_find(PREDICATE_CASE_ACK);

    for (guint i = 0; i < envelope->signatures->len; i++) {
        const struct dsse_signature *signature = envelope->signatures->pdata[i];
        g_autofree struct dsse_result *results =
            g_new0(struct dsse_result, envelope->signatures->len);
        g_autofree char *id =
            *signature->keyid ? register_id(courier->reg, signature->keyid, NULL) : NULL;
        g_autoptr(GPtrArray) keys =
            id ? register_signers(courier->reg, id, predicate, now_us, signature->keyid, NULL)
               : NULL;

        if (keys && dsse_verify(envelope, keys, results))
            return g_steal_pointer(&id);
    }
    return NULL;
}

/* What the recipient refused for good is not sent again; a clock that is ahead, or a register that
 * is behind, may be right the next time. */
static gboolean take_refusal(struct courier *courier, const struct message_ack *ack,
                             const char *signer, gint64 now_us, GError **error)
{
    struct ledger *ledger = courier->options.ledger;
    struct ledger_sent sent;
    gboolean there;

    if (!ledger_sent(ledger, &ack->hash, signer, &sent, &there, error))
        return FALSE;
    if (!there)
        return TRUE;
    if (!ledger_refuse(ledger, &ack->hash, signer, TRUE, ack->refused, now_us, error))
        return FALSE;
    return g_str_equal(ack->refused, case_verdict_name(CASE_TIME)) ||
           cases_sent(courier->options.cases, sent.row, G_MAXINT64, error);
}

static gboolean take_ack(struct courier *courier, const struct message *message, gint64 now_us,
                         const char **later, GError **error)
{
    gsize length;
    const void *bytes = g_bytes_get_data(message->envelope, &length);
    g_autoptr(dsse_t) envelope = dsse_parse(bytes, length, "acknowledgement", NULL);
    g_auto(message_ack_t) ack = { 0 };
    g_autofree char *signer = NULL;

    (void)later;
    if (!envelope || !message_ack_read(envelope, courier->origin, &ack, NULL))
        return courier_refuse(courier, message->envelope, COURIER_UNKNOWN,
                              case_verdict_name(CASE_MALFORMED), now_us, error);
    signer = signer_of(courier, envelope, now_us);
    if (!signer)
        return courier_refuse(courier, message->envelope, COURIER_UNKNOWN,
                              case_verdict_name(CASE_SIGNATURE), now_us, error);
    if (ack.refused)
        return take_refusal(courier, &ack, signer, now_us, error);
    courier->round->acknowledged++;
    return cases_arrived(courier->options.cases, signer, ack.id, ack.author, ack.stream, ack.seq,
                         error);
}

/* --- proofs --- */

static gboolean take_proof(struct courier *courier, const struct message *message, gint64 now_us,
                           const char **later, GError **error)
{
    struct ledger *ledger = courier->options.ledger;
    g_auto(case_root_proven_t) proven = { 0 };
    g_autofree char *author = NULL;
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = NULL;
    gboolean fresh;

    if (case_root_verify(message->proof, courier->options.community, &proven, &failure)) {
        author = cases_author(courier->options.cases, &proven.event);
        if (!author) {
            *later = case_verdict_name(CASE_GAP);
            return TRUE;
        }
        if (g_strcmp0(author, proven.author) == 0)
            return ledger_witness(ledger, &proven.event, proven.log_time_us, &fresh, error) &&
                   (!fresh || cases_refresh(courier->options.cases, &proven.event, now_us, error));
    }
    if (g_error_matches(failure, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM)) {
        *later = "proof";
        return TRUE;
    }
    bytes = json_canonical(message->proof, error);
    return bytes &&
           courier_refuse(courier, bytes, proven.author ? proven.author : COURIER_UNKNOWN,
                          failure ? "proof" : case_verdict_name(CASE_MIS_ADDRESSED), now_us, error);
}

/* --- any of them --- */

static gboolean (*const takers[])(struct courier *courier, const struct message *message,
                                  gint64 now_us, const char **later, GError **error) = {
    [MESSAGE_EVENT] = take_event,
    [MESSAGE_PART] = take_part,
    [MESSAGE_ACK] = take_ack,
    [MESSAGE_PROOF] = take_proof,
};

gboolean courier_take(struct courier *courier, GBytes *sealed, gint64 now_us, const char **later,
                      GError **error)
{
    g_autoptr(GBytes) content = seal_open(sealed, courier->options.seal_keys, NULL);
    g_auto(message_t) message = { 0 };
    g_autoptr(GError) failure = NULL;

    *later = NULL;
    if (!content || !message_unpack(content, &message, NULL))
        return courier_refuse(courier, sealed, COURIER_UNKNOWN,
                              content ? "malformed" : "not-opened", now_us, error);
    if (takers[message.type](courier, &message, now_us, later, &failure))
        return TRUE;
    /* What is wrong with a message stops none behind it. */
    if (g_error_matches(failure, ENTENTE_ERROR, ENTENTE_ERROR_INPUT))
        return courier_refuse(courier, sealed, COURIER_UNKNOWN, case_verdict_name(CASE_MALFORMED),
                              now_us, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* --- acknowledging --- */

/* Of an event that is refused and keeps its place no files are taken: none are waited for. */
static gboolean is_whole(struct courier *courier, const struct case_entry *entry)
{
    for (guint i = 0; i < entry->event->attachments->len && !is_refusal(entry->verdict); i++) {
        const struct case_file file =
            case_file_of(entry->event, entry->event->attachments->pdata[i]);

        if (!is_there(courier, &file))
            return FALSE;
    }
    return TRUE;
}

/* How far an author's events in a stream are here without a gap, each with its attachments. */
static gboolean reach(struct courier *courier, const struct kase *kase, struct message_ack *ack)
{
    g_autoptr(GHashTable) there = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];
        const struct case_event *event = entry->event;

        if (event && entry->verdict != CASE_GAP && g_str_equal(event->from, ack->author) &&
            g_str_equal(event->stream, ack->stream) && is_whole(courier, entry))
            g_hash_table_insert(there, GUINT_TO_POINTER(event->seq), (gpointer)event);
    }
    for (;;) {
        const struct case_event *event = g_hash_table_lookup(there, GUINT_TO_POINTER(ack->seq + 1));

        if (!event)
            return ack->seq > 0;
        ack->seq++;
        ack->hash = event->hash;
    }
}

/* Who handed an event on says so itself, unsigned: only its author and parties are told how far the
 * author's events go. */
static gboolean may_know(const struct kase *kase, const struct message_ack *ack, const char *to)
{
    return g_str_equal(to, ack->author) ||
           (case_party_of(kase, to) && case_stream_is_seen(kase, ack->stream, to));
}

static gboolean acknowledge(struct courier *courier, const char *due, gint64 now_us, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(due, "\n", DUE_PARTS);
    const char *to = parts[DUE_BY];
    const struct kase *kase;
    struct message_ack ack = { 0 };
    g_auto(message_t) message = { .type = MESSAGE_ACK };

    if (g_hash_table_contains(courier->unreachable, to))
        return TRUE;
    ack.id = parts[DUE_CASE];
    ack.stream = parts[DUE_STREAM];
    ack.author = parts[DUE_AUTHOR];
    kase = cases_get(courier->options.cases, ack.id, now_us, NULL);
    if (kase && may_know(kase, &ack, to) && reach(courier, kase, &ack)) {
        g_autoptr(GError) failure = NULL;

        message.envelope =
            message_ack_sign(&ack, courier->origin, now_us, courier->options.key, error);
        if (!message.envelope)
            return FALSE;
        /* A reporter who gave no key for answers wants none. */
        if (!courier_hand_in(courier, to, ack.id, &message, now_us, &failure) &&
            !(case_party_is_key(to) &&
              g_error_matches(failure, ENTENTE_ERROR, ENTENTE_ERROR_POLICY))) {
            g_hash_table_add(courier->unreachable, g_strdup(to));
            return TRUE; /* it stays due */
        }
    }
    return ledger_done(courier->options.ledger, due, error);
}

gboolean courier_acknowledge(struct courier *courier, gint64 now_us, GError **error)
{
    g_autoptr(GPtrArray) list = ledger_all_due(courier->options.ledger, DUE_LIMIT, error);

    for (guint i = 0; list && i < list->len && !courier_is_cancelled(courier); i++)
        if (!acknowledge(courier, list->pdata[i], now_us, error))
            return FALSE;
    return list != NULL;
}
