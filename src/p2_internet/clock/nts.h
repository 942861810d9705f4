/*
 * nts.h: Network Time Security (RFC 8915): the records of key establishment (section 4), and the
 * extension fields that protect a packet (section 5). No sockets here: nts_ke.h, measure.h.
 */
#pragma once
#include "p2_internet/clock/siv.h"

#include <glib.h>

#define NTS_ALPN "ntske/1"
#define NTS_KE_PORT 4460
#define NTS_EXPORTER "EXPORTER-network-time-security"
#define NTS_KE_MAX 65536u /* bytes of an answer */
#define NTS_UNIQUE 32u    /* bytes of a unique identifier */
#define NTS_COOKIE_MAX 1024u
#define NTS_COOKIES_MAX 16u

enum nts_field {
    NTS_FIELD_UNIQUE = 0x0104,
    NTS_FIELD_COOKIE = 0x0204,
    NTS_FIELD_PLACEHOLDER = 0x0304,
    NTS_FIELD_AUTHENTICATOR = 0x0404,
};

/* What the exporter is told beside the label (section 5.1): protocol, algorithm, direction. */
enum nts_direction { NTS_TO_SERVER, NTS_TO_CLIENT };
#define NTS_CONTEXT 5u
void nts_exporter_context(enum nts_direction direction, guint8 context[NTS_CONTEXT]);

/* The request: NTPv4, AEAD_AES_SIV_CMAC_256. */
extern const guint8 nts_ke_request[16];

/* What a server answered. */
struct nts_answer {
    GPtrArray *cookies; /* GBytes *: at least one, of at most NTS_COOKIE_MAX bytes */
    char *server;       /* where packets go; NULL: the host that was asked */
    guint16 port;       /* 0: NTP_PORT */
};
void nts_answer_clear(struct nts_answer *answer);
typedef struct nts_answer nts_answer_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(nts_answer_t, nts_answer_clear)

/* Whether the last record, End of Message, is there. Records that cannot be are "there": parse. */
gboolean nts_ke_is_whole(const void *records, gsize size);

/*
 * Reads the answer. ENTENTE_ERROR_INPUT with offset and section: malformed, not what was asked
 * for, or an error that the server tells.
 */
gboolean nts_ke_parse(const void *records, gsize size, struct nts_answer *answer, GError **error);

/* Both directions of one session. */
struct nts_keys {
    guint8 to_server[SIV_KEY], to_client[SIV_KEY];
};

/* Appends unique identifier, cookie and authenticator to the request in `packet`. */
void nts_protect(struct siv *siv, const struct nts_keys *keys, const guint8 unique[NTS_UNIQUE],
                 GBytes *cookie, GByteArray *packet);

enum nts_verdict {
    NTS_GOOD,
    NTS_NOT_OURS,    /* another unique identifier, or none */
    NTS_UNPROTECTED, /* no authenticator */
    NTS_FORGED,      /* the authenticator is of another key, or the packet was changed */
    NTS_MALFORMED,   /* with an error */
};

/*
 * Judges the answer to a request with `unique`. Only what the authenticator covers counts. New
 * cookies (GBytes *) are added to `cookies`.
 */
enum nts_verdict nts_verify(struct siv *siv, const struct nts_keys *keys,
                            const guint8 unique[NTS_UNIQUE], const void *packet, gsize size,
                            GPtrArray *cookies, GError **error);
