/*
 * follower.h: watches a log and keeps a verified copy of it.
 *
 * One step: the newest checkpoint is fetched, its signature and cosignatures are judged, it must
 * continue the largest one seen (the copy's), new entries are verified and copied; then the
 * checkpoints that witnesses and mirrors show are compared with the copy. What cannot be reconciled
 * becomes a bundle of evidence beside the copy, in the folder "evidence". A log that is out of
 * reach is unknown, never inconsistent.
 */
#pragma once
#include "base/json.h"
#include "log/mirror.h"
#include "log/quorum.h"
#include "net/http.h"

struct follower_options {
    const char *folder; /* of the copy */
    const char *where;  /* URL or folder of the log */
    /* The log's key(s), the witnesses and their URLs, the quorum. Borrowed. */
    const struct quorum_policy *policy;
    const char *origin;         /* which of the policy's logs */
    struct http_options http;   /* strings borrowed */
    const char *const *mirrors; /* URLs of other copies, ends with NULL; or NULL */
    gboolean ask_witnesses;     /* for what they last cosigned */
    gboolean gossip;            /* hand our checkpoint to the witnesses that know a smaller one */
    log_entry_fn each;          /* sees every new entry; or NULL */
    gpointer each_data;
};

struct follower;
typedef struct follower follower_t;
struct follower *follower_new(const struct follower_options *options, GError **error);
void follower_free(struct follower *follower);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(follower_t, follower_free)

/* What a step came to; the worst counts. */
enum follower_outcome {
    FOLLOWER_GOOD,
    FOLLOWER_UNWITNESSED, /* the log's word alone */
    FOLLOWER_STALE,       /* old cosignatures */
    FOLLOWER_UNKNOWN,     /* out of reach */
    FOLLOWER_FOUND,       /* a false signature, a split view, a roll-back */
};

/*
 * Events, as JSON objects with "event" and "time":
 *   checkpoint   size, previous, root, trust, log_time?     the log as it is now
 *   unknown      from, message                              nobody answered there
 *   signature    from, message                              not signed by the log
 *   split-view, rolled-back   from, message, evidence       with the bundle's path
 *   ahead        from, size                                 someone saw more than the log shows
 *   behind       from, size                                 someone knows less than the log shows
 *   gossip       to, size, outcome                          our checkpoint was handed over
 */
typedef void (*follower_event_fn)(const json_t *event, gpointer data);

/* FALSE and ENTENTE_ERROR_SYSTEM: the copy could not be written. */
gboolean follower_step(struct follower *follower, follower_event_fn event, gpointer data,
                       enum follower_outcome *outcome, GError **error);
