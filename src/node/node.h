/*
 * node.h: one node: its folders, its services, its HTTP face, from start to graceful stop.
 *
 *     node_new     options, keys, libraries, listening sockets         one thread
 *     node_run     confinement; services' threads; the face answers
 *                  until SIGTERM or SIGINT, or a service cannot go on
 *     node_free
 */
#pragma once
#include "node/face.h"
#include "node/service.h"

struct node_options {
    const char *data_folder;
    const char *log_folder;   /* tiles, checkpoint, history; NULL: DATA/log, else the mirror's */
    const char *lock_file;    /* of the log's lock row; NULL: beside the log */
    const char *dns_server;   /* "127.0.0.1@5353"; NULL: the system's */
    const char *trust_anchor; /* DNSSEC, a file; NULL: Debian's */
    const char *ca_file;      /* of other nodes' certificates; NULL: the system's */
    gboolean allow_private;   /* witnesses and members at loopback and private addresses */
    gboolean open_metrics;    /* /metrics for everybody, not only for loopback */
    gboolean unconfined;      /* for debuggers and sanitizers */
    gboolean quiet;
    char **relay_for;     /* domains whose messages are kept here, too; "all"; or NULL */
    guint mailbox_work;   /* bits of work that a message costs; 0: the default */
    guint64 mailbox_size; /* bytes of one mailbox; 0: the default */
    char **public_urls;   /* where others reach this node; or NULL: not said */
    const char *database; /* URL of the PostgreSQL database that keeps the log; NULL: none */
    const char *intel;    /* file of what is shared by TAXII, and with whom; NULL: nothing */
    const char *profile;  /* names the logs to be searched; NULL: none */
    guint hunt_every_s;   /* 0: never */
    guint ct_every_s;     /* reads the logs of certificates so often; 0: never */
    guint drill_every_s;  /* looks so often which drills are due; 0: never */
    gboolean publish_drills;
    const char *ris_live;     /* URL; NULL: not listened to */
    const char *bmp;          /* "ADDRESS:PORT" where routers tell of their routes; or NULL */
    char **bmp_routers;       /* addresses of those that may; NULL: all that reach it */
    const char *rtr;          /* "HOST:PORT" of an RPKI cache; or NULL */
    char **relationships;     /* files of who buys from whom; or NULL */
    const char *name_servers; /* file: where our name servers are; or NULL */
    guint routes_silence_s;   /* a feed is silent after so long */
    char **recordings;        /* folders of routes, by which others' alarms are answered; or NULL */
    guint answer_every_s;     /* 0: never */
    const char *advertise;    /* URL at which its other nodes reach this one; NULL: as it listens */
    gint64 lease_us;          /* how long a sequencer may be silent; 0: the default */
    guint64 cache;            /* bytes of tiles kept in memory; 0: the default */
    struct face_options face;
};

/* `options` are borrowed for the node's life. */
struct node *node_new(const struct node_options *options, GError **error);
/* TRUE when it was told to stop and stopped well. */
gboolean node_run(struct node *node, GError **error);
void node_free(struct node *node);
typedef struct node node_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(node_t, node_free)

/* For services. */
const struct node_options *node_options(const struct node *node);
const char *node_log_folder(const struct node *node); /* NULL: no log and no mirror here */
/* The instance of a service that runs here; NULL when it does not. */
gpointer node_service(const struct node *node, const struct service *service);
/* A service cannot go on: the node stops and node_run() gives this error. On any thread. */
void node_fail(struct node *node, const GError *error);
gboolean node_is_ready(struct node *node, const char **service, const char **why);
/* What services add to GET /readyz. */
void node_state(struct node *node, json_t *members);
/* All numbers, for GET /metrics. */
char *node_metrics(struct node *node);
/* Names of the services that run, ends with NULL; each static. Freed by the caller. */
const char **node_service_names(const struct node *node);
