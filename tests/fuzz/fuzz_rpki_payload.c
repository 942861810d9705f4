/* Files of RPKI payloads: whatever the bytes, what comes out of them are sound payloads. */
#include "rpki/payload.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US (G_GINT64_CONSTANT(1767225600) * G_USEC_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(payload_t) payload = payload_new(NOW_US);
    g_autoptr(GError) error = NULL;
    const guint32 *providers;
    struct vrp vrp;
    guint32 customer;
    gsize count;
    const gboolean taken = payload_take(payload, data, size, "fuzz", &error);

    g_assert_true(taken == !error);
    payload_finish(payload);
    for (gsize i = 0; vrp_set_at(payload_vrps(payload), i, &vrp); i++) {
        g_assert_true(vrp_is_sound(&vrp));
        g_assert_cmpint(rov_validate(payload_vrps(payload), &vrp.prefix, vrp.asn, TRUE), ==,
                        vrp.asn ? ROV_VALID : ROV_INVALID_ASN);
    }
    for (gsize i = 0; aspa_set_at(payload_aspas(payload), i, &customer, &providers, &count); i++)
        for (gsize j = 0; j < count; j++)
            g_assert_cmpint(aspa_set_hop(payload_aspas(payload), customer, providers[j]), ==,
                            ASPA_HOP_PROVIDER);
    return 0;
}
