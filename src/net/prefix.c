#include "net/prefix.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <string.h>

guint ip_family_bits(guint8 family)
{
    return family == 4 ? 32 : family == 6 ? 128 : 0;
}

/* Clears the bits past `length`; whether any was set. */
static gboolean mask(guint8 *address, guint length)
{
    gboolean any = FALSE;

    for (guint i = length / 8; i < 16; i++) {
        guint8 keep = i == length / 8 ? (guint8)(0xff00 >> length % 8) : 0;

        any |= (address[i] & ~keep) != 0;
        address[i] &= keep;
    }
    return any;
}

gboolean ip_address_parse(const char *text, guint8 *family, guint8 *address)
{
    memset(address, 0, 16);
    *family = 4;
    if (inet_pton(AF_INET, text, address) == 1)
        return TRUE;
    *family = 6;
    return inet_pton(AF_INET6, text, address) == 1;
}

gboolean ip_prefix_parse(const char *text, struct ip_prefix *out, GError **error)
{
    const char *slash = strchr(text, '/');
    g_autofree char *address = NULL;
    guint64 length;

    if (!slash)
        return input_error(error, "\"%s\" is not a prefix: no '/'", text);
    address = g_strndup(text, (gsize)(slash - text));
    if (!ip_address_parse(address, &out->family, out->address))
        return input_error(error, "\"%s\" is not a prefix: \"%s\" is no address", text, address);
    if (!g_ascii_string_to_unsigned(slash + 1, 10, 0, ip_family_bits(out->family), &length, NULL))
        return input_error(error, "\"%s\" is not a prefix (length is 0..%u)", text,
                           ip_family_bits(out->family));
    out->length = (guint8)length;
    if (mask(out->address, out->length))
        return input_error(error, "\"%s\" is not a prefix: bits past its length are set", text);
    return TRUE;
}

gboolean ip_prefix_from_bytes(guint8 family, guint length, const guint8 *bytes,
                              struct ip_prefix *out, gboolean *masked)
{
    guint whole = length / 8, rest = length % 8;
    gboolean any = FALSE;

    if (length > ip_family_bits(family))
        return FALSE;
    *out = (struct ip_prefix){ .family = family, .length = (guint8)length };
    memcpy(out->address, bytes, whole + (rest != 0));
    if (rest) {
        any = (out->address[whole] & 0xff >> rest) != 0;
        out->address[whole] &= (guint8)(0xff00 >> rest);
    }
    if (masked)
        *masked = any;
    return TRUE;
}

gsize ip_address_format(guint8 family, const guint8 *address, char *text)
{
    if (!inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, IP_PREFIX_TEXT))
        g_strlcpy(text, "?", IP_PREFIX_TEXT);
    return strlen(text);
}

gsize ip_prefix_format(const struct ip_prefix *prefix, char *text)
{
    gsize length = ip_address_format(prefix->family, prefix->address, text);

    return length +
           (gsize)g_snprintf(text + length, IP_PREFIX_TEXT - length, "/%u", prefix->length);
}

gboolean ip_prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
    guint whole = outer->length / 8, rest = outer->length % 8;

    if (outer->family != inner->family || outer->length > inner->length ||
        memcmp(outer->address, inner->address, whole) != 0)
        return FALSE;
    return !rest || ((outer->address[whole] ^ inner->address[whole]) & (0xff00 >> rest)) == 0;
}

int ip_prefix_compare(gconstpointer a, gconstpointer b)
{
    const struct ip_prefix *one = a, *other = b;
    int order = (int)one->family - other->family;

    if (order == 0)
        order = memcmp(one->address, other->address, sizeof one->address);
    return order ? order : (int)one->length - other->length;
}

guint ip_prefix_hash(gconstpointer prefix)
{
    const guint8 *bytes = prefix;
    guint32 hash = 2166136261u; /* FNV-1a */

    for (gsize i = 0; i < sizeof(struct ip_prefix); i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

gboolean ip_prefix_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct ip_prefix)) == 0;
}
