/*
 * siv.h: AEAD_AES_SIV_CMAC_256 (RFC 5297), which NTS seals its packets with.
 *
 *     V = S2V(K1, parts..., text)     16 bytes: tag and initial vector in one
 *     sealed = V || AES-CTR(K2, V without two bits, text)
 *
 * CMAC and AES-CTR are libcrypto's. Its own AES-128-SIV (3.0) cannot be used: it does nothing when
 * the text is empty, and the request of an NTS client has an empty one.
 */
#pragma once
#include <glib.h>

#define SIV_KEY 32u
#define SIV_TAG 16u

struct siv;
typedef struct siv siv_t;

/* ENTENTE_ERROR_SYSTEM: no libcrypto, or one without CMAC. */
struct siv *siv_new(GError **error);
void siv_free(struct siv *siv);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(siv_t, siv_free)

/* What is authenticated beside the text, in order; the nonce is the last one. */
struct siv_part {
    const void *data;
    gsize length;
};

/* tag || sealed text: SIV_TAG + `length` bytes. Owned by the caller. */
guint8 *siv_seal(struct siv *siv, const guint8 key[SIV_KEY], const struct siv_part *parts,
                 guint count, const void *text, gsize length);

/*
 * The text of `length` sealed bytes (`length` - SIV_TAG bytes; never NULL for an empty one). NULL:
 * they were not sealed with this key and these parts.
 */
guint8 *siv_open(struct siv *siv, const guint8 key[SIV_KEY], const struct siv_part *parts,
                 guint count, const void *sealed, gsize length);
