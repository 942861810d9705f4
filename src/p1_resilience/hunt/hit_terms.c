#include "p1_resilience/hunt/hit_terms.h"

#include "statement/base64.h"

#include <string.h>

#define TERM_END " "
#define KEY_END " |"
#define WHOLE '='

struct hit_seen {
    GHashTable *keys; /* as they stand in terms */
};

gboolean hit_terms_add(GString *terms, const struct indicator *indicator, gboolean is_new_term)
{
    g_autofree struct hunt_key *key = g_new(struct hunt_key, 1);
    g_autofree char *digits = NULL;

    if (!hunt_key_of(indicator, key))
        return FALSE;
    digits = hex_encode(key->bytes, key->length);
    if (terms->len)
        g_string_append_c(terms, is_new_term ? ' ' : '|');
    if (indicator->kind == INDICATOR_HOST)
        g_string_append_c(terms, WHOLE);
    g_string_append(terms, digits);
    return TRUE;
}

gboolean hit_terms_next(const char **at, struct indicator *indicator, struct hunt_key *key)
{
    while (TRUE) {
        gsize length;

        *at += strspn(*at, KEY_END);
        if (!**at)
            return FALSE;
        *at += **at == WHOLE;
        length = strcspn(*at, KEY_END);
        if (length && length % 2 == 0 && length / 2 <= HUNT_KEY_MAX) {
            g_autofree char *digits = g_strndup(*at, length);

            *at += length;
            key->length = length / 2;
            if (!hex_decode_into(digits, key->bytes, key->length) ||
                !hunt_key_indicator(key->bytes, key->length, indicator))
                continue;
            if (hunt_key_of(indicator, key))
                return TRUE;
            indicator_clear(indicator);
        } else {
            *at += length;
        }
    }
}

struct hit_seen *hit_seen_new(void)
{
    struct hit_seen *seen = g_new0(struct hit_seen, 1);

    seen->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return seen;
}

void hit_seen_free(struct hit_seen *seen)
{
    if (!seen)
        return;
    g_hash_table_unref(seen->keys);
    g_free(seen);
}

void hit_seen_add(struct hit_seen *seen, const guint8 *key, gsize length, gboolean whole)
{
    char *digits = hex_encode(key, length);

    if (whole)
        g_hash_table_add(seen->keys, g_strdup_printf("%c%s", WHOLE, digits));
    g_hash_table_add(seen->keys, digits);
}

void hit_seen_clear(struct hit_seen *seen)
{
    g_hash_table_remove_all(seen->keys);
}

static gboolean term_is_met(const char *term, const struct hit_seen *seen)
{
    g_auto(GStrv) keys = g_strsplit(term, "|", -1);

    for (char **key = keys; *key; key++)
        if (g_hash_table_contains(seen->keys, *key))
            return TRUE;
    return FALSE;
}

gboolean hit_terms_met(const char *terms, const struct hit_seen *seen)
{
    g_auto(GStrv) all = NULL;

    if (!terms || !*terms)
        return FALSE;
    all = g_strsplit(terms, TERM_END, -1);
    for (char **term = all; *term; term++)
        if (!term_is_met(*term, seen))
            return FALSE;
    return TRUE;
}
