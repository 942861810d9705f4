/* Checks of a test beyond the grammar of STIX patterns (STIX 2.1 sections 9.6 and 10.7). */
#include "p1_resilience/hunt/pattern_private.h"
#include <arpa/inet.h>
#include <string.h>

/* Hex digits of the hashes by name, hyphens and case left out. Names not here are free. */
static const struct {
    const char *name;
    guint16 digits;
} hash_sizes[] = {
    { "MD5", 32 },     { "SHA1", 40 },     { "SHA224", 56 },    { "SHA256", 64 },
    { "SHA384", 96 },  { "SHA512", 128 },  { "SHA3224", 56 },   { "SHA3256", 64 },
    { "SHA3384", 96 }, { "SHA3512", 128 }, { "RIPEMD160", 40 }, { "WHIRLPOOL", 128 },
};

char *pattern_hash_name(const char *name)
{
    GString *plain = g_string_new(NULL);

    for (; *name; name++)
        if (*name != '-' && *name != '_')
            g_string_append_c(plain, g_ascii_toupper(*name));
    return g_string_free(plain, FALSE);
}

/* size ':' chunk ':' double chunk */
static gboolean is_ssdeep(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    gsize size = strspn(text, "0123456789"), chunk;

    if (size == 0 || text[size] != ':')
        return FALSE;
    text += size + 1;
    chunk = strspn(text, digits);
    if (chunk == 0 || text[chunk] != ':')
        return FALSE;
    text += chunk + 1;
    chunk = strspn(text, digits);
    return chunk > 0 && text[chunk] == 0;
}

gboolean pattern_hash_fits(const char *algorithm, const char *value)
{
    g_autofree char *name = pattern_hash_name(algorithm);
    gsize length = strlen(value);

    if (strcmp(name, "SSDEEP") == 0)
        return is_ssdeep(value);
    for (guint i = 0; i < G_N_ELEMENTS(hash_sizes); i++)
        if (strcmp(name, hash_sizes[i].name) == 0)
            return length == hash_sizes[i].digits &&
                   strspn(value, "0123456789abcdefABCDEF") == length;
    return TRUE;
}

/* The algorithm that file:hashes.NAME names; NULL: another path, or hashes[*]. */
static const char *named_hash(const struct pattern_path *path)
{
    const struct pattern_step *steps = (const struct pattern_step *)(void *)path->steps->data;

    if (strcmp(path->type, "file") != 0 || path->steps->len != 2 ||
        strcmp(steps[0].name, "hashes") != 0 || steps[1].kind != PATTERN_STEP_NAME)
        return NULL;
    return steps[1].name;
}

/* "192.0.2.1" or "2001:db8::/32"; bits set past the length are let be, as the standard does. */
static gboolean is_network(const char *text)
{
    const char *slash = strchr(text, '/');
    g_autofree char *address = slash ? g_strndup(text, slash - text) : g_strdup(text);
    struct in_addr v4;
    struct in6_addr v6;
    guint most = 0;

    if (inet_pton(AF_INET, address, &v4) == 1)
        most = 32;
    else if (inet_pton(AF_INET6, address, &v6) == 1)
        most = 128;
    return most > 0 && (!slash || g_ascii_string_to_unsigned(slash + 1, 10, 0, most, NULL, NULL));
}

gboolean pattern_check_test(const struct pattern_node *test, enum pattern_refusal *refusal,
                            GError **error)
{
    const char *algorithm = named_hash(&test->path);
    gboolean whole = test->relation == PATTERN_EQUAL || test->relation == PATTERN_NOT_EQUAL ||
                     test->relation == PATTERN_IN;
    gboolean subnet = test->relation == PATTERN_ISSUBSET || test->relation == PATTERN_ISSUPERSET;

    for (guint i = 0; i < test->literals->len; i++) {
        const struct pattern_literal *literal =
            &g_array_index(test->literals, struct pattern_literal, i);

        if (algorithm && whole && !pattern_hash_fits(algorithm, literal->text))
            return pattern_refuse(refusal, error, PATTERN_REFUSED_HASH, test->position,
                                  "\"%s\" is no %s", literal->text, algorithm);
        if (subnet && !is_network(literal->text))
            return pattern_refuse(refusal, error, PATTERN_REFUSED_LITERAL, test->position,
                                  "\"%s\" is no address or network", literal->text);
    }
    return TRUE;
}
