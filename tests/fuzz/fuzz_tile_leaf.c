/* Data tiles of logs of certificates: leaves lie in their tile, and OpenSSL reads what they hold.
 */
#include "p2_internet/ct/ct_chain.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a log gives as issuers is as hostile as its leaves: the certificate stands for them. */
static void check_chain(const struct ct_chain_library *library, const struct ct_leaf *leaf)
{
    g_autoptr(GPtrArray) issuers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    g_assert_true(leaf->chain_count == 0 || leaf->chain);
    for (guint i = 0; i < MIN(leaf->chain_count, 2); i++)
        g_ptr_array_add(issuers, g_bytes_new(leaf->der, leaf->length));
    if (!leaf->chain_count)
        g_assert_cmpint(ct_chain_verify(library, leaf, issuers), ==, CT_CHAIN_NONE);
    else
        g_assert_cmpint(ct_chain_verify(library, leaf, issuers), !=, CT_CHAIN_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ct_chain_library *library = ct_chain_library_new(NULL);
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
        g_assert_true(!entry.leaf.chain_count ||
                      entry.leaf.chain + (gsize)entry.leaf.chain_count * CT_KEY_HASH == data + at);
        check_chain(library, &entry.leaf);
        ct_leaf_hash(merkle, &entry.leaf);
        seen = ct_x509_read(x509, &entry, domains, &readable);
        entry.index++;
        before = at;
    }
    ct_chain_library_free(library);
    return 0;
}
