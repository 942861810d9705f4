/* Ids and times of STIX objects (STIX 2.1 sections 2.9 and 3.2). */
#include "base/clock.h"
#include "base/error.h"
#include "base/uuid.h"
#include "p1_resilience/intel/stix.h"
#include <string.h>

/* The namespace of observables, 00abedb4-aa42-466c-9c01-fed23315a9b7 (section 2.9). */
static const guint8 observable_space[UUID_SIZE] = {
    0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7
};

#define CONTRIBUTING_MAX 8

/* The properties that make up an observable's id (section 6); none: its id is random. */
static const struct {
    const char *type;
    const char *contributing[CONTRIBUTING_MAX + 1];
} observables[] = {
    { "artifact", { "hashes", "payload_bin" } },
    { "autonomous-system", { "number" } },
    { "directory", { "path" } },
    { "domain-name", { "value" } },
    { "email-addr", { "value" } },
    { "email-message", { "from_ref", "subject", "body" } },
    { "file", { "hashes", "name", "parent_directory_ref", "extensions" } },
    { "ipv4-addr", { "value" } },
    { "ipv6-addr", { "value" } },
    { "mac-addr", { "value" } },
    { "mutex", { "name" } },
    { "network-traffic",
      { "start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions" } },
    { "process", { NULL } },
    { "software", { "name", "cpe", "swid", "vendor", "version" } },
    { "url", { "value" } },
    { "user-account", { "account_type", "user_id", "account_login" } },
    { "windows-registry-key", { "key", "values" } },
    { "x509-certificate", { "hashes", "serial_number" } },
};

/* Of several hashes the first of these counts; else the first in lexical order. */
static const char *const hash_order[] = { "MD5", "SHA-1", "SHA-256", "SHA-512" };

static int observable_row(const char *type)
{
    for (guint i = 0; type && i < G_N_ELEMENTS(observables); i++)
        if (strcmp(type, observables[i].type) == 0)
            return (int)i;
    return -1;
}

gboolean stix_is_observable(const char *type)
{
    return observable_row(type) >= 0;
}

/* The one hash that contributes, as an object of its own; NULL: there is none. */
static json_t *contributing_hash(const json_t *hashes)
{
    const char *chosen = NULL, *name;
    json_t *value, *one;

    for (guint i = 0; i < G_N_ELEMENTS(hash_order) && !chosen; i++)
        if (json_object_get(hashes, hash_order[i]))
            chosen = hash_order[i];
    if (!chosen)
        json_object_foreach((json_t *)hashes, name, value) if (!chosen || strcmp(name, chosen) < 0)
            chosen = name;
    if (!chosen)
        return NULL;
    one = json_object();
    json_object_set(one, chosen, json_object_get(hashes, chosen));
    return one;
}

char *stix_new_id(const char *type)
{
    g_autofree char *uuid = g_uuid_string_random();

    return g_strdup_printf("%s--%s", type, uuid);
}

char *stix_observable_id(const json_t *object, GError **error)
{
    g_autoptr(json_t) parts = json_object();
    g_autoptr(GBytes) canonical = NULL;
    g_autofree char *uuid = NULL;
    const char *type = json_text(object, "type");
    int row = observable_row(type);

    if (row < 0) {
        input_error(error, "\"%s\" is no type of observable objects", type ? type : "");
        return NULL;
    }
    for (guint i = 0; observables[row].contributing[i]; i++) {
        const char *name = observables[row].contributing[i];
        json_t *value = json_object_get(object, name);

        if (!value)
            continue;
        if (strcmp(name, "hashes") == 0) {
            json_t *hash = contributing_hash(value);

            if (hash)
                json_object_set_new(parts, name, hash);
        } else {
            json_object_set(parts, name, value);
        }
    }
    if (json_object_size(parts) == 0)
        return stix_new_id(type);
    canonical = json_canonical(parts, error);
    if (!canonical)
        return NULL;
    uuid = uuid_from_bytes(observable_space, g_bytes_get_data(canonical, NULL),
                           g_bytes_get_size(canonical));
    return g_strdup_printf("%s--%s", type, uuid);
}

/* Lower-case letters, digits and hyphens, 3 to 250 of them (section 2.4). */
static gboolean is_type(const char *text, gsize length)
{
    const gsize least = 3, most = 250;

    if (length < least || length > most || !g_ascii_islower(text[0]))
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_islower(text[i]) && !g_ascii_isdigit(text[i]) && text[i] != '-')
            return FALSE;
    return TRUE;
}

gboolean stix_is_id(const char *id, const char *type)
{
    const char *dashes = id ? strstr(id, "--") : NULL;

    if (!dashes || !is_type(id, dashes - id) || !g_uuid_string_is_valid(dashes + 2))
        return FALSE;
    return !type || (strlen(type) == (gsize)(dashes - id) && g_str_has_prefix(id, type));
}

const char *stix_version(const json_t *object)
{
    const char *modified = json_text(object, "modified");

    return modified ? modified : json_text(object, "created");
}

char *stix_time(gint64 time_us)
{
    const gint64 per_second = G_USEC_PER_SEC, per_millisecond = 1000;
    gint64 rest = time_us % per_second;
    g_autofree char *whole = NULL;

    if (rest % per_millisecond)
        return clock_format(time_us);
    if (rest < 0)
        rest += per_second;
    whole = clock_format(time_us - rest);
    whole[strlen(whole) - 1] = 0; /* Z */
    return g_strdup_printf("%s.%03" G_GINT64_FORMAT "Z", whole, rest / per_millisecond);
}

gboolean stix_time_parse(const char *text, gint64 *time_us)
{
    const gsize to_seconds = strlen("0000-00-00T00:00:00"), digits_most = 6;
    g_autofree char *cut = NULL;
    gsize length = text ? strlen(text) : 0, fraction = 0;

    if (length <= to_seconds || text[length - 1] != 'Z' || text[10] != 'T')
        return FALSE;
    if (text[to_seconds] == '.') {
        fraction = strspn(text + to_seconds + 1, "0123456789");
        if (fraction == 0 || to_seconds + 1 + fraction + 1 != length)
            return FALSE;
    } else if (length != to_seconds + 1) {
        return FALSE;
    }
    if (fraction > digits_most)
        cut = g_strdup_printf("%.*sZ", (int)(to_seconds + 1 + digits_most), text);
    return clock_parse(cut ? cut : text, time_us, NULL);
}

/* The digits of the fraction without final zeros, in a form that strcmp() orders. */
static char *fraction_key(const char *text)
{
    const gsize to_fraction = strlen("0000-00-00T00:00:00.");
    char *key = g_strdup(strlen(text) > to_fraction ? text + to_fraction : "");

    return g_strchomp(g_strdelimit(key, "0Z", ' '));
}

int stix_time_compare(const char *one, const char *other)
{
    g_autofree char *fraction = fraction_key(one);
    g_autofree char *other_fraction = fraction_key(other);
    gint64 a = 0, b = 0;
    int order;

    stix_time_parse(one, &a);
    stix_time_parse(other, &b);
    order = a != b ? (a < b ? -1 : 1) : strcmp(fraction, other_fraction);
    return order < 0 ? -1 : order > 0;
}
