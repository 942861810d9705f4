#include "p2_internet/ct/ct_chain.h"

#include "base/error.h"
#include "base/late_library.h"
#include "sandbox/worker.h"
#include "statement/base64.h"

#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#define ISSUER_MAX (64u << 10) /* bytes of a certificate */
#define LINKS_MAX 8u           /* of a chain that are looked at */
#define WORKER_MEMORY (G_GUINT64_CONSTANT(512) << 20)
#define WORKER_CPU_S 30u
#define WORKER_LIMIT_US (60 * (gint64)G_USEC_PER_SEC)

const char *ct_chain_name(enum ct_chain chain)
{
    static const char *const names[] = { "borne", "none", "missing", "broken" };

    return names[chain];
}

/* ---- fetching */

struct ct_issuers {
    struct log_reader *reader;
    GHashTable *of; /* fingerprint (hex) -> GBytes, empty: not there */
};

struct ct_issuers *ct_issuers_new(struct log_reader *reader)
{
    struct ct_issuers *issuers = g_new0(struct ct_issuers, 1);

    issuers->reader = reader;
    issuers->of =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    return issuers;
}

void ct_issuers_free(struct ct_issuers *issuers)
{
    if (!issuers)
        return;
    g_hash_table_unref(issuers->of);
    g_free(issuers);
}

/* Borrowed; empty when the log does not have it. */
static GBytes *issuer(struct ct_issuers *issuers, const guint8 *fingerprint)
{
    g_autofree char *hex = hex_encode(fingerprint, CT_KEY_HASH);
    GBytes *bytes = g_hash_table_lookup(issuers->of, hex);

    if (bytes)
        return bytes;
    bytes = log_reader_issuer(issuers->reader, hex, ISSUER_MAX, NULL);
    if (!bytes)
        bytes = g_bytes_new_static("", 0);
    g_hash_table_replace(issuers->of, g_steal_pointer(&hex), bytes);
    return bytes;
}

static gboolean is_named(GBytes *bytes, const guint8 *fingerprint)
{
    guint8 digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return memcmp(digest, fingerprint, sizeof digest) == 0;
}

/* ---- verifying */

struct ct_chain_library {
    typeof(d2i_X509) *read;
    typeof(X509_free) *free;
    typeof(X509_verify) *verify;
    typeof(X509_get0_pubkey) *key;
    typeof(X509_get_X509_PUBKEY) *public_key;
    typeof(i2d_X509_PUBKEY) *write_key;
    typeof(CRYPTO_free) *release;
};

static const struct late_symbol symbols[] = {
    { "d2i_X509", offsetof(struct ct_chain_library, read) },
    { "X509_free", offsetof(struct ct_chain_library, free) },
    { "X509_verify", offsetof(struct ct_chain_library, verify) },
    { "X509_get0_pubkey", offsetof(struct ct_chain_library, key) },
    { "X509_get_X509_PUBKEY", offsetof(struct ct_chain_library, public_key) },
    { "i2d_X509_PUBKEY", offsetof(struct ct_chain_library, write_key) },
    { "CRYPTO_free", offsetof(struct ct_chain_library, release) },
    { NULL, 0 },
};

struct ct_chain_library *ct_chain_library_new(GError **error)
{
    struct ct_chain_library *library = g_new0(struct ct_chain_library, 1);

    if (late_library_load("libcrypto.so.3", "libssl3", symbols, library, error))
        return library;
    g_free(library);
    return NULL;
}

void ct_chain_library_free(struct ct_chain_library *library)
{
    g_free(library);
}

static X509 *read_one(const struct ct_chain_library *library, const guint8 *bytes, gsize length)
{
    const guint8 *at = bytes;
    X509 *one = length <= CT_CERTIFICATE_MAX ? library->read(NULL, &at, (long)length) : NULL;

    if (one && at != bytes + length)
        g_clear_pointer(&one, library->free);
    return one;
}

static gboolean has_key(const struct ct_chain_library *library, X509 *certificate,
                        const guint8 *hash)
{
    unsigned char *der = NULL;
    const int length = library->write_key(library->public_key(certificate), &der);
    guint8 digest[crypto_hash_sha256_BYTES] = { 0 };

    if (length > 0)
        crypto_hash_sha256(digest, der, (gsize)length);
    if (der)
        library->release(der, __FILE__, __LINE__);
    return length > 0 && memcmp(digest, hash, sizeof digest) == 0;
}

static gboolean signed_by(const struct ct_chain_library *library, X509 *certificate, X509 *by)
{
    EVP_PKEY *key = library->key(by);

    return key && library->verify(certificate, key) == 1;
}

/*
 * Whether the first issuers bear the leaf. A precertificate may be signed by a certificate for
 * that alone (RFC 6962 section 3.1): the key that it names is the second one's then.
 */
static gboolean bears_leaf(const struct ct_chain_library *library, const struct ct_leaf *leaf,
                           X509 *const *links, guint count)
{
    X509 *own;
    gboolean good;

    if (leaf->precertificate)
        return has_key(library, links[0], leaf->issuer_key_hash) ||
               (count > 1 && has_key(library, links[1], leaf->issuer_key_hash));
    own = read_one(library, leaf->der, leaf->length);
    good = own && signed_by(library, own, links[0]);
    library->free(own);
    return good;
}

enum ct_chain ct_chain_verify(const struct ct_chain_library *library, const struct ct_leaf *leaf,
                              const GPtrArray *issuers)
{
    X509 *links[LINKS_MAX] = { NULL };
    const guint count = MIN(issuers->len, LINKS_MAX);
    gboolean good = TRUE;

    if (!count)
        return CT_CHAIN_NONE;
    for (guint i = 0; good && i < count; i++) {
        links[i] = read_one(library, g_bytes_get_data(issuers->pdata[i], NULL),
                            g_bytes_get_size(issuers->pdata[i]));
        good = links[i] && (!i || signed_by(library, links[i - 1], links[i]));
    }
    good = good && bears_leaf(library, leaf, links, count);
    for (guint i = 0; i < count; i++)
        library->free(links[i]);
    return good ? CT_CHAIN_BORNE : CT_CHAIN_BROKEN;
}

/* ---- many */

struct question {
    json_t *seen; /* borrowed */
    const struct ct_leaf *leaf;
    GPtrArray *issuers; /* GBytes */
    enum ct_chain chain;
};

static void question_clear(gpointer data)
{
    g_ptr_array_unref(((struct question *)data)->issuers);
}

struct job {
    const struct ct_chain_library *library;
    const GArray *questions;
};

/* A byte for each. */
static void work(struct worker_pipe *out, gpointer data)
{
    const struct job *job = data;
    g_autoptr(GByteArray) verdicts = g_byte_array_new();

    for (guint i = 0; i < job->questions->len; i++) {
        const struct question *question = &g_array_index(job->questions, struct question, i);
        const guint8 verdict =
            (guint8)ct_chain_verify(job->library, question->leaf, question->issuers);

        g_byte_array_append(verdicts, &verdict, 1);
    }
    worker_send(out, 0, verdicts->data, verdicts->len);
}

static gboolean verify_all(GArray *questions, GError **error)
{
    static const struct confine_limits limits = { WORKER_MEMORY, WORKER_CPU_S };
    struct ct_chain_library *library = ct_chain_library_new(error);
    g_autoptr(confinement_t) confinement = library ? confinement_new(0, error) : NULL;
    struct job job = { library, questions };
    g_autoptr(GBytes) said =
        confinement ? worker_call(confinement, -1, &limits, WORKER_LIMIT_US, work, &job, error)
                    : NULL;
    const guint8 *verdicts = said ? g_bytes_get_data(said, NULL) : NULL;

    ct_chain_library_free(library);
    if (!said)
        return FALSE;
    if (g_bytes_get_size(said) != questions->len)
        return system_error(error, "chains of certificates: their verifier says what cannot be");
    for (guint i = 0; i < questions->len; i++)
        g_array_index(questions, struct question, i).chain =
            (enum ct_chain)MIN(verdicts[i], CT_CHAIN_BROKEN);
    return TRUE;
}

/* What can be told without looking into certificates; TRUE: the rest is to be verified. */
static gboolean ask(struct ct_issuers *issuers, struct question *question)
{
    const struct ct_leaf *leaf = question->leaf;

    question->chain = leaf->chain_count ? CT_CHAIN_BORNE : CT_CHAIN_NONE;
    for (guint i = 0; i < leaf->chain_count && i < LINKS_MAX; i++) {
        const guint8 *fingerprint = leaf->chain + (gsize)i * CT_KEY_HASH;
        GBytes *bytes = issuer(issuers, fingerprint);

        if (!g_bytes_get_size(bytes))
            question->chain = MAX(question->chain, CT_CHAIN_MISSING);
        else if (!is_named(bytes, fingerprint))
            question->chain = CT_CHAIN_BROKEN;
        g_ptr_array_add(question->issuers, g_bytes_ref(bytes));
    }
    return question->chain == CT_CHAIN_BORNE;
}

static const struct ct_leaf *leaf_of(const GArray *entries, const json_t *seen)
{
    const gint64 first =
        entries->len ? (gint64)g_array_index(entries, struct ct_entry, 0).index : 0;
    const gint64 index = json_number(seen, "index", -1);

    return index >= first && index - first < entries->len
               ? &g_array_index(entries, struct ct_entry, (guint)(index - first)).leaf
               : NULL;
}

gboolean ct_chains_judge(struct ct_issuers *issuers, const GArray *entries, json_t *seen,
                         GError **error)
{
    g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(struct question));
    json_t *one;
    size_t index;

    g_array_set_clear_func(open, question_clear);
    json_array_foreach(seen, index, one)
    {
        struct question question = { .seen = one, .leaf = leaf_of(entries, one) };

        if (!question.leaf || !json_text(one, "serial"))
            continue; /* unreadable */
        question.issuers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        if (ask(issuers, &question)) {
            g_array_append_val(open, question);
            continue;
        }
        json_object_set_new(one, "chain", json_string(ct_chain_name(question.chain)));
        question_clear(&question);
    }
    if (open->len && !verify_all(open, error))
        return FALSE;
    for (guint i = 0; i < open->len; i++) {
        const struct question *question = &g_array_index(open, struct question, i);

        json_object_set_new(question->seen, "chain", json_string(ct_chain_name(question->chain)));
    }
    return TRUE;
}
