/*
 * note.h: signed notes and the keys that sign them (C2SP signed-note, tlog-cosignature).
 *
 *     TEXT (ends with LF)
 *     LF
 *     "— " NAME " " base64(key id[4] || signature) LF          one or more
 *
 * The text ends at the last blank line. A signature line whose name and id belong to no configured
 * key is ignored; one that belongs to a configured key must verify, or the whole note is refused.
 */
#pragma once
#include "statement/key.h"

#define NOTE_LIMIT (1u << 20) /* bytes of a note */
#define NOTE_SIGNATURES_LIMIT 100

/* Type bytes of keys. Others (0x02 ECDSA, 0x05 RFC 6962, 0x06 ML-DSA) are read and skipped. */
enum note_key_type {
    NOTE_KEY_ED25519 = 0x01,
    NOTE_KEY_COSIGNATURE = 0x04, /* cosignature/v1: a be64 time stands before the signature */
};

struct note_key {
    char *name;
    guint8 id[KEY_ID_SIZE]; /* SHA-256(name LF type key)[:4] */
    guint8 type;            /* enum note_key_type */
    guint8 bytes[KEY_PUBLIC_SIZE];
};
typedef struct note_key note_key_t;

/* A vkey of type 0x01 or 0x04; its id must recompute. NULL and ENTENTE_ERROR_INPUT. */
struct note_key *note_key_parse(const char *vkey, GError **error);
struct note_key *note_key_new(enum note_key_type type, const struct public_key *key);
struct note_key *note_key_copy(const struct note_key *key);
void note_key_free(struct note_key *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(note_key_t, note_key_free)
char *note_key_text(const struct note_key *key);
/* Those of `keys` (struct note_key *) that sign plainly, as struct public_key *. */
GPtrArray *note_public_keys(const GPtrArray *keys);

struct note_signature {
    char *name;
    guint8 id[KEY_ID_SIZE];
    GBytes *bytes; /* what follows the id */
};

struct note {
    GBytes *bytes;         /* the whole note, verbatim */
    GBytes *text;          /* with its last LF */
    GPtrArray *signatures; /* struct note_signature * */
};
typedef struct note note_t;

/* NULL and ENTENTE_ERROR_INPUT for what is not a signed note. */
struct note *note_parse(const void *data, gsize length, const char *name, GError **error);
void note_free(struct note *note);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(note_t, note_free)

enum note_verdict {
    NOTE_GOOD,       /* at least one configured key signed, none falsely */
    NOTE_UNVERIFIED, /* no configured key signed */
    NOTE_INVALID,    /* a line of a configured key does not verify */
    NOTE_AMBIGUOUS,  /* two configured keys share a name and an id */
};
const char *note_verdict_name(enum note_verdict verdict); /* "ok", "no-verified-signature", ... */

/* Which configured key signed, and when (cosignatures; else 0). */
struct note_signer {
    guint key;      /* index into the keys */
    guint64 time_s; /* POSIX seconds of a cosignature */
};

/*
 * Judges a note against `keys` (struct note_key *). `signers` (struct note_signer, each key once)
 * is emptied and filled; NULL when nobody asks.
 */
enum note_verdict note_verify(const struct note *note, const GPtrArray *keys, GArray *signers);

/* "— NAME base64 LF" by an Ed25519 key over `text`, and as cosignature/v1 at `time_s`. */
char *note_sign_line(const struct signing_key *key, const void *text, gsize length);
char *note_cosign_line(const struct signing_key *key, const void *text, gsize length,
                       guint64 time_s);

/* A signature line as it was read. */
char *note_signature_line(const struct note_signature *signature);

/* text || LF || lines (each with its LF). */
GBytes *note_assemble(const void *text, gsize length, const char *lines);
