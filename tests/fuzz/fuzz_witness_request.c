/* Requests to a witness: only a checkpoint behind at most 63 hashes is one. */
#include "log/witness.h"
#include "log/witness_request.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(witness_request_t) request = witness_request_parse(data, size, NULL);

    if (request) {
        g_assert_cmpuint(size, <=, WITNESS_REQUEST_LIMIT);
        g_assert_cmpuint(request->length, <=, MERKLE_PATH_LIMIT);
        g_assert_nonnull(request->checkpoint->origin);
        g_assert_cmpuint(request->note->signatures->len, >=, 1);
    }
    return 0;
}
