/* A log behind a URL, in the layout of tlog-tiles. */
#include "log/reader.h"

#include "base/error.h"
#include "net/http.h"

#include <string.h>

#define BODY_LIMIT (64u << 20) /* a bundle has less; a history of many years about as much */
#define STATUS_OK 200
#define STATUS_NOT_FOUND 404
#define STATUS_GONE 410

struct remote {
    struct http *http;
    char *url; /* without a '/' at its end */
};

static GBytes *fetch(gpointer data, const char *path, gsize limit, GError **error)
{
    struct remote *remote = data;
    g_autofree char *url = g_strconcat(remote->url, "/", path, NULL);
    const struct http_request request = { .method = "GET", .url = url };
    struct http_answer answer = { 0 };
    GBytes *body = NULL;

    if (!http_fetch(remote->http, &request, &answer, error))
        return NULL;
    if (answer.status == STATUS_NOT_FOUND || answer.status == STATUS_GONE)
        input_error(error, "%s is not there", url);
    else if (answer.status != STATUS_OK)
        system_error(error, "%s: the server answered %u", url, answer.status);
    else if (g_bytes_get_size(answer.body) > limit)
        input_error(error, "%s: larger than the limit of %" G_GSIZE_FORMAT " bytes", url, limit);
    else
        body = g_bytes_ref(answer.body);
    http_answer_clear(&answer);
    return body;
}

static void remote_free(gpointer data)
{
    struct remote *remote = data;

    http_free(remote->http);
    g_free(remote->url);
    g_free(remote);
}

struct log_source log_source_http(const char *url, const struct http_options *options)
{
    struct http_options own = *options;
    struct remote *remote = g_new0(struct remote, 1);

    own.limit = BODY_LIMIT;
    remote->http = http_new(&own);
    remote->url = g_strdup(url);
    while (g_str_has_suffix(remote->url, "/"))
        remote->url[strlen(remote->url) - 1] = '\0';
    return (struct log_source){ fetch, remote, remote_free, NULL };
}
