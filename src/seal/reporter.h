/*
 * reporter.h: what an anonymous reporter keeps: 128 random bits, of which everything else follows.
 * The browser's twin is web/seal/receipt.js.
 *
 *     text       the bits as 8 proquints, "lusab-babad-..." (D. Wilkerson, "A Proposal for
 *                Proquints", arXiv 0901.4016): 16 bits each, as consonant vowel consonant vowel
 *                consonant
 *     seal key   X25519 private key = HKDF-SHA256(bits, info "entente/receipt/1/x25519")
 *     signing    Ed25519 seed       = HKDF-SHA256(bits, info "entente/receipt/1/ed25519")
 *     box        hexadecimal SHA-256 of the X25519 public key: where replies are fetched
 *     number     the first 16 digits of the box: names the receipt in public
 */
#pragma once
#include "seal/seal_key.h"
#include "statement/key.h"

#define REPORTER_SIZE 16
#define REPORTER_BOX_LENGTH 64       /* digits */
#define REPORTER_NUMBER_LENGTH 16    /* digits */
#define REPORTER_KEY_NAME "reporter" /* the name of the Ed25519 key */

struct reporter {
    struct seal_secret *seal;
    struct signing_key *key;
    char *box, *number;
};
typedef struct reporter reporter_t;

/* 8 proquints joined by '-', from REPORTER_SIZE bytes of secret memory. */
struct secret *reporter_words(const struct secret *bits);

/*
 * Reads 8 proquints, in either case, between them one or more of '-', space, tab, line ends.
 * NULL and ENTENTE_ERROR_INPUT.
 */
struct secret *reporter_parse(const char *text, GError **error);

/* All that follows of the bits. */
struct reporter *reporter_new(const struct secret *bits);
void reporter_free(struct reporter *reporter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(reporter_t, reporter_free)

/* The box of replies to an X25519 public key. Owned by the caller. */
char *reporter_box(const struct seal_public *key);
