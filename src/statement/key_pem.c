#include "statement/key_pem.h"

#include "base/error.h"
#include "base/late_library.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stddef.h>
#include <string.h>

/* libcrypto's functions (base/late_library.h) and what one key needs of it. */
typedef struct pem {
    typeof(BIO_new) *bio_new;
    typeof(BIO_new_mem_buf) *bio_new_of;
    typeof(BIO_s_mem) *bio_memory;
    typeof(BIO_ctrl) *bio_control;
    typeof(BIO_free_all) *bio_free;
    typeof(ERR_clear_error) *clear_error;
    typeof(EVP_PKEY_free) *pkey_free;
    typeof(EVP_PKEY_get_id) *pkey_kind;
    typeof(EVP_PKEY_get_raw_public_key) *get_public;
    typeof(EVP_PKEY_get_raw_private_key) *get_private;
    typeof(EVP_PKEY_new_raw_public_key) *new_public;
    typeof(EVP_PKEY_new_raw_private_key) *new_private;
    typeof(EVP_aes_256_cbc) *aes_256_cbc;
    typeof(PEM_read_bio_PUBKEY) *read_public;
    typeof(PEM_read_bio_PrivateKey) *read_private;
    typeof(PEM_write_bio_PUBKEY) *write_public;
    typeof(PEM_write_bio_PKCS8PrivateKey) *write_private;
    BIO *bio;
    EVP_PKEY *pkey;
} pem_t;

static const struct late_symbol symbols[] = {
    { "BIO_new", offsetof(struct pem, bio_new) },
    { "BIO_new_mem_buf", offsetof(struct pem, bio_new_of) },
    { "BIO_s_mem", offsetof(struct pem, bio_memory) },
    { "BIO_ctrl", offsetof(struct pem, bio_control) },
    { "BIO_free_all", offsetof(struct pem, bio_free) },
    { "ERR_clear_error", offsetof(struct pem, clear_error) },
    { "EVP_PKEY_free", offsetof(struct pem, pkey_free) },
    { "EVP_PKEY_get_id", offsetof(struct pem, pkey_kind) },
    { "EVP_PKEY_get_raw_public_key", offsetof(struct pem, get_public) },
    { "EVP_PKEY_get_raw_private_key", offsetof(struct pem, get_private) },
    { "EVP_PKEY_new_raw_public_key", offsetof(struct pem, new_public) },
    { "EVP_PKEY_new_raw_private_key", offsetof(struct pem, new_private) },
    { "EVP_aes_256_cbc", offsetof(struct pem, aes_256_cbc) },
    { "PEM_read_bio_PUBKEY", offsetof(struct pem, read_public) },
    { "PEM_read_bio_PrivateKey", offsetof(struct pem, read_private) },
    { "PEM_write_bio_PUBKEY", offsetof(struct pem, write_public) },
    { "PEM_write_bio_PKCS8PrivateKey", offsetof(struct pem, write_private) },
    { NULL, 0 },
};

static gboolean pem_load(struct pem *pem, GError **error)
{
    return late_library_load("libcrypto.so.3", "libssl3", symbols, pem, error);
}

static void pem_clear(struct pem *pem)
{
    if (pem->pkey)
        pem->pkey_free(pem->pkey);
    if (pem->bio)
        pem->bio_free(pem->bio);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(pem_t, pem_clear)

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

struct public_key *key_pem_public(const char *text, gsize length, const char *key_name,
                                  GError **error)
{
    g_auto(pem_t) pem = { NULL };
    guint8 bytes[KEY_PUBLIC_SIZE];
    gsize size = sizeof bytes;

    if (!pem_load(&pem, error))
        return NULL;
    pem.bio = pem.bio_new_of(text, (int)MIN(length, G_MAXINT));
    pem.pkey = pem.read_public(pem.bio, NULL, give_passphrase, NULL);
    pem.clear_error();
    if (!pem.pkey || pem.pkey_kind(pem.pkey) != EVP_PKEY_ED25519 ||
        !pem.get_public(pem.pkey, bytes, &size) || size != sizeof bytes) {
        input_error(error, "%s",
                    pem.pkey ? "the PEM public key is not one of Ed25519"
                             : "not a PEM public key (-----BEGIN PUBLIC KEY-----)");
        pem.clear_error();
        return NULL;
    }
    return public_key_new(key_name, bytes, error);
}

struct signing_key *key_pem_private(const char *text, gsize length, const char *key_name,
                                    const struct passphrase_source *source, GError **error)
{
    g_autoptr(GError) problem = NULL;
    struct asking asking = { source, key_name, &problem };
    g_autoptr(secret_t) seed = secret_new(KEY_SEED_SIZE);
    g_auto(pem_t) pem = { NULL };
    gsize size = seed->length;

    if (!pem_load(&pem, error))
        return NULL;
    pem.bio = pem.bio_new_of(text, (int)MIN(length, G_MAXINT));
    pem.pkey = pem.read_private(pem.bio, NULL, give_passphrase, &asking);
    pem.clear_error();
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    if (!pem.pkey) {
        input_error(error, "not a PEM private key, or its passphrase is wrong");
        return NULL;
    }
    if (pem.pkey_kind(pem.pkey) != EVP_PKEY_ED25519 ||
        !pem.get_private(pem.pkey, seed->bytes, &size) || size != seed->length) {
        input_error(error, "the PEM private key is not one of Ed25519");
        pem.clear_error();
        return NULL;
    }
    return signing_key_from_seed(key_name, seed->bytes, error);
}

/* OpenSSL fails here only without memory. */
static struct secret *pem_take(struct pem *pem, gboolean written)
{
    char *text = NULL;
    long length = pem->bio_control(pem->bio, BIO_CTRL_INFO, 0, (char *)&text);

    if (!written || length <= 0)
        g_error("OpenSSL cannot write a PEM key");
    return secret_copy(text, (gsize)length);
}

static void pem_begin(struct pem *pem)
{
    g_autoptr(GError) error = NULL;

    if (!pem_load(pem, &error))
        g_error("%s", error->message);
    pem->bio = pem->bio_new(pem->bio_memory());
}

char *key_pem_write_public(const struct public_key *key)
{
    g_autoptr(secret_t) text = NULL;
    g_auto(pem_t) pem = { NULL };

    pem_begin(&pem);
    pem.pkey = pem.new_public(EVP_PKEY_ED25519, NULL, key->bytes, KEY_PUBLIC_SIZE);
    text = pem_take(&pem, pem.write_public(pem.bio, pem.pkey) == 1);
    return g_strndup((const char *)text->bytes, text->length);
}

struct secret *key_pem_write_private(const struct signing_key *key, const struct secret *passphrase)
{
    g_auto(pem_t) pem = { NULL };
    int written;

    pem_begin(&pem);
    pem.pkey = pem.new_private(EVP_PKEY_ED25519, NULL, key->secret->bytes, KEY_SEED_SIZE);
    written = pem.write_private(pem.bio, pem.pkey, passphrase ? pem.aes_256_cbc() : NULL,
                                passphrase ? (const char *)passphrase->bytes : NULL,
                                passphrase ? (int)passphrase->length : 0, NULL, NULL);
    return pem_take(&pem, written == 1);
}
