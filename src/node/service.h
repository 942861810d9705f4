/*
 * service.h: the node: every long-running part of a signatory in one process tree.
 *
 * A service is a row: it starts, routes requests, says how it is, stops. `entente serve` starts the
 * rows whose configuration is there, confines the process, and answers until it is told to stop.
 */
#pragma once
#include "base/json.h"

struct node; /* what services share: node.h */

/* A request, read whole (bodies are bounded before). Borrowed. */
struct node_request {
    const char *method, *path; /* the path decoded, without its query */
    const char *parameter;     /* what stands for "{...}" or "*" of the pattern; or NULL; of several
                                  "{...}" all from the first to the last */
    const char *(*query)(const struct node_request *request, const char *name);
    const char *(*header)(const struct node_request *request, const char *name);
    GBytes *body;     /* never NULL */
    const char *peer; /* address, behind a trusted proxy the forwarded one */
    gpointer connection;
    gboolean *later; /* set by node_answer_later() */
};

/*
 * Bytes that do not change, with all that is said about them: made once, sent to many at once
 * without a copy. Counted by reference, thread-safe. `headers` as those of an answer.
 */
struct node_content;
struct node_content *node_content_new(GBytes *bytes, const char *content_type, const char *cache,
                                      const char *etag, const char *const *headers);
struct node_content *node_content_ref(struct node_content *content);
void node_content_unref(struct node_content *content);
gsize node_content_size(const struct node_content *content);

struct node_answer {
    guint status;
    const char *content_type;     /* static */
    const char *cache;            /* Cache-Control; static; or NULL: no-store */
    GBytes *body;                 /* taken over; or a file: */
    int file;                     /* open descriptor, taken over; -1: none */
    guint64 file_offset;          /* with a status of 206: the first byte sent */
    guint64 file_size;            /* of the whole file */
    struct node_content *content; /* or this, taken over: its type, cache and ETag count */
    guint retry_after_s;
    char *etag;        /* with its quotes; or NULL */
    const char *allow; /* of a 405; static, or NULL */
    /*
     * NAME, VALUE, ... NULL, as long-lived as the node. NULL: what every page in the world may
     * read (Access-Control-Allow-Origin: *).
     */
    const char *const *headers;
    char **added; /* the same, of this answer alone: taken over; or NULL */
};
void node_answer_clear(struct node_answer *answer);

/*
 * Hands the answer in later: the connection waits, no thread does. The route returns at once and
 * leaves `answer` as it is; whoever holds the ticket calls node_answer_now() once, on any thread.
 * The request's texts and its body stay until then.
 */
struct node_later;
struct node_later *node_answer_later(const struct node_request *request);
void node_answer_now(struct node_later *later, struct node_answer *answer); /* takes its content */

enum route_place {
    ROUTE_AT_ONCE, /* on the thread of the connection: memory and small files only */
    ROUTE_WORK,    /* on a worker: databases, proofs, signatures */
};

/* How a body may come in and how often: the row of a route. */
struct route {
    const char *method;  /* "GET" serves HEAD too */
    const char *pattern; /* "/api/v1/entries/{index}"; what ends with '*' is a prefix */
    enum route_place place;
    gsize body_limit; /* bytes; 0: none is taken */
    guint cost;       /* tokens of the peer's bucket */
    void (*answer)(struct node *node, gpointer service, const struct node_request *request,
                   struct node_answer *answer);
};

struct service {
    const char *name; /* "log", "witness", "register" */
    /* Before confinement and before any thread. NULL without an error: not configured here. */
    gpointer (*start)(struct node *node, GError **error);
    /* After confinement: opens what is written to, starts threads. NULL: nothing to do. */
    gboolean (*run)(gpointer service, GError **error);
    /*
     * Nothing new comes in: hand in every answer that is still owed, end what was begun. Requests
     * may still ask afterwards.
     */
    void (*finish)(gpointer service);
    void (*stop)(gpointer service);
    const struct route *routes; /* ends with a NULL method */
    /*
     * Says what the face itself refuses (a method, a length, too many requests) on paths that begin
     * with `root`, where a standard has a form of its own for errors. NULL: problems (problem.h).
     */
    const char *root;
    void (*refuse)(struct node_answer *answer, guint status, const char *why);
    /* Appends Prometheus text; NULL: none. */
    void (*metrics)(gpointer service, GString *text);
    /* Whether it can answer; `why` (static) when not. NULL: always. */
    gboolean (*ready)(gpointer service, const char **why);
    /* Adds members to the answer of /readyz; NULL: none. */
    void (*state)(gpointer service, json_t *members);
};

/* The table, ends with NULL. */
extern const struct service *const services[];
