/* Data tiles of logs of certificates: leaves lie in their tile, and OpenSSL reads what they hold.
 */
#include "p2_internet/ct/ct_certificate.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GPtrArray) domains = ct_domains_new();
    g_autoptr(ct_x509_t) x509 = ct_x509_new(NULL);
    g_autoptr(merkle_t) merkle = merkle_new();
    struct ct_entry entry = { 0 };
    gsize at = 0, before = 0;

    ct_domains_add(domains, "hospital.example");
    while (at < size && ct_leaf_next(data, size, &at, &entry.leaf, NULL)) {
        g_autoptr(json_t) seen = NULL;
        gboolean readable;

        g_assert_cmpuint(at, >, before);
        g_assert_cmpuint(at, <=, size);
        g_assert_true(entry.leaf.entry == data + before);
        g_assert_true(entry.leaf.der + entry.leaf.length <=
                      entry.leaf.entry + entry.leaf.entry_length);
        ct_leaf_hash(merkle, &entry.leaf);
        seen = ct_x509_read(x509, &entry, domains, &readable);
        entry.index++;
        before = at;
    }
    return 0;
}
