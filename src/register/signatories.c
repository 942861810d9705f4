#include "register/register_private.h"
#include "statement/base64.h"

#include <string.h>

struct reg_signatory *reg_signatory_by_hex(const struct reg *reg, const char *hex)
{
    guint8 id[SIGNATORY_ID_SIZE];

    return hex_decode_into(hex, id, sizeof id) ? g_hash_table_lookup(reg->by_id, id) : NULL;
}

struct reg_signatory *reg_signatory_add(struct reg *reg, const struct root_keys *root,
                                        gboolean proven)
{
    struct reg_signatory *signatory = g_new0(struct reg_signatory, 1);

    root_keys_id(root, signatory->id);
    signatory->id_hex = hex_encode(signatory->id, sizeof signatory->id);
    signatory->removed_at = G_MAXUINT64;
    signatory->keys = g_ptr_array_new();
    signatory->attestations = g_ptr_array_new_with_free_func(g_free);
    signatory->attested_by_it = g_ptr_array_new();
    signatory->assessments = g_ptr_array_new();
    signatory->commitments = g_ptr_array_new();
    signatory->positions = g_ptr_array_new();
    signatory->releases = g_ptr_array_new();
    signatory->reports = g_ptr_array_new();
    g_ptr_array_add(reg->signatories, signatory);
    g_hash_table_insert(reg->by_id, signatory->id, signatory);
    reg_signatory_set_root(reg, signatory, root, proven);
    return signatory;
}

void reg_signatory_free(gpointer data)
{
    struct reg_signatory *signatory = data;

    g_free(signatory->id_hex);
    g_free(signatory->name);
    g_free(signatory->subtype);
    g_free(signatory->country);
    g_free(signatory->domain);
    g_free(signatory->folded);
    root_keys_clear(&signatory->root);
    g_ptr_array_unref(signatory->keys);
    g_ptr_array_unref(signatory->attestations);
    g_ptr_array_unref(signatory->attested_by_it);
    g_ptr_array_unref(signatory->assessments);
    g_ptr_array_unref(signatory->commitments);
    g_ptr_array_unref(signatory->positions);
    g_ptr_array_unref(signatory->releases);
    g_ptr_array_unref(signatory->reports);
    g_clear_pointer(&signatory->route_alarms, g_ptr_array_unref);
    g_free(signatory);
}

void reg_signatory_set_root(struct reg *reg, struct reg_signatory *signatory,
                            const struct root_keys *root, gboolean proven)
{
    for (guint i = 0; i < signatory->keys->len; i++) {
        struct reg_key *key = signatory->keys->pdata[i];

        if (key->role == KEY_ROLE_ROOT)
            key->in_force = FALSE;
    }
    root_keys_clear(&signatory->root);
    root_keys_copy(&signatory->root, root);
    for (guint i = 0; i < root->keys->len; i++) {
        const struct public_key *public = root->keys->pdata[i];
        g_autofree char *text = public_key_text(public);

        reg_key_bind(reg, public->bytes, text, signatory, KEY_ROLE_ROOT, proven)->in_force = TRUE;
    }
}

void reg_signatory_name(struct reg *reg, struct reg_signatory *signatory, const char *name,
                        const char *domain, const char *country)
{
    gboolean same = g_strcmp0(signatory->name, name) == 0 &&
                    g_strcmp0(signatory->domain, domain) == 0 &&
                    g_strcmp0(signatory->country, country) == 0;

    if (same)
        return;
    if (signatory->domain && g_hash_table_lookup(reg->by_domain, signatory->domain) == signatory)
        g_hash_table_remove(reg->by_domain, signatory->domain);
    g_free(signatory->name);
    g_free(signatory->domain);
    g_free(signatory->country);
    signatory->name = g_strdup(name);
    signatory->domain = g_strdup(domain);
    signatory->country = g_strdup(country);
    g_free(signatory->folded);
    signatory->folded = listing_fold(signatory);
    signatory->identity++;
    g_hash_table_replace(reg->by_domain, signatory->domain, signatory);
}
