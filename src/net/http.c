#include "net/http.h"

#include "base/error.h"
#include "base/late_library.h"
#include "config.h"
#include "net/address.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define DEFAULT_TIMEOUT_US (30 * (gint64)G_USEC_PER_SEC)
#define CONNECT_TIMEOUT_US (10 * (gint64)G_USEC_PER_SEC)
#define DEFAULT_LIMIT (16u << 20)
#define HEADERS_LIMIT (64u << 10) /* bytes of all header lines of one answer */
#define REDIRECTS_LIMIT 5
#define CONCURRENT_LIMIT 64 /* requests under way */
#define HOST_CONNECTIONS 8L
#define POLL_MS 1000
#define PAUSE_US G_USEC_PER_SEC                       /* after a first failure; doubles */
#define PAUSE_LIMIT_US (300 * (gint64)G_USEC_PER_SEC) /* without a Retry-After */
#define RETRY_AFTER_LIMIT_US (3600 * (gint64)G_USEC_PER_SEC)
#define STATUS_TOO_MANY 429
#define STATUS_UNAVAILABLE 503

struct curl_calls {
    typeof(curl_global_init) *global_init;
    typeof(curl_easy_init) *easy_init;
    typeof(curl_easy_setopt) *easy_setopt;
    typeof(curl_easy_getinfo) *easy_getinfo;
    typeof(curl_easy_strerror) *easy_strerror;
    typeof(curl_easy_cleanup) *easy_cleanup;
    typeof(curl_slist_append) *slist_append;
    typeof(curl_slist_free_all) *slist_free_all;
    typeof(curl_multi_init) *multi_init;
    typeof(curl_multi_setopt) *multi_setopt;
    typeof(curl_multi_add_handle) *multi_add_handle;
    typeof(curl_multi_remove_handle) *multi_remove_handle;
    typeof(curl_multi_perform) *multi_perform;
    typeof(curl_multi_poll) *multi_poll;
    typeof(curl_multi_wakeup) *multi_wakeup;
    typeof(curl_multi_info_read) *multi_info_read;
    typeof(curl_multi_cleanup) *multi_cleanup;
};

static const struct late_symbol curl_symbols[] = {
    { "curl_global_init", offsetof(struct curl_calls, global_init) },
    { "curl_easy_init", offsetof(struct curl_calls, easy_init) },
    { "curl_easy_setopt", offsetof(struct curl_calls, easy_setopt) },
    { "curl_easy_getinfo", offsetof(struct curl_calls, easy_getinfo) },
    { "curl_easy_strerror", offsetof(struct curl_calls, easy_strerror) },
    { "curl_easy_cleanup", offsetof(struct curl_calls, easy_cleanup) },
    { "curl_slist_append", offsetof(struct curl_calls, slist_append) },
    { "curl_slist_free_all", offsetof(struct curl_calls, slist_free_all) },
    { "curl_multi_init", offsetof(struct curl_calls, multi_init) },
    { "curl_multi_setopt", offsetof(struct curl_calls, multi_setopt) },
    { "curl_multi_add_handle", offsetof(struct curl_calls, multi_add_handle) },
    { "curl_multi_remove_handle", offsetof(struct curl_calls, multi_remove_handle) },
    { "curl_multi_perform", offsetof(struct curl_calls, multi_perform) },
    { "curl_multi_poll", offsetof(struct curl_calls, multi_poll) },
    { "curl_multi_wakeup", offsetof(struct curl_calls, multi_wakeup) },
    { "curl_multi_info_read", offsetof(struct curl_calls, multi_info_read) },
    { "curl_multi_cleanup", offsetof(struct curl_calls, multi_cleanup) },
    { NULL, 0 },
};

struct http {
    struct http_options options;
    char *ca_file;
    struct curl_slist *resolve;
    struct curl_calls curl;
    CURLM *multi;
    GError *unavailable; /* why there is no library */
    GHashTable *pauses;  /* "host:port" -> struct pause * */
    int cancelled;       /* atomic */
};

/* A host that is left alone. */
struct pause {
    guint failures;  /* one after another */
    gint64 until_us; /* monotonic */
};

/* One request under way, over its redirects. */
struct transfer {
    struct http *http;
    const struct http_request *request;
    guint index;
    CURL *easy;
    struct curl_slist *headers;
    char *url; /* of the request, or where it was sent */
    guint redirects;
    gint64 deadline_us;
    GByteArray *body;
    gsize header_bytes;
    char *wanted;
    char *refused; /* the address that is not public */
    gboolean too_large;
    char message[CURL_ERROR_SIZE];
};

static void transfer_free(struct transfer *transfer)
{
    if (transfer->easy)
        transfer->http->curl.easy_cleanup(transfer->easy);
    transfer->http->curl.slist_free_all(transfer->headers);
    g_byte_array_unref(transfer->body);
    g_free(transfer->url);
    g_free(transfer->wanted);
    g_free(transfer->refused);
    g_free(transfer);
}

void http_answer_clear(struct http_answer *answer)
{
    g_clear_pointer(&answer->content_type, g_free);
    g_clear_pointer(&answer->body, g_bytes_unref);
    g_clear_pointer(&answer->wanted, g_free);
    g_clear_error(&answer->error);
    memset(answer, 0, sizeof *answer);
}

struct http *http_new(const struct http_options *options)
{
    struct http *http = g_new0(struct http, 1);

    http->options = *options;
    if (http->options.timeout_us == 0)
        http->options.timeout_us = DEFAULT_TIMEOUT_US;
    if (http->options.limit == 0)
        http->options.limit = DEFAULT_LIMIT;
    if (!http->options.pause_limit_us)
        http->options.pause_limit_us = PAUSE_LIMIT_US;
    http->ca_file = g_strdup(options->ca_file);
    http->pauses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!late_library_load("libcurl.so.4", "libcurl4", curl_symbols, &http->curl,
                           &http->unavailable))
        return http;
    /* Thread-safe and counted since 7.84 (CURL_VERSION_THREADSAFE). */
    if (http->curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        !(http->multi = http->curl.multi_init())) {
        system_error(&http->unavailable, "libcurl does not start");
        return http;
    }
    http->curl.multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, HOST_CONNECTIONS);
    http->curl.multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONCURRENT_LIMIT);
    if (options->resolve)
        http->resolve = http->curl.slist_append(NULL, options->resolve);
    return http;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    if (http->multi) {
        http->curl.slist_free_all(http->resolve);
        http->curl.multi_cleanup(http->multi);
    }
    g_clear_error(&http->unavailable);
    g_hash_table_unref(http->pauses);
    g_free(http->ca_file);
    g_free(http);
}

void http_cancel(struct http *http)
{
    g_atomic_int_set(&http->cancelled, 1);
    if (http->multi)
        http->curl.multi_wakeup(http->multi);
}

/* --- URLs --- */

static GUri *read_url(const char *url, gboolean allow_plain, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
    const char *scheme = uri ? g_uri_get_scheme(uri) : NULL;

    if (!uri || !g_uri_get_host(uri) || !*g_uri_get_host(uri)) {
        input_error(error, "\"%s\" is not a URL like https://HOST/", url);
        return NULL;
    }
    if (g_uri_get_userinfo(uri)) {
        input_error(error, "%s: a URL with a user in it is not used", url);
        return NULL;
    }
    if (!g_str_equal(scheme, "https") && !(allow_plain && g_str_equal(scheme, "http"))) {
        policy_error(error, "%s: only https is used%s", url,
                     g_str_equal(scheme, "http") ? "; http must be allowed explicitly" : "");
        return NULL;
    }
    return g_steal_pointer(&uri);
}

gboolean http_url_check(const char *url, gboolean allow_plain, GError **error)
{
    g_autoptr(GUri) uri = read_url(url, allow_plain, error);

    return uri != NULL;
}

static char *host_of(GUri *uri)
{
    g_autofree char *host = g_ascii_strdown(g_uri_get_host(uri), -1);

    return g_strdup_printf("%s:%d", host, g_uri_get_port(uri));
}

/* Only to the same host and port, or from http to https on the same host. */
static gboolean may_redirect(GUri *from, GUri *to)
{
    if (g_ascii_strcasecmp(g_uri_get_host(from), g_uri_get_host(to)) != 0)
        return FALSE;
    if (g_str_equal(g_uri_get_scheme(from), g_uri_get_scheme(to)))
        return g_uri_get_port(from) == g_uri_get_port(to);
    return g_str_equal(g_uri_get_scheme(to), "https");
}

/* --- manners: who failed is left alone --- */

static gboolean is_paused(struct http *http, const char *host, GError **error)
{
    const struct pause *pause = g_hash_table_lookup(http->pauses, host);
    gint64 left_us = pause ? pause->until_us - g_get_monotonic_time() : 0;

    if (left_us <= 0)
        return FALSE;
    system_error(error, "%s: left alone for %" G_GINT64_FORMAT " ms after it failed", host,
                 left_us / 1000 + 1);
    return TRUE;
}

static void remember_failure(struct http *http, const char *host, gint64 retry_after_us)
{
    struct pause *pause = g_hash_table_lookup(http->pauses, host);
    const gint64 limit_us = http->options.pause_limit_us;
    gint64 length_us = PAUSE_US;

    if (!pause) {
        pause = g_new0(struct pause, 1);
        g_hash_table_insert(http->pauses, g_strdup(host), pause);
    }
    for (guint i = 0; i < pause->failures && length_us < limit_us; i++)
        length_us *= 2;
    pause->failures++;
    if (retry_after_us > 0)
        length_us = MIN(retry_after_us, RETRY_AFTER_LIMIT_US);
    else
        length_us = MIN(length_us, limit_us);
    pause->until_us = g_get_monotonic_time() + length_us;
}

/* --- what libcurl calls --- */

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    gsize length = size * count;

    if (length > transfer->http->options.limit - transfer->body->len) {
        transfer->too_large = TRUE;
        return 0;
    }
    g_byte_array_append(transfer->body, (const guint8 *)data, length);
    return length;
}

/* "NAME: VALUE CR LF": keeps the value of the one that is wanted. */
static void look_at_header(struct transfer *transfer, const char *line, gsize length)
{
    const char *name = transfer->request->wanted;
    gsize size = name ? strlen(name) : 0;

    if (!name || length <= size || line[size] != ':' || g_ascii_strncasecmp(line, name, size) != 0)
        return;
    g_free(transfer->wanted);
    transfer->wanted = g_strstrip(g_strndup(line + size + 1, length - size - 1));
}

static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;

    transfer->header_bytes += size * count;
    if (transfer->header_bytes > HEADERS_LIMIT) {
        transfer->too_large = TRUE;
        return 0;
    }
    look_at_header(transfer, data, size * count);
    return size * count;
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = user;

    if (!transfer->http->options.allow_private && !address_is_public(&address->addr)) {
        g_free(transfer->refused);
        transfer->refused = address_text(&address->addr);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- one request --- */

static void set_body(struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    const struct curl_calls *curl = &transfer->http->curl;
    CURL *easy = transfer->easy;
    gsize length = 0;
    const void *bytes = request->body ? g_bytes_get_data(request->body, &length) : NULL;

    if (g_str_equal(request->method, "HEAD")) {
        curl->easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (!g_str_equal(request->method, "GET")) {
        curl->easy_setopt(easy, CURLOPT_POST, 1L);
        curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
        curl->easy_setopt(easy, CURLOPT_POSTFIELDS, bytes ? bytes : "");
        curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

static void set_headers(struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    const struct curl_calls *curl = &transfer->http->curl;

    /* No "Expect: 100-continue": it costs a second with servers that do not answer it. */
    transfer->headers = curl->slist_append(NULL, "Expect:");
    if (request->content_type) {
        g_autofree char *line = g_strconcat("Content-Type: ", request->content_type, NULL);

        transfer->headers = curl->slist_append(transfer->headers, line);
    }
    for (const char *const *line = request->headers; line && *line; line++)
        transfer->headers = curl->slist_append(transfer->headers, *line);
    curl->easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

/* Prepares the handle for `transfer->url` and hands it to libcurl. */
static gboolean send_request(struct transfer *transfer, GError **error)
{
    struct http *http = transfer->http;
    const struct curl_calls *curl = &http->curl;
    gint64 left_us = transfer->deadline_us - g_get_monotonic_time();
    CURL *easy;

    if (left_us <= 0)
        return system_error(error, "%s: no answer in time", transfer->url);
    transfer->easy = easy = curl->easy_init();
    if (!easy)
        return system_error(error, "libcurl gives no handle");
    curl->easy_setopt(easy, CURLOPT_URL, transfer->url);
    curl->easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_PROXY, "");
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                      http->options.allow_plain ? "https,http" : "https");
    curl->easy_setopt(easy, CURLOPT_USERAGENT, "entente/" ENTENTE_VERSION);
    curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(left_us / 1000 + 1));
    curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                      (long)(MIN(left_us, CONNECT_TIMEOUT_US) / 1000 + 1));
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl->easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    if (http->ca_file)
        curl->easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    if (http->resolve)
        curl->easy_setopt(easy, CURLOPT_RESOLVE, http->resolve);
    if (transfer->request->range_from > 0) {
        g_autofree char *range =
            g_strdup_printf("%" G_GUINT64_FORMAT "-", transfer->request->range_from);

        curl->easy_setopt(easy, CURLOPT_RANGE, range);
    } else {
        /* Bundles of entries may be kept compressed; the limit counts what comes out. */
        curl->easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    }
    set_body(transfer);
    set_headers(transfer);
    if (curl->multi_add_handle(http->multi, easy) != CURLM_OK)
        return system_error(error, "%s: libcurl does not take the request", transfer->url);
    return TRUE;
}

static struct transfer *transfer_start(struct http *http, const struct http_request *request,
                                       guint index, GError **error)
{
    g_autoptr(GUri) uri = read_url(request->url, http->options.allow_plain, error);
    g_autofree char *host = uri ? host_of(uri) : NULL;
    struct transfer *transfer;

    if (!uri || is_paused(http, host, error))
        return NULL;
    transfer = g_new0(struct transfer, 1);
    transfer->http = http;
    transfer->request = request;
    transfer->index = index;
    transfer->url = g_strdup(request->url);
    transfer->body = g_byte_array_new();
    transfer->deadline_us = g_get_monotonic_time() + http->options.timeout_us;
    if (!send_request(transfer, error))
        g_clear_pointer(&transfer, transfer_free);
    return transfer;
}

static gboolean is_redirect(guint status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Sends a redirected GET on. FALSE without an error: this is the answer. */
static gboolean follow_redirect(struct transfer *transfer, guint status, GError **error)
{
    const struct curl_calls *curl = &transfer->http->curl;
    g_autoptr(GUri) from = NULL, to = NULL;
    char *location = NULL;

    if (!is_redirect(status) || !g_str_equal(transfer->request->method, "GET"))
        return FALSE;
    curl->easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &location);
    if (!location)
        return FALSE;
    if (++transfer->redirects > REDIRECTS_LIMIT)
        return system_error(error, "%s: more than %d redirects", transfer->request->url,
                            REDIRECTS_LIMIT);
    to = read_url(location, transfer->http->options.allow_plain, error);
    if (!to)
        return FALSE;
    from = g_uri_parse(transfer->url, G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
    if (!may_redirect(from, to))
        return policy_error(error, "%s: redirects to another host (%s)", transfer->request->url,
                            g_uri_get_host(to));
    g_free(transfer->url);
    transfer->url = g_strdup(location);
    curl->easy_cleanup(g_steal_pointer(&transfer->easy));
    curl->slist_free_all(g_steal_pointer(&transfer->headers));
    g_byte_array_set_size(transfer->body, 0);
    transfer->header_bytes = 0;
    return send_request(transfer, error);
}

static gboolean explain_failure(const struct transfer *transfer, CURLcode code, GError **error)
{
    const char *message =
        *transfer->message ? transfer->message : transfer->http->curl.easy_strerror(code);

    if (transfer->refused)
        return policy_error(error, "%s: %s is not a public address", transfer->url,
                            transfer->refused);
    if (transfer->too_large)
        return system_error(error, "%s: answers more than %" G_GUINT64_FORMAT " bytes",
                            transfer->url, transfer->http->options.limit);
    return system_error(error, "%s: %s", transfer->url, message);
}

static void read_answer(struct transfer *transfer, guint status, struct http_answer *answer)
{
    const struct curl_calls *curl = &transfer->http->curl;
    char *content_type = NULL;
    curl_off_t retry_after_s = 0;

    curl->easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &content_type);
    curl->easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    answer->status = status;
    answer->wanted = g_steal_pointer(&transfer->wanted);
    answer->content_type = g_strdup(content_type);
    answer->retry_after_us =
        MIN(retry_after_s, RETRY_AFTER_LIMIT_US / G_USEC_PER_SEC) * G_USEC_PER_SEC;
    answer->body = g_byte_array_free_to_bytes(g_steal_pointer(&transfer->body));
    transfer->body = g_byte_array_new();
}

static void judge_host(struct transfer *transfer, const struct http_answer *answer)
{
    g_autoptr(GUri) uri = g_uri_parse(transfer->url, G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
    g_autofree char *host = host_of(uri);

    if (!answer->error && answer->status != STATUS_TOO_MANY && answer->status != STATUS_UNAVAILABLE)
        g_hash_table_remove(transfer->http->pauses, host);
    else if (!answer->error || g_error_matches(answer->error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM))
        remember_failure(transfer->http, host, answer->retry_after_us);
}

/* libcurl is done with a handle. FALSE: the request goes on elsewhere. */
static gboolean finish(struct transfer *transfer, CURLcode code, struct http_answer *answer)
{
    struct http *http = transfer->http;
    long status = 0;

    http->curl.multi_remove_handle(http->multi, transfer->easy);
    if (code != CURLE_OK) {
        explain_failure(transfer, code, &answer->error);
    } else {
        http->curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        if (follow_redirect(transfer, (guint)status, &answer->error))
            return FALSE;
        if (!answer->error)
            read_answer(transfer, (guint)status, answer);
    }
    judge_host(transfer, answer);
    return TRUE;
}

/* --- many requests --- */

struct round {
    struct http *http;
    const struct http_request *requests;
    guint count, next;  /* the next to start */
    GPtrArray *running; /* struct transfer * */
    http_each_fn each;
    gpointer data;
    gboolean enough;
};

static void give(struct round *round, guint index, struct http_answer *answer)
{
    if (!round->enough && !round->each(index, answer, round->data))
        round->enough = TRUE;
    http_answer_clear(answer);
}

static void start_some(struct round *round)
{
    while (!round->enough && round->next < round->count && round->running->len < CONCURRENT_LIMIT) {
        struct http_answer answer = { 0 };
        guint index = round->next++;
        struct transfer *transfer =
            transfer_start(round->http, &round->requests[index], index, &answer.error);

        if (transfer)
            g_ptr_array_add(round->running, transfer);
        else
            give(round, index, &answer);
    }
}

static void collect(struct round *round)
{
    struct http *http = round->http;
    CURLMsg *message;
    int waiting;

    while (!round->enough && (message = http->curl.multi_info_read(http->multi, &waiting))) {
        struct http_answer answer = { 0 };
        char *private = NULL;
        struct transfer *transfer;
        CURLcode code = message->data.result;
        guint index;

        http->curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        transfer = (struct transfer *)private;
        if (!finish(transfer, code, &answer))
            continue;
        index = transfer->index;
        g_ptr_array_remove_fast(round->running, transfer);
        give(round, index, &answer);
    }
}

static void drop(struct transfer *transfer)
{
    if (transfer->easy)
        transfer->http->curl.multi_remove_handle(transfer->http->multi, transfer->easy);
    transfer_free(transfer);
}

/* Every request not yet answered ends with this. */
static void give_up(struct round *round, const char *why)
{
    for (guint i = 0; i < round->running->len; i++) {
        struct transfer *transfer = round->running->pdata[i];
        struct http_answer answer = { 0 };

        system_error(&answer.error, "%s: %s", transfer->url, why);
        give(round, transfer->index, &answer);
    }
    for (; round->next < round->count; round->next++) {
        struct http_answer answer = { 0 };

        system_error(&answer.error, "%s: %s", round->requests[round->next].url, why);
        give(round, round->next, &answer);
    }
}

void http_fetch_all(struct http *http, const struct http_request *requests, guint count,
                    http_each_fn each, gpointer data)
{
    g_autoptr(GPtrArray) running = g_ptr_array_new_with_free_func((GDestroyNotify)drop);
    struct round round = { http, requests, count, 0, running, each, data, FALSE };

    if (http->unavailable) {
        give_up(&round, http->unavailable->message);
        return;
    }
    for (start_some(&round); running->len > 0 && !round.enough; start_some(&round)) {
        int active;

        if (g_atomic_int_get(&http->cancelled))
            break;
        if (http->curl.multi_perform(http->multi, &active) != CURLM_OK)
            break;
        collect(&round);
        if (running->len > 0 && !round.enough && active > 0)
            http->curl.multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
    }
    if (!round.enough && (running->len > 0 || round.next < count))
        give_up(&round, "the request was cancelled");
}

static gboolean keep_answer(guint index, struct http_answer *answer, gpointer data)
{
    struct http_answer *kept = data;

    *kept = *answer;
    memset(answer, 0, sizeof *answer);
    return TRUE;
}

gboolean http_fetch(struct http *http, const struct http_request *request,
                    struct http_answer *answer, GError **error)
{
    memset(answer, 0, sizeof *answer);
    http_fetch_all(http, request, 1, keep_answer, answer);
    if (!answer->error)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&answer->error));
    http_answer_clear(answer);
    return FALSE;
}
