/*
 * forwarder.h: hands entries on to another node's log over HTTP, and its answers back as they are:
 * receipts are the log's, and who hands on could not make one.
 *
 * A few senders wait for the answers; so many requests wait for a sender, and no more.
 */
#pragma once
#include "node/places.h"

/* Says that an entry was handed on once already: it is not handed on again. */
#define FORWARDED_HEADER "Entente-Forwarded"

struct forwarder;
/* `is_private`: the other node is one of the same operator, at any address; it is told who asked.
 */
struct forwarder *forwarder_new(const struct node *node, gboolean is_private, GError **error);
/* To URL/api/v1/entries, with the request's "wait". Answers at once what cannot be handed on. */
void forwarder_send(struct forwarder *forwarder, const char *url,
                    const struct node_request *request, struct node_answer *answer);
/* Those on their way come back first; then nothing is handed on any more. */
void forwarder_finish(struct forwarder *forwarder);
void forwarder_free(struct forwarder *forwarder);
void forwarder_metrics(struct forwarder *forwarder, GString *text);
