/* Certificates and private keys in PEM: any bytes are read or refused, within their bounds. */
#include "p7_hygiene/host/x509.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(x509_t) certificate = { 0 };

    if (x509_read(&certificate, (const char *)data, size)) {
        x509_key_bits(&certificate.key);
        x509_match_key(&certificate, (const char *)data, size);
    }
    return 0;
}
