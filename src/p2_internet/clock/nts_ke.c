#include "p2_internet/clock/nts_ke.h"

#include "base/error.h"
#include "base/late_library.h"
#include "p2_internet/clock/reach.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NAME_MAX_SHOWN 256
#define PIECE 4096

/* libssl's functions and what one session needs of it. */
struct tls {
    typeof(TLS_client_method) *method;
    typeof(SSL_CTX_new) *context_new;
    typeof(SSL_CTX_free) *context_free;
    typeof(SSL_CTX_ctrl) *context_control;
    typeof(SSL_CTX_set_verify) *set_verify;
    typeof(SSL_CTX_load_verify_file) *trust_file;
    typeof(SSL_CTX_set_default_verify_paths) *trust_system;
    typeof(SSL_new) *session_new;
    typeof(SSL_free) *session_free;
    typeof(SSL_ctrl) *session_control;
    typeof(SSL_set_fd) *set_fd;
    typeof(SSL_set1_host) *set_host;
    typeof(SSL_set_alpn_protos) *set_alpn;
    typeof(SSL_connect) *handshake;
    typeof(SSL_read) *read;
    typeof(SSL_write) *write;
    typeof(SSL_get_error) *get_error;
    typeof(SSL_get_verify_result) *verify_result;
    typeof(SSL_get0_alpn_selected) *get_alpn;
    typeof(SSL_export_keying_material) *export_keys;
    typeof(SSL_get1_peer_certificate) *get_certificate;
    SSL_CTX *context;
    SSL *session;
};

/* libcrypto's. */
struct certificates {
    typeof(X509_free) *free;
    typeof(X509_get_subject_name) *subject;
    typeof(X509_get_issuer_name) *issuer;
    typeof(X509_get0_notBefore) *not_before;
    typeof(X509_get0_notAfter) *not_after;
    typeof(X509_NAME_oneline) *one_line;
    typeof(X509_STORE_CTX_get_error) *problem;
    typeof(X509_verify_cert_error_string) *problem_text;
    typeof(ASN1_TIME_to_tm) *time;
    typeof(ERR_get_error) *last;
    typeof(ERR_reason_error_string) *last_text;
    typeof(ERR_clear_error) *clear;
};

static const struct late_symbol tls_symbols[] = {
    { "TLS_client_method", offsetof(struct tls, method) },
    { "SSL_CTX_new", offsetof(struct tls, context_new) },
    { "SSL_CTX_free", offsetof(struct tls, context_free) },
    { "SSL_CTX_ctrl", offsetof(struct tls, context_control) },
    { "SSL_CTX_set_verify", offsetof(struct tls, set_verify) },
    { "SSL_CTX_load_verify_file", offsetof(struct tls, trust_file) },
    { "SSL_CTX_set_default_verify_paths", offsetof(struct tls, trust_system) },
    { "SSL_new", offsetof(struct tls, session_new) },
    { "SSL_free", offsetof(struct tls, session_free) },
    { "SSL_ctrl", offsetof(struct tls, session_control) },
    { "SSL_set_fd", offsetof(struct tls, set_fd) },
    { "SSL_set1_host", offsetof(struct tls, set_host) },
    { "SSL_set_alpn_protos", offsetof(struct tls, set_alpn) },
    { "SSL_connect", offsetof(struct tls, handshake) },
    { "SSL_read", offsetof(struct tls, read) },
    { "SSL_write", offsetof(struct tls, write) },
    { "SSL_get_error", offsetof(struct tls, get_error) },
    { "SSL_get_verify_result", offsetof(struct tls, verify_result) },
    { "SSL_get0_alpn_selected", offsetof(struct tls, get_alpn) },
    { "SSL_export_keying_material", offsetof(struct tls, export_keys) },
    { "SSL_get1_peer_certificate", offsetof(struct tls, get_certificate) },
    { NULL, 0 },
};

static const struct late_symbol certificate_symbols[] = {
    { "X509_free", offsetof(struct certificates, free) },
    { "X509_get_subject_name", offsetof(struct certificates, subject) },
    { "X509_get_issuer_name", offsetof(struct certificates, issuer) },
    { "X509_get0_notBefore", offsetof(struct certificates, not_before) },
    { "X509_get0_notAfter", offsetof(struct certificates, not_after) },
    { "X509_NAME_oneline", offsetof(struct certificates, one_line) },
    { "X509_STORE_CTX_get_error", offsetof(struct certificates, problem) },
    { "X509_verify_cert_error_string", offsetof(struct certificates, problem_text) },
    { "ASN1_TIME_to_tm", offsetof(struct certificates, time) },
    { "ERR_get_error", offsetof(struct certificates, last) },
    { "ERR_reason_error_string", offsetof(struct certificates, last_text) },
    { "ERR_clear_error", offsetof(struct certificates, clear) },
    { NULL, 0 },
};

static void tls_clear(struct tls *tls)
{
    if (tls->session)
        tls->session_free(tls->session);
    if (tls->context)
        tls->context_free(tls->context);
}

void nts_certificate_clear(struct nts_certificate *certificate)
{
    g_clear_pointer(&certificate->subject, g_free);
    g_clear_pointer(&certificate->issuer, g_free);
}

void nts_session_clear(struct nts_session *session)
{
    sodium_memzero(&session->keys, sizeof session->keys);
    nts_answer_clear(&session->answer);
    nts_certificate_clear(&session->certificate);
    g_clear_pointer(&session->address, g_free);
}

struct establishing {
    struct tls tls;
    struct certificates calls;
    struct nts_session *session;
    const char *host;
    gint64 deadline_us;
    int fd;
};

/* The last error of OpenSSL in this thread, or `otherwise`. */
static const char *last_words(const struct establishing *run, const char *otherwise)
{
    const char *text = run->calls.last_text(run->calls.last());

    return text ? text : otherwise;
}

/*
 * A certificate that has run out, or is not valid yet, by this machine's clock does not end the
 * handshake: the certificate is judged again when the handshake is over (verify_result keeps the
 * error). OpenSSL's callback has no user data; the error stays in its own state.
 */
static int pass_over_time(int good, X509_STORE_CTX *store)
{
    struct certificates calls;
    int problem;

    if (good || !late_library_load("libcrypto.so.3", "libssl3", certificate_symbols, &calls, NULL))
        return good;
    problem = calls.problem(store);
    return problem == X509_V_ERR_CERT_HAS_EXPIRED || problem == X509_V_ERR_CERT_NOT_YET_VALID;
}

static gboolean prepare(struct establishing *run, const char *ca_file, GError **error)
{
    static const guint8 alpn[] = { sizeof NTS_ALPN - 1, 'n', 't', 's', 'k', 'e', '/', '1' };
    struct tls *tls = &run->tls;

    tls->context = tls->context_new(tls->method());
    if (!tls->context)
        return system_error(error, "libssl gives no context: %s", last_words(run, "no reason"));
    tls->context_control(tls->context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_3_VERSION, NULL);
    tls->set_verify(tls->context, SSL_VERIFY_PEER, pass_over_time);
    if (ca_file ? tls->trust_file(tls->context, ca_file) != 1
                : tls->trust_system(tls->context) != 1)
        return input_error(error, "%s: no certificates can be read from it: %s",
                           ca_file ? ca_file : "the system's certificates",
                           last_words(run, "no reason"));
    tls->session = tls->session_new(tls->context);
    /* The name of an address is not sent, but it is what the certificate has to show. */
    if (!tls->session || tls->set_host(tls->session, run->host) != 1 ||
        tls->set_alpn(tls->session, alpn, sizeof alpn) != 0 ||
        tls->set_fd(tls->session, run->fd) != 1)
        return system_error(error, "libssl: %s", last_words(run, "no session"));
    if (!g_hostname_is_ip_address(run->host))
        tls->session_control(tls->session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                             (char *)run->host);
    return TRUE;
}

/* After a call that gave `code`: whether to try it again, once the socket is ready. */
static gboolean again(struct establishing *run, int code)
{
    const int what = run->tls.get_error(run->tls.session, code);

    if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE)
        return FALSE;
    return reach_wait(run->fd, what == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, run->deadline_us);
}

static gboolean is_late(const struct establishing *run)
{
    return g_get_monotonic_time() >= run->deadline_us;
}

static gint64 certificate_time(const struct establishing *run, const ASN1_TIME *time)
{
    struct tm parts;

    return time && run->calls.time(time, &parts) == 1 ? (gint64)timegm(&parts) * G_USEC_PER_SEC : 0;
}

static char *name_text(const struct establishing *run, const X509_NAME *name)
{
    char line[NAME_MAX_SHOWN] = "";

    run->calls.one_line(name, line, sizeof line);
    return g_utf8_make_valid(line, -1);
}

static void describe(struct establishing *run)
{
    struct nts_certificate *shown = &run->session->certificate;
    X509 *certificate = run->tls.get_certificate(run->tls.session);

    if (!certificate)
        return;
    shown->subject = name_text(run, run->calls.subject(certificate));
    shown->issuer = name_text(run, run->calls.issuer(certificate));
    shown->not_before_us = certificate_time(run, run->calls.not_before(certificate));
    shown->not_after_us = certificate_time(run, run->calls.not_after(certificate));
    run->calls.free(certificate);
}

static gboolean shake_hands(struct establishing *run, const char **reason, GError **error)
{
    const guint8 *alpn = NULL;
    guint alpn_length = 0;
    long verdict;
    int code;

    *reason = "tls";
    run->calls.clear();
    do
        code = run->tls.handshake(run->tls.session);
    while (code != 1 && again(run, code));
    verdict = run->tls.verify_result(run->tls.session);
    if (code != 1 && is_late(run))
        return system_error(error, "no TLS handshake in time");
    if (code != 1 && verdict != X509_V_OK) {
        *reason = "certificate";
        return found_error(error, "its certificate is not accepted: %s",
                           run->calls.problem_text(verdict));
    }
    if (code != 1)
        return system_error(error, "the TLS handshake failed: %s",
                            last_words(run, "the connection was closed"));
    describe(run);
    run->session->certificate.out_of_time = verdict != X509_V_OK;
    run->tls.get_alpn(run->tls.session, &alpn, &alpn_length);
    return (alpn_length == strlen(NTS_ALPN) && memcmp(alpn, NTS_ALPN, alpn_length) == 0) ||
           system_error(error, "the server does not speak NTS there (no ALPN " NTS_ALPN
                               ", RFC 8915 section 4)");
}

static gboolean ask(struct establishing *run, GError **error)
{
    int code;

    do
        code = run->tls.write(run->tls.session, nts_ke_request, sizeof nts_ke_request);
    while (code <= 0 && again(run, code));
    return code == sizeof nts_ke_request ||
           system_error(error, "the request could not be sent: %s",
                        last_words(run, "the connection was closed"));
}

/* All that comes until the end of the message. */
static gboolean hear(struct establishing *run, GByteArray *records, GError **error)
{
    guint8 piece[PIECE];
    int got;

    while (!nts_ke_is_whole(records->data, records->len)) {
        do
            got = run->tls.read(run->tls.session, piece, sizeof piece);
        while (got <= 0 && again(run, got));
        if (got <= 0)
            return is_late(run)
                       ? system_error(error, "no whole answer in time (%u bytes came)",
                                      records->len)
                       : records->len > 0 ||
                             system_error(error, "the server closed the connection without answer");
        g_byte_array_append(records, piece, (guint)got);
        if (records->len > NTS_KE_MAX)
            return system_error(error, "an answer of more than %u bytes", NTS_KE_MAX);
    }
    return TRUE;
}

static gboolean export_keys(struct establishing *run, GError **error)
{
    guint8 *const keys[] = { run->session->keys.to_server, run->session->keys.to_client };

    for (guint direction = 0; direction < G_N_ELEMENTS(keys); direction++) {
        guint8 context[NTS_CONTEXT];

        nts_exporter_context(direction, context);
        if (run->tls.export_keys(run->tls.session, keys[direction], SIV_KEY, NTS_EXPORTER,
                                 strlen(NTS_EXPORTER), context, sizeof context, 1) != 1)
            return system_error(error, "libssl exports no keys: %s", last_words(run, "no reason"));
    }
    return TRUE;
}

static gboolean talk(struct establishing *run, const char **reason, GError **error)
{
    g_autoptr(GByteArray) records = g_byte_array_new();

    if (!shake_hands(run, reason, error))
        return FALSE;
    *reason = "key-exchange";
    return ask(run, error) && hear(run, records, error) &&
           nts_ke_parse(records->data, records->len, &run->session->answer, error) &&
           export_keys(run, error);
}

static gboolean connect_any(struct establishing *run, guint16 port, struct reach *reach,
                            GError **error)
{
    g_autoptr(GError) first = NULL;
    gboolean more = TRUE;

    for (guint i = 0; more; i++) {
        g_autoptr(GError) problem = NULL;

        if (reach_open(run->host, port, SOCK_STREAM, i, run->deadline_us, reach, &more, &problem))
            return TRUE;
        reach_clear(reach);
        if (!first)
            first = g_steal_pointer(&problem);
    }
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}

gboolean nts_ke_establish(const char *host, guint16 port, const char *ca_file, gint64 deadline_us,
                          struct nts_session *session, const char **reason, GError **error)
{
    struct establishing run = { .session = session, .host = host, .deadline_us = deadline_us };
    struct reach reach = { .fd = -1 };
    gboolean good;

    *session = (struct nts_session){ 0 };
    *reason = "tls";
    if (!late_library_load("libssl.so.3", "libssl3", tls_symbols, &run.tls, error) ||
        !late_library_load("libcrypto.so.3", "libssl3", certificate_symbols, &run.calls, error))
        return FALSE;
    *reason = "unreachable";
    if (!connect_any(&run, port, &reach, error))
        return FALSE;
    session->address = g_strdup(reach.address);
    session->is_public = reach.is_public;
    run.fd = reach.fd;
    *reason = "tls";
    good = prepare(&run, ca_file, error) && talk(&run, reason, error);
    tls_clear(&run.tls);
    reach_clear(&reach);
    return good;
}
