/*
 * quic_initial.h: the ClientHello in the Initial packets of QUIC (RFC 9000, 9001; version 2: RFC
 * 9369; drafts 29 to 34). They are encrypted under a key that anybody can make who saw the client's
 * first packet.
 *
 *     datagram ─> Initial packets (several, others between) ─ header protection, AES-128-GCM ─>
 *     CRYPTO frames, in any order, over several packets ─> ClientHello
 *
 * A reader belongs to one direction of one conversation. It opens what the client sent: packets of
 * the server do not open, since their key is another.
 */
#pragma once
#include <glib.h>

/* The cryptographic library's functions; one for all readers. */
struct quic_library;
/* Loads libcrypto, before the process is confined. ENTENTE_ERROR_SYSTEM: it is not installed. */
struct quic_library *quic_library_new(GError **error);
void quic_library_free(struct quic_library *library);
typedef struct quic_library quic_library_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(quic_library_t, quic_library_free)

/*
 * Whether a datagram begins with a packet of QUIC that may be an Initial: a long header of a
 * version that is known, with bits and lengths as they must be. `is_unknown`: it is a long header
 * of a version that is not known.
 */
gboolean quic_is_initial(const guint8 *bytes, gsize length, gboolean *is_unknown);

enum quic_progress {
    QUIC_MORE,   /* opened; the hello is not whole, or was given before */
    QUIC_WHOLE,  /* the hello has become whole */
    QUIC_CLOSED, /* it does not open */
};

struct quic_reader;
/* Borrows the library. */
struct quic_reader *quic_reader_new(const struct quic_library *library);
void quic_reader_free(struct quic_reader *reader);
typedef struct quic_reader quic_reader_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(quic_reader_t, quic_reader_free)

enum quic_progress quic_reader_add(struct quic_reader *reader, const guint8 *datagram,
                                   gsize length);
/* After QUIC_WHOLE: the handshake message, for tls_hello_read(). Borrowed. */
const guint8 *quic_reader_message(const struct quic_reader *reader, gsize *length);
