#include "register/entry.h"

#include "base/error.h"
#include "statement/intoto.h"
#include "statement/merkle.h"

#include <sodium.h>
#include <string.h>

#define ENTRY_BYTES_LIMIT 65535 /* tlog-tiles: an entry's length is a be16 */

static void refuse(struct entry *entry, enum register_verdict verdict, const char *message)
{
    entry->verdict = verdict;
    entry->message = g_strdup(message);
}

static gboolean is_canonical(const json_t *value, const void *data, gsize length)
{
    g_autoptr(GBytes) canonical = json_canonical(value, NULL);

    return canonical && g_bytes_get_size(canonical) == length &&
           memcmp(g_bytes_get_data(canonical, NULL), data, length) == 0;
}

/* Whatever is wrong with an envelope that is not in its canonical form. */
static void refuse_envelope(struct entry *entry, const void *data, gsize length)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(dsse_t) other_form = dsse_parse(data, length, "entry", &error);

    refuse(entry, REGISTER_MALFORMED,
           other_form ? "the envelope is not in canonical form (RFC 8785)" : error->message);
}

static void read_statement(struct entry *entry)
{
    g_autoptr(GError) error = NULL;
    gsize length;
    const void *data = g_bytes_get_data(entry->envelope->payload, &length);

    if (!g_str_equal(entry->envelope->payload_type, INTOTO_PAYLOAD_TYPE)) {
        refuse(entry, REGISTER_MALFORMED, "the payload is not an in-toto statement");
        return;
    }
    entry->statement = intoto_read(entry->envelope->payload, &error);
    if (!entry->statement) {
        refuse(entry, REGISTER_MALFORMED, error->message);
        return;
    }
    if (!is_canonical(entry->statement, data, length)) {
        refuse(entry, REGISTER_MALFORMED, "the payload is not in canonical form (RFC 8785)");
        return;
    }
    entry->predicate = predicate_find(intoto_predicate_type(entry->statement));
    if (!entry->predicate)
        refuse(entry, REGISTER_UNKNOWN_PREDICATE, "the type of the statement is not known here");
    else if (entry->predicate->exposure == EXPOSURE_LOCAL)
        refuse(entry, REGISTER_EXPOSURE, "statements of this type never go into a log");
    else if (!predicate_verify(entry->predicate, entry->statement, &error))
        refuse(entry, REGISTER_MALFORMED, error->message);
}

struct entry *entry_parse(GBytes *bytes)
{
    struct entry *entry = g_new0(struct entry, 1);
    g_autoptr(merkle_t) merkle = merkle_new();
    struct merkle_hash leaf;
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);

    leaf = merkle_leaf(merkle, data, length);
    memcpy(entry->leaf, leaf.bytes, sizeof entry->leaf);
    entry->checks = g_array_new(FALSE, FALSE, sizeof(struct entry_check));
    if (!length || length > ENTRY_BYTES_LIMIT) {
        refuse(entry, REGISTER_MALFORMED, "an entry has 1 to 65535 bytes");
        return entry;
    }
    entry->envelope = dsse_parse_canonical(data, length);
    if (!entry->envelope) {
        refuse_envelope(entry, data, length);
        return entry;
    }
    crypto_hash_sha256(entry->payload_hash, g_bytes_get_data(entry->envelope->payload, NULL),
                       g_bytes_get_size(entry->envelope->payload));
    entry->pae = dsse_pae(entry->envelope->payload_type, entry->envelope->payload);
    read_statement(entry);
    return entry;
}

void entry_free(struct entry *entry)
{
    if (!entry)
        return;
    g_free(entry->message);
    dsse_free(entry->envelope);
    json_decref(entry->statement);
    g_bytes_unref(entry->pae);
    g_array_unref(entry->checks);
    g_free(entry);
}

gboolean entry_is_signed_by(struct entry *entry, guint index, const guint8 key[KEY_PUBLIC_SIZE])
{
    const struct dsse_signature *signature = entry->envelope->signatures->pdata[index];
    struct entry_check check = { .signature = index };
    gsize length, size;
    const void *message = g_bytes_get_data(entry->pae, &length);
    const guint8 *bytes = g_bytes_get_data(signature->bytes, &size);

    for (guint i = 0; i < entry->checks->len; i++) {
        const struct entry_check *done = &g_array_index(entry->checks, struct entry_check, i);

        if (done->signature == index && memcmp(done->key, key, KEY_PUBLIC_SIZE) == 0)
            return done->good;
    }
    memcpy(check.key, key, KEY_PUBLIC_SIZE);
    check.good =
        size == KEY_SIGNATURE_SIZE && crypto_sign_verify_detached(bytes, message, length, key) == 0;
    g_array_append_val(entry->checks, check);
    return check.good;
}

const char *entry_hint(const struct entry *entry, guint index)
{
    return ((const struct dsse_signature *)entry->envelope->signatures->pdata[index])->keyid;
}
