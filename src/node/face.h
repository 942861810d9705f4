/*
 * face.h: the node's HTTP face: connections in, requests to routes, answers out.
 *
 *     connection -> head (deadline) -> route -> tokens -> body (limit, deadline) -> service
 *                                                                                     |
 *     connection <- answer (deadline by size) <------------- at once, by a worker, or later
 *
 * Everything a peer can make us keep is bounded: connections in all and of one peer, the head's
 * bytes, a body's bytes, all bodies' bytes together, waiting requests, and the time for each step.
 * A peer that is too slow is cut off. Threads: one a core for connections, and workers.
 */
#pragma once
#include "node/listen.h"
#include "node/service.h"

struct face_limits {
    guint connections;      /* in all */
    guint peer_connections; /* of one peer; loopback is not limited */
    guint rate, burst;      /* tokens of one peer; rate 0: no limit */
    guint64 bodies;         /* bytes of all bodies being received */
    guint waiting;          /* requests that wait for a worker, or for a later answer */
    guint head_s;           /* for a request's head, and how long an idle connection is kept */
    guint body_s;           /* for a body */
    guint answer_s;         /* for an answer, and one second more for each ANSWER_RATE bytes */
    guint drain_s;          /* for what is under way when the node stops */
};
extern const struct face_limits face_default_limits;

struct face_options {
    GPtrArray *listeners;       /* struct listener *; borrowed, closed by face_stop_listening() */
    GBytes *certificates, *key; /* PEM, NUL behind; NULL: plain HTTP */
    char **trusted_proxies;     /* addresses whose X-Forwarded-For is believed; or NULL */
    guint threads;              /* for connections; 0: one a core */
    struct face_limits limits;
};

/* A service that runs, and its routes. */
struct mount {
    const struct service *service;
    gpointer instance;
};

struct face;

/* Loads the HTTP library and checks the options; no thread yet. */
struct face *face_new(struct node *node, const struct face_options *options, GError **error);
/* Accepts connections from here on. `mounts` are borrowed until face_free(). */
gboolean face_start(struct face *face, const struct mount *mounts, guint count, GError **error);
void face_stop_listening(struct face *face);
/* Waits for requests under way, at most `drain_s`; gives how many were left. */
guint face_drain(struct face *face);
/*
 * Ends all threads and connections. Requests must not be owed an answer any more (service.finish).
 * What services keep to be sent (struct node_content) may live until face_free().
 */
void face_stop(struct face *face);
void face_free(struct face *face);
typedef struct face face_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(face_t, face_free)

void face_metrics(struct face *face, GString *text);
