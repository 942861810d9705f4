/* Offline proofs: what is read is written again the same, but for the extra line; nothing is proven
 * without a policy that names the log. */
#include "log/tlog_proof.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(tlog_proof_t) proof = tlog_proof_parse(data, size, "fuzz", NULL);
    g_autoptr(quorum_policy_t) policy = quorum_policy_new();

    policy->none = TRUE;
    if (proof) {
        g_autofree char *text =
            tlog_proof_text(proof->index, proof->path, proof->length, proof->note->bytes);
        struct quorum_verdict verdict;

        g_assert_cmpuint(proof->index, <, proof->checkpoint->size);
        if (!proof->extra)
            g_assert_cmpmem(text, strlen(text), data, size);
        g_assert_false(tlog_proof_verify(proof, "entry", 5, policy, &verdict, NULL));
        quorum_verdict_clear(&verdict);
    }
    return 0;
}
