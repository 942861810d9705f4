#include "net/stream.h"

#include "base/error.h"
#include "base/late_library.h"
#include "net/address.h"

#include <curl/curl.h>
#include <poll.h>
#include <sys/socket.h>

#define TIMEOUT_US (20 * (gint64)G_USEC_PER_SEC)
#define US_PER_MS 1000

struct curl_calls {
    typeof(curl_global_init) *global_init;
    typeof(curl_easy_init) *easy_init;
    typeof(curl_easy_setopt) *easy_setopt;
    typeof(curl_easy_getinfo) *easy_getinfo;
    typeof(curl_easy_perform) *easy_perform;
    typeof(curl_easy_strerror) *easy_strerror;
    typeof(curl_easy_cleanup) *easy_cleanup;
    typeof(curl_easy_recv) *easy_recv;
    typeof(curl_easy_send) *easy_send;
};

static const struct late_symbol curl_symbols[] = {
    { "curl_global_init", offsetof(struct curl_calls, global_init) },
    { "curl_easy_init", offsetof(struct curl_calls, easy_init) },
    { "curl_easy_setopt", offsetof(struct curl_calls, easy_setopt) },
    { "curl_easy_getinfo", offsetof(struct curl_calls, easy_getinfo) },
    { "curl_easy_perform", offsetof(struct curl_calls, easy_perform) },
    { "curl_easy_strerror", offsetof(struct curl_calls, easy_strerror) },
    { "curl_easy_cleanup", offsetof(struct curl_calls, easy_cleanup) },
    { "curl_easy_recv", offsetof(struct curl_calls, easy_recv) },
    { "curl_easy_send", offsetof(struct curl_calls, easy_send) },
    { NULL, 0 },
};

struct stream {
    struct curl_calls curl;
    CURL *easy;
    curl_socket_t descriptor;
    struct stream_options options;
    char *refused; /* the address that is not public */
    char message[CURL_ERROR_SIZE];
};

static gboolean load(struct curl_calls *curl, GError **error)
{
    return late_library_load("libcurl.so.4", "libcurl4", curl_symbols, curl, error) &&
           (curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ||
            system_error(error, "libcurl does not start"));
}

gboolean stream_load(GError **error)
{
    struct curl_calls curl;

    return load(&curl, error);
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct stream *stream = user;

    if (!stream->options.allow_private && !address_is_public(&address->addr)) {
        g_free(stream->refused);
        stream->refused = address_text(&address->addr);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_options(struct stream *stream, const char *url)
{
    const struct curl_calls *curl = &stream->curl;
    CURL *easy = stream->easy;

    curl->easy_setopt(easy, CURLOPT_URL, url);
    curl->easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L); /* HTTP/1.1 alone upgrades */
    curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                      (long)(stream->options.timeout_us / US_PER_MS));
    curl->easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_PROXY, "");
    curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, stream->message);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, stream);
    if (stream->options.ca_file)
        curl->easy_setopt(easy, CURLOPT_CAINFO, stream->options.ca_file);
}

static gboolean connect_to(struct stream *stream, const char *url, GError **error)
{
    const CURLcode done = stream->curl.easy_perform(stream->easy);

    if (done != CURLE_OK && stream->refused)
        return policy_error(error, "%s: the address %s is not public", url, stream->refused);
    if (done != CURLE_OK)
        return system_error(error, "%s: %s", url,
                            *stream->message ? stream->message : stream->curl.easy_strerror(done));
    return stream->curl.easy_getinfo(stream->easy, CURLINFO_ACTIVESOCKET, &stream->descriptor) ==
               CURLE_OK ||
           system_error(error, "%s: libcurl has no socket", url);
}

struct stream *stream_open(const char *url, const struct stream_options *options, GError **error)
{
    g_autoptr(stream_t) stream = g_new0(struct stream, 1);

    stream->options = *options;
    if (!stream->options.timeout_us)
        stream->options.timeout_us = TIMEOUT_US;
    if (!load(&stream->curl, error))
        return NULL;
    stream->easy = stream->curl.easy_init();
    if (!stream->easy) {
        system_error(error, "libcurl does not start");
        return NULL;
    }
    set_options(stream, url);
    return connect_to(stream, url, error) ? g_steal_pointer(&stream) : NULL;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    if (stream->easy)
        stream->curl.easy_cleanup(stream->easy);
    g_free(stream->refused);
    g_free(stream);
}

int stream_descriptor(const struct stream *stream)
{
    return stream->descriptor;
}

gssize stream_read(struct stream *stream, gpointer bytes, gsize size, GError **error)
{
    size_t got = 0;
    const CURLcode done = stream->curl.easy_recv(stream->easy, bytes, size, &got);

    if (done == CURLE_AGAIN)
        return 0;
    if (done == CURLE_OK && got)
        return (gssize)got;
    system_error(error, "%s",
                 done == CURLE_OK ? "the server closed the connection"
                                  : stream->curl.easy_strerror(done));
    return -1;
}

gboolean stream_write(struct stream *stream, gconstpointer bytes, gsize length, GError **error)
{
    const gint64 until_us = g_get_monotonic_time() + stream->options.timeout_us;
    struct pollfd polled = { .fd = stream->descriptor, .events = POLLOUT };
    const char *at = bytes;

    while (length) {
        size_t sent = 0;
        const CURLcode done = stream->curl.easy_send(stream->easy, at, length, &sent);
        const gint64 left_us = until_us - g_get_monotonic_time();

        if (done != CURLE_OK && done != CURLE_AGAIN)
            return system_error(error, "%s", stream->curl.easy_strerror(done));
        at += sent;
        length -= sent;
        if (left_us <= 0)
            return system_error(error, "the server takes nothing");
        if (done == CURLE_AGAIN)
            poll(&polled, 1, (int)(left_us / US_PER_MS) + 1);
    }
    return TRUE;
}
