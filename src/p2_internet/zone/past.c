#include "p2_internet/zone/past.h"

#include "base/clock.h"

#include <sodium.h>

struct zone_past {
    GHashTable *keys; /* digest -> gint64 *: Unix seconds */
    gint64 pending_s;
};

static gint64 seconds_of(const json_t *object, const char *member)
{
    const char *text = json_text(object, member);
    gint64 time_us;

    return text && clock_parse(text, &time_us, NULL) ? time_us / G_USEC_PER_SEC : ZONE_NEVER;
}

struct zone_past *zone_past_new(const json_t *record)
{
    struct zone_past *past = g_new0(struct zone_past, 1);
    const json_t *key;
    size_t index;

    past->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    past->pending_s = seconds_of(record, "cds_pending_since");
    json_array_foreach(json_object_get(record, "keys"), index, key)
    {
        const gint64 seen_s = seconds_of(key, "first_seen");
        const char *digest = json_text(key, "digest");

        if (digest && seen_s != ZONE_NEVER)
            g_hash_table_replace(past->keys, g_strdup(digest), g_memdup2(&seen_s, sizeof seen_s));
    }
    return past;
}

void zone_past_free(struct zone_past *past)
{
    if (!past)
        return;
    g_hash_table_unref(past->keys);
    g_free(past);
}

gint64 zone_past_key(const struct zone_past *past, const char *digest)
{
    const gint64 *seen_s = g_hash_table_lookup(past->keys, digest);

    return seen_s ? *seen_s : ZONE_NEVER;
}

gint64 zone_past_pending(const struct zone_past *past)
{
    return past->pending_s;
}

char *zone_key_digest(const struct dns_record *record)
{
    guint8 digest[crypto_hash_sha256_BYTES];
    char *text = g_malloc(2 * sizeof digest + 1);

    crypto_hash_sha256(digest, record->data, record->length);
    return sodium_bin2hex(text, 2 * sizeof digest + 1, digest, sizeof digest);
}

/* The earlier of the two, where there was an earlier one. */
static json_t *time_since(gint64 then_s, gint64 now_s)
{
    g_autofree char *text =
        clock_format((then_s != ZONE_NEVER ? MIN(then_s, now_s) : now_s) * G_USEC_PER_SEC);

    return json_string(text);
}

void zone_past_put(const struct zone_past *past, json_t *document, const json_t *keys,
                   gboolean is_pending, gint64 now_s)
{
    json_t *list = json_array(), *key;
    size_t index;

    json_array_foreach(keys, index, key)
    {
        json_t *row = json_copy(key);
        const char *digest = json_text(key, "digest");

        json_object_set_new(row, "first_seen",
                            time_since(digest ? zone_past_key(past, digest) : ZONE_NEVER, now_s));
        json_array_append_new(list, row);
    }
    json_object_set_new(document, "keys", list);
    if (is_pending)
        json_object_set_new(document, "cds_pending_since", time_since(past->pending_s, now_s));
}
