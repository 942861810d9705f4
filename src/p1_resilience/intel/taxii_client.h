/*
 * taxii_client.h: reading from and writing to other organisations' TAXII 2.1 servers, and reading
 * MISP feeds.
 *
 * A pull follows "more" with "next" and nothing else, and moves its beginning (added_after) only
 * after the last page. Each page is kept, then written down as kept; killed in between, it comes
 * again. A token that the server does not know any more makes the pull begin again from where the
 * last complete one ended; versions that were read are not kept twice.
 */
#pragma once
#include "net/http.h"
#include "p1_resilience/intel/egress.h"
#include "p1_resilience/intel/pull_state.h"
#include "p1_resilience/intel/taxii_filter.h"

/* Lines to send with a request ("Authorization: ..."), ends with NULL; owned by the caller. NULL:
 * none. `url` as it is sent but for its escapes. */
typedef char **(*client_authorize_fn)(const char *method, const char *url, GBytes *body,
                                      gpointer data);

struct client {
    struct http *http;
    client_authorize_fn authorize; /* or NULL */
    gpointer authorize_data;
    gboolean (*progress)(guint64 objects, gpointer data); /* FALSE: stop; or NULL */
    gpointer progress_data;
};

struct pull {
    const char *url;          /* of the API root, of a collection; or of a MISP feed */
    const char *collection;   /* id or alias; NULL: the URL is the collection's */
    const char *const *match; /* "type=indicator"; or NULL */
    const char *added_after;  /* instead of the place that was kept; or NULL */
    guint limit;              /* objects of a page; 0: the server's choice */
    const char *folder;       /* where the objects go, or: */
    /* takes a page's objects (bytes of each: GBytes); FALSE with `error` stops */
    gboolean (*take)(const GPtrArray *objects, gpointer data, GError **error);
    gpointer take_data;
};

struct pulled {
    guint64 pages, objects; /* new ones */
    guint64 known;          /* had been read before */
    guint64 vanished;       /* events of MISP that the feed does not list any more */
};

/* What is new in a collection. */
gboolean client_pull(const struct client *client, const struct pull *pull, struct pull_state *state,
                     struct pulled *pulled, GError **error);
/* What is new in a MISP feed: into the folder, which becomes such a feed. */
gboolean client_pull_misp(const struct client *client, const struct pull *pull,
                          struct pull_state *state, struct pulled *pulled, GError **error);

struct pushed {
    guint64 sent, taken, refused, pending; /* objects */
    GPtrArray *why;                        /* char *: "ID: message", a few */
};

/* Objects (GBytes, what the egress point let pass) to a collection, and what became of them. */
gboolean client_push(const struct client *client, const char *url, const char *collection,
                     const GPtrArray *objects, struct pushed *pushed, GError **error);

/* GET or POST with patience: 429 and 503 are waited for. ENTENTE_ERROR_POLICY: 401, 403. */
gboolean client_ask(const struct client *client, const char *method, const char *url, GBytes *body,
                    struct http_answer *answer, GError **error);
