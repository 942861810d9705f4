#include "p2_internet/ct/ct_name.h"

#include <string.h>

#define DNS_NAME_MAX 253u

const char *ct_match_name(enum ct_match match)
{
    static const char *const names[] = { "none", "exact", "subdomain", "wildcard", "look-alike" };

    return names[match];
}

/* Letters that are drawn as a Latin one; after Unicode's confusables.txt (UTS 39). */
static const struct {
    gunichar from;
    char to;
} twins[] = {
    { 0x0430, 'a' }, { 0x03b1, 'a' }, { 0x0251, 'a' }, { 0x0441, 'c' }, { 0x03f2, 'c' },
    { 0x0501, 'd' }, { 0x0435, 'e' }, { 0x04bd, 'e' }, { 0x0261, 'g' }, { 0x04bb, 'h' },
    { 0x0456, 'l' }, { 0x03b9, 'l' }, { 0x0131, 'l' }, { 0x0458, 'j' }, { 0x03f3, 'j' },
    { 0x043a, 'k' }, { 0x03ba, 'k' }, { 0x04cf, 'l' }, { 0x043c, 'm' }, { 0x043f, 'n' },
    { 0x03b7, 'n' }, { 0x043e, 'o' }, { 0x03bf, 'o' }, { 0x0585, 'o' }, { 0x0440, 'p' },
    { 0x03c1, 'p' }, { 0x051b, 'q' }, { 0x0433, 'r' }, { 0x0455, 's' }, { 0x0442, 't' },
    { 0x03c4, 't' }, { 0x057d, 'u' }, { 0x03c5, 'u' }, { 0x03bd, 'v' }, { 0x0475, 'v' },
    { 0x051d, 'w' }, { 0x03c9, 'w' }, { 0x0445, 'x' }, { 0x03c7, 'x' }, { 0x0443, 'y' },
    { 0x03b3, 'y' }, { 0x0225, 'z' }, { '0', 'o' },    { '1', 'l' },    { 'i', 'l' },
};

static void append_letter(GString *skeleton, gunichar letter)
{
    gunichar base[G_UNICHAR_MAX_DECOMPOSITION_LENGTH];

    if (g_unichar_fully_decompose(letter, FALSE, base, G_N_ELEMENTS(base)) > 1)
        letter = base[0]; /* without its accents */
    letter = g_unichar_tolower(letter);
    for (guint i = 0; i < G_N_ELEMENTS(twins); i++)
        if (twins[i].from == letter)
            letter = (gunichar)twins[i].to;
    if (letter != '-')
        g_string_append_unichar(skeleton, letter);
}

char *ct_skeleton(const char *name)
{
    g_autofree char *shown = g_hostname_to_unicode(name);
    GString *skeleton = g_string_new(NULL);

    for (const char *c = shown ? shown : name; *c;) {
        const gunichar letter = g_utf8_get_char_validated(c, -1);

        if (letter == (gunichar)-1 || letter == (gunichar)-2)
            break;
        append_letter(skeleton, letter);
        c = g_utf8_next_char(c);
    }
    g_string_replace(skeleton, "rn", "m", 0);
    g_string_replace(skeleton, "vv", "w", 0);
    return g_string_free(skeleton, FALSE);
}

/* The end of `name` that has as many labels as `domain`; NULL: it has fewer. */
static const char *same_labels(const char *domain, const char *name)
{
    guint labels = 1, have = 0;
    const char *at = name + strlen(name);

    for (const char *c = domain; *c; c++)
        labels += *c == '.';
    while (at > name && (at[-1] != '.' || ++have < labels))
        at--;
    return at > name || have + 1 >= labels ? at : NULL;
}

enum ct_match ct_match(const char *domain, const char *skeleton, const char *name)
{
    g_autofree char *lower = g_ascii_strdown(name, -1), *seen = NULL;
    const gboolean wild = g_str_has_prefix(lower, "*.");
    const char *base = wild ? lower + 2 : lower, *tail;
    gsize length = strlen(base);

    if (length && base[length - 1] == '.')
        lower[strlen(lower) - 1] = '\0';
    length = strlen(base);
    if (!length || length > DNS_NAME_MAX)
        return CT_NO;
    if (strcmp(base, domain) == 0)
        return wild ? CT_WILDCARD : CT_EXACT;
    if (length > strlen(domain) && g_str_has_suffix(base, domain) &&
        base[length - strlen(domain) - 1] == '.')
        return wild ? CT_WILDCARD : CT_SUBDOMAIN;
    if (wild && g_str_has_suffix(domain, base) &&
        strchr(domain, '.') == domain + strlen(domain) - length - 1)
        return CT_WILDCARD;
    tail = same_labels(domain, base);
    if (!tail)
        return CT_NO;
    seen = ct_skeleton(tail);
    return strcmp(seen, skeleton) == 0 ? CT_LOOK_ALIKE : CT_NO;
}
