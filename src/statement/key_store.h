/*
 * key_store.h: the keys of this signatory: DATA/keys/NAME.key (folder 0700, files 0600).
 * "default" is the one that signs when no other is named.
 */
#pragma once
#include "statement/key.h"

#define KEY_STORE_DEFAULT "default"

/* The name for a new key: the signatory's domain when it has one, else this host's name. */
char *key_store_name(const char *domain);

/* The file of the key called `file_name` ("default"). Owned by the caller. */
char *key_store_path(const char *data_folder, const char *file_name);

/*
 * The default key; when there is none, makes one called `key_name`, without a passphrase. Of two
 * processes that do so at once both get the one that stays. `source` is asked only for a key with
 * a passphrase. `made` (or NULL) says whether it is new.
 */
struct signing_key *key_store_load_or_create(const char *data_folder, const char *key_name,
                                             const struct passphrase_source *source, gboolean *made,
                                             GError **error);

/* The public keys of all own keys that sign (struct public_key *); none is no error. */
GPtrArray *key_store_public_keys(const char *data_folder, GError **error);
