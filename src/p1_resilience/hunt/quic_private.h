/* quic_private.h: between quic_initial.c, which reads packets, and quic_keys.c, which opens them.
 */
#pragma once
#include "p1_resilience/hunt/quic_initial.h"

#define QUIC_KEY_SIZE 16
#define QUIC_IV_SIZE 12
#define QUIC_SAMPLE_SIZE 16
#define QUIC_TAG_SIZE 16
#define QUIC_SALT_SIZE 20
#define QUIC_ID_MAX 20

struct quic_version {
    guint32 version;
    guint8 salt[QUIC_SALT_SIZE];
    guint8 initial_type; /* of the long header */
    const char *key, *iv, *hp;
};
/* NULL: not known. */
const struct quic_version *quic_version_of(guint32 version);

struct quic_keys {
    guint8 key[QUIC_KEY_SIZE], iv[QUIC_IV_SIZE], hp[QUIC_KEY_SIZE];
};
/* Those of the client's Initial packets, whose first went to the connection `id`. */
void quic_keys_make(const struct quic_version *version, const guint8 *id, gsize length,
                    struct quic_keys *keys);

/*
 * An Initial packet: `head` bytes up to its packet number, then the number and what is sealed.
 * Opens it into `out`, which has `length` bytes of room. FALSE: it is not of these keys.
 */
gboolean quic_open(const struct quic_library *library, const struct quic_keys *keys,
                   const guint8 *packet, gsize head, gsize length, guint8 *out, gsize *out_length);
