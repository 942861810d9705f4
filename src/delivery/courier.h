/*
 * courier.h: carries events of cases between signatories: sealed, retried, exactly once in effect,
 * in order per case.
 *
 *     outbox row -> seal to the keys in force -> POST to a URL of the recipient (own node, relays)
 *     own mailbox (local, or polled at relays) -> open -> event | part | ack | proof -> cases
 *
 * An event leaves the outbox when its recipient's signed acknowledgement came, not when a relay
 * took it. Attempts follow at 1 min, 5 min, 30 min, 2 h, then every 6 h, until the case's retention
 * ends: days offline are nothing special. What arrives twice is acknowledged twice and counts once.
 * What arrives before its causes waits in cases.db.
 *
 * One round does all there is to do and returns; the node calls it on a thread, `entente inbox
 * --sync` once.
 */
#pragma once
#include "community/community.h"
#include "delivery/mailbox.h"
#include "process/cases.h"

struct courier;
typedef struct courier courier_t;

struct courier_options {
    const char *data_folder;
    struct http_options http;
    struct mailboxes *local; /* this node's; or NULL */
    /* The register now, held by who calls; and the log's moments. */
    const struct reg *reg;
    const struct signing_key *key; /* issuer: signs acknowledgements and requests for the mailbox */
    const GPtrArray *seal_keys;    /* struct seal_secret *: present and old */
};

struct courier *courier_new(struct cases *cases, const struct courier_options *options,
                            GError **error);
void courier_free(struct courier *courier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(courier_t, courier_free)

struct courier_round {
    guint sent, failed, received, refused, acknowledged;
    gint64 next_us; /* when the next attempt is due; 0: nothing waits */
};
gboolean courier_run(struct courier *courier, gint64 now_us, struct courier_round *round,
                     GError **error);
