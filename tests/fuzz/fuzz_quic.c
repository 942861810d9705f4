/* QUIC: any datagrams, split where the input says so, are taken; what opens has a message. */
#include "p1_resilience/hunt/quic_initial.h"
#include "p1_resilience/hunt/tls_hello.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(enum tls_item item, const guint8 *bytes, gsize length, gpointer data)
{
    (void)item;
    (void)bytes;
    *(gsize *)data += length;
}

/* Two bytes of length, then a datagram, again and again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(quic_library_t) library = quic_library_new(NULL);
    g_autoptr(quic_reader_t) reader = quic_reader_new(library);
    gsize names = 0;

    while (size >= 2) {
        size_t length = (size_t)data[0] << 8 | data[1];
        const guint8 *message;
        gboolean is_unknown;
        gsize held;

        data += 2;
        size -= 2;
        length = MIN(length, size);
        quic_is_initial(data, length, &is_unknown);
        if (quic_reader_add(reader, data, length) == QUIC_WHOLE) {
            message = quic_reader_message(reader, &held);
            g_assert_cmpuint(held, >=, tls_hello_length(message));
            tls_hello_read(message, held, take, &names);
        }
        data += length;
        size -= length;
    }
    return 0;
}
