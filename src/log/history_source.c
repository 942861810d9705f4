#include "log/history_source.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

#define HISTORY_LIMIT (256u << 20) /* bytes of a history, or of what is new in it */
#define HISTORY_FILE "history"
#define STATUS_OK 200
#define STATUS_PARTIAL 206
#define STATUS_NOT_FOUND 404
#define STATUS_RANGE 416 /* nothing behind `from` */

gboolean log_is_remote(const char *where)
{
    return g_str_has_prefix(where, "http://") || g_str_has_prefix(where, "https://");
}

static GBytes *tail(GBytes *bytes, guint64 from)
{
    gsize size = g_bytes_get_size(bytes);
    gsize start = (gsize)MIN(from, size);

    return g_bytes_new_from_bytes(bytes, start, size - start);
}

static GBytes *fetch_file(const char *folder, guint64 from, GError **error)
{
    g_autofree char *path = g_build_filename(folder, HISTORY_FILE, NULL);
    g_autoptr(GBytes) bytes = NULL;

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        input_error(error, "%s: not there", path);
        return NULL;
    }
    bytes = file_read(path, HISTORY_LIMIT, error);
    return bytes ? tail(bytes, from) : NULL;
}

static GBytes *body_of(const struct http_answer *answer, const char *url, guint64 from,
                       GError **error)
{
    if (answer->status == STATUS_RANGE && from > 0)
        return g_bytes_new_static("", 0);
    if (answer->status == STATUS_PARTIAL && from > 0)
        return g_bytes_ref(answer->body);
    if (answer->status == STATUS_OK) /* a server without ranges gives it whole */
        return tail(answer->body, from);
    if (answer->status == STATUS_NOT_FOUND)
        input_error(error, "%s: not there", url);
    else
        system_error(error, "%s: the server answered %u", url, answer->status);
    return NULL;
}

GBytes *log_history_fetch(const char *where, const struct http_options *options, guint64 from,
                          GError **error)
{
    struct http_options own = *options;
    g_autoptr(http_t) http = NULL;
    g_autofree char *url = NULL;
    struct http_request request = { .method = "GET", .range_from = from };
    struct http_answer answer;
    GBytes *bytes;

    if (!log_is_remote(where))
        return fetch_file(where, from, error);
    own.limit = HISTORY_LIMIT;
    http = http_new(&own);
    request.url = url =
        g_strconcat(where, g_str_has_suffix(where, "/") ? "" : "/", HISTORY_FILE, NULL);
    if (!http_fetch(http, &request, &answer, error))
        return NULL;
    bytes = body_of(&answer, url, from, error);
    http_answer_clear(&answer);
    return bytes;
}
