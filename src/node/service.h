/*
 * service.h: the node: every long-running part of a signatory in one process tree.
 *
 * A service is a row: it starts, routes requests, says how it is, stops. `entente serve` starts the
 * rows whose configuration is there, confines the process, and answers until it is told to stop.
 */
#pragma once
#include <glib.h>

struct node; /* what services share: folders, profile, HTTP face, numbers */

/* A request, read whole (bodies are bounded before). Borrowed. */
struct node_request {
    const char *method, *path; /* the path without its query */
    const char *(*query)(const struct node_request *request, const char *name);
    const char *(*header)(const struct node_request *request, const char *name);
    GBytes *body;
    const char *peer; /* address, behind a trusted proxy the forwarded one */
    gpointer connection;
};

struct node_answer {
    guint status;
    const char *content_type; /* static */
    const char *cache;        /* Cache-Control; static; or NULL: no-store */
    GBytes *body;             /* or a file: */
    int file;                 /* open descriptor, taken over; -1: none */
    guint64 file_size;
    guint retry_after_s;
    char *etag; /* or NULL */
};

/* How a body may come in and how often: the row of a route. */
struct route {
    const char *method;  /* "GET" serves HEAD too */
    const char *pattern; /* "/api/v1/entries/{index}"; "/tile/" as a prefix ends with '/' and '*' */
    gsize body_limit;    /* bytes; 0: none is taken */
    guint cost;          /* tokens of the peer's bucket */
    void (*answer)(struct node *node, gpointer service, const struct node_request *request,
                   struct node_answer *answer);
};

struct service {
    const char *name; /* "log", "witness", "register" */
    /* NULL without an error: not configured here. */
    gpointer (*start)(struct node *node, GError **error);
    void (*stop)(gpointer service);
    const struct route *routes; /* ends with a NULL method */
    /* Appends Prometheus text; NULL: none. */
    void (*metrics)(gpointer service, GString *text);
    /* Whether it can answer; `why` (static) when not. */
    gboolean (*ready)(gpointer service, const char **why);
};

/* The table, ends with a NULL name. */
extern const struct service *const services[];
