#include "statement/key_pem.h"

#include "base/error.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

typedef BIO bio_t;
typedef EVP_PKEY pkey_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(bio_t, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pkey_t, EVP_PKEY_free)

/* The passphrase of an encrypted key, and why there is none. */
struct asking {
    const struct passphrase_source *source;
    const char *key_name;
    GError **error;
};

static int give_passphrase(char *buffer, int size, int writing, void *user)
{
    struct asking *asking = user;
    g_autofree char *what = NULL;
    g_autoptr(secret_t) passphrase = NULL;

    if (!asking)
        return -1;
    what = g_strdup_printf("the key \"%s\"", asking->key_name);
    passphrase = passphrase_get(asking->source, what, FALSE, asking->error);
    if (!passphrase)
        return -1;
    if (passphrase->length > (gsize)size) {
        input_error(asking->error, "the passphrase is longer than %d bytes", size);
        return -1;
    }
    memcpy(buffer, passphrase->bytes, passphrase->length);
    return (int)passphrase->length;
}

struct public_key *key_pem_public(const char *pem, gsize length, const char *key_name,
                                  GError **error)
{
    g_autoptr(bio_t) bio = BIO_new_mem_buf(pem, (int)MIN(length, G_MAXINT));
    g_autoptr(pkey_t) pkey = PEM_read_bio_PUBKEY(bio, NULL, give_passphrase, NULL);
    guint8 bytes[KEY_PUBLIC_SIZE];
    gsize size = sizeof bytes;

    ERR_clear_error();
    if (!pkey || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519 ||
        !EVP_PKEY_get_raw_public_key(pkey, bytes, &size) || size != sizeof bytes) {
        input_error(error, "%s",
                    pkey ? "the PEM public key is not one of Ed25519"
                         : "not a PEM public key (-----BEGIN PUBLIC KEY-----)");
        ERR_clear_error();
        return NULL;
    }
    return public_key_new(key_name, bytes, error);
}

struct signing_key *key_pem_private(const char *pem, gsize length, const char *key_name,
                                    const struct passphrase_source *source, GError **error)
{
    g_autoptr(GError) problem = NULL;
    struct asking asking = { source, key_name, &problem };
    g_autoptr(bio_t) bio = BIO_new_mem_buf(pem, (int)MIN(length, G_MAXINT));
    g_autoptr(pkey_t) pkey = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &asking);
    g_autoptr(secret_t) seed = secret_new(KEY_SEED_SIZE);
    gsize size = seed->length;

    ERR_clear_error();
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    if (!pkey) {
        input_error(error, "not a PEM private key, or its passphrase is wrong");
        return NULL;
    }
    if (EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519 ||
        !EVP_PKEY_get_raw_private_key(pkey, seed->bytes, &size) || size != seed->length) {
        input_error(error, "the PEM private key is not one of Ed25519");
        ERR_clear_error();
        return NULL;
    }
    return signing_key_from_seed(key_name, seed->bytes, error);
}

/* OpenSSL fails here only without memory. */
static struct secret *bio_take(BIO *bio, gboolean written)
{
    char *text = NULL;
    long length = BIO_get_mem_data(bio, &text);

    if (!written || length <= 0)
        g_error("OpenSSL cannot write a PEM key");
    return secret_copy(text, (gsize)length);
}

char *key_pem_write_public(const struct public_key *key)
{
    g_autoptr(pkey_t) pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, KEY_PUBLIC_SIZE);
    g_autoptr(bio_t) bio = BIO_new(BIO_s_mem());
    g_autoptr(secret_t) text = bio_take(bio, PEM_write_bio_PUBKEY(bio, pkey) == 1);

    return g_strndup((const char *)text->bytes, text->length);
}

struct secret *key_pem_write_private(const struct signing_key *key, const struct secret *passphrase)
{
    g_autoptr(pkey_t) pkey =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->secret->bytes, KEY_SEED_SIZE);
    g_autoptr(bio_t) bio = BIO_new(BIO_s_mem());
    int written =
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, passphrase ? EVP_aes_256_cbc() : NULL,
                                      passphrase ? (const char *)passphrase->bytes : NULL,
                                      passphrase ? (int)passphrase->length : 0, NULL, NULL);

    return bio_take(bio, written == 1);
}
