#include "p1_resilience/intel/taxii_filter.h"

#include "base/error.h"
#include "p1_resilience/intel/stix.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define TAG 16u /* bytes of the HMAC in a token */
#define SEQUENCE 8u
#define TEXT_MAX 300u /* bytes of one value: an id of STIX is shorter */
#define LIMIT_MAX 1000000000u

const char *const taxii_members[] = {
    "added_after",         "limit", "next", "match[id]", "match[type]", "match[version]",
    "match[spec_version]", NULL,
};

void taxii_filter_clear(struct taxii_filter *filter)
{
    g_clear_pointer(&filter->next, g_free);
    g_clear_pointer(&filter->ids, g_strfreev);
    g_clear_pointer(&filter->types, g_strfreev);
    g_clear_pointer(&filter->specs, g_strfreev);
    g_clear_pointer(&filter->exact, g_strfreev);
}

/* --- times --- */

char *taxii_version_key(const char *time)
{
    gsize length;
    gint64 time_us;

    if (!time || !stix_time_parse(time, &time_us))
        return NULL;
    length = strlen(time) - 1; /* the "Z" */
    if (memchr(time, '.', length)) {
        while (time[length - 1] == '0')
            length--;
        if (time[length - 1] == '.')
            length--;
    }
    return g_strndup(time, length);
}

char *taxii_time(gint64 time_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
    g_autofree char *text = time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%S") : NULL;

    return g_strdup_printf("%s.%06dZ", text ? text : "1970-01-01T00:00:00",
                           (int)(time_us % G_USEC_PER_SEC));
}

/* --- members of the query --- */

static gboolean is_among(char *const *list, guint count, const char *value)
{
    for (guint i = 0; i < count; i++)
        if (g_str_equal(list[i], value))
            return TRUE;
    return FALSE;
}

static char **without_repeats(char **list)
{
    guint kept = 0;

    for (char **value = list; *value; value++)
        if (is_among(list, kept, *value))
            g_free(*value);
        else
            list[kept++] = *value;
    list[kept] = NULL;
    return list;
}

/* "a,b": a list without empty values; NULL and an error otherwise. */
static char **read_list(const char *name, const char *text, GError **error)
{
    g_auto(GStrv) list = g_strsplit(text, ",", TAXII_LIST_MAX + 1);

    if (g_strv_length(list) > TAXII_LIST_MAX) {
        input_error(error, "%s: more than %u values", name, TAXII_LIST_MAX);
        return NULL;
    }
    for (char **value = list; *value; value++)
        if (!**value || strlen(*value) > TEXT_MAX) {
            input_error(error, "%s: an empty value, or one of more than %u bytes", name, TEXT_MAX);
            return NULL;
        }
    if (list[0])
        return without_repeats(g_steal_pointer(&list));
    input_error(error, "%s: no value", name);
    return NULL;
}

static gboolean read_ids(struct taxii_filter *filter, const char *name, const char *text,
                         GError **error)
{
    filter->ids = read_list(name, text, error);
    return filter->ids != NULL;
}

static gboolean read_types(struct taxii_filter *filter, const char *name, const char *text,
                           GError **error)
{
    filter->types = read_list(name, text, error);
    return filter->types != NULL;
}

static gboolean read_specs(struct taxii_filter *filter, const char *name, const char *text,
                           GError **error)
{
    filter->specs = read_list(name, text, error);
    return filter->specs != NULL;
}

static gboolean read_versions(struct taxii_filter *filter, const char *name, const char *text,
                              GError **error)
{
    static const struct {
        const char *word;
        enum taxii_versions flag;
    } words[] = { { "first", TAXII_FIRST }, { "last", TAXII_LAST }, { "all", TAXII_ALL } };
    g_auto(GStrv) list = read_list(name, text, error);
    g_autoptr(GPtrArray) exact = g_ptr_array_new_with_free_func(g_free);

    if (!list)
        return FALSE;
    filter->versions = 0;
    for (char **value = list; *value; value++) {
        guint flag = 0;

        for (guint i = 0; i < G_N_ELEMENTS(words); i++)
            if (g_str_equal(words[i].word, *value))
                flag = words[i].flag;
        if (!flag) {
            char *key = taxii_version_key(*value);

            if (!key)
                return input_error(error, "%s: \"%s\" is not first, last, all or a timestamp", name,
                                   *value);
            g_ptr_array_add(exact, key);
            flag = TAXII_EXACT;
        }
        filter->versions |= flag;
    }
    if (exact->len) {
        g_ptr_array_add(exact, NULL);
        filter->exact = (char **)g_ptr_array_free(g_steal_pointer(&exact), FALSE);
    }
    return TRUE;
}

static gboolean read_after(struct taxii_filter *filter, const char *name, const char *text,
                           GError **error)
{
    return stix_time_parse(text, &filter->after_us) ||
           input_error(error, "%s: \"%s\" is not a timestamp", name, text);
}

static gboolean read_limit(struct taxii_filter *filter, const char *name, const char *text,
                           GError **error)
{
    guint64 limit;

    if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &limit, NULL))
        return input_error(error, "%s: \"%s\" is not a number from 1", name, text);
    filter->limit = (guint)MIN(limit, LIMIT_MAX);
    return TRUE;
}

static gboolean read_next(struct taxii_filter *filter, const char *name, const char *text,
                          GError **error)
{
    if (!*text || strlen(text) > TEXT_MAX)
        return input_error(error, "%s: no value of this server", name);
    filter->next = g_strdup(text);
    return TRUE;
}

gboolean taxii_filter_read(struct taxii_filter *filter, guint members, taxii_query_fn query,
                           gpointer data, GError **error)
{
    /* In the order of taxii_members. */
    static const struct {
        enum taxii_member member;
        gboolean (*read)(struct taxii_filter *, const char *, const char *, GError **);
    } readers[] = {
        { TAXII_PAGE, read_after }, { TAXII_PAGE, read_limit }, { TAXII_PAGE, read_next },
        { TAXII_ID, read_ids },     { TAXII_TYPE, read_types }, { TAXII_VERSION, read_versions },
        { TAXII_SPEC, read_specs },
    };

    *filter = (struct taxii_filter){ .after_us = -1, .versions = TAXII_LAST };
    for (guint i = 0; i < G_N_ELEMENTS(readers); i++) {
        const char *text = query(taxii_members[i], data);

        if ((members & readers[i].member) && text &&
            !readers[i].read(filter, taxii_members[i], text, error)) {
            taxii_filter_clear(filter);
            return FALSE;
        }
    }
    return TRUE;
}

/* --- tokens --- */

static void add_text(crypto_auth_hmacsha256_state *state, const char *text)
{
    crypto_auth_hmacsha256_update(state, (const guint8 *)text, strlen(text) + 1);
}

/* Each list with its length, so that no two filters look the same. */
static void add_list(crypto_auth_hmacsha256_state *state, char *const *list)
{
    const guint32 count = GUINT32_TO_BE(list ? g_strv_length((char **)list) : G_MAXUINT32);

    crypto_auth_hmacsha256_update(state, (const guint8 *)&count, sizeof count);
    for (; list && *list; list++)
        add_text(state, *list);
}

static void make_tag(const guint8 secret[TAXII_SECRET], const char *scope,
                     const struct taxii_filter *filter, const guint8 sequence[SEQUENCE],
                     guint8 tag[TAG])
{
    crypto_auth_hmacsha256_state state;
    guint8 whole[crypto_auth_hmacsha256_BYTES];
    const gint64 after_us = GINT64_TO_BE(filter->after_us);
    const guint8 versions = (guint8)filter->versions;

    crypto_auth_hmacsha256_init(&state, secret, TAXII_SECRET);
    crypto_auth_hmacsha256_update(&state, sequence, SEQUENCE);
    add_text(&state, scope);
    crypto_auth_hmacsha256_update(&state, (const guint8 *)&after_us, sizeof after_us);
    crypto_auth_hmacsha256_update(&state, &versions, sizeof versions);
    add_list(&state, filter->ids);
    add_list(&state, filter->types);
    add_list(&state, filter->specs);
    add_list(&state, filter->exact);
    crypto_auth_hmacsha256_final(&state, whole);
    memcpy(tag, whole, TAG);
}

char *taxii_next_make(const guint8 secret[TAXII_SECRET], const char *scope,
                      const struct taxii_filter *filter, gint64 sequence)
{
    guint8 token[SEQUENCE + TAG];
    const guint64 number = GUINT64_TO_BE((guint64)sequence);
    char *text;

    memcpy(token, &number, SEQUENCE);
    make_tag(secret, scope, filter, token, token + SEQUENCE);
    text = g_base64_encode(token, sizeof token); /* 24 octets: no padding */
    return g_strdelimit(g_strdelimit(text, "+", '-'), "/", '_');
}

gint64 taxii_next_read(const guint8 secret[TAXII_SECRET], const char *scope,
                       const struct taxii_filter *filter)
{
    g_autoptr(GBytes) token = filter->next ? base64_decode_any(filter->next, -1) : NULL;
    const guint8 *bytes = token ? g_bytes_get_data(token, NULL) : NULL;
    guint8 tag[TAG];
    guint64 number;

    if (!token || g_bytes_get_size(token) != SEQUENCE + TAG)
        return -1;
    make_tag(secret, scope, filter, bytes, tag);
    if (sodium_memcmp(tag, bytes + SEQUENCE, TAG) != 0)
        return -1;
    memcpy(&number, bytes, SEQUENCE);
    number = GUINT64_FROM_BE(number);
    return number <= G_MAXINT64 ? (gint64)number : -1;
}
