#include "delivery/office.h"

#include "base/error.h"
#include "log/history.h"
#include "process/case_keys.h"

#include <string.h>

/* --- what the cases ask --- */

static gpointer copy_key(gconstpointer key, gpointer data)
{
    (void)data;
    return public_key_copy(key);
}

/* Own cases of who did not endorse (yet) are signed by any own key. */
static GPtrArray *keys_of(gpointer data, const char *party, gint64 time_us, const char *hint,
                          enum case_verdict *why)
{
    const struct office *office = data;
    struct case_keys known;

    *why = CASE_UNKNOWN_KEY;
    if (g_str_equal(party, OFFICE_LOCAL))
        return g_ptr_array_copy((GPtrArray *)office->keys, copy_key, NULL);
    if (!office->reg)
        return NULL;
    known = case_keys_of_register(office->reg);
    return known.keys(known.data, party, time_us, hint, why);
}

static gint64 witnessed_us(gpointer data, const struct case_hash *event)
{
    const struct office *office = data;

    return ledger_witnessed_us(office->ledger, event);
}

static gboolean is_anchor(gpointer data, guint64 size, const struct case_hash *root,
                          gint64 *log_time_us)
{
    const struct office *office = data;
    const GArray *moments = office->community ? community_moments(office->community) : NULL;

    for (guint i = 0; moments && i < moments->len; i++) {
        const struct log_moment *moment = &g_array_index(moments, struct log_moment, i);

        if (moment->size == size && memcmp(moment->root.bytes, root->bytes, CASE_HASH_SIZE) == 0) {
            *log_time_us = moment->time_s * G_USEC_PER_SEC;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean newest(gpointer data, guint64 *size, struct case_hash *root, gint64 *time_us)
{
    const struct office *office = data;
    const GArray *moments = office->community ? community_moments(office->community) : NULL;
    const struct log_moment *moment;

    if (!moments || !moments->len)
        return FALSE;
    moment = &g_array_index(moments, struct log_moment, moments->len - 1);
    *size = moment->size;
    *time_us = moment->time_s * G_USEC_PER_SEC;
    memcpy(root->bytes, moment->root.bytes, sizeof root->bytes);
    return TRUE;
}

/* --- opening --- */

static char *find_self(const struct reg *reg, const GPtrArray *keys)
{
    char *id = reg ? register_id_of_keys(reg, keys) : NULL;

    return id ? id : g_strdup(OFFICE_LOCAL);
}

struct naming {
    const char *id;
    char *domain;
};

static void name_it(const char *id, const char *domain, gpointer data)
{
    struct naming *naming = data;

    if (g_str_equal(id, naming->id)) {
        g_free(naming->domain);
        naming->domain = g_strdup(domain);
    }
}

static gboolean open_cases(struct office *office, GError **error)
{
    const struct cases_options options = {
        .self = office->self,
        .origin = office->community ? community_genesis(office->community)->origin : OFFICE_LOCAL,
        .fold = { .keys = { keys_of, office },
                  .witnessed_us = witnessed_us,
                  .anchor = is_anchor,
                  .data = office },
        .newest = newest,
    };

    g_clear_pointer(&office->cases, cases_close);
    office->cases = cases_open(office->data_folder, &options, error);
    return office->cases != NULL;
}

gboolean office_refresh(struct office *office, GError **error)
{
    struct naming naming = { 0 };
    g_autofree char *self = NULL;

    if (office->community) {
        office->reg = community_register(office->community, error);
        if (!office->reg)
            return FALSE;
    }
    self = find_self(office->reg, office->keys);
    if (office->cases && g_str_equal(self, office->self))
        return TRUE;
    g_free(office->self);
    office->self = g_steal_pointer(&self);
    naming.id = office->self;
    if (office->reg)
        register_each(office->reg, name_it, &naming);
    g_free(office->domain);
    office->domain = naming.domain;
    return open_cases(office, error);
}

struct office *office_open(const char *data_folder, const GPtrArray *keys, GError **error)
{
    g_autoptr(office_t) office = g_new0(struct office, 1);

    office->data_folder = g_strdup(data_folder);
    office->keys = keys;
    if (community_exists(data_folder)) {
        office->community = community_open(data_folder, error);
        if (!office->community)
            return NULL;
    }
    office->ledger = ledger_open(data_folder, error);
    return office->ledger && office_refresh(office, error) ? g_steal_pointer(&office) : NULL;
}

void office_close(struct office *office)
{
    if (!office)
        return;
    cases_close(office->cases);
    ledger_close(office->ledger);
    community_close(office->community);
    g_free(office->self);
    g_free(office->domain);
    g_free(office->data_folder);
    g_free(office);
}

gboolean office_is_signatory(const struct office *office)
{
    return !g_str_equal(office->self, OFFICE_LOCAL);
}
