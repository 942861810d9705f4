/*
 * seal.h: one way to encrypt to recipients, in C and in the browser (web/seal/seal.js).
 *
 *     "ENTSEAL1" | u16 kem 0x0020 | u16 kdf 1 | u16 aead 2 | u8 n           15 bytes
 *     n x { key id 8 | enc 32 | wrapped 48 }                                recipients
 *     chunks of 1 MiB, each with a tag of 16; the last may be shorter       body
 *
 * All numbers are big endian. `wrapped` is the random content key of 32 bytes, sealed by HPKE
 * (hpke.h, sequence 0) with info "entente/seal/1" and the first 15 bytes as aad. The body is
 * AES-256-GCM under the content key: nonce = be88(chunk) || u8 last, aad = SHA-256(everything
 * before the body). Its text is u64 length || content || zeros, padded to Padme (padme.h).
 *
 * There is one way to write a text, and every other is refused: other algorithms, a chunk
 * missing, bytes behind the last chunk, padding that is not Padme's zeros. A key is named twice
 * by nobody. Sealing hides who sealed: who a message is from is said by the signature inside.
 *
 * Errors: ENTENTE_ERROR_INPUT for what is malformed, ENTENTE_ERROR_POLICY for what is sealed to
 * others, ENTENTE_ERROR_FOUND for what was altered or cut short, ENTENTE_ERROR_SYSTEM for reading
 * and writing.
 */
#pragma once
#include "seal/seal_key.h"

#include <sys/types.h>

#define SEAL_MAGIC "ENTSEAL1"
#define SEAL_RECIPIENTS_MAX 255
#define SEAL_CONTENT_MAX (G_GUINT64_CONSTANT(1) << 48) /* bytes */

/* The size of `content` bytes when sealed to so many recipients. */
guint64 seal_size(guint64 content, guint recipients);

/* Seals `content` to each of `recipients` (struct seal_public *): 1 to SEAL_RECIPIENTS_MAX. */
GBytes *seal_bytes(GBytes *content, const GPtrArray *recipients, GError **error);

/* Opens with the one of `secrets` (struct seal_secret *) that it is sealed to. */
GBytes *seal_open(GBytes *sealed, const GPtrArray *secrets, GError **error);

/* Whether `sealed` begins as a sealed message, and is sealed to `key`; opens nothing. */
gboolean seal_is_for(GBytes *sealed, const struct seal_public *key);

/*
 * The same for content of any size, in bounded memory. seal_file() reads exactly `size` bytes of
 * `in` and refuses a file that is shorter or goes on. `name` stands in messages.
 */
gboolean seal_file(int in, guint64 size, int out, const GPtrArray *recipients, const char *name,
                   GError **error);

/*
 * Opens `in` into the new or replaced file `path` with `mode`. Nothing is to be seen there before
 * the last chunk has verified; what a failure leaves is what was there before.
 */
gboolean seal_open_file(int in, const char *path, mode_t mode, const GPtrArray *secrets,
                        const char *name, GError **error);
