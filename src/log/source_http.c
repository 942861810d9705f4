/* A log behind a URL, in the layout of tlog-tiles. */
#include "log/reader.h"

#include "base/error.h"
#include "log/tile.h"
#include "net/http.h"

#include <string.h>

#define LARGE_LIMIT                                                                                \
    (256u << 20) /* a history of many years; nothing else is larger than a bundle                  \
                  */
#define STATUS_OK 200
#define STATUS_NOT_FOUND 404
#define STATUS_GONE 410

struct remote {
    struct http_options options;
    struct http *http, *large; /* `large`: NULL until something larger than a bundle is asked for */
    char *url;                 /* without a '/' at its end */
    char *ca_file, *resolve;   /* of `options` */
};

static struct http *client(struct remote *remote, gsize limit)
{
    struct http_options options = remote->options;

    if (limit <= BUNDLE_LIMIT)
        return remote->http;
    options.limit = LARGE_LIMIT;
    if (!remote->large)
        remote->large = http_new(&options);
    return remote->large;
}

static GBytes *fetch(gpointer data, const char *path, gsize limit, GError **error)
{
    struct remote *remote = data;
    g_autofree char *url = g_strconcat(remote->url, "/", path, NULL);
    const struct http_request request = { .method = "GET", .url = url };
    struct http_answer answer = { 0 };
    GBytes *body = NULL;

    if (!http_fetch(client(remote, limit), &request, &answer, error))
        return NULL;
    if (answer.status == STATUS_NOT_FOUND || answer.status == STATUS_GONE)
        input_error(error, "%s is not there", url);
    else if (answer.status != STATUS_OK)
        system_error(error, "%s: the server answered %u", url, answer.status);
    else if (g_bytes_get_size(answer.body) > limit)
        found_error(error, "%s is larger than it may be (%" G_GSIZE_FORMAT " bytes)", url, limit);
    else
        body = g_bytes_ref(answer.body);
    http_answer_clear(&answer);
    return body;
}

static void remote_free(gpointer data)
{
    struct remote *remote = data;

    http_free(remote->http);
    http_free(remote->large);
    g_free(remote->url);
    g_free(remote->ca_file);
    g_free(remote->resolve);
    g_free(remote);
}

struct log_source log_source_http(const char *url, const struct http_options *options)
{
    struct remote *remote = g_new0(struct remote, 1);

    remote->options = *options;
    remote->options.ca_file = remote->ca_file = g_strdup(options->ca_file);
    remote->options.resolve = remote->resolve = g_strdup(options->resolve);
    remote->options.limit = BUNDLE_LIMIT;
    remote->http = http_new(&remote->options);
    remote->url = g_strdup(url);
    while (g_str_has_suffix(remote->url, "/"))
        remote->url[strlen(remote->url) - 1] = '\0';
    return (struct log_source){ fetch, remote, remote_free, NULL };
}
