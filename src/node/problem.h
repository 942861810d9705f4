/* problem.h: answers that services give often: JSON, bytes, and problems (RFC 9457). */
#pragma once
#include "base/json.h"
#include "node/service.h"

#define PROBLEM_TYPE "application/problem+json"
#define JSON_TYPE "application/json"

/* {"type","title","status","detail"}; `detail` NULL: none. */
void answer_problem(struct node_answer *answer, guint status, const char *detail);
/* With a member more: "reason", by which programs tell refusals apart. */
void answer_refusal(struct node_answer *answer, guint status, const char *reason,
                    const char *detail);
/* Takes the value over. */
void answer_json(struct node_answer *answer, guint status, json_t *value);
/* Takes the bytes over; the type is static. */
void answer_bytes(struct node_answer *answer, guint status, const char *content_type,
                  GBytes *bytes);
const char *problem_title(guint status);
