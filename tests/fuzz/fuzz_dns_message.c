/* DNS: names are bounded, printable text; addresses have their sizes. */
#include "p1_resilience/hunt/dns_names.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(enum dns_item item, const guint8 *bytes, gsize length, gpointer data)
{
    (void)data;
    g_assert_cmpuint(length, >, 0);
    if (item == DNS_IPV4)
        g_assert_cmpuint(length, ==, 4);
    if (item == DNS_IPV6)
        g_assert_cmpuint(length, ==, 16);
    if (item == DNS_IPV4 || item == DNS_IPV6 || item == DNS_CLIENT || item == DNS_TEXT)
        return;
    g_assert_cmpuint(length, <=, DNS_NAME_TEXT_MAX);
    for (gsize i = 0; i < length; i++)
        g_assert_true(bytes[i] >= ' ' && bytes[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dns_message_read(data, size, take, NULL);
    return 0;
}
