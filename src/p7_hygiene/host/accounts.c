#include "p7_hygiene/host/accounts.h"

#include <string.h>

enum { PASSWD_FIELDS = 7, SHADOW_FIELDS = 9, GROUP_FIELDS = 4 };

static void shadow_free(struct shadow_entry *entry)
{
    g_free(entry->name);
    g_free(entry->hash);
    g_free(entry);
}

static void account_free(struct account *account)
{
    g_free(account->name);
    g_free(account->password);
    g_free(account->gecos);
    g_free(account->home);
    g_free(account->shell);
    g_free(account);
}

static void group_free(struct group *group)
{
    g_free(group->name);
    g_free(group->password);
    g_strfreev(group->members);
    g_free(group);
}

static void odd_free(struct odd_line *odd)
{
    g_free(odd->text);
    g_free(odd);
}

static gint64 number(const char *text)
{
    guint64 value;

    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &value, NULL) ? (gint64)value
                                                                              : ACCOUNT_NONE;
}

struct parsing {
    struct accounts *accounts;
    const char *path;
};

/* Fields of a line, or NULL when it is empty, a comment, for NIS, or has too few. */
static char **fields_of(struct parsing *parsing, guint line, const char *text, gsize length,
                        guint wanted)
{
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) fields = g_strsplit(g_strchomp(copy), ":", -1);
    struct odd_line *odd;

    if (!*copy || *copy == '#')
        return NULL;
    if (*copy != '+' && *copy != '-' && g_strv_length(fields) >= wanted)
        return g_steal_pointer(&fields);
    odd = g_new0(struct odd_line, 1);
    odd->path = parsing->path;
    odd->line = line;
    odd->nis = *copy == '+' || *copy == '-';
    odd->text = g_strdup(fields[0]);
    g_ptr_array_add(parsing->accounts->odd, odd);
    return NULL;
}

static void read_user(guint line, const char *text, gsize length, gpointer data)
{
    struct parsing *parsing = data;
    g_auto(GStrv) fields = fields_of(parsing, line, text, length, PASSWD_FIELDS);
    struct account *account;

    if (!fields)
        return;
    account = g_new0(struct account, 1);
    account->name = g_strdup(fields[0]);
    account->password = g_strdup(fields[1]);
    account->uid = number(fields[2]);
    account->gid = number(fields[3]);
    account->gecos = g_strdup(fields[4]);
    account->home = g_strdup(fields[5]);
    account->shell = g_strdup(fields[6]);
    account->line = line;
    g_ptr_array_add(parsing->accounts->users, account);
}

static void read_shadow(guint line, const char *text, gsize length, gpointer data)
{
    struct parsing *parsing = data;
    g_auto(GStrv) fields = fields_of(parsing, line, text, length, SHADOW_FIELDS);
    struct shadow_entry *entry;

    if (!fields)
        return;
    entry = g_new0(struct shadow_entry, 1);
    entry->name = g_strdup(fields[0]);
    entry->hash = g_strdup(fields[1]);
    entry->changed = number(fields[2]);
    entry->least = number(fields[3]);
    entry->most = number(fields[4]);
    entry->warn = number(fields[5]);
    entry->inactive = number(fields[6]);
    entry->expire = number(fields[7]);
    entry->line = line;
    g_ptr_array_add(parsing->accounts->shadows, entry);
}

static void read_group(guint line, const char *text, gsize length, gpointer data)
{
    struct parsing *parsing = data;
    g_auto(GStrv) fields = fields_of(parsing, line, text, length, GROUP_FIELDS);
    struct group *group;

    if (!fields)
        return;
    group = g_new0(struct group, 1);
    group->name = g_strdup(fields[0]);
    group->password = g_strdup(fields[1]);
    group->gid = number(fields[2]);
    group->members = *fields[3] ? g_strsplit(fields[3], ",", -1) : g_new0(char *, 1);
    group->line = line;
    g_ptr_array_add(parsing->accounts->groups, group);
}

static const struct host_file *read_all(struct host *host, struct accounts *accounts,
                                        const char *path, host_line_fn each)
{
    const struct host_file *file = host_read(host, path);
    struct parsing parsing = { accounts, file->path };

    if (each)
        host_each_line(file, each, &parsing);
    return file;
}

static gpointer accounts_load(struct host *host)
{
    struct accounts *accounts = g_new0(struct accounts, 1);
    g_autoptr(GHashTable) shadows = g_hash_table_new(g_str_hash, g_str_equal);

    accounts->users = g_ptr_array_new_with_free_func((GDestroyNotify)account_free);
    accounts->shadows = g_ptr_array_new_with_free_func((GDestroyNotify)shadow_free);
    accounts->groups = g_ptr_array_new_with_free_func((GDestroyNotify)group_free);
    accounts->odd = g_ptr_array_new_with_free_func((GDestroyNotify)odd_free);
    accounts->passwd = read_all(host, accounts, "/etc/passwd", read_user);
    accounts->shadow = read_all(host, accounts, "/etc/shadow", read_shadow);
    accounts->group = read_all(host, accounts, "/etc/group", read_group);
    accounts->gshadow = read_all(host, accounts, "/etc/gshadow", NULL);
    /* The first line of a name is the one getspnam(3) finds. */
    for (guint i = accounts->shadows->len; i-- > 0;) {
        struct shadow_entry *entry = accounts->shadows->pdata[i];

        g_hash_table_replace(shadows, entry->name, entry);
    }
    for (guint i = 0; i < accounts->users->len; i++) {
        struct account *account = accounts->users->pdata[i];

        account->shadow = g_hash_table_lookup(shadows, account->name);
    }
    return accounts;
}

static void accounts_unload(gpointer fact)
{
    struct accounts *accounts = fact;

    g_ptr_array_unref(accounts->users);
    g_ptr_array_unref(accounts->shadows);
    g_ptr_array_unref(accounts->groups);
    g_ptr_array_unref(accounts->odd);
    g_free(accounts);
}

static const struct fact_kind accounts_kind = { "accounts", accounts_load, accounts_unload };

const struct accounts *accounts_of(struct host *host)
{
    return host_fact(host, &accounts_kind);
}

const struct account *accounts_user(const struct accounts *accounts, const char *name)
{
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];

        if (g_str_equal(account->name, name))
            return account;
    }
    return NULL;
}

const struct group *accounts_group(const struct accounts *accounts, const char *name)
{
    for (guint i = 0; i < accounts->groups->len; i++) {
        const struct group *group = accounts->groups->pdata[i];

        if (g_str_equal(group->name, name))
            return group;
    }
    return NULL;
}

GPtrArray *accounts_members(const struct accounts *accounts, const struct group *group)
{
    GPtrArray *members = g_ptr_array_new();

    for (guint i = 0; group->members[i]; i++)
        if (*group->members[i])
            g_ptr_array_add(members, group->members[i]);
    for (guint i = 0; i < accounts->users->len; i++) {
        struct account *account = accounts->users->pdata[i];

        if (account->gid == group->gid && account->gid != ACCOUNT_NONE &&
            !g_strv_contains((const char *const *)group->members, account->name))
            g_ptr_array_add(members, account->name);
    }
    return members;
}

gboolean account_is_human(const struct account *account)
{
    return account->uid >= UID_HUMAN_MIN && account->uid != UID_NOBODY;
}

gboolean account_has_shell(const struct account *account)
{
    static const char *const closed[] = { "nologin", "false", NULL };
    g_autofree char *name = g_path_get_basename(account->shell);

    return !*account->shell || !g_strv_contains(closed, name);
}

/* Prefixes of crypt(5). Traditional DES has none: 13 characters of its own alphabet. */
struct hash_scheme hash_scheme_of(const char *field)
{
    static const struct {
        const char *prefix, *name;
        enum hash_strength strength;
    } schemes[] = {
        { "$y$", "yescrypt", HASH_STRONG },
        { "$gy$", "gost-yescrypt", HASH_STRONG },
        { "$7$", "scrypt", HASH_STRONG },
        { "$2b$", "bcrypt", HASH_STRONG },
        { "$2y$", "bcrypt", HASH_STRONG },
        { "$argon2id$", "argon2id", HASH_STRONG },
        { "$6$", "sha512crypt", HASH_STRONG },
        { "$5$", "sha256crypt", HASH_FAIR },
        { "$2a$", "bcrypt (2a)", HASH_FAIR },
        { "$md5", "SunMD5", HASH_WEAK },
        { "$1$", "md5crypt", HASH_WEAK },
        { "$sha1", "sha1crypt", HASH_WEAK },
        { "$3$", "NT", HASH_WEAK },
        { "_", "BSDi DES", HASH_WEAK },
    };
    enum { DES_LENGTH = 13 };
    struct hash_scheme scheme = { 0 };

    if (!*field)
        return (struct hash_scheme){ "empty", HASH_EMPTY, FALSE };
    scheme.locked = *field == '!';
    while (*field == '!')
        field++;
    for (guint i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (g_str_has_prefix(field, schemes[i].prefix)) {
            scheme.name = schemes[i].name;
            scheme.strength = schemes[i].strength;
            return scheme;
        }
    if (*field &&
        strspn(field, "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
            strlen(field) &&
        strlen(field) >= DES_LENGTH) {
        scheme.name = "DES";
        scheme.strength = HASH_WEAK;
        return scheme;
    }
    /* crypt(3) gives nothing that compares equal to "*", "x" or "!". */
    return (struct hash_scheme){ "locked", HASH_LOCKED, TRUE };
}

gboolean account_has_password(const struct account *account)
{
    gboolean shadowed = g_str_equal(account->password, "x");
    struct hash_scheme scheme;

    if (shadowed && !account->shadow)
        return FALSE;
    scheme = hash_scheme_of(shadowed ? account->shadow->hash : account->password);
    return scheme.strength == HASH_EMPTY || (scheme.strength != HASH_LOCKED && !scheme.locked);
}

struct lookup {
    const char *key;
    gsize key_length;
    char *value;
    guint line;
};

static void look_for_key(guint line, const char *text, gsize length, gpointer data)
{
    struct lookup *lookup = data;
    g_autofree char *copy = g_strndup(text, length);
    char *at = g_strstrip(copy), *rest, *comment;

    if (strncmp(at, lookup->key, lookup->key_length) != 0)
        return;
    rest = at + lookup->key_length;
    if (*rest && !strchr(" \t=#", *rest))
        return;
    comment = strchr(rest, '#');
    if (comment)
        *comment = 0;
    rest += strspn(rest, " \t");
    if (*rest == '=')
        rest++;
    g_free(lookup->value);
    lookup->value = g_strdup(g_strstrip(rest));
    lookup->line = line;
}

char *key_lookup(const struct host_file *file, const char *key, guint *line)
{
    struct lookup lookup = { .key = key, .key_length = strlen(key) };

    host_each_line(file, look_for_key, &lookup);
    if (line)
        *line = lookup.line;
    return lookup.value;
}
