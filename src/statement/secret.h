/*
 * secret.h: memory for keys and passphrases, and where a passphrase comes from.
 *
 * The bytes lie between guard pages, are locked where the limit allows it, stay out of core dumps
 * and are wiped when freed (libsodium's sodium_malloc()). They are never printed. A child process
 * finds zeros in their place and must not free them: it ends with _exit().
 */
#pragma once
#include <glib.h>

struct secret {
    guint8 *bytes; /* `length` bytes and a NUL that does not count */
    gsize length;
};
typedef struct secret secret_t;

/* Zeroed memory; out of memory ends the program, as everywhere. */
struct secret *secret_new(gsize length);
struct secret *secret_copy(const void *bytes, gsize length);
void secret_free(struct secret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(secret_t, secret_free)

/* Wipes bytes that nobody else holds, then drops them. NULL is fine. */
void secret_wipe_bytes(GBytes *bytes);

/* Where a passphrase may come from, in this order; ENTENTE_PASSPHRASE_FILE stands in for `file`. */
struct passphrase_source {
    const char *file; /* its first line; NULL: the environment's */
    gboolean may_ask; /* on the terminal, without echo */
};

/*
 * Gets a passphrase for `what` ("the key example.org"); `confirm` asks twice on a terminal.
 * NULL and ENTENTE_ERROR_INPUT when there is none to get, it is empty, or the two differ.
 */
struct secret *passphrase_get(const struct passphrase_source *source, const char *what,
                              gboolean confirm, GError **error);
