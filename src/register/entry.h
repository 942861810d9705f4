/*
 * entry.h: an entry of the log, read and checked for its form, before anyone asks who signed it.
 *
 * The one form: RFC 8785 bytes of {"payload","payloadType","signatures":[{"keyid","sig"}]},
 * standard base64, at most ENTRY_LIMIT bytes; the payload the RFC 8785 bytes of an in-toto
 * statement that is whole by the table of predicates. Whatever else is there is malformed: one
 * statement has one text.
 */
#pragma once
#include "register/register.h"
#include "statement/dsse.h"

/* A signature that was checked. */
struct entry_check {
    guint signature; /* its place in the envelope */
    guint8 key[KEY_PUBLIC_SIZE];
    gboolean good;
};

struct entry {
    enum register_verdict verdict; /* REGISTER_COUNTS: its form is right */
    char *message;
    guint8 leaf[32], payload_hash[32];
    struct dsse *envelope; /* or NULL, as what follows */
    json_t *statement;
    const struct predicate *predicate;
    GBytes *pae;
    GArray *checks; /* struct entry_check */
};
typedef struct entry entry_t;

/* Never NULL. Pure: safe on any thread. */
struct entry *entry_parse(GBytes *bytes);
void entry_free(struct entry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(entry_t, entry_free)

/* Whether signature `index` verifies under `key`; checked once. */
gboolean entry_is_signed_by(struct entry *entry, guint index, const guint8 key[KEY_PUBLIC_SIZE]);
/* The hint of a signature: "NAME+HEX8". */
const char *entry_hint(const struct entry *entry, guint index);
