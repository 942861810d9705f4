/*
 * ledger.h: what delivery must remember between its rounds: DATA/delivery.db.
 *
 *     hour       each hourly root, with the seed that its salts and its padding come from
 *     leaf       in which hour an event was committed
 *     witnessed  log times that authors proved of their events
 *     sent       which outbox row carries an event to a recipient, and how far its attachments are
 *     owed       events whose recipients get the proof once there is one
 *     due        acknowledgements that are to be handed in
 *     refused    what was refused, here or by others, and why
 *
 * The seeds are part of the backup: without them nobody can prove anything from old roots.
 * Several processes use it at once; one handle is for one thread.
 */
#pragma once
#include "base/json.h"
#include "process/case_event.h"

#define LEDGER_SEED_SIZE 32

struct ledger;
typedef struct ledger ledger_t;
struct ledger *ledger_open(const char *data_folder, GError **error);
void ledger_close(struct ledger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ledger_t, ledger_close)

/* --- hours --- */

struct ledger_hour {
    gint64 hour_us; /* 0: none */
    guint8 seed[LEDGER_SEED_SIZE];
    guint64 leaves;
    GBytes *entry; /* as it was logged; NULL: not yet */
};
void ledger_hour_clear(struct ledger_hour *hour);
typedef struct ledger_hour ledger_hour_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ledger_hour_t, ledger_hour_clear)

/* The newest; and the one that an event was committed in. */
gboolean ledger_last_hour(struct ledger *ledger, struct ledger_hour *hour, GError **error);
gboolean ledger_hour_of(struct ledger *ledger, const struct case_hash *event,
                        struct ledger_hour *hour, GError **error);
/* Makes an hour with its events (struct case_hash). */
gboolean ledger_add_hour(struct ledger *ledger, const struct ledger_hour *hour,
                         const GArray *events, GError **error);
gboolean ledger_log_hour(struct ledger *ledger, gint64 hour_us, GBytes *entry, GError **error);
/* It never came into the log: its events are to be in another one. */
gboolean ledger_drop_hour(struct ledger *ledger, gint64 hour_us, GError **error);
/* Hours that were logged, and whose events have no witnessed time from them yet (struct ledger_hour
 * *), the oldest first. */
GPtrArray *ledger_unsettled(struct ledger *ledger, GError **error);
gboolean ledger_settle(struct ledger *ledger, gint64 hour_us, GError **error);
/* The events (struct case_hash) of an hour, in order of their bytes. */
GArray *ledger_events(struct ledger *ledger, gint64 hour_us, GError **error);

/* --- witnessed times --- */

/* The earliest that was proven counts. `fresh` (or NULL): it says something new. */
gboolean ledger_witness(struct ledger *ledger, const struct case_hash *event, gint64 time_us,
                        gboolean *fresh, GError **error);
/* 0: not witnessed. For case_options.witnessed_us; `ledger` as gpointer. */
gint64 ledger_witnessed_us(gpointer ledger, const struct case_hash *event);

/* --- what was sent --- */

struct ledger_sent {
    guint64 row;
    guint64 part; /* bytes of attachments that were handed in, all attachments in their order */
};
gboolean ledger_sent(struct ledger *ledger, const struct case_hash *event, const char *recipient,
                     struct ledger_sent *sent, gboolean *there, GError **error);
gboolean ledger_set_sent(struct ledger *ledger, const struct case_hash *event,
                         const char *recipient, const struct ledger_sent *sent, GError **error);

/* --- proofs that are owed --- */

struct ledger_owed {
    struct case_hash event;
    char *recipient;
};
void ledger_owed_free(struct ledger_owed *owed);
/* Those whose hour was logged (struct ledger_owed *). */
GPtrArray *ledger_owed(struct ledger *ledger, guint limit, GError **error);
gboolean ledger_owe(struct ledger *ledger, const struct case_hash *event, const char *recipient,
                    GError **error);
gboolean ledger_paid(struct ledger *ledger, const struct case_hash *event, const char *recipient,
                     GError **error);

/* --- acknowledgements that are due --- */

/* `what` is a text of the courier's; one of each. */
gboolean ledger_due(struct ledger *ledger, const char *what, GError **error);
gboolean ledger_done(struct ledger *ledger, const char *what, GError **error);
GPtrArray *ledger_all_due(struct ledger *ledger, guint limit, GError **error); /* char * */

/* --- refusals --- */

/* `who`: who sent it ("?" when that is not known), or the recipient that refused ours. `what`: a
 * hash of the event or message. */
gboolean ledger_refuse(struct ledger *ledger, const struct case_hash *what, const char *who,
                       gboolean ours, const char *reason, gint64 now_us, GError **error);
/* [{"what","who","ours","reason","time"}], the newest first. */
json_t *ledger_refusals(struct ledger *ledger, guint limit, GError **error);
