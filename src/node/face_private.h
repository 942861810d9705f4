/* face_private.h: what the files of the face share: connections, requests, answers. */
#pragma once
#include "node/face.h"
#include "node/metrics.h"
#include "node/mhd.h"
#include "node/peers.h"
#include "node/target.h"

#define PARAMETER_LIMIT 512u
#define PEER_TEXT_LIMIT 48u

/* A route that a service brought, and its numbers. */
struct bound_route {
    const struct route *route;
    gpointer service;
    guint number; /* index into the numbers */
};

struct face_counters {
    guint64 connections_total, refused_connections, cut, limited, aborted;
    gint connections, active, waiting;
    gint64 bodies; /* bytes */
};

struct face {
    struct node *node;
    struct mhd_calls mhd;
    struct face_options options;
    GPtrArray *daemons;  /* struct MHD_Daemon * */
    GArray *routes;      /* struct bound_route */
    GPtrArray *refusers; /* const struct service *: those that say refusals themselves */
    struct answer_numbers *numbers;
    struct peers *peers;
    GArray *proxies; /* struct peer_key */
    GThreadPool *workers;
    struct face_counters counters;
    gint draining;

    /* Connections, for who looks after the deadlines (deadlines.c). */
    GMutex wires_lock;
    GCond wires_changed;
    struct wire *wires;
    gboolean wires_done;
    GThread *watcher;
};

/* One connection, and the request it is at. */
struct wire {
    struct face *face;
    struct MHD_Connection *connection;
    struct wire *next, *previous; /* with wires_lock */
    int fd;
    gint64 deadline_us; /* atomic; 0: none */
    struct peer_key key;
    gboolean limited; /* tokens and connections are counted */
    gboolean is_proxy;
    char peer[PEER_TEXT_LIMIT];

    /* The request. */
    struct target target;
    guint target_status;
    gboolean begun; /* its head was judged */
    gboolean close; /* its connection is not to be used again */
    gint64 began_us;
    const struct bound_route *route;
    struct node_request request;
    char parameter[PARAMETER_LIMIT];
    char forwarded[PEER_TEXT_LIMIT];
    struct peer_key forwarded_key;
    GByteArray *body;
    gsize discarded;
    gboolean refused; /* the answer stands; what still comes in is thrown away */
    gboolean suspended;
    struct node_answer answer;
    gboolean answered;
    guint64 answer_bytes;
};

/* deadlines.c */
void deadlines_start(struct face *face);
void deadlines_stop(struct face *face);
void deadlines_add(struct face *face, struct wire *wire);
void deadlines_remove(struct face *face, struct wire *wire);
void deadline_set(struct wire *wire, guint seconds); /* 0: none */

/* wire.c: libmicrohttpd's callbacks. */
enum MHD_Result wire_may_connect(void *face, const struct sockaddr *address, socklen_t length);
void wire_notify(void *face, struct MHD_Connection *connection, void **context,
                 enum MHD_ConnectionNotificationCode what);
void *wire_target(void *face, const char *text, struct MHD_Connection *connection);
enum MHD_Result wire_request(void *face, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_size, void **context);
void wire_completed(void *face, struct MHD_Connection *connection, void **context,
                    enum MHD_RequestTerminationCode why);
void wire_work(gpointer wire, gpointer face);

/*
 * head.c: judges a request's head. FALSE: the wire's answer is a refusal. `length` is what the
 * body is said to be long: 0 when that is not said, the largest number when it cannot be believed.
 */
gboolean head_judge(struct wire *wire, const char *method, guint64 *length);

/* answer.c: queues the wire's answer; takes what it holds. */
enum MHD_Result answer_send(struct wire *wire);
/* Makes it a refusal, in the form of the service whose path it is; `why` NULL: nothing to say. */
void answer_refuse(struct wire *wire, guint status, const char *why);
/* Those of an answer (struct node_answer), and what every answer has. */
void answer_add_headers(const struct mhd_calls *mhd, struct MHD_Response *response,
                        const char *const *headers);

/* content.c: a response shared by all who ask; borrowed. NULL: none could be made. */
struct MHD_Response *content_response(struct node_content *content, const struct mhd_calls *mhd,
                                      gboolean not_modified);
const char *content_etag(const struct node_content *content);
