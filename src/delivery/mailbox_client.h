/*
 * mailbox_client.h: mailboxes at other nodes, over HTTP. URL is a node's, without "/api/v1/...".
 *
 * ENTENTE_ERROR_SYSTEM: no answer, or not now (the mailbox is full); _POLICY: refused; _INPUT: an
 * answer that is none.
 */
#pragma once
#include "delivery/mailbox_request.h"
#include "net/http.h"

struct mailbox_client;
typedef struct mailbox_client mailbox_client_t;

/* `key` (borrowed) signs an owner's requests. */
struct mailbox_client *mailbox_client_new(const struct http_options *http,
                                          const struct signing_key *key);
void mailbox_client_free(struct mailbox_client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mailbox_client_t, mailbox_client_free)
/* From any thread: requests at hand end with an error, and so does every later one. */
void mailbox_client_cancel(struct mailbox_client *client);

/* Hands a message in, with the work that the mailbox asks for; or, to open a reply box, signed. */
gboolean mailbox_client_post(struct mailbox_client *client, const char *url, const char *mailbox,
                             GBytes *message, gboolean as_owner, GError **error);

/* As mailbox_list(), _get() and _delete(). NULL without an error: there is none.
 * `sha256` names what is deleted: mailbox_sha256() of what was got. */
GArray *mailbox_client_list(struct mailbox_client *client, const char *url, const char *mailbox,
                            guint64 after, GError **error);
GBytes *mailbox_client_get(struct mailbox_client *client, const char *url, const char *mailbox,
                           guint64 number, GError **error);
gboolean mailbox_client_delete(struct mailbox_client *client, const char *url, const char *mailbox,
                               guint64 number, const char *sha256, GError **error);
