#include "p2_internet/ct/ct_leaf.h"

#include "base/error.h"

#include <string.h>

#define TIME_SIZE 8u
#define TYPE_SIZE 2u
#define EXTENSION_INDEX 0
#define INDEX_SIZE 5u
#define LEAF_PREFIX 2u /* version v1, leaf type timestamped_entry: both 0 */

enum { TYPE_CERTIFICATE, TYPE_PRECERTIFICATE };

struct cursor {
    const guint8 *bytes;
    gsize size, at;
};

static gboolean refuse(const struct cursor *cursor, const char *what, GError **error)
{
    return input_error(error, "byte %" G_GSIZE_FORMAT ": %s (static-ct-api, TileLeaf)", cursor->at,
                       what);
}

static gboolean take(struct cursor *cursor, gsize length, const guint8 **bytes, GError **error)
{
    if (length > cursor->size - cursor->at)
        return refuse(cursor, "the tile ends in an entry", error);
    *bytes = cursor->bytes + cursor->at;
    cursor->at += length;
    return TRUE;
}

static gboolean take_number(struct cursor *cursor, guint size, guint64 *number, GError **error)
{
    const guint8 *bytes = NULL;

    if (!take(cursor, size, &bytes, error))
        return FALSE;
    *number = 0;
    for (guint i = 0; i < size; i++)
        *number = *number << 8 | bytes[i];
    return TRUE;
}

/* A vector behind its length of `size` bytes. */
static gboolean take_vector(struct cursor *cursor, guint size, const guint8 **bytes, gsize *length,
                            GError **error)
{
    guint64 number;

    if (!take_number(cursor, size, &number, error))
        return FALSE;
    *length = (gsize)number;
    return take(cursor, *length, bytes, error);
}

static gboolean take_extensions(struct cursor *cursor, struct ct_leaf *leaf, GError **error)
{
    const guint8 *bytes = NULL, *value;
    gsize length = 0, value_length;
    guint64 type;

    leaf->index = G_MAXUINT64;
    if (!take_vector(cursor, 2, &bytes, &length, error))
        return FALSE;
    for (struct cursor inner = { bytes, length, 0 }; inner.at < inner.size;) {
        if (!take_number(&inner, 1, &type, error) ||
            !take_vector(&inner, 2, &value, &value_length, error)) {
            g_prefix_error(error, "in the extensions: ");
            return FALSE;
        }
        if (type != EXTENSION_INDEX)
            continue;
        if (value_length != INDEX_SIZE || leaf->index != G_MAXUINT64)
            return refuse(cursor, "no leaf_index", error);
        leaf->index = 0;
        for (guint i = 0; i < INDEX_SIZE; i++)
            leaf->index = leaf->index << 8 | value[i];
    }
    return TRUE;
}

static gboolean take_entry(struct cursor *cursor, struct ct_leaf *leaf, GError **error)
{
    guint64 type;

    if (!take_number(cursor, TIME_SIZE, &leaf->time_ms, error) ||
        !take_number(cursor, TYPE_SIZE, &type, error))
        return FALSE;
    if (type > TYPE_PRECERTIFICATE)
        return refuse(cursor, "an entry that is neither certificate nor precertificate", error);
    leaf->precertificate = type == TYPE_PRECERTIFICATE;
    leaf->issuer_key_hash = NULL;
    if (leaf->precertificate && !take(cursor, CT_KEY_HASH, &leaf->issuer_key_hash, error))
        return FALSE;
    if (!take_vector(cursor, 3, &leaf->der, &leaf->length, error))
        return FALSE;
    if (leaf->length == 0 || leaf->length > CT_CERTIFICATE_MAX)
        return refuse(cursor, "a certificate of no bytes, or of more than may be", error);
    return take_extensions(cursor, leaf, error);
}

gboolean ct_leaf_next(const void *tile, gsize size, gsize *at, struct ct_leaf *leaf, GError **error)
{
    struct cursor cursor = { tile, size, *at };
    const guint8 *behind;
    gsize length;

    leaf->entry = cursor.bytes + cursor.at;
    if (!take_entry(&cursor, leaf, error))
        return FALSE;
    leaf->entry_length = cursor.at - *at;
    if (leaf->precertificate && !take_vector(&cursor, 3, &behind, &length, error))
        return FALSE;
    if (!take_vector(&cursor, 2, &behind, &length, error))
        return FALSE;
    if (length % CT_KEY_HASH)
        return refuse(&cursor, "a chain that is not of fingerprints", error);
    leaf->chain = behind;
    leaf->chain_count = (guint)(length / CT_KEY_HASH);
    *at = cursor.at;
    return TRUE;
}

struct merkle_hash ct_leaf_hash(struct merkle *merkle, const struct ct_leaf *leaf)
{
    g_autofree guint8 *bytes = g_malloc0(LEAF_PREFIX + leaf->entry_length);

    memcpy(bytes + LEAF_PREFIX, leaf->entry, leaf->entry_length);
    return merkle_leaf(merkle, bytes, LEAF_PREFIX + leaf->entry_length);
}
