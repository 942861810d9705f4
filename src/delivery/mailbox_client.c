#include "delivery/mailbox_client.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#include <string.h>

#define LIST_LIMIT (1u << 20) /* bytes of an answer */
#define PAUSE_LIMIT_US (G_GINT64_CONSTANT(10) * G_USEC_PER_SEC)
#define SEALED_TYPE "application/octet-stream"

struct mailbox_client {
    struct http *http;
    const struct signing_key *key;
    GHashTable *work; /* "URL mailbox" -> bits + 1 */
};

struct mailbox_client *mailbox_client_new(const struct http_options *http,
                                          const struct signing_key *key)
{
    struct mailbox_client *client = g_new0(struct mailbox_client, 1);
    struct http_options options = *http;

    options.limit = MAILBOX_MESSAGE_LIMIT;
    options.pause_limit_us = PAUSE_LIMIT_US;
    client->http = http_new(&options);
    client->key = key;
    client->work = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return client;
}

void mailbox_client_free(struct mailbox_client *client)
{
    if (!client)
        return;
    http_free(client->http);
    g_hash_table_unref(client->work);
    g_free(client);
}

void mailbox_client_cancel(struct mailbox_client *client)
{
    http_cancel(client->http);
}

/* One request to `target` at the node `url`; `headers` ends with NULL. */
static gboolean ask(struct mailbox_client *client, const char *method, const char *url,
                    const char *target, GBytes *body, const char *const *headers,
                    struct http_answer *answer, GError **error)
{
    const gsize length = strlen(url) - g_str_has_suffix(url, "/");
    g_autofree char *whole = g_strdup_printf("%.*s%s", (int)length, url, target);
    const struct http_request request = {
        .method = method,
        .url = whole,
        .content_type = body ? SEALED_TYPE : NULL,
        .body = body,
        .headers = headers,
    };

    return http_fetch(client->http, &request, answer, error);
}

/* The same by the mailbox' owner. */
static gboolean ask_as_owner(struct mailbox_client *client, const char *method, const char *url,
                             const char *target, GBytes *body, struct http_answer *answer,
                             GError **error)
{
    g_autofree char *authority = mailbox_authority(url), *sha256 = mailbox_sha256(body);
    const struct mailbox_request request = { method, authority, target, sha256 };
    g_autofree char *signature = NULL, *header = NULL;
    const char *headers[] = { NULL, NULL };

    if (!authority)
        return input_error(error, "%s is no URL of a node", url);
    signature = mailbox_sign(client->key, &request, clock_now_us());
    header = g_strconcat(MAILBOX_SIGNATURE_HEADER ": ", signature, NULL);
    headers[0] = header;
    return ask(client, method, url, target, body, headers, answer, error);
}

static gboolean refused(const struct http_answer *answer, const char *url, GError **error)
{
    const gboolean later = answer->status == 429 || answer->status >= 500;

    return later ? system_error(error, "%s: answers %u", url, answer->status)
                 : policy_error(error, "%s: answers %u", url, answer->status);
}

static json_t *json_of(const struct http_answer *answer, const char *url, GError **error)
{
    gsize length = 0;
    const void *bytes = answer->body ? g_bytes_get_data(answer->body, &length) : "";

    return json_parse(bytes, length, LIST_LIMIT, url, error);
}

/* --- posting --- */

static gboolean ask_work(struct mailbox_client *client, const char *url, const char *mailbox,
                         const char *place, guint *bits, GError **error)
{
    g_autofree char *target = g_strconcat("/api/v1/mailboxes/", mailbox, NULL);
    g_auto(http_answer_t) answer = { 0 };
    g_autoptr(json_t) value = NULL;

    if (!ask(client, "GET", url, target, NULL, NULL, &answer, error))
        return FALSE;
    if (answer.status != 200)
        return refused(&answer, url, error);
    value = json_of(&answer, url, error);
    if (!value)
        return FALSE;
    *bits = (guint)CLAMP(json_number(value, "work_bits", 0), 0, MAILBOX_WORK_BITS_MAX);
    g_hash_table_replace(client->work, g_strdup(place), GUINT_TO_POINTER(*bits + 1));
    return TRUE;
}

static gboolean post_with_work(struct mailbox_client *client, const char *url, const char *mailbox,
                               const char *target, GBytes *message, struct http_answer *answer,
                               GError **error)
{
    g_autofree char *place = g_strdup_printf("%s %s", url, mailbox), *nonce = NULL, *header = NULL;
    const char *headers[] = { NULL, NULL };
    guint bits = GPOINTER_TO_UINT(g_hash_table_lookup(client->work, place));

    if (bits)
        bits--;
    else if (!ask_work(client, url, mailbox, place, &bits, error))
        return FALSE;
    nonce = mailbox_work(mailbox, message, bits);
    header = g_strconcat(MAILBOX_WORK_HEADER ": ", nonce, NULL);
    headers[0] = header;
    if (!ask(client, "POST", url, target, message, headers, answer, error))
        return FALSE;
    if (answer->status != 202)
        g_hash_table_remove(client->work, place); /* it may ask for more by now */
    return TRUE;
}

gboolean mailbox_client_post(struct mailbox_client *client, const char *url, const char *mailbox,
                             GBytes *message, gboolean as_owner, GError **error)
{
    g_autofree char *target = g_strdup_printf("/api/v1/mailboxes/%s/messages", mailbox);

    for (guint attempt = 0;; attempt++) {
        g_auto(http_answer_t) answer = { 0 };
        gboolean answered =
            as_owner ? ask_as_owner(client, "POST", url, target, message, &answer, error)
                     : post_with_work(client, url, mailbox, target, message, &answer, error);

        if (!answered)
            return FALSE;
        if (answer.status == 202)
            return TRUE;
        /* Once more, with the work that is asked for now. */
        if (answer.status != 403 || attempt || as_owner)
            return refused(&answer, url, error);
    }
}

/* --- reading --- */

static GArray *rows_of(const json_t *value)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct mailbox_row));
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(value, "messages"), i, item)
    {
        struct mailbox_row row = { .number = (guint64)MAX(json_number(item, "number", 0), 0),
                                   .size = (guint64)MAX(json_number(item, "size", 0), 0) };
        const char *time = json_text(item, "time");

        if (row.number && time && clock_parse(time, &row.time_us, NULL))
            g_array_append_val(rows, row);
    }
    return rows;
}

GArray *mailbox_client_list(struct mailbox_client *client, const char *url, const char *mailbox,
                            guint64 after, GError **error)
{
    g_autofree char *target =
        g_strdup_printf("/api/v1/mailboxes/%s/messages?after=%" G_GUINT64_FORMAT, mailbox, after);
    g_auto(http_answer_t) answer = { 0 };
    g_autoptr(json_t) value = NULL;

    if (!ask_as_owner(client, "GET", url, target, NULL, &answer, error))
        return NULL;
    if (answer.status != 200) {
        refused(&answer, url, error);
        return NULL;
    }
    value = json_of(&answer, url, error);
    return value ? rows_of(value) : NULL;
}

static char *message_target(const char *mailbox, guint64 number)
{
    return g_strdup_printf("/api/v1/mailboxes/%s/messages/%" G_GUINT64_FORMAT, mailbox, number);
}

GBytes *mailbox_client_get(struct mailbox_client *client, const char *url, const char *mailbox,
                           guint64 number, GError **error)
{
    g_autofree char *target = message_target(mailbox, number);
    g_auto(http_answer_t) answer = { 0 };

    if (!ask_as_owner(client, "GET", url, target, NULL, &answer, error) || answer.status == 404)
        return NULL;
    if (answer.status == 200 && answer.body)
        return g_steal_pointer(&answer.body);
    refused(&answer, url, error);
    return NULL;
}

gboolean mailbox_client_delete(struct mailbox_client *client, const char *url, const char *mailbox,
                               guint64 number, const char *sha256, GError **error)
{
    g_autofree char *message = message_target(mailbox, number);
    g_autofree char *target = g_strconcat(message, "?" MAILBOX_SHA256_QUERY "=", sha256, NULL);
    g_auto(http_answer_t) answer = { 0 };

    if (!ask_as_owner(client, "DELETE", url, target, NULL, &answer, error))
        return FALSE;
    return answer.status == 204 || answer.status == 404 || refused(&answer, url, error);
}
