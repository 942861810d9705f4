/* NTP packets with extension fields, and answers by NTS: bounds hold, and nobody forges. */
#include "p2_internet/clock/ntp.h"
#include "p2_internet/clock/nts.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nts_keys keys = { .to_server = { 1 }, .to_client = { 2 } };
    static const guint8 unique[NTS_UNIQUE] = { 0 };
    g_autoptr(siv_t) siv = siv_new(NULL);
    g_autoptr(GPtrArray) cookies = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GByteArray) again = g_byte_array_new();
    struct ntp_header header;
    struct ntp_field field;
    gsize at = 0;
    char kiss[5];

    while (ntp_field_next(data, size, &at, &field, NULL)) {
        g_assert_true(field.body >= data && field.body + field.length <= data + size);
        ntp_field_append(again, field.type, field.body, field.length);
        g_assert_cmpmem(again->data, again->len, data, at);
    }
    g_assert_cmpuint(at, <=, size);
    if (!ntp_header_parse(data, size, &header, NULL))
        return 0;
    ntp_kiss_code(&header, kiss);
    ntp_judge(&header, header.origin);
    ntp_time_us(header.transmit, G_GINT64_CONSTANT(1795000000000000));
    g_assert_cmpint(nts_verify(siv, &keys, unique, data, size, cookies, NULL), !=, NTS_GOOD);
    return 0;
}
