/*
 * nts_ke.h: the key establishment of NTS with a server: TLS 1.3, ALPN, certificate, exporter (RFC
 * 8915 section 4). libssl is loaded with the first call.
 */
#pragma once
#include "p2_internet/clock/nts.h"

/* What the server showed, for reports. Times are of the certificate. */
struct nts_certificate {
    char *subject, *issuer; /* names in one line; NULL: no certificate was shown */
    gint64 not_before_us, not_after_us;
    /*
     * By this machine's clock it is not valid, and nothing else is wrong with it. That clock is
     * what is being checked, so the session goes on; who trusts it asks the agreed time first.
     */
    gboolean out_of_time;
};
void nts_certificate_clear(struct nts_certificate *certificate);

struct nts_session {
    struct nts_keys keys;
    struct nts_answer answer;
    char *address;      /* of the server that was asked */
    gboolean is_public; /* that address */
    struct nts_certificate certificate;
};
void nts_session_clear(struct nts_session *session);
typedef struct nts_session nts_session_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(nts_session_t, nts_session_clear)

/*
 * Asks for keys and cookies until `deadline_us` (monotonic). `ca_file`: PEM, or NULL for the
 * system's. `session` is to be cleared in any case, and says what was learned of the certificate.
 * `*reason` (static) is the word for what failed: "unreachable", "tls", "certificate",
 * "key-exchange". The caller ignores SIGPIPE.
 */
gboolean nts_ke_establish(const char *host, guint16 port, const char *ca_file, gint64 deadline_us,
                          struct nts_session *session, const char **reason, GError **error);
