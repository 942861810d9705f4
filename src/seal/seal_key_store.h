/*
 * seal_key_store.h: the seal keys of this signatory, in DATA/keys (folder 0700, files 0600), in
 * the form of statement/key_form.h.
 *
 *     seal.key                        the present key: what others are told to seal to
 *     seal-2026-11-22-HEX16.key       old ones, by the day they were replaced and their id: what
 *                                     was sealed to them can still be opened
 */
#pragma once
#include "seal/seal_key.h"

/* The file of the present key. Owned by the caller. */
char *seal_key_path(const char *data_folder);

/* The public half of a key file; no passphrase is needed. ENTENTE_ERROR_INPUT when malformed. */
gboolean seal_key_file_public(const char *path, struct seal_public *out, GError **error);

/*
 * Keeps `secret` as the present key, under `passphrase` unless that is NULL. A key that was there
 * stays as an old one; at no moment is either missing.
 */
gboolean seal_key_keep(const char *data_folder, const struct seal_secret *secret,
                       const struct secret *passphrase, GError **error);

/* The public keys (struct seal_public *), the present one first; none is no error. */
GPtrArray *seal_keys_public(const char *data_folder, GError **error);

/*
 * All private keys (struct seal_secret *), the present one first; none is no error. `source` is
 * asked only for keys under a passphrase.
 */
GPtrArray *seal_keys_load(const char *data_folder, const struct passphrase_source *source,
                          GError **error);

/* What the keys' files looked like when they were last read; all zero: never. */
struct seal_keys_seen {
    gint64 folder_ns, present_ns, read_us;
    guint64 inode;
};

/*
 * Whether the files changed since; and what they look like now. A change within the second in which
 * they were read may be missed by its time: so that second counts as a change, once.
 */
gboolean seal_keys_changed(const char *data_folder, struct seal_keys_seen *seen);

/* The text of a key file, as seal_key_keep() writes it; and its reader. */
struct secret *seal_key_format(const struct seal_secret *secret, const struct secret *passphrase);
struct seal_secret *seal_key_read(const char *text, const char *name,
                                  const struct passphrase_source *source, GError **error);
