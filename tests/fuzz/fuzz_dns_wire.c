/*
 * DNS messages and zone files (net/dns_wire.h, zone_file.h): what is read has whole names and can
 * be ordered and written canonically. The first byte chooses: a message, a transfer, a text.
 */
#include "p2_internet/zone/zonemd.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const struct dns_record *record)
{
    g_autoptr(GByteArray) canonical = g_byte_array_new();
    g_autofree char *text = dns_name_text(record->owner);
    guint8 again[DNS_NAME_MAX];

    g_assert_cmpuint(dns_name_length(record->owner), <=, DNS_NAME_MAX);
    g_assert_cmpuint(dns_name_parse(text, again), ==, dns_name_length(record->owner));
    g_assert_true(dns_name_equal(again, record->owner));
    dns_record_canonical(record, record->ttl_s, canonical);
    g_assert_cmpuint(canonical->len, ==, dns_name_length(record->owner) + 10 + record->length);
}

static void check_records(const GArray *records)
{
    for (guint i = 0; i < records->len; i++)
        check_record(&g_array_index(records, struct dns_record, i));
}

static void read_message(const uint8_t *data, size_t size)
{
    g_autoptr(dns_packet_t) packet = dns_packet_read(data, size, NULL);
    guint16 length = 0;

    if (!packet)
        return;
    check_records(packet->records);
    dns_packet_option(packet, 3, &length);
}

static void read_zone(const uint8_t *data, size_t size, gboolean text)
{
    g_autoptr(zone_records_t) records =
        text ? zone_file_read((const char *)data, size, "fuzz", NULL, NULL)
             : zone_transfer_read(data, size, "fuzz", NULL);
    struct zonemd_result result = { 0 };

    if (!records)
        return;
    check_records(records->records);
    zonemd_verify(records, &result, NULL);
    zonemd_result_clear(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 3 == 0)
        read_message(data + 1, size - 1);
    else
        read_zone(data + 1, size - 1, data[0] % 3 == 1);
    return 0;
}
