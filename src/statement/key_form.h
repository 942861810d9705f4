/*
 * key_form.h: the form of Entente's key files, whatever kind of key lies in them: lines of text,
 * the secret in the clear or 32 bytes of it under a passphrase (Argon2id, XChaCha20-Poly1305).
 *
 *     entente/key/1                              the magic tells the kind of key
 *     public TEXT
 *     private TEXT                               without a passphrase; or
 *     argon2id13 3 268435456 SALT                operations, bytes of memory, base64
 *     xchacha20poly1305 NONCE SEALED             every byte before SEALED is authenticated with it
 */
#pragma once
#include "statement/secret.h"

/* The magics: Ed25519 keys (key_file.h), and the X25519 keys of seal/. */
#define KEY_FORM_SIGNING "entente/key/1\n"
#define KEY_FORM_SEAL "entente/seal-key/1\n"

#define KEY_FORM_MODE 0600
#define KEY_FORM_SECRET_SIZE 32
#define KEY_FORM_LIMIT 65536 /* bytes of a file */

/* What is written; `magic` ends in a line feed. */
struct key_form {
    const char *magic, *public;
    const struct secret *private; /* the text behind "private " */
    const guint8 *seed;           /* KEY_FORM_SECRET_SIZE bytes, the same in binary */
};

/* The text of the file; `passphrase` NULL leaves the private text in the clear. */
struct secret *key_form_write(const struct key_form *form, const struct secret *passphrase);

/* The lines of a file behind their first words; they point into `copy`. */
struct key_form_lines {
    struct secret *copy;
    const char *text; /* the whole file, borrowed */
    char *public, *private, *kdf, *box;
};
typedef struct key_form_lines key_form_lines_t;

/* `private`, or both `kdf` and `box`, are there afterwards. ENTENTE_ERROR_INPUT with `name`. */
gboolean key_form_read(const char *magic, const char *text, const char *name,
                       struct key_form_lines *lines, GError **error);
void key_form_lines_clear(struct key_form_lines *lines);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(key_form_lines_t, key_form_lines_clear)

/*
 * Opens what lies under a passphrase (`kdf` and `box`; uses the lines up): KEY_FORM_SECRET_SIZE
 * bytes. `what` stands in the question for it. ENTENTE_ERROR_INPUT when it is wrong or missing.
 */
struct secret *key_form_open(struct key_form_lines *lines, const char *what,
                             const struct passphrase_source *source, GError **error);

/* Refuses a private key's file that others may read (ENTENTE_ERROR_POLICY). "-" is nobody's. */
gboolean key_form_is_kept(const char *path, GError **error);
