/*
 * foreign.h: what other servers answered, parsed in a confined worker: envelopes and statuses of
 * TAXII 2.1, manifests and events of MISP. Only what this program goes on by comes back; the bytes
 * stay.
 */
#pragma once
#include <glib.h>

/*
 * One object of an envelope, with its place in the bytes; one event of a MISP feed; one failure of
 * a status.
 */
struct foreign_item {
    gsize offset, length; /* of the object in the document; else 0 */
    char *id;             /* STIX id; UUID of the event */
    char *version;        /* "" where it has none; of an event: its timestamp; of a failure: why */
};

struct foreign_document {
    GArray *items; /* struct foreign_item; of a status a few */
    gboolean more; /* of a status: it is pending */
    char *next;    /* NULL: none; of a status: its id */
    /* Of a status. */
    guint64 successes, failures, pendings;
};
void foreign_document_clear(struct foreign_document *document);
typedef struct foreign_document foreign_document_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(foreign_document_t, foreign_document_clear)

enum foreign_kind {
    FOREIGN_ENVELOPE,
    FOREIGN_MISP_MANIFEST,
    FOREIGN_MISP_EVENT,
    FOREIGN_STATUS,
    FOREIGN_KINDS
};
#define FOREIGN_FAILURES 20u /* of a status, at most */

/* In a worker. ENTENTE_ERROR_INPUT: not what it should be; `name` stands in messages. */
gboolean foreign_read(enum foreign_kind kind, GBytes *bytes, const char *name,
                      struct foreign_document *document, GError **error);

/* The same in this process: what the worker does, for tests. */
gboolean foreign_parse(enum foreign_kind kind, GBytes *bytes, const char *name,
                       struct foreign_document *document, GError **error);
