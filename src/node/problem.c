#include "node/problem.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    guint status;
    const char *title;
} titles[] = {
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 507, "Insufficient Storage" },
};

const char *problem_title(guint status)
{
    for (guint i = 0; i < G_N_ELEMENTS(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

static void answer_value(struct node_answer *answer, guint status, const char *type,
                         const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    answer->status = status;
    answer->content_type = type;
    answer->body = g_bytes_new_with_free_func(text, strlen(text), free, text);
}

void answer_refusal(struct node_answer *answer, guint status, const char *reason,
                    const char *detail)
{
    g_autoptr(json_t) value = json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title",
                                        problem_title(status), "status", (int)status);

    if (detail)
        json_object_set_new(value, "detail", json_safe_string(detail));
    if (reason)
        json_object_set_new(value, "reason", json_safe_string(reason));
    answer_value(answer, status, PROBLEM_TYPE, value);
}

void answer_problem(struct node_answer *answer, guint status, const char *detail)
{
    answer_refusal(answer, status, NULL, detail);
}

void answer_json(struct node_answer *answer, guint status, json_t *value)
{
    g_autoptr(json_t) owned = value;

    answer_value(answer, status, JSON_TYPE, owned);
}

void answer_bytes(struct node_answer *answer, guint status, const char *content_type, GBytes *bytes)
{
    answer->status = status;
    answer->content_type = content_type;
    answer->body = bytes;
}
