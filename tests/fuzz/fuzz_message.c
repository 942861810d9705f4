/* The content of an opened message: from anybody who knows the seal key, which is public. */
#include "delivery/message.h"
#include "statement/dsse.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) content = g_bytes_new(data, size);
    g_auto(message_t) message = { 0 };
    g_auto(message_ack_t) ack = { 0 };
    g_autoptr(dsse_t) envelope = NULL;

    if (!message_unpack(content, &message, NULL) || !message.envelope)
        return 0;
    envelope = dsse_parse(g_bytes_get_data(message.envelope, NULL),
                          g_bytes_get_size(message.envelope), "envelope", NULL);
    if (envelope)
        message_ack_read(envelope, "call.example/test", &ack, NULL);
    return 0;
}
