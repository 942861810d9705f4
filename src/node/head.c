/*
 * head.c: what a request's head alone decides: form, route, tokens, size of the body.
 *
 * Framing that two readers could read differently is refused, and the connection closed: several
 * lengths, a length beside a transfer coding, a coding that we do not know (RFC 9112 section 6).
 */
#include "node/face_private.h"

#include <string.h>

#define OTHER_METHODS "OPTIONS"
#define ANY_PATH "/*"

struct framing {
    guint lengths, codings;
    gboolean odd; /* a length that is no number, a coding that is not "chunked" */
    guint64 length;
};

static enum MHD_Result read_framing(void *data, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    struct framing *framing = data;

    if (g_ascii_strcasecmp(key, "Content-Length") == 0) {
        framing->lengths++;
        if (!value || !g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, &framing->length, NULL))
            framing->odd = TRUE;
    } else if (g_ascii_strcasecmp(key, "Transfer-Encoding") == 0) {
        framing->codings++;
        if (!value || g_ascii_strcasecmp(value, "chunked") != 0)
            framing->odd = TRUE;
    }
    return MHD_YES;
}

static gboolean refuse(struct wire *wire, guint status, const char *detail)
{
    answer_refuse(wire, status, detail);
    return FALSE;
}

static gboolean serves(const struct route *route, const char *method)
{
    return g_str_equal(route->method, method) ||
           (g_str_equal(method, "HEAD") && g_str_equal(route->method, "GET"));
}

enum method { METHOD_GET = 1 << 0, METHOD_POST = 1 << 1, METHOD_DELETE = 1 << 2 };

/* 405 or the answer to OPTIONS; the texts are few, so they are static. */
static gboolean answer_methods(struct wire *wire, const char *method, guint methods)
{
    static const char *const allow[] = {
        [METHOD_GET] = "GET, HEAD, OPTIONS",
        [METHOD_POST] = "POST, OPTIONS",
        [METHOD_GET | METHOD_POST] = "GET, HEAD, POST, OPTIONS",
        [METHOD_DELETE] = "DELETE, OPTIONS",
        [METHOD_GET | METHOD_DELETE] = "GET, HEAD, DELETE, OPTIONS",
        [METHOD_POST | METHOD_DELETE] = "POST, DELETE, OPTIONS",
        [METHOD_GET | METHOD_POST | METHOD_DELETE] = "GET, HEAD, POST, DELETE, OPTIONS",
    };

    if (g_str_equal(method, OTHER_METHODS))
        wire->answer.status = 204;
    else
        answer_refuse(wire, 405, "The path is there, for other methods.");
    wire->answer.allow = allow[methods];
    return FALSE;
}

static enum method method_of(const struct route *route)
{
    return g_str_equal(route->method, "GET")    ? METHOD_GET
           : g_str_equal(route->method, "POST") ? METHOD_POST
                                                : METHOD_DELETE;
}

static gboolean find_route(struct wire *wire, const char *method)
{
    const struct face *face = wire->face;
    guint methods = 0;

    for (guint i = 0; i < face->routes->len; i++) {
        const struct bound_route *bound = &g_array_index(face->routes, struct bound_route, i);
        const char *parameter;
        gsize length;

        if (!route_matches(bound->route->pattern, wire->target.path, &parameter, &length))
            continue;
        if (!serves(bound->route, method)) {
            /* The pages' route takes every path: it does not make one be there. */
            if (g_str_equal(bound->route->pattern, ANY_PATH))
                continue;
            methods |= method_of(bound->route);
            continue;
        }
        if (parameter && parameter[length]) {
            if (length >= sizeof wire->parameter)
                return refuse(wire, 414, NULL);
            memcpy(wire->parameter, parameter, length);
            wire->parameter[length] = '\0';
            parameter = wire->parameter;
        }
        wire->request.parameter = parameter;
        wire->route = bound;
        return TRUE;
    }
    if (methods)
        return answer_methods(wire, method, methods);
    return refuse(wire, 404, "There is nothing at this path.");
}

/* The last address in X-Forwarded-For that is not one of our proxies: what they cannot be told. */
static void believe_proxy(struct wire *wire)
{
    const struct face *face = wire->face;
    const char *text = face->mhd.lookup(wire->connection, MHD_HEADER_KIND, "X-Forwarded-For");
    g_auto(GStrv) hops = text ? g_strsplit(text, ",", -1) : NULL;

    for (guint i = hops ? g_strv_length(hops) : 0; i > 0; i--) {
        const char *hop = g_strstrip(hops[i - 1]);
        struct peer_key key;
        gboolean ours = FALSE;

        if (!peer_key_parse(hop, &key))
            return;
        for (guint p = 0; p < face->proxies->len; p++)
            ours |=
                memcmp(&g_array_index(face->proxies, struct peer_key, p), &key, sizeof key) == 0;
        wire->forwarded_key = key;
        g_strlcpy(wire->forwarded, hop, sizeof wire->forwarded);
        wire->request.peer = wire->forwarded;
        if (!ours)
            return;
    }
}

static gboolean pay(struct wire *wire)
{
    gboolean forwarded = wire->request.peer == wire->forwarded;
    const struct peer_key *key = forwarded ? &wire->forwarded_key : &wire->key;
    guint wait_s;

    if (!forwarded && !wire->limited)
        return TRUE;
    wait_s = peers_take(wire->face->peers, key, wire->route->route->cost, wire->began_us);
    if (!wait_s)
        return TRUE;
    __atomic_fetch_add(&wire->face->counters.limited, 1, __ATOMIC_RELAXED);
    answer_refuse(wire, 429, "This address asks too often.");
    wire->answer.retry_after_s = wait_s;
    return FALSE;
}

gboolean head_judge(struct wire *wire, const char *method, guint64 *length)
{
    struct framing framing = { 0 };
    gsize limit;

    wire->face->mhd.connection_values(wire->connection, MHD_HEADER_KIND, read_framing, &framing);
    *length = framing.odd ? G_MAXUINT64 : framing.length;
    if (framing.odd || framing.lengths + framing.codings > 1) {
        *length = G_MAXUINT64;
        wire->close = TRUE;
        return refuse(wire, 400, "The length of the body cannot be told for certain.");
    }
    if (wire->is_proxy)
        believe_proxy(wire);
    if (wire->target_status != 200)
        return refuse(wire, wire->target_status, "The request's target is not a path of ours.");
    if (!find_route(wire, method) || !pay(wire))
        return FALSE;
    limit = wire->route->route->body_limit;
    if ((framing.length || framing.codings) && !limit)
        return refuse(wire, 400, "No body is taken here.");
    if (framing.length > limit)
        return refuse(wire, 413, "The body is larger than this path takes.");
    return TRUE;
}
