/*
 * case_event.h: one event of a case: what a party says, signed (predicate case-event:1).
 *
 * Events of one author in one stream of a case form a chain (seq, previous); `heads` names the last
 * events of others that the author had seen. So the events of a case are ordered by what their
 * authors knew, and every party that has the same events has the same order:
 *
 *     causes first (previous, heads); then by time; then by hash
 *
 * The number of a case is made of all that its opening says: there is one opening of a number, and
 * whoever hears of the number cannot come before it.
 *
 * An author that signs two events with one seq is a fork: the second is refused and kept as
 * evidence. The hash of an event is the SHA-256 of its DSSE payload.
 */
#pragma once
#include "base/json.h"
#include "process/kind.h"
#include "statement/dsse.h"

#define CASE_EVENT_LIMIT (512u << 10) /* bytes of an envelope */
#define CASE_ID_SIZE 32               /* hex digits */
#define CASE_HASH_SIZE 32
#define CASE_STREAM_LIMIT 80
#define CASE_PARTIES_LIMIT 256
#define CASE_ATTACHMENTS_LIMIT 64
/* Bytes of all files together that one party without an account may announce in a case. */
#define CASE_REPORT_FILES_LIMIT (G_GUINT64_CONSTANT(100) << 20)
#define CASE_STREAM_SHARED "shared"
#define CASE_STREAM_LOCAL "local" /* within the author's organisation; never delivered */
#define CASE_EVENT_OPEN "open"

struct case_hash {
    guint8 bytes[CASE_HASH_SIZE];
};

struct case_attachment {
    char *name; /* without '/', not "." or "..", at most 255 bytes */
    guint64 size;
    struct case_hash sha256;
};

struct case_event {
    struct case_hash hash;
    char *log;      /* origin */
    gint64 time_us; /* on the author's clock, whole seconds */
    char *id;       /* of the case */
    char *kind, *stream;
    guint32 seq; /* from 1 */
    gboolean has_previous;
    struct case_hash previous;
    json_t *heads;            /* {author: hex} or NULL */
    char *from;               /* signatory id in hex, or "key:" hex of an Ed25519 key */
    char **to;                /* of the same forms */
    char *machine, *instance; /* instance: or NULL */
    char *event;
    json_t *fields; /* never NULL */
    enum tlp tlp;
    GPtrArray *attachments; /* struct case_attachment *; never NULL */
    guint64 anchor_size;    /* of the trusted checkpoint its author held; 0: none */
    struct case_hash anchor_root;
    gint64 anchor_us;
    GBytes *envelope; /* as it came */
    guint signers;    /* different keys that signed well (after case_event_verify()) */
    guint references;
};
typedef struct case_event case_event_t;
struct case_event *case_event_ref(struct case_event *event);
void case_event_free(struct case_event *event); /* drops a reference */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(case_event_t, case_event_free)

/* An event that opens a case: its first, which waits for nothing. */
gboolean case_event_opens(const struct case_event *event);

/* Reads an envelope (form, shape, bounds); signatures are not judged. ENTENTE_ERROR_INPUT. */
struct case_event *case_event_parse(GBytes *envelope, GError **error);

/* The payload of a new event (RFC 8785): everything but hash, envelope and signers is read, and a
 * fresh nonce added. The number of an opening follows from the rest: the first 16 bytes, in hex, of
 * the SHA-256 of "entente/case/1", '\n' and the predicate without "case" (RFC 8785). NULL as `id`
 * has it filled in; another is refused. Owned by the caller. ENTENTE_ERROR_INPUT: what
 * case_event_parse() would refuse.
 */
GBytes *case_event_payload(const struct case_event *event, GError **error);

/* The same as JSON members, without nonce; for pages and export. */
json_t *case_event_json(const struct case_event *event);

/* A party of the form "key:...": it speaks with that key alone, without an account. */
gboolean case_party_is_key(const char *party);

/* Why an event is refused or waits. */
enum case_verdict {
    CASE_APPLIED,
    CASE_OVERTAKEN, /* kept, without effect: another event came before it in the order */
    CASE_GAP,       /* kept waiting for events before it */
    CASE_MALFORMED,
    CASE_SIGNATURE,
    CASE_UNKNOWN_KEY,
    CASE_REVOKED,
    CASE_EXPIRED,
    CASE_ROLE, /* the key's role does not allow to speak for the signatory, or the party's role in
                  the case does not allow the step */
    CASE_OTHER_LOG,
    CASE_MIS_ADDRESSED,
    CASE_REPLAYED, /* it is there already */
    CASE_FORKED,
    CASE_NOT_POSSIBLE, /* no such step from the state its author knew */
    CASE_APPROVALS,
    CASE_FIELD,
    CASE_TLP,
    CASE_TIME, /* before an event or checkpoint it names, or too far ahead */
    CASE_UNKNOWN_KIND,
    CASE_NOT_A_PARTY,
    CASE_TOO_LARGE,
    CASE_NOT_ANNOUNCED, /* of bytes of a file: no event that was accepted names it */
};
const char *case_verdict_name(enum case_verdict verdict); /* "mis-addressed" */

/* Who may sign for a party at a time: from the register; tests have their own. */
struct case_keys {
    /*
     * The keys (struct public_key *) that may speak for `party` at `time_us`; NULL: none known.
     * `why`: CASE_REVOKED, _EXPIRED, _ROLE or _UNKNOWN_KEY for a key of the hint that may not.
     */
    GPtrArray *(*keys)(gpointer data, const char *party, gint64 time_us, const char *hint,
                       enum case_verdict *why);
    gpointer data;
};

/* Judges the signatures; sets `signers`. CASE_APPLIED: good. */
enum case_verdict case_event_verify(struct case_event *event, const struct case_keys *keys);
