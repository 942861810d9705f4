/*
 * ct_chain.h: whether the issuers that a log names beside a certificate did issue it.
 *
 * The chain of a leaf is the log's word, and no part of the tree. What it names lies at
 * issuer/SHA-256 of the log (C2SP static-ct-api), and bears the certificate when each signed the
 * one before it; a precertificate names the key of its issuer, which it must be.
 */
#pragma once
#include "base/json.h"
#include "log/reader.h"
#include "p2_internet/ct/ct_certificate.h"

enum ct_chain {
    CT_CHAIN_BORNE,
    CT_CHAIN_NONE,    /* the leaf names no issuer */
    CT_CHAIN_MISSING, /* the log does not give an issuer that it names */
    CT_CHAIN_BROKEN,  /* one did not sign the one before it, or is not what was named */
};
const char *ct_chain_name(enum ct_chain chain); /* "borne", ... */

/* Issuers that were fetched: the same few stand in most chains. */
struct ct_issuers;
typedef struct ct_issuers ct_issuers_t;
struct ct_issuers *ct_issuers_new(struct log_reader *reader); /* borrowed */
void ct_issuers_free(struct ct_issuers *issuers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_issuers_t, ct_issuers_free)

/*
 * Sets "chain" of each certificate in `seen` (ct_certificate.h) that is one of `entries` (struct
 * ct_entry, without gaps). Certificates are read in a worker. ENTENTE_ERROR_SYSTEM.
 */
gboolean ct_chains_judge(struct ct_issuers *issuers, const GArray *entries, json_t *seen,
                         GError **error);

/* The same of one leaf with its issuers (GBytes) in this process: what the worker does. */
struct ct_chain_library;
struct ct_chain_library *ct_chain_library_new(GError **error);
void ct_chain_library_free(struct ct_chain_library *library);
enum ct_chain ct_chain_verify(const struct ct_chain_library *library, const struct ct_leaf *leaf,
                              const GPtrArray *issuers);
