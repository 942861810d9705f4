/*
 * warning_list.c: what warning lists hold, and whether one warns of an indicator.
 *
 * There may be two hundred lists, so each indicator is looked up once for all lists that look at
 * the same kinds: a group has one set of names, one of networks and so on for all its lists.
 */
#include "p1_resilience/hunt/warning_list_private.h"

#include <string.h>

/* PCRE2 stops a match that needs more: a foreign expression may be a bomb. */
#define REGEX_BOUNDS "(*LIMIT_MATCH=100000)(*LIMIT_DEPTH=1000)(*LIMIT_HEAP=10000)"
#define REGEX_LIMIT 4096

struct list {
    char *name;
    enum warning_list_kind kind;
    gsize entries, skipped;
    struct group *group;
};

struct network {
    guint8 family, prefix, address[16];
    guint32 list; /* index + 1; not part of the key */
};

/* An entry that is searched for in the text. */
struct needle {
    char *text;
    GRegex *regex;
    guint32 list;
};

struct group {
    guint kinds;
    GHashTable *strings, *hostnames;    /* text -> list index + 1 */
    GHashTable *networks;               /* struct network, as its own value */
    guint8 lengths4[33], lengths6[129]; /* whether there are networks of this length */
    GArray *sorted;                     /* the networks by address; made at the first use */
    GPtrArray *substrings, *regexes;    /* struct needle */
};

struct warning_lists {
    GPtrArray *lists;  /* struct list */
    GPtrArray *groups; /* struct group */
};

static const char *const kind_names[WARNING_LIST_KINDS] = {
    "string", "substring", "hostname", "cidr", "regex",
};

gboolean warning_list_kind_parse(const char *name, enum warning_list_kind *kind)
{
    for (guint i = 0; i < WARNING_LIST_KINDS; i++)
        if (g_strcmp0(kind_names[i], name) == 0) {
            *kind = i;
            return TRUE;
        }
    return FALSE;
}

static void free_list(gpointer data)
{
    struct list *list = data;

    g_free(list->name);
    g_free(list);
}

static void free_needle(gpointer data)
{
    struct needle *needle = data;

    g_free(needle->text);
    g_clear_pointer(&needle->regex, g_regex_unref);
    g_free(needle);
}

static void free_group(gpointer data)
{
    struct group *group = data;

    g_hash_table_unref(group->strings);
    g_hash_table_unref(group->hostnames);
    g_hash_table_unref(group->networks);
    g_clear_pointer(&group->sorted, g_array_unref);
    g_ptr_array_unref(group->substrings);
    g_ptr_array_unref(group->regexes);
    g_free(group);
}

struct warning_lists *warning_lists_new(void)
{
    struct warning_lists *lists = g_new0(struct warning_lists, 1);

    lists->lists = g_ptr_array_new_with_free_func(free_list);
    lists->groups = g_ptr_array_new_with_free_func(free_group);
    return lists;
}

void warning_lists_free(struct warning_lists *lists)
{
    if (!lists)
        return;
    g_ptr_array_unref(lists->lists);
    g_ptr_array_unref(lists->groups);
    g_free(lists);
}

guint warning_lists_count(const struct warning_lists *lists)
{
    return lists->lists->len;
}

static const struct list *list_at(const struct warning_lists *lists, guint index)
{
    return lists->lists->pdata[index];
}

const char *warning_list_name(const struct warning_lists *lists, guint index)
{
    return list_at(lists, index)->name;
}

gsize warning_list_entries(const struct warning_lists *lists, guint index)
{
    return list_at(lists, index)->entries;
}

gsize warning_list_skipped(const struct warning_lists *lists, guint index)
{
    return list_at(lists, index)->skipped;
}

/* ---- filling */

static guint network_hash(gconstpointer key)
{
    const struct network *network = key;
    guint64 high, low;

    memcpy(&high, network->address, sizeof high);
    memcpy(&low, network->address + 8, sizeof low);
    high = (high ^ low * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)) + network->prefix;
    return (guint)((high * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9)) >> 32);
}

static gboolean network_equal(gconstpointer one, gconstpointer other)
{
    return memcmp(one, other, offsetof(struct network, list)) == 0;
}

static struct group *group_of(struct warning_lists *lists, guint kinds)
{
    struct group *group;

    for (guint i = 0; i < lists->groups->len; i++) {
        group = lists->groups->pdata[i];
        if (group->kinds == kinds)
            return group;
    }
    group = g_new0(struct group, 1);
    group->kinds = kinds;
    group->strings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    group->hostnames = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    group->networks = g_hash_table_new_full(network_hash, network_equal, g_free, NULL);
    group->substrings = g_ptr_array_new_with_free_func(free_needle);
    group->regexes = g_ptr_array_new_with_free_func(free_needle);
    g_ptr_array_add(lists->groups, group);
    return group;
}

guint warning_lists_begin(struct warning_lists *lists, const char *name,
                          enum warning_list_kind kind, guint kinds)
{
    struct list *list = g_new0(struct list, 1);

    list->name = g_strdup(name);
    list->kind = kind;
    list->group = group_of(lists, kinds);
    g_ptr_array_add(lists->lists, list);
    return lists->lists->len - 1;
}

/* The first list that has an entry keeps it. */
static gboolean add_text(GHashTable *set, const char *text, guint32 list)
{
    if (!g_hash_table_contains(set, text))
        g_hash_table_insert(set, g_strdup(text), GUINT_TO_POINTER(list));
    return TRUE;
}

static gboolean add_string(struct group *group, const char *entry, guint32 list)
{
    g_autofree char *lower = g_ascii_strdown(entry, -1);
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    /* In the normal form, which is what will be looked for; else as it stands. */
    if (indicator_parse(entry, strlen(entry), INDICATOR_VERBATIM | INDICATOR_FORCE, &indicator,
                        &why) &&
        why == INDICATOR_FINE)
        return add_text(group->strings, indicator.text, list);
    return add_text(group->strings, lower, list);
}

static gboolean add_hostname(struct group *group, const char *entry, guint32 list)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;
    g_autofree char *lower = NULL;

    if (indicator_parse(entry, strlen(entry), INDICATOR_VERBATIM | INDICATOR_ONLY(INDICATOR_DOMAIN),
                        &indicator, &why))
        return add_text(group->hostnames, indicator.text, list);
    /* A whole top-level domain. */
    lower = g_ascii_strdown(entry + (*entry == '.'), -1);
    return why == INDICATOR_SINGLE_LABEL ? add_text(group->hostnames, lower, list) : FALSE;
}

static gboolean add_network(struct group *group, const char *entry, guint32 list)
{
    g_auto(indicator_t) indicator = { 0 };
    struct network network = { .list = list }, *key;
    enum indicator_why why;

    if (!indicator_parse(entry, strlen(entry),
                         INDICATOR_VERBATIM | INDICATOR_FORCE | INDICATOR_ONLY(INDICATOR_IPV4) |
                             INDICATOR_ONLY(INDICATOR_IPV6) | INDICATOR_ONLY(INDICATOR_CIDR),
                         &indicator, &why))
        return FALSE;
    network.family = indicator.family;
    network.prefix = indicator.prefix;
    memcpy(network.address, indicator.address, sizeof network.address);
    *(network.family == 4 ? &group->lengths4[network.prefix] : &group->lengths6[network.prefix]) =
        1;
    if (!g_hash_table_contains(group->networks, &network)) {
        key = g_memdup2(&network, sizeof network);
        g_hash_table_add(group->networks, key);
        g_clear_pointer(&group->sorted, g_array_unref);
    }
    return TRUE;
}

static gboolean add_substring(struct group *group, const char *entry, guint32 list)
{
    struct needle *needle = g_new0(struct needle, 1);

    needle->text = g_ascii_strdown(entry, -1);
    needle->list = list;
    g_ptr_array_add(group->substrings, needle);
    return TRUE;
}

/* "/expression/i" as MISP writes them, or the expression alone. */
static gboolean add_regex(struct group *group, const char *entry, guint32 list)
{
    const char *last = strrchr(entry, '/');
    g_autofree char *bounded = NULL;
    GRegexCompileFlags flags = 0;
    struct needle *needle;
    GRegex *regex;

    if (strlen(entry) > REGEX_LIMIT)
        return FALSE;
    if (*entry == '/' && last > entry) {
        if (strchr(last, 'i'))
            flags |= G_REGEX_CASELESS;
        bounded = g_strdup_printf(REGEX_BOUNDS "%.*s", (int)(last - entry - 1), entry + 1);
    } else {
        bounded = g_strconcat(REGEX_BOUNDS, entry, NULL);
    }
    regex = g_regex_new(bounded, flags | G_REGEX_RAW, 0, NULL);
    if (!regex)
        return FALSE;
    needle = g_new0(struct needle, 1);
    needle->regex = regex;
    needle->list = list;
    g_ptr_array_add(group->regexes, needle);
    return TRUE;
}

void warning_lists_entry(struct warning_lists *lists, const char *entry)
{
    static gboolean (*const add[WARNING_LIST_KINDS])(struct group *, const char *, guint32) = {
        [WARNING_STRING] = add_string,     [WARNING_SUBSTRING] = add_substring,
        [WARNING_HOSTNAME] = add_hostname, [WARNING_CIDR] = add_network,
        [WARNING_REGEX] = add_regex,
    };
    struct list *list = lists->lists->pdata[lists->lists->len - 1];

    if (*entry && add[list->kind](list->group, entry, lists->lists->len))
        list->entries++;
    else
        list->skipped++;
}

void warning_lists_add_known(struct warning_lists *lists)
{
    static const char *const networks[] = {
        "0.0.0.0/8",       "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12",   "192.168.0.0/16", "224.0.0.0/4",   "::/128",      "::1/128",
        "255.255.255.255", "fc00::/7",       "fe80::/10",     "ff00::/8",
    };
    static const char *const digests[] = {
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    };

    warning_lists_begin(lists, "addresses of no public host", WARNING_CIDR,
                        INDICATOR_ONLY(INDICATOR_IPV4) | INDICATOR_ONLY(INDICATOR_IPV6) |
                            INDICATOR_ONLY(INDICATOR_CIDR) | INDICATOR_ONLY(INDICATOR_URL));
    for (guint i = 0; i < G_N_ELEMENTS(networks); i++)
        warning_lists_entry(lists, networks[i]);
    warning_lists_begin(lists, "digests of the empty file", WARNING_STRING,
                        INDICATOR_ONLY(INDICATOR_HASH));
    for (guint i = 0; i < G_N_ELEMENTS(digests); i++)
        warning_lists_entry(lists, digests[i]);
    warning_lists_prepare(lists);
}

/* ---- matching */

static int compare_networks(gconstpointer one, gconstpointer other)
{
    const struct network *a = one, *b = other;
    int order = (int)a->family - b->family;

    if (!order)
        order = memcmp(a->address, b->address, sizeof a->address);
    return order ? order : (int)a->prefix - b->prefix;
}

/* Networks by address, for those that lie within an asked one; the order costs its first use. */
void warning_lists_prepare(struct warning_lists *lists)
{
    for (guint i = 0; i < lists->groups->len; i++) {
        struct group *group = lists->groups->pdata[i];
        GHashTableIter iter;
        gpointer key;

        if (group->sorted)
            continue;
        group->sorted = g_array_new(FALSE, FALSE, sizeof(struct network));
        g_hash_table_iter_init(&iter, group->networks);
        while (g_hash_table_iter_next(&iter, &key, NULL))
            g_array_append_vals(group->sorted, key, 1);
        g_array_sort(group->sorted, compare_networks);
    }
}

static void mask(guint8 *address, guint prefix)
{
    for (guint i = 0; i < 16; i++) {
        guint keep = prefix > i * 8 ? MIN(prefix - i * 8, 8) : 0;

        address[i] &= (guint8)(0xff00 >> keep);
    }
}

/* A listed network that the asked one lies in. */
static guint match_containing(const struct group *group, const struct network *asked)
{
    const guint8 *lengths = asked->family == 4 ? group->lengths4 : group->lengths6;

    for (guint prefix = 0; prefix <= asked->prefix; prefix++) {
        struct network wider = *asked;
        gpointer found;

        if (!lengths[prefix])
            continue;
        wider.prefix = (guint8)prefix;
        mask(wider.address, prefix);
        if (g_hash_table_lookup_extended(group->networks, &wider, &found, NULL))
            return ((const struct network *)found)->list;
    }
    return 0;
}

/* A listed network that lies in the asked one. */
static guint match_contained(const struct group *group, const struct network *asked)
{
    const struct network *sorted = (const struct network *)(void *)group->sorted->data;
    guint low = 0, high = group->sorted->len;
    struct network first;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (compare_networks(&sorted[middle], asked) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == group->sorted->len || sorted[low].family != asked->family)
        return 0;
    first = sorted[low];
    mask(first.address, asked->prefix);
    return memcmp(first.address, asked->address, sizeof first.address) == 0 ? sorted[low].list : 0;
}

static guint match_network(const struct group *group, const struct network *asked)
{
    guint found;

    if (!g_hash_table_size(group->networks))
        return 0;
    found = match_containing(group, asked);
    return found ? found : match_contained(group, asked);
}

/* The name or one that it lies below. */
static guint match_hostname(const struct group *group, const char *name)
{
    if (!g_hash_table_size(group->hostnames))
        return 0;
    while (name) {
        guint found = GPOINTER_TO_UINT(g_hash_table_lookup(group->hostnames, name));
        const char *dot = strchr(name, '.');

        if (found)
            return found;
        name = dot ? dot + 1 : NULL;
    }
    return 0;
}

static guint match_needles(const GPtrArray *needles, const char *text)
{
    for (guint i = 0; i < needles->len; i++) {
        const struct needle *needle = needles->pdata[i];

        if (needle->regex ? g_regex_match(needle->regex, text, 0, NULL)
                          : strstr(text, needle->text) != NULL)
            return needle->list;
    }
    return 0;
}

/* What an indicator is, once for all groups. */
struct question {
    const struct indicator *indicator;
    const char *host;       /* a name; NULL: none */
    char *copy;             /* that, where it is a part of the indicator */
    struct network network; /* family 0: none */
};

static void ask(struct question *question, const struct indicator *indicator)
{
    gsize length;
    const char *host = indicator_host(indicator, &length);
    g_auto(indicator_t) address = { 0 };
    enum indicator_why why;

    *question = (struct question){ .indicator = indicator };
    if (indicator->kind == INDICATOR_DOMAIN || indicator->kind == INDICATOR_HOST)
        question->host = indicator->text;
    if (host && indicator_parse(host, length,
                                INDICATOR_VERBATIM | INDICATOR_ONLY(INDICATOR_IPV4) |
                                    INDICATOR_ONLY(INDICATOR_IPV6),
                                &address, &why))
        indicator = &address;
    else if (host)
        question->host = question->copy = g_strndup(host, length);
    question->network.family = indicator->family;
    question->network.prefix = indicator->prefix;
    memcpy(question->network.address, indicator->address, sizeof question->network.address);
}

static guint match_group(const struct group *group, const struct question *question)
{
    const char *text = question->indicator->text;
    guint found = GPOINTER_TO_UINT(g_hash_table_lookup(group->strings, text));

    if (!found && question->host)
        found = match_hostname(group, question->host);
    if (!found && question->network.family)
        found = match_network(group, &question->network);
    if (!found)
        found = match_needles(group->substrings, text);
    return found ? found : match_needles(group->regexes, text);
}

guint warning_lists_match(const struct warning_lists *lists, const struct indicator *indicator)
{
    struct question question;
    guint first = 0;

    if (!lists->groups->len)
        return 0;
    ask(&question, indicator);
    for (guint i = 0; i < lists->groups->len; i++) {
        const struct group *group = lists->groups->pdata[i];
        guint found = group->kinds && !(group->kinds & INDICATOR_ONLY(indicator->kind))
                          ? 0
                          : match_group(group, &question);

        if (found && (!first || found < first))
            first = found;
    }
    g_free(question.copy);
    return first;
}
