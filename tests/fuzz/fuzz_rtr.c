/* Answers of a cache: the first byte says which version is asked in, the others come in two
 * pieces; whatever they are, sets are sound and what is sent is whole PDUs. */
#include "rpki/rtr_session.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct rtr_session *session)
{
    const struct vrp_set *vrps = rtr_session_vrps(session);
    struct vrp vrp;

    for (gsize i = 0; vrps && vrp_set_at(vrps, i, &vrp); i++)
        g_assert_true(vrp_is_sound(&vrp));
    g_assert_cmpint(vrps != NULL, ==, rtr_session_aspas(session) != NULL);
}

static void check_sent(GByteArray *output)
{
    for (gsize at = 0; at < output->len;) {
        struct rtr_pdu pdu;
        enum rtr_error code;
        const char *problem;
        gsize size;

        g_assert_cmpint(
            rtr_pdu_parse(output->data + at, output->len - at, &pdu, &size, &code, &problem), ==,
            RTR_PDU);
        at += size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(rtr_session_t) session = rtr_session_new(size ? data[0] % 3 : 2);
    gint64 now_us = 0, again_us;

    for (guint connection = 0; connection < 2; connection++) {
        const gsize half = size ? (size - 1) / 2 : 0;

        rtr_session_connected(session, now_us);
        if (size && rtr_session_take(session, data + 1, half, now_us) &&
            rtr_session_tick(session, now_us += G_USEC_PER_SEC))
            rtr_session_take(session, data + 1 + half, size - 1 - half, now_us);
        check(session);
        check_sent(rtr_session_output(session));
        rtr_session_lost(session, now_us, &again_us);
        now_us = again_us;
    }
    return 0;
}
