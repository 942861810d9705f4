#include "p2_internet/ct/ct_certificate.h"

#include "base/error.h"
#include "base/late_library.h"
#include "sandbox/worker.h"
#include "statement/base64.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define WORKER_MEMORY (G_GUINT64_CONSTANT(1) << 30)
#define WORKER_CPU_S 120u
#define WORKER_LIMIT_US (240 * (gint64)G_USEC_PER_SEC)
#define NAMES_LOOKED_AT 10000 /* of one certificate */
#define DNS_NAME_MAX 253      /* bytes */
#define TEXT_MAX 200          /* bytes of an issuer's name */
#define SERIAL_MAX 64         /* bytes; RFC 5280 allows 20 */
#define RECORD_MAX (64u << 10)

enum message { MESSAGE_SEEN = 1, MESSAGE_END };

struct ct_x509 {
    typeof(d2i_X509) *read;
    typeof(X509_free) *free;
    typeof(X509_get_ext_d2i) *extension;
    typeof(X509_get_subject_name) *subject;
    typeof(X509_get_issuer_name) *issuer;
    typeof(X509_get0_serialNumber) *serial;
    typeof(X509_get_X509_PUBKEY) *key;
    typeof(i2d_X509_PUBKEY) *write_key;
    typeof(X509_get0_notBefore) *not_before;
    typeof(X509_get0_notAfter) *not_after;
    typeof(X509_NAME_get_index_by_NID) *find_part;
    typeof(X509_NAME_get_entry) *part;
    typeof(X509_NAME_ENTRY_get_data) *part_data;
    typeof(ASN1_STRING_to_UTF8) *to_utf8;
    typeof(ASN1_STRING_get0_data) *data;
    typeof(ASN1_STRING_length) *length;
    typeof(ASN1_TIME_to_tm) *time;
    typeof(GENERAL_NAMES_free) *names_free;
    typeof(OPENSSL_sk_num) *count;
    typeof(OPENSSL_sk_value) *value;
    typeof(CRYPTO_free) *release;
};

static const struct late_symbol symbols[] = {
    { "d2i_X509", offsetof(struct ct_x509, read) },
    { "X509_free", offsetof(struct ct_x509, free) },
    { "X509_get_ext_d2i", offsetof(struct ct_x509, extension) },
    { "X509_get_subject_name", offsetof(struct ct_x509, subject) },
    { "X509_get_issuer_name", offsetof(struct ct_x509, issuer) },
    { "X509_get0_serialNumber", offsetof(struct ct_x509, serial) },
    { "X509_get_X509_PUBKEY", offsetof(struct ct_x509, key) },
    { "i2d_X509_PUBKEY", offsetof(struct ct_x509, write_key) },
    { "X509_get0_notBefore", offsetof(struct ct_x509, not_before) },
    { "X509_get0_notAfter", offsetof(struct ct_x509, not_after) },
    { "X509_NAME_get_index_by_NID", offsetof(struct ct_x509, find_part) },
    { "X509_NAME_get_entry", offsetof(struct ct_x509, part) },
    { "X509_NAME_ENTRY_get_data", offsetof(struct ct_x509, part_data) },
    { "ASN1_STRING_to_UTF8", offsetof(struct ct_x509, to_utf8) },
    { "ASN1_STRING_get0_data", offsetof(struct ct_x509, data) },
    { "ASN1_STRING_length", offsetof(struct ct_x509, length) },
    { "ASN1_TIME_to_tm", offsetof(struct ct_x509, time) },
    { "GENERAL_NAMES_free", offsetof(struct ct_x509, names_free) },
    { "OPENSSL_sk_num", offsetof(struct ct_x509, count) },
    { "OPENSSL_sk_value", offsetof(struct ct_x509, value) },
    { "CRYPTO_free", offsetof(struct ct_x509, release) },
    { NULL, 0 },
};

struct ct_x509 *ct_x509_new(GError **error)
{
    struct ct_x509 *x509 = g_new0(struct ct_x509, 1);

    if (late_library_load("libcrypto.so.3", "libssl3", symbols, x509, error))
        return x509;
    g_free(x509);
    return NULL;
}

void ct_x509_free(struct ct_x509 *x509)
{
    g_free(x509);
}

/* ---- domains ---- */

static void domain_free(gpointer data)
{
    struct ct_domain *domain = data;

    g_free(domain->name);
    g_free(domain->skeleton);
    g_free(domain);
}

GPtrArray *ct_domains_new(void)
{
    return g_ptr_array_new_with_free_func(domain_free);
}

void ct_domains_add(GPtrArray *domains, const char *name)
{
    struct ct_domain *domain = g_new0(struct ct_domain, 1);

    domain->name = g_ascii_strdown(name, -1);
    domain->skeleton = ct_skeleton(domain->name);
    g_ptr_array_add(domains, domain);
}

/* ---- one certificate ---- */

/* Names of the certificate that concern a domain: the domain of the closest match decides. */
struct matching {
    const GPtrArray *domains;
    const struct ct_domain *domain;
    enum ct_match match;
    json_t *names;
};

/* A look-alike is told only when nothing of the certificate is ours. */
static void look_at_name(struct matching *matching, const char *name)
{
    gboolean kept = FALSE;

    for (guint i = 0; matching->domains && i < matching->domains->len; i++) {
        const struct ct_domain *domain = matching->domains->pdata[i];
        const enum ct_match match = ct_match(domain->name, domain->skeleton, name);

        if (match == CT_NO)
            continue;
        if (matching->match == CT_NO ||
            (matching->match == CT_LOOK_ALIKE && match != CT_LOOK_ALIKE) ||
            (match == CT_EXACT && matching->match != CT_EXACT)) {
            matching->match = match;
            matching->domain = domain;
        }
        if (!kept && json_array_size(matching->names) < CT_NAMES_KEPT)
            json_array_append_new(matching->names, json_safe_string(name));
        kept = TRUE;
    }
}

static void look_at_bytes(struct matching *matching, const guint8 *bytes, int length)
{
    char name[DNS_NAME_MAX + 1];

    if (length <= 0 || length > DNS_NAME_MAX || memchr(bytes, '\0', (gsize)length))
        return;
    memcpy(name, bytes, (gsize)length);
    name[length] = '\0';
    look_at_name(matching, name);
}

static void look_at_names(struct ct_x509 *x509, X509 *certificate, struct matching *matching)
{
    GENERAL_NAMES *names = x509->extension(certificate, NID_subject_alt_name, NULL, NULL);
    const OPENSSL_STACK *stack = (const OPENSSL_STACK *)names;
    const int count = names ? MIN(x509->count(stack), NAMES_LOOKED_AT) : 0;
    X509_NAME *subject = x509->subject(certificate);

    for (int i = 0; i < count; i++) {
        const GENERAL_NAME *name = x509->value(stack, i);

        if (name->type == GEN_DNS)
            look_at_bytes(matching, x509->data(name->d.dNSName), x509->length(name->d.dNSName));
    }
    for (int at = -1; (at = x509->find_part(subject, NID_commonName, at)) >= 0;) {
        const ASN1_STRING *text = x509->part_data(x509->part(subject, at));

        look_at_bytes(matching, x509->data(text), x509->length(text));
    }
    if (names)
        x509->names_free(names);
}

/* The first organisation, else the first common name of an issuer. Owned by the caller. */
static char *issuer_of(struct ct_x509 *x509, X509 *certificate)
{
    static const int parts[] = { NID_organizationName, NID_commonName };
    X509_NAME *name = x509->issuer(certificate);

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        const int at = x509->find_part(name, parts[i], -1);
        unsigned char *text = NULL;
        const int length =
            at < 0 ? -1 : x509->to_utf8(&text, x509->part_data(x509->part(name, at)));

        if (length >= 0) {
            char *valid = g_utf8_make_valid((char *)text, MIN(length, TEXT_MAX));

            x509->release(text, __FILE__, __LINE__);
            return valid;
        }
    }
    return g_strdup("");
}

static gint64 seconds_of(struct ct_x509 *x509, const ASN1_TIME *time)
{
    struct tm parts;

    return time && x509->time(time, &parts) == 1 ? (gint64)timegm(&parts) : 0;
}

static char *digest_hex(const void *bytes, gsize length)
{
    guint8 digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, bytes, length);
    return hex_encode(digest, sizeof digest);
}

static char *key_hex(struct ct_x509 *x509, X509 *certificate)
{
    unsigned char *der = NULL;
    const int length = x509->write_key(x509->key(certificate), &der);
    char *hex = length > 0 ? digest_hex(der, (gsize)length) : g_strdup("");

    if (der)
        x509->release(der, __FILE__, __LINE__);
    return hex;
}

static json_t *record(const struct ct_entry *entry, const struct ct_domain *domain,
                      const char *match)
{
    json_t *value = json_pack("{s:I, s:I, s:b, s:s}", "index", (json_int_t)entry->index, "time",
                              (json_int_t)MIN(entry->leaf.time_ms, (guint64)G_MAXINT64 / 1000),
                              "precertificate", entry->leaf.precertificate, "match", match);

    if (domain)
        json_object_set_new(value, "domain", json_string(domain->name));
    return value;
}

static json_t *describe(struct ct_x509 *x509, X509 *certificate, const struct ct_entry *entry,
                        const struct matching *matching)
{
    json_t *value = record(entry, matching->domain, ct_match_name(matching->match));
    const ASN1_INTEGER *serial = x509->serial(certificate);
    g_autofree char *number =
        hex_encode(x509->data(serial), (gsize)CLAMP(x509->length(serial), 0, SERIAL_MAX));
    g_autofree char *issuer = issuer_of(x509, certificate), *key = key_hex(x509, certificate);
    g_autofree char *print = NULL, *issuer_key = NULL;

    json_object_set(value, "names", matching->names);
    json_object_set_new(value, "issuer", json_safe_string(issuer));
    json_object_set_new(value, "serial", json_string(number));
    json_object_set_new(value, "key", json_string(key));
    json_object_set_new(value, "not_before",
                        json_integer(seconds_of(x509, x509->not_before(certificate))));
    json_object_set_new(value, "not_after",
                        json_integer(seconds_of(x509, x509->not_after(certificate))));
    if (entry->leaf.precertificate) {
        issuer_key = hex_encode(entry->leaf.issuer_key_hash, CT_KEY_HASH);
        json_object_set_new(value, "issuer_key", json_string(issuer_key));
    } else {
        print = digest_hex(entry->leaf.der, entry->leaf.length);
        json_object_set_new(value, "fingerprint", json_string(print));
    }
    return value;
}

static void append_head(GByteArray *der, guint8 tag, gsize length)
{
    const guint8 head[] = { tag, 0x83, (guint8)(length >> 16), (guint8)(length >> 8),
                            (guint8)length };

    g_byte_array_append(der, head, sizeof head);
}

/*
 * The authenticated part of a precertificate is a TBSCertificate: with an algorithm and an empty
 * signature behind it, it reads as a certificate.
 */
static GByteArray *whole_certificate(const struct ct_leaf *leaf)
{
    static const guint8 rest[] = {
        0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, /* ECDSA, SHA-256 */
        0x03, 0x01, 0x00,
    };
    GByteArray *der = g_byte_array_new();

    if (leaf->precertificate)
        append_head(der, 0x30, leaf->length + sizeof rest);
    g_byte_array_append(der, leaf->der, (guint)leaf->length);
    if (leaf->precertificate)
        g_byte_array_append(der, rest, sizeof rest);
    return der;
}

/* Where OpenSSL gives up: whether the bytes hold the name of a domain. */
static json_t *search(const struct ct_entry *entry, const GPtrArray *domains)
{
    g_autofree char *lower =
        g_ascii_strdown((const char *)entry->leaf.der, (gssize)entry->leaf.length);

    for (guint i = 0; domains && i < domains->len; i++) {
        const struct ct_domain *domain = domains->pdata[i];

        if (memmem(lower, entry->leaf.length, domain->name, strlen(domain->name)))
            return record(entry, domain, "unreadable");
    }
    return NULL;
}

json_t *ct_x509_read(struct ct_x509 *x509, const struct ct_entry *entry, const GPtrArray *domains,
                     gboolean *readable)
{
    g_autoptr(GByteArray) der = whole_certificate(&entry->leaf);
    g_autoptr(json_t) names = json_array();
    const guint8 *at = der->data;
    X509 *certificate = x509->read(NULL, &at, der->len);
    struct matching matching = { .domains = domains, .names = names };
    json_t *value = NULL;

    *readable = certificate && at == der->data + der->len;
    if (*readable) {
        look_at_names(x509, certificate, &matching);
        if (!domains || matching.match != CT_NO)
            value = describe(x509, certificate, entry, &matching);
    } else {
        value = search(entry, domains);
    }
    x509->free(certificate);
    return value;
}

/* ---- the worker, and what it says ---- */

struct job {
    struct ct_x509 *x509;
    const GArray *entries;
    const GPtrArray *domains;
};

static void work(struct worker_pipe *out, gpointer data)
{
    const struct job *job = data;
    guint64 unreadable = 0;

    for (guint i = 0; i < job->entries->len; i++) {
        gboolean readable;
        g_autoptr(json_t) value = ct_x509_read(
            job->x509, &g_array_index(job->entries, struct ct_entry, i), job->domains, &readable);
        g_autofree char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

        unreadable += !readable;
        if (text && !worker_send(out, MESSAGE_SEEN, text, strlen(text)))
            return;
    }
    worker_send(out, MESSAGE_END, &unreadable, sizeof unreadable);
}

/* Only what this program writes is taken back; texts are hostile all the same. */
struct hearing {
    json_t *seen;
    guint64 *unreadable;
    gboolean ended;
};

static gboolean take(guint8 kind, const guint8 *body, gsize length, gpointer data, GError **error)
{
    struct hearing *hearing = data;
    guint64 number;
    json_t *value;

    if (hearing->ended)
        return FALSE;
    if (kind == MESSAGE_SEEN) {
        value = json_parse(body, length, RECORD_MAX, "worker", NULL);
        if (!json_is_object(value)) {
            json_decref(value);
            return FALSE;
        }
        return json_array_append_new(hearing->seen, value) == 0;
    }
    if (kind != MESSAGE_END || length != sizeof number)
        return FALSE;
    memcpy(&number, body, sizeof number);
    *hearing->unreadable += number;
    return hearing->ended = TRUE;
}

gboolean ct_certificates_read(const GArray *entries, const GPtrArray *domains, json_t *seen,
                              guint64 *unreadable, GError **error)
{
    static const struct confine_limits limits = { WORKER_MEMORY, WORKER_CPU_S };
    g_autoptr(ct_x509_t) x509 = ct_x509_new(error);
    g_autoptr(confinement_t) confinement = x509 ? confinement_new(0, error) : NULL;
    struct job job = { x509, entries, domains };
    struct hearing hearing = { seen, unreadable, FALSE };
    g_autoptr(worker_t) worker = NULL;

    if (!confinement)
        return FALSE;
    worker = worker_start(confinement, -1, &limits, g_get_monotonic_time() + WORKER_LIMIT_US, work,
                          &job, error);
    if (!worker || !worker_hear(worker, "certificates", take, &hearing, error))
        return FALSE;
    return hearing.ended || system_error(error, "certificates: their parser ended early");
}
