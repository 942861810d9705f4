/*
 * http.h: an HTTP client with limits and manners, over libcurl.
 *
 * https, and http where the caller says so; redirects of GET only on the same host, at most 5;
 * bodies, headers and time are bounded; addresses that are not public are refused unless allowed,
 * at connection time (so that a name cannot be pointed elsewhere between look-up and connection);
 * proxies of the environment are not used, for the same reason. Retry-After is honoured; a host
 * that failed is left alone for a while, longer each time. Connections are kept for the next
 * request. One client per thread.
 */
#pragma once
#include <glib.h>

struct http_options {
    gboolean allow_plain;   /* http:// */
    gboolean allow_private; /* loopback, private and link-local addresses */
    gint64 timeout_us;      /* of a whole request; 0: 30 s */
    guint64 limit;          /* bytes of a body; 0: 16 MiB */
    gint64 pause_limit_us;  /* a failing host is left alone for at most so long; 0: 5 min */
    const char *ca_file;    /* PEM; NULL: the system's */
    const char *resolve;    /* "host:port:address", for tests; or NULL */
};

struct http_request {
    const char *method; /* "GET", "POST" */
    const char *url;
    const char *content_type;   /* or NULL */
    GBytes *body;               /* or NULL */
    guint64 range_from;         /* bytes to skip; 0: the whole body. Status 206 says it was done */
    const char *const *headers; /* "Name: value", ends with NULL; or NULL */
    const char *wanted;         /* name of a header whose value the answer is to have; or NULL */
};

struct http_answer {
    guint status;
    char *content_type; /* or NULL */
    GBytes *body;
    char *wanted;          /* the value of the header that was wanted; NULL: it was not there */
    gint64 retry_after_us; /* 0: not said */
    GError *error;         /* no answer at all: ENTENTE_ERROR_SYSTEM, _POLICY for what is not
                              allowed, _INPUT for what is no URL; then status is 0 */
};
void http_answer_clear(struct http_answer *answer);
typedef struct http_answer http_answer_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(http_answer_t, http_answer_clear)

struct http;
typedef struct http http_t;
struct http *http_new(const struct http_options *options);
void http_free(struct http *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(http_t, http_free)

/* From any thread: requests at hand end with an error, and so does every later one. */
void http_cancel(struct http *http);

/* One request. FALSE and an error when there is no answer; any status is an answer. */
gboolean http_fetch(struct http *http, const struct http_request *request,
                    struct http_answer *answer, GError **error);

/*
 * Many requests at once (connections are kept and shared); `each` is called as answers come, and
 * may say FALSE: enough, drop the others.
 */
typedef gboolean (*http_each_fn)(guint index, struct http_answer *answer, gpointer data);
void http_fetch_all(struct http *http, const struct http_request *requests, guint count,
                    http_each_fn each, gpointer data);

/* Whether `url` is one that could be asked: a host, no user, scheme https (or http when
 * `allow_plain`). ENTENTE_ERROR_INPUT, or _POLICY for the scheme. */
gboolean http_url_check(const char *url, gboolean allow_plain, GError **error);
