/*
 * dns.h: asynchronous DNS with DNSSEC validation, over libunbound (its resolver runs in a thread).
 *
 * An answer that fails validation (RFC 4035 section 5.5) is DNS_BOGUS and carries no data.
 */
#pragma once
#include "net/dns_wire.h" /* types of records */

#include <glib.h>

/* Nothing is secure or bogus: for names that are not below the root, on a trial's own server. */
#define DNS_NO_ANCHOR "none"

struct dns_options {
    const char *server;       /* "127.0.0.1@5353": forward to it; NULL: the system's resolvers */
    const char *trust_anchor; /* file of DS or DNSKEY records; DNS_NO_ANCHOR; NULL: Debian's root
                                 key when it is there */
    gint64 timeout_us;        /* of one question; 0: 10 s */
    gboolean permissive;      /* what does not validate is given, too, as insecure */
    /* For laboratories: "ZONE@ADDRESS@PORT", where a zone's servers are (ends with NULL; NULL: no
     * such); with them, names that are answered on this machine only (test., RFC 6761) are asked
     * like others. */
    const char *const *delegations;
    const char *date; /* "YYYYMMDDHHMMSS": signatures are judged at this time; NULL: now */
};

enum dns_security { DNS_INSECURE, DNS_SECURE, DNS_BOGUS };

#define DNS_RCODE_NOERROR 0
#define DNS_RCODE_NXDOMAIN 3

struct dns_answer {
    enum dns_security security;
    guint rcode;     /* RFC 1035, 6895: 0 NOERROR, 3 NXDOMAIN ... */
    GPtrArray *data; /* of the asked type: GBytes *, as on the wire */
    guint32 ttl_s;
    char *canonical_name; /* or NULL */
    char *why;            /* of a bogus answer; or NULL */
};
void dns_answer_free(struct dns_answer *answer);
typedef struct dns_answer dns_answer_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(dns_answer_t, dns_answer_free)

struct dns;
typedef struct dns dns_t;
struct dns *dns_new(const struct dns_options *options, GError **error);
void dns_free(struct dns *dns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(dns_t, dns_free)

/* Type as in RFC 1035 (16: TXT). ENTENTE_ERROR_SYSTEM: no answer in time. */
struct dns_answer *dns_ask(struct dns *dns, const char *name, guint16 type, GError **error);

/*
 * Many at once: `each` is called in the order of answers; `answer` (borrowed) is NULL with `error`.
 * FALSE and ENTENTE_ERROR_SYSTEM: the resolver itself failed; what was not given is unknown.
 */
struct dns_question {
    const char *name;
    guint16 type;
};
typedef void (*dns_each_fn)(guint index, struct dns_answer *answer, const GError *error,
                            gpointer data);
gboolean dns_ask_all(struct dns *dns, const struct dns_question *questions, guint count,
                     dns_each_fn each, gpointer data, GError **error);

/* The character strings of one TXT record (RFC 1035 section 3.3.14), joined; NULL when malformed
 * or not UTF-8. */
char *dns_txt(GBytes *data);
