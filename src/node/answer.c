#include "node/face_private.h"

#include "node/problem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_RATE (16u << 10) /* bytes a second that every peer must take */

void node_answer_clear(struct node_answer *answer)
{
    g_clear_pointer(&answer->body, g_bytes_unref);
    g_clear_pointer(&answer->content, node_content_unref);
    g_clear_pointer(&answer->etag, g_free);
    g_clear_pointer(&answer->added, g_strfreev);
    if (answer->file >= 0)
        close(answer->file);
    answer->file = -1;
}

static const char *header(const struct wire *wire, const char *name)
{
    return wire->face->mhd.lookup(wire->connection, MHD_HEADER_KIND, name);
}

/* If-None-Match (RFC 9110 section 13.1.2): "*", or a list; weakness does not matter here. */
static gboolean knows(const struct wire *wire, const char *etag)
{
    const char *list = etag ? header(wire, "If-None-Match") : NULL;

    return list && (g_str_equal(list, "*") || strstr(list, etag));
}

static void unref_bytes(void *bytes)
{
    g_bytes_unref(bytes);
}

static struct MHD_Response *response_of_bytes(const struct mhd_calls *mhd, GBytes *bytes)
{
    gsize length = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &length) : "";
    struct MHD_Response *response = mhd->response_of_bytes(
        length, (void *)data, bytes ? unref_bytes : NULL, bytes ? g_bytes_ref(bytes) : NULL);

    if (!response && bytes)
        g_bytes_unref(bytes);
    return response;
}

/* The file, or the part of it that a range asks for. Takes the descriptor. */
static struct MHD_Response *response_of_file(struct wire *wire, struct node_answer *answer)
{
    const struct mhd_calls *mhd = &wire->face->mhd;
    struct MHD_Response *response;
    guint64 first, count;
    guint status = range_parse(header(wire, "Range"), answer->file_size, &first, &count);
    g_autofree char *range = NULL;

    if (status == 416) {
        range = g_strdup_printf("bytes */%" G_GUINT64_FORMAT, answer->file_size);
        node_answer_clear(answer);
        answer_refuse(wire, status, "The resource is shorter than the range.");
        response = response_of_bytes(mhd, answer->body);
    } else {
        response = mhd->response_of_file(count, answer->file, first);
        if (!response)
            return NULL;
        answer->file = -1;
        answer->status = status;
        wire->answer_bytes = count;
        if (status == 206)
            range = g_strdup_printf("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
                                    "/%" G_GUINT64_FORMAT,
                                    first, first + count - 1, answer->file_size);
    }
    if (response && range)
        mhd->add_header(response, "Content-Range", range);
    return response;
}

void answer_add_headers(const struct mhd_calls *mhd, struct MHD_Response *response,
                        const char *const *headers)
{
    static const char *const open[] = { "Access-Control-Allow-Origin", "*",
                                        "Cross-Origin-Resource-Policy", "cross-origin", NULL };

    for (const char *const *name = headers ? headers : open; *name; name += 2)
        mhd->add_header(response, name[0], name[1]);
    mhd->add_header(response, "X-Content-Type-Options", "nosniff");
}

static struct MHD_Response *make_response(struct wire *wire, struct node_answer *answer)
{
    const struct mhd_calls *mhd = &wire->face->mhd;
    gboolean is_file = answer->file >= 0;
    struct MHD_Response *response;

    if (answer->status == 200 && knows(wire, answer->etag)) {
        g_clear_pointer(&answer->body, g_bytes_unref);
        answer->status = 304;
        response = response_of_bytes(mhd, NULL);
    } else if (is_file) {
        response = response_of_file(wire, answer);
    } else {
        response = response_of_bytes(mhd, answer->body);
        wire->answer_bytes = answer->body ? g_bytes_get_size(answer->body) : 0;
    }
    if (!response)
        return NULL;
    if (answer->content_type)
        mhd->add_header(response, "Content-Type", answer->content_type);
    mhd->add_header(response, "Cache-Control", answer->cache ? answer->cache : "no-store");
    answer_add_headers(mhd, response, answer->headers);
    for (char **name = answer->added; name && *name; name += 2)
        mhd->add_header(response, name[0], name[1]);
    if (is_file)
        mhd->add_header(response, "Accept-Ranges", "bytes");
    if (answer->etag)
        mhd->add_header(response, "ETag", answer->etag);
    return response;
}

static void add_on_occasion(struct wire *wire, struct MHD_Response *response,
                            const struct node_answer *answer)
{
    const struct mhd_calls *mhd = &wire->face->mhd;

    if (answer->retry_after_s) {
        g_autofree char *seconds = g_strdup_printf("%u", answer->retry_after_s);

        mhd->add_header(response, "Retry-After", seconds);
    }
    if (answer->allow) {
        mhd->add_header(response, "Allow", answer->allow);
        mhd->add_header(response, "Access-Control-Allow-Methods", answer->allow);
        mhd->add_header(response, "Access-Control-Allow-Headers",
                        "Content-Type, Entente-Signature, Entente-Work");
    }
    if (wire->close || g_atomic_int_get(&wire->face->draining))
        mhd->add_header(response, "Connection", "close");
}

static enum MHD_Result send_content(struct wire *wire, struct node_content *content)
{
    gboolean known = knows(wire, content_etag(content));
    struct MHD_Response *response = content_response(content, &wire->face->mhd, known);

    wire->answer.status = known ? 304 : wire->answer.status;
    wire->answer_bytes = known ? 0 : node_content_size(content);
    return response ? wire->face->mhd.queue(wire->connection, wire->answer.status, response)
                    : MHD_NO;
}

void answer_refuse(struct wire *wire, guint status, const char *why)
{
    const GPtrArray *refusers = wire->face->refusers;

    for (guint i = 0; i < refusers->len; i++) {
        const struct service *service = refusers->pdata[i];

        if (g_str_has_prefix(wire->target.path, service->root)) {
            service->refuse(&wire->answer, status, why);
            return;
        }
    }
    answer_problem(&wire->answer, status, why);
}

enum MHD_Result answer_send(struct wire *wire)
{
    struct node_answer *answer = &wire->answer;
    struct MHD_Response *response;
    enum MHD_Result queued;

    wire->answered = TRUE;
    if (!answer->status)
        answer_refuse(wire, 500, NULL);
    if (answer->content) {
        queued = send_content(wire, answer->content);
    } else {
        response = make_response(wire, answer);
        if (!response)
            return MHD_NO;
        add_on_occasion(wire, response, answer);
        queued = wire->face->mhd.queue(wire->connection, answer->status, response);
        wire->face->mhd.destroy_response(response);
    }
    deadline_set(wire, wire->face->options.limits.answer_s + wire->answer_bytes / ANSWER_RATE);
    return queued;
}
