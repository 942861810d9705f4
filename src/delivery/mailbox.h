/*
 * mailbox.h: sealed messages on their way: DATA/mail.db of a node that keeps mailboxes, its own
 * signatory's and those of others it relays for.
 *
 * A mailbox has messages numbered from 1. What is known of one: its mailbox, its size, when it
 * came. Nothing here can open it. A message is there when the answer says so (durable), and goes
 * when its owner deletes it, or after `keep_us`. Who deletes says which bytes are meant, not only a
 * number: what was said to one relay deletes nothing else at another.
 *
 * Quotas are by mailbox (bytes and messages) and over all. Messages larger than
 * MAILBOX_SMALL_LIMIT may fill half of either: the other half is kept for events, reports and
 * acknowledgements, so that nobody shuts a signatory who is away off with some dozens of large
 * ones. It takes thousands of small ones, of which each costs more than the last.
 *
 * Who posts is not asked, so that a relay never learns it. Each message carries work instead (a
 * hashcash), which costs a poster some hundredths of a second and a flood a lot.
 *
 * Thread-safe; several processes may have the same file open.
 */
#pragma once
#include <glib.h>

#define MAILBOX_ID_SIZE 64               /* hex digits of a SHA-256 */
#define MAILBOX_MESSAGE_LIMIT (5u << 20) /* bytes */
#define MAILBOX_SMALL_LIMIT (64u << 10)  /* bytes: nearly every message without attachments */

/* hex SHA-256("entente/mailbox/1\n" origin "\n" signatory id). Owned by the caller. */
char *mailbox_id(const char *origin, const char *signatory);
/* hex SHA-256 of an X25519 public key: the box with answers to a reporter without an account. */
char *mailbox_reply_id(const guint8 key[32]);
/* Whether a text is 64 lower-case hexadecimal digits. */
gboolean mailbox_id_is_valid(const char *mailbox);

struct mailboxes;
typedef struct mailboxes mailboxes_t;

struct mailboxes_limits {
    guint64 box_bytes, box_messages; /* of one mailbox; 0: 1 GiB, 100,000 */
    guint64 all_bytes;               /* 0: as much as 16 mailboxes */
    gint64 keep_us;                  /* 0: 30 days */
    gint64 reply_keep_us;            /* messages in reply boxes, and the box; 0: 180 days */
};

/* `limits` NULL: all by default. */
struct mailboxes *mailboxes_open(const char *data_folder, const struct mailboxes_limits *limits,
                                 GError **error);
void mailboxes_close(struct mailboxes *mailboxes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mailboxes_t, mailboxes_close)

/* Durable when TRUE. The same bytes again are there already: the same number.
 * ENTENTE_ERROR_POLICY: over a quota. */
gboolean mailbox_put(struct mailboxes *mailboxes, const char *mailbox, GBytes *message,
                     gint64 now_us, guint64 *number, GError **error);

struct mailbox_row {
    guint64 number;
    guint64 size;
    gint64 time_us;
};
/* Messages after a number (struct mailbox_row), at most `limit`. */
GArray *mailbox_list(struct mailboxes *mailboxes, const char *mailbox, guint64 after, guint limit,
                     GError **error);
/* NULL without an error: there is none. */
GBytes *mailbox_get(struct mailboxes *mailboxes, const char *mailbox, guint64 number,
                    GError **error);
/* `sha256`: of the message, in hexadecimal. Fine when there is none of that number;
 * ENTENTE_ERROR_POLICY: there is another, which stays. */
gboolean mailbox_delete(struct mailboxes *mailboxes, const char *mailbox, guint64 number,
                        const char *sha256, GError **error);

/* A reply box is kept from when the desk that is to answer opens it. */
gboolean mailbox_open_reply(struct mailboxes *mailboxes, const char *mailbox, gint64 now_us,
                            GError **error);
gboolean mailbox_is_reply(struct mailboxes *mailboxes, const char *mailbox, gboolean *is,
                          GError **error);

/* How much there is: of one mailbox, or (NULL) in all. `share`: of its quota, in percent. */
struct mailbox_fill {
    guint64 bytes, messages;
    guint share;
};
gboolean mailbox_fill(struct mailboxes *mailboxes, const char *mailbox, struct mailbox_fill *fill,
                      GError **error);

/* Drops what is older than it may be; gives how many messages. `dropped` may be NULL. */
gboolean mailboxes_tick(struct mailboxes *mailboxes, gint64 now_us, guint *dropped, GError **error);
