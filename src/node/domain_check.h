/*
 * domain_check.h: whether who endorses the Call controls the domain it names.
 *
 *     _entente.DOMAIN  TXT  "entente=ID"                                  or
 *     https://DOMAIN/.well-known/entente.json   {"entente": ID | [ID...]}
 *
 * ID is the whole signatory id. One of the two suffices; a DNSSEC answer that is bogus is none.
 * One checker for one thread.
 */
#pragma once
#include "net/dns.h"
#include "net/http.h"

struct domain_checker;
struct domain_checker *domain_checker_new(const struct dns_options *dns,
                                          const struct http_options *http, GError **error);
void domain_checker_free(struct domain_checker *checker);
typedef struct domain_checker domain_checker_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(domain_checker_t, domain_checker_free)

/* FALSE and ENTENTE_ERROR_POLICY, with what to publish where. */
gboolean domain_check(struct domain_checker *checker, const char *domain, const char *id,
                      GError **error);
