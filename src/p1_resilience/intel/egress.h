/*
 * egress.h: the one point at which TLP 2.0 decides what may leave this organisation, and to whom.
 *
 * Answers of the TAXII server, pushes, feeds, files for others and the public log all ask here. A
 * refusal has a name, and goes into the journal: one event "egress" for each exchange that refused
 * something, with the recipient, reasons and counts.
 *
 *     level         own people   signatory    collection   public    public log
 *     clear         yes          yes          yes          yes       yes
 *     green         yes          yes          yes          no        digest
 *     amber         yes          yes*         yes*         no        digest
 *     amber+strict  yes          named**      named**      no        digest
 *     red           named        named**      named**      no        digest
 *
 *     *   passed on from others: only who is named (a client with a need to know)
 *     **  passed on from others: never
 *
 * "Named": the recipient stands in the explicit list that the exchange gives. Above these rules
 * stands the recipient's ceiling. "Digest": SHA-256 over 32 random octets and the canonical object,
 * as a commitment (holding.h).
 */
#pragma once
#include "base/json.h"
#include "base/tlp.h"
#include "journal/journal.h"
#include "p1_resilience/hunt/marking.h"

enum egress_recipient_kind {
    EGRESS_OWN,        /* people and machines of this organisation */
    EGRESS_SIGNATORY,  /* another signatory, known by key or token */
    EGRESS_COLLECTION, /* a signatory that reads a shared collection */
    EGRESS_PUBLIC,     /* anybody */
    EGRESS_LOG,        /* the community's public log */
    EGRESS_RECIPIENT_KINDS
};

struct egress_recipient {
    enum egress_recipient_kind kind;
    const char *id; /* who: id of the signatory, name of a person; NULL: nobody in particular */
    const char *through;      /* collection or service, for the journal; or NULL */
    enum tlp ceiling;         /* nothing stricter goes there; TLP_RED: no ceiling of its own */
    const char *const *named; /* the explicit list: ids, ends with NULL; or NULL */
};

enum egress_verdict {
    EGRESS_PASS,
    EGRESS_DIGEST,     /* only a salted digest may go */
    EGRESS_NOT_PUBLIC, /* the level is not for the public */
    EGRESS_CEILING,    /* stricter than the recipient's ceiling */
    EGRESS_UNNAMED,    /* the level wants recipients by name, and this one is not named */
    EGRESS_ONWARD,     /* its source did not allow to pass it on */
    EGRESS_REFERENCE,  /* it makes no sense without an object that may not go */
    EGRESS_MALFORMED,  /* no object whose level could be told */
    EGRESS_VERDICTS
};
const char *egress_verdict_name(enum egress_verdict verdict); /* "not-public" */
const char *egress_verdict_text(enum egress_verdict verdict); /* why, English */

/*
 * What the rules say of one level. `onward`: somebody else made the object, and this recipient is
 * not whom its source gave it to (readers of the collection into which the source put it are).
 */
enum egress_verdict egress_decide(enum tlp level, const struct egress_recipient *recipient,
                                  gboolean onward);

/* One exchange with one recipient. */
struct egress;
/*
 * `journal` (or NULL: refusals are only counted) is borrowed. `context` says how levels are found
 * and is borrowed too, as is `recipient`.
 */
struct egress *egress_new(const struct egress_recipient *recipient,
                          const struct marking_context *context, struct journal *journal);
void egress_free(struct egress *egress);
typedef struct egress egress_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(egress_t, egress_free)

/* Whether the recipient may see, or has, the object with this id; references to it stay. */
typedef gboolean (*egress_visible_fn)(const char *id, gpointer data);

/*
 * One STIX object, whose bytes are `text`: what may be sent of it, or NULL and the verdict. Bytes
 * are those given, unless references had to be taken out: those to objects that `visible` (NULL:
 * none are) does not know; markings and extensions stay. Owned by the caller.
 */
GBytes *egress_object(struct egress *egress, const char *text, gsize length, const json_t *object,
                      gboolean onward, egress_visible_fn visible, gpointer data,
                      enum egress_verdict *verdict);

/* An object among several that go together. */
struct egress_item {
    const char *text;
    gsize length;
    const json_t *object;
    gboolean onward;
    GBytes *sent;                /* set: what goes; NULL: refused. Owned by the caller */
    enum egress_verdict verdict; /* set */
};
/*
 * Several objects: references among those that go stay, and to what `visible` knows. An object
 * that needs one that does not go, does not go either.
 */
void egress_objects(struct egress *egress, struct egress_item *items, guint count,
                    egress_visible_fn visible, gpointer data);

/*
 * One MISP event ({"Event": ...} or what is inside): a new tree with what may go, or NULL and the
 * verdict. Attributes and objects with a stricter level of their own are left out and counted, as
 * are related events and what others proposed or saw. Owned by the caller.
 */
json_t *egress_misp_event(struct egress *egress, const json_t *event, gboolean onward,
                          enum egress_verdict *verdict);

/*
 * Anything else whose level is known, by its id or UUID (or NULL): counts the verdict. `known`:
 * whether the recipient may know what it refers to; otherwise it is refused for that.
 */
enum egress_verdict egress_level(struct egress *egress, const char *id, enum tlp level,
                                 gboolean known);

/* An object of that level that goes whole or not at all, with the ids in it. */
enum egress_verdict egress_pass(struct egress *egress, const char *id, enum tlp level,
                                gboolean onward);

const struct egress_recipient *egress_recipient(const struct egress *egress);
const struct marking_context *egress_context(const struct egress *egress);

/* What was passed and refused so far, by verdict. */
guint64 egress_count(const struct egress *egress, enum egress_verdict verdict);

/*
 * Ends the exchange: when something was refused, appends one event "egress" to the journal (key:
 * the recipient, and the beginning of the digest of what was refused). The same refusals to the
 * same recipient are said again after a day only. Call it before what passed is sent.
 */
gboolean egress_finish(struct egress *egress, GError **error);
