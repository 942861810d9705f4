#include "p2_internet/ct/ct_known.h"

#include "base/error.h"
#include "base/file.h"
#include "p2_internet/ct/ct_certificate.h"
#include "p2_internet/ct/ct_chain.h"

#include <string.h>

#define FILE_MAX (1u << 20)
#define DIGEST "sha256:"
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

const char *ct_verdict_name(enum ct_verdict verdict)
{
    static const char *const names[] = { "known", "unknown", "not-allowed", "look-alike" };

    return names[verdict];
}

/*
 * Which organisation of certificates goes by which name in CAA records: as the authorities' own
 * practice statements and the Common CA Database say.
 */
static const struct {
    const char *caa, *organisation;
} authorities[] = {
    { "letsencrypt.org", "Let's Encrypt" },
    { "letsencrypt.org", "Internet Security Research Group" },
    { "pki.goog", "Google Trust Services" },
    { "pki.goog", "Google Trust Services LLC" },
    { "digicert.com", "DigiCert Inc" },
    { "digicert.com", "DigiCert, Inc." },
    { "sectigo.com", "Sectigo Limited" },
    { "sectigo.com", "COMODO CA Limited" },
    { "globalsign.com", "GlobalSign nv-sa" },
    { "amazon.com", "Amazon" },
    { "amazontrust.com", "Amazon" },
    { "entrust.net", "Entrust, Inc." },
    { "buypass.com", "Buypass AS-983163327" },
    { "harica.gr", "Hellenic Academic and Research Institutions CA" },
    { "ssl.com", "SSL Corporation" },
    { "ssl.com", "SSL Corp" },
    { "certum.pl", "Asseco Data Systems S.A." },
    { "actalis.it", "Actalis S.p.A." },
    { "swisssign.com", "SwissSign AG" },
    { "d-trust.net", "D-Trust GmbH" },
    { "telesec.de", "Deutsche Telekom Security GmbH" },
    { "identrust.com", "IdenTrust" },
    { "godaddy.com", "GoDaddy.com, Inc." },
    { "certigna.fr", "Certigna" },
};

struct ct_known {
    const struct asset *asset;
    json_t *certificates; /* as in ct_certificate.h, of own files */
};

void ct_known_free(struct ct_known *known)
{
    if (!known)
        return;
    json_decref(known->certificates);
    g_free(known);
}

/* The certificates of a PEM file. */
static gboolean add_file(struct ct_known *known, struct ct_x509 *x509, const char *path,
                         GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, FILE_MAX, error);
    g_autofree char *text =
        bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;
    const size_t before = json_array_size(known->certificates);

    for (char *at = text; at && (at = strstr(at, PEM_BEGIN));) {
        char *end = strstr(at, PEM_END);
        struct ct_entry entry = { 0 };
        g_autofree guint8 *der = NULL;
        gboolean readable;
        json_t *read;

        if (!end)
            break;
        *end = '\0';
        der = g_base64_decode(at + strlen(PEM_BEGIN), &entry.leaf.length);
        entry.leaf.der = der;
        read = ct_x509_read(x509, &entry, NULL, &readable);
        if (read)
            json_array_append_new(known->certificates, read);
        at = end + 1;
    }
    return text && (json_array_size(known->certificates) > before ||
                    input_error(error, "%s: holds no certificate in PEM", path));
}

struct ct_known *ct_known_new(const struct asset *asset, GError **error)
{
    g_autoptr(ct_known_t) known = g_new0(struct ct_known, 1);
    g_autoptr(ct_x509_t) x509 = ct_x509_new(error);

    known->asset = asset;
    known->certificates = json_array();
    if (!x509)
        return NULL;
    for (char **item = asset->certificates; item && *item; item++)
        if (!g_str_has_prefix(*item, DIGEST) && !add_file(known, x509, *item, error))
            return NULL;
    return g_steal_pointer(&known);
}

static gboolean lists(char *const *list, const char *value)
{
    for (; list && *list && value; list++)
        if (g_ascii_strcasecmp(*list, value) == 0)
            return TRUE;
    return FALSE;
}

static gboolean lists_digest(char *const *list, const char *hex)
{
    g_autofree char *text = hex ? g_strconcat(DIGEST, hex, NULL) : NULL;

    return lists(list, text);
}

static gboolean same(const json_t *a, const json_t *b, const char *member)
{
    const char *text = json_text(a, member);

    return text && g_strcmp0(text, json_text(b, member)) == 0;
}

/* A precertificate and its certificate have the same key and serial. */
static gboolean is_own_file(const struct ct_known *known, const json_t *seen)
{
    const json_t *own;
    size_t index;

    json_array_foreach(known->certificates, index, own)
    {
        if (same(own, seen, "serial") && same(own, seen, "key"))
            return TRUE;
    }
    return FALSE;
}

/* "ca.example=Example CA" tells the organisation; of others the table does. */
static gboolean is_allowed(char *const *caa, const char *issuer, gboolean *told)
{
    for (; caa && *caa; caa++) {
        const char *equals = strchr(*caa, '=');

        *told |= equals && g_ascii_strcasecmp(equals + 1, issuer) == 0;
        if (equals && g_ascii_strcasecmp(equals + 1, issuer) == 0)
            return TRUE;
        for (guint i = 0; i < G_N_ELEMENTS(authorities); i++) {
            if (g_ascii_strcasecmp(authorities[i].organisation, issuer) != 0)
                continue;
            *told = TRUE;
            if (g_ascii_strcasecmp(authorities[i].caa, *caa) == 0)
                return TRUE;
        }
    }
    return FALSE;
}

enum ct_verdict ct_known_judge(const struct ct_known *known, const json_t *seen)
{
    const struct asset *asset = known ? known->asset : NULL;
    const char *issuer = json_text(seen, "issuer");
    gboolean told = FALSE;

    if (g_strcmp0(json_text(seen, "match"), ct_match_name(CT_LOOK_ALIKE)) == 0)
        return CT_IMITATION;
    if (!asset)
        return CT_UNKNOWN;
    if (lists_digest(asset->keys, json_text(seen, "key")) ||
        lists_digest(asset->certificates, json_text(seen, "fingerprint")) ||
        is_own_file(known, seen))
        return CT_KNOWN;
    if (asset->caa && issuer && !is_allowed(asset->caa, issuer, &told))
        return told || asset->caa[0] == NULL ? CT_NOT_ALLOWED : CT_UNKNOWN;
    /* Whoever writes an issuer's name into a certificate is not that issuer. */
    if (g_strcmp0(json_text(seen, "chain"), ct_chain_name(CT_CHAIN_BROKEN)) == 0)
        return CT_UNKNOWN;
    if (lists(asset->issuers, issuer) ||
        lists_digest(asset->issuers, json_text(seen, "issuer_key")))
        return CT_KNOWN;
    return CT_UNKNOWN;
}
