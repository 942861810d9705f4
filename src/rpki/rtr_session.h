/*
 * rtr_session.h: a router's side of RTR, without the network: bytes and times go in, bytes to send
 * and sets come out.
 *
 *     connected ─> query ─> cache response ─> payloads into a shadow ─> end of data: swapped
 *                    ^                                                        │
 *                    └── serial notify, refresh timer, cache reset <──────────┘
 *
 * Nobody sees half a set: what came before an end of data is dropped with the connection. What is
 * there stays until it expires, also while no cache can be reached. Versions are tried from the
 * highest down: at "unsupported version", at an answer in a lower one, and where the cache closes
 * without a word. Times are microseconds of any clock that only moves on.
 */
#pragma once
#include "rpki/aspa.h"
#include "rpki/rtr_pdu.h"

#define RTR_REFRESH_S 3600u
#define RTR_RETRY_S 600u
#define RTR_EXPIRE_S 7200u

struct rtr_session;
struct rtr_session *rtr_session_new(guint8 version); /* the highest to be tried */
void rtr_session_free(struct rtr_session *session);
typedef struct rtr_session rtr_session_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rtr_session_t, rtr_session_free)

/* A connection stands: asks for what changed since, or for everything. */
void rtr_session_connected(struct rtr_session *session, gint64 now_us);
/* FALSE: send what is to be sent, and close. */
gboolean rtr_session_take(struct rtr_session *session, const guint8 *bytes, gsize length,
                          gint64 now_us);
/* The connection is gone, or could not be had; at `*again_us` the next is to be tried. */
void rtr_session_lost(struct rtr_session *session, gint64 now_us, gint64 *again_us);

/* What is to be sent: the caller takes away what it could send. */
GByteArray *rtr_session_output(struct rtr_session *session);

/*
 * What is due by now: a query, the end of data that expired, the end of a connection whose answer
 * does not come (FALSE: close). `rtr_session_due()`: when to call next.
 */
gboolean rtr_session_tick(struct rtr_session *session, gint64 now_us);
gint64 rtr_session_due(const struct rtr_session *session);

struct rtr_status {
    guint8 version; /* spoken, or to be tried next */
    gboolean is_connected, has_data;
    gboolean is_refused; /* the cache ended a connection with an error, and gave nothing since */
    guint16 session;
    guint32 serial;
    gint64 synced_us, expires_us; /* the last end of data; when what is there ends; 0: none */
    guint64 swaps;                /* how often the sets changed, expiries among them */
    guint64 router_keys;          /* of the last answer; they are not kept */
    const char *problem;          /* what went wrong last, for people; NULL; borrowed */
};
void rtr_session_status(const struct rtr_session *session, struct rtr_status *status);

/* Sealed, borrowed; NULL: there is no data. */
struct vrp_set *rtr_session_vrps(const struct rtr_session *session);
struct aspa_set *rtr_session_aspas(const struct rtr_session *session);
