/* Histories: without a policy none of their records is believed, and none is lost count of. */
#include "log/history.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct quorum_policy *in_force(gpointer data, guint64 size)
{
    (void)size;
    return data;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(quorum_policy_t) policy = quorum_policy_new();
    g_autoptr(GArray) moments = NULL;
    guint refused = 0;

    policy->none = TRUE;
    moments = log_history_read(bytes, in_force, policy, &refused, NULL);
    if (moments)
        g_assert_cmpuint(moments->len, ==, 0);
    g_assert_cmpuint(refused, <=, size / 5); /* a record has a byte and its length */
    return 0;
}
