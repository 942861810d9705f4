/* The headers of a request at a mailbox: the first line is Entente-Signature, the next the work. */
#include "delivery/mailbox_request.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GBytes) body = g_bytes_new_static("body", 4);
    g_auto(mailbox_signature_t) signature = { 0 };
    char *line = strchr(text, '\n');

    if (line)
        *line++ = '\0';
    if (mailbox_signature_parse(text, &signature, NULL))
        g_assert(signature.hint && signature.time_s >= 0);
    if (line)
        mailbox_work_verify("ab", body, line, 8);
    mailbox_id_is_valid(text);
    return 0;
}
