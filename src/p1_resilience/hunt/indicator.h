/*
 * indicator.h: one value to look for - an address, a network, a name, a URL, a digest, an e-mail
 * address - in its one normal form, so that equal values are equal bytes.
 *
 *     kind    normal form
 *     ipv4    192.0.2.7
 *     ipv6    2001:db8::7 (RFC 5952); an IPv4-mapped address stays one: ::ffff:192.0.2.7
 *     cidr    192.0.2.0/24, 2001:db8::/32; host bits zero; /32 and /128 stay networks
 *     domain  evil.example: lower case, A-labels, no final dot; means the name and all below it
 *     host    the same, but means that one name only
 *     url     http://evil.example/A?b: scheme and host in lower case, no default port, no fragment,
 *             never an empty path; without "scheme://" it stands for http and https; at most
 *             TOKEN_URL_TAIL_MAX bytes of punctuation at its end (token.h)
 *     hash    lower-case hex digits: MD5 (32), SHA-1 (40), SHA-256 (64), SHA-512 (128)
 *     email   lower case, the host as a domain
 *
 * The rules are those of RFC 4291, 5952, 4632, 3986 and 5890, with what people write in reports
 * undone first (refang.h).
 */
#pragma once
#include <glib.h>

enum indicator_kind {
    INDICATOR_IPV4,
    INDICATOR_IPV6,
    INDICATOR_CIDR,
    INDICATOR_DOMAIN,
    INDICATOR_HOST,
    INDICATOR_URL,
    INDICATOR_HASH,
    INDICATOR_EMAIL,
    INDICATOR_KINDS
};
const char *indicator_kind_name(enum indicator_kind kind);                  /* "ipv4" */
gboolean indicator_kind_parse(const char *name, enum indicator_kind *kind); /* FALSE: no such */

struct indicator {
    enum indicator_kind kind;
    guint8 family;      /* 4 or 6 for IPV4, IPV6 and CIDR; else 0 */
    guint8 prefix;      /* CIDR: its length in bits; 32 and 128 for addresses */
    guint8 address[16]; /* network order; IPv4 in the first four bytes, the others zero */
    char *text;         /* the normal form; owned unless a header says otherwise */
};
void indicator_clear(struct indicator *indicator);
void indicator_free(struct indicator *indicator);
typedef struct indicator indicator_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(indicator_t, indicator_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(indicator_t, indicator_free)

/* Why a value is no indicator, or what was changed to make it one. */
enum indicator_why {
    INDICATOR_FINE,
    /* It is one, and: */
    INDICATOR_HOST_BITS,     /* a network had host bits set; they are zero now */
    INDICATOR_PORT_DROPPED,  /* "192.0.2.7:443" is the address */
    INDICATOR_PUBLIC_SUFFIX, /* everybody's names lie below it: HOST instead of DOMAIN (feed.h) */
    INDICATOR_CHANGES,       /* (those below are refusals) */
    INDICATOR_EMPTY = INDICATOR_CHANGES,
    INDICATOR_NOTHING,      /* nothing that this program knows */
    INDICATOR_SINGLE_LABEL, /* "localhost" */
    INDICATOR_BAD_NAME,     /* an empty label, one above 63 octets, a name above 253 */
    INDICATOR_BAD_IDNA,     /* a name that IDNA2008 does not allow */
    INDICATOR_BAD_ADDRESS,  /* 300.1.1.1, 010.1.1.1, 1::2::3 */
    INDICATOR_BAD_PREFIX,   /* a prefix length that is none */
    INDICATOR_WIDE_PREFIX,  /* below /8 (IPv4) or /16 (IPv6), and not forced */
    INDICATOR_BAD_URL,      /* another scheme, user and password, an impossible host */
    INDICATOR_PATH_ONLY,    /* "/gate.php": a path of no host */
    INDICATOR_EXPRESSION,   /* a regular expression or a wildcard */
    INDICATOR_BAD_HASH,     /* hex digits of no known length */
    INDICATOR_BAD_EMAIL,
    INDICATOR_OTHER_KIND, /* it is one, but not of a kind asked for */
    INDICATOR_TOO_LONG,   /* above INDICATOR_LENGTH_LIMIT */
    INDICATOR_NO_LIBRARY, /* a name beyond ASCII, and libidn2 is not there */
    INDICATOR_WHYS
};
const char *indicator_why_name(enum indicator_why why); /* "single-label" */
const char *indicator_why_text(enum indicator_why why); /* what it means, English */

#define INDICATOR_LENGTH_LIMIT 8192

enum indicator_flags {
    INDICATOR_VERBATIM = 1 << 0, /* not defanged: do not undo anything */
    INDICATOR_FORCE = 1 << 1,    /* also networks that are very wide */
    INDICATOR_IN_TEXT = 1 << 2,  /* of running text: what closes a sentence ends no URL */
/* Above: kinds that are taken, INDICATOR_ONLY(kind) | INDICATOR_ONLY(kind); none means any. */
#define INDICATOR_ONLY(kind) (1u << (8 + (kind)))
};

/*
 * Reads one value. FALSE and a refusal in `why`; TRUE and a change, or INDICATOR_FINE. The caller
 * owns `out->text`.
 *
 * Names beyond ASCII need libidn2, which indicator_prepare() must have loaded before a process is
 * confined; else they are refused.
 */
gboolean indicator_parse(const char *text, gsize length, guint flags, struct indicator *out,
                         enum indicator_why *why);

/*
 * The host of a URL's normal form (without port and brackets) or of an e-mail address; NULL for
 * other kinds. Borrowed from `indicator`.
 */
const char *indicator_host(const struct indicator *indicator, gsize *length);

/* Loads libidn2 for as long as the process lives. FALSE and ENTENTE_ERROR_SYSTEM: not installed. */
gboolean indicator_prepare(GError **error);
