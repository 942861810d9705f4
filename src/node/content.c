/*
 * content.c: what is sent again and again. libmicrohttpd's responses may be queued on many
 * connections at once, so a hot tile costs a request nothing but its own head.
 */
#include "node/face_private.h"

#include <string.h>

struct node_content {
    GBytes *bytes;
    const char *content_type, *cache;
    char *etag;
    const char *const *headers;
    const struct mhd_calls *mhd; /* of the responses */
    struct MHD_Response *whole, *not_modified;
};

struct node_content *node_content_new(GBytes *bytes, const char *content_type, const char *cache,
                                      const char *etag, const char *const *headers)
{
    struct node_content *content = g_atomic_rc_box_new0(struct node_content);

    content->bytes = g_bytes_ref(bytes);
    content->content_type = content_type;
    content->cache = cache;
    content->etag = g_strdup(etag);
    content->headers = headers;
    return content;
}

struct node_content *node_content_ref(struct node_content *content)
{
    return g_atomic_rc_box_acquire(content);
}

static void clear(gpointer data)
{
    struct node_content *content = data;

    if (content->whole)
        content->mhd->destroy_response(content->whole);
    if (content->not_modified)
        content->mhd->destroy_response(content->not_modified);
    g_bytes_unref(content->bytes);
    g_free(content->etag);
}

void node_content_unref(struct node_content *content)
{
    if (content)
        g_atomic_rc_box_release_full(content, clear);
}

gsize node_content_size(const struct node_content *content)
{
    return g_bytes_get_size(content->bytes);
}

const char *content_etag(const struct node_content *content)
{
    return content->etag;
}

static void unref_bytes(void *bytes)
{
    g_bytes_unref(bytes);
}

static struct MHD_Response *make(const struct node_content *content, const struct mhd_calls *mhd,
                                 gboolean not_modified)
{
    g_autoptr(GBytes) bytes =
        not_modified ? g_bytes_new_static("", 0) : g_bytes_ref(content->bytes);
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);
    struct MHD_Response *response =
        mhd->response_of_bytes(length, (void *)data, unref_bytes, g_bytes_ref(bytes));

    if (!response) {
        g_bytes_unref(bytes);
        return NULL;
    }
    mhd->add_header(response, "Content-Type", content->content_type);
    mhd->add_header(response, "Cache-Control", content->cache ? content->cache : "no-store");
    answer_add_headers(mhd, response, content->headers);
    if (content->etag)
        mhd->add_header(response, "ETag", content->etag);
    return response;
}

struct MHD_Response *content_response(struct node_content *content, const struct mhd_calls *mhd,
                                      gboolean not_modified)
{
    struct MHD_Response **place = not_modified ? &content->not_modified : &content->whole;
    struct MHD_Response *response = g_atomic_pointer_get(place);

    if (response)
        return response;
    response = make(content, mhd, not_modified);
    if (!response)
        return NULL;
    g_atomic_pointer_set(&content->mhd, mhd);
    if (g_atomic_pointer_compare_and_exchange(place, NULL, response))
        return response;
    mhd->destroy_response(response);
    return g_atomic_pointer_get(place);
}
