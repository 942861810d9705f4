#include "p2_internet/zone/zonemd.h"

#include "base/error.h"

#include <string.h>

#define FIXED 6u /* serial, scheme, hash algorithm */
#define SCHEME_SIMPLE 1u
#define DIGEST_MIN 12u
#define SHA384_LENGTH 48u
#define SHA512_LENGTH 64u

const char *zonemd_verdict_name(enum zonemd_verdict verdict)
{
    static const char *const names[] = { "none", "verified", "mismatch", "unusable" };

    return names[verdict];
}

void zonemd_result_clear(struct zonemd_result *result)
{
    g_clear_pointer(&result->why, g_free);
}

static int compare(gconstpointer a, gconstpointer b)
{
    return dns_record_compare(a, b);
}

void zonemd_sort(struct zone_records *records)
{
    g_array_sort(records->records, compare);
}

static const struct dns_record *at(const struct zone_records *records, guint index)
{
    return &g_array_index(records->records, struct dns_record, index);
}

static gboolean is_at_apex(const struct zone_records *records, const struct dns_record *record)
{
    return dns_name_equal(record->owner, records->apex);
}

/* RFC 8976 section 3.3.1: what is not in the digest. */
static gboolean is_excluded(const struct zone_records *records, const struct dns_record *record)
{
    if (!dns_name_within(record->owner, records->apex))
        return TRUE;
    if (record->type == DNS_TYPE_ZONEMD)
        return is_at_apex(records, record);
    return record->type == DNS_TYPE_RRSIG && record->length >= 2 &&
           dns_get16(record->data) == DNS_TYPE_ZONEMD && is_at_apex(records, record);
}

guint zonemd_digest(const struct zone_records *records, guint algorithm,
                    guint8 digest[ZONEMD_DIGEST_MAX])
{
    g_autoptr(GChecksum) hash =
        g_checksum_new(algorithm == ZONEMD_SHA512 ? G_CHECKSUM_SHA512 : G_CHECKSUM_SHA384);
    g_autoptr(GByteArray) wire = g_byte_array_new();
    const struct dns_record *last = NULL;
    gsize length = ZONEMD_DIGEST_MAX;

    for (guint i = 0; i < records->records->len; i++) {
        const struct dns_record *record = at(records, i);

        if (is_excluded(records, record) || (last && dns_record_compare(last, record) == 0))
            continue;
        last = record;
        g_byte_array_set_size(wire, 0);
        dns_record_canonical(record, record->ttl_s, wire);
        g_checksum_update(hash, wire->data, wire->len);
    }
    g_checksum_get_digest(hash, digest, &length);
    return (guint)length;
}

static guint digest_length(guint algorithm)
{
    return algorithm == ZONEMD_SHA384   ? SHA384_LENGTH
           : algorithm == ZONEMD_SHA512 ? SHA512_LENGTH
                                        : 0;
}

/* Whether another ZONEMD record has this one's scheme and algorithm: none of them is used. */
static gboolean is_doubled(const struct zone_records *records, const GArray *found,
                           const struct dns_record *record)
{
    guint same = 0;

    for (guint i = 0; i < found->len; i++) {
        const struct dns_record *other = at(records, g_array_index(found, guint, i));

        same += other->length >= FIXED && memcmp(other->data + 4, record->data + 4, 2) == 0;
    }
    return same > 1;
}

static void unusable(struct zonemd_result *result, char *why)
{
    if (result->verdict == ZONEMD_NONE) {
        result->verdict = ZONEMD_UNUSABLE;
        g_free(result->why);
        result->why = why;
        return;
    }
    g_free(why);
}

static void judge(const struct zone_records *records, const GArray *found,
                  const struct dns_record *record, struct zonemd_result *result)
{
    const guint wanted = record->length >= FIXED ? digest_length(record->data[5]) : 0;
    guint8 digest[ZONEMD_DIGEST_MAX];

    if (record->length < FIXED + DIGEST_MIN) {
        unusable(result, g_strdup("a digest of fewer than 12 bytes"));
    } else if (dns_get32(record->data) != result->serial) {
        unusable(result, g_strdup_printf("its serial is %u, that of the zone %u",
                                         dns_get32(record->data), result->serial));
    } else if (record->data[4] != SCHEME_SIMPLE || !wanted) {
        unusable(result, g_strdup_printf("scheme %u with algorithm %u is not known",
                                         record->data[4], record->data[5]));
    } else if (record->length != FIXED + wanted) {
        unusable(result, g_strdup("the digest has not its algorithm's length"));
    } else if (is_doubled(records, found, record)) {
        unusable(result, g_strdup("two records of one scheme and algorithm"));
    } else if (zonemd_digest(records, record->data[5], digest) == wanted &&
               memcmp(digest, record->data + FIXED, wanted) == 0) {
        result->verdict = ZONEMD_VERIFIED;
        g_clear_pointer(&result->why, g_free);
    } else if (result->verdict != ZONEMD_VERIFIED) {
        result->verdict = ZONEMD_MISMATCH;
        g_free(result->why);
        result->why = g_strdup("the zone has another digest: a record was changed, added or lost");
    }
}

gboolean zonemd_verify(struct zone_records *records, struct zonemd_result *result, GError **error)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(guint));
    const struct dns_record *soa = NULL;

    *result = (struct zonemd_result){ .verdict = ZONEMD_NONE };
    if (!records->apex)
        return input_error(error, "the zone has no SOA record");
    zonemd_sort(records);
    for (guint i = 0; i < records->records->len; i++) {
        const struct dns_record *record = at(records, i);

        if (!is_at_apex(records, record))
            continue;
        if (record->type == DNS_TYPE_SOA) {
            if (soa && dns_record_compare(soa, record) != 0)
                return input_error(error, "the zone has two SOA records");
            soa = record;
        }
        if (record->type == DNS_TYPE_ZONEMD)
            g_array_append_val(found, i);
        result->is_signed |= record->type == DNS_TYPE_RRSIG && record->length >= 2 &&
                             dns_get16(record->data) == DNS_TYPE_ZONEMD;
    }
    if (!soa || soa->length < 22)
        return input_error(error, "the zone's SOA record is malformed");
    result->serial = dns_get32(soa->data + soa->length - 20);
    for (guint i = 0; i < found->len; i++)
        judge(records, found, at(records, g_array_index(found, guint, i)), result);
    if (result->verdict == ZONEMD_NONE)
        result->why = g_strdup("the zone has no ZONEMD record");
    return TRUE;
}
