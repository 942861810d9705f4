/*
 * taxii_answers.h: what TAXII 2.1 (OASIS Standard) wants of every answer: its media type, its error
 * resource, and who may have it.
 */
#pragma once
#include "base/json.h"
#include "node/service.h"
#include "p1_resilience/intel/egress.h"
#include "p1_resilience/intel/taxii_config.h"
#include "p1_resilience/intel/taxii_filter.h"

#define STIX_TYPE "application/stix+json;version=2.1"

/* What the services share that give indicators to others. Borrowed; NULL: none is configured. */
struct taxii_share {
    const struct node *node;
    const struct taxii_config *config;
    const GPtrArray *authorities; /* names of this node */
    struct journal *journal;      /* of refusals; set when the service runs */
    GMutex *journal_lock;
};
const struct taxii_share *taxii_share(const struct node *node);

/* A reader of a collection (NULL: anybody), for the egress point. */
struct egress_recipient taxii_recipient(const struct taxii_collection *collection,
                                        const struct taxii_reader *reader);

/* An error resource (section 3.6). `why` NULL: nothing more to say. */
void taxii_error(struct node_answer *answer, guint status, const char *why);

/* Takes the bytes over; packed when the request takes that. */
void taxii_bytes(const struct node_request *request, struct node_answer *answer, guint status,
                 GBytes *bytes);
/* Takes the value over. */
void taxii_json(const struct node_request *request, struct node_answer *answer, guint status,
                json_t *value);

/* Whether a list of media types (Accept; NULL: anything) has one that we write. */
gboolean taxii_accepts(const char *accept);
/* Whether it is the one in which we take envelopes. */
gboolean taxii_is_content_type(const char *type);

/* The body, unpacked where it came packed; NULL: answered. Owned by the caller. */
GBytes *taxii_body(const struct node_request *request, gsize limit, struct node_answer *answer);

/*
 * Who asks: by Basic, Bearer or Entente-Signature (delivery/mailbox_request.h; its target has the
 * members of taxii_members, in that order); a signatory's key is one that may sign what it says of
 * indicators, by the register of now. FALSE: answered with 401. `*reader` NULL: nobody in
 * particular, who may come where something is public.
 */
gboolean taxii_who(const struct taxii_share *share, const struct node_request *request,
                   const struct taxii_reader **reader, struct node_answer *answer);
