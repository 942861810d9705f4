/* find.c: one signatory by what people know of it: id or its beginning, domain, key. */
#include "base/error.h"
#include "register/document.h"
#include "register/register_private.h"

#include <string.h>

#define ID_DIGITS 8 /* at least, of an abbreviated id */

static gboolean has_key(const struct reg_signatory *signatory, const char *text)
{
    for (guint i = 0; i < signatory->keys->len; i++) {
        const struct reg_key *key = signatory->keys->pdata[i];
        gsize length = strlen(text);

        /* The whole text, or its hint: NAME+HEX8. */
        if (g_str_has_prefix(key->text, text) && strchr(text, '+') &&
            (!key->text[length] || key->text[length] == '+'))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_called(const struct reg_signatory *signatory, const char *who)
{
    return g_ascii_strcasecmp(signatory->domain, who) == 0 ||
           (strlen(who) >= ID_DIGITS && g_str_has_prefix(signatory->id_hex, who)) ||
           has_key(signatory, who);
}

const struct reg_signatory *reg_signatory_find(const struct reg *reg, const char *who,
                                               GError **error)
{
    const struct reg_signatory *found = NULL;
    guint removed = 0;

    for (guint i = 0; i < reg->signatories->len; i++) {
        const struct reg_signatory *signatory = reg->signatories->pdata[i];

        if (!is_called(signatory, who))
            continue;
        /* A domain set free may have a new owner, who is meant. */
        removed = found && found->removed_at != G_MAXUINT64;
        if (found && !removed && signatory->removed_at == G_MAXUINT64) {
            input_error(error, "\"%s\" is more than one signatory: %.16s (%s), %.16s (%s)", who,
                        found->id_hex, found->domain, signatory->id_hex, signatory->domain);
            return NULL;
        }
        if (!found || removed)
            found = signatory;
    }
    if (!found)
        input_error(error,
                    "\"%s\" is no signatory of %s: give its domain, at least %d digits of its id, "
                    "or a key of it",
                    who, register_policy(reg)->origin, ID_DIGITS);
    return found;
}

json_t *register_signatory(const struct reg *reg, const char *who, gint64 now_us, GError **error)
{
    const struct reg_signatory *found = reg_signatory_find(reg, who, error);

    return found ? document_signatory(found, now_us) : NULL;
}

gboolean register_index_of(const struct reg *reg, const guint8 leaf[32], guint64 *index)
{
    const struct reg_entry *counts = g_hash_table_lookup(reg->by_leaf, leaf);

    if (counts) {
        *index = counts->index;
        return TRUE;
    }
    for (guint i = 0; i < reg->entries->len; i++) {
        const struct reg_entry *entry = reg->entries->pdata[i];

        if (memcmp(entry->leaf, leaf, sizeof entry->leaf) == 0) {
            *index = entry->index;
            return TRUE;
        }
    }
    return FALSE;
}
