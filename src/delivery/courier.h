/*
 * courier.h: carries events of cases between signatories: sealed, retried, exactly once in effect,
 * in order per case.
 *
 *     outbox row -> seal to the keys in force -> POST to a URL of the recipient (own node, relays)
 *     own mailbox (local, or polled at relays) -> open -> event | part | ack | proof -> cases
 *
 * An event leaves the outbox when its recipient's signed acknowledgement came, not when a relay
 * took it. What could not be handed in is tried again within two minutes; what was, and was not
 * acknowledged, ever later, up to every 6 hours, until the case's retention ends: days offline are
 * nothing special. What arrives twice is acknowledged twice and counts once. What
 * arrives before its causes waits in cases.db. An event with attachments is acknowledged when they
 * are whole.
 *
 * One round does all there is to do and returns; the node calls it on a thread, `entente inbox
 * --sync` once. Nothing is lost when it is killed anywhere: a message is deleted after what it says
 * was recorded, a row after its acknowledgement was.
 */
#pragma once
#include "community/community.h"
#include "delivery/ledger.h"
#include "delivery/mailbox.h"
#include "process/cases.h"
#include "seal/seal.h"

struct courier;
typedef struct courier courier_t;

/* All borrowed for the courier's life. */
struct courier_options {
    struct http_options http;
    struct mailboxes *local;     /* this node's; or NULL */
    struct community *community; /* the register, and the log's moments */
    struct cases *cases;
    struct ledger *ledger;
    const char *self;              /* id of this signatory */
    const struct signing_key *key; /* issuer: signs acknowledgements and requests for the mailbox */
    const GPtrArray *seal_keys;    /* struct seal_secret *: present and old */
};

struct courier *courier_new(const struct courier_options *options);
void courier_free(struct courier *courier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(courier_t, courier_free)
/* From any thread: a round under way ends soon, and there is no other. */
void courier_cancel(struct courier *courier);

struct courier_round {
    guint sent, failed, received, refused, acknowledged;
};
/* ENTENTE_ERROR_SYSTEM: a database here. What others do wrong is no error. */
gboolean courier_run(struct courier *courier, gint64 now_us, struct courier_round *round,
                     GError **error);

/* A place of our own, as we say in the log, that does not let us read our messages; NULL: none.
 * Borrowed until the next round. */
const char *courier_shut_out(const struct courier *courier);

/* Hours whose entry has a log time: own events become witnessed. Gives how many. */
gboolean courier_settle(struct courier *courier, gint64 now_us, guint *witnessed, GError **error);
