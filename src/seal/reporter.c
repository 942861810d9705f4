#include "seal/reporter.h"

#include "base/error.h"
#include "seal/hkdf.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define WORDS (REPORTER_SIZE / 2)
#define WORD_LENGTH 5
#define TEXT_LENGTH (WORDS * (WORD_LENGTH + 1) - 1)
#define SEPARATORS "- \t\r\n"

static const char consonants[] = "bdfghjklmnprstvz"; /* 4 bits */
static const char vowels[] = "aiou";                 /* 2 bits */

/* The letters of a proquint from the left: which alphabet, and how far its bits are shifted. */
static const struct letter {
    const char *alphabet;
    guint bits, shift;
} letters[WORD_LENGTH] = {
    { consonants, 4, 12 }, { vowels, 2, 10 },    { consonants, 4, 6 },
    { vowels, 2, 4 },      { consonants, 4, 0 },
};

struct secret *reporter_words(const struct secret *bits)
{
    struct secret *text = secret_new(TEXT_LENGTH);
    guint8 *at = text->bytes;

    for (guint i = 0; i < WORDS; i++) {
        guint word = bits->bytes[2 * i] << 8 | bits->bytes[2 * i + 1];

        if (i)
            *at++ = '-';
        for (guint j = 0; j < WORD_LENGTH; j++)
            *at++ = letters[j].alphabet[word >> letters[j].shift & ((1u << letters[j].bits) - 1)];
    }
    return text;
}

static gboolean parse_word(const char *text, guint *word)
{
    *word = 0;
    for (guint i = 0; i < WORD_LENGTH; i++) {
        char letter = g_ascii_tolower(text[i]);
        const char *found = letter ? strchr(letters[i].alphabet, letter) : NULL;

        if (!found)
            return FALSE;
        *word |= (guint)(found - letters[i].alphabet) << letters[i].shift;
    }
    return TRUE;
}

struct secret *reporter_parse(const char *text, GError **error)
{
    g_autoptr(secret_t) bits = secret_new(REPORTER_SIZE);
    const char *at = text + strspn(text, SEPARATORS);
    guint count = 0, word;

    for (; *at && count < WORDS; count++) {
        gsize gap;

        if (!parse_word(at, &word))
            break;
        at += WORD_LENGTH;
        gap = strspn(at, SEPARATORS);
        if (*at && !gap)
            break;
        at += gap;
        bits->bytes[2 * count] = (guint8)(word >> 8);
        bits->bytes[2 * count + 1] = (guint8)word;
    }
    if (count == WORDS && !*at)
        return g_steal_pointer(&bits);
    input_error(error, "word %u of the receipt is not one of %u words such as \"lusab\"",
                MIN(count, WORDS - 1) + 1, WORDS);
    return NULL;
}

static void derive(const struct secret *bits, const char *info, guint8 out[HKDF_HASH_SIZE])
{
    const struct hkdf_part ikm = { bits->bytes, bits->length }, label = { info, strlen(info) };
    guint8 prk[HKDF_HASH_SIZE];

    hkdf_extract(NULL, &ikm, 1, prk);
    hkdf_expand(prk, &label, 1, out, HKDF_HASH_SIZE);
    sodium_memzero(prk, sizeof prk);
}

char *reporter_box(const struct seal_public *key)
{
    guint8 digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, key->bytes, SEAL_KEY_SIZE);
    return hex_encode(digest, sizeof digest);
}

struct reporter *reporter_new(const struct secret *bits)
{
    struct reporter *reporter = g_new0(struct reporter, 1);
    g_autoptr(secret_t) seed = secret_new(HKDF_HASH_SIZE);

    derive(bits, "entente/receipt/1/x25519", seed->bytes);
    reporter->seal = seal_secret_new(seed->bytes);
    derive(bits, "entente/receipt/1/ed25519", seed->bytes);
    reporter->key = signing_key_from_seed(REPORTER_KEY_NAME, seed->bytes, NULL);
    reporter->box = reporter_box(&reporter->seal->public);
    reporter->number = g_strndup(reporter->box, REPORTER_NUMBER_LENGTH);
    return reporter;
}

void reporter_free(struct reporter *reporter)
{
    if (!reporter)
        return;
    seal_secret_free(reporter->seal);
    signing_key_free(reporter->key);
    g_free(reporter->box);
    g_free(reporter->number);
    g_free(reporter);
}
