/* courier_private.h: for delivery/courier*.c alone. */
#pragma once
#include "delivery/courier.h"
#include "delivery/mailbox_client.h"
#include "delivery/message.h"

#define COURIER_INCOMPLETE_LIMIT 10000u

struct courier {
    struct courier_options options;
    struct mailbox_client *client;
    const struct reg *reg; /* of this round */
    const char *origin;
    char *mailbox;           /* the own one's id */
    GHashTable *unreachable; /* recipients that nothing could be handed in for, in this round */
    GHashTable *incomplete;  /* a file (file_key()) -> "author\nby\ncase\nstream": waits for parts.
                              * At most COURIER_INCOMPLETE_LIMIT: what was forgotten is due again
                              * when its author, unanswered, sends the event once more */
    GHashTable *later;       /* "URL number" -> monotonic time: messages to look at again */
    gint64 polled_us;        /* monotonic: when relays were last asked */
    gint64 moved_us;         /* monotonic: when something last came or went */
    char *shut_out;          /* an own URL that refuses to be read; or NULL */
    gint cancelled;
    struct courier_round *round;
};

gboolean courier_is_cancelled(struct courier *courier);

/* courier_send.c */
gboolean courier_send(struct courier *courier, gint64 now_us, GError **error);
gboolean courier_send_proofs(struct courier *courier, gint64 now_us, GError **error);
/* Seals and hands in one message for a party. ENTENTE_ERROR_SYSTEM: not now; _POLICY: not at all.
 */
gboolean courier_hand_in(struct courier *courier, const char *recipient, const char *id,
                         const struct message *message, gint64 now_us, GError **error);

/* courier_receive.c */
gboolean courier_receive(struct courier *courier, gint64 now_us, GError **error);
/* The URLs of the own mailbox, as the register says; ends with NULL; owned by the caller. */
char **courier_own_urls(const struct courier *courier);

/* courier_take.c: what a message says is recorded. `later`: it cannot be judged yet; why it is
 * refused when that stays so. NULL: it was judged. FALSE: a database here. */
gboolean courier_take(struct courier *courier, GBytes *sealed, gint64 now_us, const char **later,
                      GError **error);
/* Writes down that `what` was refused. */
gboolean courier_refuse(struct courier *courier, GBytes *what, const char *who, const char *reason,
                        gint64 now_us, GError **error);
#define COURIER_UNKNOWN "?" /* who sent what is sealed and not signed */
gboolean courier_acknowledge(struct courier *courier, gint64 now_us, GError **error);
