/* courier_send.c: the outbox, sealed and handed in where its recipients take messages. */
#include "base/error.h"
#include "delivery/commitment_root.h"
#include "delivery/courier_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ROWS 200
#define PROOFS 200
#define ALONE_ATTEMPTS 2 /* after which what an event names is handed in with it */
#define PARTS_EVERY 8    /* attempts after which attachments are handed in from their beginning */
#define SECOND_US G_GINT64_CONSTANT(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)

/* Until the next attempt: after what was handed in and not acknowledged, and after what could not
 * be handed in. */
static const gint64 after_sent_us[] = { 20 * SECOND_US, 2 * MINUTE_US, 10 * MINUTE_US, HOUR_US,
                                        6 * HOUR_US };
static const gint64 after_failure_us[] = { 3 * SECOND_US,  5 * SECOND_US,  10 * SECOND_US,
                                           20 * SECOND_US, 30 * SECOND_US, MINUTE_US,
                                           2 * MINUTE_US };

static gint64 next_us(const struct outbox_row *row, gboolean sent, gint64 now_us)
{
    const guint sent_last = G_N_ELEMENTS(after_sent_us) - 1;
    const guint failure_last = G_N_ELEMENTS(after_failure_us) - 1;

    return now_us + (sent ? after_sent_us[MIN(row->attempts, sent_last)]
                          : after_failure_us[MIN(row->attempts, failure_last)]);
}

/* --- sealing and handing in --- */

static GBytes *seal_to(const GPtrArray *texts, const struct message *message, GError **error)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GBytes) content = message_pack(message, error);

    for (guint i = 0; content && i < texts->len; i++) {
        struct seal_public *key = g_new0(struct seal_public, 1);

        g_ptr_array_add(keys, key);
        if (!seal_public_parse(texts->pdata[i], key, error))
            return NULL;
    }
    return content ? seal_bytes(content, keys, error) : NULL;
}

static gboolean to_signatory(struct courier *courier, const char *recipient,
                             const struct message *message, gint64 now_us, GError **error)
{
    const json_t *urls = json_object_get(register_mailbox(courier->reg, recipient), "urls"), *url;
    g_autoptr(GPtrArray) keys = register_seal_keys(courier->reg, recipient, now_us);
    g_autofree char *mailbox = mailbox_id(courier->origin, recipient);
    g_autoptr(GError) last = NULL;
    g_autoptr(GBytes) sealed = NULL;
    size_t i;

    if (!json_array_size(urls))
        return system_error(error, "%.16s says nowhere where it takes messages", recipient);
    if (!keys->len)
        return system_error(error, "%.16s has no seal key in force", recipient);
    sealed = seal_to(keys, message, error);
    if (!sealed)
        return FALSE;
    json_array_foreach(urls, i, url)
    {
        g_clear_error(&last);
        if (mailbox_client_post(courier->client, json_string_value(url), mailbox, sealed, FALSE,
                                &last))
            return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&last));
    return FALSE;
}

/* The key that a reporter without an account gave for answers: what it said last. */
static char *reply_key(struct courier *courier, const char *party, const char *id, gint64 now_us)
{
    const struct kase *kase = cases_get(courier->options.cases, id, now_us, NULL);
    const char *found = NULL;

    for (guint i = 0; kase && i < kase->entries->len; i++) {
        const struct case_event *event = ((struct case_entry *)kase->entries->pdata[i])->event;
        const char *key =
            event && g_str_equal(event->from, party) ? json_text(event->fields, "reply_key") : NULL;

        found = key ? key : found;
    }
    return g_strdup(found);
}

/* To the reply box here, and at every relay of ours: at one of them it was reported. */
static gboolean to_reporter(struct courier *courier, const char *party, const char *id,
                            const struct message *message, gint64 now_us, GError **error)
{
    g_autofree char *text = id ? reply_key(courier, party, id, now_us) : NULL, *mailbox = NULL;
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_auto(GStrv) urls = courier_own_urls(courier);
    struct mailboxes *local = courier->options.local;
    g_autoptr(GBytes) sealed = NULL;
    struct seal_public key;
    gboolean done = FALSE;
    guint64 number;

    if (!text)
        return policy_error(error, "the reporter gave no key for answers");
    if (!seal_public_parse(text, &key, error))
        return FALSE;
    g_ptr_array_add(keys, text);
    mailbox = mailbox_reply_id(key.bytes);
    sealed = seal_to(keys, message, error);
    if (!sealed)
        return FALSE;
    if (local) {
        done = mailbox_open_reply(local, mailbox, now_us, error) &&
               mailbox_put(local, mailbox, sealed, now_us, &number, error);
        if (!done)
            return FALSE;
    }
    for (char **url = urls; *url; url++)
        done |= mailbox_client_post(courier->client, *url, mailbox, sealed, TRUE, NULL);
    return done || system_error(error, "no mailbox takes the answer now");
}

gboolean courier_hand_in(struct courier *courier, const char *recipient, const char *id,
                         const struct message *message, gint64 now_us, GError **error)
{
    return case_party_is_key(recipient)
               ? to_reporter(courier, recipient, id, message, now_us, error)
               : to_signatory(courier, recipient, message, now_us, error);
}

/* --- attachments --- */

static GBytes *read_part(const char *path, guint64 offset, gsize length, GError **error)
{
    g_autofree guint8 *bytes = g_malloc(length);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    gsize done = 0;

    if (file < 0) {
        errno_error(error, errno, "%s", path);
        return NULL;
    }
    while (done < length) {
        ssize_t got = pread(file, bytes + done, length - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (gsize)got;
    }
    close(file);
    if (done == length)
        return g_bytes_new_take(g_steal_pointer(&bytes), length);
    system_error(error, "%s: cannot be read", path);
    return NULL;
}

static gboolean send_part(struct courier *courier, const struct outbox_row *row,
                          const struct case_file *file, guint64 offset, gsize length, gint64 now_us,
                          GError **error)
{
    g_autofree char *path = cases_attachment_path(courier->options.cases, file);
    g_auto(message_t) message = {
        .type = MESSAGE_PART,
        .id = g_strdup(file->id),
        .stream = g_strdup(file->stream),
        .attachment = file->sha256,
        .size = file->size,
        .offset = offset,
    };

    if (!path)
        return system_error(error, "the attachment is not here (yet)");
    message.data = read_part(path, offset, length, error);
    return message.data &&
           courier_hand_in(courier, row->recipient, row->id, &message, now_us, error);
}

/* A file that another announced, and did not give to us: nothing that we hand on waits for it. */
static gboolean lacks_file(struct courier *courier, const struct outbox_row *row,
                           const struct case_file *file)
{
    g_autofree char *path = cases_attachment_path(courier->options.cases, file);

    return !path && !g_str_equal(row->author, courier->options.self);
}

/* Goes on where the last attempt ended. */
static gboolean send_attachments(struct courier *courier, const struct outbox_row *row,
                                 const struct case_event *event, struct ledger_sent *sent,
                                 gint64 now_us, GError **error)
{
    guint64 before = 0; /* bytes of the attachments before this one */

    for (guint i = 0; i < event->attachments->len; i++) {
        const struct case_file file = case_file_of(event, event->attachments->pdata[i]);

        if (lacks_file(courier, row, &file))
            sent->part = MAX(sent->part, before + file.size);
        while (sent->part < before + file.size) {
            const guint64 offset = sent->part - before;
            const gsize length = MIN(file.size - offset, MESSAGE_PART_LIMIT);

            if (courier_is_cancelled(courier))
                return system_error(error, "stopped");
            if (!send_part(courier, row, &file, offset, length, now_us, error))
                return FALSE;
            sent->part += length;
            if (!ledger_set_sent(courier->options.ledger, &row->event, row->recipient, sent, error))
                return FALSE;
        }
        before += file.size;
    }
    return TRUE;
}

/* --- the outbox --- */

/* What is remembered of a row, and what is owed for it. */
static gboolean note_row(struct courier *courier, const struct outbox_row *row,
                         struct ledger_sent *sent, GError **error)
{
    struct ledger *ledger = courier->options.ledger;
    gboolean there;

    if (!ledger_sent(ledger, &row->event, row->recipient, sent, &there, error))
        return FALSE;
    if (there && row->attempts % PARTS_EVERY)
        return TRUE;
    *sent = (struct ledger_sent){ .row = row->number };
    if (!ledger_set_sent(ledger, &row->event, row->recipient, sent, error))
        return FALSE;
    return there || case_party_is_key(row->recipient) ||
           !g_str_equal(row->author, courier->options.self) ||
           ledger_owe(ledger, &row->event, row->recipient, error);
}

static gboolean send_row(struct courier *courier, const struct outbox_row *row,
                         struct ledger_sent *sent, gint64 now_us, GError **error)
{
    g_autoptr(case_event_t) event = case_event_parse(row->envelope, error);
    g_auto(message_t) message = { .type = MESSAGE_EVENT };

    if (!event)
        return FALSE;
    message.envelope = g_bytes_ref(row->envelope);
    if (!g_str_equal(row->author, courier->options.self))
        message.by = g_strdup(courier->options.self);
    return courier_hand_in(courier, row->recipient, row->id, &message, now_us, error) &&
           send_attachments(courier, row, event, sent, now_us, error);
}

/* A reporter's browser acknowledges nothing: what is in the reply box has arrived. */
static gboolean finish_row(struct courier *courier, const struct outbox_row *row, gboolean sent,
                           gint64 now_us, GError **error)
{
    struct cases *cases = courier->options.cases;

    if (sent && case_party_is_key(row->recipient))
        return cases_arrived(cases, row->recipient, row->id, row->author, row->stream, row->seq,
                             error);
    if (sent && row->attempts >= ALONE_ATTEMPTS && !cases_hand_on(cases, row, now_us, error))
        return FALSE;
    return cases_sent(cases, row->number, next_us(row, sent, now_us), error);
}

static gboolean attempt(struct courier *courier, const struct outbox_row *row, gint64 now_us,
                        GError **error)
{
    g_autoptr(GError) failure = NULL;
    struct ledger_sent sent;
    gboolean done = FALSE;

    if (!note_row(courier, row, &sent, error))
        return FALSE;
    if (!g_hash_table_contains(courier->unreachable, row->recipient)) {
        done = send_row(courier, row, &sent, now_us, &failure);
        if (!done) {
            g_hash_table_add(courier->unreachable, g_strdup(row->recipient));
            g_debug("not sent to %s: %s", row->recipient, failure->message);
        }
    }
    courier->round->sent += done;
    courier->round->failed += !done;
    return finish_row(courier, row, done, now_us, error);
}

gboolean courier_send(struct courier *courier, gint64 now_us, GError **error)
{
    for (;;) {
        g_autoptr(GPtrArray) rows = cases_outbox(courier->options.cases, now_us, ROWS, error);

        if (!rows)
            return FALSE;
        for (guint i = 0; i < rows->len && !courier_is_cancelled(courier); i++)
            if (!attempt(courier, rows->pdata[i], now_us, error))
                return FALSE;
        if (rows->len < ROWS || courier_is_cancelled(courier))
            return TRUE;
    }
}

/* --- proofs --- */

static gboolean send_proof(struct courier *courier, const struct ledger_owed *owed, gint64 now_us,
                           GError **error)
{
    struct ledger *ledger = courier->options.ledger;
    g_autoptr(GError) failure = NULL;
    g_auto(message_t) message = { .type = MESSAGE_PROOF };

    if (g_hash_table_contains(courier->unreachable, owed->recipient))
        return TRUE;
    message.proof = case_root_prove(ledger, courier->options.community, &owed->event, &failure);
    if (!message.proof)
        return TRUE; /* not in a trusted checkpoint yet */
    if (courier_hand_in(courier, owed->recipient, NULL, &message, now_us, &failure))
        return ledger_paid(ledger, &owed->event, owed->recipient, error);
    g_hash_table_add(courier->unreachable, g_strdup(owed->recipient));
    return TRUE;
}

gboolean courier_send_proofs(struct courier *courier, gint64 now_us, GError **error)
{
    g_autoptr(GPtrArray) list = ledger_owed(courier->options.ledger, PROOFS, error);

    for (guint i = 0; list && i < list->len && !courier_is_cancelled(courier); i++)
        if (!send_proof(courier, list->pdata[i], now_us, error))
            return FALSE;
    return list != NULL;
}
