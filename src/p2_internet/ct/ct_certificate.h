/*
 * ct_certificate.h: what certificates of a log say, read by OpenSSL in a confined worker; and which
 * of them concern a domain that is watched.
 */
#pragma once
#include "base/json.h"
#include "p2_internet/ct/ct_leaf.h"
#include "p2_internet/ct/ct_name.h"

#define CT_NAMES_KEPT 20u /* of one certificate, those that match */

/* A domain that is watched, in lower case. */
struct ct_domain {
    char *name, *skeleton;
};
GPtrArray *ct_domains_new(void); /* of struct ct_domain */
void ct_domains_add(GPtrArray *domains, const char *name);

/* One entry to look at: borrowed bytes of a tile that was verified. */
struct ct_entry {
    guint64 index;
    struct ct_leaf leaf;
};

/*
 * What is kept of a certificate that concerns a domain (an object, owned by the caller's array):
 *
 *     { "index", "time" (ms, of the log), "precertificate", "domain", "match", "names",
 *       "issuer": organisation or name, "issuer_key"? and "fingerprint"?: hex,
 *       "serial", "key": hex, "not_before", "not_after": seconds,
 *       "chain"?: ct_chain.h, in what a log shows }
 *
 * or, for what OpenSSL cannot read and holds the name of the domain somewhere,
 * { "index", "time", "precertificate", "domain", "match": "unreadable" }.
 */

/*
 * Reads `entries` (struct ct_entry) in a worker and adds what concerns `domains` to `seen`;
 * `*unreadable` grows by how many could not be read. ENTENTE_ERROR_SYSTEM: the worker failed.
 */
gboolean ct_certificates_read(const GArray *entries, const GPtrArray *domains, json_t *seen,
                              guint64 *unreadable, GError **error);

/* The same of one entry in this process: what the worker does, for tests and for own files. NULL
 * without an error: it concerns no domain (`domains` NULL: any is welcome). */
struct ct_x509;
typedef struct ct_x509 ct_x509_t;
struct ct_x509 *ct_x509_new(GError **error);
void ct_x509_free(struct ct_x509 *x509);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_x509_t, ct_x509_free)
json_t *ct_x509_read(struct ct_x509 *x509, const struct ct_entry *entry, const GPtrArray *domains,
                     gboolean *readable);
