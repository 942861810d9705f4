/*
 * taxii_head.h: what collections go by of an object, told where foreign bytes may be parsed.
 *
 * An envelope that somebody posts is parsed and checked in a confined worker (sandbox/starter.h);
 * what comes back is a head for each object and its place in the bytes, which are kept as they are.
 */
#pragma once
#include "base/json.h"
#include "sandbox/starter.h"

#define TAXII_HEAD_DIGEST 32u

struct taxii_head {
    char *id, *type;
    char *spec;                       /* of STIX: "2.0", "2.1" */
    char *version;                    /* modified, or created; NULL: observables have none */
    char *created, *created_by;       /* or NULL */
    guint8 digest[TAXII_HEAD_DIGEST]; /* SHA-256 of its canonical form, else of its bytes */
    gboolean revoked;
};
/* Of an object that has a type and an id. */
void taxii_head_of(const json_t *object, const char *text, gsize length, struct taxii_head *head);
void taxii_head_clear(struct taxii_head *head);

/* One object of an envelope. */
struct taxii_posted {
    gsize offset, length; /* in the envelope */
    struct taxii_head head;
    char *refused; /* why it is not sound; NULL: it is */
};

/* A starter that has the job of reading envelopes. While there is one thread. */
struct starter *taxii_head_starter(GError **error);

/*
 * Reads an envelope {"objects": [...]} in a worker: struct taxii_posted, freed with the array.
 * ENTENTE_ERROR_INPUT: it is none; ENTENTE_ERROR_SYSTEM: the worker failed. Thread-safe.
 */
GArray *taxii_head_read(struct starter *starter, GBytes *envelope, GError **error);

/* The two halves of it, for tests: what the worker does, and how its answer is read. */
GBytes *taxii_head_job(gconstpointer bytes, gsize length);
GArray *taxii_head_take(GBytes *answer, gsize length, GError **error);
