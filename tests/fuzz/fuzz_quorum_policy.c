/* Policies: one that is written and read again is met by the same witnesses. */
#include "log/quorum.h"
#include "log/quorum_groups.h"

#include <stdint.h>
#include <string.h>

#define WITNESSES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(quorum_policy_t) policy = quorum_policy_parse(data, size, "fuzz", NULL);
    g_autoptr(quorum_policy_t) again = NULL;
    g_autoptr(GPtrArray) warnings = NULL;
    g_autofree char *text = NULL;
    g_autofree gboolean *cosigned = NULL;

    if (!policy)
        return 0;
    text = quorum_policy_text(policy);
    again = quorum_policy_parse(text, strlen(text), "again", NULL);
    g_assert_nonnull(again);
    g_assert_cmpuint(again->witnesses->len, ==, policy->witnesses->len);
    cosigned = g_new0(gboolean, policy->witnesses->len + 1);
    for (guint i = 0; i <= policy->witnesses->len && i < WITNESSES; i++) {
        g_assert_cmpint(quorum_is_met(policy, cosigned), ==, quorum_is_met(again, cosigned));
        cosigned[i] = TRUE;
    }
    warnings = quorum_policy_warnings(policy);
    return 0;
}
